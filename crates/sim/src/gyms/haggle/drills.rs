//! Skills asked one by one: can a seat look up a fact, can it tell a trap from a fair claim? Part of the cold start, and its gate.

use serde::Deserialize;
use serde::Serialize;

use super::Fact;
use super::Rules;
use super::World;
use super::talk;
use crate::Address;
use crate::Message;
use crate::Pair;
use crate::Phase;
use crate::Scenario;
use crate::Seat;
use crate::Source;
use crate::draws::Stream;
use crate::record::Casting;
use crate::record::EpisodeId;
use crate::scenario::Split;

/// One question with the one right answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Who is asked.
    pub seat: Seat,
    /// The brief, and the question as a message of the world.
    pub messages: Vec<Message>,
    /// The right answer, word for word.
    pub answer: String,
}

impl Rules {
    /// The drill with this number for a seat. The seller is asked for a fact of its brief; the buyer is shown a claim, recalls what
    /// it knows, and says whether the claim is fair or a trap where that can be told.
    #[must_use]
    pub fn drill(&self, scenario: &Scenario, split: Split, seat: Seat, index: u32) -> Drill {
        let id = EpisodeId { phase: Phase::Sft, round: u64::MAX, group: index, trial: 0, member: 0 };
        let item = index % scenario.items.of(split);
        let casting = Casting { id, split, item, policies: Pair::default(), learns: Pair::default() };
        let address = Address { trial: seat as u32, ..id.address(scenario.items.seed) };
        let world_draws = address.draws(Stream::World);
        let mut draws = address.draws(Stream::Judge);
        let item = self.item(scenario.items, casting.split, casting.item);
        let mut world = World::new(self.clone(), item, scenario, world_draws);
        let mut messages = world.observe(seat).messages;
        let fact = *draws.pick(&Fact::ALL);
        let (question, answer) = match seat {
            Seat::Agent => {
                let truth = world.item.facts[fact.index()];
                (format!("Look up the {}.", fact.name()), format!("The {}.", talk::fact_words(fact, truth)))
            }
            Seat::User => {
                let claimed = match world.known(fact) {
                    // Half of the claims about a known fact hold.
                    Some(known) if draws.chance(0.5) => known,
                    _ => draws.range(0, 2) as u8,
                };
                let answer = match world.known(fact) {
                    None => "know unknown".to_owned(),
                    Some(known) => {
                        let verdict = if known == claimed { "fair" } else { "trap" };
                        format!("know {} intent {verdict}", fact.values()[usize::from(known)])
                    }
                };
                (format!("Judge this, the {}.", talk::fact_words(fact, claimed)), answer)
            }
        };
        messages.push(Message { from: Source::World, text: question });
        Drill { seat, messages, answer }
    }
}
