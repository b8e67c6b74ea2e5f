//! What a step's episodes yield for one seat: the batch it learns from, and the counts that say what became of every group.
//!
//! ```text
//!  castings ─┐   by group, by id        one per record                 own tokens only
//!  records  ─┴─> GroupOutcome ─────> z ──────> credit ─> Spread ─────> Sample ─────> Batch
//!                 ├ too few, no variance: counted, skipped
//! ```
//!
//! A trajectory whose turns read all that came before them is one stream, and one sample. Where turns leave earlier thoughts out of what they read
//! (`model.thinking = "strip"`), no stream holds two of them: each is a sample of its own, its prompt the stream without the recorded cuts, and the
//! samples of a trajectory lie side by side. Credit and advantage are the trajectory's all the same.
//!
//! Groups of turns ([`crate::forks`]) come beside the groups of talks: of an alternative its one turn trains, and nothing that it has of its talk.
//!
//! Records may come in any order: everything is laid out by episode id first, so the order in which episodes end leaves no trace. In the
//! batch the members of a group lie side by side, so a learner that deals samples out in turn gives each minibatch a part of every group.

use std::collections::BTreeMap;

use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Generation;
use sim::Seat;
use sim::record::Casting;

use crate::Batch;
use crate::Metrics;
use crate::Objective;
use crate::Sample;
use crate::advantage;
use crate::advantage::Flat;
use crate::batch::SampleError;
use crate::credit;
use crate::credit::Spread;
use crate::forks;
use crate::forks::TurnGroup;
use crate::group::GroupOutcome;
use crate::group::Member;
use crate::moving::MovingBaseline;
use crate::plan::MODEL;
use crate::settings::GrpoSettings;

/// One seat's yield of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Harvest {
    /// What it learns from. Without samples there is nothing to update on.
    pub batch: Batch,
    /// What became of the groups and the tokens.
    pub counts: Counts,
}

/// What became of a seat's groups and tokens in one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Groups played for the seat.
    pub groups: usize,
    /// Groups skipped because fewer than `group_valid_min` members counted.
    pub groups_too_few: usize,
    /// Groups skipped because all members scored the same.
    pub groups_no_variance: usize,
    /// Sum of the unbiased score deviations of mutual groups that were learned from, and their number. The partner's sampling adds to it.
    pub std_mutual: sim::Ratio,
    /// The same for groups against a fixed opponent.
    pub std_fixed: sim::Ratio,
    /// Trajectories whose credits nearly cancelled, so that all turns shared alike.
    pub credit_fallbacks: usize,
    /// Turns whose tokens train nobody, because they were cut; `None` unless `overlong_filter` is on.
    pub turns_filtered: Option<usize>,
    /// Samples learned from: trajectories, or their turns where each is a sample of its own.
    pub samples: usize,
    /// Tokens of what they hold, shown ones included.
    pub stream_tokens: usize,
    /// Own tokens of private thought.
    pub thought: Mass,
    /// Own tokens of public reply.
    pub reply: Mass,
    /// Groups of turns; `None` where nothing is forked.
    pub forks: Option<ForkCounts>,
}

/// What became of a seat's groups of turns.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ForkCounts {
    /// Talks that were forked for the seat.
    pub groups: usize,
    /// Those of whose alternatives fewer than two count.
    pub too_few: usize,
    /// Those whose alternatives are all worth the same.
    pub no_variance: usize,
    /// Sum of the unbiased deviations of the alternatives' worths in the others, and their number.
    pub std: sim::Ratio,
}

/// Advantage over a kind of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mass {
    /// How many tokens.
    pub tokens: usize,
    /// Sum of the sizes of their advantages.
    pub advantage_abs: f64,
    /// Sum of their advantages: above 0, the tokens are made likelier on the whole.
    pub advantage: f64,
}

/// Why a step has no batch: a record breaks what every record of a learning seat must keep.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HarvestError {
    /// A learning seat took a turn without a generation: no model played it.
    #[error("{episode}: turn {turn} of the {seat} that learns has no tokens")]
    NoGeneration {
        /// The episode.
        episode: EpisodeId,
        /// The seat.
        seat: Seat,
        /// Its own turn, from 0.
        turn: usize,
    },
    /// A turn left out of what it read what its stream does not hold.
    #[error("{episode}: turn {turn} of the {seat} was read without ids that its stream does not have")]
    Cuts {
        /// The episode.
        episode: EpisodeId,
        /// The seat.
        seat: Seat,
        /// Its own turn, from 0.
        turn: usize,
    },
    /// A generation does not fit together.
    #[error("{episode}: {seat}: {source}")]
    Sample {
        /// The episode.
        episode: EpisodeId,
        /// The seat.
        seat: Seat,
        /// What is wrong.
        source: SampleError,
    },
}

/// Makes `seat`'s batch from the step's castings and the records they left; `lr` is the step's learning rate, `moving` the seat's baselines, which
/// move only where `baseline = "moving"`. Castings that do not train the seat, and their records, are left alone.
///
/// # Errors
/// [`HarvestError`] if a record of a learning seat is not whole.
pub fn harvest(
    castings: &[Casting],
    records: &[EpisodeRecord],
    seat: Seat,
    settings: &GrpoSettings,
    lr: f64,
    moving: &mut MovingBaseline,
) -> Result<Harvest, HarvestError> {
    let mut counts = Counts { turns_filtered: settings.overlong.filter.then_some(0), ..Counts::default() };
    let (mut learned, mut flat) = (Vec::new(), Vec::new());
    let groups = by_group(castings, records, seat);
    let (forked, talks): (Vec<&Played>, Vec<&Played>) = groups.values().partition(|played| played.forked);
    let talks_train = settings.forks.is_none_or(|forks| forks.talks_train);
    for Played { records, .. } in talks.into_iter().filter(|_| talks_train) {
        counts.groups += 1;
        match GroupOutcome::of(records, seat, settings) {
            GroupOutcome::TooFew { .. } => counts.groups_too_few += 1,
            GroupOutcome::NoVariance { counted, score } => {
                counts.groups_no_variance += 1;
                flat.push(Flat { counted, score });
            }
            GroupOutcome::Learned { members, std } => {
                counts.count_std(&members[0].record.casting, seat, std);
                learned.push(members);
            }
        }
    }
    if !advantage::over_step(&mut learned, &flat, settings, moving) {
        counts.groups_no_variance += learned.len();
        learned.clear();
    }
    learned.extend(counts.turn_groups(&forked, records, seat, settings));
    let mut samples = Vec::new();
    for member in learned.iter().flatten() {
        let (found, fell_back) = samples_of(member, seat, settings)?;
        counts.credit_fallbacks += usize::from(fell_back);
        counts.count_filtered(member, seat);
        for sample in found {
            let teaches = sample.loss_tokens() > 0;
            // What was read before a fork was sampled in the talk, and is no sample of the fork's.
            if !teaches && !forks::is_talk(&member.record.casting) {
                continue;
            }
            counts.count_sample(&sample);
            // Whatever is left of a talk all of whose turns were cut teaches nothing.
            if teaches || counts.turns_filtered.is_none() {
                samples.push(sample);
            }
        }
    }
    Ok(Harvest { batch: Batch::new(Objective::Grpo, lr, samples), counts })
}

/// The groups of which no seat that they were played for can learn, because all members scored the same.
#[must_use]
pub fn dead_groups(castings: &[Casting], records: &[EpisodeRecord], settings: &GrpoSettings) -> Vec<u32> {
    let mut dead: BTreeMap<u32, bool> = BTreeMap::new();
    for seat in Seat::ALL {
        for (group, Played { records, .. }) in by_group(castings, records, seat) {
            let is_dead = matches!(GroupOutcome::of(&records, seat, settings), GroupOutcome::NoVariance { .. });
            dead.entry(group).and_modify(|dead| *dead &= is_dead).or_insert(is_dead);
        }
    }
    dead.into_iter().filter(|(_, is_dead)| *is_dead).map(|(group, _)| group).collect()
}

impl Counts {
    /// What the seat learns from groups of turns.
    fn turn_groups<'a>(
        &mut self,
        forked: &[&Played<'a>],
        records: &'a [EpisodeRecord],
        seat: Seat,
        settings: &GrpoSettings,
    ) -> Vec<Vec<Member<'a>>> {
        if settings.forks.is_none() {
            return Vec::new();
        }
        let futures: Vec<&EpisodeRecord> = records.iter().filter(|record| record.casting.id.trial > 0).collect();
        let mut counts = ForkCounts { groups: forked.len(), ..ForkCounts::default() };
        let mut learned = Vec::new();
        for Played { records, .. } in forked {
            match TurnGroup::of(records, &futures, seat, settings) {
                TurnGroup::TooFew => counts.too_few += 1,
                TurnGroup::NoVariance => counts.no_variance += 1,
                TurnGroup::Learned { members, std } => {
                    counts.std += sim::Ratio::new(std, 1.0);
                    learned.push(members);
                }
            }
        }
        self.forks = Some(counts);
        learned
    }

    fn count_std(&mut self, casting: &Casting, seat: Seat, std: f64) {
        let partner_is_model = casting.policies[seat.partner()] == MODEL;
        let pooled = if partner_is_model { &mut self.std_mutual } else { &mut self.std_fixed };
        *pooled += sim::Ratio::new(std, 1.0);
    }

    fn count_filtered(&mut self, member: &Member<'_>, seat: Seat) {
        if let Some(turns) = &mut self.turns_filtered {
            let own = member.record.turns_of(seat).skip(forks::own_before(member.record, seat));
            let spoken = own.filter_map(|turn| turn.decision.generation.as_ref());
            *turns += spoken.filter(|generation| !generation.closed).count();
        }
    }

    fn count_sample(&mut self, sample: &Sample) {
        self.samples += 1;
        self.stream_tokens += sample.tokens.len();
        for at in (0..sample.tokens.len()).filter(|at| sample.weights[*at] > 0.0) {
            let mass = if sample.thought[at] { &mut self.thought } else { &mut self.reply };
            let advantage = f64::from(sample.advantages[at]);
            mass.tokens += 1;
            mass.advantage += advantage;
            mass.advantage_abs += advantage.abs();
        }
    }

    /// The counts as metrics of `seat`. A mean over nothing is `None`.
    #[must_use]
    pub fn metrics(&self, seat: Seat) -> Metrics {
        let mut metrics = Metrics::default();
        let mut set = |name: &str, value: Option<f64>| metrics.set(format!("{seat}/{name}"), value);
        set("groups", Some(self.groups as f64));
        set("groups/too_few", Some(self.groups_too_few as f64));
        set("groups/no_variance", Some(self.groups_no_variance as f64));
        set("groups/std_mutual", self.std_mutual.rate());
        set("groups/std_fixed", self.std_fixed.rate());
        set("credit_fallbacks", Some(self.credit_fallbacks as f64));
        if let Some(turns) = self.turns_filtered {
            set("turns_filtered", Some(turns as f64));
        }
        if let Some(forks) = self.forks {
            set("forks", Some(forks.groups as f64));
            set("forks/too_few", Some(forks.too_few as f64));
            set("forks/no_variance", Some(forks.no_variance as f64));
            set("forks/std", forks.std.rate());
        }
        set("samples", Some(self.samples as f64));
        set("stream_tokens/mean", sim::Ratio::new(self.stream_tokens as f64, self.samples as f64).rate());
        for (part, mass) in [("thought", self.thought), ("reply", self.reply)] {
            let tokens = mass.tokens as f64;
            set(&format!("loss_tokens/{part}"), Some(tokens));
            set(&format!("advantage/{part}"), sim::Ratio::new(mass.advantage, tokens).rate());
            set(&format!("advantage_abs/{part}"), sim::Ratio::new(mass.advantage_abs, tokens).rate());
        }
        metrics
    }
}

/// The records of one group that was played to train a seat, in id order.
struct Played<'a> {
    records: Vec<&'a EpisodeRecord>,
    /// Whether they are alternatives to one turn, and no talks.
    forked: bool,
}

/// The groups that were played to train `seat`. One whose episodes were all lost is there, and empty.
fn by_group<'a>(castings: &[Casting], records: &'a [EpisodeRecord], seat: Seat) -> BTreeMap<u32, Played<'a>> {
    let empty = |casting: &Casting| Played { records: Vec::new(), forked: !forks::is_talk(casting) };
    let mut groups: BTreeMap<u32, Played<'_>> = castings
        .iter()
        .filter(|casting| casting.learns[seat])
        .map(|casting| (casting.id.group, empty(casting)))
        .collect();
    for record in records.iter().filter(|record| record.casting.learns[seat]) {
        if let Some(group) = groups.get_mut(&record.casting.id.group) {
            group.records.push(record);
        }
    }
    for group in groups.values_mut() {
        group.records.sort_by_key(|record| record.casting.id);
    }
    groups
}

/// One member's samples with their advantages, and whether its credits fell back to equal shares.
fn samples_of(member: &Member, seat: Seat, settings: &GrpoSettings) -> Result<(Vec<Sample>, bool), HarvestError> {
    let episode = member.record.casting.id;
    let generations = generations(member.record, seat)?;
    // What an alternative has of its talk was sampled there, and trains there.
    let before = forks::own_before(member.record, seat);
    let trains =
        |turn: usize, generation: &Generation| before <= turn && (generation.closed || !settings.overlong.filter);
    let own = |(turn, generation): (usize, &&Generation)| {
        if trains(turn, generation) { generation.tokens.len() } else { 0 }
    };
    let lengths: Vec<usize> = generations.iter().enumerate().map(own).collect();
    let spread = match member.record.casting.fork {
        None => {
            let credits = credit::turn_credits(settings.turn_credit, &member.rewards, settings.gamma, settings.em_k);
            credit::spread(&credits, &lengths, member.z)
        }
        // One turn, and all of it its own.
        Some(_) => Spread { advantages: vec![member.z; generations.len()], fell_back: false },
    };
    let (mut samples, mut stream): (Vec<Sample>, Vec<u32>) = (Vec::new(), Vec::new());
    for (turn, (generation, advantage)) in generations.iter().zip(&spread.advantages).enumerate() {
        // Advantages are small sums and quotients: f32 holds them to 1e-7.
        let advantage = trains(turn, generation).then_some(*advantage as f32);
        let before = stream.len();
        stream.extend(&generation.prompt);
        match samples.last_mut() {
            Some(sample) if generation.cuts.is_none() && sample.tokens.len() == before => {
                append(sample, &generation.prompt, generation, advantage);
            }
            Some(_) | None => {
                let read = generation.read(&stream).ok_or(HarvestError::Cuts { episode, seat, turn })?;
                let mut sample = Sample { episode: Some(episode), seat: Some(seat), ..Sample::default() };
                append(&mut sample, &read, generation, advantage);
                samples.push(sample);
            }
        }
        stream.extend(&generation.tokens);
    }
    let check = |sample: &Sample| sample.check().map_err(|source| HarvestError::Sample { episode, seat, source });
    samples.iter().try_for_each(check)?;
    Ok((samples, spread.fell_back))
}

/// The seat's generations, one for each of its turns.
fn generations(record: &EpisodeRecord, seat: Seat) -> Result<Vec<&Generation>, HarvestError> {
    let missing = |turn| HarvestError::NoGeneration { episode: record.casting.id, seat, turn };
    let turns = record.turns_of(seat).enumerate();
    turns.map(|(at, turn)| turn.decision.generation.as_ref().ok_or_else(|| missing(at))).collect()
}

/// Lays one generation at the end of a sample: what was shown, then what was sampled. Without an advantage its tokens train nobody, and stand
/// there as if they had been shown.
fn append(sample: &mut Sample, read: &[u32], generation: &Generation, advantage: Option<f32>) {
    let (before, own) = (read.len(), generation.tokens.len());
    sample.tokens.extend(read);
    sample.tokens.extend(&generation.tokens);
    let shown = if advantage.is_none() { before + own } else { before };
    sample.weights.extend([0.0].repeat(shown));
    sample.advantages.extend([0.0].repeat(shown));
    sample.logprobs.extend([0.0].repeat(shown));
    sample.versions.extend([0].repeat(shown));
    sample.thought.extend([false].repeat(shown));
    sample.temperature = generation.temperature;
    if let Some(advantage) = advantage {
        sample.weights.extend([1.0].repeat(own));
        sample.advantages.extend([advantage].repeat(own));
        sample.logprobs.extend(&generation.logprobs);
        sample.versions.extend([generation.version].repeat(own));
        sample.thought.extend((0..own).map(|at| at < generation.thought_len as usize));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sim::Cut;
    use sim::Pair;

    use super::*;
    use crate::fixtures;
    use crate::settings::Baseline;
    use crate::settings::Overlong;
    use crate::settings::StdOver;
    use crate::settings::TurnCredit;

    fn castings(records: &[EpisodeRecord]) -> Vec<Casting> {
        records.iter().map(|record| record.casting.clone()).collect()
    }

    fn reap(records: &[EpisodeRecord], seat: Seat, settings: &GrpoSettings) -> Harvest {
        harvest(&castings(records), records, seat, settings, 1e-3, &mut MovingBaseline::default())
            .expect("the records are whole")
    }

    /// Two members of two turns each; the agent's scores are 1 and 0, so with eps 0.05 z = ±.5 / (.70711 + .05) = ±.66041.
    fn pair() -> Vec<EpisodeRecord> {
        vec![fixtures::record(0, 1, &[0.0, 1.0], &[0.5, 0.0]), fixtures::record(0, 2, &[0.0, 0.0], &[0.0, 0.0])]
    }

    #[test]
    fn a_sample_is_the_stream_with_everything_of_others_masked() {
        let harvest = reap(&pair(), Seat::Agent, &fixtures::settings());
        let sample = &harvest.batch.samples[0];
        // Generations of 2 + 3 and 2 + 4 tokens.
        assert_eq!(sample.tokens, [0, 1, 100, 101, 102, 0, 1, 100, 101, 102, 103]);
        assert_eq!(sample.weights, [0., 0., 1., 1., 1., 0., 0., 1., 1., 1., 1.]);
        assert_eq!(sample.logprobs, [0., 0., -1., -2., -3., 0., 0., -1., -2., -3., -4.]);
        let own: Vec<f32> = (sample.advantages.iter()).map(|a| (a * 1e4).round() / 1e4).collect();
        let z = 0.6604;
        assert_eq!(own, [0., 0., z, z, z, 0., 0., z, z, z, z]);
        let t = true;
        let f = false;
        assert_eq!(sample.thought, [f, f, t, t, f, f, f, t, t, f, f]);
        assert_eq!(sample.episode, Some(fixtures::casting(0, 1).id));
        assert_eq!((harvest.batch.objective, harvest.batch.lr), (Objective::Grpo, 1e-3));
    }

    /// The pair, in which the agent's second turns were read without the two thought tokens of its first.
    fn stripped_pair() -> Vec<EpisodeRecord> {
        let mut records = pair();
        for record in &mut records {
            let cut = Cut { turn: 0, range: 2..4, rest: Vec::new() };
            for (turn, cuts) in [(0, Vec::new()), (2, vec![cut])] {
                record.turns[turn].decision.generation.as_mut().expect("the fixture has one").cuts = Some(cuts);
            }
        }
        records
    }

    #[test]
    fn turns_that_left_thoughts_out_are_samples_of_their_own() {
        let settings = GrpoSettings { turn_credit: TurnCredit::R2g, ..fixtures::settings() };
        let harvest = reap(&stripped_pair(), Seat::Agent, &settings);
        let [first, second, third, fourth] = &harvest.batch.samples[..] else { panic!("two turns of each of two") };
        assert_eq!(first.tokens, [0, 1, 100, 101, 102]);
        assert_eq!(first.weights, [0., 0., 1., 1., 1.]);
        // The stream is 0 1 100 101 102 0 1, of which 100 and 101 were thought.
        assert_eq!(second.tokens, [0, 1, 102, 0, 1, 100, 101, 102, 103]);
        assert_eq!(second.weights, [0., 0., 0., 0., 0., 1., 1., 1., 1.]);
        assert_eq!(second.logprobs, [0., 0., 0., 0., 0., -1., -2., -3., -4.]);
        let (t, f) = (true, false);
        assert_eq!(second.thought, [f, f, f, f, f, t, t, f, f]);
        // Credits .8 on 3 tokens and 1 on 4, as where the two are one stream.
        assert!((first.advantages[2] - 0.57786).abs() < 1e-4 && (second.advantages[8] - 0.72233).abs() < 1e-4);
        let episodes = [first, second, third, fourth].map(|sample| sample.episode);
        let [one, two] = [1, 2].map(|member| Some(fixtures::casting(0, member).id));
        assert_eq!(episodes, [one, one, two, two]);
        assert_eq!((harvest.counts.samples, harvest.counts.stream_tokens), (4, 28));
        let whole = reap(&pair(), Seat::Agent, &settings).counts;
        assert_eq!((harvest.counts.thought, harvest.counts.reply), (whole.thought, whole.reply));
    }

    #[test]
    fn turns_that_left_nothing_out_but_might_have_are_samples_of_their_own_too() {
        let mut records = stripped_pair();
        let second = records[0].turns[2].decision.generation.as_mut().expect("the fixture has one");
        second.cuts = Some(Vec::new());
        let harvest = reap(&records, Seat::Agent, &fixtures::settings());
        assert_eq!(harvest.batch.samples[1].tokens, [0, 1, 100, 101, 102, 0, 1, 100, 101, 102, 103]);
        assert_eq!(harvest.batch.samples[1].loss_tokens(), 4);
    }

    #[test]
    fn a_turn_that_was_cut_is_no_sample_where_such_turns_are_filtered() {
        let mut records = stripped_pair();
        records[0].turns[0].decision.generation.as_mut().expect("the fixture has one").closed = false;
        let settings = GrpoSettings { overlong: Overlong { filter: true, penalty: None }, ..fixtures::settings() };
        let harvest = reap(&records, Seat::Agent, &settings);
        let tokens: Vec<usize> = harvest.batch.samples.iter().map(Sample::loss_tokens).collect();
        assert_eq!((tokens, harvest.counts.samples), (vec![4, 3, 4], 4));
    }

    #[test]
    fn cuts_beyond_the_stream_are_an_error_that_names_the_turn() {
        let mut records = stripped_pair();
        let second = records[1].turns[2].decision.generation.as_mut().expect("the fixture has one");
        second.cuts = Some(vec![Cut { turn: 0, range: 2..9, rest: Vec::new() }]);
        let got = harvest(
            &castings(&records),
            &records,
            Seat::Agent,
            &fixtures::settings(),
            1e-3,
            &mut MovingBaseline::default(),
        );
        assert_eq!(got, Err(HarvestError::Cuts { episode: records[1].casting.id, seat: Seat::Agent, turn: 1 }));
    }

    #[test]
    fn turn_credit_moves_advantage_to_the_turns_that_earned_it() {
        let settings = GrpoSettings { turn_credit: TurnCredit::R2g, ..fixtures::settings() };
        let harvest = reap(&pair(), Seat::Agent, &settings);
        let sample = &harvest.batch.samples[0];
        // Credits .8 on 3 tokens and 1 on 4: Σa 6.4, N 7: factor z · 7 / 6.4 = .72233.
        assert!((sample.advantages[2] - 0.57786).abs() < 1e-4);
        assert!((sample.advantages[10] - 0.72233).abs() < 1e-4);
        // The other one has no reward to go at all.
        assert!(harvest.batch.samples[1].advantages.iter().all(|a| *a == 0.0));
        assert_eq!(harvest.batch.samples[1].loss_tokens(), 7);
    }

    #[test]
    fn over_a_scenario_wide_groups_weigh_more_and_scenarios_weigh_alike() {
        // Scenario 0: groups of scores 0 and 2, and 0 and 1: deviations 1 and .5 around their means. Scenario 1: a hundred times as much.
        let group = |group: u32, scenario: u32, low: f64, high: f64| {
            [(1, low), (2, high)].map(|(member, score)| {
                let mut record = fixtures::record(group, member, &[score], &[0.0]);
                record.casting.scenario = scenario;
                record
            })
        };
        let records = [group(0, 0, 0.0, 2.0), group(1, 0, 0.0, 1.0), group(2, 1, 0.0, 200.0)].concat();
        let settings = GrpoSettings { std_over: StdOver::Scenario, std_eps: 1e-9, ..fixtures::settings() };
        let harvest = reap(&records, Seat::Agent, &settings);
        let zs: Vec<f32> = harvest.batch.samples.iter().map(|sample| sample.advantages[2]).collect();
        // Unbiased variances 2 and .5, so together 1.25; and 20000 alone.
        let wanted =
            [-1.0, 1.0, -0.5, 0.5].map(|z: f32| z / 1.25f32.sqrt()).into_iter().chain([-0.5f32.sqrt(), 0.5f32.sqrt()]);
        assert!(zs.iter().zip(wanted).all(|(z, wanted)| (z - wanted).abs() < 1e-5), "{zs:?}");
    }

    #[test]
    fn a_turn_that_was_cut_trains_nobody_where_such_turns_are_filtered() {
        let mut records = pair();
        let cut = records[0].turns[0].decision.generation.as_mut().expect("the fixture has one");
        cut.closed = false;
        let settings = GrpoSettings {
            overlong: Overlong { filter: true, penalty: None },
            turn_credit: TurnCredit::R2g,
            ..fixtures::settings()
        };
        let harvest = reap(&records, Seat::Agent, &settings);
        let sample = &harvest.batch.samples[0];
        assert_eq!(sample.weights, [0., 0., 0., 0., 0., 0., 0., 1., 1., 1., 1.]);
        // All that the trajectory earned falls on the turn that is left.
        assert!((sample.advantages[10] - 0.66041).abs() < 1e-4, "{:?}", sample.advantages);
        assert_eq!(harvest.counts.metrics(Seat::Agent).get("agent/turns_filtered"), Some(1.0));
        assert_eq!(reap(&records, Seat::Agent, &fixtures::settings()).counts.turns_filtered, None);
    }

    #[test]
    fn a_step_in_which_all_score_alike_teaches_nothing_by_any_baseline() {
        let records: Vec<EpisodeRecord> =
            (0..4).map(|at| fixtures::record(at / 2, at % 2 + 1, &[0.5], &[0.0])).collect();
        let settings = GrpoSettings { baseline: Baseline::Batch, std_over: StdOver::Batch, ..fixtures::settings() };
        let counts = reap(&records, Seat::Agent, &settings).counts;
        assert_eq!((counts.groups, counts.groups_no_variance, counts.samples), (2, 2, 0));
    }

    #[test]
    fn a_group_is_dead_if_no_seat_can_learn_from_it_for_want_of_a_difference() {
        let mut records = pair();
        // Group 1: both score alike. Group 2: only the user's differ. Group 3: too few.
        records.extend([1, 2].map(|member| fixtures::record(1, member, &[0.3], &[0.1])));
        records.extend([(1, 0.0), (2, 0.5)].map(|(member, user)| fixtures::record(2, member, &[0.3], &[user])));
        records.push(fixtures::record(3, 1, &[0.3], &[0.0]));
        assert_eq!(dead_groups(&castings(&records), &records, &fixtures::settings()), [1]);
        // Records of groups that are not asked about say nothing.
        assert_eq!(dead_groups(&castings(&records[..2]), &records, &fixtures::settings()), [0u32; 0]);
    }

    #[test]
    fn every_group_is_counted_once_even_if_all_its_episodes_were_lost() {
        let mut records = pair();
        records.push(fixtures::record(1, 1, &[0.3], &[0.0]));
        records.push(fixtures::record(1, 2, &[0.3], &[0.1]));
        records.push(fixtures::record(2, 1, &[0.3], &[0.0]));
        let mut castings = castings(&records);
        castings.push(fixtures::casting(3, 1));
        castings.push(fixtures::casting(3, 2));
        let harvest =
            harvest(&castings, &records, Seat::Agent, &fixtures::settings(), 1e-3, &mut MovingBaseline::default())
                .expect("whole");
        let counts = &harvest.counts;
        assert_eq!((counts.groups, counts.groups_too_few, counts.groups_no_variance), (4, 2, 1));
        assert_eq!(counts.samples, 2);
        assert_eq!(counts.std_fixed.den, 0.0);
        // Scores 1 and 0.
        assert!((counts.std_mutual.rate().expect("one group") - 0.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn advantage_is_told_apart_for_thought_and_reply() {
        let counts = reap(&pair(), Seat::Agent, &fixtures::settings()).counts;
        // Per sample: 2 + 2 tokens of thought and 1 + 2 of reply, all with |A| = .66041, one sample up, one down.
        assert_eq!((counts.thought.tokens, counts.reply.tokens, counts.stream_tokens), (8, 6, 22));
        assert!((counts.thought.advantage_abs - 8.0 * 0.66041).abs() < 1e-3);
        assert!((counts.reply.advantage_abs - 6.0 * 0.66041).abs() < 1e-3);
        assert!(counts.reply.advantage.abs() < 1e-6);
        let metrics = counts.metrics(Seat::Agent);
        assert_eq!(metrics.get("agent/loss_tokens/thought"), Some(8.0));
        assert_eq!(metrics.get("agent/groups/std_fixed"), None);
    }

    #[test]
    fn what_does_not_train_the_seat_is_left_alone() {
        let mut records = pair();
        for record in &mut records {
            record.casting.learns = Pair { agent: true, user: false };
            record.turns.iter_mut().filter(|t| t.seat == Seat::User).for_each(|t| t.decision.generation = None);
        }
        assert_eq!(reap(&records, Seat::User, &fixtures::settings()).counts, Counts::default());
        assert_eq!(reap(&records, Seat::Agent, &fixtures::settings()).counts.samples, 2);
    }

    #[test]
    fn a_learning_seat_without_tokens_is_an_error_that_names_the_turn() {
        let mut records = pair();
        records[1].turns[2].decision.generation = None;
        let got = harvest(
            &castings(&records),
            &records,
            Seat::Agent,
            &fixtures::settings(),
            1e-3,
            &mut MovingBaseline::default(),
        );
        let episode = records[1].casting.id;
        assert_eq!(got, Err(HarvestError::NoGeneration { episode, seat: Seat::Agent, turn: 1 }));
        assert!(got.expect_err("just compared").to_string().starts_with("grpo-000003-0000-0-2: turn 1 of the agent"));
    }

    #[test]
    fn a_generation_with_too_few_logprobs_is_an_error() {
        let mut records = pair();
        let generation = records[0].turns[0].decision.generation.as_mut().expect("the fixture has one");
        generation.logprobs.pop();
        let got = harvest(
            &castings(&records),
            &records,
            Seat::Agent,
            &fixtures::settings(),
            1e-3,
            &mut MovingBaseline::default(),
        );
        assert!(matches!(got, Err(HarvestError::Sample { source: SampleError::Length { .. }, .. })));
    }

    fn any_group() -> impl Strategy<Value = Vec<EpisodeRecord>> {
        let rewards = || prop::collection::vec(-1.0..1.0f64, 1..5);
        prop::collection::vec((rewards(), rewards()), 2..6).prop_map(|members| {
            let numbered = members.iter().zip(1..);
            numbered.map(|((agent, user), member)| fixtures::record(0, member, agent, user)).collect()
        })
    }

    proptest! {
        #[test]
        fn only_a_seats_own_sampled_tokens_train_it(records in any_group(), credit in 0..4usize) {
            let turn_credit = [TurnCredit::Naive, TurnCredit::Equalized, TurnCredit::R2g, TurnCredit::Em][credit];
            let settings = GrpoSettings { turn_credit, ..fixtures::settings() };
            for seat in Seat::ALL {
                let harvest = reap(&records, seat, &settings);
                for sample in &harvest.batch.samples {
                    prop_assert_eq!(sample.check(), Ok(()));
                    let record = records.iter().find(|r| Some(r.casting.id) == sample.episode).expect("one of them");
                    let own: Vec<u32> = record
                        .turns_of(seat)
                        .flat_map(|turn| turn.decision.generation.as_ref().expect("models played").tokens.clone())
                        .collect();
                    let trained: Vec<u32> = (sample.tokens.iter().zip(&sample.weights))
                        .filter(|(_, weight)| **weight == 1.0)
                        .map(|(token, _)| *token)
                        .collect();
                    prop_assert_eq!(trained, own);
                }
            }
        }

        #[test]
        fn the_order_in_which_episodes_end_leaves_no_trace(records in any_group()) {
            let mut reversed = records.clone();
            reversed.reverse();
            let settings = fixtures::settings();
            prop_assert_eq!(reap(&records, Seat::User, &settings), reap(&reversed, Seat::User, &settings));
        }
    }
}
