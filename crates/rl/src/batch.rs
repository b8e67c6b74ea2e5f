//! What a learner is given: token streams, which tokens are the seat's own, and one advantage for each of those.

use serde::Deserialize;
use serde::Serialize;
use sim::EpisodeId;
use sim::Pair;
use sim::Seat;

/// One seat's side of one episode, or one turn of it with what it read, as tokens. All vectors have one length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which episode: a seat's samples of one are one trajectory. `None` for dialogues of scripts.
    pub episode: Option<EpisodeId>,
    /// Whose side of it; `None` where nobody took it down, as in a batch of one seat alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<Seat>,
    /// What was shown and what was sampled, as it was, never re-encoded.
    pub tokens: Vec<u32>,
    /// Loss weight of each token: 1 on the seat's own sampled tokens, 0 on everything shown to it. In SFT alone, partner tokens may have
    /// a small weight.
    pub weights: Vec<f32>,
    /// Advantage of each token; 0 where the weight is 0. Unused in SFT.
    pub advantages: Vec<f32>,
    /// Log-probability under which each own token was sampled; 0 elsewhere. Unused in SFT.
    pub logprobs: Vec<f32>,
    /// Version of the weights that sampled each own token, which in one stream may differ; 0 elsewhere. Empty where nobody took it down. Unused in SFT.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<u64>,
    /// Whether the token belongs to the private thought; for metrics told apart by thought and reply.
    pub thought: Vec<bool>,
    /// Sampling temperature of this stream: the learner divides its logits by the same.
    pub temperature: f32,
}

impl Sample {
    /// Which trajectory it is of: samples of one are told apart from all others by it. `None` for one that stands alone.
    #[must_use]
    pub fn trajectory(&self) -> Option<(EpisodeId, Option<Seat>)> {
        Some((self.episode?, self.seat))
    }

    /// Tokens with a loss weight above 0.
    #[must_use]
    pub fn loss_tokens(&self) -> usize {
        self.weights.iter().filter(|w| **w > 0.0).count()
    }

    /// Whether the sample is one a policy gradient may be taken on: all vectors as long as the stream; weight 1 on own tokens and 0 on
    /// the others; advantage, log-probability, version and thought on own tokens alone; every number finite.
    ///
    /// # Errors
    /// [`SampleError`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), SampleError> {
        let tokens = self.tokens.len();
        let lengths = [
            ("weights", self.weights.len()),
            ("advantages", self.advantages.len()),
            ("logprobs", self.logprobs.len()),
            ("versions", if self.versions.is_empty() { tokens } else { self.versions.len() }),
            ("thought", self.thought.len()),
        ];
        if let Some((what, len)) = lengths.into_iter().find(|(_, len)| *len != tokens) {
            return Err(SampleError::Length { what, len, tokens });
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err(SampleError::Temperature(self.temperature));
        }
        (0..tokens).try_for_each(|at| self.check_token(at))
    }

    fn check_token(&self, at: usize) -> Result<(), SampleError> {
        let (weight, advantage, logprob) = (self.weights[at], self.advantages[at], self.logprobs[at]);
        if weight != 0.0 && weight != 1.0 {
            return Err(SampleError::Weight { at, weight });
        }
        let version = self.versions.get(at).copied().unwrap_or(0);
        let is_marked = advantage != 0.0 || logprob != 0.0 || version != 0 || self.thought[at];
        if weight == 0.0 && is_marked {
            return Err(SampleError::NotOwn { at });
        }
        if !advantage.is_finite() || !logprob.is_finite() || logprob > 0.0 {
            return Err(SampleError::Number { at, advantage, logprob });
        }
        Ok(())
    }
}

/// Why no policy gradient may be taken on a sample.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// A vector is not as long as the stream.
    #[error("{what} has {len} entries for {tokens} tokens")]
    Length {
        /// Which vector.
        what: &'static str,
        /// Its length.
        len: usize,
        /// The stream's length.
        tokens: usize,
    },
    /// A weight is neither 0 nor 1.
    #[error("token {at} has loss weight {weight}; a policy gradient knows 0 and 1")]
    Weight {
        /// Which token.
        at: usize,
        /// Its weight.
        weight: f32,
    },
    /// A token that was shown to the seat carries what only its own may.
    #[error("token {at} was shown to the seat, yet has an advantage, a log-probability, a version or a thought flag")]
    NotOwn {
        /// Which token.
        at: usize,
    },
    /// A number is not finite, or a log-probability is above 0.
    #[error("token {at} has advantage {advantage} and log-probability {logprob}")]
    Number {
        /// Which token.
        at: usize,
        /// Its advantage.
        advantage: f32,
        /// Its log-probability.
        logprob: f32,
    },
    /// The temperature is not above 0.
    #[error("temperature {0} is not above 0")]
    Temperature(f32),
}

/// What the loss is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Weighted negative log-likelihood.
    Sft,
    /// Clipped policy gradient.
    Grpo,
}

/// All samples of one optimiser step (or of the step's minibatches). Its loss is divided by the token count of the optimiser step, so how
/// it is cut into micro-batches does not change the gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// What the loss is.
    pub objective: Objective,
    /// Learning rate of this step; schedules are decided outside.
    pub lr: f64,
    /// The samples; those of a trajectory lie side by side, and so do the trajectories of a group.
    pub samples: Vec<Sample>,
    /// What is imitated beside them; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
}

/// Samples of the cold start that stand beside a policy gradient, so that what was taught is not forgotten: their mean weighted negative log-likelihood is
/// added to the loss of each optimiser step (the pretraining term of InstructGPT, arXiv:2203.02155 eq. 2; Self-RedTeam, arXiv:2506.07468).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// What that mean is multiplied by; above 0.
    pub weight: f64,
    /// The samples, as those of [`Objective::Sft`].
    pub samples: Vec<Sample>,
}

impl Replay {
    /// Those of the minibatch with this number, from 0, of `count`: every `count`-th.
    pub fn dealt(&self, number: usize, count: usize) -> impl Iterator<Item = &Sample> {
        self.samples.iter().skip(number).step_by(count)
    }
}

impl Batch {
    /// A batch beside which nothing is imitated.
    #[must_use]
    pub fn new(objective: Objective, lr: f64, samples: Vec<Sample>) -> Batch {
        Batch { objective, lr, samples, replay: None }
    }

    /// What one model that speaks for both seats learns from: the agent's samples, then the user's, in one batch. Each sample has its own seat's advantages
    /// as they were. `None` if neither seat has a batch.
    ///
    /// # Panics
    /// If the seats' batches differ in what their loss or learning rate is: those are of the step, not of a seat.
    #[must_use]
    pub fn joined(batches: Pair<Option<Batch>>) -> Option<Batch> {
        let (mut both, user) = match (batches.agent, batches.user) {
            (Some(agent), Some(user)) => (agent, user),
            (agent, user) => return agent.or(user),
        };
        assert_eq!((both.objective, both.lr), (user.objective, user.lr), "one step has one loss and one learning rate");
        both.samples.extend(user.samples);
        both.replay = match (both.replay, user.replay) {
            (Some(mut agents), Some(users)) => {
                agents.samples.extend(users.samples);
                Some(agents)
            }
            (agents, users) => agents.or(users),
        };
        Some(both)
    }

    /// The samples of the minibatch with this number, from 0, of `count`: every `count`-th trajectory, so that each minibatch has a part of every
    /// group, and no trajectory is in two.
    #[must_use]
    pub fn dealt(&self, number: usize, count: usize) -> Vec<&Sample> {
        let mut trajectory = 0;
        let mut last: Option<&Sample> = None;
        let mut dealt = Vec::new();
        for sample in &self.samples {
            if last.is_some_and(|last| last.episode.is_none() || last.trajectory() != sample.trajectory()) {
                trajectory += 1;
            }
            if trajectory % count == number {
                dealt.push(sample);
            }
            last = Some(sample);
        }
        dealt
    }
}

#[cfg(test)]
mod tests {
    use sim::Phase;

    use super::*;

    fn sample() -> Sample {
        Sample {
            episode: None,
            seat: None,
            tokens: vec![5, 6, 7],
            weights: vec![0.0, 1.0, 1.0],
            advantages: vec![0.0, 0.5, 0.0],
            logprobs: vec![0.0, -1.5, 0.0],
            versions: vec![0, 7, 8],
            thought: vec![false, true, false],
            temperature: 1.0,
        }
    }

    #[test]
    fn a_sound_sample_passes() {
        assert_eq!(sample().check(), Ok(()));
        assert_eq!(sample().loss_tokens(), 2);
        assert_eq!(Sample { versions: Vec::new(), ..sample() }.check(), Ok(()), "nobody took them down");
    }

    #[test]
    fn trajectories_are_dealt_out_whole() {
        let of = |episode: Option<u32>| Sample {
            episode: episode.map(|member| EpisodeId { phase: Phase::Grpo, round: 1, group: 0, trial: 0, member }),
            ..sample()
        };
        let members = |count: usize, samples: &[Option<u32>]| {
            let samples = samples.iter().map(|episode| of(*episode)).collect();
            let batch = Batch::new(Objective::Grpo, 1e-3, samples);
            let dealt = |number| batch.dealt(number, count).iter().map(|s| s.episode.map(|e| e.member)).collect();
            (0..count).map(dealt).collect::<Vec<Vec<Option<u32>>>>()
        };
        let [a, b, c, d] = [1, 2, 3, 4].map(Some);
        assert_eq!(members(2, &[a, b, c, d]), [[a, c], [b, d]]);
        assert_eq!(members(2, &[a, a, b, c, c, c, d]), [vec![a, a, c, c, c], vec![b, d]]);
        assert_eq!(members(1, &[a, a, b]), [[a, a, b]]);
        assert_eq!(members(2, &[None, None, None]), [vec![None, None], vec![None]]);
    }

    #[test]
    fn one_model_of_both_seats_learns_from_both_and_each_side_of_a_talk_is_a_trajectory_of_its_own() {
        let episode = Some(EpisodeId { phase: Phase::Grpo, round: 1, group: 0, trial: 0, member: 1 });
        let of = |seat, advantage: f32, count| {
            let advantages = vec![0.0, advantage, 0.0];
            let sample = Sample { episode, seat: Some(seat), advantages, ..sample() };
            let replay = Some(Replay { weight: 0.5, samples: vec![super::tests::sample()] });
            Batch { replay, ..Batch::new(Objective::Grpo, 1e-3, vec![sample; count]) }
        };
        let (agent, user) = (of(Seat::Agent, 0.5, 2), of(Seat::User, -2.0, 1));
        let both = Batch::joined(Pair { agent: Some(agent.clone()), user: Some(user.clone()) }).expect("both have one");
        assert_eq!(both.samples, [&agent.samples[..], &user.samples].concat(), "nobody's advantages are touched");
        assert_eq!(both.replay.as_ref().map(|replay| (replay.weight, replay.samples.len())), Some((0.5, 2)));
        let seats = |number| both.dealt(number, 2).iter().map(|sample| sample.seat).collect::<Vec<_>>();
        assert_eq!((seats(0), seats(1)), (vec![Some(Seat::Agent); 2], vec![Some(Seat::User)]));
        for alone in [Pair { agent: Some(agent.clone()), user: None }, Pair { agent: None, user: Some(agent.clone()) }]
        {
            assert_eq!(Batch::joined(alone), Some(agent.clone()));
        }
        assert_eq!(Batch::joined(Pair::default()), None);
    }

    #[test]
    fn each_broken_invariant_is_named() {
        let broken = |change: fn(&mut Sample)| {
            let mut sample = sample();
            change(&mut sample);
            sample.check().expect_err("the sample was broken on purpose")
        };
        assert_eq!(broken(|s| s.logprobs.truncate(2)), SampleError::Length { what: "logprobs", len: 2, tokens: 3 });
        assert_eq!(broken(|s| s.weights[1] = 0.2), SampleError::Weight { at: 1, weight: 0.2 });
        assert_eq!(broken(|s| s.advantages[0] = 0.1), SampleError::NotOwn { at: 0 });
        assert_eq!(broken(|s| s.thought[0] = true), SampleError::NotOwn { at: 0 });
        assert_eq!(broken(|s| s.versions[0] = 7), SampleError::NotOwn { at: 0 });
        assert_eq!(broken(|s| s.versions.push(8)), SampleError::Length { what: "versions", len: 4, tokens: 3 });
        assert_eq!(broken(|s| s.logprobs[1] = 0.1), SampleError::Number { at: 1, advantage: 0.5, logprob: 0.1 });
        assert!(matches!(broken(|s| s.advantages[2] = f32::NAN), SampleError::Number { at: 2, .. }));
        assert_eq!(broken(|s| s.temperature = 0.0), SampleError::Temperature(0.0));
    }
}
