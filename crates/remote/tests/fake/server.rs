//! A server in memory that does with each request what a test says, on purpose badly too. One for all tests of this crate.

// Each test takes in what it needs.
#![allow(dead_code)]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use duologue_remote::Cache;
use duologue_remote::Client;
use duologue_remote::Limits;
use duologue_remote::Means;
use duologue_remote::Recorder;
use duologue_remote::Server;
use duologue_remote::Voice;
use reqwest::Response;
use serde_json::Value;
use serde_json::json;
use tokio::time::sleep;
use tower::Service;

/// The key that it wants to be sent.
pub const KEY: &str = "sk-canary-0123456789";

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Does {
    /// This chat completion.
    Say(Value),
    /// Anything else.
    Answer { status: u16, headers: &'static [(&'static str, &'static str)], body: String },
    /// A chat completion, later.
    TakeItsTime(Duration, Value),
    /// Nothing, for ever.
    Hang,
}

/// What it does with a request of this number.
pub type Manners = dyn Fn(usize, &Value) -> Does + Send + Sync;

/// The server: what it does with the request of this number, from 0.
#[derive(Clone)]
pub struct Fake {
    does: Arc<Manners>,
    calls: Arc<AtomicUsize>,
    present: Arc<AtomicUsize>,
    /// The most requests that were there at once.
    pub crowd: Arc<AtomicUsize>,
}

impl Fake {
    pub fn new(does: impl Fn(usize, &Value) -> Does + Send + Sync + 'static) -> Fake {
        let zero = Arc::<AtomicUsize>::default;
        Fake { does: Arc::new(does), calls: zero(), present: zero(), crowd: zero() }
    }

    /// Does these things in order, and then says `fine`.
    pub fn script(does: Vec<Does>) -> Fake {
        Fake::new(move |number, _| does.get(number).cloned().unwrap_or_else(|| Does::Say(said("fine"))))
    }

    pub fn client(&self, limits: Limits) -> Arc<Client> {
        self.client_with(limits, Cache::default())
    }

    pub fn client_with(&self, limits: Limits, cache: Cache) -> Arc<Client> {
        let server = Server::new("http://fake/v1", KEY).expect("it is an address");
        Arc::new(Client::over(|_| self.clone(), server, Means::new(limits, cache)).expect("http needs no certificates"))
    }

    /// Whoever speaks for the model of this name, with these bounds.
    pub fn voice(&self, model: &str, limits: Limits, recorder: Option<Arc<Recorder>>) -> Voice {
        Voice::Remote { client: self.client(limits), model: model.to_owned(), recorder }
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Service<HttpRequestFactory> for Fake {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let fake = self.clone();
        Box::pin(async move {
            let request = factory.build().await?;
            assert_eq!(request.url().as_str(), "http://fake/v1/chat/completions");
            assert_eq!(request.headers()["authorization"], format!("Bearer {KEY}"));
            let body = request.body().and_then(|body| body.as_bytes()).expect("it is sent whole");
            let number = fake.calls.fetch_add(1, Ordering::SeqCst);
            let present = fake.present.fetch_add(1, Ordering::SeqCst) + 1;
            fake.crowd.fetch_max(present, Ordering::SeqCst);
            let asked = serde_json::from_slice(body).expect("it is JSON");
            let response = carry_out((fake.does)(number, &asked)).await;
            fake.present.fetch_sub(1, Ordering::SeqCst);
            Ok(response)
        })
    }
}

async fn carry_out(does: Does) -> Response {
    let (status, headers, body): (u16, &[(&str, &str)], String) = match does {
        Does::Say(value) => (200, &[], value.to_string()),
        Does::Answer { status, headers, body } => (status, headers, body),
        Does::TakeItsTime(time, value) => {
            sleep(time).await;
            (200, &[], value.to_string())
        }
        Does::Hang => std::future::pending().await,
    };
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body).expect("its headers are good").into()
}

/// A chat completion with this text.
pub fn said(text: &str) -> Value {
    json!({
        "choices": [{ "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 10 },
    })
}
