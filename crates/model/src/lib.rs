//! The transformer, sampler, losses, optimiser and HF folders; the only crate with tch.
//!
//! ```text
//!  rl::ModelLoader        rl::Policy                        rl::Learner
//!        │                    │                                  │
//!    TchLoader ─ makes ─> TchPolicy ── lends TchWeights ──> TchLearner
//!        │                    │                                  │
//!  folder, peft      sampler ┬ paged ── blocks   packing ── loss ── surrogate, optimizer
//!        │                   │   ├ fused ┬ attention     head, pass ── gradient
//!        │                   │   └ few ──┴ kernels           │
//!        │                   └ windows ── cache                  │
//!        ├───────────── transformer ── lora ── parameters ───────┤
//!     shards                                 config_file ── config ── rope
//! ```

mod attention;
pub mod blocks;
pub mod cache;
pub mod config;
mod config_file;
mod device;
mod few;
pub mod filter;
#[cfg(test)]
mod fixtures;
mod floats;
pub mod folder;
pub mod fused;
pub mod gradient;
mod guard;
mod head;
mod kernels;
pub mod learner;
pub mod loader;
pub mod lora;
pub mod loss;
mod metrics;
pub mod optimizer;
pub mod packing;
pub mod paged;
pub mod parameters;
mod pass;
pub mod peft;
pub mod policy;
pub mod rope;
pub mod sampler;
mod selftest;
pub mod shards;
pub mod surrogate;
pub mod transformer;
pub mod windows;

pub use config::Config;
pub use learner::TchLearner;
pub use loader::TchLoader;
pub use lora::Adapter;
pub use lora::Lora;
pub use parameters::Parameters;
pub use policy::TchPolicy;
pub use policy::TchWeights;
pub use transformer::Decoder;
