//! The fingerprint of a checked value.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

/// SHA-256, in hex, of the value as JSON with sorted keys and no spaces: equal for equal settings, however the file wrote them (comments,
/// order, defaults left out). Used for `sim::Scenario` and `rl::RunSettings`, each apart.
///
/// # Panics
/// If the value cannot be JSON (a map whose keys are not text); our checked types all can.
#[must_use]
pub fn hash(checked: &impl Serialize) -> String {
    let value = serde_json::to_value(checked).expect("checked types have text keys only");
    let mut canonical = String::new();
    write_sorted(&value, &mut canonical);
    hex(canonical.as_bytes())
}

/// SHA-256 of a file, in hex; however large, it is read piece by piece.
pub(crate) fn of_file(file: &Path) -> io::Result<String> {
    let mut sha = Sha256::new();
    io::copy(&mut File::open(file)?, &mut sha)?;
    Ok(written(&sha.finalize()))
}

/// SHA-256 of bytes, in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    written(&Sha256::digest(bytes))
}

fn written(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        hex
    })
}

fn write_sorted(value: &Value, out: &mut String) {
    match value {
        // Whether `Map` iterates in order of keys depends on a feature that any dependency may switch on; so it is sorted here.
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_sorted(value, out);
            }
            out.push('}');
        }
        Value::Array(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                write_sorted(value, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => out.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Unsorted {
        b: u32,
        a: Option<bool>,
    }

    #[test]
    fn the_hash_is_that_of_sorted_json() {
        // printf '{"a":null,"b":1}' | sha256sum
        let expected = "c0bf82ad036cb0a5a03d6759c1b7b8b1f70a39b32dd96ed3977c7f2831ee3b56";
        assert_eq!(hash(&Unsorted { b: 1, a: None }), expected);
    }
}
