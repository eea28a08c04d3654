//! Connections: where the database is, and how it is spoken to.
//!
//! `sslmode` in the URL is honoured: with `require` the server's certificate is checked against the machine's roots,
//! with `prefer` (the default) TLS is used where the server offers it, on a Unix socket never.

use std::fmt;
use std::sync::{Arc, LazyLock};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::mpsc;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::StoreError;

/// Where the database is: `postgres://user:password@host:port/name?sslmode=…`, or `host=… user=…` words.
///
/// It shows itself without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: Arc<str>,
    /// The role that its connections work as from the start, in place of the one that logs in.
    role: Option<&'static str>,
}

/// Text that names no database.
#[derive(Debug, thiserror::Error)]
#[error("the database URL cannot be read; write it as postgres://user:password@host:5432/name")]
pub struct DatabaseUrlError(#[source] tokio_postgres::Error);

impl DatabaseUrl {
    /// Checks the form of `url`; reaches nobody.
    pub fn parse(url: &str) -> Result<Self, DatabaseUrlError> {
        url.parse::<Config>().map_err(DatabaseUrlError)?;
        Ok(Self {
            url: url.into(),
            role: None,
        })
    }

    /// The URL with its password.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// The same database, whose connections work as the API's role from the start and own nothing.
    ///
    /// The role is a parameter of the connection's start. A pooler in between that refuses such parameters is to be told to
    /// ignore `options`; each transaction sets the role again by itself.
    #[must_use]
    pub(super) fn for_api(&self) -> Self {
        Self {
            role: Some("waterclock_api"),
            ..self.clone()
        }
    }

    fn config(&self) -> Config {
        let mut config: Config = self.url.parse().expect("the URL was checked when it was read");
        if let Some(role) = self.role {
            let given = config.get_options().unwrap_or_default();
            config.options(format!("{given} -c role={role}").trim_start());
        }
        if config.get_application_name().is_none() {
            config.application_name("waterclock");
        }
        config
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.config();
        let host = match config.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
            Some(tokio_postgres::config::Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        write!(
            f,
            "{}@{host}:{port}/{}",
            config.get_user().unwrap_or(""),
            config.get_dbname().unwrap_or("")
        )
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn connection_manager(url: &DatabaseUrl) -> AsyncDieselConnectionManager<AsyncPgConnection> {
    let url = url.clone();
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| establish(url.clone()));
    AsyncDieselConnectionManager::new_with_config("", config)
}

fn establish(url: DatabaseUrl) -> BoxFuture<'static, ConnectionResult<AsyncPgConnection>> {
    async move {
        let refused = |error: tokio_postgres::Error| ConnectionError::BadConnection(told(&error));
        let config = url.config();
        if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        } else {
            let (client, connection) = config.connect(tls()).await.map_err(refused)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
    }
    .boxed()
}

/// The driver's error with what caused it: alone it says little more than that something failed.
fn told(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn tls() -> MakeRustlsConnect {
    static TLS: LazyLock<MakeRustlsConnect> = LazyLock::new(|| {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        for certificate in rustls_native_certs::load_native_certs().certs {
            // One unreadable certificate among the machine's need not keep the others from being trusted.
            let _ = roots.add(certificate);
        }
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider supports the default protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        MakeRustlsConnect::new(config)
    });
    TLS.clone()
}

/// A connection that only listens.
pub struct Listener {
    // Dropping the client would close the connection.
    _client: tokio_postgres::Client,
    payloads: mpsc::Receiver<String>,
}

impl Listener {
    pub(super) async fn open(url: &DatabaseUrl, channel: &str) -> Result<Self, StoreError> {
        let unavailable = |error: tokio_postgres::Error| StoreError::Unavailable(Box::new(error));
        let config = url.config();
        let (sender, payloads) = mpsc::channel(1024);
        let client = if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = config.connect(NoTls).await.map_err(unavailable)?;
            tokio::spawn(forward(connection, sender));
            client
        } else {
            let (client, connection) = config.connect(tls()).await.map_err(unavailable)?;
            tokio::spawn(forward(connection, sender));
            client
        };
        client
            .batch_execute(&format!("LISTEN {channel}"))
            .await
            .map_err(unavailable)?;
        Ok(Self {
            _client: client,
            payloads,
        })
    }

    /// The next announcement; `None` when the connection is lost.
    pub async fn next(&mut self) -> Option<String> {
        self.payloads.recv().await
    }
}

/// Drives the connection and passes on what it hears, until either end closes.
async fn forward<S, T>(mut connection: tokio_postgres::Connection<S, T>, payloads: mpsc::Sender<String>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    while let Some(Ok(message)) = messages.next().await {
        if let AsyncMessage::Notification(notification) = message
            && payloads.send(notification.payload().to_owned()).await.is_err()
        {
            return;
        }
    }
}
