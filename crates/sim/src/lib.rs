//! The world: who sits where, what a turn is, what is true, and what is written down.
//!
//! ```text
//!  Scenario + item + seed ──> Episode::start ──> [Output]          an actor, a test or a bench carries each
//!                                  ^                 │             Output out and brings an Input back;
//!                                  └── Input <───────┘             nothing in here waits
//! ```
//!
//! Pure: no clock, no file, no thread, no ambient randomness. Time, seeds and policies are arguments.
//! Everything is `Clone` and serialisable, so that any episode is logged, replayed and forked at any turn.

pub mod addressee;
pub mod decision;
pub mod draws;
pub mod drive;
pub mod episode;
pub mod fault;
pub mod gyms;
pub mod judge;
pub mod observation;
pub mod record;
pub mod replay;
pub mod reward;
pub mod rubric;
pub mod scenario;
pub mod seat;
#[cfg(test)]
pub(crate) mod testing;
pub mod thinking;
pub mod tools;
pub mod world;

pub use addressee::Addressee;
pub use decision::Act;
pub use decision::Choice;
pub use decision::Decision;
pub use decision::Generation;
pub use decision::NoAct;
pub use draws::Address;
pub use draws::Draws;
pub use draws::Phase;
pub use drive::drive;
pub use drive::play_by_rule;
pub use episode::Episode;
pub use episode::Input;
pub use episode::Output;
pub use episode::ProtocolError;
pub use fault::Fault;
pub use fault::FaultKind;
pub use judge::Case;
pub use judge::Verdict;
pub use observation::Message;
pub use observation::Observation;
pub use observation::Source;
pub use observation::View;
pub use record::Answered;
pub use record::EpisodeId;
pub use record::EpisodeRecord;
pub use record::Stop;
pub use record::Turn;
pub use replay::Difference;
pub use replay::ForkError;
pub use replay::Forked;
pub use replay::Past;
pub use replay::fork;
pub use replay::forked_casting;
pub use replay::redrive;
pub use reward::Ratio;
pub use reward::Reward;
pub use reward::RewardKind;
pub use reward::Scope;
pub use rubric::Ballot;
pub use rubric::Question;
pub use rubric::Rubric;
pub use scenario::Scenario;
pub use seat::Pair;
pub use seat::Party;
pub use seat::Seat;
pub use thinking::Cut;
pub use thinking::Thinking;
pub use tools::Toolkit;
pub use tools::Tools;
pub use world::Answer;
pub use world::Effect;
pub use world::Next;
pub use world::Query;
pub use world::QueryId;
pub use world::World;
pub use world::WorldInput;
pub use world::WorldOutput;
