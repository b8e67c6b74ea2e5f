//! Where the models are, and the key that opens the door. The key is in no message, file or log: whoever writes asks [`Server::hide`] first.

use std::env;
use std::fmt;

use async_openai::config::Config;
use http::HeaderMap;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use secrecy::SecretString;

/// The variable that says where.
pub const BASE_URL: &str = "OPENAI_BASE_URL";
/// The variable with the key.
pub const API_KEY: &str = "OPENAI_API_KEY";

/// Where nobody has said where.
const OPENAI: &str = "https://api.openai.com/v1";
/// A shorter key could be an everyday word, and hiding it would eat text.
const HIDDEN_MIN: usize = 8;

/// A server of models.
#[derive(Clone)]
pub struct Server {
    base: String,
    key: SecretString,
    authorization: HeaderValue,
}

/// Why there is no server to ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// It is no address of a server. The address is not repeated: it may hold a password.
    #[error("{BASE_URL} is no address of a server")]
    Address,
    /// OpenAI's own server needs a key.
    #[error("{API_KEY} is not set")]
    NoKey,
    /// A key that cannot be sent.
    #[error("{API_KEY} holds what no key holds: control characters or letters beyond ASCII")]
    BadKey,
}

impl ServerError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            ServerError::Address => {
                "it begins with http:// or https:// and names no user, e.g. http://localhost:8000/v1"
            }
            ServerError::NoKey => {
                "set it, or set OPENAI_BASE_URL to a server of your own, e.g. http://localhost:8000/v1"
            }
            ServerError::BadKey => "copy the key again, without quotes around it",
        }
    }
}

impl Server {
    /// The server that the environment names: `OPENAI_BASE_URL`, or OpenAI's, and `OPENAI_API_KEY`.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn from_env() -> Result<Server, ServerError> {
        let set = |name| env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let (base, key) = (set(BASE_URL), set(API_KEY));
        if base.is_none() && key.is_none() {
            return Err(ServerError::NoKey);
        }
        Server::new(base.as_deref().unwrap_or(OPENAI), key.as_deref().unwrap_or_default())
    }

    /// A server at this address; an empty key is none.
    ///
    /// # Errors
    /// [`ServerError::Address`], [`ServerError::BadKey`].
    pub fn new(base: &str, key: &str) -> Result<Server, ServerError> {
        let base = base.trim_end_matches('/');
        let url = reqwest::Url::parse(base).map_err(|_| ServerError::Address)?;
        let named = ["http", "https"].contains(&url.scheme()) && url.username().is_empty() && url.password().is_none();
        if !named {
            return Err(ServerError::Address);
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {key}"))
            .ok()
            .filter(|_| key.is_ascii())
            .ok_or(ServerError::BadKey)?;
        // So that no library shows it when it is told to show everything.
        authorization.set_sensitive(true);
        Ok(Server { base: base.to_owned(), key: SecretString::from(key), authorization })
    }

    /// Its address; it holds no secret.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether requests go over TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.base.starts_with("https:")
    }

    /// A text in which the key, if it was in it, is no more. A server that repeats what it was sent must not write it into our files.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let key = self.key.expose_secret();
        if key.len() < HIDDEN_MIN { text.to_owned() } else { text.replace(key, "[key]") }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Config for Server {
    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, self.authorization.clone())])
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-canary-0123456789";

    #[test]
    fn an_address_without_a_scheme_or_with_a_password_is_refused() {
        for bad in ["", "localhost:8000", "ftp://a/v1", "http://me:pass@a/v1", "http://me@a/v1", "http://"] {
            assert_eq!(Server::new(bad, KEY).err(), Some(ServerError::Address), "{bad}");
        }
        let server = Server::new("http://localhost:8000/v1/", "").unwrap();
        assert_eq!(server.url("/chat/completions"), "http://localhost:8000/v1/chat/completions");
    }

    #[test]
    fn a_key_that_no_header_may_hold_is_refused_and_not_repeated() {
        for bad in ["sk-\nabc", "sk-é", "sk-\u{0}"] {
            let error = Server::new("http://a/v1", bad).unwrap_err();
            assert_eq!(error, ServerError::BadKey);
            assert!(!error.to_string().contains("sk-"));
        }
    }

    #[test]
    fn the_key_is_shown_nowhere() {
        let server = Server::new("https://a/v1", KEY).unwrap();
        let shown = format!("{server:?} {:?} {}", server.headers(), server.hide(&format!("bad key {KEY}!")));
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.ends_with("bad key [key]!"));
    }
}
