//! The last words of a thread.

use tokio::task::JoinError;

/// What a task that did not come back said: its panic's message, or that it was cancelled.
#[must_use]
pub fn panicked(error: JoinError) -> String {
    if !error.is_panic() {
        return error.to_string();
    }
    let payload = error.into_panic();
    match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => (*text).to_owned(),
        (None, None) => "a panic without words".to_owned(),
    }
}
