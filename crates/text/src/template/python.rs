//! Jinja as Python has it, where minijinja differs: what `transformers` gives templates, and how values print.
//!
//! Not covered: `%` on texts, long integers, methods of texts that `minijinja-contrib` does not have either (`partition`, `zfill`).

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;

use chrono::DateTime;
use minijinja::Environment;
use minijinja::Error;
use minijinja::ErrorKind;
use minijinja::State;
use minijinja::Value;
use minijinja::escape_formatter;
use minijinja::value::Kwargs;
use minijinja::value::ValueKind;
use minijinja_contrib::pycompat;

use crate::json;
use crate::json::Layout;

/// Instructions that one rendering may take; a conversation of a thousand messages takes about a hundred thousand.
const FUEL_MAX: u64 = 20_000_000;

/// What a template says when it refuses a conversation by `raise_exception`.
#[derive(Debug)]
pub(super) struct Raised(pub(super) String);

impl fmt::Display for Raised {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Raised {}

/// The environment that `transformers` renders in. `now` is seconds since 1970; without it there is no `strftime_now`.
pub(super) fn environment(now: Option<i64>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL_MAX));
    environment.set_formatter(|out, state, value| match value.kind() {
        ValueKind::String | ValueKind::Undefined => escape_formatter(out, state, value),
        _ => out.write_str(&text(value)).map_err(|_| Error::from(ErrorKind::WriteFailure)),
    });
    environment.set_unknown_method_callback(method);
    environment.add_filter("tojson", tojson);
    environment.add_filter("trim", trim);
    environment.add_filter("string", text);
    environment.add_test("iterable", is_collection);
    environment.add_test("sequence", is_collection);
    environment.add_function("raise_exception", raise);
    if let Some(now) = now {
        environment.add_function("strftime_now", move |form: String| strftime(now, &form));
    }
    environment
}

/// The source with `{% generation %}`, which only marks what the assistant wrote, as a condition that always holds: the same text, and
/// the same white space.
pub(super) fn without_generation(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start);
        out.push_str(before);
        let end = tag.find("%}").map_or(tag.len(), |end| end + 2);
        let (tag, after) = tag.split_at(end);
        let word = tag.trim_matches(|c: char| matches!(c, '{' | '%' | '}' | '-' | '+') || c.is_whitespace());
        match word {
            "generation" => out.push_str(&tag.replace(word, "if true")),
            "endgeneration" => out.push_str(&tag.replace(word, "endif")),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out + rest
}

/// What Python's `str` calls white space and strips.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1C}'..='\u{1F}').contains(&c)
}

fn strip(text: &str, chars: Option<&str>, left: bool, right: bool) -> String {
    let goes = |c: char| chars.map_or_else(|| is_space(c), |chars| chars.contains(c));
    let text = if left { text.trim_start_matches(goes) } else { text };
    if right { text.trim_end_matches(goes) } else { text }.to_owned()
}

fn trim(value: &Value, chars: Option<String>) -> String {
    strip(&text(value), chars.as_deref(), true, true)
}

fn method(state: &State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let sides = match name {
        "strip" => (true, true),
        "lstrip" => (true, false),
        "rstrip" => (false, true),
        _ => return pycompat::unknown_method_callback(state, value, name, args),
    };
    match (value.as_str(), args) {
        (Some(text), []) => Ok(strip(text, None, sides.0, sides.1).into()),
        _ => pycompat::unknown_method_callback(state, value, name, args),
    }
}

fn raise(why: &Value) -> Result<Value, Error> {
    let why = text(why);
    Err(Error::new(ErrorKind::InvalidOperation, why.clone()).with_source(Raised(why)))
}

/// Texts, lists and objects, and what is not defined: it has no parts.
fn is_collection(value: &Value) -> bool {
    let kind = value.kind();
    matches!(kind, ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable | ValueKind::Undefined)
}

fn tojson(value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent: Option<Value> = options.get("indent")?;
    let separators: Option<(String, String)> = match options.get::<Option<Vec<String>>>("separators")? {
        Some(both) => match <[String; 2]>::try_from(both) {
            Ok([comma, colon]) => Some((comma, colon)),
            Err(_) => return Err(Error::new(ErrorKind::InvalidOperation, "separators are two texts")),
        },
        None => None,
    };
    let indent = indent.filter(|indent| !indent.is_none()).map(|indent| match indent.as_usize() {
        Some(width) => " ".repeat(width.min(64)),
        None => text(&indent),
    });
    let comma = if indent.is_some() { "," } else { ", " };
    let (comma, colon) = separators.unwrap_or((comma.to_owned(), ": ".to_owned()));
    let layout = Layout {
        ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        indent,
        comma,
        colon,
        sorted: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    options.assert_all_used()?;
    json::dumps(value, &layout)
        .map_err(|kind| Error::new(ErrorKind::InvalidOperation, format!("a value that is {kind} has no JSON")))
}

/// A moment by Python's directives.
fn strftime(now: i64, form: &str) -> Result<String, Error> {
    let bad = || Error::new(ErrorKind::InvalidOperation, "strftime_now: no such moment or form");
    let now = DateTime::from_timestamp(now, 0).ok_or_else(bad)?.naive_utc();
    let mut out = String::new();
    write!(out, "{}", now.format(form)).map_err(|_| bad())?;
    Ok(out)
}

/// `str(value)`.
fn text(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => String::new(),
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        _ => repr(value),
    }
}

/// `repr(value)`, for what JSON can hold.
fn repr(value: &Value) -> String {
    let all = |each: &dyn Fn(&Value) -> String| {
        let parts: Vec<String> =
            value.try_iter().map(|parts| parts.map(|part| each(&part)).collect()).unwrap_or_default();
        parts.join(", ")
    };
    match value.kind() {
        ValueKind::None => "None".to_owned(),
        ValueKind::Bool => if value.is_true() { "True" } else { "False" }.to_owned(),
        ValueKind::Number => json::number(value),
        ValueKind::String => quoted(value.as_str().unwrap_or_default()),
        ValueKind::Seq => format!("[{}]", all(&repr)),
        ValueKind::Map => {
            let entry = |key: &Value| format!("{}: {}", repr(key), repr(&value.get_item(key).unwrap_or_default()));
            format!("{{{}}}", all(&entry))
        }
        _ => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let escapes: BTreeMap<char, &str> = [('\\', "\\\\"), ('\n', "\\n"), ('\r', "\\r"), ('\t', "\\t")].into();
    let mut out = String::from(quote);
    for c in text.chars() {
        match escapes.get(&c) {
            Some(escape) => out.push_str(escape),
            None if c == quote => out.extend(['\\', c]),
            None if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            None => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected` is what Jinja2 3.1 prints in the environment of `transformers`.
    #[track_caller]
    fn check(source: &str, expected: &str) {
        let environment = environment(Some(1_722_000_000));
        let value: crate::Json = r#"{"a":[1,2.0,null,true,"it's"],"b":"\u001c x \u001f"}"#.parse().unwrap();
        let rendered = environment.render_str(&without_generation(source), minijinja::context! { v => value.value() });
        assert_eq!(rendered.unwrap(), expected, "{source}");
    }

    #[test]
    fn values_print_as_in_python() {
        check(
            "{{ v.a }}|{{ none }}|{{ true }}|{{ 1.0 }}|{{ nothing }}",
            "[1, 2.0, None, True, \"it's\"]|None|True|1.0|",
        );
        check("{{ {'x': 'a\\nb'} }}", "{'x': 'a\\nb'}");
    }

    #[test]
    fn filters_and_tests_are_pythons() {
        check("{{ v | tojson }}", r#"{"a": [1, 2.0, null, true, "it's"], "b": "\u001c x \u001f"}"#);
        check("{{ {'a': 1, 'b': [2]} | tojson(indent=4) }}", "{\n    \"a\": 1,\n    \"b\": [\n        2\n    ]\n}");
        check(
            "{{ {'b': 1, 'a': '<é>'} | tojson(separators=(',', ':'), sort_keys=true, ensure_ascii=true) }}",
            r#"{"a":"<\u00e9>","b":1}"#,
        );
        check("[{{ v.b | trim }}{{ v.b.strip() }}{{ '--x-'.strip('-') }}]", "[xxx]");
        check(
            "{{ 'a' is iterable }} {{ 'a' is sequence }} {{ v is mapping }} {{ 'a' is string }} {{ 3 is iterable }}",
            "True True True True False",
        );
    }

    #[test]
    fn methods_slices_and_loop_controls_work() {
        check("{{ 'a</think>b'.split('</think>')[-1] }}{{ [1, 2, 3][::-1] }}{{ 'x y'.title() }}", "b[3, 2, 1]X Y");
        check(
            "{% for i in [1, 2, 3, 4] %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "13",
        );
        check("{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "3");
        check(
            "{{ 'abc'.startswith('ab') }}{{ ' a'.lstrip() }}{{ 'a\n'.rstrip('\n') }}{{ 'ab'.replace('b', 'c') }}{{ 'a'.upper() }}",
            "TrueaaacA",
        );
    }

    #[test]
    fn the_moment_is_the_one_that_was_given() {
        check("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024");
        assert!(environment(None).render_str("{{ strftime_now is defined }}", ()).unwrap() == "False");
        assert!(environment(Some(0)).render_str("{{ strftime_now('%Q%!') }}", ()).is_err());
    }

    #[test]
    fn generation_blocks_are_shown() {
        check("a {% generation %} b {%- endgeneration %} c", "a  b c");
        check("{{ '{% if %}' }}{%- generation -%} x {%- endgeneration -%}", "{% if %}x");
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
        assert!(environment(None).render_str(endless, ()).is_err());
    }
}
