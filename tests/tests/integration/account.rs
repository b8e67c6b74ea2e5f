//! What a run leaves adds up: each episode once, each token whose it is, each probability as it was.

use std::collections::BTreeSet;

use rl::Mix;
use rl::MovingBaseline;
use rl::Outlook;
use rl::Sample;
use rl::harvest::harvest;
use rl::plan;
use rl::settings::RunSettings;
use runs::CheckpointId;
use runs::Checkpoints;
use runs::RunPaths;
use runs::Totals;
use runs::TrainPhase;
use sim::Act;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Seat;
use sim::record::Casting;
use sim::scenario::Split;
use text::Dialect;

use crate::program::root;
use crate::training::SMALL;
use crate::training::STEPS;
use crate::training::TRAINED;
use crate::training::dialect;
use crate::training::lines;
use crate::training::records;

fn small() -> (RunSettings, Mix) {
    let overrides = SMALL.map(str::to_owned);
    let (settings, mix, _) =
        config::load_run(&root().join("configs/quickstart.toml"), &overrides).expect("the small run is good");
    (settings, mix)
}

/// What each step plays.
fn step(settings: &RunSettings, mix: &Mix, step: u64) -> Vec<Casting> {
    plan::step_castings(&settings.grpo, mix, settings.seed, step, &Outlook::default())
}

/// What each evaluation plays: either seat's model on each item, and both models on the first eight.
fn evaluation(settings: &RunSettings, step: u64) -> impl Iterator<Item = EpisodeId> {
    let items = settings.eval.items;
    let play = move |trials, items, member| {
        plan::eval_castings(Split::HeldOut, items, trials, &Pair::default(), step)
            .into_iter()
            .map(move |casting| EpisodeId { member, ..casting.id })
    };
    let trials = settings.eval.trials;
    play(trials, items, 1).chain(play(trials, items, 2)).chain(play(1, items.min(8), 3))
}

#[test]
fn each_planned_episode_is_in_the_log_once_and_the_account_says_so() {
    let (settings, mix) = small();
    let steps = (1..=STEPS).flat_map(|number| step(&settings, &mix, number)).map(|casting| casting.id);
    let planned: BTreeSet<EpisodeId> =
        steps.chain([0, 2, 3].into_iter().flat_map(|step| evaluation(&settings, step))).collect();
    let recorded: Vec<EpisodeId> = records(&TRAINED).iter().map(|record| record.casting.id).collect();
    assert_eq!(recorded.len(), planned.len());
    assert_eq!(recorded.iter().copied().collect::<BTreeSet<_>>(), planned);

    let checkpoints = Checkpoints::at(&RunPaths::new(TRAINED.clone()).checkpoints());
    for number in 0..=STEPS {
        let id = CheckpointId { phase: TrainPhase::Grpo, step: number };
        let state = checkpoints.load(id).expect("small runs keep the last four").state;
        let so_far = recorded.iter().filter(|id| id.round <= number).count() as u64;
        assert_eq!(state.ledger.totals(), Totals { opened: so_far, recorded: so_far, faulted: 0, lost: 0 });
        assert_eq!(state.ledger.open_count(), 0);
    }
}

#[test]
fn what_is_learned_from_is_what_was_sampled_and_nothing_else() {
    let (settings, mix) = small();
    let (records, dialect) = (records(&TRAINED), dialect(&TRAINED));
    let mut samples = 0;
    for number in 1..=STEPS {
        let castings = step(&settings, &mix, number);
        let of_step: Vec<EpisodeRecord> = records
            .iter()
            .filter(|r| r.casting.id.phase == Phase::Grpo && r.casting.id.round == number)
            .cloned()
            .collect();
        for seat in Seat::ALL {
            let harvest = harvest(&castings, &of_step, seat, &settings.grpo, 1e-3, &mut MovingBaseline::default())
                .expect("the records are whole");
            for sample in &harvest.batch.samples {
                let record = of_step.iter().find(|record| Some(record.casting.id) == sample.episode);
                check_masks(sample, record.expect("a sample is of an episode"), seat, &dialect);
                samples += 1;
            }
        }
    }
    assert!(samples > 0, "there was something to learn from");
}

/// The stream's parts, told apart by their weight, must alternate between what the seat was shown and what it decided, in words.
fn check_masks(sample: &Sample, record: &EpisodeRecord, seat: Seat, dialect: &Dialect) {
    let mut parts: Vec<(bool, Vec<u32>)> = Vec::new();
    for (token, weight) in sample.tokens.iter().zip(&sample.weights) {
        assert!(*weight == 0.0 || *weight == 1.0);
        let own = *weight == 1.0;
        match parts.last_mut() {
            Some((last, tokens)) if *last == own => tokens.push(*token),
            _ => parts.push((own, vec![*token])),
        }
    }
    let text = |tokens: &[u32]| dialect.tokenizer().decode(tokens);
    let turns: Vec<&sim::Turn> = record.turns_of(seat).collect();
    assert_eq!(parts.len(), 2 * turns.len());
    for (pair, turn) in parts.chunks(2).zip(turns) {
        let [(false, shown), (true, own)] = pair else { panic!("each turn is shown something, then decides") };
        let (shown, own) = (text(shown), text(own));
        let place = turn
            .observed
            .iter()
            .try_fold(0, |from, message| shown[from..].find(&message.text).map(|at| from + at + message.text.len()));
        assert!(place.is_some(), "{shown} does not show {:?}", turn.observed);
        let thought = turn.decision.thought.as_ref().filter(|_| seat == Seat::User);
        let thought = thought.map_or(String::new(), |thought| format!("<think>{thought}</think>"));
        if let Ok(Act::Say(said)) = &turn.decision.act {
            let spoken = own.strip_prefix(&thought).and_then(|own| own.strip_suffix("<|end|>").or(Some(own)));
            assert_eq!(spoken.map(str::trim), Some(said.as_str()), "{own}");
        }
    }
}

#[test]
fn no_token_drifts() {
    let dialect = dialect(&TRAINED);
    let (mut sound, mut drifted, mut generations) = (0, 0, 0);
    for record in records(&TRAINED) {
        generations += record.turns.iter().filter(|turn| turn.decision.generation.is_some()).count() as u64;
        for seat in Seat::ALL {
            let drift = text::drift(&record, seat, &dialect);
            sound += drift.none;
            drifted += drift.drifted();
        }
    }
    assert!(generations > 100, "the models have spoken");
    assert_eq!((sound, drifted), (generations, 0));
    for line in lines(&TRAINED.join("metrics.jsonl")).iter().filter(|line| line["phase"] == "grpo") {
        assert_eq!(line["drift"], 0.0);
        for seat in ["agent", "user"] {
            // The learner computes each probability anew, from the stream it was handed.
            assert_eq!(line[format!("{seat}/logprob_abs_diff_max")], 0.0);
        }
    }
}

#[test]
fn each_generation_carries_the_version_that_sampled_it() {
    let (settings, _) = small();
    for record in records(&TRAINED) {
        let before = match record.casting.id.phase {
            Phase::Grpo => record.casting.id.round - 1,
            Phase::Eval => record.casting.id.round,
            Phase::Sft | Phase::Rollout => panic!("a run plays no {}", record.casting.id),
        };
        for turn in &record.turns {
            let is_model = record.casting.policies[turn.seat] == plan::MODEL;
            let generation = turn.decision.generation.as_ref();
            assert_eq!(is_model, generation.is_some());
            if let Some(generation) = generation {
                assert_eq!((generation.policy.as_str(), generation.temperature), (turn.seat.name(), 1.0));
                assert_eq!(generation.tokens.len(), generation.logprobs.len());
                assert!(generation.version <= settings.sft.updates + before, "a version of the future");
                assert!(generation.version >= settings.sft.updates, "a version from before the cold start's end");
            }
        }
    }
}
