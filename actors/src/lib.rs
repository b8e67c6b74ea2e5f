//! The ractor crate: the supervision tree.
