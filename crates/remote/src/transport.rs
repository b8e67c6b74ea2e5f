//! Between the client library and the wire: what comes back is bounded and checked before anybody reads, keeps or logs it.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use http::StatusCode;
use reqwest::Response;
use reqwest::redirect;
use rustls::crypto::ring;
use serde::de::IgnoredAny;
use tower::Service;
use tower::ServiceExt;

use crate::Problem;
use crate::backoff;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(20);

/// What makes connections, encrypted or not.
///
/// # Errors
/// In words, if there can be none, e.g. where a machine has no certificates to check a server's against.
pub fn http(is_encrypted: bool) -> Result<reqwest::Client, String> {
    // A second call finds the first one's.
    let _ = ring::default_provider().install_default();
    // A redirect would take the key to whoever is named in it.
    let builder = reqwest::Client::builder().redirect(redirect::Policy::none()).connect_timeout(CONNECT);
    let builder = if is_encrypted { builder } else { builder.tls_certs_only([]) };
    builder.build().map_err(|error| root(&error))
}

/// A service whose replies are whole, no larger than `bytes_max`, JSON, and no refusals; all else is a [`Problem`].
#[derive(Clone, Debug)]
pub struct Bounded<S> {
    /// Who carries.
    pub inner: S,
    /// Bytes of one reply.
    pub bytes_max: usize,
}

type Carried = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;

impl<S> Service<HttpRequestFactory> for Bounded<S>
where
    S: Service<HttpRequestFactory, Response = Response, Error = OpenAIError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Problem;
    type Future = Carried;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        // Each call has a clone of its own, which is made ready then.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Carried {
        let Bounded { inner, bytes_max } = self.clone();
        Box::pin(async move {
            let response = inner.oneshot(request).await.map_err(failed)?;
            let (status, body) = whole(response, bytes_max).await?;
            let mut whole = http::Response::new(body);
            *whole.status_mut() = status;
            Ok(whole.into())
        })
    }
}

/// Reads a response to its end: JSON of at most so many bytes.
///
/// # Errors
/// [`Problem`] if it is anything else.
pub async fn whole(mut response: Response, bytes_max: usize) -> Result<(StatusCode, Vec<u8>), Problem> {
    let status = response.status();
    let retry_after = backoff::asked_for(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(refused_or(status, retry_after, &body, Problem::TooLong(bytes_max)));
        }
        body.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        return Err(refusal(status, retry_after, &body));
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(&body) {
        return Err(no_json(&error));
    }
    Ok((status, body))
}

/// What came is no JSON.
pub fn no_json(error: &serde_json::Error) -> Problem {
    Problem::Unreadable(format!("no JSON: {error}"))
}

/// A refusal is one, however long its words are.
fn refused_or(status: StatusCode, retry_after: Option<Duration>, body: &[u8], other: Problem) -> Problem {
    if status.is_success() { other } else { refusal(status, retry_after, body) }
}

fn refusal(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Problem {
    Problem::Status { status: status.as_u16(), said: String::from_utf8_lossy(body).into_owned(), retry_after }
}

fn failed(error: OpenAIError) -> Problem {
    match error {
        OpenAIError::Reqwest(error) => lost(error),
        // Its words may quote what was sent.
        _ => Problem::Client("the request cannot be made".to_owned()),
    }
}

/// A connection that failed: without the address, which is in every message of the library.
pub fn lost(error: reqwest::Error) -> Problem {
    Problem::Connection(root(&error.without_url()))
}

/// The innermost cause, in its own words.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// So that what went wrong comes through the client library as it is.
impl From<Problem> for OpenAIError {
    fn from(problem: Problem) -> OpenAIError {
        OpenAIError::Boxed(Box::new(problem))
    }
}

/// What went wrong, out of the client library's own error.
#[must_use]
pub fn problem(error: OpenAIError) -> Problem {
    match error {
        OpenAIError::Boxed(inner) => match inner.downcast::<Problem>() {
            Ok(problem) => *problem,
            Err(other) => Problem::Client(other.to_string()),
        },
        other => failed(other),
    }
}
