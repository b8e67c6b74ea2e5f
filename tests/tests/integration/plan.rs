//! `plan`: its numbers against sums made here by hand, against what a run did, and its exit codes.

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;
use sim::Seat;

use crate::program::duologue;
use crate::training::SMALL;
use crate::training::STEPS;
use crate::training::TRAINED;
use crate::training::dialect;
use crate::training::records;
use crate::training::scratch;

fn sets<'a>(sets: &[&'a str]) -> Vec<&'a str> {
    sets.iter().flat_map(|set| ["--set", set]).collect()
}

fn plan_of(run: &str, more: &[&str]) -> Value {
    let said = duologue(&[&["plan", run, "--json"], more].concat()).done();
    serde_json::from_str(&said).expect("stdout is one JSON value")
}

/// Of the quickstart, with few dialogues: what is counted here does not depend on them.
fn quickstart(more: &[&str]) -> Value {
    plan_of("configs/quickstart.toml", &sets(&[&["sft.dialogues=60"], more].concat()))
}

fn phase<'a>(plan: &'a Value, name: &str) -> &'a Value {
    let phases = plan["budget"]["phases"].as_array().expect("a list");
    phases.iter().find(|phase| phase["phase"] == name).expect(name)
}

#[test]
fn the_quickstarts_episodes_and_updates_add_up_by_hand() {
    let plan = quickstart(&[]);
    let kinds = plan["steps"].as_array().expect("a list");
    assert_eq!(kinds.len(), 1, "both seats learn at every step");
    let tables: Vec<(u64, &str, &str)> = kinds[0]["played"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|t| {
            (
                t["groups"].as_u64().unwrap(),
                t["policies"]["agent"].as_str().unwrap(),
                t["policies"]["user"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(tables, [(6, "model", "model"), (6, "model", "rule"), (6, "scripted:trapper", "model")]);
    let grpo = phase(&plan, "grpo");
    assert_eq!((&grpo["episodes"], &grpo["updates"]), (&json!(40 * 18 * 8), &json!(2 * 40)));
    // Steps 0, 20 and 40; 200 items for each seat, and 8 on which the models meet.
    assert_eq!(plan["budget"]["evaluations"], 3);
    assert_eq!(phase(&plan, "evaluation")["episodes"], 3 * (200 + 200 + 8));
    assert_eq!(plan["budget"]["episodes"], 40 * 18 * 8 + 3 * 408);
    let cold_start = phase(&plan, "cold start");
    assert_eq!((&cold_start["updates"], &cold_start["learned"]["agent"]["min"]), (&json!(7000), &json!(3500 * 600)));
    // A model sits in 12 of 18 groups for either seat; the agent speaks first, and 6 turns of 48 tokens are the most.
    let sampled = &grpo["sampled"]["agent"];
    assert_eq!((&sampled["min"], &sampled["max"]), (&json!(40 * 12 * 8), &json!(40 * 12 * 8 * 6 * 48)));
    let sampled = &grpo["sampled"]["user"];
    assert_eq!((&sampled["min"], &sampled["max"]), (&json!(0), &json!(40 * 12 * 8 * 512)), "the context is the bound");
    // 3500 updates with a commit every 200, but not at the last; step 0; 40 steps.
    let disk = &plan["budget"]["disk"];
    assert_eq!((&disk["commits"], &disk["checkpoints_kept"]), (&json!(17 + 1 + 40), &json!(4)));
}

#[test]
fn the_models_size_adds_up_by_hand() {
    let plan = quickstart(&[]);
    let vocabulary = plan["models"]["vocabulary"].as_u64().expect("a count");
    let layer = 4 * 128 * 128 + 3 * 128 * 352 + 2 * 128 + 2 * 32;
    let parameters = vocabulary * 128 + 3 * layer + 128;
    assert_eq!(plan["models"]["parameters"], parameters);
    let memory = &plan["models"]["memory"];
    let keys = ["weights", "moments", "gradient", "undo", "reference"].map(|key| memory[key].as_u64().expect(key));
    assert_eq!(keys, [4, 8, 4, 12, 0].map(|bytes| bytes * parameters), "two minibatches, no penalty");
    // 256 episodes alive, 512 tokens each, a key and a value of 128 numbers in each of 3 layers.
    assert_eq!(memory["cache_max"], 256 * 512 * 3 * 2 * 128 * 4);
    // Weights and moments of both seats, and their tokenizers.
    let bytes = plan["models"]["checkpoint_bytes"].as_u64().expect("a count");
    assert!((24 * parameters..25 * parameters).contains(&bytes), "{bytes}");
    let one = quickstart(&["grpo.kl_weight=0.01", "grpo.mode=agent", "grpo.groups.mutual=0", "grpo.minibatches=1"]);
    assert_eq!((&one["models"]["seats"], &one["models"]["memory"]["undo"]), (&json!(["agent"]), &json!(0)));
    assert_eq!(one["models"]["memory"]["reference"], 4 * parameters);
}

#[test]
fn steps_that_take_turns_are_told_apart() {
    let plan = quickstart(&["grpo.mode=alternating", "grpo.agent_steps=2", "grpo.steps=10"]);
    let kinds: Vec<(u64, bool, u64)> = plan["steps"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|kind| {
            (kind["steps"].as_u64().unwrap(), kind["learns"]["agent"] == true, kind["episodes"].as_u64().unwrap())
        })
        .collect();
    // Two of the agent, one of the user, and so on: steps 3, 6 and 9 are the user's.
    assert_eq!(kinds, [(7, true, 12 * 8), (3, false, 12 * 8)]);
    assert_eq!(phase(&plan, "grpo")["updates"], 10);
    let none = quickstart(&["grpo.steps=0"]);
    assert_eq!((&none["steps"], &none["budget"]["evaluations"]), (&json!([]), &json!(1)));
}

/// A free thought has no state and no tone, and none at all has nothing: the fewer steps, the fewer tokens the user writes.
#[test]
fn a_cold_start_teaches_thoughts_as_they_are_freely_told_or_none() {
    let written = |thoughts: &str| {
        let set = format!("sft.thoughts={thoughts}");
        let plan = plan_of("configs/talk.toml", &sets(&["sft.dialogues=60", &set]));
        phase(&plan, "grpo")["sampled"]["user"]["expected"].as_u64().expect("a count")
    };
    let [own, free, none] = ["own", "free", "none"].map(written);
    assert!(own > free && free > none + none / 4 && none > 0, "{own}, {free}, {none}");
    let told =
        duologue(&[&["plan", "configs/talk.toml"], &sets(&["sft.dialogues=60", "sft.thoughts=free"])[..]].concat());
    assert!(told.done().contains("the talks of `scripted:noisy` with itself, its thoughts told freely"));
}

/// What a run did lies within what was planned for it, and what can be known beforehand was known.
#[test]
fn a_run_keeps_to_its_plan() {
    let plan = plan_of("configs/quickstart.toml", &sets(&SMALL));
    let records = records(&TRAINED);
    assert_eq!(plan["budget"]["episodes"], records.len());
    for seat in Seat::ALL {
        for (name, phase_of) in [("grpo", sim::Phase::Grpo), ("evaluation", sim::Phase::Eval)] {
            let turns = records.iter().filter(|r| r.casting.id.phase == phase_of).flat_map(|r| r.turns_of(seat));
            let written: usize =
                turns.filter_map(|turn| turn.decision.generation.as_ref()).map(|g| g.tokens.len()).sum();
            let planned = &phase(&plan, name)["sampled"][seat.name()];
            let [min, max] = ["min", "max"].map(|key| planned[key].as_u64().expect(key) as usize);
            assert!(min <= written && written <= max, "{seat} {name}: {written} is not in {planned}");
            let expected = planned["expected"].as_u64().expect("a count") as usize;
            assert!(expected > written / 3 && expected < written * 3, "{seat} {name}: {written}, not {expected}");
        }
    }
    let commits = fs::read_dir(TRAINED.join("checkpoints")).expect("a run has checkpoints").count();
    assert_eq!(plan["budget"]["disk"]["checkpoints_kept"], commits);
    let last = commits as u64 - 1;
    assert_eq!(last, STEPS, "the last three, and step 0");
    assert_eq!(plan["models"]["vocabulary"], dialect(&TRAINED).tokenizer().len());
}

#[test]
fn time_comes_from_an_earlier_run_of_the_same_config_and_from_nothing_else() {
    // Where a run lies is said by its name.
    let scratch = scratch();
    let place = |name: &str| scratch.path().join("runs").join(name);
    fs::create_dir_all(place("quickstart")).expect("the place is ours");
    for file in ["manifest.json", "timings.jsonl"] {
        fs::copy(TRAINED.join(file), place("quickstart").join(file)).expect("the run has it");
    }
    let in_scratch = |more: &[&str]| {
        let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/quickstart.toml");
        let run = run.to_str().expect("a path of text").to_owned();
        let arguments = [&["plan", &run, "--json"], &sets(&SMALL)[..], more].concat();
        let mut command = crate::program::command(&arguments);
        command.current_dir(scratch.path());
        let said = crate::program::finish(command).done();
        serde_json::from_str::<Value>(&said).expect("stdout is one JSON value")["time"].clone()
    };
    let lines = crate::training::lines(&TRAINED.join("timings.jsonl"));
    let mean = |phase: &str| {
        let of_phase: Vec<f64> = lines
            .iter()
            .filter(|line| line["phase"] == phase)
            .map(|line| ["play_s", "update_s"].iter().filter_map(|key| line[*key].as_f64()).sum())
            .collect();
        of_phase.iter().sum::<f64>() / of_phase.len() as f64
    };
    let expected = mean("sft") * 12.0 + mean("grpo") * 3.0 + mean("eval") * 3.0;
    for seed in [&[][..], &["--seed", "7"]] {
        let time = in_scratch(seed);
        let seconds = time["seconds"].as_f64().expect("it is known");
        assert!((seconds - expected).abs() < 1e-9 * expected, "{seconds}, not {expected}");
    }
    for (more, why) in [
        (&["--set", "grpo.lr=1e-3"][..], "is of another config"),
        (&["--set", "name=another"], "no earlier run lies in runs/another"),
    ] {
        let time = in_scratch(more);
        assert_eq!(time["seconds"], Value::Null);
        let basis = time["basis"].as_str().expect("a text");
        assert!(basis.contains(why) && basis.contains("prints an ETA"), "{basis}");
    }
}

#[test]
fn a_person_reads_who_uses_what_and_what_is_learned() {
    let page =
        duologue(&[&["plan", "configs/quickstart.toml", "--seed", "4"], &sets(&["sft.dialogues=60"])[..]].concat())
            .done();
    for part in [
        "configs/quickstart.toml: the run `quickstart` of scenario `haggle`, into runs/quickstart\n",
        "  seed                            4                --seed    everybody who draws: every address of randomness\n",
        "  sft.dialogues                   60               --set     cold start: ",
        "  grpo.em_k                       -                default   nobody in this run: ",
        "  agent: score = 1 x surplus, from -1 to 1\n",
        "reward = score + 0.05 x truthful + 0.25 x candid + 0.1 x well_formed\n",
        "z = (S - mean) / (std + 0.05), over the seat's own rewards alone; the mean is that of its group\n",
        "L = max(-A q, -A clamp(q, 0.8, 1.28))\n",
        "where A < 0, L is at most 3 |A|\n",
        "up to 0.0006 in 5 steps, then a half cosine down to 0.00006 at step 40\n",
        "      6 x 8   agent model (learns)             user model (learns)\n",
        "      6 x 8   agent scripted:trapper           user model (learns)\n",
    ] {
        assert!(page.contains(part), "`{part}` is not in\n{page}");
    }
    for line in page.lines() {
        assert_eq!(line, line.trim_end(), "whitespace at the end of a line");
    }
}

#[test]
fn what_train_would_refuse_is_refused() {
    for (arguments, beginning) in [
        (&["configs/nowhere.toml"][..], "error: configs/nowhere.toml: cannot be read: there is no such file\n"),
        (&["scenarios/haggle.toml"], "error: scenarios/haggle.toml"),
        (&["configs/quickstart.toml", "--set", "grpo.stpes=3"], "error: --set: grpo.stpes: unknown key"),
        (
            &["configs/quickstart.toml", "--set", "sft.dialogues=60", "--set", "model.vocab_max=270"],
            "error: --set: model.vocab_max: a vocabulary of 270 is too small",
        ),
        (
            &["configs/quickstart.toml", "--set", "sft.dialogues=60", "--set", "model.max_position_embeddings=200"],
            "error: --set: model.max_position_embeddings: cannot be 200: ",
        ),
    ] {
        let said = duologue(&[&["plan"], arguments].concat()).refused();
        assert!(said.starts_with(beginning), "{said}");
    }
}
