//! The protocol as its clients meet it, over loopback.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::transport::Settings;
use crate::transport::tests::world::{ALLOWED_ORIGIN, World, bearer, patient, token, token_for};

/// A client, and what came to it.
struct Client {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    async fn connect(world: &World) -> Self {
        Self::connect_with(world, &[("sec-websocket-protocol", "graphql-transport-ws")])
            .await
            .expect("connected")
    }

    async fn connect_with(world: &World, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = world.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut request = format!("ws://{address}/graphql")
            .into_client_request()
            .expect("a request");
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, HeaderValue::from_str(value).expect("a value"));
        }
        connect_async(request).await.map(|(stream, _)| Self { stream })
    }

    /// A client that has been let in.
    async fn admitted(world: &World) -> Self {
        let mut client = Self::connect(world).await;
        client
            .say(json!({ "type": "connection_init", "payload": { "Authorization": bearer() } }))
            .await;
        assert_eq!(client.hear().await, json!({ "type": "connection_ack" }));
        client
    }

    async fn say(&mut self, message: Value) {
        self.say_text(&message.to_string()).await;
    }

    async fn say_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("sent");
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "id": id, "type": "subscribe", "payload": { "query": query } }))
            .await;
    }

    async fn hear(&mut self) -> Value {
        loop {
            match self.stream.next().await.expect("open").expect("readable") {
                Message::Text(text) => return serde_json::from_str(text.as_str()).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("expected a message, got {other:?}"),
            }
        }
    }

    /// Reads on until the socket is closed.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("expected to be told why, got {other:?}"),
            }
        }
    }

    async fn closed_with(&mut self, code: u16) {
        assert_eq!(self.closed().await.0, code);
    }
}

#[tokio::test]
async fn operations_of_every_kind_run_and_complete() {
    let mut client = Client::admitted(&World::new()).await;
    client.subscribe("1", "{ greeting }").await;
    assert_eq!(
        client.hear().await,
        json!({ "id": "1", "type": "next", "payload": { "data": { "greeting": "Hello, world!" } } })
    );
    assert_eq!(client.hear().await, json!({ "id": "1", "type": "complete" }));
    client.subscribe("1", "mutation { change }").await;
    assert_eq!(client.hear().await["payload"]["data"]["change"], true);
    assert_eq!(client.hear().await["type"], "complete");
    client.subscribe("1", "subscription { count(to: 200) }").await;
    for number in 1..=200 {
        assert_eq!(client.hear().await["payload"]["data"]["count"], number);
    }
    assert_eq!(client.hear().await["type"], "complete");
}

#[tokio::test]
async fn a_refused_request_is_an_error_and_frees_its_id() {
    let mut client = Client::admitted(&World::new()).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        client.subscribe("1", query).await;
        let error = client.hear().await;
        assert_eq!(error["type"], "error");
        assert_eq!(error["payload"][0]["extensions"]["code"], code);
    }
    client.subscribe("1", "{ forbidden }").await;
    let next = client.hear().await;
    assert_eq!(
        (&next["type"], &next["payload"]["errors"][0]["extensions"]["code"]),
        (&json!("next"), &json!("FORBIDDEN"))
    );
    assert_eq!(client.hear().await["type"], "complete");
}

#[tokio::test]
async fn a_completed_subscription_is_silent_and_its_id_is_free() {
    let mut client = Client::admitted(&World::new()).await;
    client.subscribe("1", "subscription { never }").await;
    client.say(json!({ "id": "1", "type": "complete" })).await;
    client.say(json!({ "id": "unknown", "type": "complete" })).await;
    client.subscribe("1", "{ greeting }").await;
    assert_eq!(client.hear().await["type"], "next");
}

#[tokio::test]
async fn an_id_in_use_closes_with_4409() {
    let mut client = Client::admitted(&World::new()).await;
    client.subscribe("mine", "subscription { never }").await;
    client.subscribe("mine", "subscription { never }").await;
    assert_eq!(
        client.closed().await,
        (4409, "Subscriber for mine already exists".into())
    );
}

#[tokio::test]
async fn pings_are_answered_before_and_after_the_caller_is_known() {
    let world = World::new();
    let mut client = Client::connect(&world).await;
    client.say(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(
        client.hear().await,
        json!({ "type": "pong", "payload": { "n": 1 } })
    );
    client.say(json!({ "type": "ping" })).await;
    assert_eq!(client.hear().await, json!({ "type": "pong" }));
    client.say(json!({ "type": "pong", "payload": null })).await;
    client
        .say(json!({ "type": "connection_init", "payload": { "token": token() } }))
        .await;
    assert_eq!(client.hear().await["type"], "connection_ack");
}

#[tokio::test]
async fn the_header_of_the_handshake_admits_too() {
    let headers = [
        ("sec-websocket-protocol", "graphql-transport-ws"),
        ("authorization", &bearer()),
    ];
    let mut client = Client::connect_with(&World::new(), &headers)
        .await
        .expect("connected");
    client.say(json!({ "type": "connection_init" })).await;
    assert_eq!(client.hear().await["type"], "connection_ack");
}

#[tokio::test]
async fn another_subprotocol_or_none_closes_with_4406() {
    let world = World::new();
    let mut client = Client::connect_with(&world, &[]).await.expect("connected");
    client.closed_with(4406).await;
    let old = Client::connect_with(&world, &[("sec-websocket-protocol", "graphql-ws")]).await;
    assert!(
        old.is_err(),
        "a client that asked for a protocol is not given none"
    );
}

#[tokio::test]
async fn a_page_of_another_site_gets_no_socket() {
    let world = World::new();
    let from = |origin| {
        [
            ("sec-websocket-protocol", "graphql-transport-ws"),
            ("origin", origin),
        ]
    };
    for foreign in ["https://evil.test", "null"] {
        match Client::connect_with(&world, &from(foreign)).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403),
            _ => panic!("{foreign} got a socket"),
        }
    }
    assert!(Client::connect_with(&world, &from(ALLOWED_ORIGIN)).await.is_ok());
}

#[tokio::test]
async fn what_the_protocol_does_not_know_closes_with_4400() {
    let world = World::new();
    for text in [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"connection_ack"}"#,
        r#"{"type":"start","id":"1"}"#,
        r#"{"type":"connection_init","payload":"token"}"#,
        r#"{"type":"ping","payload":[]}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
    ] {
        let mut client = Client::connect(&world).await;
        client.say_text(text).await;
        let (code, reason) = client.closed().await;
        assert_eq!(code, 4400, "{text}: {reason}");
    }
    let mut client = Client::connect(&world).await;
    client.stream.send(Message::binary(vec![1])).await.expect("sent");
    client.closed_with(4400).await;
}

#[tokio::test]
async fn subscribing_before_the_caller_is_known_closes_with_4401() {
    let mut client = Client::connect(&World::new()).await;
    client.subscribe("1", "{ greeting }").await;
    assert_eq!(client.closed().await, (4401, "Unauthorized".into()));
}

#[tokio::test]
async fn a_token_that_is_missing_or_bad_closes_with_4403() {
    let world = World::new();
    for payload in [
        json!(null),
        json!({}),
        json!({ "Authorization": token().replace('.', "") }),
        json!({ "Authorization": "Basic YTpi" }),
        json!({ "token": token_for("nobody", TimeDelta::hours(1)) }),
    ] {
        let mut client = Client::connect(&world).await;
        client
            .say(json!({ "type": "connection_init", "payload": payload }))
            .await;
        client.closed_with(4403).await;
    }
    let mut client = Client::connect(&world).await;
    client.say(json!({ "type": "connection_init", "payload": { "token": token_for("unlucky", TimeDelta::hours(1)) } })).await;
    client.closed_with(4500).await;
}

#[tokio::test]
async fn a_second_initialisation_closes_with_4429() {
    let mut client = Client::admitted(&World::new()).await;
    client
        .say(json!({ "type": "connection_init", "payload": { "Authorization": bearer() } }))
        .await;
    client.closed_with(4429).await;
}

#[tokio::test]
async fn a_socket_that_does_not_say_who_calls_closes_with_4408() {
    let settings = Settings {
        init_timeout: Duration::from_millis(30),
        ..patient()
    };
    let mut client = Client::connect(&World::with(settings)).await;
    client.closed_with(4408).await;
}

#[tokio::test]
async fn a_socket_closes_with_4403_when_its_token_expires() {
    let world = World::new();
    let mut client = Client::connect(&world).await;
    let token = token_for("acme", TimeDelta::seconds(1));
    client
        .say(json!({ "type": "connection_init", "payload": { "token": token } }))
        .await;
    assert_eq!(client.hear().await["type"], "connection_ack");
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(
        client.closed().await,
        (4403, "Forbidden: the token has expired".into())
    );
}

#[tokio::test]
async fn a_socket_that_gives_no_sign_of_life_is_closed() {
    let settings = Settings {
        ping_interval: Duration::from_millis(40),
        ..Settings::default()
    };
    let world = World::with(settings);
    let mut lively = Client::admitted(&world).await;
    lively.subscribe("1", "subscription { never }").await;
    for _ in 0..4 {
        let ping = lively.stream.next().await.expect("open").expect("readable");
        assert!(
            matches!(ping, Message::Ping(_)),
            "reading answers by itself, and the socket stays open"
        );
    }
    let silent = Client::admitted(&world).await;
    let MaybeTlsStream::Plain(raw) = silent.stream.get_ref() else {
        panic!("loopback has no TLS");
    };
    // Two pings come and are not answered, since nobody reads the stream; then the close frame.
    let mut heard = [0; 64];
    let mut length = 0;
    while !heard[..length]
        .windows(2)
        .any(|bytes| bytes == 4499_u16.to_be_bytes())
    {
        raw.readable().await.expect("readable");
        match raw.try_read(&mut heard[length..]) {
            Ok(0) => panic!("closed without a reason"),
            Ok(read) => length += read,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
}

#[tokio::test]
async fn a_message_larger_than_a_mebibyte_closes_with_1009() {
    let world = World::new();
    for size in [1024 * 1024, 3 * 1024 * 1024] {
        let mut client = Client::connect(&world).await;
        // The server may close before it has read all of it.
        let _unheard = client
            .stream
            .send(Message::text(format!("{{\"type\":\"{}\"}}", "x".repeat(size))))
            .await;
        client.closed_with(1009).await;
    }
}

#[tokio::test]
async fn operations_of_one_socket_are_bounded() {
    let settings = Settings {
        operations_per_socket: 2,
        ..Settings::default()
    };
    let mut client = Client::admitted(&World::with(settings)).await;
    for id in ["1", "2", "3"] {
        client.subscribe(id, "subscription { never }").await;
    }
    let error = client.hear().await;
    assert_eq!(
        (&error["id"], &error["payload"][0]["extensions"]["code"]),
        (&json!("3"), &json!("RATE_LIMITED"))
    );
}

#[tokio::test]
async fn a_subscription_that_outpaces_its_client_closes_with_4413() {
    let mut client = Client::admitted(&World::new()).await;
    client.subscribe("1", "subscription { outpaced }").await;
    assert_eq!(client.hear().await["payload"]["data"]["outpaced"], 1);
    let (code, reason) = client.closed().await;
    assert_eq!(code, 4413);
    assert!(reason.contains("resume from the last cursor"));
}

#[tokio::test]
async fn a_client_that_does_not_read_closes_with_4413() {
    let settings = Settings {
        stall_timeout: Duration::from_secs(2),
        ..patient()
    };
    let mut client = Client::admitted(&World::with(settings)).await;
    client.subscribe("1", "subscription { forever }").await;
    let MaybeTlsStream::Plain(raw) = client.stream.get_ref() else {
        panic!("loopback has no TLS");
    };
    // Waits, without reading, until the server has given up after two seconds; it has two more to say so. The middle of these
    // is the moment that is furthest from both ends.
    raw.readable().await.expect("readable");
    tokio::time::timeout(Duration::from_secs(3), std::future::pending::<()>())
        .await
        .expect_err("time passes");
    client.closed_with(4413).await;
}

#[tokio::test]
async fn a_service_that_stops_closes_with_1001() {
    let settings = Settings {
        drain: Duration::from_millis(10),
        ..Settings::default()
    };
    let world = World::with(settings);
    let mut client = Client::admitted(&world).await;
    client.subscribe("1", "subscription { never }").await;
    world.shutdown.cancel();
    client.closed_with(1001).await;
}
