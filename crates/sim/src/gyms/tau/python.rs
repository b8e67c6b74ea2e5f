//! Values as text, in the forms of Python's standard library that tau-bench's tools answer and hash with.

use std::fmt::Write;

use super::Value;

/// What `json.dumps` writes: `, ` and `: ` between, everything beyond ASCII escaped.
#[must_use]
pub fn dumps(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Text(text) => write_json_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Table(entries) => {
            out.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_json_text(key, out);
                out.push_str(": ");
                write_json(value, out);
            }
            out.push('}');
        }
    }
}

fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("a String takes all text");
                }
            }
        }
    }
    out.push('"');
}

/// What `repr` writes of a float: the shortest digits that read back to it, with an exponent below 10⁻⁴ and from 10¹⁶ on.
#[must_use]
pub fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("the form has an exponent");
    let exponent: i32 = exponent.parse().expect("the form's exponent is whole");
    if number == 0.0 || (-4..16).contains(&exponent) {
        let plain = number.to_string();
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// The text whose SHA-256 tau-bench calls a database's hash: the `repr` of nested tuples, the keys of each table sorted.
pub fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Text(text) => write_repr(text, out),
        Value::List(items) => write_tuple(items, out, write_canonical),
        Value::Table(entries) => {
            let mut sorted: Vec<&(String, Value)> = entries.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            write_tuple(&sorted, out, |(key, value), out| write_pair(key, value, out));
        }
    }
}

/// A key and its value, as [`write_canonical`] has them.
pub fn write_pair(key: &str, value: &Value, out: &mut String) {
    out.push('(');
    write_repr(key, out);
    out.push_str(", ");
    write_canonical(value, out);
    out.push(')');
}

/// The `repr` of a tuple, each part written by `write`.
pub fn write_tuple<T>(parts: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('(');
    for (at, part) in parts.iter().enumerate() {
        out.push_str(if at > 0 { ", " } else { "" });
        write(part, out);
    }
    out.push_str(if parts.len() == 1 { ",)" } else { ")" });
}

/// The `repr` of a text. Not covered: characters beyond ASCII that Python takes for unprintable.
pub fn write_repr(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' || c == '\u{7f}' => write!(out, "\\x{:02x}", c as u32).expect("a String takes all text"),
            c => out.push(c),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let rows = [
            (255.0, "255.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "inf"),
        ];
        for (number, expected) in rows {
            assert_eq!(float(number), expected);
        }
    }

    #[test]
    fn json_is_ascii_with_a_space_after_each_sign() {
        let value: Value = serde_json::from_str(r#"{"b":[1,2.50,null,true],"a":"é😀\"\u0007"}"#).unwrap();
        assert_eq!(dumps(&value), r#"{"b": [1, 2.5, null, true], "a": "\u00e9\ud83d\ude00\"\u0007"}"#);
    }

    #[test]
    fn the_canonical_text_is_a_repr_of_tuples_with_sorted_keys() {
        let value: Value = serde_json::from_str(r#"{"b":[1,"it's"],"a":[{"x":1.0}]}"#).unwrap();
        let mut out = String::new();
        write_canonical(&value, &mut out);
        assert_eq!(out, r#"(('a', ((('x', 1.0),),)), ('b', (1, "it's")))"#);
    }
}
