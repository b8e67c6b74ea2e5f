//! The one skill that asking takes: seeing which words of a request are worth taking up. The requests are drawn word by word, so that
//! nobody gets by with knowing them.

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
const WORDS_MAX: i64 = 16;

/// The drill with this number: words out of requests to learn from, and those of them that are worth taking up. The agent's only.
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
    let (request, own) = loop {
        let request = request(rules, &mut draws);
        let own = agent::own_words(&rules.library, &request);
        if !own.is_empty() {
            break (request, own);
        }
    };
    let messages = vec![
        Message { from: Source::Brief, text: "Name what the request is about.".to_owned() },
        Message { from: Source::Partner, text: request },
    ];
    let answer = agent::name_words(&own, rules.library.lexicon());
    Some(Drill { skill: Skill::TakeUp, seat, messages, answer })
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
