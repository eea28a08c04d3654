//! `waterclock token`: a token alone on standard output, so that a shell can take it.

use chrono::TimeDelta;
use waterclock_api::auth::{Grant, issue};
use waterclock_core::clock::SystemClock;

use crate::args::{ProcessArgs, TokenArgs};
use crate::data_dir::DataDir;

/// Signs the token that `args` describe.
pub(crate) fn sign(process: &ProcessArgs, args: TokenArgs) -> anyhow::Result<String> {
    let secret = match args.jwt_secret {
        Some(secret) => secret,
        None => DataDir::open(&process.data_dir)?.secret()?,
    };
    let grant = Grant {
        issuer: args.claims.jwt_issuer,
        audience: args.claims.jwt_audience,
        subject: args.subject,
        tenant: args.tenant,
        scopes: args.scopes,
        ttl: TimeDelta::from_std(args.ttl).unwrap_or(TimeDelta::MAX),
    };
    Ok(issue(secret.as_bytes(), &grant, &SystemClock)?)
}
