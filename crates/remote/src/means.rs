//! What all who ask in one command have together, whomever they ask: bounds, a budget, and what was answered before.

use std::sync::Arc;

use crate::Cache;
use crate::Limits;
use crate::budget::Budget;

/// Handed to everybody who asks; a copy shares the budget and the cache.
#[derive(Clone, Debug)]
pub struct Means {
    /// The bounds.
    pub limits: Limits,
    /// What may be spent, and what has been.
    pub budget: Arc<Budget>,
    /// What was answered before.
    pub cache: Arc<Cache>,
}

impl Means {
    /// Nothing is spent yet.
    #[must_use]
    pub fn new(limits: Limits, cache: Cache) -> Means {
        Means { budget: Arc::new(Budget::new(&limits)), cache: Arc::new(cache), limits }
    }
}
