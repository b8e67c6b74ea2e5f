//! `train --cold-start`: what is lent is what would have been made, and nothing else is taken.

use std::path::Path;

use crate::killed::operations;
use crate::killed::start_and_halt;
use crate::training::TRAINED;
use crate::training::contents;
use crate::training::same_outcome;
use crate::training::scratch;
use crate::training::train;
use crate::training::train_command;

/// What comes after a cold start may differ: other draws for both seats, and a run in which one seat alone learns.
const AFTER_IT: [&[&str]; 2] = [
    &["--set", "name=another", "--set", "grpo.group_size=4"],
    &["--set", "grpo.mode=user", "--set", "grpo.groups.mutual=0", "--set", "grpo.groups.fixed=2"],
];

fn lent<'a>(lender: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [more, &["--cold-start", lender.to_str().expect("we named it")]].concat()
}

#[test]
fn with_a_lent_cold_start_a_run_leaves_the_bytes_that_it_leaves_with_its_own() {
    let scratch = scratch();
    for (number, more) in AFTER_IT.into_iter().enumerate() {
        let [own, other] = ["own", "other"].map(|name| scratch.path().join(format!("{name}-{number}")));
        assert!(train(&own, more).stderr.contains("cold start 12/12"));
        let said = train(&other, &lent(&TRAINED, more));
        assert!(!said.stderr.contains("cold start"), "{}", said.stderr);
        said.done();
        same_outcome(&own, &other);
    }
}

#[test]
fn a_run_that_is_killed_with_a_lent_cold_start_goes_on_to_the_same_bytes() {
    let scratch = scratch();
    let [whole, killed] = ["whole", "killed"].map(|name| scratch.path().join(name));
    let more = lent(&TRAINED, AFTER_IT[0]);
    train(&whole, &more).done();
    // Before anything is committed, and after.
    for operation in [3, operations(&more) / 2] {
        let resumed = [&more[..], if killed.exists() { &["--resume"] } else { &[] }].concat();
        let mut child = start_and_halt(&mut train_command(&killed, &resumed), operation).expect("it has more to do");
        child.kill().and_then(|()| child.wait()).expect("it stands still");
    }
    train(&killed, &[&more[..], &["--resume"]].concat()).done();
    same_outcome(&whole, &killed);
}

#[test]
fn what_is_another_cold_start_is_refused_with_what_differs() {
    let scratch = scratch();
    let (out, users) = (scratch.path().join("out"), scratch.path().join("users"));
    let refused = |lender: &Path, more: &[&str]| {
        let said = train(&out, &lent(lender, more)).refused();
        assert!(contents(&out).is_empty(), "nothing is begun");
        said
    };
    for (more, key) in [
        (["--seed", "2"], "`seed` differs"),
        (["--set", "sft.updates=13"], "`lessons` differs"),
        (["--set", "optimizer.beta2=0.9"], "`lessons` differs"),
        (["--set", "sft.dialogues=61"], "differs"),
    ] {
        let said = refused(&TRAINED, &more);
        assert!(said.contains("its cold start is another one") && said.contains(key), "{said}");
    }
    train(&users, AFTER_IT[1]).done();
    assert!(refused(&users, &[]).contains("`cold_start.agent` differs: the run has none"));
    assert!(refused(scratch.path(), &[]).contains("hint: name the folder of a run in --cold-start"));
}
