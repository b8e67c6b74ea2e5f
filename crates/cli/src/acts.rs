//! A script of acts: one JSON object a line, for whoever lets a file, or another program, take a seat.
//!
//! ```text
//!  {"say": "I ask $12."}                              plain talk
//!  {"choice": "action", "content": "What for?"}       UserRL's tool: action, search, answer or finish
//!  {"answer": "A quiet place."}                       the reply to a question of the world
//! ```
//! Any of them may have a `"thought"` besides, where the seat reasons. Empty lines are passed over. Every mistake of a file is found before
//! anything is played.

use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;

use config::ConfigError;
use config::ConfigErrors;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use sim::Act;
use sim::Choice;
use sim::Decision;

/// The name of stdin where a file is expected.
const STDIN: &str = "-";
/// Characters of a line that is repeated in a message.
const SHOWN_MAX: usize = 60;

const CHOICES: [(&str, Choice); 4] =
    [("action", Choice::Action), ("search", Choice::Search), ("answer", Choice::Answer), ("finish", Choice::Finish)];
const KEYS: [&str; 5] = ["say", "choice", "content", "answer", "thought"];
const EXAMPLE: &str = r#"a line is e.g. {"say":"I ask $12."}, {"choice":"action","content":"…"} or {"answer":"…"}"#;

/// What a line says is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// An act, when the seat is asked to act.
    Act(Decision),
    /// A reply, when the world puts a question: its decision is plain talk.
    Answer(Decision),
}

/// A line of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptLine {
    /// Counted from 1.
    pub line: usize,
    /// What it says.
    pub deed: Deed,
}

/// A whole script.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// As it is named in messages.
    pub file: String,
    /// What is left of it, the next line first.
    pub lines: VecDeque<ScriptLine>,
}

impl Script {
    /// Reads a script from a file, or from stdin for `-`. `reasons` says whether the seat it is for has private thoughts.
    ///
    /// # Errors
    /// Everything that is wrong with it, by line.
    pub fn read(file: &Path, reasons: bool) -> Result<Script, ConfigErrors> {
        let is_stdin = file == Path::new(STDIN);
        let name = if is_stdin { "stdin".to_owned() } else { file.display().to_string() };
        let mut text = String::new();
        let read = if is_stdin {
            std::io::stdin().read_to_string(&mut text).map(drop)
        } else {
            std::fs::read_to_string(file).map(|read| text = read)
        };
        match read {
            Ok(()) => Script::parse(name, &text, reasons),
            Err(error) => Err(whole_file(name, format!("cannot be read: {error}")).into()),
        }
    }

    /// Reads a script from its text.
    ///
    /// # Errors
    /// As [`Script::read`].
    pub fn parse(file: String, text: &str, reasons: bool) -> Result<Script, ConfigErrors> {
        let (mut lines, mut mistakes) = (VecDeque::new(), Vec::new());
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            match deed(text, reasons) {
                Ok(deed) => lines.push_back(ScriptLine { line, deed }),
                Err(mistake) => mistakes.push(mistake.at(&file, line)),
            }
        }
        if !mistakes.is_empty() {
            return Err(ConfigErrors(mistakes));
        }
        if lines.is_empty() {
            return Err(whole_file(file, "holds no act".to_owned()).into());
        }
        Ok(Script { file, lines })
    }
}

fn whole_file(file: String, what: String) -> ConfigError {
    ConfigError { file, line: None, key: String::new(), what, hint: Some(EXAMPLE.to_owned()) }
}

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Which key; empty if the line as a whole.
    pub key: String,
    /// What and why.
    pub what: String,
    /// What to write instead.
    pub hint: String,
}

impl Mistake {
    fn new(key: &str, what: impl Into<String>, hint: impl Into<String>) -> Mistake {
        Mistake { key: key.to_owned(), what: what.into(), hint: hint.into() }
    }

    fn at(self, file: &str, line: usize) -> ConfigError {
        let Mistake { key, what, hint } = self;
        ConfigError { file: file.to_owned(), line: Some(line), key, what, hint: Some(hint) }
    }
}

/// Reads one line.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn deed(text: &str, reasons: bool) -> Result<Deed, Mistake> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let short: String = text.trim().chars().take(SHOWN_MAX).collect();
        Mistake::new("", format!("`{short}` is not JSON: {error}"), EXAMPLE)
    })?;
    let Value::Object(entries) = value else {
        return Err(Mistake::new("", "is no JSON object", EXAMPLE));
    };
    if let Some(key) = entries.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let hint = config::hint(key, KEYS, "the keys here are");
        return Err(Mistake::new(key, "unknown key: nothing would read it", hint));
    }
    let thought = text_of(&entries, "thought")?;
    if thought.is_some() && !reasons {
        let what = "has no effect: this seat does not reason in this scenario";
        return Err(Mistake::new("thought", what, "take it out, or set `reasons = true` for the seat"));
    }
    let (say, choice, answer) = (text_of(&entries, "say")?, text_of(&entries, "choice")?, text_of(&entries, "answer")?);
    let content = text_of(&entries, "content")?;
    if content.is_some() && choice.is_none() {
        return Err(Mistake::new("content", "belongs to a `choice`, and there is none", EXAMPLE));
    }
    let of = |act: Act| Decision { act: Ok(act), thought, generation: None };
    match (say, choice, answer) {
        (Some(text), None, None) => Ok(Deed::Act(of(Act::Say(text)))),
        (None, Some(choice), None) => Ok(Deed::Act(of(tool(&choice, content)?))),
        (None, None, Some(reply)) => Ok(Deed::Answer(of(Act::Say(reply)))),
        (None, None, None) => {
            Err(Mistake::new("", "says nothing: it has neither `say` nor `choice` nor `answer`", EXAMPLE))
        }
        _ => Err(Mistake::new("", "says more than one of `say`, `choice` and `answer`", "one act a line")),
    }
}

fn text_of(entries: &Map<String, Value>, key: &str) -> Result<Option<String>, Mistake> {
    match entries.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(Mistake::new(key, format!("must be text, is {other}"), "text stands in double quotes")),
    }
}

fn tool(choice: &str, content: Option<String>) -> Result<Act, Mistake> {
    let Some((_, found)) = CHOICES.iter().find(|(name, _)| *name == choice) else {
        let hint = config::hint(choice, CHOICES.map(|(name, _)| name), "it is one of");
        return Err(Mistake::new("choice", format!("cannot be `{choice}`"), hint));
    };
    match (content, found) {
        (Some(content), choice) => Ok(Act::Tool { choice: *choice, content }),
        (None, Choice::Finish) => Ok(Act::Tool { choice: Choice::Finish, content: String::new() }),
        (None, Choice::Action | Choice::Search | Choice::Answer) => {
            let example = format!(r#"e.g. {{"choice":"{choice}","content":"…"}}"#);
            Err(Mistake::new("content", format!("is missing: `{choice}` needs one"), example))
        }
    }
}

/// A tool's function by its name in a script; `None` if there is none of this name.
#[must_use]
pub fn choice_named(name: &str) -> Option<Choice> {
    CHOICES.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
}

/// The name of a tool's function in a script.
#[must_use]
pub fn choice_name(choice: Choice) -> &'static str {
    CHOICES.iter().find(|(_, known)| *known == choice).map(|(name, _)| *name).expect("every choice has its name")
}

/// A deed as a line of a script says it.
#[must_use]
pub fn to_json(deed: &Deed) -> Value {
    let (mut line, thought) = match deed {
        Deed::Answer(Decision { act: Ok(Act::Say(reply)), thought, .. }) => (json!({ "answer": reply }), thought),
        Deed::Act(Decision { act: Ok(Act::Say(text)), thought, .. }) => (json!({ "say": text }), thought),
        Deed::Act(Decision { act: Ok(Act::Tool { choice, content }), thought, .. })
        | Deed::Answer(Decision { act: Ok(Act::Tool { choice, content }), thought, .. }) => {
            (json!({ "choice": choice_name(*choice), "content": content }), thought)
        }
        Deed::Act(Decision { act: Err(_), .. }) | Deed::Answer(Decision { act: Err(_), .. }) => return Value::Null,
    };
    if let Some(thought) = thought {
        line["thought"] = json!(thought);
    }
    line
}

/// A deed as a person reads it.
#[must_use]
pub fn shown(deed: &Deed) -> String {
    let (Deed::Act(decision) | Deed::Answer(decision)) = deed;
    match &decision.act {
        Ok(Act::Say(text)) => text.clone(),
        Ok(Act::Tool { choice, content }) => format!("[{}] {content}", choice_name(*choice)),
        Err(_) => "(no act)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        let errors = Script::parse("acts.jsonl".to_owned(), text, true).expect_err("there is a mistake");
        errors.to_string()
    }

    #[test]
    fn each_form_of_line_is_read_and_written_back_as_it_was() {
        for line in [
            json!({ "say": "I ask $12." }),
            json!({ "say": "", "thought": "who is this?" }),
            json!({ "choice": "action", "content": "What for?" }),
            json!({ "choice": "search", "content": "lamp", "thought": "let me see" }),
            json!({ "choice": "answer", "content": "42" }),
            json!({ "choice": "finish", "content": "" }),
            json!({ "answer": "A quiet place." }),
        ] {
            assert_eq!(deed(&line.to_string(), true).map(|deed| to_json(&deed)), Ok(line));
        }
        assert_eq!(deed(r#"{"choice":"finish"}"#, false), deed(r#"{"choice":"finish","content":""}"#, false));
    }

    #[test]
    fn lines_keep_their_numbers_over_empty_ones() {
        let script = Script::parse("acts.jsonl".to_owned(), "\n{\"say\":\"a\"}\n  \n{\"answer\":\"b\"}\n", false);
        let lines: Vec<usize> = script.unwrap().lines.iter().map(|line| line.line).collect();
        assert_eq!(lines, [2, 4]);
    }

    #[test]
    fn all_bad_lines_are_named_with_line_and_key() {
        let text =
            "{\"say\":\"a\"}\n{\"sayy\":\"a\"}\nI accept.\n{\"choice\":\"acton\",\"content\":\"\"}\n{\"say\":7}\n";
        let said = wrong(text);
        let beginnings: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(beginnings[0], "error: acts.jsonl:2: sayy: unknown key: nothing would read it");
        assert!(beginnings[1].starts_with("error: acts.jsonl:3: `I accept.` is not JSON: "), "{said}");
        assert_eq!(beginnings[2], "error: acts.jsonl:4: choice: cannot be `acton`");
        assert_eq!(beginnings[3], "error: acts.jsonl:5: say: must be text, is 7");
        assert_eq!(beginnings.len(), 4);
        let hints: Vec<&str> = said.lines().filter(|line| line.starts_with("hint: ")).collect();
        assert_eq!((hints[0], hints[2]), ("hint: did you mean `say`?", "hint: did you mean `action`?"));
    }

    #[test]
    fn a_line_says_one_thing_and_says_it_whole() {
        for (line, what) in [
            (r#"{"say":"a","answer":"b"}"#, "says more than one of"),
            (r#"{"thought":"a"}"#, "says nothing"),
            (r#"{"say":"a","content":"b"}"#, "content: belongs to a `choice`"),
            (r#"{"choice":"search"}"#, "content: is missing: `search` needs one"),
            (r#"["say"]"#, "is no JSON object"),
            ("\n", "holds no act"),
        ] {
            assert!(wrong(line).contains(what), "{line}: {}", wrong(line));
        }
        let no_thoughts = deed(r#"{"say":"a","thought":"b"}"#, false).unwrap_err();
        assert_eq!(no_thoughts.key, "thought");
    }
}
