//! Dialogues of scripts as samples for a cold start.

use sim::Decision;
use sim::EpisodeRecord;
use sim::Message;
use sim::Seat;
use sim::Source;

use crate::Dialect;
use crate::SeatStream;

/// One seat's side of a dialogue, in the form its model will see and sample. All vectors have one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taught {
    /// The whole stream; it ends with the seat's last turn.
    pub tokens: Vec<u32>,
    /// Loss weight of each token: 1 on the seat's own, `partner_weight` on what the partner said, 0 on the brief, the world's messages
    /// and everything the template writes.
    pub weights: Vec<f32>,
    /// Whether the token belongs to the seat's own thought, tags included.
    pub thought: Vec<bool>,
}

impl Taught {
    /// The seat's side of a recorded episode. It ends before the first turn without an act.
    #[must_use]
    pub fn from_record(record: &EpisodeRecord, seat: Seat, dialect: &Dialect, partner_weight: f32) -> Taught {
        let turns = record.turns_of(seat).map(|turn| (turn.observed.as_slice(), &turn.decision));
        Taught::from_turns(turns, dialect, dialect.reasons(seat), partner_weight)
    }

    /// A dialogue given turn by turn: what was new to the seat, and what it decided. With `reasons`, every turn has a thought, if an
    /// empty one; without, thoughts are left out.
    #[must_use]
    pub fn from_turns<'a>(
        turns: impl Iterator<Item = (&'a [Message], &'a Decision)>,
        dialect: &Dialect,
        reasons: bool,
        partner_weight: f32,
    ) -> Taught {
        let mut stream = SeatStream::new(dialect, reasons);
        let mut taught = Taught::default();
        for (observed, decision) in turns {
            let mut heard = Vec::new();
            stream.begin_prompt();
            for message in observed {
                let content = stream.show(message);
                if message.from == Source::Partner {
                    heard.push(content);
                }
            }
            stream.ask();
            let Some(own) = stream.teach(decision) else {
                break;
            };
            taught.weights.resize(own.start, 0.0);
            for content in heard {
                taught.weights[content].fill(partner_weight);
            }
            taught.weights.resize(own.start + own.len, 1.0);
            taught.thought.resize(own.start, false);
            taught.thought.resize(own.start + own.thought_len, true);
            taught.thought.resize(own.start + own.len, false);
        }
        taught.tokens = stream.tokens()[..taught.weights.len()].to_vec();
        taught
    }
}

#[cfg(test)]
mod tests {
    use sim::NoAct;

    use super::*;
    use crate::fixture::dialect;
    use crate::fixture::message;
    use crate::fixture::record;

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
        let taught = Taught::from_record(&record(Seat::User, two_turns()), Seat::User, &dialect, 0.25);
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
        let turns = two_turns();
        let turns = turns.iter().map(|(observed, decision)| (observed.as_slice(), decision));
        let taught = Taught::from_turns(turns, &dialect, false, 0.0);
        assert!(!taught.thought.contains(&true));
        assert_eq!(chosen(&taught, &dialect, |i| taught.weights[i] == 1.0), "I offer $4.<|end|>|I walk.<|end|>");
    }

    #[test]
    fn a_sample_ends_before_a_turn_without_an_act() {
        let dialect = dialect();
        let mut turns = two_turns();
        turns[1].1.act = Err(NoAct::Malformed("mumbled".to_owned()));
        let cut = Taught::from_record(&record(Seat::User, turns), Seat::User, &dialect, 0.25);
        let first = Taught::from_record(&record(Seat::User, two_turns()[..1].to_vec()), Seat::User, &dialect, 0.25);
        assert_eq!(cut, first);
    }
}
