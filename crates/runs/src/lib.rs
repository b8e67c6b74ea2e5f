//! The run folder: everything a run leaves on disk, and how it survives being killed at any moment.
//!
//! ```text
//!  RunFolder::create / open   locks the folder, reads manifest.json; changes nothing else
//!        │ resume()           finds the last commit, cuts every file back to what it committed
//!        v
//!  Log  episodes/log.bin      Sheets  metrics.jsonl  timings.jsonl  tensorboard/       they only grow
//!        │ sync()  ──────────────────> Offsets ──┐
//!  Ledger  each episode opened, closed once ─────┤
//!                                                v
//!  Checkpoints::begin ─> .tmp-… ─> agent/ user/ state.json ─> fsync ─> one rename ─> step-NNNNNN     the commit point
//! ```
//!
//! What is not in a commit did not happen: the next `resume` cuts it off and the run repeats it.

pub mod append;
pub mod checkpoint;
mod codec;
pub mod copy;
pub mod disk;
pub mod folder;
pub mod hash;
pub mod ledger;
pub mod lock;
pub mod log;
pub mod manifest;
pub mod metrics;
pub mod parcel;
pub mod paths;
pub mod sheets;
pub mod state;
pub mod study;
pub mod tensorboard;
#[cfg(test)]
mod testing;

pub use append::Offset;
pub use checkpoint::Checkpoint;
pub use checkpoint::CheckpointError;
pub use checkpoint::Checkpoints;
pub use checkpoint::Commit;
pub use checkpoint::Keep;
pub use copy::Copied;
pub use disk::DiskError;
pub use folder::FolderError;
pub use folder::Resumed;
pub use folder::RunFolder;
pub use hash::Hash;
pub use ledger::Closed;
pub use ledger::Ledger;
pub use ledger::LedgerError;
pub use ledger::Totals;
pub use log::Log;
pub use log::LogError;
pub use log::Records;
pub use log::Recovery;
pub use manifest::Formats;
pub use manifest::Manifest;
pub use manifest::Mismatch;
pub use manifest::Schedule;
pub use metrics::MetricValue;
pub use metrics::Metrics;
pub use metrics::MetricsError;
pub use metrics::MetricsLine;
pub use parcel::Parcel;
pub use parcel::ParcelError;
pub use paths::RunPaths;
pub use sheets::Sheets;
pub use state::CheckpointId;
pub use state::Offsets;
pub use state::RunState;
pub use state::TrainPhase;
pub use study::StudyError;
pub use study::StudyEvaluation;
pub use study::StudyFolder;
pub use study::StudyManifest;
pub use study::StudyPaths;
