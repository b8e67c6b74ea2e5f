//! JSON whose keys stay where they were written, and its text as Python writes it.
//!
//! Templates print tools and arguments, and models were trained on what Python's `json.dumps` made of them: other keys first, or no space
//! behind a comma, are other tokens. `serde_json` sorts keys (and has to, for whoever else in this workspace writes JSON with it).

use std::str::FromStr;

use minijinja::Value;
use minijinja::value::ValueKind;
use serde::Deserialize;
use serde::Serialize;

/// A JSON value; keys in their order. Integers beyond 64 bits become floats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Value);

impl Json {
    /// Its text in one line, as Python's `json.dumps(value, ensure_ascii=False)` writes it.
    #[must_use]
    pub fn dumps(&self) -> String {
        dumps(&self.0, &Layout::default()).unwrap_or_default()
    }

    /// The value under a key; `None` if there is none or this is no object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Json> {
        let value = self.0.get_attr(key).ok()?;
        (!value.is_undefined()).then_some(Json(value))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.0.kind() == ValueKind::Map
    }

    /// The objects or values of a list; empty if it is none.
    #[must_use]
    pub fn items(&self) -> Vec<Json> {
        match self.0.kind() {
            ValueKind::Seq => self.0.try_iter().map(|items| items.map(Json).collect()).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn value(&self) -> &Value {
        &self.0
    }
}

impl FromStr for Json {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Json, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json(Value::from(text))
    }
}

impl From<bool> for Json {
    fn from(truth: bool) -> Json {
        Json(Value::from(truth))
    }
}

impl From<serde_json::Value> for Json {
    /// Its keys are in the order of `serde_json`: sorted.
    fn from(value: serde_json::Value) -> Json {
        Json(Value::from_serialize(value))
    }
}

/// What `json.dumps` may be asked.
pub(crate) struct Layout {
    pub(crate) ascii: bool,
    /// What each level of depth is indented by; `None` for one line.
    pub(crate) indent: Option<String>,
    pub(crate) comma: String,
    pub(crate) colon: String,
    pub(crate) sorted: bool,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout { ascii: false, indent: None, comma: ", ".to_owned(), colon: ": ".to_owned(), sorted: false }
    }
}

/// The text of a value, or the kind of a part of it that JSON has no text for.
pub(crate) fn dumps(value: &Value, layout: &Layout) -> Result<String, ValueKind> {
    let mut out = String::new();
    dump(value, layout, 1, &mut out)?;
    Ok(out)
}

fn dump(value: &Value, layout: &Layout, depth: usize, out: &mut String) -> Result<(), ValueKind> {
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => out.push_str(&number(value)),
        ValueKind::String => quote(value.as_str().unwrap_or_default(), layout.ascii, out),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Vec<Value> = value.try_iter().map_err(|_| value.kind())?.collect();
            dump_all(&items, ('[', ']'), layout, depth, out, |item, out| dump(item, layout, depth + 1, out))?;
        }
        ValueKind::Map => {
            let mut keys: Vec<Value> = value.try_iter().map_err(|_| value.kind())?.collect();
            if layout.sorted {
                keys.sort();
            }
            dump_all(&keys, ('{', '}'), layout, depth, out, |key, out| {
                let name = key.as_str().map_or_else(|| dumps(key, layout), |name| Ok(name.to_owned()))?;
                quote(&name, layout.ascii, out);
                out.push_str(&layout.colon);
                let item = value.get_item(key).map_err(|_| value.kind())?;
                dump(&item, layout, depth + 1, out)
            })?;
        }
        other => return Err(other),
    }
    Ok(())
}

/// A list or an object: its parts between brackets.
fn dump_all(
    parts: &[Value],
    (open, close): (char, char),
    layout: &Layout,
    depth: usize,
    out: &mut String,
    mut each: impl FnMut(&Value, &mut String) -> Result<(), ValueKind>,
) -> Result<(), ValueKind> {
    let line = |depth: usize, out: &mut String| {
        if let Some(indent) = &layout.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    };
    out.push(open);
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            out.push_str(&layout.comma);
        }
        line(depth, out);
        each(part, out)?;
    }
    if !parts.is_empty() {
        line(depth - 1, out);
    }
    out.push(close);
    Ok(())
}

fn quote(text: &str, ascii: bool, out: &mut String) {
    let quoted = serde_json::to_string(text).expect("a text is always JSON");
    if !ascii {
        out.push_str(&quoted);
        return;
    }
    for c in quoted.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
}

/// A number as Python's `repr` writes it.
pub(crate) fn number(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(float) if !value.is_integer() => python_float(float),
        _ => value.to_string(),
    }
}

/// The shortest digits that give the number back; an exponent from 1e16 on and below 1e-4.
fn python_float(float: f64) -> String {
    if float.is_nan() {
        return "NaN".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').expect("this format has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    if float == 0.0 || (-4..16).contains(&exponent) {
        let plain = format!("{float}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected` was printed by CPython 3.11's `json.dumps(json.loads(text), ensure_ascii=False)`.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(text.parse::<Json>().unwrap().dumps(), expected);
    }

    #[test]
    fn the_text_is_pythons() {
        check(
            r#"{"b":1,"a":[true,null,"é<&>'\u0001\n\"/"],"c":{}}"#,
            r#"{"b": 1, "a": [true, null, "é<&>'\u0001\n\"/"], "c": {}}"#,
        );
        check("[]", "[]");
        check(
            "[1.0,0.1,1e-5,1e16,1e15,123456789.25,-0.0,1e22,5e-324]",
            "[1.0, 0.1, 1e-05, 1e+16, 1000000000000000.0, 123456789.25, -0.0, 1e+22, 5e-324]",
        );
        check("[-7,18446744073709551615]", "[-7, 18446744073709551615]");
    }

    #[test]
    fn layouts_are_pythons() {
        let value: Json = r#"{"b":[1,{}],"a":"é😀"}"#.parse().unwrap();
        let layout = Layout { indent: Some("  ".to_owned()), comma: ",".to_owned(), ..Layout::default() };
        let expected = "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": \"é😀\"\n}";
        assert_eq!(dumps(value.value(), &layout), Ok(expected.to_owned()));
        let layout = Layout { ascii: true, sorted: true, ..Layout::default() };
        assert_eq!(dumps(value.value(), &layout), Ok(r#"{"a": "\u00e9\ud83d\ude00", "b": [1, {}]}"#.to_owned()));
    }

    #[test]
    fn parts_are_reached() {
        let value: Json = r#"{"name":"f","list":[1,2]}"#.parse().unwrap();
        assert_eq!(value.get("name").unwrap().as_str(), Some("f"));
        assert_eq!(value.get("list").unwrap().items().len(), 2);
        assert_eq!((value.get("none"), value.is_object(), Json::from("x").get("y")), (None, true, None));
    }
}
