//! Behaviour of the model crate as its callers see it: through `rl`'s traits.

mod adapters;
mod beside;
mod checkpoint;
mod families;
mod fixtures;
mod folders;
mod hf_model;
mod learning;
mod paged;
mod sampling;
mod short;
