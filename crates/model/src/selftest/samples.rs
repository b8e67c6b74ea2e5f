//! Batches around what a model says: its own log-probabilities, moved far enough for every bound to be met, and nowhere near one.

use rl::Sample;
use sim::Draws;
use sim::draws::Stream;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;

use super::subject;
use super::subject::CONTEXT;
use super::subject::VOCAB;
use crate::Decoder;

/// Samples of a batch.
const SAMPLES: usize = 6;

/// How far a token's log-probability is from the recorded one: within the narrow bounds of all presets, or beyond them by far.
const OFF: [f64; 4] = [-0.6, -0.03, 0.03, 0.6];

/// Ratios at which a preset's bound lies that no rounding may carry a token across, and how far its logarithm keeps away.
const EDGES: [f64; 4] = [0.8, 1.2, 1.28, 3.0];
const MARGIN: f64 = 0.1;

/// Draws for a place that keeps away from every edge.
const TRIES: usize = 32;

/// One batch to imitate, one to learn from by advantage: around what the first model says, and clear of edges for all.
pub(super) fn around(decoders: &[&Decoder]) -> (Vec<Sample>, Vec<Sample>) {
    let mut draws = subject::draws(1, Stream::Item);
    let imitated = (0..SAMPLES).map(|index| imitated(&mut draws, index)).collect();
    let played = (0..SAMPLES).map(|index| played(decoders, &mut draws, index)).collect();
    (imitated, played)
}

/// Ids that are neither padding nor closing.
pub(super) fn ids(draws: &mut Draws, len: usize) -> Vec<u32> {
    (0..len).map(|_| draws.range(2, i64::from(VOCAB) - 1) as u32).collect()
}

fn stream(draws: &mut Draws, index: usize) -> (Vec<u32>, Vec<bool>) {
    let len = 12 + 17 * index;
    assert!(len <= CONTEXT, "the streams fit the models");
    // Runs of own tokens between runs of others.
    (ids(draws, len), (0..len).map(|place| place > 3 && place % 11 > 3).collect())
}

/// The partner's words count a little.
fn imitated(draws: &mut Draws, index: usize) -> Sample {
    let (tokens, own) = stream(draws, index);
    let len = tokens.len();
    let weights = own.iter().zip(0..).map(|(own, place)| if *own { 1.0 } else { 0.2 * f32::from(place > 0) }).collect();
    let (advantages, logprobs) = (vec![0.0; len], vec![0.0; len]);
    let (versions, thought) = (Vec::new(), vec![false; len]);
    Sample { episode: None, seat: None, tokens, weights, advantages, logprobs, versions, thought, temperature: 1.0 }
}

fn played(decoders: &[&Decoder], draws: &mut Draws, index: usize) -> Sample {
    let (tokens, own) = stream(draws, index);
    let temperature = [1.0, 0.8, 1.25][index % 3];
    let logprobs: Vec<Vec<f64>> = decoders.iter().map(|decoder| logprobs(decoder, &tokens, temperature)).collect();
    // Of one sign over a trajectory, as a group's are.
    let advantage = [1.1, -0.7][index % 2];
    let mut sample = Sample { episode: None, tokens, temperature, ..Sample::default() };
    for (place, own) in own.iter().enumerate() {
        let said: Vec<f64> = logprobs.iter().map(|of_model| of_model[place]).collect();
        let moved = if *own { moved(&said, draws) } else { 0.0 };
        sample.weights.push(f32::from(u8::from(*own)));
        sample.advantages.push(if *own { advantage * (0.5 + draws.uniform() as f32) } else { 0.0 });
        sample.logprobs.push(format!("{moved:.4}").parse().expect("it was written from a number"));
        sample.thought.push(*own && place % 2 == 0);
    }
    sample
}

/// A log-probability from which none of those that are said has a ratio near an edge.
fn moved(said: &[f64], draws: &mut Draws) -> f64 {
    let mut moved = f64::NAN;
    for _ in 0..TRIES {
        moved = (said[0] - *draws.pick(&OFF)).min(-1e-3);
        let clear = |said: &f64| EDGES.iter().all(|edge| (said - moved - edge.ln()).abs() > MARGIN);
        if said.iter().all(clear) {
            break;
        }
    }
    moved
}

/// Of each token but the first, whose is 0, after temperature.
pub(super) fn logprobs(decoder: &Decoder, tokens: &[u32], temperature: f32) -> Vec<f64> {
    let all = (logits(decoder, tokens) / f64::from(temperature)).log_softmax(-1, Kind::Double);
    let chosen: Vec<i64> = tokens[1..].iter().map(|id| i64::from(*id)).collect();
    let chosen = Tensor::from_slice(&chosen).unsqueeze(1).to_device(all.device());
    let len = tokens.len() as i64 - 1;
    let own = all.narrow(0, 0, len).gather(1, &chosen, false).squeeze_dim(1);
    std::iter::once(0.0).chain(Vec::<f64>::try_from(&own).expect("one row of f64 numbers")).collect()
}

/// Logits `[len, vocab]` behind each token, in f64, by one pass over the whole stream.
pub(super) fn logits(decoder: &Decoder, tokens: &[u32]) -> Tensor {
    let ids: Vec<i64> = tokens.iter().map(|id| i64::from(*id)).collect();
    let ids = Tensor::from_slice(&ids).unsqueeze(0).to_device(decoder.device());
    no_grad(|| decoder.logits(&decoder.hidden(&ids)).squeeze_dim(0).to_kind(Kind::Double))
}
