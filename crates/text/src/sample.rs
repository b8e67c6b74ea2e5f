//! Dialogues of scripts as samples for a cold start.

use sim::Decision;
use sim::EpisodeRecord;
use sim::Message;
use sim::Seat;
use sim::Source;
use sim::Thinking;

use crate::Dialect;
use crate::SeatStream;

/// One seat's side of a dialogue, or a turn of it, in the form its model will see and sample. All vectors have one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taught {
    /// What is read and said; it ends with a turn of the seat.
    pub tokens: Vec<u32>,
    /// Loss weight of each token: 1 on the seat's own, `partner_weight` on what the partner said, 0 on the brief, the world's messages
    /// and everything the template writes. Of a turn by itself, 0 on all that another one teaches.
    pub weights: Vec<f32>,
    /// Whether the token belongs to the seat's own thought, tags included.
    pub thought: Vec<bool>,
}

/// A seat's side of a recorded episode: one stream, or each turn by itself where the dialect strips thoughts. It ends before the first turn
/// without an act; nothing, if there is none before.
#[must_use]
pub fn taught(dialect: &Dialect, record: &EpisodeRecord, seat: Seat, partner_weight: f32) -> Vec<Taught> {
    let mut lesson = Lesson::new(dialect, dialect.reasons(seat));
    for turn in record.turns_of(seat) {
        if !lesson.turn(&turn.observed, &turn.decision, partner_weight) {
            break;
        }
    }
    lesson.samples
}

/// What is asked and answered outside any episode, for drills: only the answers are learned. One stream, or each answer by itself where the dialect
/// strips thoughts; there are thoughts if a decision has one. It ends before the first decision without an act.
#[must_use]
pub fn taught_answers(dialect: &Dialect, turns: &[(&[Message], Decision)]) -> Vec<Taught> {
    let mut lesson = Lesson::new(dialect, turns.iter().any(|(_, decision)| decision.thought.is_some()));
    for (observed, decision) in turns {
        if !lesson.turn(observed, decision, 0.0) {
            break;
        }
    }
    lesson.samples
}

/// Samples in the making.
struct Lesson {
    stream: SeatStream,
    strips: bool,
    samples: Vec<Taught>,
}

impl Lesson {
    fn new(dialect: &Dialect, reasons: bool) -> Lesson {
        let strips = dialect.thinking() == Thinking::Strip;
        Lesson { stream: SeatStream::new(dialect, reasons), strips, samples: Vec::new() }
    }

    /// Adds one turn; false, and nothing added, if the decision holds no act.
    fn turn(&mut self, observed: &[Message], decision: &Decision, partner_weight: f32) -> bool {
        let heard = self.stream.observe(observed);
        let asked = self.stream.tokens().len();
        let context = self.stream.context().into_owned();
        let Some(own) = self.stream.teach(decision) else {
            return false;
        };
        if self.strips || self.samples.is_empty() {
            self.samples.push(Taught::default());
        }
        let Taught { tokens, weights, thought } = self.samples.last_mut().expect("if there was none, there is one now");
        // What was cut lies before all that is new, so places in the stream move by as much as is missing.
        let missing = asked - context.len();
        tokens.splice(.., context);
        let start = tokens.len();
        tokens.extend_from_slice(&self.stream.tokens()[own.start..own.start + own.len]);
        weights.resize(start, 0.0);
        for (message, content) in observed.iter().zip(heard) {
            match message.from {
                Source::Partner => weights[content.start - missing..content.end - missing].fill(partner_weight),
                Source::Brief | Source::World => {}
            }
        }
        weights.resize(start + own.len, 1.0);
        thought.resize(start, false);
        thought.resize(start + own.thought_len, true);
        thought.resize(start + own.len, false);
        true
    }
}

#[cfg(test)]
mod tests {
    use sim::NoAct;

    use super::*;
    use crate::fixture::dialect;
    use crate::fixture::message;
    use crate::fixture::record;
    use crate::fixture::stripping;

    fn thinks(thought: &str, text: &str) -> Decision {
        Decision { thought: Some(thought.to_owned()), ..Decision::say(text) }
    }

    fn two_turns() -> Vec<(Vec<Message>, Decision)> {
        vec![
            (
                vec![message(Source::Brief, "You buy a lamp."), message(Source::Partner, "I ask $9.")],
                thinks("trap", "I offer $4."),
            ),
            (vec![message(Source::World, "stock is low"), message(Source::Partner, "No.")], thinks("", "I walk.")),
        ]
    }

    fn alone(taught: Vec<Taught>) -> Taught {
        let [alone] = <[Taught; 1]>::try_from(taught).expect("what is kept is one stream");
        alone
    }

    /// The text of the tokens for which `choose` holds, with a bar at each gap.
    fn chosen(taught: &Taught, dialect: &Dialect, choose: impl Fn(usize) -> bool) -> String {
        let mut text = String::new();
        for (i, id) in taught.tokens.iter().enumerate() {
            match (choose(i), i > 0 && choose(i - 1)) {
                (true, _) => text.push_str(&dialect.tokenizer().decode(&[*id])),
                (false, true) => text.push('|'),
                (false, false) => {}
            }
        }
        text
    }

    #[test]
    fn own_tokens_weigh_one_the_partners_words_little_and_the_rest_nothing() {
        let dialect = dialect();
        let taught = alone(super::taught(&dialect, &record(Seat::User, two_turns()), Seat::User, 0.25));
        let of = |weight: f32| chosen(&taught, &dialect, |i| taught.weights[i] == weight);
        assert_eq!(of(1.0), "<think>trap</think>I offer $4.<|end|>|<think></think>I walk.<|end|>");
        assert_eq!(of(0.25), "I ask $9.|No.|");
        assert_eq!(
            of(0.0),
            "<|system|>You buy a lamp.<|end|><|user|>|<|end|><|assistant|>|<|tool|>stock is low<|end|><|user|>|<|end|><|assistant|>|"
        );
        assert_eq!(chosen(&taught, &dialect, |i| taught.thought[i]), "<think>trap</think>|<think></think>|");
        assert_eq!((taught.weights.len(), taught.thought.len()), (taught.tokens.len(), taught.tokens.len()));
    }

    #[test]
    fn a_seat_that_does_not_reason_is_not_taught_to() {
        let dialect = dialect();
        let taught = alone(super::taught(&dialect, &record(Seat::Agent, two_turns()), Seat::Agent, 0.0));
        assert!(!taught.thought.contains(&true));
        assert_eq!(chosen(&taught, &dialect, |i| taught.weights[i] == 1.0), "I offer $4.<|end|>|I walk.<|end|>");
    }

    #[test]
    fn of_a_drill_only_the_answers_are_learned() {
        let dialect = dialect();
        let turns = two_turns();
        let asked = [(&turns[0].0[..], Decision::say("trap")), (&turns[1].0[..], Decision::say("fair"))];
        let taught = alone(taught_answers(&dialect, &asked));
        let text = "<|system|>You buy a lamp.<|end|><|user|>I ask $9.<|end|><|assistant|>trap<|end|>\
            <|tool|>stock is low<|end|><|user|>No.<|end|><|assistant|>fair<|end|>";
        assert_eq!(taught.tokens, dialect.tokenizer().encode_markup(text));
        assert_eq!(chosen(&taught, &dialect, |i| taught.weights[i] != 0.0), "trap<|end|>|fair<|end|>");
        assert!(!taught.thought.contains(&true));
        assert_eq!(taught_answers(&stripping(), &asked).len(), 2, "each by itself");
    }

    #[test]
    fn a_sample_ends_before_a_turn_without_an_act() {
        let dialect = dialect();
        let mut turns = two_turns();
        turns[1].1.act = Err(NoAct::Malformed("mumbled".to_owned()));
        let cut = taught(&dialect, &record(Seat::User, turns), Seat::User, 0.25);
        let first = taught(&dialect, &record(Seat::User, two_turns()[..1].to_vec()), Seat::User, 0.25);
        assert_eq!(cut, first);
        let mut mute = two_turns();
        mute[0].1.act = Err(NoAct::OutOfTokens);
        assert_eq!(taught(&dialect, &record(Seat::User, mute), Seat::User, 0.25), []);
    }

    #[test]
    fn where_thoughts_are_stripped_each_turn_is_taught_by_itself_and_each_word_once() {
        let dialect = stripping();
        let turns = super::taught(&dialect, &record(Seat::User, two_turns()), Seat::User, 0.25);
        let text = |taught: &Taught| dialect.tokenizer().decode(&taught.tokens);
        let first = "<|system|>You buy a lamp.<|end|><|user|>I ask $9.<|end|><|assistant|><think>trap</think>I offer $4.<|end|>";
        let second = "<|system|>You buy a lamp.<|end|><|user|>I ask $9.<|end|><|assistant|>I offer $4.<|end|>\
            <|tool|>stock is low<|end|><|user|>No.<|end|><|assistant|><think></think>I walk.<|end|>";
        assert_eq!(turns.iter().map(text).collect::<Vec<_>>(), [first, second]);
        let of = |turn: usize, weight: f32| chosen(&turns[turn], &dialect, |i| turns[turn].weights[i] == weight);
        assert_eq!(
            [of(0, 1.0), of(1, 1.0)],
            ["<think>trap</think>I offer $4.<|end|>", "<think></think>I walk.<|end|>"]
        );
        assert_eq!([of(0, 0.25), of(1, 0.25)], ["I ask $9.|", "No.|"]);
        assert_eq!(chosen(&turns[1], &dialect, |i| turns[1].thought[i]), "<think></think>|");
    }
}
