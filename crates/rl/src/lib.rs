//! From trajectories to credit to advantages to batches; losses as numbers; intervals; the seams [`Policy`] and [`Learner`].
//!
//! Pure: no runtime, no tensors, no clock. What the paper calls a turn is a *generation* of the seat.
//!
//! ```text
//!  settings ─> plan ──> castings ──(somebody plays them)──> records
//!                           │                                  │
//!                           └──────────> harvest <─────────────┤
//!                group: who counts, z       │                  ├─> metrics     one flat line a step
//!                terms: each by itself, z   │                  └─> evaluation  means, intervals, pass@k
//!                advantage: over the step   │                           │
//!                credit: S, c_t, A          v                           │
//!                                         Batch ──> Learner             │
//!                schedule: its lr           │       (tensors)           v  (interval, pass)
//!                staleness: who is too old  │                           │
//!                                           └─ loss: the same      compare: who beats whom
//!                                              as plain numbers       claim: asked of a metric
//!                                                                     score_norm: gyms on one scale, and their average
//!                                                                     scoreboard: several scenarios together
//!  policy: the seams behind which models live
//! ```

pub mod advantage;
pub mod agreement;
pub mod audit;
pub mod average;
pub mod batch;
pub mod claim;
pub mod compare;
pub mod credit;
pub mod curriculum;
pub mod difficulty;
pub mod evaluation;
pub mod failures;
pub mod filter;
#[cfg(test)]
mod fixtures;
pub mod forks;
pub mod group;
pub mod harvest;
pub mod interval;
pub mod isolation;
pub mod lora;
pub mod loss;
pub mod metrics;
pub mod mix;
pub mod monitors;
pub mod moving;
pub mod opponent;
pub mod outlook;
pub mod pass;
pub mod plan;
pub mod policy;
pub mod pool;
pub mod ranking;
pub mod schedule;
pub mod score_norm;
pub mod scoreboard;
pub mod seats;
pub mod selftest;
pub mod settings;
pub mod shaping;
pub mod spoiled;
pub mod staleness;
pub mod terms;
#[cfg(test)]
mod trl;
pub mod userrl;

pub use average::Average;
pub use batch::Batch;
pub use batch::Objective;
pub use batch::Replay;
pub use batch::Sample;
pub use batch::SampleError;
pub use claim::Better;
pub use claim::Claim;
pub use claim::Demand;
pub use claim::Finding;
pub use compare::Arm;
pub use compare::Comparison;
pub use evaluation::Evaluation;
pub use filter::Filter;
pub use group::GroupOutcome;
pub use harvest::Harvest;
pub use harvest::HarvestError;
pub use harvest::harvest;
pub use interval::Estimate;
pub use interval::Interval;
pub use lora::AdapterSettings;
pub use lora::LoraShape;
pub use metrics::Metrics;
pub use mix::Mix;
pub use mix::Part;
pub use monitors::Monitors;
pub use moving::MovingBaseline;
pub use opponent::Opponent;
pub use outlook::Outlook;
pub use outlook::Outlooks;
pub use policy::Blocks;
pub use policy::LearnError;
pub use policy::Learner;
pub use policy::Model;
pub use policy::ModelLoader;
pub use policy::Policy;
pub use policy::Reply;
pub use policy::Row;
pub use policy::Sampled;
pub use policy::Session;
pub use policy::TextFiles;
pub use policy::UpdateReport;
pub use policy::Weights;
pub use ranking::Ranking;
pub use score_norm::ByGym;
pub use score_norm::Scale;
pub use scoreboard::Scoreboard;
pub use scoreboard::Scores;
pub use seats::Seats;
pub use selftest::Selftest;
pub use settings::RunSettings;
pub use staleness::Freshness;
