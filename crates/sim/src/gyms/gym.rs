//! What a gym is: three traits, implemented in its folder, and nothing of it is spelled out anywhere else.
//!
//! ```text
//!  Gym        its constants and items: makes worlds, names its terms and measures   impl for `Rules`
//!  GymWorld   one episode's state: shows, steps, judges                             impl for `World`
//!  GymScript  rule and scripted players, pure functions of a view                   impl for `Script`
//! ```

use super::Drill;
use super::Engine;
use super::Phrasebook;
use super::Term;
use super::TermOf;
use crate::Address;
use crate::Answer;
use crate::Case;
use crate::Decision;
use crate::Observation;
use crate::Scenario;
use crate::Seat;
use crate::Toolkit;
use crate::Verdict;
use crate::WorldInput;
use crate::WorldOutput;
use crate::record::Casting;
use crate::scenario::Split;

/// A gym: its constants, and its items if it does not make them on demand.
pub trait Gym {
    /// One episode's state.
    type World: GymWorld;

    /// Its name in scenario files.
    const NAME: &'static str;
    /// All reward terms it can give.
    const TERMS: &'static [Term];
    /// Names of all its measures: what a success condition and the metrics may use. Those of [`efficiency`](super::efficiency) are taken for
    /// it where it names them.
    const MEASURES: &'static [&'static str];

    /// All reward terms with these rules: more than [`Gym::TERMS`] where a file defines some.
    fn terms(&self) -> Vec<TermOf<'_>> {
        Self::TERMS.to_vec()
    }

    /// All measures with these rules: the names that a success condition and the metrics may use.
    fn measures(&self) -> Vec<&str> {
        Self::MEASURES.to_vec()
    }

    /// The world an episode starts in.
    fn world(&self, scenario: &Scenario, casting: &Casting, seed: u64) -> Self::World;

    /// How a person in this seat can speak.
    fn phrasebook(seat: Seat) -> Phrasebook;

    /// An item's readable id, unique in the split.
    fn item_id(&self, split: Split, item: u32) -> String {
        format!("{}-{item:06}", split.name())
    }

    /// The policy that sits at `seat` where its partner is measured or trained alone: never trained itself, the same in every run.
    #[must_use]
    fn fixed_opponent(_seat: Seat) -> &'static str {
        "rule"
    }

    /// Whether the seat has turns of its own. One that has none is only asked by the world, so it cannot learn from turns.
    #[must_use]
    fn takes_turns(_seat: Seat) -> bool {
        true
    }

    /// Whether what a seat is told before it speaks says which of the two it is, so that one model can speak for both.
    fn tells_seats_apart(&self) -> bool {
        true
    }

    /// Why no script can sit at `seat` with these items; `None` if scripts can.
    fn without_scripts(&self, _seat: Seat) -> Option<&'static str> {
        None
    }

    /// What the seat may call, where its acts are calls of a tool; `None` if this gym's acts are no calls. Where a casting has
    /// [`Tools::Template`](crate::Tools::Template) for a seat, the world's words to it do not say how acts are written.
    fn toolkit(&self, _seat: Seat) -> Option<&'static Toolkit> {
        None
    }

    /// The engine outside that this world's queries to the environment go to; `None`: there are none.
    fn engine(&self) -> Option<&Engine> {
        None
    }

    /// The drill with this number for a seat, for cold starts; `None` if the gym has none.
    fn drill(&self, _scenario: &Scenario, _split: Split, _seat: Seat, _index: u32) -> Option<Drill> {
        None
    }

    /// Whether [`Gym::drill`] gives any.
    const HAS_DRILLS: bool = false;

    /// A script's thought told freely, without the form in which rules check it; `None` if there is no such telling of it.
    #[must_use]
    fn free_thought(_thought: &str) -> Option<String> {
        None
    }

    /// Whether [`Gym::free_thought`] tells any.
    const HAS_FREE_THOUGHTS: bool = false;

    /// Texts that must be one token each wherever they stand, such as prices.
    #[must_use]
    fn whole_tokens() -> Vec<String> {
        Vec::new()
    }

    /// Tokens that stand for numbers, each with its place in [0, 1]: their embeddings may start in order.
    #[must_use]
    fn ordered_tokens() -> Vec<(String, f32)> {
        Vec::new()
    }
}

/// The state of one episode. `Clone`: a clone is a fork.
pub trait GymWorld: Clone {
    /// Who speaks first.
    #[must_use]
    fn first(&self) -> Seat {
        Seat::Agent
    }

    /// What `seat` is shown now. Takes the messages that wait for it, so that each is shown once.
    fn observe(&mut self, seat: Seat) -> Observation;

    /// Goes on until it needs an answer or the act has taken effect: the last output is the query, the effect or the fault.
    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput>;

    /// The verdict by rule over the finished episode, but for the measures of [`efficiency`](super::efficiency).
    #[must_use]
    fn verdict(&self, case: &Case) -> Verdict;
}

/// A rule or scripted player of one seat: keeps no state, so that it may be shared.
pub trait GymScript: Copy {
    /// What players of this gym see.
    type View;

    /// The script that `policy` names for `seat`: `rule`, `random`, or `scripted:NAME`. `None` if there is none.
    fn named(seat: Seat, policy: &str) -> Option<Self>;

    /// The names [`GymScript::named`] knows for `seat`.
    #[must_use]
    fn names(seat: Seat) -> Vec<String>;

    /// What the script does at its turn. `address` is that of the episode's world; the script adds its seat and turn.
    fn decide(self, seat: Seat, turn: u32, view: &Self::View, address: Address) -> Decision;

    /// What the script says to a query; `None` if it is not one for its seat.
    fn answer(self, _view: &Self::View, _address: Address) -> Option<Answer> {
        None
    }
}
