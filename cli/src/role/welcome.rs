//! What `up` tells whoever started it, and the run that it shows them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde_json::Map;
use url::Url;
use waterclock_api::auth::{AuthConfig, Grant, IssueError, Keys, Scope, issue};
use waterclock_core::clock::SystemClock;

use crate::apply::Definitions;
use crate::client::{Api, NewRun};
use crate::command::CommandError;
use crate::output::{note, out};
use crate::watch::watch;

/// The tenant of the demonstration.
const TENANT: &str = "demo";
/// The workflow, among the examples, that is run.
const WORKFLOW: &str = "packages";
const TOKEN_LIFE: TimeDelta = TimeDelta::days(7);

/// Who speaks to the user of `up`.
pub(super) struct Welcome {
    base: Url,
    /// A token for the demonstration's tenant, where tokens can be signed here at all.
    token: Option<String>,
    /// The folder of the examples; none are wanted when absent.
    examples: Option<PathBuf>,
    data_dir: PathBuf,
}

impl Welcome {
    /// For an API that listens on `address` and verifies tokens by `auth`.
    pub(super) fn new(
        address: SocketAddr,
        auth: &AuthConfig,
        examples: Option<PathBuf>,
        data_dir: PathBuf,
    ) -> Result<Self, IssueError> {
        let token = match &auth.keys {
            Keys::Secret(secret) => Some(sign(secret, auth)?),
            _ => None,
        };
        Ok(Self {
            base: base_of(address),
            token,
            examples,
            data_dir,
        })
    }

    /// Says where everything is and, unless none are wanted, loads the examples and shows a run of one of them.
    pub(super) async fn tell(&self) {
        out!("Waterclock is ready; Ctrl-C stops everything.\n");
        for (name, path) in [
            ("API", "graphql"),
            ("Playground", "playground"),
            ("Health", "readyz"),
        ] {
            out!("  {name:<11} {}{path}", self.base);
        }
        match (&self.token, &self.examples) {
            (None, _) => out!("  {:<11} from whoever holds the key that is configured", "Token"),
            (Some(_), None) => out!(
                "  {:<11} waterclock token --data-dir {} --tenant TENANT --scope developer",
                "Token",
                self.data_dir.display()
            ),
            (Some(token), Some(_)) => out!("  {:<11} {token}", "Token"),
        }
        out!("");
        if let (Some(token), Some(examples)) = (&self.token, &self.examples)
            && let Err(error) = self.demonstrate(token, examples).await
        {
            note!(
                "The demonstration came to nothing: {:#}",
                anyhow::Error::new(error)
            );
        }
    }

    async fn demonstrate(&self, token: &str, examples: &Path) -> Result<(), CommandError> {
        if !examples.is_dir() {
            out!(
                "There is no folder {}; the examples come with the sources, and --examples names them.",
                examples.display()
            );
            return Ok(());
        }
        let url = self
            .base
            .join("graphql")
            .expect("a path can be joined to an address");
        let api = Api::at(url, token);
        let faults = match Definitions::read(&[examples.to_owned()]) {
            Ok(definitions) => definitions.apply(&api).await?,
            Err(faults) => faults,
        };
        if !faults.is_empty() {
            let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
            return Err(CommandError::Input(told.join("\n")));
        }
        out!(
            "The tenant {TENANT} has what {} defines. A run of one workflow:\n",
            examples.display()
        );
        let run = NewRun {
            workflow: WORKFLOW.to_owned(),
            inputs: Map::new(),
            priority: None,
            idempotency_key: None,
        };
        let run = api.start_run(run).await?;
        let run = run.map_err(|errors| CommandError::refused(&errors))?;
        Box::pin(watch(&api, &run)).await?;
        out!("\nAgain by hand: paste the token above into the playground, or");
        out!("  export WATERCLOCK_URL={} WATERCLOCK_TOKEN=…", self.base);
        out!("  waterclock run {WORKFLOW} --watch");
        Ok(())
    }
}

fn sign(secret: &[u8], auth: &AuthConfig) -> Result<String, IssueError> {
    let grant = Grant {
        issuer: auth.issuer.clone(),
        audience: auth.audience.clone(),
        subject: "up".to_owned(),
        tenant: TENANT.to_owned(),
        scopes: vec![Scope::Admin],
        ttl: TOKEN_LIFE,
    };
    issue(secret, &grant, &SystemClock)
}

/// Where a client on this machine reaches `address`.
pub(super) fn base_of(mut address: SocketAddr) -> Url {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Url::parse(&format!("http://{address}/")).expect("an address and a port make a URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_becomes_one_that_a_client_can_use() {
        let base = |address: &str| base_of(address.parse().unwrap()).to_string();
        assert_eq!(base("0.0.0.0:8080"), "http://127.0.0.1:8080/");
        assert_eq!(base("[::]:9000"), "http://[::1]:9000/");
        assert_eq!(base("192.0.2.7:1234"), "http://192.0.2.7:1234/");
    }
}
