//! What a cold start learns from: dialogues of a script, or recorded ones, and drills, as token samples, and which of them each update takes.
//!
//! Everything is drawn by address, so update 417 takes the same samples whether or not the run was killed at 416.

pub mod lent;
mod records;

use std::sync::Arc;

use anyhow::anyhow;
use rl::Batch;
use rl::Mix;
use rl::Objective;
use rl::Ranking;
use rl::Replay;
use rl::Sample;
use rl::Seats;
use rl::TextFiles;
use rl::plan;
use rl::schedule;
use rl::settings::BaseFolder;
use rl::settings::Dtype;
use rl::settings::ModelShape;
use rl::settings::OptimizerSettings;
use rl::settings::ReplaySettings;
use rl::settings::RunSettings;
use rl::settings::SftSettings;
use rl::settings::Thoughts;
use runs::Hash;
use serde::Serialize;
use sim::Act;
use sim::Address;
use sim::Decision;
use sim::Draws;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Scenario;
use sim::Seat;
use sim::draws::Stream;
use sim::drive::play_by_rule;
use sim::gyms::Drill;
use sim::record::Casting;
use sim::scenario::Split;
use text::Added;
use text::Dialect;
use text::Taught;
use text::Template;
use text::TextError;
use text::Tokenizer;

use crate::failure::Failure;
use crate::manifest;
use crate::setup::Setup;

/// Dialogues of nearly the same length are drawn together, so that little of a batch is padding: one batch takes from so many
/// neighbours in order of length.
const NEIGHBOURS: usize = 256;
/// Dialogues that are played where there is no cold start to learn from them.
const TALKS_OF_PLAN: u32 = 100;
/// Drills of each seat for one dialogue, so that a short cold start is short in both. The quickstart's are enough to see every item.
const DRILLS_PER_DIALOGUE: f64 = 2.0 / 3.0;

/// The dialogues to imitate, and the drills of each seat.
pub struct Lessons {
    dialogues: Vec<EpisodeRecord>,
    /// Numbers of those that each seat imitates, in their order.
    kept: Pair<Vec<usize>>,
    drills: Pair<Vec<Drill>>,
}

/// Lessons as token samples, the dialogues of each seat in order of length.
pub struct Samples {
    dialogues: Pair<Vec<Sample>>,
    /// How many dialogues they come from, those without a word of the seat included.
    talks: Pair<usize>,
    drills: Pair<Vec<Sample>>,
    settings: SftSettings,
    seed: u64,
}

/// A seat's side of a usual talk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// Tokens of what it learns from: of its whole stream, or of its turns and all that each of them reads.
    pub stream: f64,
    /// Tokens of its own, thoughts included.
    pub own: f64,
}

impl Lessons {
    /// Plays or reads the dialogues, and draws the drills.
    ///
    /// # Errors
    /// [`Failure::Input`] if there is nothing to learn from in the folders of records, [`Failure::Work`] if the teacher is no script of both seats.
    pub fn prepare(setup: &Setup) -> Result<Lessons, Failure> {
        let (mix, sft) = (&setup.mix, &setup.settings.sft);
        let dialogues = if sft.records.is_empty() { scripted(setup)? } else { records::recorded(setup)? };
        let of = |number: u32| dialogues.iter().filter(|record| record.casting.scenario == number).count();
        let counted: Vec<(&Arc<Scenario>, u32)> = mix
            .numbered()
            .map(|(number, scenario)| (scenario, (of(number) as f64 * DRILLS_PER_DIALOGUE).round() as u32))
            .collect();
        let drills = Pair::from_fn(|seat| {
            counted.iter().flat_map(|(scenario, count)| drills(scenario, Split::Train, seat, *count)).collect()
        });
        let kept = Pair::from_fn(|seat| best(&dialogues, seat, sft.top));
        Ok(Lessons { dialogues, kept, drills })
    }

    /// The dialogues that a seat imitates.
    fn imitated(&self, seat: Seat) -> impl Iterator<Item = &EpisodeRecord> {
        self.kept[seat].iter().map(|number| &self.dialogues[*number])
    }

    /// Every text in the lessons: what the tokenizer is trained on.
    #[must_use]
    pub fn corpus(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for turn in self.dialogues.iter().flat_map(|record| &record.turns) {
            texts.extend(turn.observed.iter().map(|message| message.text.clone()));
            texts.extend(turn.decision.thought.clone());
            if let Ok(Act::Say(text)) = &turn.decision.act {
                texts.push(text.clone());
            }
        }
        for asked in self.drills.agent.iter().chain(&self.drills.user).flat_map(|drill| &drill.questions) {
            texts.extend(asked.messages.iter().map(|message| message.text.clone()));
            texts.push(asked.answer.clone());
        }
        texts
    }

    /// The language of these lessons: a tokenizer trained on them, the usual template.
    ///
    /// # Errors
    /// If the vocabulary has no room for the bytes and the gyms' whole words.
    pub fn dialect(&self, mix: &Mix, vocab_max: usize) -> Result<Dialect, TextError> {
        let mut words: Vec<String> = Vec::new();
        for word in mix.scenarios().flat_map(|scenario| scenario.rules.whole_tokens()) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let tokenizer = Tokenizer::train(self.corpus().into_iter(), &Added::new(words), vocab_max)?;
        // The same in all scenarios, which was checked.
        let reasons = Pair::from_fn(|seat| mix.scenario(0).seats[seat].reasons);
        Dialect::new(tokenizer, Template::default(), reasons)
    }

    /// The same lessons in a dialect's tokens.
    ///
    /// # Errors
    /// As [`Dialect::seated`]; none of a dialect that is equipped for the mix.
    pub fn samples(&self, dialect: &Dialect, mix: &Mix, settings: &RunSettings) -> Result<Samples, TextError> {
        let weight = settings.sft.partner_weight;
        let mut dialogues: Pair<Vec<Sample>> = Pair::default();
        for seat in Seat::ALL {
            for record in self.imitated(seat) {
                let dialect = dialect.seated(&mix.of(&record.casting).rules, seat)?;
                dialogues[seat].extend(text::taught(&dialect, record, seat, weight).into_iter().map(sample));
            }
            dialogues[seat].sort_by_key(|sample| sample.tokens.len());
        }
        let drills = Pair::from_fn(|seat| {
            self.drills[seat].iter().flat_map(|drill| taught_drill(dialect, drill)).map(sample).collect()
        });
        let talks = Pair::from_fn(|seat| self.kept[seat].len());
        Ok(Samples { dialogues, talks, drills, settings: settings.sft.clone(), seed: settings.seed })
    }
}

/// All that the cold start depends on, besides the device and the language that comes of it. It is made for each seat apart, so who learns is not among it.
#[derive(Serialize)]
struct Basis<'r> {
    seed: u64,
    threads: usize,
    scenarios: Vec<(&'r Scenario, f64)>,
    model: &'r ModelShape,
    seats: Seats,
    dtype: &'r Dtype,
    base: &'r Option<BaseFolder>,
    sft: &'r SftSettings,
    optimizer: &'r OptimizerSettings,
}

/// Hash of all that the cold start of a run depends on; `None` if it has none.
#[must_use]
pub fn lessons_hash(settings: &RunSettings, mix: &Mix) -> Option<Hash> {
    let RunSettings { name: _, seed, limits, model, seats, dtype, base, sft, grpo, eval: _, checkpoints: _ } = settings;
    let scenarios = mix.parts().iter().map(|part| (&*part.scenario, part.weight)).collect();
    let (seed, threads, optimizer) = (*seed, limits.threads, &grpo.optimizer);
    let basis = Basis { seed, threads, scenarios, model, seats: *seats, dtype, base, sft, optimizer };
    (sft.updates > 0).then(|| manifest::hash_of(&basis))
}

impl Samples {
    /// What `seat` learns from at an update, counted from 1.
    #[must_use]
    pub fn batch(&self, seat: Seat, update: u64) -> Batch {
        let address = Address { seed: self.seed, phase: Phase::Sft, round: update, group: 0, trial: 0, member: 0 };
        let mut draws = address.draws(Stream::Shuffle(seat as u32));
        let enough = self.settings.tokens_per_update as f64;
        let samples = self.draw(seat, &mut draws, enough, |sample| sample.tokens.len() as f64);
        Batch::new(Objective::Sft, schedule::sft_lr(&self.settings, update), samples)
    }

    /// What `seat` learns from once more beside a batch of this step of GRPO. It is drawn by the step alone, so a run that was killed draws the same.
    #[must_use]
    pub fn replay(&self, seat: Seat, step: u64, batch: &Batch, settings: &ReplaySettings) -> Replay {
        let address = Address { seed: self.seed, phase: Phase::Grpo, round: step, group: 0, trial: 0, member: 0 };
        let weight = |sample: &Sample| sample.weights.iter().map(|weight| f64::from(*weight)).sum::<f64>();
        let enough = settings.beside(batch.samples.iter().map(weight).sum());
        let samples = self.draw(seat, &mut address.draws(Stream::Replay(seat)), enough, weight);
        Replay { weight: settings.weight, samples }
    }

    /// Samples until their `size` together is enough. All of them are among neighbours in order of length.
    fn draw(&self, seat: Seat, draws: &mut Draws, enough: f64, size: impl Fn(&Sample) -> f64) -> Vec<Sample> {
        let (dialogues, drills) = (&self.dialogues[seat], &self.drills[seat]);
        let last = dialogues.len().saturating_sub(NEIGHBOURS);
        let start = draws.range(0, last as i64) as usize;
        let neighbours = &dialogues[start..(start + NEIGHBOURS).min(dialogues.len())];
        let mut samples = Vec::new();
        let mut drawn = 0.0;
        while drawn < enough {
            let sample = if !drills.is_empty() && draws.chance(self.settings.drill_share) {
                draws.pick(drills)
            } else {
                draws.pick(neighbours)
            };
            drawn += size(sample);
            samples.push(sample.clone());
        }
        samples
    }

    /// What the teacher's dialogues come to for a seat, as means over `dialogues`, the silent ones included.
    #[must_use]
    pub fn usual(&self, seat: Seat) -> Usual {
        let count = self.talks[seat].max(1) as f64;
        let own = |sample: &Sample| sample.weights.iter().filter(|weight| **weight == 1.0).count();
        let sum = |of: &dyn Fn(&Sample) -> usize| self.dialogues[seat].iter().map(of).sum::<usize>() as f64;
        Usual { stream: sum(&|sample| sample.tokens.len()) / count, own: sum(&own) / count }
    }

    /// Tokens that are read for each that is learned, by weight: as samples are drawn, and of the sample of which most are read.
    #[must_use]
    pub fn read_for_each(&self, seat: Seat) -> (f64, f64) {
        let weight = |sample: &Sample| sample.weights.iter().map(|weight| f64::from(*weight)).sum::<f64>();
        let (dialogues, drills) = (&self.dialogues[seat], &self.drills[seat]);
        let share = if drills.is_empty() { 0.0 } else { self.settings.drill_share };
        let mean = |of: &dyn Fn(&Sample) -> f64| {
            let among = |samples: &[Sample]| samples.iter().map(of).sum::<f64>() / samples.len().max(1) as f64;
            share * among(drills) + (1.0 - share) * among(dialogues)
        };
        let read = |sample: &Sample| sample.tokens.len() as f64;
        let all = dialogues.iter().chain(drills).filter(|sample| weight(sample) > 0.0);
        let most = all.map(|sample| read(sample) / weight(sample)).fold(0.0, f64::max);
        (mean(&read) / mean(&weight).max(f64::MIN_POSITIVE), most)
    }

    /// Whether there is no dialogue for a seat to imitate.
    #[must_use]
    pub fn is_empty(&self, seat: Seat) -> bool {
        self.dialogues[seat].is_empty()
    }

    /// The longest sample, in tokens: what the model's context must hold.
    #[must_use]
    pub fn longest(&self) -> usize {
        let all = [&self.dialogues.agent, &self.dialogues.user, &self.drills.agent, &self.drills.user];
        all.into_iter().flatten().map(|sample| sample.tokens.len()).max().unwrap_or(0)
    }
}

/// The teacher's dialogues with itself. Where nobody learns from them, a few, for what a plan expects; none, if it cannot play.
fn scripted(setup: &Setup) -> anyhow::Result<Vec<EpisodeRecord>> {
    let (mix, settings) = (&setup.mix, &setup.settings);
    let is_read_alone = settings.sft.updates == 0;
    let count = if is_read_alone { settings.sft.dialogues.min(TALKS_OF_PLAN) } else { settings.sft.dialogues };
    let castings = plan::cold_start_castings(count, &settings.sft.teacher, mix, settings.seed);
    let play = |casting: Casting| {
        let scenario = mix.of(&casting);
        // A script writes its acts either way; what it is told is what the model will be.
        let tools = Pair::from_fn(|seat| setup.tools(scenario, seat));
        let record = play_by_rule(Casting { tools, ..casting }, scenario, settings.seed)?;
        Some(rethought(record, scenario, settings.sft.thoughts))
    };
    let dialogues: Option<Vec<EpisodeRecord>> = castings.into_iter().map(play).collect();
    if is_read_alone {
        return Ok(dialogues.unwrap_or_default());
    }
    dialogues.ok_or_else(|| anyhow!("`{}` does not play both seats", settings.sft.teacher))
}

/// The dialogue with its thoughts as they are to be taught. A thought that the gym cannot tell freely is left out, as those of no thought are.
fn rethought(mut record: EpisodeRecord, scenario: &Scenario, thoughts: Thoughts) -> EpisodeRecord {
    for thought in record.turns.iter_mut().filter_map(|turn| turn.decision.thought.as_mut()) {
        match thoughts {
            Thoughts::Own => {}
            Thoughts::Free => *thought = scenario.rules.free_thought(thought).unwrap_or_default(),
            Thoughts::None => thought.clear(),
        }
    }
    record
}

/// Numbers of the dialogues that a seat imitates: of each scenario the `top` in which it scored most; all, if that is `None`.
fn best(dialogues: &[EpisodeRecord], seat: Seat, top: Option<u32>) -> Vec<usize> {
    let Some(top) = top else { return (0..dialogues.len()).collect() };
    let mut ranking = Ranking::new(top);
    (0..).zip(dialogues).for_each(|(number, record)| ranking.add(number, record, seat));
    ranking.close();
    (0..dialogues.len()).filter(|number| ranking.keeps(*number as u64, seat)).collect()
}

/// The drills with numbers below `count` that a scenario has for `seat`; none if its gym has none.
pub fn drills(scenario: &Arc<Scenario>, split: Split, seat: Seat, count: u32) -> impl Iterator<Item = Drill> + use<> {
    let scenario = Arc::clone(scenario);
    (0..count).filter_map(move |index| scenario.rules.drill(&scenario, split, seat, index))
}

/// The text side of the models of a run.
#[must_use]
pub fn text_files(dialect: &Dialect, mix: &Mix) -> TextFiles {
    let id = |text: &str| dialect.tokenizer().id(text);
    let mut ordered: Vec<(u32, f32)> = Vec::new();
    for (text, place) in mix.scenarios().flat_map(|scenario| scenario.rules.ordered_tokens()) {
        if let Some(id) = id(&text).filter(|id| ordered.iter().all(|(known, _)| known != id)) {
            ordered.push((id, place));
        }
    }
    TextFiles {
        tokenizer: dialect.tokenizer().to_json().to_owned(),
        template: dialect.template().source().to_owned(),
        close_id: dialect.close_id(),
        pad_id: dialect.pad_id(),
        vocab_len: dialect.tokenizer().len(),
        ordered,
    }
}

fn sample(taught: Taught) -> Sample {
    let len = taught.tokens.len();
    Sample {
        episode: None,
        seat: None,
        tokens: taught.tokens,
        weights: taught.weights,
        advantages: vec![0.0; len],
        logprobs: vec![0.0; len],
        versions: vec![0; len],
        thought: taught.thought,
        temperature: 1.0,
    }
}

/// A drill as a stream: only its answers are learned.
fn taught_drill(dialect: &Dialect, drill: &Drill) -> Vec<Taught> {
    let turns: Vec<_> =
        drill.questions.iter().map(|asked| (&asked.messages[..], Decision::say(&asked.answer))).collect();
    text::taught_answers(dialect, &turns)
}
