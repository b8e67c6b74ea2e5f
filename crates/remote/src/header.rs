//! What a search engine wants to be told besides the words, such as a key. Its value is in no message, file or log: whoever writes asks
//! [`Header::hide`] first.

use std::env;
use std::fmt;

use http::HeaderName;
use http::HeaderValue;
use secrecy::ExposeSecret;
use secrecy::SecretString;

/// The variable with the header, as `Name: value`.
pub const SEARCH_HEADER: &str = "SEARCH_HEADER";

/// A shorter value could be an everyday word, and hiding it would eat text.
const HIDDEN_MIN: usize = 8;

/// One header of a request.
#[derive(Clone)]
pub struct Header {
    name: HeaderName,
    value: HeaderValue,
    /// The value, and each word of it: of `Bearer KEY` a server may repeat the key alone. The longest first.
    hidden: Vec<SecretString>,
}

/// Why a text is no header. It is not repeated: whoever forgets the name has written only the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// There is no name, or no value.
    #[error("{SEARCH_HEADER} is not written as `Name: value`")]
    Form,
    /// A name that no header has.
    #[error("{SEARCH_HEADER} has no name of a header before its colon")]
    Name,
    /// A value that cannot be sent.
    #[error("{SEARCH_HEADER} holds what no header holds: control characters or letters beyond ASCII")]
    Value,
}

impl HeaderError {
    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        "write it as the engine's page says, e.g. X-API-KEY: followed by the key, or take the variable away"
    }
}

impl Header {
    /// The header that the environment names; `None` if it names none.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn from_env() -> Result<Option<Header>, HeaderError> {
        match env::var_os(SEARCH_HEADER) {
            None => Ok(None),
            Some(text) => match text.to_str().ok_or(HeaderError::Value)?.trim() {
                "" => Ok(None),
                text => Header::new(text).map(Some),
            },
        }
    }

    /// A header written as `Name: value`.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn new(text: &str) -> Result<Header, HeaderError> {
        let (name, secret) = text.split_once(':').ok_or(HeaderError::Form)?;
        let (name, secret) = (name.trim(), secret.trim());
        if secret.is_empty() {
            return Err(HeaderError::Form);
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name)?;
        let value = HeaderValue::from_str(secret).ok().filter(|_| secret.is_ascii());
        let mut value = value.ok_or(HeaderError::Value)?;
        // So that no library shows it when it is told to show everything.
        value.set_sensitive(true);
        let words = [secret].into_iter().chain(secret.split_whitespace());
        let mut hidden: Vec<&str> = words.filter(|word| word.len() >= HIDDEN_MIN).collect();
        hidden.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Ok(Header { name, value, hidden: hidden.into_iter().map(SecretString::from).collect() })
    }

    /// Its name, which is no secret.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// Its value, which shows itself to nobody.
    #[must_use]
    pub fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// A text in which the value, if it was in it, is no more: an engine that repeats what it was sent must not write it into our files.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.hidden.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), "[key]"))
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value_that_nobody_is_shown() {
        let header = Header::new("Authorization: Bearer canary-0123456789").unwrap();
        assert_eq!(
            (header.name().as_str(), header.value().as_bytes()),
            ("authorization", &b"Bearer canary-0123456789"[..])
        );
        let told = "you sent Bearer canary-0123456789, or canary-0123456789 for short";
        let shown = format!("{header:?} {:?} {}", header.value(), header.hide(told));
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.ends_with("you sent [key], or [key] for short"), "{shown}");
        assert_eq!(Header::new("User-Agent: me").unwrap().hide("it is me"), "it is me");
    }

    #[test]
    fn what_is_no_header_is_refused_and_not_repeated() {
        for (text, error) in [
            ("canary-0123456789", HeaderError::Form),
            ("X-API-KEY:", HeaderError::Form),
            (": canary", HeaderError::Name),
            ("X API KEY: canary", HeaderError::Name),
            ("X-API-KEY: canary\nHost: b", HeaderError::Value),
            ("X-API-KEY: cänary", HeaderError::Value),
        ] {
            let found = Header::new(text).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(!format!("{found} {found:?} {}", found.hint()).contains("nary"));
        }
    }
}
