//! `replay` over what `train` and `rollout` leave, and `rollout` itself.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sim::EpisodeRecord;
use sim::Seat;

use crate::program::duologue;
use crate::training::TRAINED;
use crate::training::copy_of_trained;
use crate::training::last_model;
use crate::training::records;
use crate::training::scratch;

fn replay(folder: &Path, more: &[&str]) -> crate::program::Said {
    duologue(&[&["replay", folder.to_str().expect("we named it")], more].concat())
}

#[test]
fn every_episode_of_a_run_is_re_driven_without_a_difference() {
    let count = records(&TRAINED).len();
    assert!(count > 40, "the run has played");
    assert_eq!(replay(&TRAINED, &[]).done(), format!("{count} episodes re-driven, 0 differ\n"));
}

#[test]
fn one_episode_is_shown_re_driven_and_forked_at_any_turn() {
    let records = records(&TRAINED);
    let record = records.iter().max_by_key(|record| record.turns.len()).expect("the run has played");
    let id = record.casting.id.to_string();
    let said = replay(&TRAINED, &["--episode", &id]).done();
    assert!(said.starts_with(&format!("{id}  item {}\n", record.item)), "{said}");
    assert!(said.ends_with("re-driven without a difference\n"), "{said}");
    for turn in 0..record.turns.len() {
        let said = replay(&TRAINED, &["--episode", &id, "--fork", &turn.to_string()]).done();
        let heading = format!("forked before turn {turn}; agent scripted:trapper and user rule play on\n");
        assert!(said.starts_with(&heading), "{said}");
        // Up to the fork it is the same talk.
        for turn in &record.turns[..turn] {
            if let Ok(sim::Act::Say(text)) = &turn.decision.act {
                assert!(said.contains(text.as_str()), "{text} is missing in {said}");
            }
        }
    }
}

#[test]
fn a_world_that_has_changed_since_is_a_difference_and_exit_code_one() {
    let (_scratch, run) = copy_of_trained();
    let file = run.join("scenario.json");
    let mut scenario: Value =
        serde_json::from_slice(&fs::read(&file).expect("a run has its scenario")).expect("as it was written");
    scenario["turns_max"] = 1.into();
    fs::write(&file, scenario.to_string()).expect("the copy is ours");
    let said = replay(&run, &[]);
    assert!(said.stdout.contains(" differ\n") && !said.stdout.contains(", 0 differ"), "{}", said.stdout);
    let stderr = said.failed(1);
    assert!(stderr.contains(": recorded ") && stderr.contains(", re-driven "), "{stderr}");
    assert!(stderr.contains("\nerror: ") && stderr.contains("\nhint: "), "{stderr}");
}

#[test]
fn a_rollout_is_stored_shown_and_re_driven() {
    let scratch = scratch();
    let out = scratch.path().join("out");
    let model = |seat| format!("model:{}", last_model(&TRAINED, seat).display());
    let (agent, user) = (model(Seat::Agent), model(Seat::User));
    let arguments =
        ["rollout", "scenarios/haggle.toml", "--episodes", "7", "--agent", &agent, "--user", &user, "--json"];
    let stored = [&arguments[..], &["--out", out.to_str().expect("we named it")]].concat();
    let said = duologue(&stored).done();
    let shown: Vec<EpisodeRecord> =
        said.lines().map(|line| serde_json::from_str(line).expect("each line is a record")).collect();
    assert_eq!(shown.len(), 7);
    assert!(shown.iter().flat_map(|record| &record.turns).all(|turn| turn.decision.generation.is_some()));
    let mut stored = records(&out);
    stored.sort_by_key(|record| record.casting.id);
    assert!(shown == stored, "what is shown is what is stored");
    assert_eq!(replay(&out, &[]).done(), "7 episodes re-driven, 0 differ\n");
    // The same seed again, without a folder.
    assert_eq!(duologue(&arguments).done(), said);
    let other = duologue(&[&arguments[..], &["--seed", "2"]].concat()).done();
    assert_ne!(other, said);
}

#[test]
fn a_rollout_for_people_is_a_talk_with_both_private_sides() {
    let said = duologue(&["rollout", "scenarios/haggle.toml"]).done();
    for part in [
        "rollout-000000-0000-0-1  item train-000000\n",
        "(agent knows)  You sell",
        "(user knows)  You buy",
        "user thinks  ",
        "        agent  ",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
