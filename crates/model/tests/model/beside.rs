//! Sampling with a copy while the original is learned from.

use std::thread;

use duologue_model::Lora;
use duologue_model::TchLoader;
use rl::Batch;
use rl::Model;
use rl::Objective;
use rl::Row;
use rl::Sample;
use rl::Sampled;
use sim::Seat;
use tempfile::TempDir;

use crate::checkpoint::save;
use crate::checkpoint::with_decoder;
use crate::fixtures::*;

/// Updates while the copy samples.
const UPDATES: u64 = 12;

fn lessons() -> Vec<Batch> {
    let mut draws = draws(41);
    let mut lesson = || -> Vec<Sample> { (0..8).map(|_| sft_sample(ids(&mut draws, 12), 2)).collect() };
    (0..UPDATES).map(|_| Batch { lr: 1e-2, ..batch(Objective::Sft, lesson()) }).collect()
}

/// What is sampled for the same rows, to the bit.
fn said(model: &mut Model) -> Vec<Sampled> {
    let mut draws = draws(42);
    let rows: Vec<Row> = (1..=6).map(|member| row(member, ids(&mut draws, 4 + member as usize), 0)).collect();
    let sessions: Vec<rl::Session> = rows.iter().map(|row| row.session).collect();
    let sampled = submit(&mut *model.policy, rows).into_iter().map(|sampled| sampled.expect("sampled")).collect();
    // As if it were asked for the first time.
    model.policy.forget(&sessions);
    sampled
}

fn learnt(model: &mut Model) -> Vec<u32> {
    let numbers: Vec<f32> = with_decoder(model, |decoder| Vec::try_from(decoder.learnt().flat()).expect("f32 numbers"));
    numbers.into_iter().map(f32::to_bits).collect()
}

fn check(make: impl Fn() -> Model) {
    let mut in_turns = make();
    for batch in lessons() {
        update(&mut in_turns, &batch).expect("an update");
    }

    let mut model = make();
    let before = said(&mut model);
    let mut weights = model.policy.lend().expect("the policy holds its weights");
    model.policy.load(weights.copy());
    let Model { policy, mut learner } = model;
    let learning = thread::spawn(move || {
        for batch in lessons() {
            let (updated, report) = learner.update(weights, &batch);
            report.expect("an update");
            weights = updated;
        }
        (learner, weights)
    });
    // It may be done sooner; what the copy says is the same at any time.
    let mut model = Model { policy, learner: make().learner };
    while !learning.is_finished() {
        assert_eq!(said(&mut model), before);
    }
    assert_eq!(said(&mut model), before);
    let (learner, weights) = learning.join().expect("it learns");
    model.learner = learner;
    model.policy.load(weights);

    assert!(learnt(&mut model) == learnt(&mut in_turns), "what was sampled beside has changed what was learned");
    let after = said(&mut model);
    assert_eq!(after, said(&mut in_turns));
    assert!(after != before && after.iter().all(|sampled| sampled.version == UPDATES));
}

#[test]
fn a_copy_says_what_its_original_said_while_that_learns_and_changes_nothing_of_what_it_learns() {
    check(|| fresh(&settings()));
}

#[test]
fn the_same_goes_for_an_adapter_whose_base_they_share() {
    let folder = TempDir::new().expect("the test made it");
    save(&mut fresh(&settings()), folder.path());
    let base = TchLoader::default().base(folder.path(), Some(&settings())).expect("what we wrote");
    check(|| base.fresh(Lora::new(3, 6.0), &settings(), Seat::User).expect("it fits"));
}
