//! A decoder as a [`Policy`].

use std::any::Any;

use rl::Blocks;
use rl::Policy;
use rl::Reply;
use rl::Row;
use rl::Session;
use rl::Weights;
use sim::Fault;
use sim::FaultKind;
use sim::Party;
use tch::no_grad;

use crate::guard::caught;
use crate::sampler;
use crate::sampler::Bounds;
use crate::sampler::Memory;
use crate::transformer::Decoder;

/// A decoder and the number of optimiser updates that made it.
#[derive(Debug)]
pub struct TchWeights {
    /// The decoder.
    pub decoder: Decoder,
    /// Optimiser updates since the cold start began.
    pub version: u64,
}

impl Weights for TchWeights {
    fn version(&self) -> u64 {
        self.version
    }

    fn copy(&self) -> Box<dyn Weights> {
        Box::new(TchWeights { decoder: self.decoder.copy(), version: self.version })
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// Samples from its weights on the caller's thread, and replies before `submit` returns.
#[derive(Debug)]
pub struct TchPolicy {
    weights: Option<Box<TchWeights>>,
    memory: Memory,
    /// Bytes of keys and values.
    cache_bytes_max: usize,
    /// Tokens of a stream.
    stream_max: usize,
    /// Ids that close a turn.
    closing: Vec<u32>,
    /// Versions of the adapters that rows may go by, by their numbers.
    adapters: Vec<u64>,
}

impl TchPolicy {
    /// A policy that holds these weights. Keys and values, those that are kept between turns and those that are being worked on, take at most
    /// `cache_bytes_max`, but one row is worked on in any case.
    #[must_use]
    pub fn new(weights: TchWeights, cache_bytes_max: usize) -> TchPolicy {
        let config = weights.decoder.config();
        let (stream_max, closing) = (config.positions_max as usize, config.eos_ids.clone());
        let memory = Memory::new(&weights.decoder, cache_bytes_max, stream_max);
        let weights = Some(Box::new(weights));
        TchPolicy { weights, memory, cache_bytes_max, stream_max, closing, adapters: Vec::new() }
    }

    /// The same, where each adapter of the decoder's wardrobe has a version of its own.
    #[must_use]
    pub fn versioned(mut self, adapters: Vec<u64>) -> TchPolicy {
        self.adapters = adapters;
        self
    }

    /// The same for streams of at most so many tokens, if the model has more positions.
    ///
    /// # Panics
    /// If the weights are out.
    #[must_use]
    pub fn within(self, stream_max: usize) -> TchPolicy {
        let stream_max = self.stream_max.min(stream_max);
        let decoder = &self.weights.as_ref().expect("a policy begins with its weights").decoder;
        TchPolicy { memory: Memory::new(decoder, self.cache_bytes_max, stream_max), stream_max, ..self }
    }

    /// Bytes of the keys and values of one token; 0 while the weights are out.
    #[must_use]
    pub fn cached_bytes_per_token(&self) -> usize {
        self.weights.as_ref().map_or(0, |weights| weights.decoder.cached_bytes_per_token())
    }

    /// Sessions whose keys and values are kept.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.memory.sessions()
    }

    fn sample(&mut self, rows: &[Row]) -> Vec<Result<rl::Sampled, Fault>> {
        let all = |kind: FaultKind, detail: &str| {
            rows.iter().map(|_| Err(Fault::new(Party::Infrastructure, kind, detail))).collect()
        };
        let Some(weights) = &self.weights else {
            return all(FaultKind::Refused, "the policy's weights are out for an update");
        };
        let bounds = Bounds { stream_max: self.stream_max, closing: &self.closing };
        let memory = &mut self.memory;
        let work = || sampler::sample(&weights.decoder, memory, weights.version, bounds, rows);
        match caught(|| no_grad(work)) {
            Ok(results) => results,
            Err(panic) => {
                // Whatever was half written is not to be trusted.
                self.memory = Memory::new(&weights.decoder, self.cache_bytes_max, self.stream_max);
                all(FaultKind::Panicked, &panic)
            }
        }
    }
}

impl Policy for TchPolicy {
    fn submit(&mut self, rows: Vec<Row>, reply: Reply) {
        let mut results = self.sample(&rows);
        for (row, result) in rows.iter().zip(&mut results) {
            let version = row.session.adapter.and_then(|number| self.adapters.get(number as usize));
            if let (Some(version), Ok(sampled)) = (version, result) {
                sampled.version = *version;
            }
        }
        reply(results);
    }

    fn close_with(&mut self, ids: &[u32]) {
        self.closing = ids.to_vec();
    }

    fn forget(&mut self, sessions: &[Session]) {
        self.memory.forget(sessions);
    }

    fn blocks(&self) -> Option<Blocks> {
        self.memory.blocks()
    }

    fn lend(&mut self) -> Option<Box<dyn Weights>> {
        self.memory.clear();
        self.weights.take().map(|weights| weights as Box<dyn Weights>)
    }

    fn load(&mut self, weights: Box<dyn Weights>) {
        self.memory.clear();
        let weights = weights.into_any().downcast().expect("a policy is given back the weights it lent");
        self.weights = Some(weights);
    }
}
