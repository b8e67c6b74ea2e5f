//! From the tree to raw types, by serde, without stopping at the first mistake.
//!
//! A derived `Deserialize` gives up at the first value it cannot take. So a key that is unknown or has a value of the wrong kind is noted
//! and from then on overlooked, and the type is read again, until only what can be read is left. Every field of a raw type is an
//! `Option`, so what was overlooked reads as absent; [`Problems::overlooked`] tells it from what was never written.

use std::collections::BTreeSet;
use std::collections::btree_map;
use std::fmt;
use std::slice;

use serde::Deserialize;
use serde::de;
use serde::de::DeserializeSeed;
use serde::de::Expected;
use serde::de::IntoDeserializer;
use serde::de::Unexpected;
use serde::de::Visitor;

use crate::node::Node;
use crate::node::Origin;
use crate::node::Value;
use crate::suggest;

/// What could not be read.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) found: Vec<Problem>,
    /// Paths that are passed over from now on.
    skipped: BTreeSet<String>,
}

/// A key that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) path: String,
    pub(crate) origin: Origin,
    pub(crate) what: String,
    pub(crate) hint: String,
}

impl Problems {
    /// Whether this key, or what it stands in, was written but could not be read: it has its error already.
    pub(crate) fn overlooked(&self, path: &str) -> bool {
        let parents = path.match_indices(['.', '[']).map(|(at, _)| &path[..at]);
        parents.chain([path]).any(|path| self.skipped.contains(path))
    }

    fn note(&mut self, problem: Problem) {
        if self.skipped.insert(problem.path.clone()) {
            self.found.push(problem);
        }
    }
}

/// Reads the raw type `T` from `node`, whose path is `path` (empty for a whole file). What cannot be read is noted and left out.
pub(crate) fn read<'de, T: Deserialize<'de> + Default>(node: &'de Node, path: &str, problems: &mut Problems) -> T {
    loop {
        let reader = Reader { node, path: path.to_owned(), problems };
        let failure = match T::deserialize(reader) {
            Ok(value) => return value,
            Err(failure) => failure,
        };
        let place = failure.place.unwrap_or((path.to_owned(), node.origin));
        let again = !problems.overlooked(&place.0) && place.0 != path;
        problems.note(Problem { path: place.0, origin: place.1, what: failure.what, hint: failure.hint });
        if !again {
            return T::default();
        }
    }
}

struct Reader<'de, 'p> {
    node: &'de Node,
    path: String,
    problems: &'p mut Problems,
}

impl<'de> de::Deserializer<'de> for Reader<'de, '_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let place = (self.path.clone(), self.node.origin);
        let result = match &self.node.value {
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Whole(whole) => visitor.visit_i64(*whole),
            Value::Number(number) => visitor.visit_f64(*number),
            Value::Flag(flag) => visitor.visit_bool(*flag),
            Value::Date => Err(de::Error::invalid_type(unexpected(&self.node.value), &visitor)),
            Value::List(nodes) => {
                let (nodes, problems) = (nodes.iter().enumerate(), self.problems);
                visitor.visit_seq(List { nodes, path: self.path, problems })
            }
            Value::Table(entries) => {
                let (entries, problems) = (entries.iter(), self.problems);
                visitor.visit_map(Entries { entries, path: self.path, next: None, problems })
            }
        };
        result.map_err(|failure| failure.at(place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        // A derived type would take a list for its fields in order.
        let Some(entries) = self.node.table() else {
            let failure: Failure = de::Error::invalid_type(unexpected(&self.node.value), &visitor);
            return Err(failure.at((self.path, self.node.origin)));
        };
        for (key, node) in entries {
            if !fields.contains(&key.as_str()) {
                let path = join(&self.path, key);
                let what = "unknown key: a key that nothing reads would be believed to have an effect".to_owned();
                let hint = suggest::hint(key, fields.iter().copied(), "the keys here are");
                self.problems.note(Problem { path, origin: node.origin, what, hint });
            }
        }
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

struct Entries<'de, 'p> {
    entries: btree_map::Iter<'de, String, Node>,
    path: String,
    next: Option<(String, &'de Node)>,
    problems: &'p mut Problems,
}

impl<'de> de::MapAccess<'de> for Entries<'de, '_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        for (key, node) in self.entries.by_ref() {
            let path = join(&self.path, key);
            if !self.problems.overlooked(&path) {
                self.next = Some((path, node));
                return seed.deserialize(key.as_str().into_deserializer()).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let (path, node) = self.next.take().expect("serde asks for a value only after its key");
        seed.deserialize(Reader { node, path, problems: self.problems })
    }
}

struct List<'de, 'p> {
    nodes: std::iter::Enumerate<slice::Iter<'de, Node>>,
    path: String,
    problems: &'p mut Problems,
}

impl<'de> de::SeqAccess<'de> for List<'de, '_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some((index, node)) = self.nodes.next() else {
            return Ok(None);
        };
        let path = format!("{}[{index}]", self.path);
        if self.problems.overlooked(&path) {
            return seed.deserialize(Placeholder).map(Some);
        }
        seed.deserialize(Reader { node, path, problems: self.problems }).map(Some)
    }
}

/// Stands in for a list entry that could not be read, so that the entries after it keep their numbers: an empty section, an empty text, a 0.
struct Placeholder;

impl<'de> de::Deserializer<'de> for Placeholder {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(de::value::MapDeserializer::new(std::iter::empty::<(&str, &str)>()))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_borrowed_str("")
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_i64(0)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// Why a value could not be read.
#[derive(Debug)]
struct Failure {
    /// Path and origin of the innermost value that was being read; `None` until it is known.
    place: Option<(String, Origin)>,
    what: String,
    hint: String,
}

impl Failure {
    fn at(self, place: (String, Origin)) -> Failure {
        Failure { place: self.place.or(Some(place)), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(what: T) -> Failure {
        Failure { place: None, what: what.to_string(), hint: "see docs/SCENARIOS.md".to_owned() }
    }

    fn invalid_type(given: Unexpected<'_>, wanted: &dyn Expected) -> Failure {
        let (wanted, hint) = wanted_in_words(&wanted.to_string());
        Failure { place: None, what: format!("must be {wanted}, is {}", given_in_words(given)), hint }
    }

    fn invalid_value(given: Unexpected<'_>, wanted: &dyn Expected) -> Failure {
        de::Error::invalid_type(given, wanted)
    }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Text(text) => Unexpected::Str(text),
        Value::Whole(whole) => Unexpected::Signed(*whole),
        Value::Number(number) => Unexpected::Float(*number),
        Value::Flag(flag) => Unexpected::Bool(*flag),
        Value::Date => Unexpected::Other("a date"),
        Value::List(_) => Unexpected::Seq,
        Value::Table(_) => Unexpected::Map,
    }
}

fn given_in_words(given: Unexpected<'_>) -> String {
    match given {
        Unexpected::Str(text) => format!("the text \"{text}\""),
        Unexpected::Signed(whole) => format!("the number {whole}"),
        Unexpected::Float(number) => format!("the number {number:?}"),
        Unexpected::Bool(flag) => flag.to_string(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a section".to_owned(),
        other => other.to_string(),
    }
}

/// Serde's word for a type in ours, and how a value of it is written.
fn wanted_in_words(wanted: &str) -> (&'static str, String) {
    let (words, hint) = match wanted {
        "i64" => ("a whole number", "a whole number is written like 8: no quotes, no decimal point"),
        "u32" | "u64" | "usize" => {
            ("a whole number of at least 0", "a whole number is written like 8: no quotes, no sign")
        }
        "f64" => ("a number", "a number is written like 0.05 or 3e-4, without quotes"),
        "a string" => ("text", "text stands in quotes, like \"rule\""),
        "a boolean" => ("true or false", "write true or false, without quotes"),
        "a string or a sequence" => {
            ("text or a list", "text stands in quotes, like \"rule\", and a list in brackets, like [\"a\", \"b\"]")
        }
        "a sequence" => {
            ("a list", "a list is written like [1, 2, 3]; one of sections also with double brackets, like [[reward]]")
        }
        _ => ("a section", "write its keys under a [section], or inline: { key = value, … }"),
    };
    (words, hint.to_owned())
}
