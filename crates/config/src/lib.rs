//! Files to checked values: scenario, run, study and suite files.
//!
//! ```text
//!  FILE ──> Source ──> Node ──> ScenarioFile ──> sim::Scenario        text, tree with lines, raw keys, checked value
//!             --set ────┘       RunFile ───────> rl::RunSettings
//!                               StudyFile ─────> Study               the runs and scenarios that it names checked with it
//!                               SuiteFile ─────> stress::Suite       each family's scenario checked with the overrides of its sides
//!                                     └─────────> JSON Schema         of the same raw types and the same checks
//! ```
//!
//! Everything wrong with a file is found in one pass and reported together, each as `error: FILE:LINE: KEY: what and why` and a
//! `hint:`. Raw types stay in here; a key nobody knows, and a key without effect in this run, are errors.

#[cfg(test)]
mod accepted;
mod allowed;
mod check;
mod demand;
mod error;
mod item;
mod judge;
mod kind;
mod load;
mod model_folder;
mod node;
mod policy;
mod preset;
mod read;
mod released;
mod run;
mod scenario;
mod schema;
mod sha;
mod shelf;
mod source;
mod study;
mod suggest;
mod suite;
mod uses;
mod vocabulary;
mod world;

pub use allowed::SEED_MAX;
pub use error::ConfigError;
pub use error::ConfigErrors;
pub use item::find_item;
pub use kind::FileKind;
pub use load::Checked;
pub use load::Sources;
pub use load::check_file;
pub use load::load_run;
pub use load::load_scenario;
pub use load::load_scenarios;
pub use load::load_study;
pub use load::load_suite;
pub use load::scenario_of;
pub use model_folder::base_of;
pub use model_folder::identity;
pub use model_folder::is_adapter;
pub use model_folder::language_of;
pub use model_folder::model_of_seat;
pub use model_folder::speaks_as;
pub use policy::check_policy;
pub use preset::preset;
pub use schema::schema;
pub use sha::hash;
pub use source::Source;
pub use study::Bout;
pub use study::Cross;
pub use study::Study;
pub use study::StudyAverage;
pub use study::StudyClaim;
pub use study::StudyCompare;
pub use study::StudyPolicy;
pub use study::StudyRun;
pub use suggest::hint;
pub use uses::KeyUse;
pub use uses::Written;
pub use uses::key_uses;
