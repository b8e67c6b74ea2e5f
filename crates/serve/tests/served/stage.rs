//! A server that runs, and whoever asks it.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use duologue_serve::Limits;
use duologue_serve::ServeError;
use duologue_serve::Served;
use duologue_serve::Server;
use duologue_serve::host::Host;
use reqwest::Client;
use reqwest::Response;
use serde_json::Value;
use serde_json::json;
use text::Dialect;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::parrot::Book;
use crate::parrot::CONTEXT;
use crate::parrot::Parrot;
use crate::parrot::dialect;

/// What the model is called.
pub const MODEL: &str = "parrot";

/// What adapters on it are called.
pub const ADAPTERS: [&str; 2] = ["grey", "macaw"];

/// Longest wait for something that has to come.
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Stage {
    pub base: String,
    pub host: Arc<Host>,
    pub book: Arc<Mutex<Book>>,
    pub dialect: Dialect,
    pub client: Client,
    pub stop: oneshot::Sender<()>,
    pub hurry: oneshot::Sender<()>,
    pub end: JoinHandle<Result<(), ServeError>>,
}

impl Stage {
    pub async fn open() -> Stage {
        Stage::with(Limits::default(), None, None).await
    }

    pub async fn with(limits: Limits, capture: Option<&Path>, gate: Option<mpsc::Receiver<()>>) -> Stage {
        Stage::of([dialect(), dialect()], limits, capture, gate).await
    }

    /// A model that is spoken with in the first of these dialects, and adapters in the second.
    pub async fn of(
        [dialect, of_adapters]: [Dialect; 2],
        limits: Limits,
        capture: Option<&Path>,
        gate: Option<mpsc::Receiver<()>>,
    ) -> Stage {
        let (parrot, book) = Parrot::new(&dialect, gate);
        let served = Served {
            name: MODEL.to_owned(),
            adapters: ADAPTERS.map(|name| (name.to_owned(), of_adapters.clone())).to_vec(),
            policy: Box::new(parrot),
            dialect: dialect.clone(),
            context: CONTEXT,
        };
        let server = Server::bind(served, "127.0.0.1:0", limits, capture).await.expect("this machine has ports");
        let (base, host) = (format!("http://{}", server.address()), server.host());
        let (stop, stopped) = oneshot::channel();
        let (hurry, hurried) = oneshot::channel::<()>();
        let hurried = async {
            if hurried.await.is_err() {
                // Nobody will ever hurry it.
                std::future::pending::<()>().await;
            }
        };
        let end = tokio::spawn(server.run(async { drop(stopped.await) }, hurried));
        Stage { base, host, book, dialect, client: client(), stop, hurry, end }
    }

    pub async fn send(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(format!("{}{path}", self.base)).body(body.to_string());
        request.send().await.expect("it answers")
    }

    /// Status, and the body as JSON.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.send(path, body).await).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.client.get(format!("{}{path}", self.base)).send().await.expect("it answers")).await
    }

    /// A chat that has to succeed.
    pub fn chat(&self, body: Value) -> impl Future<Output = Value> {
        self.ask("/v1/chat/completions", body)
    }

    pub async fn ask(&self, path: &str, body: Value) -> Value {
        let (status, reply) = self.post(path, &body).await;
        assert_eq!(status, 200, "{reply}");
        reply
    }

    /// The events of a stream, without the last one, which is `[DONE]`.
    pub async fn events(&self, path: &str, body: &Value) -> Vec<Value> {
        let response = self.send(path, body).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let text = response.text().await.expect("the stream ends well");
        let mut events: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!(events.pop(), Some("[DONE]"), "{text}");
        events.into_iter().map(|event| serde_json::from_str(event).expect("each event is JSON")).collect()
    }

    /// Nothing is left of anybody, by the server's book and by the policy's. Polled: whoever has hung up is noticed a little later, and a leak
    /// never goes away.
    pub async fn assert_nothing_left(&self) {
        let is_empty = || {
            let health = self.host.health();
            let kept = self.book.lock().expect("the policy is alive").kept.len();
            health["requests"]["live"] == 0 && health["sessions"]["live"] == 0 && kept == 0
        };
        until("everybody to be forgotten", is_empty).await;
        let opened = self.host.engine.sessions().opened;
        // A request that goes before its first batch never reaches the policy.
        assert!(self.book.lock().expect("the policy is alive").seen as u64 <= opened);
    }
}

/// A client that checks no certificates, since nothing is encrypted here.
pub fn client() -> Client {
    // A second call finds the first one's.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().tls_certs_only([]).build().expect("there is nothing to go wrong")
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("it is whole");
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// Polls, without sleeping.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "waited for {what}");
        tokio::task::yield_now().await;
    }
}

pub fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

/// A request of one message.
pub fn saying(text: &str) -> Value {
    json!({ "model": MODEL, "messages": [user(text)] })
}

/// The same with more keys.
pub fn with(mut request: Value, more: &Value) -> Value {
    let (request_keys, more) = (request.as_object_mut().expect("a request"), more.as_object().expect("an object"));
    request_keys.extend(more.clone());
    request
}
