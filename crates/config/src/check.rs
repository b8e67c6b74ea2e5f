//! The collector of a file's mistakes, and the checks that most keys need.
//!
//! A check returns a value in any case: the one given, the default, or, after noting an error, some placeholder. Placeholders never
//! escape, since [`Check::finish`] gives the value only if there was no error.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::ConfigError;
use crate::ConfigErrors;
use crate::allowed::Allowed;
use crate::demand::Demand;
use crate::demand::Says;
use crate::node::Node;
use crate::node::Origin;
use crate::read;
use crate::read::Problems;
use crate::suggest;

/// The form of names that become parts of paths.
const NAME: &str = "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$";

/// The mistakes of one file so far.
pub(crate) struct Check<'n> {
    file: String,
    root: &'n Node,
    problems: Problems,
    errors: Vec<ConfigError>,
    demands: Vec<Demand>,
}

impl<'n> Check<'n> {
    /// Nothing wrong yet.
    pub(crate) fn new(file: String, root: &'n Node) -> Check<'n> {
        Check { file, root, problems: Problems::default(), errors: Vec::new(), demands: Vec::new() }
    }

    /// The folder of the file: where paths in it start.
    pub(crate) fn folder(&self) -> &Path {
        Path::new(&self.file).parent().unwrap_or(Path::new(""))
    }

    /// Where paths in the value of `key` start: at the folder of the file, or for one of the command line where the command was given.
    pub(crate) fn folder_of(&self, key: &str) -> PathBuf {
        match self.root.place(key) {
            Origin::Line(_) => self.folder().to_owned(),
            Origin::Set => PathBuf::new(),
        }
    }

    /// Whether the file, or a `--set`, has this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.root.get(key).is_some()
    }

    /// Reads a raw type from the value at `path`; empty: the whole file. What is not there reads as the raw type's default.
    pub(crate) fn read<T: Deserialize<'n> + Default>(&mut self, path: &str) -> T {
        let node = if path.is_empty() { Some(self.root) } else { self.root.get(path) };
        node.map_or_else(T::default, |node| read::read(node, path, &mut self.problems))
    }

    /// Reads a raw type from a tree that was cut out of the file at `path`.
    pub(crate) fn read_part<T: for<'a> Deserialize<'a> + Default>(&mut self, part: &Node, path: &str) -> T {
        read::read(part, path, &mut self.problems)
    }

    /// Notes what is demanded of `key`, for the schema.
    pub(crate) fn demand(&mut self, key: &str, says: Says) {
        self.demands.push(Demand { key: key.to_owned(), says });
    }

    /// Everything that was demanded, in order; a key may come more than once.
    pub(crate) fn demands(&self) -> &[Demand] {
        &self.demands
    }

    /// Notes a mistake in the value of `key`.
    pub(crate) fn error(&mut self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.push(self.root.place(key), key, what.into(), hint.into());
    }

    fn push(&mut self, place: Origin, key: &str, what: String, hint: String) {
        let (file, line) = match place {
            Origin::Line(line) => (self.file.clone(), Some(line)),
            Origin::Set => ("--set".to_owned(), None),
        };
        self.errors.push(ConfigError { file, line, key: key.to_owned(), what, hint: Some(hint) });
    }

    /// Whether this key was written but could not be read: it has its error already.
    pub(crate) fn overlooked(&self, key: &str) -> bool {
        self.problems.overlooked(key)
    }

    /// Whether this key was written at all.
    pub(crate) fn root_has(&self, key: &str) -> bool {
        self.root.get(key).is_some()
    }

    /// A key that must be there. `example` is how it may look, e.g. `turns_max = 6`.
    pub(crate) fn required<T: Default>(&mut self, key: &str, given: Option<T>, example: &str) -> T {
        self.present(key, given.is_some(), example);
        given.unwrap_or_default()
    }

    /// Notes that a key is missing, unless it is there or could not be read, which has been noted.
    pub(crate) fn present(&mut self, key: &str, given: bool, example: &str) {
        self.demand(key, Says::Needed);
        self.present_here(key, given, example);
    }

    /// The same of a list, which must not be empty either.
    pub(crate) fn filled(&mut self, key: &str, given: bool, example: &str) {
        self.demand(key, Says::Filled);
        self.present(key, given, example);
    }

    /// The same of a key that is needed in this file, because of what stands at other keys.
    pub(crate) fn present_here(&mut self, key: &str, given: bool, example: &str) {
        if !given && !self.problems.overlooked(key) {
            self.error(key, "is missing", format!("add e.g. `{example}`"));
        }
    }

    /// Notes that a section is missing; `keys` says what belongs into it.
    pub(crate) fn section(&mut self, key: &str, given: bool, keys: &str) {
        self.demand(key, Says::Needed);
        if !given && !self.problems.overlooked(key) {
            self.error(key, "is missing", format!("add a section `[{key}]` with {keys}"));
        }
    }

    /// A name that may become part of a path; `None` if it is not there, which is for others to note.
    pub(crate) fn name(&mut self, key: &str, given: Option<&str>) {
        self.demand(key, Says::Form(NAME));
        given.into_iter().for_each(|name| self.good_name(key, name));
    }

    /// The name of an entry of a section, which may become part of a path.
    pub(crate) fn entry_name(&mut self, section: &str, name: &str) {
        self.demand(section, Says::Names(NAME));
        self.good_name(&format!("{section}.{name}"), name);
    }

    fn good_name(&mut self, key: &str, name: &str) {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(good) || name.starts_with('.') {
            let what = format!("cannot be \"{name}\": names become parts of paths");
            self.error(key, what, "use letters, digits, `-`, `_` and `.`, with no `.` in front");
        }
    }

    /// Text that may be anything.
    pub(crate) fn text(&mut self, key: &str, given: Option<String>, default: &str) -> String {
        self.demand(key, Says::Default(json!(default)));
        given.unwrap_or_else(|| default.to_owned())
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, key: &str, given: Option<bool>, default: bool) -> bool {
        self.demand(key, Says::Default(json!(default)));
        given.unwrap_or(default)
    }

    /// A number within its range.
    pub(crate) fn number(&mut self, key: &str, given: Option<f64>, default: f64, allowed: Allowed) -> f64 {
        self.demand(key, Says::Default(json!(default)));
        self.demand(key, Says::Within(allowed));
        self.number_in(key, given, default, allowed)
    }

    /// A number within its range, where leaving it out has a meaning of its own, which `left_out` tells.
    pub(crate) fn number_optional(
        &mut self,
        key: &str,
        given: Option<f64>,
        allowed: Allowed,
        left_out: &str,
    ) -> Option<f64> {
        self.demand(key, Says::Within(allowed));
        if let Some(value) = given.filter(|value| !allowed.has(*value)) {
            let hint = format!("it is {allowed}; left out, {left_out}");
            self.error(key, format!("cannot be {value}: {}", allowed.why), hint);
        }
        given
    }

    /// A number within its range, or 0 for off.
    pub(crate) fn number_or_off(
        &mut self,
        key: &str,
        given: Option<f64>,
        default: f64,
        allowed: Allowed,
    ) -> Option<f64> {
        self.demand(key, Says::Default(json!(default)));
        self.demand(key, Says::OffOrWithin(allowed));
        // 0 in the file is off; the checked value has no such sentinel.
        (given != Some(0.0)).then(|| self.number_in(key, given, default, allowed))
    }

    /// A number that must be there, within its range.
    pub(crate) fn number_required(&mut self, key: &str, given: Option<f64>, example: f64, allowed: Allowed) -> f64 {
        self.demand(key, Says::Needed);
        self.number_here(key, given, example, allowed)
    }

    /// A number within its range that must be there in this file, because of what stands at other keys.
    pub(crate) fn number_here(&mut self, key: &str, given: Option<f64>, example: f64, allowed: Allowed) -> f64 {
        let name = key.rsplit('.').next().unwrap_or(key);
        self.present_here(key, given.is_some(), &format!("{name} = {example:?}"));
        self.demand(key, Says::Within(allowed));
        let value = given.unwrap_or(example);
        if !allowed.has(value) {
            self.error(
                key,
                format!("cannot be {value}: {}", allowed.why),
                format!("it is {allowed}, e.g. {example:?}"),
            );
        }
        value
    }

    fn number_in(&mut self, key: &str, given: Option<f64>, default: f64, allowed: Allowed) -> f64 {
        let value = given.unwrap_or(default);
        if !allowed.has(value) {
            let hint = format!("it is {allowed}; the default is {default}");
            self.error(key, format!("cannot be {value}: {}", allowed.why), hint);
        }
        value
    }

    /// A whole number within its range.
    pub(crate) fn whole<T: Whole>(&mut self, key: &str, given: Option<i64>, default: T, allowed: Allowed) -> T {
        self.demand(key, Says::Default(json!(default)));
        self.whole_or(key, given, default, allowed, &format!("; the default is {default}"))
    }

    /// A whole number within its range, where leaving it out has a meaning of its own, which `left_out` tells.
    pub(crate) fn whole_optional<T: Whole>(
        &mut self,
        key: &str,
        given: Option<i64>,
        allowed: Allowed,
        left_out: &str,
    ) -> Option<T> {
        let number = self.whole_or(key, given, T::default(), allowed, &format!("; left out, {left_out}"));
        given.map(|_| number)
    }

    /// A whole number that must be there. Where it is not, `example` stands in for it.
    pub(crate) fn whole_required<T: Whole>(
        &mut self,
        key: &str,
        given: Option<i64>,
        example: T,
        allowed: Allowed,
    ) -> T {
        let name = key.rsplit('.').next().unwrap_or(key);
        self.present(key, given.is_some(), &format!("{name} = {example}"));
        self.whole_or(key, given, example, allowed, &format!(", e.g. {example}"))
    }

    /// A whole number of a list.
    pub(crate) fn whole_entry<T: Whole>(&mut self, key: &str, given: i64, example: T, allowed: Allowed) -> T {
        self.whole_or(key, Some(given), example, allowed, &format!(", e.g. {example}"))
    }

    fn whole_or<T: Whole>(&mut self, key: &str, given: Option<i64>, default: T, allowed: Allowed, also: &str) -> T {
        self.demand(key, Says::Within(allowed));
        let Some(value) = given else {
            return default;
        };
        match T::try_from(value) {
            Ok(fits) if allowed.has_whole(value) => fits,
            _ => {
                self.error(key, format!("cannot be {value}: {}", allowed.why), format!("it is {allowed}{also}"));
                default
            }
        }
    }

    /// One of a few words, each with its meaning. The first is the default.
    pub(crate) fn word<T: Copy>(&mut self, key: &str, given: Option<&str>, words: &[(&str, T)]) -> T {
        self.demand(key, Says::Default(Value::from(words[0].0)));
        self.demand_words(key, words);
        given.and_then(|given| self.meaning(key, given, words)).unwrap_or(words[0].1)
    }

    /// One of a few words, each with its meaning; where none is written, the one of this meaning.
    pub(crate) fn word_of<T: Copy + PartialEq>(
        &mut self,
        key: &str,
        given: Option<&str>,
        words: &[(&str, T)],
        default: T,
    ) -> T {
        let word = words.iter().find(|(_, meaning)| *meaning == default).map(|(word, _)| *word);
        self.word(key, given.or(word), words)
    }

    /// One of a few words that must be there; `None` if it is not, or is none of them, which has been noted.
    pub(crate) fn word_required<T: Copy>(
        &mut self,
        key: &str,
        given: Option<&str>,
        words: &[(&str, T)],
        example: &str,
    ) -> Option<T> {
        self.present(key, given.is_some(), example);
        self.demand_words(key, words);
        self.meaning(key, given?, words)
    }

    /// One of a few words, where leaving it out has a meaning of its own; `None` if it is left out, or is none of them, which has been noted.
    pub(crate) fn word_optional<T: Copy>(&mut self, key: &str, given: Option<&str>, words: &[(&str, T)]) -> Option<T> {
        self.demand_words(key, words);
        self.meaning(key, given?, words)
    }

    fn demand_words<T>(&mut self, key: &str, words: &[(&str, T)]) {
        self.demand(key, Says::OneOf(words.iter().map(|(word, _)| (*word).to_owned()).collect()));
    }

    /// What one of a few words means; `None` if it is none of them, which has been noted.
    fn meaning<T: Copy>(&mut self, key: &str, given: &str, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == given);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let hint = suggest::hint(given, known.iter().copied(), "it is one of");
            self.error(key, format!("cannot be `{given}`"), hint);
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// A key that something else in the run leaves without effect must not be there.
    pub(crate) fn without_effect<T>(&mut self, key: &str, given: Option<T>, because: &str) {
        if given.is_some() {
            let hint = format!("take it out of the file (or, for this call, `--set {key}=`)");
            self.error(key, format!("has no effect in this run: {because}"), hint);
        }
    }

    /// Whether nothing wrong has been found yet.
    pub(crate) fn is_good_so_far(&self) -> bool {
        self.errors.is_empty() && self.problems.found.is_empty()
    }

    /// The value, if nothing was wrong.
    pub(crate) fn finish<T>(mut self, value: T) -> Result<T, ConfigErrors> {
        for problem in std::mem::take(&mut self.problems.found) {
            self.push(problem.origin, &problem.path, problem.what, problem.hint);
        }
        if self.errors.is_empty() {
            return Ok(value);
        }
        self.errors.sort_by_key(|error| error.line);
        Err(ConfigErrors(self.errors))
    }
}

/// The whole numbers of checked types.
pub(crate) trait Whole: TryFrom<i64> + Copy + Default + fmt::Display + Serialize {}

impl<T: TryFrom<i64> + Copy + Default + fmt::Display + Serialize> Whole for T {}
