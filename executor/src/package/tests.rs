use std::io::{Cursor, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use waterclock_core::id::ExecutorId;
use waterclock_core::work::{
    Exchange, Exchanged, Heartbeat, HeartbeatReply, LogLine, Progress, Registration,
};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// A source that has these bytes, whatever digest is asked for.
#[derive(Default)]
struct Shelf {
    bytes: Mutex<Bytes>,
    fetched: AtomicUsize,
}

#[async_trait]
impl WorkSource for Shelf {
    async fn register(&self, _: Registration) -> Result<(), WorkSourceError> {
        Ok(())
    }
    async fn heartbeat(&self, _: Heartbeat) -> Result<HeartbeatReply, WorkSourceError> {
        Ok(HeartbeatReply::Alive)
    }
    async fn exchange(&self, _: ExecutorId, _: Exchange) -> Result<Exchanged, WorkSourceError> {
        Ok(Exchanged::default())
    }
    async fn woken(&self, _: ExecutorId) {}
    async fn append_log(&self, _: Vec<LogLine>) -> Result<(), WorkSourceError> {
        Ok(())
    }
    async fn report_progress(&self, _: Vec<Progress>) -> Result<(), WorkSourceError> {
        Ok(())
    }
    async fn fetch_package(&self, _: TenantId, _: &Digest) -> Result<Bytes, WorkSourceError> {
        self.fetched.fetch_add(1, Ordering::SeqCst);
        Ok(lock(&self.bytes).clone())
    }
    async fn leave(&self, _: ExecutorId) -> Result<(), WorkSourceError> {
        Ok(())
    }
}

struct World {
    shelf: Arc<Shelf>,
    cache: PackageCache,
    tenant: TenantId,
    _folder: TempDir,
}

impl World {
    fn with_limit(limit: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Arc::new(Shelf::default());
        let source = Arc::clone(&shelf) as Arc<dyn WorkSource>;
        Self {
            shelf,
            cache: PackageCache::open(folder.path().join("packages"), limit, source).unwrap(),
            tenant: TenantId::generate(),
            _folder: folder,
        }
    }

    async fn get(&self, file_name: &str, bytes: &[u8]) -> Result<Package, PackageError> {
        *lock(&self.shelf.bytes) = Bytes::copy_from_slice(bytes);
        let digest = Digest::of(bytes);
        let file_name = file_name.to_owned();
        self.cache
            .get(self.tenant, &PackageRef { digest, file_name })
            .await
    }

    fn fetched(&self) -> usize {
        self.shelf.fetched.load(Ordering::SeqCst)
    }
}

fn a_zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An entry of a tar, with its name as it is: the library's own functions refuse the names that we want to see refused.
struct TarEntry<'a> {
    name: &'a str,
    kind: tar::EntryType,
    content: &'a str,
}

fn a_tar(entries: &[TarEntry<'_>]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_mode(0o755);
        let content = if entry.kind == tar::EntryType::Regular {
            entry.content.as_bytes()
        } else {
            header.as_old_mut().linkname[..entry.content.len()].copy_from_slice(entry.content.as_bytes());
            b""
        };
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content).unwrap();
    }
    tar.into_inner().unwrap()
}

fn file<'a>(name: &'a str, content: &'a str) -> TarEntry<'a> {
    TarEntry {
        name,
        kind: tar::EntryType::Regular,
        content,
    }
}

fn link<'a>(name: &'a str, content: &'a str) -> TarEntry<'a> {
    TarEntry {
        name,
        kind: tar::EntryType::Symlink,
        content,
    }
}

#[tokio::test]
async fn a_package_is_fetched_once_and_used_as_it_is() {
    let world = World::with_limit(1000);
    let first = world.get("app.jar", b"jar").await.unwrap();
    let second = world.get("app.jar", b"jar").await.unwrap();
    assert_eq!(first.path(), second.path());
    assert_eq!(fs::read(first.path()).unwrap(), b"jar");
    assert!(first.path().ends_with("app.jar") && !first.is_folder());
    assert_eq!(world.fetched(), 1);
}

#[tokio::test]
async fn bytes_of_another_digest_are_refused_and_not_kept() {
    let world = World::with_limit(1000);
    *lock(&world.shelf.bytes) = Bytes::from_static(b"other");
    let package = PackageRef {
        digest: Digest::of(b"wanted"),
        file_name: "a.jar".into(),
    };
    let refused = world.cache.get(world.tenant, &package).await.unwrap_err();
    assert!(matches!(refused, PackageError::DigestDiffers { .. }) && refused.is_fault());
    *lock(&world.shelf.bytes) = Bytes::from_static(b"wanted");
    assert!(world.cache.get(world.tenant, &package).await.is_ok());
}

#[tokio::test]
async fn archives_are_unpacked() {
    let world = World::with_limit(1 << 20);
    let zip = a_zip(&[("bin/run", "go"), ("data/x", "1")]);
    let package = world.get("job.zip", &zip).await.unwrap();
    assert!(package.is_folder());
    assert_eq!(fs::read_to_string(package.path().join("bin/run")).unwrap(), "go");

    let tar = a_tar(&[file("bin/run", "go"), link("run", "bin/run")]);
    let package = world.get("job.tar", &tar).await.unwrap();
    assert_eq!(fs::read_to_string(package.path().join("run")).unwrap(), "go");

    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(&tar).unwrap();
    let package = world.get("job.tgz", &gz.finish().unwrap()).await.unwrap();
    let mode = fs::metadata(package.path().join("bin/run"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o555);
}

#[tokio::test]
async fn archives_that_lead_out_of_their_folder_are_refused() {
    let world = World::with_limit(1 << 20);
    let archives = [
        a_tar(&[file("../evil", "x")]),
        a_tar(&[file("/tmp/waterclock-evil", "x")]),
        a_tar(&[link("out", "/etc/hostname")]),
        a_tar(&[link("out", "../../../../etc")]),
        a_tar(&[link("loop", "loop")]),
        a_tar(&[link("a", "/tmp"), link("a/evil", "x")]),
        a_tar(&[link("a", "."), file("a/b", "x"), link("a", "/tmp")]),
    ];
    for (number, archive) in archives.iter().enumerate() {
        let refused = world.get("job.tar", archive).await.unwrap_err();
        assert!(
            matches!(refused, PackageError::NotUnpacked { .. }),
            "{number}: {refused}"
        );
        assert!(!refused.is_fault());
    }
    let refused = world.get("job.zip", &a_zip(&[("../evil", "x")])).await;
    assert!(refused.is_err());
    let leftovers = fs::read_dir(&world.cache.folder).unwrap().count();
    assert_eq!(leftovers, 0, "nothing of a refused archive stays");
}

#[tokio::test]
async fn files_that_are_no_archives_despite_their_name_are_refused() {
    let world = World::with_limit(1000);
    for name in ["job.zip", "job.tar.gz"] {
        let refused = world.get(name, b"not an archive").await.unwrap_err();
        assert!(matches!(refused, PackageError::NotUnpacked { .. }), "{name}");
    }
    assert!(matches!(
        world.get("../x", b"x").await,
        Err(PackageError::NotAFileName(_))
    ));
}

#[tokio::test]
async fn what_was_used_longest_ago_makes_room_but_not_what_is_in_use() {
    let world = World::with_limit(10);
    let held = world.get("a", b"aaaaaa").await.unwrap();
    let path = world.get("b", b"bbbbbb").await.unwrap().path().to_owned();
    assert!(held.path().exists(), "in use");
    drop(held);
    world.get("c", b"cccccc").await.unwrap();
    assert!(!path.exists(), "making room for c");
    world.get("b", b"bbbbbb").await.unwrap();
    assert_eq!(world.fetched(), 4);
}
