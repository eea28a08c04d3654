//! A mail server that takes what it is handed and keeps it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::world::Running;

/// A mail that came.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// From whom, by the envelope.
    pub from: String,
    /// To whom, by the envelope.
    pub to: Vec<String>,
    /// Its headers and its text.
    pub content: String,
}

/// A server on a loopback port, until it is dropped.
pub struct MailServer {
    /// Where it listens: `smtp://127.0.0.1:…`.
    pub url: String,
    received: Arc<Mutex<Vec<Mail>>>,
    _serving: Running,
}

impl MailServer {
    /// Answers to each recipient as `answer` says: `250 ok`, or a refusal.
    pub async fn answering(answer: impl Fn(&str) -> &'static str + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("a port"));
        let received = Arc::<Mutex<Vec<Mail>>>::default();
        let kept = Arc::clone(&received);
        let serving = Running::spawn(async move |_| {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), answer.clone());
                tokio::spawn(async move { converse(stream, &kept, &answer).await });
            }
        });
        Self {
            url,
            received,
            _serving: serving,
        }
    }

    /// The mails that came, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Mail> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Speaks with one client until it goes.
async fn converse(
    mut stream: TcpStream,
    kept: &Mutex<Vec<Mail>>,
    answer: &(impl Fn(&str) -> &'static str + Sync),
) -> std::io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut lines = BufReader::new(reading).lines();
    let mut mail = Mail::default();
    writing.write_all(b"220 here\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let inside = || line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        let address = inside()
            .map(|(address, _)| address.to_owned())
            .unwrap_or_default();
        let command = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let said = match command.as_str() {
            "EHLO" | "HELO" => "250 here",
            "MAIL" => {
                mail.from = address;
                "250 ok"
            }
            "RCPT" => {
                let said = answer(&address);
                mail.to.push(address);
                said
            }
            "DATA" => {
                writing.write_all(b"354 go on\r\n").await?;
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    mail.content.push_str(&line);
                    mail.content.push('\n');
                }
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(std::mem::take(&mut mail));
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        writing.write_all(format!("{said}\r\n").as_bytes()).await?;
    }
    Ok(())
}
