//! One episode of an external agent as a tree of token streams: what a request continues, and where it starts anew.
//!
//! ```text
//!  call 1  [system, user]                                  ── answer A ─┐
//!  call 2  [system, user, A, tool]      continues call 1 ───────────────┴─ answer B ─┐
//!  call 3  [system, user, A, tool, B′]  B′ is not B: goes on from A, B′ is encoded   × history_edited
//! ```
//!
//! A request holds a whole conversation as messages. The longest state whose messages are the beginning of it gives the ids, and only the
//! messages behind it are rendered. What clients do to an answer on its way back without changing what it says (drop its thought, write
//! its arguments' JSON anew, send no content instead of an empty one) leaves it the same; the ids are those that were sampled.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;
use text::SeatStream;

use crate::request::Setting;
use crate::speech::Speech;
use crate::turn::Turn;
use text::Role;

/// States that an episode keeps; beyond it the oldest is dropped, and who goes on from there starts a branch.
pub const STATES_MAX: usize = 256;

/// A conversation after an answer.
#[derive(Clone, Debug)]
pub struct State {
    /// What gave the answer.
    pub link: Link,
    /// The conversation, the answer included.
    pub turns: Vec<Turn>,
    /// What the template was told beside it.
    pub setting: Setting,
    /// What the model read for the answer, and the answer.
    pub ids: Vec<u32>,
    /// All of its ids, those too that the model was not shown.
    pub stream: SeatStream,
}

/// Names an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Of the call.
    pub call: String,
    /// Which of its answers.
    pub choice: u32,
}

/// Why a request that is not the episode's first goes on from nowhere, or holds answers that nobody gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    /// Its first message is another.
    NewConversation,
    /// A message in it was changed, put in or left out.
    HistoryEdited,
    /// An answer came back with the same words and other white space: its text is other ids than were sampled.
    Retokenised,
    /// The same messages under another setting (tools, thinking): the template shows them otherwise.
    Retemplated,
}

/// What a request goes on from.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Where the answer will stand.
    pub stream: SeatStream,
    /// What the model reads for it.
    pub prompt: Vec<u32>,
    /// The answer that it continues; `None`: it is rendered from its beginning.
    pub continues: Option<Link>,
    /// How many ids of the prompt, from the first, are the continued call's prompt and answer: all of these, unless the model is not shown an earlier
    /// thought that was shown there.
    pub kept: usize,
    /// `None` if every answer in it is one that was sampled, in its place; also for an episode's first request, whatever it holds.
    pub branch: Option<Branch>,
}

/// An episode so far.
#[derive(Clone, Debug, Default)]
pub struct Episode {
    states: VecDeque<State>,
}

impl Episode {
    /// Finds what a request goes on from.
    #[must_use]
    pub fn open(&self, speech: &Speech, turns: &[Turn], setting: &Setting) -> Opening {
        // Of equally long ones the latest.
        let continued = self.states.iter().filter(|state| state.setting == *setting && begins(&state.turns, turns));
        let continued = continued.max_by_key(|state| state.turns.len());
        let (mut stream, continues, known) = match continued {
            Some(state) => (state.stream.clone(), Some(state.link.clone()), state.turns.len()),
            None => (speech.silence(setting.thinks), None, 0),
        };
        speech.show(&mut stream, &turns[known..], &setting.tools);
        let prompt = stream.context().into_owned();
        let before = continued.map_or(&[][..], |state| &state.ids);
        let kept = before.iter().zip(&prompt).take_while(|(before, now)| before == now).count();
        let is_whole = continues.is_some() && turns[known..].iter().all(|turn| turn.role != Role::Assistant);
        let branch = if is_whole { None } else { self.classify(turns, setting) };
        Opening { stream, prompt, continues, kept, branch }
    }

    /// Remembers a conversation after an answer.
    pub fn add(&mut self, state: State) {
        if self.states.len() == STATES_MAX {
            self.states.pop_front();
        }
        self.states.push_back(state);
    }

    /// Compares with the state that has most in common, the latest of them.
    fn classify(&self, turns: &[Turn], setting: &Setting) -> Option<Branch> {
        let common =
            |state: &State| state.turns.iter().zip(turns).take_while(|(mine, theirs)| same(mine, theirs)).count();
        let nearest = self.states.iter().max_by_key(|state| common(state))?;
        let at = common(nearest);
        match (nearest.turns.get(at), turns.get(at)) {
            (_, None) | (None, _) if nearest.setting != *setting => Some(Branch::Retemplated),
            // The same question again, from the beginning.
            (_, None) => None,
            (Some(mine), Some(theirs)) if alike(mine, theirs) => Some(Branch::Retokenised),
            _ if at == 0 => Some(Branch::NewConversation),
            _ => Some(Branch::HistoryEdited),
        }
    }
}

/// Whether a conversation is the beginning of another.
fn begins(mine: &[Turn], theirs: &[Turn]) -> bool {
    mine.len() <= theirs.len() && mine.iter().zip(theirs).all(|(mine, theirs)| same(mine, theirs))
}

/// Whether a message came back as it was.
fn same(mine: &Turn, theirs: &Turn) -> bool {
    let thought = theirs.reasoning.is_none() || theirs.reasoning == mine.reasoning;
    mine.role == theirs.role && mine.text == theirs.text && thought && same_calls(mine, theirs)
}

/// Whether it says the same but for white space.
fn alike(mine: &Turn, theirs: &Turn) -> bool {
    let words = |turn: &Turn| turn.text.split_whitespace().map(str::to_owned).collect::<Vec<String>>();
    mine.role == theirs.role && words(mine) == words(theirs) && same_calls(mine, theirs)
}

fn same_calls(mine: &Turn, theirs: &Turn) -> bool {
    let arguments = |text: &str| serde_json::from_str::<Value>(text).ok();
    mine.calls.len() == theirs.calls.len()
        && mine.calls.iter().zip(&theirs.calls).all(|(mine, theirs)| {
            mine.id == theirs.id
                && mine.name == theirs.name
                && arguments(&mine.arguments) == arguments(&theirs.arguments)
        })
}
