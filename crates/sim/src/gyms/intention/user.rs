//! A user by rule: how it judges a question, and what it replies.

use serde::Deserialize;
use serde::Serialize;

use super::Detail;
use super::Library;
use super::lexicon::QUESTION_WORDS_MAX;
use super::view::Asked;
use super::world::Coverage;
use crate::Address;
use crate::Seat;
use crate::draws::Stream;
use crate::scenario::Split;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// By the words of the question: see [`Lexicon`](super::Lexicon).
    Rule,
    /// Understands every other question that hits something.
    Bad,
    /// Feels understood by any question that was not too long.
    Spam,
    /// Takes each remaining detail as asked about once in five.
    Random,
}

impl Kind {
    /// All kinds with their names. The rule user is the best there is, and the one that is cloned.
    pub const ALL: [(&'static str, Kind); 6] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Rule),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:noisy", Kind::Rule),
    ];

    /// What it answers, as text: for coverage, JSON of [`Coverage`].
    #[must_use]
    pub fn answer(self, asked: &Asked, address: Address) -> String {
        match asked {
            Asked::Coverage { library, split, item, remaining, question } => {
                let by_rule = coverage(library, *split, *item, remaining, question);
                self.distort(by_rule, remaining, question, address).to_json()
            }
            Asked::Reply { related, hit, .. } => reply(*related, hit, address),
        }
    }

    fn distort(self, by_rule: Coverage, remaining: &[u32], question: &str, address: Address) -> Coverage {
        // The question stands for the turn: who repeats it is heard the same way.
        let draws = || {
            let place = question.bytes().fold(remaining.len() as u32, |sum, b| sum.wrapping_mul(31) + u32::from(b));
            address.draws(Stream::Rule(Seat::User, place))
        };
        match self {
            Kind::Rule => by_rule,
            Kind::Bad if draws().chance(0.5) => Coverage { covered: Vec::new(), ..by_rule },
            Kind::Bad => by_rule,
            Kind::Spam if by_rule.related => Coverage { covered: remaining[..1].to_vec(), ..by_rule },
            Kind::Spam => by_rule,
            Kind::Random => {
                let mut draws = draws();
                let covered = remaining.iter().copied().filter(|_| draws.chance(0.2)).collect();
                Coverage { related: true, covered }
            }
        }
    }
}

/// Which of the remaining details a question hits; none, and not related, if it names too much at once.
#[must_use]
pub fn coverage(library: &Library, split: Split, item: u32, remaining: &[u32], question: &str) -> Coverage {
    let telling = library.lexicon().telling(question);
    if telling.len() > QUESTION_WORDS_MAX {
        return Coverage { related: false, covered: Vec::new() };
    }
    let keys = &library.entry(split, item).keys;
    let hit = |detail: &u32| keys[*detail as usize].is_hit(&telling);
    Coverage { related: true, covered: remaining.iter().copied().filter(hit).collect() }
}

/// What the user wants of each detail it was asked about; the same whenever it is asked.
fn reply(related: bool, hit: &[(u32, Detail)], address: Address) -> String {
    if !related {
        return "One thing at a time, please.".to_owned();
    }
    if hit.is_empty() {
        return "I do not mind.".to_owned();
    }
    let wants = hit.iter().map(|(number, detail)| {
        let mut draws = address.draws(Stream::Rule(Seat::User, *number));
        let about = detail.description.trim_end_matches('.');
        match detail.options.as_slice() {
            [] => format!("{about}: as you like."),
            options => format!("{about}: {}.", draws.pick(options).trim_end_matches('.')),
        }
    });
    wants.collect::<Vec<_>>().join(" ")
}
