//! The one skill that asking takes: taking up what a request says, in its words. The requests are drawn word by word, so that nobody gets
//! by with knowing them.

use super::Rules;
use super::agent;
use crate::Draws;
use crate::EpisodeId;
use crate::Message;
use crate::Phase;
use crate::Seat;
use crate::Source;
use crate::draws::Stream;
use crate::gyms::Drill;
use crate::gyms::Skill;
use crate::scenario::Split;

/// The longest request of a drill, in words.
const WORDS_MAX: i64 = 40;

/// The drill with this number: words out of requests to learn from, and a question about all of them. The agent's only.
#[must_use]
pub fn drill(rules: &Rules, seed: u64, split: Split, seat: Seat, index: u32) -> Option<Drill> {
    if seat == Seat::User {
        return None;
    }
    let trial = match split {
        Split::Train => 0,
        Split::HeldOut => 1,
    };
    let id = EpisodeId { phase: Phase::Sft, round: u64::MAX, group: index, trial, member: 0 };
    let mut draws = id.address(seed).draws(Stream::World);
    let request = request(rules, &mut draws);
    let answer = agent::name_words(std::slice::from_ref(&request), rules.library.lexicon());
    let messages = vec![
        Message { from: Source::Brief, text: "Take up what is said.".to_owned() },
        Message { from: Source::Partner, text: request },
    ];
    Some(Drill::one(seat, Skill::TakeUp, messages, answer))
}

fn request(rules: &Rules, draws: &mut Draws) -> String {
    let entries = rules.library.of(Split::Train);
    let count = draws.range(4, WORDS_MAX);
    let words = (0..count).map(|_| {
        let words: Vec<&str> = draws.pick(entries).item.task.split_whitespace().collect();
        (*draws.pick(&words)).to_owned()
    });
    words.collect::<Vec<_>>().join(" ")
}
