//! An engine outside that looks things up for a world: where it is, and how long it may take. Nothing here asks it.

use serde::Deserialize;
use serde::Serialize;

/// What stands in an address for the words that are looked up.
pub const QUERY: &str = "{query}";

/// Where a world's queries to the environment go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// Its address, with [`QUERY`] where the words go. It is written into run folders, so it is no place for a key.
    url: String,
    /// How long one look-up may take, in milliseconds, waiting for others included; missed, it is a fault. `None`: as long as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

/// Why a text is no address of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nothing says how to get there.
    #[error("does not begin with http:// or https://")]
    Scheme,
    /// Nobody is named, or a user with a password, which would be written into run folders.
    #[error("names no server, or a user at it")]
    Host,
    /// What no address may hold as it is.
    #[error("holds a space, a control character or a letter beyond ASCII")]
    Letters,
    /// There is no place for the words in what a server is sent: not in the path, and not in what follows `?`.
    #[error("has no `{{query}}` in its path or behind its `?`")]
    NoQuery,
}

impl Engine {
    /// An engine at this address.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn new(url: &str, deadline_ms: Option<u64>) -> Result<Engine, EngineError> {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or(EngineError::Scheme)?;
        if url.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(EngineError::Letters);
        }
        let (host, sent) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if host.is_empty() || host.starts_with(':') || host.contains(['@', '{', '\\']) {
            return Err(EngineError::Host);
        }
        // What follows `#` is for browsers, and never sent.
        let sent = sent.split('#').next().unwrap_or_default();
        if !sent.contains(QUERY) {
            return Err(EngineError::NoQuery);
        }
        Ok(Engine { url: url.to_owned(), deadline_ms })
    }

    /// Its address, with [`QUERY`] where the words go.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address that looks these words up: every byte of them that is no letter, digit, `-`, `.`, `_` or `~` is escaped, so that they
    /// stay what they are wherever they stand.
    #[must_use]
    pub fn address(&self, words: &str) -> String {
        let mut escaped = String::with_capacity(words.len());
        for byte in words.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
                _ => escaped.push_str(&format!("%{byte:02X}")),
            }
        }
        self.url.replace(QUERY, &escaped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words_wherever_they_stand() {
        let engine = Engine::new("http://localhost:8888/search?q={query}&format=json", None).unwrap();
        assert_eq!(
            engine.address("heron & egret?\n#1 é"),
            "http://localhost:8888/search?q=heron%20%26%20egret%3F%0A%231%20%C3%A9&format=json"
        );
        let engine = Engine::new("https://a.example/find/{query}", None).unwrap();
        assert_eq!(engine.address("../{query}"), "https://a.example/find/..%2F%7Bquery%7D");
    }

    #[test]
    fn what_is_no_address_is_told_apart() {
        for (url, error) in [
            ("", EngineError::Scheme),
            ("localhost:8888/?q={query}", EngineError::Scheme),
            ("ftp://a/{query}", EngineError::Scheme),
            ("http:///?q={query}", EngineError::Host),
            ("http://:80/?q={query}", EngineError::Host),
            ("https://me:secret@a/?q={query}", EngineError::Host),
            ("https://{query}.example/?q={query}", EngineError::Host),
            ("https://a/?q={query} x", EngineError::Letters),
            ("https://ä/?q={query}", EngineError::Letters),
            ("https://a/search?q=", EngineError::NoQuery),
            ("https://a/search#{query}", EngineError::NoQuery),
        ] {
            assert_eq!(Engine::new(url, None), Err(error), "{url}");
        }
    }
}
