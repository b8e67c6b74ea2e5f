//! The company of actors: plays episodes, samples and updates models, records, and says what each death means.
//!
//! ```text
//!  Troupe (the handle)
//!     │ Call                                    dies ->
//!  Supervisor                                   the run ends: every call returns Ended
//!  ├─ PolicyServer   one per model              the run ends
//!  ├─ Learner        one per learning seat      the run ends
//!  ├─ Recorder                                  the run ends
//!  └─ EpisodeActor × live                       that episode is lost and counted
//!     └─ SpeakingSeat ×2  EnvironmentSeat  JudgeSeat    a record with a fault and no verdict
//! ```
//!
//! Everything that is decided is decided elsewhere: turns in `sim`, rewards in `rl`, who plays when in [`supervisor::state`], which has no
//! actors in it. Models are met only as `dyn rl::Policy` and `dyn rl::Learner`. See `docs/SUPERVISION.md`.

pub mod ended;
pub mod episode;
pub mod learner;
mod panicked;
pub mod policy_server;
pub mod recorder;
pub mod round;
pub mod seats;
pub mod supervisor;
pub mod troupe;

pub use ended::Ended;
pub use ended::TroupeError;
pub use recorder::Journal;
pub use recorder::JournalError;
pub use recorder::NoJournal;
pub use round::Round;
pub use seats::Guests;
pub use seats::Judge;
pub use seats::Player;
pub use seats::Stagehand;
pub use seats::model::Sampling;
pub use supervisor::Performance;
pub use supervisor::Played;
pub use supervisor::Progress;
pub use supervisor::Terms;
pub use supervisor::Victim;
pub use supervisor::Voice;
pub use troupe::Company;
pub use troupe::Killer;
pub use troupe::Troupe;
pub use troupe::Underway;
