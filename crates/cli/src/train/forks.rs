//! Groups of turns: what is played when a step's talks have been ([`rl::forks`]).

use std::sync::Arc;

use rl::forks;
use sim::EpisodeRecord;
use sim::record::Casting;

use crate::setup::Setup;
use crate::stage::Stage;

/// The forks of a step's talks.
#[derive(Default)]
pub struct Forks {
    /// Who was to play: alternatives first, then their futures.
    pub castings: Vec<Casting>,
    /// What came of it, in the same order; the lost ones are missing.
    pub records: Vec<EpisodeRecord>,
}

impl Forks {
    /// Plays the alternatives to a turn of some of these talks, and what may come behind them.
    ///
    /// # Errors
    /// If a service died.
    pub async fn play(
        stage: &mut Stage<'_>,
        castings: &[Casting],
        talks: &[EpisodeRecord],
        step: u64,
    ) -> anyhow::Result<Forks> {
        let grpo = stage.setup.settings.grpo.clone();
        let alternatives = forks::alternatives(&grpo, castings, talks, stage.setup.settings.seed, step);
        if alternatives.is_empty() {
            return Ok(Forks::default());
        }
        let played =
            stage.play_on(&alternatives, grpo.temperature, Arc::new(forks::past(&alternatives, talks))).await?;
        let futures = forks::futures(&grpo, &played);
        let later = match futures.is_empty() {
            true => Vec::new(),
            false => stage.play_on(&futures, grpo.temperature, Arc::new(forks::past(&futures, &played))).await?,
        };
        Ok(Forks { castings: [alternatives, futures].concat(), records: [played, later].concat() })
    }

    /// The same, as the records of the step say that it was played.
    #[must_use]
    pub fn recall(setup: &Setup, castings: &[Casting], records: &[EpisodeRecord], step: u64) -> Forks {
        let grpo = &setup.settings.grpo;
        let (talks, forked): (Vec<EpisodeRecord>, Vec<EpisodeRecord>) =
            records.iter().cloned().partition(|record| forks::is_talk(&record.casting));
        let alternatives = forks::alternatives(grpo, castings, &talks, setup.settings.seed, step);
        let (played, later): (Vec<EpisodeRecord>, Vec<EpisodeRecord>) =
            forked.into_iter().partition(|record| record.casting.id.trial == 0);
        let futures = forks::futures(grpo, &played);
        Forks { castings: [alternatives, futures].concat(), records: [played, later].concat() }
    }
}
