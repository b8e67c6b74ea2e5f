//! The transformer, sampler, losses, optimiser and HF folders; the only crate with tch.
//!
//! ```text
//!  rl::ModelLoader        rl::Policy                        rl::Learner
//!        │                    │                                  │
//!    TchLoader ─ makes ─> TchPolicy ── lends TchWeights ──> TchLearner
//!        │                    │                                  │
//!     folder              sampler ── cache       surrogate ── loss ── optimizer
//!        └──────────────── transformer ── parameters ── config ──┘
//! ```

pub mod cache;
pub mod config;
mod device;
pub mod filter;
#[cfg(test)]
mod fixtures;
pub mod folder;
mod guard;
pub mod learner;
pub mod loader;
pub mod loss;
mod metrics;
pub mod optimizer;
pub mod parameters;
pub mod policy;
pub mod sampler;
pub mod surrogate;
pub mod transformer;

pub use config::Config;
pub use learner::TchLearner;
pub use loader::TchLoader;
pub use parameters::Parameters;
pub use policy::TchPolicy;
pub use policy::TchWeights;
pub use transformer::Decoder;
