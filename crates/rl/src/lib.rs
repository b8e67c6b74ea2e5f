//! From trajectories to credit to advantages to batches; losses as numbers; intervals; the seams [`Policy`] and [`Learner`].
//!
//! Pure: no runtime, no tensors, no clock. What the paper calls a turn is a *generation* of the seat.

pub mod batch;
pub mod policy;
pub mod settings;

pub use batch::Batch;
pub use batch::Objective;
pub use batch::Sample;
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
pub use settings::RunSettings;
