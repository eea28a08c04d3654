CREATE TABLE packages (
    tenant_id uuid NOT NULL,
    digest bytea NOT NULL,
    file_name text NOT NULL,
    size bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT packages_pkey PRIMARY KEY (tenant_id, digest),
    CONSTRAINT package_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT package_digest_is_sha256 CHECK (octet_length(digest) = 32),
    CONSTRAINT package_is_at_most_64_mib CHECK (size BETWEEN 0 AND 67108864)
);
COMMENT ON TABLE packages IS 'Uploaded code, named by the SHA-256 of its bytes.';
COMMENT ON COLUMN packages.tenant_id IS 'The owner.';
COMMENT ON COLUMN packages.digest IS 'The SHA-256 of the bytes.';
COMMENT ON COLUMN packages.file_name IS 'The name that it is stored under on an executor''s machine.';
COMMENT ON COLUMN packages.size IS 'How many bytes it has.';
COMMENT ON COLUMN packages.created_at IS 'When it was uploaded.';

CREATE TABLE package_chunks (
    tenant_id uuid NOT NULL,
    digest bytea NOT NULL,
    place integer NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT package_chunks_pkey PRIMARY KEY (tenant_id, digest, place),
    CONSTRAINT chunk_has_a_package FOREIGN KEY (tenant_id, digest) REFERENCES packages (tenant_id, digest) ON DELETE CASCADE
);
-- Packages are compressed already; TOAST need not try again.
ALTER TABLE package_chunks ALTER COLUMN content SET STORAGE EXTERNAL;
COMMENT ON TABLE package_chunks IS 'The bytes of a package in pieces of at most 1 MiB, so that nobody need hold it whole.';
COMMENT ON COLUMN package_chunks.tenant_id IS 'The owner.';
COMMENT ON COLUMN package_chunks.digest IS 'The package.';
COMMENT ON COLUMN package_chunks.place IS 'The place of the piece, from 0.';
COMMENT ON COLUMN package_chunks.content IS 'The bytes.';

SELECT keep_tenant_alone('packages'), keep_tenant_alone('package_chunks');
GRANT SELECT, INSERT, UPDATE, DELETE ON packages, package_chunks TO waterclock_api, waterclock_engine;
