//! The transformer, sampler, losses, optimiser and HF folders; the only crate with tch.
