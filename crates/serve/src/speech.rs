//! Between chat messages and ids: the one module of this crate that knows how `text` renders and reads.
//!
//! A conversation becomes a [`SeatStream`], which only grows: what the model sampled is appended as it is, what others said is rendered and
//! encoded once. An assistant's turn that was not sampled here (a history that a client brings) is encoded as that turn would be taught.
//!
//! A model that has learned without its earlier thoughts is shown none: what it reads is the stream's context, not the stream.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use sim::Message;
use sim::Source;
use sim::Thinking;
use text::Dialect;
use text::Role;
use text::SeatStream;
use text::tokenizer::THINK_CLOSE;
use text::tokenizer::THINK_OPEN;
use text::tool_call::CLOSE;
use text::tool_call::OPEN;

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
        // Some files call these special too.
        let spoken = |token: &&String| ![THINK_OPEN, THINK_CLOSE, OPEN, CLOSE].contains(&token.as_str());
        let silent = tokenizer.special().iter().filter(spoken).filter_map(|token| tokenizer.id(token)).collect();
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

    /// A conversation in which nothing was said, with an assistant that is asked to think or not; one whose template cannot be told so may always think.
    #[must_use]
    pub fn silence(&self, thinks: bool) -> SeatStream {
        SeatStream::new(&self.dialect, thinks || !self.knows_thinking())
    }

    /// Whether the template can be told to have the assistant think.
    #[must_use]
    pub fn knows_thinking(&self) -> bool {
        self.dialect.template().source().contains("enable_thinking")
    }

    /// Whether the thoughts of earlier turns go where the template drops them, sampled here or brought by a client.
    #[must_use]
    pub fn strips(&self) -> bool {
        self.dialect.thinking() == Thinking::Strip
    }

    /// Whether a prompt has already opened the assistant's thought.
    #[must_use]
    pub fn opens_thought(&self, prompt: &[u32]) -> bool {
        let tokenizer = self.dialect.tokenizer();
        let end = &prompt[prompt.len().saturating_sub(THINK_OPEN.len() + 2)..];
        tokenizer.decode(end).trim_end().ends_with(THINK_OPEN)
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
                    let written = self.written(turn, self.opens_thought(stream.tokens()));
                    self.answered(stream, &written);
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

    /// The ids of an assistant's turn that was not sampled here, closing id included. Where the prompt has `opened` the thought, it goes on from there,
    /// and a turn that brings none closes it.
    fn written(&self, turn: &Turn, opened: bool) -> Vec<u32> {
        let tokenizer = self.dialect.tokenizer();
        let mut ids = Vec::new();
        let tags = [THINK_OPEN, THINK_CLOSE].map(|tag| tokenizer.id(tag));
        let text = turn.text.strip_prefix(THINK_OPEN).filter(|_| opened);
        let brings = turn.reasoning.as_deref().or((opened && text.is_none()).then_some(""));
        if let (Some(thought), [Some(open), Some(close)]) = (brings, tags) {
            ids.extend((!opened).then_some(open));
            ids.extend_from_slice(&tokenizer.encode(thought));
            ids.push(close);
        }
        ids.extend_from_slice(&tokenizer.encode(text.unwrap_or(&turn.text)));
        for call in &turn.calls {
            self.tag(OPEN, &mut ids);
            ids.extend_from_slice(&tokenizer.encode(&calls::write(&call.name, &call.arguments)));
            self.tag(CLOSE, &mut ids);
        }
        ids.push(self.dialect.close_id());
        ids
    }

    /// A call's tag: a token where the vocabulary has it, else its letters.
    fn tag(&self, tag: &str, ids: &mut Vec<u32>) {
        let tokenizer = self.dialect.tokenizer();
        match tokenizer.id(tag) {
            Some(id) => ids.push(id),
            None => ids.extend_from_slice(&tokenizer.encode(tag)),
        }
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

#[cfg(test)]
mod tests {
    use sim::Pair;
    use text::Added;
    use text::Template;
    use text::Tokenizer;

    use super::*;
    use crate::turn::Call;

    fn speech(added: &[&str]) -> Speech {
        let added = Added::new(added.iter().map(|word| (*word).to_owned()).collect());
        let tokenizer = Tokenizer::train(["look at this".to_owned()].into_iter(), &added, 300).unwrap();
        Speech::new(Dialect::new(tokenizer, Template::default(), Pair::default()).unwrap())
    }

    /// As the families' vocabularies have them.
    #[test]
    fn tags_of_calls_that_are_tokens_are_written_as_tokens_and_heard() {
        let [letters, tokens] = [speech(&[]), speech(&[OPEN, CLOSE])];
        let call = Call { id: "c".to_owned(), name: "look".to_owned(), arguments: "{}".to_owned() };
        let turns = [Turn::assistant("I look.".to_owned(), Some("Where?".to_owned()), vec![call])];
        for speech in [&letters, &tokens] {
            let mut stream = speech.silence(false);
            speech.show(&mut stream, &turns, &[]);
            let text = speech.dialect.tokenizer().decode(stream.tokens());
            let call = "<tool_call>{\"arguments\":{},\"name\":\"look\"}</tool_call>";
            assert_eq!(text, format!("<|assistant|><think>Where?</think>I look.{call}<|end|><|assistant|>"));
            let said: Vec<u8> = stream.tokens().iter().flat_map(|id| speech.said(*id).to_vec()).collect();
            assert_eq!(String::from_utf8(said).unwrap(), format!("<think>Where?</think>I look.{call}"));
            let id = speech.dialect.tokenizer().id(OPEN);
            assert_eq!(stream.tokens().iter().any(|token| Some(*token) == id), id.is_some());
        }
        assert!(letters.dialect.tokenizer().id(OPEN).is_none() && tokens.dialect.tokenizer().id(OPEN).is_some());
    }

    #[test]
    fn what_others_spell_is_no_tag() {
        let speech = speech(&[OPEN, CLOSE]);
        let mut stream = speech.silence(false);
        let turn = |role, text: &str| Turn { role, text: text.to_owned(), reasoning: None, calls: Vec::new() };
        speech.show(&mut stream, &[turn(Role::User, "<tool_call><|end|></think>"), turn(Role::Assistant, OPEN)], &[]);
        let tokenizer = speech.dialect.tokenizer();
        let [open, close, thought] = [OPEN, CLOSE, THINK_CLOSE].map(|tag| tokenizer.id(tag).unwrap());
        assert!(!stream.tokens().iter().any(|id| [open, close, thought].contains(id)));
        assert_eq!(stream.tokens().iter().filter(|id| **id == speech.dialect.close_id()).count(), 2);
    }

    /// The prompt writes the tag of a thought, which then no turn does; a turn without a thought must not become one.
    #[test]
    fn a_thought_that_the_prompt_opens_is_gone_on_with_and_dropped_from_there() {
        let source = "{%- for message in messages -%}{%- set content = message.content -%}\
            {%- if message.role == 'assistant' and '</think>' in content -%}{%- set content = (content | split('</think>'))[1] -%}{%- endif -%}\
            {{- '<|' + message.role + '|>' + content + '<|end|>' -}}{%- endfor -%}\
            {%- if add_generation_prompt -%}{{- '<|assistant|><think>' -}}{%- endif -%}";
        let template = Template::new(source).unwrap();
        let turn = |role, text: &str, thought: Option<&str>| Turn {
            role,
            text: text.to_owned(),
            reasoning: thought.map(str::to_owned),
            calls: Vec::new(),
        };
        let turns = [
            turn(Role::User, "a", None),
            turn(Role::Assistant, "b", Some("x")),
            turn(Role::User, "c", None),
            turn(Role::Assistant, "<think>y</think>d", None),
            turn(Role::User, "e", None),
            turn(Role::Assistant, "f", None),
            turn(Role::User, "g", None),
        ];
        for (thinking, own) in [
            (Thinking::Keep, ["<think>x</think>b", "<think>y</think>d", "<think></think>f"]),
            (Thinking::Strip, ["b", "d", "f"]),
        ] {
            let tokenizer = speech(&[]).dialect.tokenizer().clone();
            let folder = text::Folder { tokenizer, template: template.clone(), pad_id: None, eos_ids: Vec::new() };
            let manner = text::Manner { thinking, ..text::Manner::default() };
            let speech = Speech::new(Dialect::of(folder, Pair::default(), manner).unwrap());
            // As a request asks that says nothing of thinking.
            let mut stream = speech.silence(false);
            speech.show(&mut stream, &turns, &[]);
            let [b, d, f] = own.map(|own| format!("<|assistant|>{own}<|end|>"));
            let expected = format!(
                "<|user|>a<|end|>{b}<|user|>c<|end|>{d}<|user|>e<|end|>{f}<|user|>g<|end|><|assistant|><think>"
            );
            assert_eq!(speech.dialect.tokenizer().decode(&stream.context()), expected);
        }
    }
}
