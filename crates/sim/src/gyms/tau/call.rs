//! A call of a tool, as an agent writes it.

use serde::Deserialize;
use serde::Serialize;

use super::Value;
use super::python;

/// Longest call that is read, in bytes.
pub const CALL_BYTES_MAX: usize = 64 * 1024;

/// A tool's name and what it is called with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The tool.
    pub name: String,
    /// A table.
    #[serde(alias = "kwargs")]
    pub arguments: Value,
}

impl Call {
    /// Reads `{"name": TOOL, "arguments": {…}}` or `TOOL: {…}` (spec userrl §2.8).
    ///
    /// # Errors
    /// Why it is no call, for whoever wrote it.
    pub fn read(content: &str) -> Result<Call, String> {
        let content = content.trim();
        if content.len() > CALL_BYTES_MAX {
            return Err(format!("a call has at most {CALL_BYTES_MAX} bytes"));
        }
        if content.starts_with('{') {
            return whole(json(content)?);
        }
        let Some((name, arguments)) = content.split_once(':').filter(|(_, rest)| rest.trim_start().starts_with('{'))
        else {
            return Err("it is not {\"name\": TOOL, \"arguments\": {…}}".to_owned());
        };
        let name = name.trim();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err("what stands before the colon is not a tool's name".to_owned());
        }
        Ok(Call { name: name.to_owned(), arguments: json(arguments)? })
    }

    /// As [`Call::read`] reads it.
    #[must_use]
    pub fn write(&self) -> String {
        let call = Value::table([("name", Value::text(&self.name)), ("arguments", self.arguments.clone())]);
        python::dumps(&call)
    }

    /// A call with these arguments.
    #[must_use]
    pub fn of<const N: usize>(name: &str, arguments: [(&str, Value); N]) -> Call {
        Call { name: name.to_owned(), arguments: Value::table(arguments) }
    }

    /// An argument that is a text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.arguments.text_at(key)
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))
}

fn whole(call: Value) -> Result<Call, String> {
    let Some(name) = call.text_at("name") else {
        return Err("it has no \"name\", which is the tool's".to_owned());
    };
    let arguments = match call.get("arguments") {
        None => Value::table([]),
        Some(table @ Value::Table(_)) => table.clone(),
        // The form in which other interfaces send arguments: JSON in a text.
        Some(Value::Text(text)) => json(text)?,
        Some(_) => Value::Null,
    };
    match arguments {
        Value::Table(_) => Ok(Call { name: name.to_owned(), arguments }),
        _ => Err("its \"arguments\" are not a table".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_in_each_form() {
        let expected = Call::of("cancel", [("id", Value::Int(1))]);
        for content in [
            r#"{"name": "cancel", "arguments": {"id": 1}}"#,
            r#" {"arguments": "{\"id\": 1}", "name": "cancel"} "#,
            r#"cancel: {"id": 1}"#,
            r#"cancel : {"id": 1}"#,
        ] {
            assert_eq!(Call::read(content).as_ref(), Ok(&expected), "{content}");
        }
        assert_eq!(Call::read(&expected.write()), Ok(expected));
        assert_eq!(Call::read(r#"{"name": "list"}"#), Ok(Call::of("list", [])));
    }

    #[test]
    fn what_is_no_call_is_told_why() {
        for content in [
            "",
            "cancel",
            "cancel(1)",
            "{}",
            "{\"name\": 1}",
            "{\"name\": \"a\", \"arguments\": [1]}",
            "{\"name\": \"a\"",
            "{\"name\": \"a\"} and more",
            "please do: {}",
            "[{\"name\": \"a\"}, {\"name\": \"b\"}]",
            &"[".repeat(10_000),
            &format!("{{\"a\":{}", "[".repeat(10_000)),
            &format!("{{\"name\": \"{}\"}}", "a".repeat(1 << 20)),
        ] {
            assert!(Call::read(content).is_err(), "{content:.40}");
        }
    }
}
