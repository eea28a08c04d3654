//! Sends deliveries as mail.
//!
//! Where mail is handed in is whoever runs the service's to say, and no tenant's, so no egress policy stands before it.

use std::fmt::Write as _;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde_json::Value;

use super::{Arrival, TIMEOUT, refused};
use crate::store::alert_deliveries::Claimed;

/// Hands mail in at a server.
#[derive(Clone, Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why no mail can be sent like this.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The server is named by no URL.
    #[error(
        "the mail server cannot be reached like this; write smtps://user:password@mail.example.org, or smtp:// with ?tls=required"
    )]
    Url(#[source] SmtpError),
    /// The sender is no address.
    #[error("{0:?} is not a mail address; write \"Waterclock <waterclock@example.org>\"")]
    From(String),
}

impl Mailer {
    /// Hands mail in at the server that `url` names, from `from` unless a channel names somebody else.
    pub fn new(url: &str, from: &str) -> Result<Self, MailerError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(MailerError::Url)?
            .timeout(Some(TIMEOUT))
            .build();
        let from = from.parse().map_err(|_| MailerError::From(from.to_owned()))?;
        Ok(Self { transport, from })
    }

    /// Sends the delivery.
    pub(super) async fn send(&self, to: &[String], from: Option<&str>, claimed: &Claimed) -> Arrival {
        let message = match self.write(to, from, claimed) {
            Ok(message) => message,
            Err(why) => return refused(why),
        };
        match self.transport.send(message).await {
            Ok(_) => Arrival::Arrived { http_status: None },
            Err(error) if error.is_permanent() => refused(explain(&error)),
            Err(error) => Arrival::Failed {
                http_status: None,
                why: explain(&error),
                not_before: None,
            },
        }
    }

    fn write(&self, to: &[String], from: Option<&str>, claimed: &Claimed) -> Result<Message, String> {
        let person = |text: &str| {
            text.parse::<Mailbox>()
                .map_err(|error| format!("{text:?} is not a mail address: {error}"))
        };
        let from = from.map(person).transpose()?.unwrap_or_else(|| self.from.clone());
        let id = format!("<{}@{}>", claimed.id, from.email.domain());
        let mut message = Message::builder()
            .from(from)
            .message_id(Some(id))
            .date(claimed.now.into())
            .subject(subject(&claimed.body))
            .header(ContentType::TEXT_PLAIN);
        for recipient in to {
            message = message.to(person(recipient)?);
        }
        message
            .body(text(&claimed.body))
            .map_err(|error| format!("the mail cannot be written: {error}"))
    }
}

/// What a mail is about: one line.
fn subject(body: &Value) -> String {
    let data = &body["data"];
    let about = match data["alert"]["message"].as_str() {
        Some(message) => {
            let severity = data["alert"]["severity"].as_str().unwrap_or_default();
            format!("[{severity}] {message}")
        }
        None => data["message"].as_str().unwrap_or_default().to_owned(),
    };
    let line: String = about
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(200)
        .collect();
    line.trim().to_owned()
}

/// What a mail says.
fn text(body: &Value) -> String {
    let data = &body["data"];
    let said = data["alert"]["message"]
        .as_str()
        .or_else(|| data["message"].as_str())
        .unwrap_or_default();
    let mut text = format!("{said}\r\n\r\n");
    for (what, path) in [
        ("Severity", "/alert/severity"),
        ("Since", "/alert/raisedAt"),
        ("Rule", "/rule/key"),
        ("Workflow", "/workflow/key"),
        ("Run", "/run/id"),
        ("Task node", "/taskRun/key"),
        ("Executor", "/executor/key"),
        ("Alert", "/alert/id"),
    ] {
        if let Some(value) = data.pointer(path).and_then(Value::as_str) {
            write!(text, "{what}: {value}\r\n").expect("writing to a string cannot fail");
        }
    }
    text
}

fn explain(error: &SmtpError) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(told, ": {error}");
        cause = error.source();
    }
    told.replace('\0', "")
}
