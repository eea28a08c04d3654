//! Which addresses a process may call for a tenant.
//!
//! A tenant registers any URL it likes, for an endpoint or for its alerts, and a process of ours calls it from inside our
//! network: a metadata service, a database's admin port and the process's own neighbours would all be within reach. So
//! addresses that are not public are refused unless the process was started with leave to reach them. The check is made on
//! addresses, after names were resolved and on the very addresses that are then connected to: a name that answers differently
//! the second time gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use tokio::sync::Semaphore;
use url::{Host, Url};

/// How many names are looked up at once: the system's resolver blocks a thread for each.
const LOOKUPS: usize = 4;

/// The networks that are nobody's on the internet: our own, or none.
const NOT_PUBLIC: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",
    "64:ff9b:1::/48",
    "2001::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

/// Which addresses may be called. By default the public ones.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    allowed: Vec<IpNet>,
}

/// Text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a network; write 10.1.0.0/16, a single address, or * for every network")]
pub struct NetworkError(String);

/// Why an address was not connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The policy does not allow it.
    #[error(
        "{address} ({host}) is not a public address, and nothing that a tenant registers may call it; start the process that \
         calls, be it an executor or a scheduler, with --allow-network {address} to allow it"
    )]
    Refused {
        /// The host as the URL names it.
        host: String,
        /// The address.
        address: IpAddr,
    },
    /// The name has no address.
    #[error("the name {0:?} could not be resolved to an address")]
    Unresolved(String),
}

impl EgressPolicy {
    /// Allows these networks beside the public ones. `*` is every network.
    pub fn allowing<T: AsRef<str>>(networks: impl IntoIterator<Item = T>) -> Result<Self, NetworkError> {
        let mut allowed = Vec::new();
        for network in networks {
            allowed.extend(parse(network.as_ref().trim())?);
        }
        Ok(Self { allowed })
    }

    /// Begins a client that reaches nothing else, once [`EgressPolicy::check_url`] let its URL pass. It follows no redirects,
    /// which would lead past that check, and uses no proxy, which would resolve names itself, out of sight of the policy.
    pub fn client(self: &Arc<Self>) -> ClientBuilder {
        reqwest::Client::builder()
            .user_agent(concat!("waterclock/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(CheckedResolver::new(Arc::clone(self)))
    }

    /// Checks the address in `url`, where it names one outright. Names are checked when they are resolved.
    pub fn check_url(&self, url: &Url) -> Result<(), EgressError> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            _ => return Ok(()),
        };
        self.check(url.host_str().unwrap_or_default(), address)
    }

    /// Checks an address that `host` stands for.
    fn check(&self, host: &str, address: IpAddr) -> Result<(), EgressError> {
        let meant = meant_by(address);
        let allowed = |network: &IpNet| network.contains(&meant) || network.contains(&address);
        if is_public(meant) || self.allowed.iter().any(allowed) {
            Ok(())
        } else {
            Err(EgressError::Refused {
                host: host.to_owned(),
                address: meant,
            })
        }
    }
}

fn parse(network: &str) -> Result<Vec<IpNet>, NetworkError> {
    if network == "*" {
        return Ok(vec![
            IpNet::new_assert(Ipv4Addr::UNSPECIFIED.into(), 0),
            IpNet::new_assert(Ipv6Addr::UNSPECIFIED.into(), 0),
        ]);
    }
    network
        .parse::<IpNet>()
        .or_else(|_| network.parse::<IpAddr>().map(IpNet::from))
        .map(|network| vec![network])
        .map_err(|_| NetworkError(network.to_owned()))
}

fn is_public(address: IpAddr) -> bool {
    !NOT_PUBLIC
        .iter()
        .filter_map(|network| network.parse::<IpNet>().ok())
        .any(|network| network.contains(&address))
}

/// The address of version 4 that one of version 6 stands for, when it only wraps one.
fn meant_by(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    match six.segments() {
        // Translated by the network (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Ipv4Addr::new(a, b, c, d).into()
        }
        _ => six.to_canonical(),
    }
}

/// Resolves names to the addresses that the policy allows.
struct CheckedResolver {
    policy: Arc<EgressPolicy>,
    lookups: Arc<Semaphore>,
}

impl CheckedResolver {
    fn new(policy: Arc<EgressPolicy>) -> Self {
        Self {
            policy,
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, lookups) = (Arc::clone(&self.policy), Arc::clone(&self.lookups));
        Box::pin(async move {
            let host = name.as_str();
            let found = look_up(host, &lookups).await?;
            let addresses = allowed_of(&policy, host, found)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The addresses of `host` that may be connected to; when there are none, why the first may not.
fn allowed_of(
    policy: &EgressPolicy,
    host: &str,
    found: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, EgressError> {
    let mut refused = None;
    let mut allowed = Vec::with_capacity(found.len());
    for address in found {
        match policy.check(host, address.ip()) {
            Ok(()) => allowed.push(address),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match refused {
        Some(refused) if allowed.is_empty() => Err(refused),
        _ if allowed.is_empty() => Err(EgressError::Unresolved(host.to_owned())),
        _ => Ok(allowed),
    }
}

async fn look_up(host: &str, lookups: &Semaphore) -> Result<Vec<SocketAddr>, EgressError> {
    if host == "localhost" || host.ends_with(".localhost") {
        // These names are loopback by definition (RFC 6761): nobody need be asked.
        return Ok(vec![
            (Ipv4Addr::LOCALHOST, 0).into(),
            (Ipv6Addr::LOCALHOST, 0).into(),
        ]);
    }
    let unresolved = || EgressError::Unresolved(host.to_owned());
    let _turn = lookups.acquire().await.map_err(|_| unresolved())?;
    let found = tokio::net::lookup_host((host, 0))
        .await
        .map_err(|_| unresolved())?;
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &EgressPolicy, address: &str) -> bool {
        policy.check("host", address.parse().unwrap()).is_ok()
    }

    #[test]
    fn our_own_networks_are_refused_in_every_guise() {
        let policy = EgressPolicy::default();
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "fd00::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!check(&policy, address), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_reached() {
        let policy = EgressPolicy::default();
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(check(&policy, address), "{address}");
        }
    }

    #[test]
    fn what_is_allowed_is_reached_and_nothing_beside_it() {
        let policy = EgressPolicy::allowing(["127.0.0.0/8", "10.1.2.3", "fd00::/16"]).unwrap();
        for address in ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "fd00::1"] {
            assert!(check(&policy, address), "{address}");
        }
        for address in ["10.1.2.4", "::1", "fd01::1"] {
            assert!(!check(&policy, address), "{address}");
        }
        assert!(check(&EgressPolicy::allowing(["*"]).unwrap(), "169.254.169.254"));
        assert!(EgressPolicy::allowing(["ten"]).is_err());
    }

    #[test]
    fn a_name_with_public_and_private_addresses_is_reached_at_the_public_ones() {
        let policy = EgressPolicy::default();
        let (public, private) = ("1.1.1.1:0".parse().unwrap(), "10.0.0.1:0".parse().unwrap());
        assert_eq!(
            allowed_of(&policy, "host", vec![private, public]),
            Ok(vec![public])
        );
        let refused = allowed_of(&policy, "host", vec![private]).unwrap_err();
        let message = refused.to_string();
        assert!(message.contains("10.0.0.1 (host)") && message.contains("--allow-network 10.0.0.1"));
    }

    #[tokio::test]
    async fn localhost_is_resolved_without_asking_anybody() {
        let nobody = Semaphore::new(0);
        assert_eq!(look_up("localhost", &nobody).await.unwrap().len(), 2);
    }
}
