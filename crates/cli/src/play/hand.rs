//! Whose hand moves the guest: a script, or whoever types.

use std::io;
use std::io::IsTerminal;

use sim::Act;
use sim::Choice;
use sim::Decision;
use sim::Seat;
use sim::gyms::Phrasebook;
use tokio::sync::mpsc;

use crate::acts;
use crate::acts::Deed;
use crate::acts::Script;
use crate::play::page::Page;

/// Commands of whoever types, besides the tool's functions.
const COMMANDS: [&str; 6] = [":help", ":quit", ":action", ":search", ":answer", ":finish"];
/// What begins a private thought.
const THINK: &str = "think:";

/// Who moves.
pub enum Hand {
    /// A script, to its last line.
    Script(Script),
    /// Lines of stdin as they come.
    Keyboard(Keyboard),
}

/// What whoever moves has to know.
pub struct Place {
    /// Which seat it is.
    pub seat: Seat,
    /// Whether it has private thoughts.
    pub reasons: bool,
    /// How one can speak there.
    pub book: Phrasebook,
    /// Where one reads.
    pub page: Page,
}

/// Why nothing more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// Whoever typed wanted no more.
    Quit,
    /// The script, named here, has no more lines.
    ScriptEnded(String),
    /// This line of the script is not what is asked for.
    Misplaced {
        /// `FILE:LINE`.
        at: String,
        /// What is wrong.
        what: String,
    },
}

impl Hand {
    /// What is done next; the outer error is one of reading or printing.
    ///
    /// # Errors
    /// If stdin is no text, or nobody reads stdout any more.
    pub async fn next(&mut self, question: bool, place: &Place) -> io::Result<Result<Deed, Left>> {
        match self {
            Hand::Script(script) => Ok(from_script(script, question)),
            Hand::Keyboard(keyboard) => keyboard.next(question, place).await,
        }
    }

    /// Acts of the script that are left over.
    #[must_use]
    pub fn acts_left(&self) -> usize {
        match self {
            Hand::Script(script) => script.lines.len(),
            Hand::Keyboard(_) => 0,
        }
    }
}

fn from_script(script: &mut Script, question: bool) -> Result<Deed, Left> {
    let Some(line) = script.lines.pop_front() else {
        return Err(Left::ScriptEnded(script.file.clone()));
    };
    let at = || format!("{}:{}", script.file, line.line);
    conform(line.deed, question).map_err(|what| Left::Misplaced { at: at(), what })
}

/// Plain talk answers a question; a tool does not, and where nothing is asked there is no answer.
fn conform(deed: Deed, question: bool) -> Result<Deed, String> {
    match (deed, question) {
        (Deed::Act(decision), true) if matches!(decision.act, Ok(Act::Say(_))) => Ok(Deed::Answer(decision)),
        (Deed::Act(_), true) => Err("a question is asked here, and a tool is no answer".to_owned()),
        (Deed::Answer(_), false) => Err("an act is wanted here, and no question is asked".to_owned()),
        (deed, _) => Ok(deed),
    }
}

/// Whoever types.
pub struct Keyboard {
    lines: mpsc::Receiver<io::Result<String>>,
    /// Whether the page must repeat what is typed: a terminal shows it already.
    echo: bool,
    thought: Option<String>,
}

impl Keyboard {
    /// Reads stdin from now on. On a thread of its own, which may wait for a line when everything else has ended.
    #[must_use]
    pub fn open() -> Keyboard {
        let (sender, lines) = mpsc::channel(1);
        std::thread::spawn(move || {
            for line in io::stdin().lines() {
                if sender.blocking_send(line).is_err() {
                    break;
                }
            }
        });
        Keyboard { lines, echo: !io::stdin().is_terminal(), thought: None }
    }

    async fn next(&mut self, question: bool, place: &Place) -> io::Result<Result<Deed, Left>> {
        loop {
            place.page.prompt(if question { "answer" } else { "you" })?;
            let Some(line) = self.lines.recv().await.transpose()? else {
                place.page.text("")?;
                return Ok(Err(Left::Quit));
            };
            if self.echo {
                place.page.text(&line)?;
            }
            match typed(line.trim(), question, place.reasons) {
                Typed::Nothing => {}
                Typed::Thought(thought) => self.thought = Some(thought),
                Typed::Deed(deed) => return Ok(Ok(with_thought(deed, self.thought.take()))),
                Typed::Help => place.page.text(&help(place))?,
                Typed::Quit => return Ok(Err(Left::Quit)),
                Typed::Wrong(why) => place.page.row("", &why)?,
            }
        }
    }
}

/// A typed line, understood.
#[derive(Clone, Debug, PartialEq)]
enum Typed {
    Nothing,
    Thought(String),
    Deed(Deed),
    Help,
    Quit,
    /// It cannot be done; the text says why.
    Wrong(String),
}

fn typed(line: &str, question: bool, reasons: bool) -> Typed {
    if line.is_empty() {
        return Typed::Nothing;
    }
    if let Some(thought) = line.strip_prefix(THINK) {
        return match reasons {
            true => Typed::Thought(thought.trim().to_owned()),
            false => Typed::Wrong("this seat does not reason in this scenario: nothing was noted".to_owned()),
        };
    }
    let deed = if line.starts_with('{') {
        acts::deed(line, reasons).map_err(|mistake| [&mistake.key, ": ", &mistake.what, "; ", &mistake.hint].concat())
    } else if let Some(command) = line.strip_prefix(':') {
        match command {
            "help" => return Typed::Help,
            "quit" => return Typed::Quit,
            other => tool(other).ok_or_else(|| no_command(line)),
        }
    } else {
        Ok(Deed::Act(Decision::say(line)))
    };
    match deed.and_then(|deed| conform(deed, question)) {
        Ok(deed) => Typed::Deed(deed),
        Err(why) => Typed::Wrong(why.trim_start_matches(": ").to_owned()),
    }
}

/// `action What for?` as a call of the tool.
fn tool(command: &str) -> Option<Deed> {
    let (name, content) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let (choice, content) = (acts::choice_named(name)?, content.trim().to_owned());
    // Only `finish` has nothing to say.
    let whole = choice == Choice::Finish || !content.is_empty();
    let act = Ok(Act::Tool { choice, content });
    whole.then_some(Deed::Act(Decision { act, thought: None, generation: None }))
}

fn no_command(line: &str) -> String {
    let name = line.split_whitespace().next().unwrap_or(line);
    match COMMANDS.contains(&name) {
        true => format!("`{name}` needs something after it"),
        false => format!("there is no `{name}`: {}", config::hint(name, COMMANDS, "the commands are")),
    }
}

fn with_thought(deed: Deed, thought: Option<String>) -> Deed {
    let add = |decision: Decision| Decision { thought: decision.thought.or(thought), ..decision };
    match deed {
        Deed::Act(decision) => Deed::Act(add(decision)),
        Deed::Answer(decision) => Deed::Answer(add(decision)),
    }
}

/// What can be typed.
fn help(place: &Place) -> String {
    let Place { seat, reasons, book, page: _ } = place;
    let mut lines = vec![format!("You are the {seat}. What you type is said. Forms that are understood here:")];
    if book.phrases.is_empty() {
        lines.push("  anything, in your own words".to_owned());
    }
    for phrase in &book.phrases {
        let form = match &phrase.act {
            Act::Say(text) => text.clone(),
            Act::Tool { choice, content } => format!(":{} {content}", acts::choice_name(*choice)),
        };
        lines.push(format!("  {form:44}  {}", phrase.meaning));
    }
    lines.extend(book.notes.iter().cloned());
    if *reasons {
        lines.push("A line `think: …` before it is your private thought; it may be left out.".to_owned());
        lines.extend(book.thought.iter().map(|thought| format!("  think: {thought}")));
    }
    lines.push(":quit or Ctrl-D leaves.".to_owned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Typed {
        Typed::Deed(Deed::Act(Decision::say(text)))
    }

    fn called(choice: Choice, content: &str) -> Typed {
        let act = Ok(Act::Tool { choice, content: content.to_owned() });
        Typed::Deed(Deed::Act(Decision { act, thought: None, generation: None }))
    }

    #[test]
    fn a_line_is_said_unless_it_begins_with_a_mark() {
        assert_eq!(typed("I accept.", false, false), said("I accept."));
        assert_eq!(typed("", false, false), Typed::Nothing);
        assert_eq!(typed(":help", false, false), Typed::Help);
        assert_eq!(typed(":quit", true, false), Typed::Quit);
        assert_eq!(typed("think: hm", false, true), Typed::Thought("hm".to_owned()));
        assert_eq!(typed(":action What for?", false, false), called(Choice::Action, "What for?"));
        assert_eq!(typed(":finish", false, false), called(Choice::Finish, ""));
        assert_eq!(typed(r#"{"choice":"search","content":"x"}"#, false, false), called(Choice::Search, "x"));
    }

    #[test]
    fn what_cannot_be_done_is_told_and_costs_nothing() {
        for (line, question, why) in [
            ("think: hm", false, "does not reason"),
            (":hepl", false, "did you mean `:help`?"),
            (":action", false, "needs something after it"),
            (":action x", true, "a tool is no answer"),
            (r#"{"answer":"x"}"#, false, "no question is asked"),
            (r#"{"sayy":"x"}"#, false, "did you mean `say`?"),
            ("{", false, "is not JSON"),
        ] {
            match typed(line, question, false) {
                Typed::Wrong(said) => assert!(said.contains(why), "{line}: {said}"),
                other => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn plain_talk_answers_a_question() {
        let answer = Typed::Deed(Deed::Answer(Decision::say("a quiet place")));
        assert_eq!(typed("a quiet place", true, false), answer);
        assert_eq!(typed(r#"{"say":"a quiet place"}"#, true, false), answer);
        assert_eq!(typed(r#"{"answer":"a quiet place"}"#, true, false), answer);
    }

    #[test]
    fn a_thought_goes_with_the_next_deed_unless_that_has_its_own() {
        let of = |thought: Option<&str>| {
            let thought = thought.map(str::to_owned);
            Deed::Act(Decision { thought, ..Decision::say("a") })
        };
        assert_eq!(with_thought(of(None), Some("b".to_owned())), of(Some("b")));
        assert_eq!(with_thought(of(Some("c")), Some("b".to_owned())), of(Some("c")));
    }

    #[test]
    fn a_script_line_that_is_not_what_is_asked_for_is_named() {
        let script = |text: &str| Script::parse("acts.jsonl".to_owned(), text, false).unwrap();
        let next = |text: &str, question| from_script(&mut script(text), question);
        let misplaced = |result| matches!(result, Err(Left::Misplaced { at, .. }) if at == "acts.jsonl:1");
        assert!(misplaced(next(r#"{"answer":"x"}"#, false)));
        assert!(misplaced(next(r#"{"choice":"finish"}"#, true)));
        assert!(matches!(next(r#"{"say":"x"}"#, true), Ok(Deed::Answer(_))));
        let mut used_up = script(r#"{"say":"x"}"#);
        used_up.lines.clear();
        assert_eq!(from_script(&mut used_up, false), Err(Left::ScriptEnded("acts.jsonl".to_owned())));
    }
}
