//! One seed, one end.

use crate::training::TRAINED;
use crate::training::contents;
use crate::training::copy_of_trained;
use crate::training::outcome;
use crate::training::same_outcome;
use crate::training::scratch;
use crate::training::train;

#[test]
fn two_runs_with_one_seed_leave_the_same_bytes() {
    let scratch = scratch();
    let again = scratch.path().join("again");
    train(&again, &[]).done();
    same_outcome(&TRAINED, &again);
}

#[test]
fn another_seed_is_another_run() {
    let scratch = scratch();
    let other = scratch.path().join("other");
    train(&other, &["--seed", "2"]).done();
    let (one, other) = (outcome(&TRAINED), outcome(&other));
    for file in ["metrics.jsonl", "episodes/log.bin", "checkpoints/step-000003/agent/counts.bin"] {
        let file = std::path::Path::new(file);
        assert!(one[file] != other[file], "{}", file.display());
    }
}

#[test]
fn a_finished_run_has_nothing_to_resume() {
    let (_scratch, run) = copy_of_trained();
    let before = contents(&run);
    let said = train(&run, &["--resume"]).done();
    assert!(said.contains("The run lies in "), "{said}");
    assert!(contents(&run) == before, "the folder has changed");
}
