//! SHA-256 of what a run depends on.

use std::fmt;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use crate::DiskError;
use crate::disk::failed;

/// A SHA-256 as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

impl Hash {
    /// Of some bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Hash {
        Hash::of_digest(&Sha256::digest(bytes))
    }

    /// One that was written down; `None` if it is not 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn of_hex(digits: &str) -> Option<Hash> {
        let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        (digits.len() == 64 && digits.bytes().all(is_digit)).then(|| Hash(digits.to_owned()))
    }

    pub(crate) fn of_digest(digest: &[u8]) -> Hash {
        let mut hex = String::with_capacity(64);
        for byte in digest {
            write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        }
        Hash(hex)
    }

    /// Of a file's contents.
    ///
    /// # Errors
    /// [`DiskError::Io`] if it cannot be read.
    pub fn of_file(file: &Path) -> Result<Hash, DiskError> {
        Ok(Hash::of_bytes(&fs::read(file).map_err(failed("read", file))?))
    }

    /// Of several named parts, e.g. a scenario and its item files; the names and their order count.
    #[must_use]
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Hash {
        let mut lines = String::new();
        for (name, bytes) in parts {
            writeln!(lines, "{} {name}", Hash::of_bytes(bytes)).expect("writing to a string cannot fail");
        }
        Hash::of_bytes(lines.as_bytes())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
