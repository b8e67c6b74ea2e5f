//! What an item must look like, as a value. Keys that are not named may be there: releases keep notes in them.

use serde_json::Value;

/// The form of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Text; may be empty.
    Text,
    /// A finite number.
    Number,
    /// Anything at all.
    Anything,
    /// A list, each of it of one form.
    List(&'static Shape),
    /// An object with these keys at least.
    Object(&'static [(&'static str, Shape)]),
}

/// Where a value is of another form, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// Path of the key, e.g. `test_case[2]`; empty for the value itself.
    pub(crate) key: String,
    /// What is there, and what should be.
    pub(crate) what: String,
}

impl Shape {
    /// Finds the first place at which a value is of another form.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Mismatch> {
        let other =
            || Mismatch { key: String::new(), what: format!("is {}, and should be {}", kind(value), self.name()) };
        match (self, value) {
            (Shape::Text, Value::String(_)) | (Shape::Number, Value::Number(_)) | (Shape::Anything, _) => Ok(()),
            (Shape::List(each), Value::Array(values)) => values
                .iter()
                .enumerate()
                .try_for_each(|(at, value)| each.check(value).map_err(|inner| inner.below(&format!("[{at}]")))),
            (Shape::Object(keys), Value::Object(object)) => keys.iter().try_for_each(|(key, shape)| {
                let missing = || Mismatch { key: (*key).to_owned(), what: "is missing".to_owned() };
                shape.check(object.get(*key).ok_or_else(missing)?).map_err(|inner| inner.below(key))
            }),
            (Shape::Text | Shape::Number | Shape::List(_) | Shape::Object(_), _) => Err(other()),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Shape::Text => "text",
            Shape::Number => "a number",
            Shape::Anything => "anything",
            Shape::List(_) => "a list",
            Shape::Object(_) => "an object",
        }
    }
}

impl Mismatch {
    /// The same, one level up.
    fn below(self, outer: &str) -> Mismatch {
        let joint = if self.key.is_empty() || self.key.starts_with('[') { "" } else { "." };
        Mismatch { key: format!("{outer}{joint}{}", self.key), what: self.what }
    }
}

/// What a value is, in words.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TASK: Shape = Shape::Object(&[
        ("id", Shape::Text),
        ("calls", Shape::List(&Shape::Object(&[("at", Shape::List(&Shape::Number))]))),
    ]);

    #[track_caller]
    fn check(value: Value, key: &str, what: &str) {
        assert_eq!(TASK.check(&value), Err(Mismatch { key: key.to_owned(), what: what.to_owned() }));
    }

    #[test]
    fn the_first_place_that_differs_is_named_by_its_path() {
        assert_eq!(TASK.check(&json!({ "id": "", "calls": [{ "at": [1, 2.5] }], "note": null })), Ok(()));
        check(json!([]), "", "is a list, and should be an object");
        check(json!({ "calls": [] }), "id", "is missing");
        check(
            json!({ "id": "a", "calls": [{ "at": [] }, { "at": [1, "2"] }] }),
            "calls[1].at[1]",
            "is text, and should be a number",
        );
        check(json!({ "id": "a", "calls": [{ "at": [] }, null] }), "calls[1]", "is null, and should be an object");
    }
}
