//! Counts as an [`rl::Policy`]: the same rules as the transformer's sampler, one row after the other.

use std::any::Any;

use rl::Filter;
use rl::Policy;
use rl::Reply;
use rl::Row;
use rl::Sampled;
use rl::Session;
use rl::Weights;
use sim::Fault;
use sim::FaultKind;
use sim::Party;
use sim::draws::Stream;

use crate::counts::Counts;
use crate::operation;

/// Counts, and what else a stream is checked against.
#[derive(Clone, Debug, PartialEq)]
pub struct NgramWeights {
    /// The model.
    pub counts: Counts,
    /// Closes a turn.
    pub close_id: u32,
    /// Longest stream.
    pub positions_max: usize,
    /// Updates since the cold start began.
    pub version: u64,
}

impl NgramWeights {
    /// Natural logarithms of the probabilities of the token after `stream`, at this temperature.
    pub fn logprobs(&self, stream: &[u32], temperature: f64) -> Vec<f32> {
        let logits = self.counts.probabilities(stream).into_iter().map(|p| p.ln() / temperature);
        let logits: Vec<f64> = logits.collect();
        let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
        // The sum of what is nearly certain may be a hair below it.
        logits.into_iter().map(|logit| (logit - sum.ln()).min(0.0) as f32).collect()
    }

    fn sample(&self, row: &Row) -> Result<Sampled, Fault> {
        let room = self.admit(row)?;
        let limit = room.min(row.tokens_max as usize);
        let mut draws = row.address.draws(Stream::Tokens(row.session.seat, row.turn));
        let mut stream = row.stream.clone();
        let mut sampled = Sampled { tokens: Vec::new(), logprobs: Vec::new(), closed: false, version: self.version };
        while !sampled.closed && sampled.tokens.len() < limit {
            let temperature = if row.greedy { 1.0 } else { f64::from(row.temperature) };
            let logprobs = self.logprobs(&stream, temperature);
            let logprobs = if row.greedy || row.filter.is_off() { logprobs } else { filtered(&row.filter, &logprobs) };
            // Drawn even where it is not needed, as the transformer's sampler does.
            let uniform = draws.uniform();
            let token = if row.greedy { likeliest(&logprobs) } else { invert(&logprobs, uniform) };
            sampled.logprobs.push(logprobs[token]);
            sampled.tokens.push(token as u32);
            sampled.closed = token as u32 == self.close_id;
            stream.push(token as u32);
        }
        Ok(sampled)
    }

    /// How many tokens the row has room for.
    fn admit(&self, row: &Row) -> Result<usize, Fault> {
        let refuse = |detail: &str| Err(Fault::new(Party::Infrastructure, FaultKind::Refused, detail));
        let room = self.positions_max.saturating_sub(row.stream.len());
        if row.stream.is_empty() || room == 0 {
            return refuse("an empty stream, or one that fills the context");
        }
        if row.stream.iter().any(|id| self.counts.vocab <= *id as usize) {
            return refuse("a token outside the vocabulary");
        }
        if !(row.greedy || row.temperature > 0.0 && row.temperature.is_finite()) {
            return refuse("a temperature that is not above 0");
        }
        if row.tokens_max == 0 {
            return refuse("a turn of at most 0 tokens");
        }
        Ok(room)
    }
}

/// What may be drawn: the reference itself, since nothing here is fast.
fn filtered(filter: &Filter, logprobs: &[f32]) -> Vec<f32> {
    let logits: Vec<f64> = logprobs.iter().map(|logprob| f64::from(*logprob)).collect();
    filter.logprobs(&logits, 1.0).into_iter().map(|logprob| logprob as f32).collect()
}

/// Inverts the distribution at a uniform: the first token at which the cumulated probability exceeds it.
fn invert(logprobs: &[f32], uniform: f64) -> usize {
    let mut sum = 0.0;
    let cumulated: Vec<f64> = logprobs
        .iter()
        .map(|logprob| {
            sum += f64::from(logprob.exp());
            sum
        })
        .collect();
    let target = uniform * sum;
    cumulated.iter().filter(|cumulated| **cumulated <= target).count().min(logprobs.len() - 1)
}

/// The first of the likeliest tokens.
fn likeliest(logprobs: &[f32]) -> usize {
    (1..logprobs.len()).fold(0, |best, token| if logprobs[token] > logprobs[best] { token } else { best })
}

impl Weights for NgramWeights {
    fn version(&self) -> u64 {
        self.version
    }

    fn copy(&self) -> Box<dyn Weights> {
        Box::new(self.clone())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// The weights back from whoever only passed them on.
pub fn own(weights: Box<dyn Weights>) -> Box<NgramWeights> {
    weights.into_any().downcast().expect("a model is given back the weights it lent")
}

/// Samples from its weights before `submit` returns. It keeps nothing for its sessions.
pub struct NgramPolicy {
    weights: Option<Box<NgramWeights>>,
}

impl NgramPolicy {
    /// A policy that holds these weights.
    pub fn new(weights: NgramWeights) -> NgramPolicy {
        NgramPolicy { weights: Some(Box::new(weights)) }
    }
}

impl Policy for NgramPolicy {
    fn submit(&mut self, rows: Vec<Row>, reply: Reply) {
        operation::count();
        let out = || Err(Fault::new(Party::Infrastructure, FaultKind::Refused, "the weights are out for an update"));
        let sample = |row| self.weights.as_ref().map_or_else(out, |weights| weights.sample(row));
        reply(rows.iter().map(sample).collect());
    }

    fn forget(&mut self, _sessions: &[Session]) {}

    fn lend(&mut self) -> Option<Box<dyn Weights>> {
        self.weights.take().map(|weights| weights as Box<dyn Weights>)
    }

    fn load(&mut self, weights: Box<dyn Weights>) {
        self.weights = Some(own(weights));
    }
}

#[cfg(test)]
mod tests {
    use sim::EpisodeId;
    use sim::Phase;
    use sim::Seat;

    use super::*;

    fn weights() -> NgramWeights {
        let mut counts = Counts::new(4);
        counts.shift(&[], 1, 1.0);
        counts.shift(&[], 2, 3.0);
        NgramWeights { counts, close_id: 0, positions_max: 64, version: 5 }
    }

    fn row(member: u32, temperature: f32, greedy: bool) -> Row {
        let episode = EpisodeId { phase: Phase::Grpo, round: 1, group: 0, trial: 0, member };
        let session = Session { episode, seat: Seat::Agent, adapter: None };
        let address = episode.address(1).member(member);
        Row {
            session,
            stream: vec![3],
            address,
            turn: 0,
            tokens_max: 1,
            temperature,
            filter: rl::Filter::default(),
            greedy,
        }
    }

    #[test]
    fn tokens_come_as_often_as_they_are_likely_and_say_how_likely_they_were() {
        let (weights, trials) = (weights(), 4000);
        for temperature in [1.0, 0.5] {
            let mut seen = [0u32; 4];
            for member in 0..trials {
                let sampled = weights.sample(&row(member, temperature, false)).expect("the row is sound");
                let token = sampled.tokens[0] as usize;
                seen[token] += 1;
                assert_eq!(sampled.logprobs[0], weights.logprobs(&[3], f64::from(temperature))[token]);
            }
            // Odds of 3 to 1, squared at temperature ½; 5 standard deviations of a binomial are below 0.04.
            let odds = 3f64.powf(1.0 / f64::from(temperature));
            let share = f64::from(seen[2]) / f64::from(trials);
            assert!((share - odds / (odds + 1.0)).abs() < 0.05, "{share} at temperature {temperature}");
        }
    }

    #[test]
    fn a_greedy_row_takes_the_likeliest_with_the_log_probability_of_temperature_one() {
        let weights = weights();
        let sampled = weights.sample(&row(1, 0.1, true)).expect("the row is sound");
        assert_eq!((sampled.tokens, sampled.version, sampled.closed), (vec![2], 5, false));
        assert_eq!(sampled.logprobs, [weights.logprobs(&[3], 1.0)[2]]);
    }

    #[test]
    fn a_turn_ends_with_its_closing_token_or_where_the_context_does() {
        let mut weights = weights();
        let long = Row { tokens_max: 1000, ..row(1, 1.0, false) };
        let sampled = weights.sample(&long).expect("the row is sound");
        assert!(sampled.closed && sampled.tokens.last() == Some(&0) || sampled.tokens.len() == 63);
        weights.close_id = 9;
        let sampled = weights.sample(&long).expect("the row is sound");
        assert_eq!((sampled.closed, sampled.tokens.len()), (false, 63));
        for unsound in [Row { stream: vec![], ..long.clone() }, Row { stream: vec![4], ..long.clone() }] {
            assert_eq!(weights.sample(&unsound).expect_err("it is unsound").kind, FaultKind::Refused);
        }
    }
}
