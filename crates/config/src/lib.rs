//! Files to checked values: scenario, run and study files.
//!
//! ```text
//!  FILE ──> Source ──> Node ──> ScenarioFile ──> sim::Scenario        text, tree with lines, raw keys, checked value
//!             --set ────┘       RunFile ───────> rl::RunSettings
//!                               StudyFile ─────> Study               the runs and scenarios that it names checked with it
//! ```
//!
//! Everything wrong with a file is found in one pass and reported together, each as `error: FILE:LINE: KEY: what and why` and a
//! `hint:`. Raw types stay in here; a key nobody knows, and a key without effect in this run, are errors.

mod allowed;
mod check;
mod error;
mod load;
mod node;
mod policy;
mod read;
mod run;
mod scenario;
mod sha;
mod source;
mod study;
mod suggest;
mod world;

pub use error::ConfigError;
pub use error::ConfigErrors;
pub use load::Checked;
pub use load::Sources;
pub use load::check_file;
pub use load::load_run;
pub use load::load_scenario;
pub use load::load_study;
pub use policy::check_policy;
pub use sha::hash;
pub use source::Source;
pub use study::Bout;
pub use study::Cross;
pub use study::Study;
pub use study::StudyClaim;
pub use study::StudyCompare;
pub use study::StudyPolicy;
pub use study::StudyRun;
