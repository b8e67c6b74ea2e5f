//! A TOML document as a tree that remembers on which line each value was written, and into which `--set` puts its keys.

use std::collections::BTreeMap;

use toml::de::DeTable;
use toml::de::DeValue;

use crate::ConfigError;
use crate::ConfigErrors;
use crate::Source;

/// Where a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// On this line of the file, from 1.
    Line(usize),
    /// In a `--set` of the command line.
    Set,
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) origin: Origin,
    pub(crate) value: Value,
}

/// What TOML can say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    /// A date or time. No key wants one.
    Date,
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

impl Node {
    /// Reads a document.
    ///
    /// # Errors
    /// Every place at which it is not TOML.
    pub(crate) fn parse(source: &Source) -> Result<Node, ConfigErrors> {
        let lines = Lines::of(&source.text);
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        if errors.is_empty() {
            return Ok(Node { origin: Origin::Line(1), value: lines.table(table.get_ref()) });
        }
        let report = |error: &toml::de::Error| ConfigError {
            file: source.name(),
            line: error.span().map(|span| lines.at(span.start)),
            key: String::new(),
            what: format!("not TOML: {}", error.message()),
            hint: Some(
                "a line is `key = value`, a `[section]` or a `[[list entry]]`; text stands in quotes".to_owned(),
            ),
        };
        Err(ConfigErrors(errors.iter().map(report).collect()))
    }

    /// The entries; `None` if this is no table.
    pub(crate) fn table(&self) -> Option<&BTreeMap<String, Node>> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value at a path such as `grpo.lr` or `reward[2].weight`.
    pub(crate) fn get(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, step| {
            let (name, index) = match step.split_once('[') {
                Some((name, rest)) => (name, Some(rest.trim_end_matches(']').parse::<usize>().ok()?)),
                None => (step, None),
            };
            let entry = node.table()?.get(name)?;
            match (index, &entry.value) {
                (None, _) => Some(entry),
                (Some(index), Value::List(nodes)) => nodes.get(index),
                (Some(_), _) => None,
            }
        })
    }

    /// Where `key` stands; one that is missing, where its section begins.
    pub(crate) fn place(&self, key: &str) -> Origin {
        let parents = key.rmatch_indices(['.', '[']).map(|(at, _)| &key[..at]);
        let node = [key].into_iter().chain(parents).find_map(|path| self.get(path));
        node.map_or(self.origin, |node| node.origin)
    }

    /// Puts `--set KEY=VALUE` into the tree: VALUE as TOML, or as text where it is none. `KEY=` takes the key out.
    ///
    /// # Errors
    /// If it has no `=`, or runs through a key that is no table.
    pub(crate) fn set(&mut self, assignment: &str) -> Result<(), ConfigError> {
        let fail = |key: &str, what: String, hint: &str| {
            let (file, key) = ("--set".to_owned(), key.to_owned());
            Err(ConfigError { file, line: None, key, what, hint: Some(hint.to_owned()) })
        };
        let Some((key, text)) = assignment.split_once('=') else {
            return fail(assignment, "has no `=`".to_owned(), "write `--set KEY=VALUE`, e.g. `--set grpo.lr=3e-4`");
        };
        let (key, text) = (key.trim(), text.trim());
        let mut steps: Vec<&str> = key.split('.').collect();
        let last = steps.pop().unwrap_or_default();
        let mut node = self;
        for step in steps {
            let Value::Table(entries) = &mut node.value else {
                return fail(key, format!("`{step}` cannot be looked up in a single value"), "a path is SECTION.KEY");
            };
            let empty = Node { origin: Origin::Set, value: Value::Table(BTreeMap::new()) };
            node = entries.entry(step.to_owned()).or_insert(empty);
        }
        let Value::Table(entries) = &mut node.value else {
            return fail(key, format!("`{last}` cannot be looked up in a single value"), "a path is SECTION.KEY");
        };
        if text.is_empty() {
            entries.remove(last);
        } else {
            let node = Node { origin: Origin::Set, value: value_of(text) };
            entries.insert(last.to_owned(), node);
        }
        Ok(())
    }
}

/// What a flag's text means. A shell takes quotes away, so whatever is not TOML is text.
fn value_of(text: &str) -> Value {
    match DeValue::parse(text) {
        Ok(value) => Lines { starts: None }.value(value.get_ref()),
        Err(_) => Value::Text(text.to_owned()),
    }
}

/// Byte offsets at which lines start; `None`: there are no lines, everything comes from `--set`.
struct Lines {
    starts: Option<Vec<usize>>,
}

impl Lines {
    fn of(text: &str) -> Lines {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        Lines { starts: Some(starts.collect()) }
    }

    /// Line of a byte, from 1.
    fn at(&self, byte: usize) -> usize {
        self.starts.as_ref().map_or(1, |starts| starts.partition_point(|start| *start <= byte))
    }

    fn origin(&self, byte: usize) -> Origin {
        if self.starts.is_some() { Origin::Line(self.at(byte)) } else { Origin::Set }
    }

    fn table(&self, table: &DeTable<'_>) -> Value {
        let entries = table.iter().map(|(key, value)| {
            let node = Node { origin: self.origin(key.span().start), value: self.value(value.get_ref()) };
            (key.get_ref().to_string(), node)
        });
        Value::Table(entries.collect())
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            // A whole number beyond 64 bits is only good for an error about its range.
            DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(whole) => Value::Whole(whole),
                Err(_) => Value::Number(digits.as_str().parse().unwrap_or(f64::INFINITY)),
            },
            DeValue::Float(digits) => Value::Number(digits.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Datetime(_) => Value::Date,
            DeValue::Array(values) => {
                let nodes = values
                    .iter()
                    .map(|entry| Node { origin: self.origin(entry.span().start), value: self.value(entry.get_ref()) });
                Value::List(nodes.collect())
            }
            DeValue::Table(table) => self.table(table),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Node {
        Node::parse(&Source { path: "f.toml".into(), text: text.to_owned() }).unwrap()
    }

    #[test]
    fn every_value_knows_its_line() {
        let tree = parse("a = 1\n\n[b]\nc = { d = 2 }\n[[r]]\nw = 3\n[[r]]\n# x\nw = 4\n");
        let line = |path: &str| tree.get(path).map(|node| node.origin);
        assert_eq!(line("a"), Some(Origin::Line(1)));
        assert_eq!(line("b"), Some(Origin::Line(3)));
        assert_eq!(line("b.c.d"), Some(Origin::Line(4)));
        assert_eq!(line("r[1]"), Some(Origin::Line(7)));
        assert_eq!(line("r[1].w"), Some(Origin::Line(9)));
        assert_eq!(line("r[2].w"), None);
    }

    #[test]
    fn set_reads_toml_where_it_can_and_text_where_it_must() {
        let mut tree = parse("[grpo]\nlr = 1.0\nsteps = 3\n");
        for assignment in ["grpo.lr=3e-4", "grpo.mode=agent", "eval.every = 5", "name=\"x=y\"", "grpo.steps="] {
            tree.set(assignment).unwrap();
        }
        let value = |path: &str| tree.get(path).map(|node| (node.value.clone(), node.origin));
        assert_eq!(value("grpo.lr"), Some((Value::Number(3e-4), Origin::Set)));
        assert_eq!(value("grpo.mode"), Some((Value::Text("agent".into()), Origin::Set)));
        assert_eq!(value("eval.every"), Some((Value::Whole(5), Origin::Set)));
        assert_eq!(value("name"), Some((Value::Text("x=y".into()), Origin::Set)));
        assert_eq!(value("grpo.steps"), None);
    }
}
