//! What went wrong with a request, as OpenAI's clients read it: `{"error": {message, type, param, code}}`.

use axum::Json;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use crate::engine::Lost;

/// Seconds after which it is worth asking again.
const RETRY_AFTER_S: &str = "1";

/// A refusal or a failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {message}")]
pub struct Problem {
    /// Of HTTP.
    pub status: StatusCode,
    /// For programs: `saturated`, `model_not_found`, `context_length_exceeded`, …; `None` where the status says it all.
    pub code: Option<&'static str>,
    /// The parameter that is wrong; `None` if none is.
    pub param: Option<String>,
    /// For people.
    pub message: String,
}

impl Problem {
    /// A parameter is not what it has to be.
    pub fn invalid(param: &str, message: impl Into<String>) -> Problem {
        Problem { param: Some(param.to_owned()), ..Problem::unreadable(message) }
    }

    /// The body is not what it has to be.
    pub fn unreadable(message: impl Into<String>) -> Problem {
        Problem::of(StatusCode::BAD_REQUEST, message)
    }

    /// The same with a code.
    #[must_use]
    pub fn coded(self, code: &'static str) -> Problem {
        Problem { code: Some(code), ..self }
    }

    /// Another status than 400.
    pub fn of(status: StatusCode, message: impl Into<String>) -> Problem {
        Problem { status, code: None, param: None, message: message.into() }
    }

    /// Nobody is served now, but later.
    #[must_use]
    pub fn later(code: &'static str, message: &str) -> Problem {
        Problem::of(StatusCode::SERVICE_UNAVAILABLE, message).coded(code)
    }

    /// The server's own failure.
    pub fn failure(message: impl Into<String>) -> Problem {
        Problem::of(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Value {
        let kind = match self.status {
            StatusCode::SERVICE_UNAVAILABLE => "overloaded_error",
            status if status.is_server_error() => "server_error",
            StatusCode::NOT_FOUND => "not_found_error",
            _ => "invalid_request_error",
        };
        json!({ "error": { "message": self.message, "type": kind, "param": self.param, "code": self.code } })
    }
}

impl From<Lost> for Problem {
    fn from(lost: Lost) -> Problem {
        match lost {
            Lost::Updating => Problem::later("updating", "the model's weights are being changed"),
            Lost::Stopping => Problem::later("shutting_down", "the server is shutting down"),
            Lost::Dead => Problem::failure("the model has died"),
            Lost::Fault(fault) => Problem::failure(format!("the model could not answer: {fault}")),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        response
    }
}
