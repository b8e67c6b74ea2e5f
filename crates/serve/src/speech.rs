//! Between chat messages and ids: the one module of this crate that knows how `text` renders and reads.
//!
//! A conversation becomes a [`SeatStream`], which only grows: what the model sampled is appended as it is, what others said is rendered and
//! encoded once. An assistant's turn that was not sampled here (a history that a client brings) is encoded as that turn would be taught.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use sim::Message;
use sim::Source;
use text::Dialect;
use text::Role;
use text::SeatStream;
use text::tokenizer::THINK_CLOSE;
use text::tokenizer::THINK_OPEN;

use crate::calls;
use crate::turn::Turn;

/// How a model reads and writes.
#[derive(Clone, Debug)]
pub struct Speech {
    dialect: Dialect,
    /// Ids that end a turn.
    ends: Arc<[u32]>,
    /// Ids that are no part of what is said: role markers, padding, closing ids.
    silent: BTreeSet<u32>,
}

impl Speech {
    /// Speech in this dialect.
    #[must_use]
    pub fn new(dialect: Dialect) -> Speech {
        let tokenizer = dialect.tokenizer();
        let spoken = |token: &&String| *token != THINK_OPEN && *token != THINK_CLOSE;
        let silent = tokenizer.protected().iter().filter(spoken).filter_map(|token| tokenizer.id(token)).collect();
        Speech { ends: dialect.close_ids().into(), dialect, silent }
    }

    /// Ids that end a turn when they are sampled.
    #[must_use]
    pub fn ends(&self) -> &Arc<[u32]> {
        &self.ends
    }

    /// Size of the vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.dialect.tokenizer().len()
    }

    /// A conversation in which nothing was said.
    #[must_use]
    pub fn silence(&self) -> SeatStream {
        SeatStream::new(&self.dialect, false)
    }

    /// Appends a conversation's next turns, and asks for the assistant's. `tools` are announced where the conversation begins.
    pub fn show(&self, stream: &mut SeatStream, turns: &[Turn], tools: &[Value]) {
        let mut unread = if stream.tokens().is_empty() { announced(turns, tools) } else { Vec::new() };
        // What was announced holds the first turn, if that is the system's.
        let begun = unread.len().min(turns.first().map_or(0, |turn| usize::from(turn.role == Role::System)));
        for turn in &turns[begun..] {
            match source(turn.role) {
                Some(from) => unread.push(Message { from, text: turn.text.clone() }),
                None => {
                    stream.observe(&unread);
                    unread.clear();
                    self.answered(stream, &self.written(turn));
                }
            }
        }
        stream.observe(&unread);
    }

    /// Appends what the assistant sampled, as it is.
    pub fn answered(&self, stream: &mut SeatStream, tokens: &[u32]) {
        let closed = tokens.last().is_some_and(|last| self.ends.contains(last));
        // What stream and decision keep besides the ids is the business of whoever trains on them.
        stream.sampled(tokens.to_vec(), vec![0.0; tokens.len()], closed, 0, "", 1.0);
    }

    /// The ids of a text in which markers count.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.dialect.tokenizer().encode_markup(text)
    }

    /// What a sampled id adds to what is said.
    #[must_use]
    pub fn said(&self, id: u32) -> &[u8] {
        if self.silent.contains(&id) || self.ends.contains(&id) { &[] } else { self.dialect.tokenizer().piece(id) }
    }

    /// The bytes of an id, whatever it is.
    #[must_use]
    pub fn piece(&self, id: u32) -> &[u8] {
        self.dialect.tokenizer().piece(id)
    }

    /// The ids of an assistant's turn that was not sampled here, closing id included.
    fn written(&self, turn: &Turn) -> Vec<u32> {
        let tokenizer = self.dialect.tokenizer();
        let mut ids = Vec::new();
        let tags = [THINK_OPEN, THINK_CLOSE].map(|tag| tokenizer.id(tag));
        if let (Some(thought), [Some(open), Some(close)]) = (&turn.reasoning, tags) {
            ids.push(open);
            ids.extend_from_slice(&tokenizer.encode(thought));
            ids.push(close);
        }
        let calls: String = turn.calls.iter().map(|call| calls::write(&call.name, &call.arguments)).collect();
        ids.extend_from_slice(&tokenizer.encode(&format!("{}{calls}", turn.text)));
        ids.push(self.dialect.close_id());
        ids
    }
}

/// What a conversation begins with: the system's words, and the functions there are.
fn announced(turns: &[Turn], tools: &[Value]) -> Vec<Message> {
    let brief = turns.first().filter(|turn| turn.role == Role::System).map(|turn| turn.text.as_str());
    let text = match (brief, tools.is_empty()) {
        (None, true) => return Vec::new(),
        (Some(brief), true) => brief.to_owned(),
        (None, false) => calls::announcement(tools),
        (Some(brief), false) => format!("{brief}\n\n{}", calls::announcement(tools)),
    };
    vec![Message { from: Source::Brief, text }]
}

fn source(role: Role) -> Option<Source> {
    match role {
        Role::System => Some(Source::Brief),
        Role::User => Some(Source::Partner),
        Role::Tool => Some(Source::World),
        Role::Assistant => None,
    }
}
