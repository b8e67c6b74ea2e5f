//! Proof from a record that what was sampled is what is trained.
//!
//! The check shares nothing with the stream but tokenizer and template: it renders the whole conversation with Jinja for every turn, as
//! a server that knows only messages would, and compares that text and its encoding with the recorded ids. Where a template shows a seat's
//! own earlier turns otherwise than they were written (it drops their thoughts, it trims them), words that occur nowhere else stand for them,
//! and all that stands around these words is compared: with the earlier prompts too, from which only thoughts may be missing.
//!
//! Where thoughts are stripped, the whole of what was read is proven besides: words stand for each thought and each reply, what Jinja leaves of
//! them is filled in again, and that has to be the text of the recorded ids without the recorded cuts.

mod stripped;

use std::ops::AddAssign;

use serde::Deserialize;
use serde::Serialize;
use sim::Decision;
use sim::EpisodeRecord;
use sim::Generation;
use sim::Seat;
use sim::Thinking;
use sim::Turn;

use crate::ChatMessage;
use crate::Dialect;
use crate::Role;
use crate::SeatStream;
use crate::drift::stripped::Stripped;
use crate::stream;
use crate::tokenizer::THINK_CLOSE;
use crate::tokenizer::THINK_OPEN;

/// What is wrong with one recorded generation; the worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    None,
    Retokenised,
    Retemplated,
    HistoryEdited,
}

/// Recorded generations of a seat, counted by what is wrong with them. Each is counted once, under the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Nothing: prompt, tokens, thought and act belong together.
    pub none: u64,
    /// The prompt has the right text in other ids.
    pub retokenised: u64,
    /// The prompt shows the observed messages, but not as the template does.
    pub retemplated: u64,
    /// An observed message is missing from the prompt, or the tokens do not say what is recorded as thought and act.
    pub history_edited: u64,
}

impl Drift {
    /// Generations that drifted.
    #[must_use]
    pub fn drifted(&self) -> u64 {
        self.retokenised + self.retemplated + self.history_edited
    }

    fn count(&mut self, kind: Kind) {
        match kind {
            Kind::None => self.none += 1,
            Kind::Retokenised => self.retokenised += 1,
            Kind::Retemplated => self.retemplated += 1,
            Kind::HistoryEdited => self.history_edited += 1,
        }
    }
}

impl AddAssign for Drift {
    fn add_assign(&mut self, other: Drift) {
        self.none += other.none;
        self.retokenised += other.retokenised;
        self.retemplated += other.retemplated;
        self.history_edited += other.history_edited;
    }
}

/// Checks every generation a model made for `seat`. Turns of rules and scripts have none and count nowhere.
#[must_use]
pub fn drift(record: &EpisodeRecord, seat: Seat, dialect: &Dialect) -> Drift {
    let mut drift = Drift::default();
    let mut retelling = Retelling {
        dialect,
        reasons: dialect.reasons(seat),
        stream: SeatStream::new(dialect, dialect.reasons(seat)),
        history: Vec::new(),
        told: Told::new(dialect, dialect.reasons(seat), record),
        stripped: (dialect.thinking() == Thinking::Strip).then(|| Stripped::new(mark(record))),
    };
    for turn in record.turns_of(seat) {
        let expected = retelling.observe(turn);
        match &turn.decision.generation {
            Some(generation) => {
                let kind = retelling.prompt_kind(generation, &expected, turn).max(retelling.read_kind(generation));
                drift.count(kind.max(retelling.own_kind(generation, &turn.decision)));
                retelling.append(generation);
            }
            // Streams of models hold no turn of a script; what follows cannot be checked against one.
            None => break,
        }
    }
    drift
}

/// The conversation told again, as messages and as ids.
struct Retelling<'a> {
    dialect: &'a Dialect,
    reasons: bool,
    stream: SeatStream,
    history: Vec<ChatMessage>,
    told: Told,
    /// The conversation as a template that drops thoughts shows it; `None` if thoughts are kept.
    stripped: Option<Stripped>,
}

/// A character that nobody was shown.
fn mark(record: &EpisodeRecord) -> char {
    let said = |mark: &char| record.turns.iter().flat_map(|turn| &turn.observed).any(|m| m.text.contains(*mark));
    ('\u{E000}'..='\u{F8FF}').find(|mark| !said(mark)).unwrap_or('\u{F8FF}')
}

/// What has been rendered so far.
enum Told {
    /// All of it, up to where the next prompt begins, with the seat's own turns to the letter.
    Whole(String),
    /// The prompts, between which the seat's own turns stood; `mark` is in no message. `closed`: the last turn closed itself.
    Prompts { prompts: Vec<String>, mark: char, closed: bool },
}

impl Told {
    fn new(dialect: &Dialect, reasons: bool, record: &EpisodeRecord) -> Told {
        if dialect.frames(reasons).exact && dialect.close_ids().len() == 1 {
            return Told::Whole(String::new());
        }
        Told::Prompts { prompts: Vec::new(), mark: mark(record), closed: false }
    }
}

impl Retelling<'_> {
    /// Shows the turn's messages; gives the prompt's text as rendered, or `None` if the template has changed what it wrote before.
    fn observe(&mut self, turn: &Turn) -> Option<String> {
        self.stream.observe(&turn.observed);
        let new = turn.observed.iter().map(|message| ChatMessage::new(message.from.into(), message.text.as_str()));
        self.history.extend(new);
        if let Some(stripped) = &mut self.stripped {
            stripped.observe(turn);
        }
        if self.history.is_empty() && self.dialect.frames(self.reasons).brief_first {
            self.history.push(ChatMessage::new(Role::System, ""));
            self.stripped.iter_mut().for_each(|stripped| stripped.brief());
        }
        let extras = self.dialect.extras(self.reasons);
        let whole = self.dialect.template().render_with(&self.history, true, &extras).ok()?;
        match &mut self.told {
            Told::Whole(told) => {
                let prompt = whole.strip_prefix(told.as_str())?.to_owned();
                *told = whole;
                Some(prompt)
            }
            Told::Prompts { prompts, mark, closed } => {
                let mut parts: Vec<&str> = whole.split(*mark).step_by(2).collect();
                let last = parts.pop()?;
                let same = |(new, old): (&&str, &String)| without_block(new) == without_block(old);
                let unchanged = parts.len() == prompts.len() && parts.iter().zip(prompts.iter()).all(same);
                prompts.push(last.to_owned());
                let close = self.dialect.tokenizer().decode(&[self.dialect.close_id()]);
                let prompt = if *closed { last.strip_prefix(close.as_str())? } else { last };
                unchanged.then(|| prompt.to_owned())
            }
        }
    }

    fn prompt_kind(&self, generation: &Generation, expected: &Option<String>, turn: &Turn) -> Kind {
        let tokenizer = self.dialect.tokenizer();
        let recorded = tokenizer.normal(&tokenizer.decode(&generation.prompt));
        let same_text = expected.as_ref().is_some_and(|expected| tokenizer.normal(expected) == recorded);
        if same_text && generation.prompt == self.stream.prompt() {
            return Kind::None;
        }
        if same_text {
            return Kind::Retokenised;
        }
        let mut rest = recorded.as_str();
        for message in &turn.observed {
            let shown = self.dialect.frames(self.reasons).shown(message.from.into(), &message.text);
            match rest.split_once(tokenizer.normal(&shown).as_str()) {
                Some((_, after)) => rest = after,
                None => return Kind::HistoryEdited,
            }
        }
        Kind::Retemplated
    }

    /// Whether what was read is what the run's manner shows.
    fn read_kind(&self, generation: &Generation) -> Kind {
        match (&self.stripped, &generation.cuts) {
            (None, None) => Kind::None,
            (Some(stripped), Some(_)) => stripped.kind(self.dialect, self.reasons, generation, &self.stream),
            (None, Some(_)) | (Some(_), None) => Kind::Retemplated,
        }
    }

    /// Whether the tokens say what is recorded.
    fn own_kind(&self, generation: &Generation, decision: &Decision) -> Kind {
        let closed = self.closes(generation);
        let (reading, thought_len) = stream::read(self.dialect, self.reasons, &generation.tokens, closed);
        let same = reading.act == decision.act
            && reading.thought == decision.thought
            && thought_len == generation.thought_len as usize
            && closed == generation.closed
            && generation.logprobs.len() == generation.tokens.len();
        if same { Kind::None } else { Kind::HistoryEdited }
    }

    fn append(&mut self, generation: &Generation) {
        let closes = self.closes(generation);
        let tokenizer = self.dialect.tokenizer();
        let written = &generation.tokens[..generation.tokens.len() - usize::from(closes)];
        let told = match &mut self.told {
            Told::Whole(told) => {
                told.push_str(&tokenizer.decode(&generation.tokens));
                tokenizer.decode(written)
            }
            Told::Prompts { mark, closed, .. } => {
                *closed = closes;
                format!("{mark}own{mark}")
            }
        };
        self.history.push(ChatMessage::new(Role::Assistant, told));
        let (reading, _) = stream::read(self.dialect, self.reasons, &generation.tokens, closes);
        let thought_bytes = reading.thought.as_ref().map_or(0, |_| reading.private_len);
        if let Some(stripped) = &mut self.stripped {
            stripped.append(self.dialect, self.reasons, generation, closes, thought_bytes);
        }
        self.stream.append_own(&generation.tokens, closes, thought_bytes);
    }

    fn closes(&self, generation: &Generation) -> bool {
        generation.tokens.last().is_some_and(|last| self.dialect.close_ids().contains(last))
    }
}

/// A prompt without the thought, empty or begun, that a template writes at its end.
fn without_block(prompt: &str) -> &str {
    let Some(at) = prompt.rfind(THINK_OPEN) else {
        return prompt;
    };
    let block = prompt[at + THINK_OPEN.len()..].replacen(THINK_CLOSE, "", 1);
    if block.trim().is_empty() { &prompt[..at] } else { prompt }
}

#[cfg(test)]
mod tests {
    use sim::Address;
    use sim::Draws;
    use sim::Message;
    use sim::Phase;
    use sim::Source;
    use sim::draws::Stream;

    use super::*;
    use crate::Template;
    use crate::fixture;
    use crate::fixture::message;

    const WORDS: [&str; 12] = [
        "I offer",
        " $14",
        " $1",
        "4",
        "<|end|>",
        "</think>",
        "<think>",
        " trap",
        "\n",
        "é",
        "\u{1F600}",
        "<|assistant|>",
    ];

    fn text(draws: &mut Draws) -> String {
        (0..draws.range(0, 8)).map(|_| *draws.pick(&WORDS)).collect()
    }

    /// Any ids at all, markers and halves of characters included, closed or cut; now and then a well-formed turn.
    fn tokens(draws: &mut Draws, dialect: &Dialect, reasons: bool) -> Vec<u32> {
        let close = dialect.close_id();
        let mut tokens = if draws.chance(0.4) {
            let thought = if reasons { "<think>trap</think>" } else { "" };
            dialect.tokenizer().encode_markup(&format!("{thought}I offer $3."))
        } else {
            let any = |_| draws.range(0, dialect.tokenizer().len() as i64 - 1) as u32;
            (0..12).map(any).filter(|id| *id != close).collect()
        };
        if draws.chance(0.7) {
            tokens.push(close);
        }
        tokens
    }

    fn conversation(number: u64, dialect: &Dialect) -> (Seat, EpisodeRecord) {
        let address = Address { seed: 5, phase: Phase::Rollout, round: number, group: 0, trial: 0, member: 0 };
        let mut draws = address.draws(Stream::World);
        let seat = *draws.pick(&Seat::ALL);
        let mut stream = SeatStream::new(dialect, dialect.reasons(seat));
        let turns = (0..draws.range(1, 6))
            .map(|turn| {
                let mut observed: Vec<Message> = (0..draws.range(0, 3))
                    .map(|_| message(*draws.pick(&[Source::Partner, Source::World]), &text(&mut draws)))
                    .collect();
                if turn == 0 {
                    observed.insert(0, message(Source::Brief, &text(&mut draws)));
                }
                stream.observe(&observed);
                let tokens = tokens(&mut draws, dialect, dialect.reasons(seat));
                let closed = tokens.last() == Some(&dialect.close_id());
                let logprobs = vec![-1.0; tokens.len()];
                (observed, stream.sampled(tokens, logprobs, closed, 0, "model", 1.0))
            })
            .collect();
        (seat, fixture::record(seat, turns))
    }

    #[test]
    fn a_thousand_streams_do_not_drift() {
        let dialect = fixture::dialect();
        let mut total = Drift::default();
        let mut turns = 0;
        let (mut acts, mut cut) = (0, 0);
        for number in 0..1000 {
            let (seat, record) = conversation(number, &dialect);
            total += drift(&record, seat, &dialect);
            turns += record.turns.len() as u64;
            acts += record.turns.iter().filter(|turn| turn.decision.act.is_ok()).count();
            cut +=
                record.turns.iter().filter(|turn| turn.decision.generation.as_ref().is_some_and(|g| !g.closed)).count();
        }
        assert_eq!(total, Drift { none: turns, ..Drift::default() });
        assert!(acts > 500 && cut > 500, "the streams are of all kinds: {acts} acts, {cut} cut");
    }

    /// A record of two good turns of the agent, spoiled by `spoil`, and the drift found in it.
    fn spoiled(spoil: impl FnOnce(&Dialect, &mut EpisodeRecord)) -> Drift {
        let dialect = fixture::dialect();
        let mut stream = SeatStream::new(&dialect, false);
        let mut turns = Vec::new();
        for observed in [
            vec![message(Source::Brief, "You sell a lamp."), message(Source::Partner, "I offer $14.")],
            vec![message(Source::Partner, "I offer $15.")],
        ] {
            stream.observe(&observed);
            let tokens = dialect.tokenizer().encode_markup("I offer $25.<|end|>");
            let logprobs = vec![-1.0; tokens.len()];
            turns.push((observed, stream.sampled(tokens, logprobs, true, 0, "model", 1.0)));
        }
        let mut record = fixture::record(Seat::Agent, turns);
        spoil(&dialect, &mut record);
        drift(&record, Seat::Agent, &dialect)
    }

    fn generation(record: &mut EpisodeRecord, turn: usize) -> &mut Generation {
        record.turns[turn].decision.generation.as_mut().unwrap()
    }

    #[test]
    fn an_untouched_record_does_not_drift() {
        assert_eq!(spoiled(|_, _| ()), Drift { none: 2, ..Drift::default() });
    }

    #[test]
    fn the_same_text_in_other_ids_is_retokenised() {
        let found = spoiled(|dialect, record| {
            let prompt = &mut generation(record, 1).prompt;
            let price = dialect.tokenizer().id(" $15").unwrap();
            let at = prompt.iter().position(|id| *id == price).unwrap();
            let letters = ["\u{20}", "$", "15"].iter().flat_map(|part| dialect.tokenizer().encode(part).to_vec());
            prompt.splice(at..=at, letters.collect::<Vec<_>>());
        });
        assert_eq!(found, Drift { none: 1, retokenised: 1, ..Drift::default() });
    }

    #[test]
    fn the_same_messages_in_another_frame_are_retemplated() {
        let found = spoiled(|dialect, record| {
            let tool = dialect.tokenizer().id("<|tool|>").unwrap();
            generation(record, 1).prompt[0] = tool;
        });
        assert_eq!(found, Drift { none: 1, retemplated: 1, ..Drift::default() });
    }

    #[test]
    fn another_template_is_retemplated_in_every_turn() {
        let source =
            crate::template::SOURCE.replace("message.content + '<|end|>'", "'\\n' + message.content + '\\n<|end|>'");
        let other = Template::new(&source.replace("'<|assistant|>'", "'<|assistant|>\\n'")).unwrap();
        let dialect = fixture::dialect();
        let mut stream = SeatStream::new(&dialect, false);
        let observed = vec![message(Source::Partner, "I offer $14.")];
        stream.observe(&observed);
        let tokens = vec![dialect.close_id()];
        let decision = stream.sampled(tokens, vec![0.0], true, 0, "model", 1.0);
        let record = fixture::record(Seat::Agent, vec![(observed, decision)]);
        // That template closes with text, which no sampled id could be; without the line end before the closing marker it is fit.
        assert!(fixture::dialect_with(other).is_err());
        let fit = Template::new(
            &source.replace("'\\n<|end|>'", "'<|end|>'").replace("'<|assistant|>'", "'<|assistant|>\\n'"),
        );
        let other = fixture::dialect_with(fit.unwrap()).unwrap();
        assert_eq!(drift(&record, Seat::Agent, &other), Drift { retemplated: 1, ..Drift::default() });
        assert_eq!(drift(&record, Seat::Agent, &dialect), Drift { none: 1, ..Drift::default() });
    }

    #[test]
    fn a_changed_message_or_act_is_an_edited_history() {
        let one = Drift { none: 1, history_edited: 1, ..Drift::default() };
        assert_eq!(spoiled(|_, record| record.turns[1].observed[0].text = "I offer $2.".to_owned()), one);
        assert_eq!(spoiled(|_, record| record.turns[0].decision.act = Decision::say("I offer $24.").act), one);
        assert_eq!(spoiled(|_, record| record.turns[0].decision.thought = Some("hm".to_owned())), one);
        assert_eq!(spoiled(|_, record| generation(record, 1).tokens.truncate(1)), one);
        assert_eq!(spoiled(|_, record| generation(record, 0).thought_len = 1), one);
    }

    #[test]
    fn turns_of_scripts_are_not_counted() {
        let record = fixture::record(Seat::Agent, vec![(vec![message(Source::Brief, "x")], Decision::say("y"))]);
        assert_eq!(drift(&record, Seat::Agent, &fixture::dialect()), Drift::default());
    }
}
