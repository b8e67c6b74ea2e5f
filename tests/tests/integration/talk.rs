//! Scenarios made of files alone, through the whole program: checked, played by scripts and by a model, re-driven, trained.

use std::fs;

use sim::Seat;

use crate::program::duologue;
use crate::program::root;
use crate::training::SMALL;
use crate::training::last_model;
use crate::training::records;
use crate::training::scratch;

const FILES: [&str; 3] =
    ["scenarios/talk/broadband.toml", "scenarios/talk/checkup.toml", "scenarios/talk/heating.toml"];

#[test]
fn talks_are_checked_played_and_re_driven_by_the_program() {
    for file in FILES {
        let scratch = scratch();
        let out = scratch.path().join("talks");
        let out = out.to_str().expect("we named it");
        assert!(duologue(&["check", file]).done().ends_with(": good\n"), "{file}");
        let said = duologue(&["rollout", file, "--episodes", "4", "--agent", "scripted:trapper", "--out", out]).done();
        for part in ["(agent knows)", "(user knows)", "user thinks", "Intent: ", "agent  [greet]"] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let said = duologue(&["replay", out]).done();
        assert!(said.contains('4'), "{said}");
        let kept = records(scratch.path().join("talks").as_path());
        assert_eq!(kept.len(), 4);
        let mut effects = kept.iter().flat_map(|record| &record.turns).flat_map(|turn| &turn.effect);
        assert!(effects.any(|effect| effect.journal.iter().any(|line| line.contains("pressed"))));
    }
}

/// A model of n-grams that has learned from scripts for a second: it says all kinds of things, and each of them is a turn.
#[test]
fn r08_a_talk_is_played_by_a_model() {
    for file in FILES {
        let scratch = scratch();
        let (run, out) = (scratch.path().join("run.toml"), scratch.path().join("out"));
        let scenario = root().join(file).canonicalize().expect("it is part of the repository");
        let text = format!("scenario = {scenario:?}\nseed = 1\n[model]\nmax_position_embeddings = 16384\n");
        fs::write(&run, text).expect("the place is ours");
        let mut arguments = vec!["train", run.to_str().expect("ours"), "--out", out.to_str().expect("ours")];
        arguments.extend(SMALL.iter().flat_map(|set| ["--set", set]));
        duologue(&arguments).done();
        let kept = records(&out);
        assert!(kept.iter().all(|record| record.fault.is_none()), "{file}: a model's words are no fault");
        for seat in Seat::ALL {
            assert!(kept.iter().any(|record| record.turns_of(seat).any(|turn| turn.decision.generation.is_some())));
        }
        let model = format!("model:{}", last_model(&out, Seat::Agent).display());
        let said = duologue(&["eval", file, "--limit", "2", "--agent", &model, "--json"]).done();
        assert!(said.contains("user/trap_recall"), "{said}");
    }
}

#[test]
fn a_new_pack_is_good_as_it_stands_and_nothing_is_written_over() {
    let scratch = scratch();
    let out = scratch.path().to_str().expect("ours");
    let file = scratch.path().join("mine.toml");
    duologue(&["new", "pack", "mine", "--out", out]).done();
    assert!(duologue(&["check", file.to_str().expect("ours")]).done().contains("scenario `mine`: good"));
    let said = duologue(&["eval", file.to_str().expect("ours"), "--limit", "20", "--json"]).done();
    assert!(said.contains("own.agreed"), "{said}");
    let before = fs::read(&file).expect("it was written");
    let again = duologue(&["new", "pack", "mine", "--out", out]).refused();
    assert!(again.contains("cannot be written") && again.contains("hint: nothing is written over"), "{again}");
    assert_eq!(fs::read(&file).expect("it is there"), before);
    assert!(duologue(&["new", "pack", "a/b", "--out", out]).refused().contains("cannot be a name"));
}
