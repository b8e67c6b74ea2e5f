//! The gyms: one folder each, one shape ([`Gym`], [`GymWorld`], [`GymScript`]). A new one is a folder, a `pub mod`, and a line in the table
//! below; its file keys are an entry in `config`'s table of gyms.

pub mod conduct;
pub mod drill;
pub mod efficiency;
pub mod engine;
pub mod function;
pub mod guess;
pub mod gym;
pub mod haggle;
pub mod intention;
pub mod op;
pub mod persuade;
pub mod phrasebook;
pub mod reply;
pub mod search;
pub mod slip;
pub mod splits;
pub mod talk;
pub mod tau;
pub mod telepathy;
pub mod travel;
pub mod turtle;
pub mod words;
pub mod yes_no;

use serde::Deserialize;
use serde::Serialize;

pub use drill::Drill;
pub use drill::Question;
pub use drill::Skill;
pub use engine::Engine;
pub use engine::EngineError;
pub use gym::Gym;
pub use gym::GymScript;
pub use gym::GymWorld;
pub use op::Op;
pub use phrasebook::Phrase;
pub use phrasebook::Phrasebook;
pub use slip::Slip;
pub use splits::Splits;
pub use yes_no::YesNo;

use crate::Address;
use crate::Answer;
use crate::Case;
use crate::Decision;
use crate::Fault;
use crate::FaultKind;
use crate::Observation;
use crate::Party;
use crate::Query;
use crate::RewardKind;
use crate::Scenario;
use crate::Seat;
use crate::Toolkit;
use crate::Verdict;
use crate::WorldInput;
use crate::WorldOutput;
use crate::record::Casting;
use crate::scenario::Split;

/// One reward term that a gym gives whatever its rules are.
pub type Term = TermOf<'static>;

/// One reward term of a gym with its rules: where these are data, its name is too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TermOf<'a> {
    /// Whose.
    pub seat: Seat,
    /// Its name.
    pub name: &'a str,
    /// What it may be used for.
    pub kind: RewardKind,
    /// Its lowest value.
    pub min: f64,
    /// Its highest value.
    pub max: f64,
    /// What it is, in one sentence.
    pub meaning: &'a str,
}

/// Makes the types that stand for "of whichever gym", and hands every call on to the gym's own.
macro_rules! gyms {
    ($($(#[$meaning:meta])* $Gym:ident = $gym:ident),+ $(,)?) => {
        /// A gym with its constants.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Rules {
            $($(#[$meaning])* $Gym($gym::Rules),)+
        }

        /// One world, of whichever gym. `Clone`: a clone is a fork.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum World {
            $($(#[$meaning])* $Gym(Box<$gym::World>),)+
        }

        /// A seat's knowledge as a value, one form per gym.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum View {
            $($(#[$meaning])* $Gym($gym::View),)+
        }

        /// A rule or scripted policy: a pure function of the observation and the address, so that it keeps no state and may be shared.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Script {
            $($(#[$meaning])* $Gym($gym::Script),)+
        }

        impl Rules {
            /// The gym's name in scenario files.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Rules::$Gym(_) => <$gym::Rules as Gym>::NAME,)+ }
            }

            /// See [`Gym::terms`].
            #[must_use]
            pub fn terms(&self) -> Vec<TermOf<'_>> {
                match self { $(Rules::$Gym(rules) => Gym::terms(rules),)+ }
            }

            /// See [`Gym::measures`].
            #[must_use]
            pub fn measures(&self) -> Vec<&str> {
                match self { $(Rules::$Gym(rules) => Gym::measures(rules),)+ }
            }

            /// The world an episode starts in.
            #[must_use]
            pub fn world(&self, scenario: &Scenario, casting: &Casting, seed: u64) -> World {
                match self { $(Rules::$Gym(rules) => World::$Gym(Box::new(Gym::world(rules, scenario, casting, seed))),)+ }
            }

            /// See [`Gym::phrasebook`].
            #[must_use]
            pub fn phrasebook(&self, seat: Seat) -> Phrasebook {
                match self { $(Rules::$Gym(_) => <$gym::Rules as Gym>::phrasebook(seat),)+ }
            }

            /// See [`Gym::item_id`].
            #[must_use]
            pub fn item_id(&self, split: Split, item: u32) -> String {
                match self { $(Rules::$Gym(rules) => Gym::item_id(rules, split, item),)+ }
            }

            /// See [`Gym::fixed_opponent`].
            #[must_use]
            pub fn fixed_opponent(&self, seat: Seat) -> &'static str {
                match self { $(Rules::$Gym(_) => <$gym::Rules as Gym>::fixed_opponent(seat),)+ }
            }

            /// See [`Gym::takes_turns`].
            #[must_use]
            pub fn takes_turns(&self, seat: Seat) -> bool {
                match self { $(Rules::$Gym(_) => <$gym::Rules as Gym>::takes_turns(seat),)+ }
            }

            /// See [`Gym::without_scripts`].
            #[must_use]
            pub fn without_scripts(&self, seat: Seat) -> Option<&'static str> {
                match self { $(Rules::$Gym(rules) => Gym::without_scripts(rules, seat),)+ }
            }

            /// See [`Gym::toolkit`].
            #[must_use]
            pub fn toolkit(&self, seat: Seat) -> Option<&'static Toolkit> {
                match self { $(Rules::$Gym(rules) => Gym::toolkit(rules, seat),)+ }
            }

            /// See [`Gym::engine`].
            #[must_use]
            pub fn engine(&self) -> Option<&Engine> {
                match self { $(Rules::$Gym(rules) => Gym::engine(rules),)+ }
            }

            /// See [`Gym::drill`].
            #[must_use]
            pub fn drill(&self, scenario: &Scenario, split: Split, seat: Seat, index: u32) -> Option<Drill> {
                match self { $(Rules::$Gym(rules) => Gym::drill(rules, scenario, split, seat, index),)+ }
            }

            /// See [`Gym::tells_seats_apart`].
            #[must_use]
            pub fn tells_seats_apart(&self) -> bool {
                match self { $(Rules::$Gym(rules) => rules.tells_seats_apart(),)+ }
            }

            /// See [`Gym::HAS_DRILLS`].
            #[must_use]
            pub fn has_drills(&self) -> bool {
                match self { $(Rules::$Gym(_) => <$gym::Rules as Gym>::HAS_DRILLS,)+ }
            }

            /// See [`Gym::free_thought`].
            #[must_use]
            pub fn free_thought(&self, thought: &str) -> Option<String> {
                match self { $(Rules::$Gym(_) => <$gym::Rules as Gym>::free_thought(thought),)+ }
            }

            /// See [`Gym::HAS_FREE_THOUGHTS`].
            #[must_use]
            pub fn has_free_thoughts(&self) -> bool {
                match self { $(Rules::$Gym(_) => <$gym::Rules as Gym>::HAS_FREE_THOUGHTS,)+ }
            }

            /// See [`Gym::whole_tokens`].
            #[must_use]
            pub fn whole_tokens(&self) -> Vec<String> {
                match self { $(Rules::$Gym(_) => <$gym::Rules as Gym>::whole_tokens(),)+ }
            }

            /// See [`Gym::ordered_tokens`].
            #[must_use]
            pub fn ordered_tokens(&self) -> Vec<(String, f32)> {
                match self { $(Rules::$Gym(_) => <$gym::Rules as Gym>::ordered_tokens(),)+ }
            }
        }

        impl World {
            /// See [`GymWorld::first`].
            #[must_use]
            pub fn first(&self) -> Seat {
                match self { $(World::$Gym(world) => world.first(),)+ }
            }

            /// See [`GymWorld::observe`].
            pub fn observe(&mut self, seat: Seat) -> Observation {
                match self { $(World::$Gym(world) => world.observe(seat),)+ }
            }

            /// See [`GymWorld::step`].
            pub fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
                match self { $(World::$Gym(world) => world.step(input),)+ }
            }

            /// See [`GymWorld::verdict`]; measures that every gym defines alike are added here.
            #[must_use]
            pub fn verdict(&self, case: &Case) -> Verdict {
                match self {
                    $(World::$Gym(world) => {
                        efficiency::completed(world.verdict(case), <$gym::Rules as Gym>::MEASURES)
                    })+
                }
            }
        }

        impl Script {
            /// The script that `policy` names for `seat` in this gym: `rule`, `random`, or `scripted:NAME`. `None` if there is none.
            #[must_use]
            pub fn named(rules: &Rules, seat: Seat, policy: &str) -> Option<Script> {
                match rules { $(Rules::$Gym(_) => $gym::Script::named(seat, policy).map(Script::$Gym),)+ }
            }

            /// The names [`Script::named`] knows for `seat`.
            #[must_use]
            pub fn names(rules: &Rules, seat: Seat) -> Vec<String> {
                match rules { $(Rules::$Gym(_) => <$gym::Script as GymScript>::names(seat),)+ }
            }

            /// What the script does. `address` is that of the episode's world; the script adds its seat and turn.
            #[must_use]
            pub fn decide(self, observation: &Observation, address: Address) -> Decision {
                let (seat, turn) = (observation.seat, observation.turn);
                match (self, &observation.view) {
                    $((Script::$Gym(script), View::$Gym(view)) => script.decide(seat, turn, view, address),)+
                    _ => unreachable!("scripts and worlds of one scenario are of one gym"),
                }
            }

            /// What the script in the asked seat says to a query of the world.
            ///
            /// # Errors
            /// A fault of that seat if it is not a question this script answers.
            pub fn answer(self, asked: impl Into<Party>, query: &Query, address: Address) -> Result<Answer, Fault> {
                let answer = match (self, &query.view) {
                    $((Script::$Gym(script), View::$Gym(view)) => script.answer(view, address),)+
                    _ => None,
                };
                answer.ok_or_else(|| Fault::new(asked.into(), FaultKind::Refused, "this script answers no such question"))
            }
        }
    };
}

gyms! {
    /// A seller and a buyer.
    Haggle = haggle,
    /// An agent that finds out what a user has left out.
    Intention = intention,
    /// A question that takes two look-ups.
    Search = search,
    /// An agent that changes a user's mind.
    Persuade = persuade,
    /// An agent that guesses what a user thinks of.
    Telepathy = telepathy,
    /// An agent that finds out what really happened in a story.
    Turtle = turtle,
    /// A hidden formula that an agent infers.
    Function = function,
    /// A trip that an agent plans by a user's hidden wishes.
    Travel = travel,
    /// An agent that serves customers with tools over a database.
    Tau = tau,
    /// Higher or lower.
    Guess = guess,
    /// What a file makes of it.
    Talk = talk,
}

/// The kind that a table of a gym's scripts has under this name; `None` if there is none.
pub(crate) fn kind_named<K: Copy>(kinds: &[(&str, K)], policy: &str) -> Option<K> {
    kinds.iter().find(|(name, _)| *name == policy).map(|(_, kind)| *kind)
}

/// The names in a table of a gym's scripts.
pub(crate) fn kind_names<K>(kinds: &[(&str, K)]) -> Vec<String> {
    kinds.iter().map(|(name, _)| (*name).to_owned()).collect()
}
