//! What a model has written so far of one answer, and how much of it can be told already.
//!
//! Ids come a few at a time and end anywhere: in the middle of a character, of a stop string, of a tag. What may still become part of
//! something else is held back, so that whatever was told stays a beginning of the whole.
//!
//! ```text
//!  ids ──> bytes ──> characters ──> up to a stop string ──> thought │ talk │ calls
//!          held: half a character       half a stop string   half a tag, white space before a call
//! ```

use text::tokenizer::THINK_CLOSE;
use text::tokenizer::THINK_OPEN;
use text::tool_call::CLOSE;
use text::tool_call::OPEN;

use crate::calls;
use crate::speech::Speech;

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As it is.
    Plain,
    /// A thought, then talk.
    Talk,
    /// A thought, then talk with calls of functions in it.
    Calls,
}

/// The parts of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What was thought, without its tags; `None` if there is no thought.
    pub thought: Option<String>,
    /// What is said.
    pub talk: String,
    /// Functions called: name, and arguments as a text of JSON.
    pub calls: Vec<(String, String)>,
}

/// An answer in the making.
#[derive(Clone, Debug)]
pub struct Writer {
    speech: Speech,
    reading: Reading,
    stop: Vec<String>,
    text: String,
    /// The beginning of a character.
    tail: Vec<u8>,
    stopped: bool,
}

impl Writer {
    /// Nothing written yet, or the tag of a thought that the prompt has `opened`: then what comes is thought first.
    #[must_use]
    pub fn new(speech: Speech, reading: Reading, stop: Vec<String>, opened: bool) -> Writer {
        let text = if opened && reading != Reading::Plain { THINK_OPEN.to_owned() } else { String::new() };
        Writer { speech, reading, stop, text, tail: Vec::new(), stopped: false }
    }

    /// Takes sampled ids; says how many of them belong to the answer: all, unless a stop string is whole before the last.
    pub fn push(&mut self, tokens: &[u32]) -> usize {
        for (index, id) in tokens.iter().enumerate() {
            if self.stopped {
                return index;
            }
            let from = self.text.len();
            self.tail.extend_from_slice(self.speech.said(*id));
            self.take_characters();
            self.stop_at(from);
        }
        tokens.len()
    }

    /// Whether a stop string was written.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// What can be told already.
    #[must_use]
    pub fn told(&self) -> Parts {
        if self.stopped {
            return part(&self.text, self.reading, None);
        }
        let held = self.stop.iter().map(|stop| half(&self.text, stop)).max().unwrap_or(0);
        part(&self.text[..self.text.len() - held], self.reading, None)
    }

    /// All of it, given that nothing more comes. A call without its closing tag is one only in an answer that the model ended itself.
    #[must_use]
    pub fn whole(&self, closed: bool) -> Parts {
        let unfinished = if self.tail.is_empty() || self.stopped { "" } else { "\u{FFFD}" };
        let end = if closed { End::Closed } else { End::Cut };
        part(&format!("{}{unfinished}", self.text), self.reading, Some(end))
    }

    /// Moves whole characters from the tail to the text; bytes that can be none become U+FFFD.
    fn take_characters(&mut self) {
        let tail = std::mem::take(&mut self.tail);
        let mut rest = tail.as_slice();
        while let Err(error) = str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            self.text.push_str(&String::from_utf8_lossy(valid));
            let Some(bad) = error.error_len() else {
                self.tail = after.to_vec();
                return;
            };
            self.text.push('\u{FFFD}');
            rest = &after[bad..];
        }
        self.text.push_str(&String::from_utf8_lossy(rest));
    }

    /// Cuts the text before the first stop string that ends behind `from`.
    fn stop_at(&mut self, from: usize) {
        let place = |stop: &String| {
            let mut start = from.saturating_sub(stop.len() - 1);
            while !self.text.is_char_boundary(start) {
                start += 1;
            }
            self.text[start..].find(stop.as_str()).map(|at| start + at)
        };
        if let Some(at) = self.stop.iter().filter_map(place).min() {
            self.text.truncate(at);
            self.tail.clear();
            self.stopped = true;
        }
    }
}

/// How many bytes at the end of `text` are the beginning of `whole`, but not all of it.
fn half(text: &str, whole: &str) -> usize {
    let starts = whole.char_indices().map(|(at, _)| at).skip(1);
    starts.filter(|len| text.ends_with(&whole[..*len])).max().unwrap_or(0)
}

/// How a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    Cut,
}

/// Takes a text apart. Unless it has ended, what may still become part of something else is left out, so that what is told of a beginning is a
/// beginning of what is told of the whole.
fn part(text: &str, reading: Reading, end: Option<End>) -> Parts {
    if reading == Reading::Plain {
        return Parts { talk: text.to_owned(), ..Parts::default() };
    }
    let held = |text: &str, tag: &str| if end.is_some() { text.len() } else { text.len() - half(text, tag) };
    if end.is_none() && text.len() < THINK_OPEN.len() && THINK_OPEN.starts_with(text) {
        return Parts::default();
    }
    let Some(inside) = text.strip_prefix(THINK_OPEN) else {
        return listen(text, reading, end, None);
    };
    match inside.split_once(THINK_CLOSE) {
        // Its tag is missing: none of it was meant to be heard.
        None => Parts { thought: Some(inside[..held(inside, THINK_CLOSE)].to_owned()), ..Parts::default() },
        Some((thought, rest)) => listen(rest.trim_start(), reading, end, Some(thought.to_owned())),
    }
}

/// What stands behind the thought.
fn listen(text: &str, reading: Reading, end: Option<End>, thought: Option<String>) -> Parts {
    let mut parts = Parts { thought, ..Parts::default() };
    if reading == Reading::Talk {
        parts.talk = text.to_owned();
        return parts;
    }
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once(OPEN) {
        let (body, after) = match (inside.split_once(CLOSE), end) {
            (Some((body, after)), _) => (body, after),
            (None, Some(End::Closed)) => (inside, ""),
            (None, Some(End::Cut)) => break,
            (None, None) => {
                parts.say(before.trim_end());
                return parts;
            }
        };
        match calls::parse(body) {
            Some(call) => {
                parts.say(before.trim_end());
                parts.calls.push(call);
            }
            // It is no call, so it is talk.
            None => parts.say(&rest[..rest.len() - after.len()]),
        }
        rest = after;
    }
    // Before a call white space is no talk, and one may still come.
    let told = if end.is_some() { rest } else { rest[..rest.len() - half(rest, OPEN)].trim_end() };
    parts.say(told);
    parts
}

impl Parts {
    /// Talk behind a call stands on a line of its own.
    fn say(&mut self, text: &str) {
        if self.calls.is_empty() {
            self.talk.push_str(text);
        } else {
            let text = text.trim();
            let line = if self.talk.is_empty() || text.is_empty() || self.talk.ends_with('\n') { "" } else { "\n" };
            self.talk.push_str(line);
            self.talk.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests;
