//! What a model and whoever talks to it must agree on.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use sim::Act;
use sim::Message;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::Thinking;
use sim::Toolkit;
use sim::Tools;
use sim::gyms::Rules;

use crate::ChatMessage;
use crate::Json;
use crate::Manner;
use crate::Role;
use crate::Template;
use crate::TextError;
use crate::Tokenizer;
use crate::Treatment;
use crate::calls;
use crate::calls::Calls;
use crate::folder::Folder;
pub use crate::folder::TEMPLATE_FILE;
pub use crate::folder::TOKENIZER_FILE;
use crate::frame::Behind;
use crate::frame::Frames;
use crate::reply::CallForm;
use crate::template::Extras;
use crate::tokenizer::PAD;
use crate::tokenizer::THINK_CLOSE;
use crate::tokenizer::THINK_OPEN;
use crate::tool_call;

/// The keyword argument by which templates of reasoning models are told whether to think.
const ENABLE_THINKING: &str = "enable_thinking";

/// Tokenizer, template, closing ids, and which seats reason. Cheap to clone: clones share everything.
///
/// Where a seat's acts are calls ([`Tools::Template`]), what it reads begins otherwise and what it writes is read otherwise: it has a dialect of
/// its own, of [`Dialect::seated`], which differs in nothing else.
#[derive(Clone, Debug)]
pub struct Dialect {
    shared: Arc<Shared>,
    speech: Arc<Speech>,
    /// For the tools that were announced beforehand.
    equipped: Arc<[Arc<Speech>]>,
}

/// How conversations are written: with a tool, or without.
#[derive(Debug)]
struct Speech {
    /// What the template is told beside the messages, but for whether the seat reasons.
    extras: Extras,
    /// For seats that do not reason, and for those that do.
    frames: [Arc<Frames>; 2],
    /// How acts are called; `None`: they are written.
    calls: Option<Calls>,
}

#[derive(Debug)]
struct Shared {
    tokenizer: Tokenizer,
    template: Template,
    manner: Manner,
    pad_id: u32,
    /// The template's own first.
    close_ids: Vec<u32>,
    reasons: Pair<bool>,
}

impl Dialect {
    /// Puts a tokenizer and a template together. `reasons` says which seats write a private thought before they speak. Batches are padded
    /// with our own padding token, or, in another vocabulary, with what closes a turn.
    ///
    /// # Errors
    /// What [`Dialect::of`] says.
    pub fn new(tokenizer: Tokenizer, template: Template, reasons: Pair<bool>) -> Result<Dialect, TextError> {
        let folder = Folder { tokenizer, template, pad_id: None, eos_ids: Vec::new() };
        Dialect::of(folder, reasons, Manner::default())
    }

    /// The dialect of a model's folder, in the manner that it names.
    ///
    /// # Errors
    /// What [`Folder::open`], [`Manner::open`] and [`Dialect::of`] say.
    pub fn open(folder: &Path, reasons: Pair<bool>) -> Result<Dialect, TextError> {
        Dialect::of(Folder::open(folder)?, reasons, Manner::open(folder)?)
    }

    /// The dialect of a folder that was read, spoken in a manner.
    ///
    /// # Errors
    /// If streams under this template could not be append-only: [`TextError::Unanswered`], [`TextError::NotPrefixStable`],
    /// [`TextError::ContentChanged`], [`TextError::ThoughtsChanged`], [`TextError::NoCloseToken`] or [`TextError::OtherIds`].
    pub fn of(folder: Folder, reasons: Pair<bool>, manner: Manner) -> Result<Dialect, TextError> {
        let Folder { tokenizer, template, pad_id, eos_ids } = folder;
        let speech = Speech::new(&tokenizer, &template, manner.extras.clone(), None)?;
        let close = speech.frames[0].close;
        let mut close_ids = vec![close];
        close_ids.extend(eos_ids.into_iter().filter(|id| *id != close));
        let pad_id = pad_id.or_else(|| tokenizer.id(PAD)).unwrap_or(close);
        let shared = Shared { tokenizer, template, manner, pad_id, close_ids, reasons };
        Ok(Dialect { shared: Arc::new(shared), speech: Arc::new(speech), equipped: Arc::default() })
    }

    /// The same dialect, ready for all seats of these scenarios: templates are taken apart now, and not in the middle of a run.
    ///
    /// # Errors
    /// As [`Dialect::seated`]; [`TextError::NoRoom`] if a seat's `tokens_max` does not suffice for a call.
    pub fn equipped<'a>(&self, scenarios: impl IntoIterator<Item = &'a Scenario>) -> Result<Dialect, TextError> {
        let mut ready: Vec<Arc<Speech>> = self.equipped.to_vec();
        for scenario in scenarios {
            for seat in Seat::ALL {
                let Some(kit) = self.toolkit(&scenario.rules, seat) else { continue };
                let known = ready.iter().find(|speech| speech.is_with(kit)).map(Arc::clone);
                let is_new = known.is_none();
                let speech = known.map_or_else(|| self.with(kit).map(Arc::new), Ok)?;
                let (len, tokens_max) = (self.call_len(&speech), scenario.seats[seat].tokens_max);
                if len >= tokens_max as usize {
                    return Err(TextError::NoRoom { scenario: scenario.name.clone(), seat, len, tokens_max });
                }
                ready.extend(is_new.then_some(speech));
            }
        }
        Ok(Dialect { equipped: ready.into(), ..self.clone() })
    }

    /// How this seat of a gym is told what it may do: as the manner has it, where there is a tool for it.
    #[must_use]
    pub fn tools(&self, rules: &Rules, seat: Seat) -> Tools {
        self.toolkit(rules, seat).map_or(Tools::Prose, |_| Tools::Template)
    }

    /// The dialect of this seat of a gym: with its tool, if [`Dialect::tools`] says so, else this one.
    ///
    /// # Errors
    /// [`TextError::NoTools`] if the template cannot be told of a tool, or what [`Dialect::of`] says of the template with it.
    pub fn seated(&self, rules: &Rules, seat: Seat) -> Result<Dialect, TextError> {
        let Some(kit) = self.toolkit(rules, seat) else { return Ok(self.clone()) };
        let ready = self.equipped.iter().find(|speech| speech.is_with(kit)).map(Arc::clone);
        let speech = ready.map_or_else(|| self.with(kit).map(Arc::new), Ok)?;
        Ok(Dialect { speech, ..self.clone() })
    }

    /// What the seat may call, if it is to call anything.
    fn toolkit(&self, rules: &Rules, seat: Seat) -> Option<&'static Toolkit> {
        match self.shared.manner.tools {
            Tools::Prose => None,
            Tools::Template => rules.toolkit(seat),
        }
    }

    /// The ids of the longest call without any content, and of what closes it.
    fn call_len(&self, speech: &Speech) -> usize {
        let calls = speech.calls.iter();
        let calls = calls.flat_map(|calls| calls.kit.choices.iter().map(|(choice, _)| calls.write(*choice, "")));
        calls.map(|call| self.call_ids(&call).len() + 1).max().unwrap_or(0)
    }

    fn with(&self, kit: &'static Toolkit) -> Result<Speech, TextError> {
        let Shared { tokenizer, template, manner, .. } = &*self.shared;
        let extras = calls::announced(kit, template, &manner.extras);
        let calls = Calls::find(kit, template, &told(&extras, false))?;
        let speech = Speech::new(tokenizer, template, extras, Some(calls))?;
        match speech.frames.iter().all(|frames| frames.close == self.close_id()) {
            true => Ok(speech),
            false => Err(TextError::NoTools("with a tool, turns end with another token".to_owned())),
        }
    }

    /// Its tokenizer.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.shared.tokenizer
    }

    /// Its template.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.shared.template
    }

    /// What the template is told beside the messages, for a seat that does or does not reason.
    #[must_use]
    pub fn extras(&self, reasons: bool) -> Extras {
        told(&self.speech.extras, reasons)
    }

    /// The id with which the template closes a turn.
    #[must_use]
    pub fn close_id(&self) -> u32 {
        self.shared.close_ids[0]
    }

    /// All ids that end a turn when they are sampled: [`Dialect::close_id`] first, then what the folder's files name.
    #[must_use]
    pub fn close_ids(&self) -> &[u32] {
        &self.shared.close_ids
    }

    /// The id that pads batches.
    #[must_use]
    pub fn pad_id(&self) -> u32 {
        self.shared.pad_id
    }

    /// Whether this seat writes a private thought before it speaks.
    #[must_use]
    pub fn reasons(&self, seat: Seat) -> bool {
        self.shared.reasons[seat]
    }

    /// How it speaks.
    #[must_use]
    pub fn manner(&self) -> &Manner {
        &self.shared.manner
    }

    /// What becomes of a seat's earlier thoughts.
    #[must_use]
    pub fn thinking(&self) -> Thinking {
        self.shared.manner.thinking
    }

    /// Whether the template ever drops anything of this seat's earlier turns: where it does not, there is nothing to strip.
    #[must_use]
    pub fn drops_thoughts(&self, seat: Seat) -> bool {
        self.frames(self.reasons(seat)).treatment != Treatment::Kept
    }

    /// What the template does with the thoughts of earlier turns.
    #[must_use]
    pub fn treatment(&self) -> Treatment {
        self.speech.frames[1].treatment
    }

    /// Appends messages as the template shows them, and the prompt that asks the seat to write. Says what stands behind its turn, and
    /// where contents lie. `closed`: the stream ends with an own turn that has its closing id.
    pub(crate) fn show(
        &self,
        reasons: bool,
        behind: Behind,
        closed: bool,
        messages: &[Message],
        ids: &mut Vec<u32>,
    ) -> (Behind, Vec<Range<usize>>) {
        let frames = self.frames(reasons);
        let mut writer = frames.write(self.tokenizer(), behind, closed, ids);
        if behind == Behind::Start && messages.is_empty() && frames.brief_first {
            writer.message(Role::System, "");
        }
        messages.iter().for_each(|message| writer.message(message.from.into(), &message.text));
        let (behind, mut contents) = writer.ask();
        contents.truncate(messages.len());
        (behind, contents)
    }

    /// Whether the template drops the thoughts before these words of the partner: it may take them for a tool's answer, to which the turn before
    /// still belongs.
    pub(crate) fn begins_anew(&self, reasons: bool, words: &str) -> bool {
        let mark = ('\u{E000}'..='\u{F8FF}').find(|mark| !words.contains(*mark)).unwrap_or('\u{F8FF}');
        let own = format!("{THINK_OPEN}\n{mark}\n{THINK_CLOSE}\n\nYes.");
        let talk = [(Role::User, "Hm?"), (Role::Assistant, own.as_str()), (Role::User, words)];
        let talk = talk.map(|(role, text)| ChatMessage::new(role, text));
        // What it cannot show it cannot take for an answer either.
        self.template().render_with(&talk, true, &self.extras(reasons)).map_or(true, |whole| !whole.contains(mark))
    }

    /// The joins for a seat that does or does not reason.
    pub(crate) fn frames(&self, reasons: bool) -> &Frames {
        &self.speech.frames[usize::from(reasons)]
    }

    /// Appends a thought with its tags, as the template lays it out. Where tags are no tokens they are text.
    pub(crate) fn push_thought(&self, thought: &str, ids: &mut Vec<u32>) {
        let (frames, tokenizer) = (self.frames(true), self.tokenizer());
        // A prompt that opens the thought itself leaves nothing to open.
        let open = if frames.opened { "" } else { frames.layout.open.as_str() };
        let (open, lead) = open.split_at(open.find(THINK_OPEN).map_or(0, |at| at + THINK_OPEN.len()));
        let (trail, close) = frames.layout.close.split_at(frames.layout.close.find(THINK_CLOSE).unwrap_or(0));
        ids.extend(tokenizer.encode_markup(open));
        ids.extend_from_slice(&tokenizer.encode(&[lead, thought, trail].concat()));
        ids.extend(tokenizer.encode_markup(close));
    }

    /// How acts are called; `None`: they are written.
    pub(crate) fn call_form(&self) -> Option<CallForm> {
        self.speech.calls.as_ref().map(|calls| calls.form)
    }

    /// An act as it would be sampled: where acts are calls, one of them if it can be.
    pub(crate) fn act_ids(&self, act: &Act) -> Vec<u32> {
        let called = self.speech.calls.as_ref().and_then(|calls| {
            let (choice, content) = calls.kit.call(act)?;
            Some(calls.write(choice, &content))
        });
        match (called, act) {
            (Some(call), _) => self.call_ids(&call),
            (None, Act::Tool { choice, content }) => self.call_ids(&tool_call::write(*choice, content)),
            (None, Act::Say(text)) => self.tokenizer().encode(text).to_vec(),
        }
    }

    /// A call: its tags are tokens where the vocabulary has them, what stands between them is text.
    fn call_ids(&self, call: &str) -> Vec<u32> {
        let tokenizer = self.tokenizer();
        let inside = call.strip_prefix(tool_call::OPEN).and_then(|call| call.strip_suffix(tool_call::CLOSE));
        match (tokenizer.id(tool_call::OPEN), tokenizer.id(tool_call::CLOSE), inside) {
            (Some(open), Some(close), Some(inside)) => [&[open][..], &tokenizer.encode(inside), &[close]].concat(),
            _ => tokenizer.encode(call).to_vec(),
        }
    }
}

impl Speech {
    fn new(
        tokenizer: &Tokenizer,
        template: &Template,
        extras: Extras,
        calls: Option<Calls>,
    ) -> Result<Speech, TextError> {
        let frames = |thinks| Frames::new(tokenizer, template, &told(&extras, thinks)).map(Arc::new);
        let quiet = frames(false)?;
        let knows = template.source().contains(ENABLE_THINKING);
        let thinking = if knows { frames(true)? } else { Arc::clone(&quiet) };
        Ok(Speech { frames: [quiet, thinking], extras, calls })
    }

    /// Whether it is that of seats with this tool.
    fn is_with(&self, kit: &Toolkit) -> bool {
        self.calls.as_ref().is_some_and(|calls| calls.kit == kit)
    }
}

/// What a template is told beside the messages.
fn told(extras: &Extras, reasons: bool) -> Extras {
    let mut extras = extras.clone();
    extras.variables.entry(ENABLE_THINKING.to_owned()).or_insert_with(|| Json::from(reasons));
    extras
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sim::Source;

    use super::*;
    use crate::fixture;
    use crate::fixture::dialect;
    use crate::fixture::dialect_with;
    use crate::fixture::message;

    /// What a seat reads after these messages.
    fn shown(dialect: &Dialect, messages: &[(Source, &str)]) -> String {
        let messages: Vec<Message> = messages.iter().map(|(from, text)| message(*from, text)).collect();
        let mut stream = crate::SeatStream::new(dialect, false);
        stream.observe(&messages);
        dialect.tokenizer().decode(stream.tokens())
    }

    fn refusal(source: &str) -> TextError {
        dialect_with(Template::new(source).unwrap()).unwrap_err()
    }

    #[test]
    fn a_folder_gives_the_dialect_it_was_written_from() {
        let (ours, folder) = (dialect(), tempfile::tempdir().unwrap());
        fs::write(folder.path().join(TOKENIZER_FILE), ours.tokenizer().to_json()).unwrap();
        fs::write(folder.path().join(TEMPLATE_FILE), ours.template().source()).unwrap();
        let opened = Dialect::open(folder.path(), Pair::default()).unwrap();
        assert_eq!(opened.tokenizer().hash(), ours.tokenizer().hash());
        assert_eq!((opened.close_id(), opened.pad_id()), (ours.close_id(), ours.pad_id()));
        assert_eq!(opened.tokenizer().decode(&[opened.close_id(), opened.pad_id()]), "<|end|><|pad|>");
        fs::remove_file(folder.path().join(TEMPLATE_FILE)).unwrap();
        assert!(matches!(Dialect::open(folder.path(), Pair::default()), Err(TextError::Read { .. })));
    }

    #[test]
    fn a_template_that_drops_the_thoughts_of_earlier_turns_is_known_by_it() {
        let source = fixture::FORGETS.replace("'</think>' in", "not loop.last and '</think>' in");
        // Three messages long, it drops the thoughts of both own turns before the prompt that asks for a third.
        assert!(
            matches!(refusal(&source), TextError::ThoughtsChanged { .. }),
            "it keeps the last message's thought whoever asks"
        );
        let drops = dialect_with(Template::new(fixture::FORGETS).unwrap()).unwrap();
        assert_eq!((drops.treatment(), drops.drops_thoughts(Seat::User)), (Treatment::Dropped, true));
        assert_eq!((dialect().treatment(), dialect().drops_thoughts(Seat::User)), (Treatment::Kept, false));
    }

    #[test]
    fn a_template_that_rewrites_thoughts_is_refused() {
        let source = crate::template::SOURCE.replace("message.content +", "message.content.replace('mind', 'soul') +");
        assert!(matches!(refusal(&source), TextError::ThoughtsChanged { .. }));
    }

    #[test]
    fn a_template_that_looks_farther_than_its_neighbours_is_refused() {
        let source = crate::template::SOURCE
            .replace("{%- for", "{%- if messages | length == 3 -%}<|system|>Three.<|end|>{%- endif -%}{%- for");
        assert!(matches!(refusal(&source), TextError::NotPrefixStable { .. }));
        let source = crate::template::SOURCE
            .replace("{%- for", "{%- if messages | length == 2 -%}{{ raise_exception('odd') }}{%- endif -%}{%- for");
        let expected = TextError::Unanswered {
            roles: "system, system".to_owned(),
            why: "chat template refuses the conversation: odd".to_owned(),
        };
        assert_eq!(refusal(&source), expected);
    }

    #[test]
    fn a_system_message_of_the_templates_own_is_part_of_the_beginning() {
        let source = crate::template::SOURCE.replace(
            "{%- for",
            "{%- if messages and messages[0].role != 'system' -%}<|system|>Be nice.<|end|>{%- endif -%}{%- for",
        );
        let dialect = dialect_with(Template::new(&source).unwrap()).unwrap();
        assert_eq!(
            shown(&dialect, &[(Source::Partner, "hi")]),
            "<|system|>Be nice.<|end|><|user|>hi<|end|><|assistant|>"
        );
        assert_eq!(shown(&dialect, &[(Source::Brief, "hi")]), "<|system|>hi<|end|><|assistant|>");
        // Before an own first turn it would write its message later, so there the brief is empty.
        assert_eq!(shown(&dialect, &[]), "<|system|><|end|><|assistant|>");
    }

    #[test]
    fn content_is_shown_as_the_template_shows_it_or_the_template_is_refused() {
        let with = |content: &str| crate::template::SOURCE.replace("message.content +", &format!("({content}) +"));
        let trims = dialect_with(Template::new(&with("message.content | trim")).unwrap()).unwrap();
        assert_eq!(shown(&trims, &[(Source::Partner, " a b\n")]), "<|user|>a b<|end|><|assistant|>");
        let quotes = with("message.content | tojson if message.role == 'tool' else message.content");
        let quotes = dialect_with(Template::new(&quotes).unwrap()).unwrap();
        assert_eq!(shown(&quotes, &[(Source::World, " \"é\n")]), "<|tool|>\" \\\"é\\n\"<|end|><|assistant|>");
        assert_eq!(refusal(&with("message.content | upper")), TextError::ContentChanged { role: "system" });
        assert_eq!(refusal(&with("message.content.lstrip()")), TextError::ContentChanged { role: "system" });
    }

    #[test]
    fn a_template_whose_turns_end_in_text_is_refused() {
        let source = crate::template::SOURCE.replace("'<|end|>'", "'\\n'");
        assert_eq!(refusal(&source), TextError::NoCloseToken);
    }

    /// The form of Qwen and others: names and line ends between markers and content.
    #[test]
    fn template_text_around_content_is_encoded_with_it_as_a_server_would() {
        let source = "{%- for message in messages -%}{{- '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' -}}{%- endfor -%}\
            {%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}";
        let dialect = dialect_with(Template::new(source).unwrap()).unwrap();
        let mut stream = crate::SeatStream::new(&dialect, false);
        stream.observe(&[crate::fixture::message(sim::Source::Partner, "\nI offer $14.")]);
        let tokens = dialect.tokenizer().encode_markup("Yes.<|end|>");
        stream.sampled(tokens.clone(), vec![0.0; tokens.len()], true, 0, "model", 1.0);
        stream.observe(&[]);
        let text = "<|user|>\n\nI offer $14.<|end|>\n<|assistant|>\nYes.<|end|>\n<|assistant|>\n";
        assert_eq!(stream.tokens(), dialect.tokenizer().encode_markup(text));
    }
}
