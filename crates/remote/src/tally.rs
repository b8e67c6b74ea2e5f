//! What was asked of a model, and what it came to.

use std::fmt;

use serde::Serialize;

/// Counts of one model in one command.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Requests that were sent.
    pub calls: u64,
    /// Those of them that repeated a question.
    pub repeated: u64,
    /// Questions answered without a request, since they had been answered before.
    pub cached: u64,
    /// Questions that ended without a reply.
    pub faults: u64,
    /// Tokens read; where a server did not say, or a reply was lost, the most it can have been.
    pub prompt_tokens: u64,
    /// Tokens written, likewise.
    pub completion_tokens: u64,
    /// What they cost; `None` if the model has no price.
    pub dollars: Option<f64>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { calls, repeated, cached, faults, prompt_tokens, completion_tokens, dollars } = self;
        write!(f, "{calls} calls ({repeated} repeated), {cached} from the cache, {faults} faults, ")?;
        write!(f, "{prompt_tokens} tokens read, {completion_tokens} written")?;
        dollars.map_or(Ok(()), |dollars| write!(f, ", ${dollars:.4}"))
    }
}
