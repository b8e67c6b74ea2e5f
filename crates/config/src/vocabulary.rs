//! Whether two `tokenizer.json` give the same ids: their entries, the order in which pieces are joined, and the entries that were added.

use std::collections::BTreeMap;

use serde_json::Value;

/// What decides ids in a tokenizer's file.
#[derive(PartialEq)]
struct Vocabulary {
    /// Entries with their ids, the added ones among them.
    ids: BTreeMap<String, u64>,
    /// Pieces that are joined, in order; a pair is written as a text or as a list.
    merges: Vec<String>,
}

/// Compares two files.
///
/// # Errors
/// The first difference in words, seen from `own`; also if one of them is no JSON.
pub(crate) fn same_ids(own: &[u8], other: &[u8]) -> Result<(), String> {
    let (own, other) = (Vocabulary::read(own)?, Vocabulary::read(other)?);
    for (entry, id) in &own.ids {
        match other.ids.get(entry) {
            Some(there) if there == id => {}
            Some(there) => return Err(format!("the id of `{entry}` is {id}, not {there}")),
            None => return Err(format!("`{entry}` is an entry of its own")),
        }
    }
    if let Some(entry) = other.ids.keys().find(|entry| !own.ids.contains_key(*entry)) {
        return Err(format!("`{entry}` is no entry of it"));
    }
    if own.merges != other.merges {
        return Err("it joins pieces in another order".to_owned());
    }
    Ok(())
}

impl Vocabulary {
    fn read(file: &[u8]) -> Result<Vocabulary, String> {
        let file: Value =
            serde_json::from_slice(file).map_err(|error| format!("one of the two is no JSON: {error}"))?;
        let entries = file["model"]["vocab"].as_object().into_iter().flatten();
        let entries = entries.filter_map(|(entry, id)| Some((entry.clone(), id.as_u64()?)));
        let added = file["added_tokens"].as_array().into_iter().flatten();
        let added = added.filter_map(|token| Some((token["content"].as_str()?.to_owned(), token["id"].as_u64()?)));
        let merges = file["model"]["merges"].as_array().into_iter().flatten().map(merge).collect();
        Ok(Vocabulary { ids: entries.chain(added).collect(), merges })
    }
}

/// `"a b"` and `["a", "b"]` are the same.
fn merge(merge: &Value) -> String {
    match merge {
        Value::Array(pair) => pair.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"{"model": {"vocab": {"a": 0, "b": 1, "ab": 2, "ba": 3}, "merges": ["a b", "b a"]},
        "added_tokens": [{"id": 4, "content": "<end>", "special": true}]}"#;

    #[track_caller]
    fn check(from: &str, to: &str, says: &str) {
        let own = BASE.replace(from, to);
        assert_ne!(own, BASE);
        let said = same_ids(own.as_bytes(), BASE.as_bytes()).unwrap_err();
        assert!(said.contains(says), "{said}");
    }

    #[test]
    fn what_changes_ids_is_told() {
        check("\"a\": 0, \"b\": 1", "\"a\": 1, \"b\": 0", "the id of `a` is 1, not 0");
        check("<end>", "<stop>", "`<stop>` is an entry of its own");
        check(", \"ba\": 3", "", "`ba` is no entry of it");
        check(r#""a b", "b a""#, r#""b a", "a b""#, "joins pieces in another order");
        check("\"id\": 4", "\"id\": 5", "the id of `<end>` is 5, not 4");
        check("{\"model\"", "\"model\"", "no JSON");
    }

    #[test]
    fn what_changes_no_ids_is_not() {
        let own =
            BASE.replace(r#""a b", "b a""#, r#"["a", "b"], ["b", "a"]"#).replace("true", "false").replace(": ", ":");
        assert_eq!(same_ids(own.as_bytes(), BASE.as_bytes()), Ok(()));
    }
}
