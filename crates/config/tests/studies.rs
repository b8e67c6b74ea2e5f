//! Study files: what is made of a good one, and what a person reads who has made a mistake.

use std::fs;
use std::path::Path;

use duologue_config::Study;
use duologue_config::StudyPolicy;
use duologue_config::load_run;
use duologue_config::load_study;
use rl::Better;
use rl::Demand;
use sim::Seat;

const STUDY: &str = r#"name = "small"
seeds = [1, 2]

[runs.base]
run = "run.toml"

[runs.long]
run = "run.toml"
set = ["sft.updates=20", "grpo.steps=0"]

[policies]
SFT = { run = "base", checkpoint = "step-000000" }
RL = { run = "base" }
long = { run = "long" }
noisy = { policy = "scripted:noisy" }

[[compare]]
seat = "agent"
items = 8
trials = 2
policies = ["SFT", "RL", "noisy", "long"]
claims = [
    { policy = "RL", metric = "agent/score/mean", beats = "SFT", by = 0.2 },
    { policy = "RL", metric = "user/over_suspicion", not_worse_than = "SFT", by = 0.02, better = "less" },
    { policy = "RL", metric = "agent/true_claims", keeps_of = "SFT", share = 0.9, better = "more" },
]
rows = ["rounds", "agent/pass^2", "agent/score/mean"]

[[cross]]
agents = ["noisy", "RL"]
users = ["RL"]
metrics = ["joint_surplus"]
"#;

/// Loads the study after `edits`, and what is printed about it if it is not good.
fn load(edits: &[(&str, &str)]) -> Result<Study, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut study = STUDY.to_owned();
    for (from, to) in edits {
        assert!(study.contains(from), "`{from}` stands in the file");
        study = study.replacen(from, to, 1);
    }
    let scenario = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/haggle.toml"));
    let scenario = scenario.expect("it is part of the repository");
    fs::copy(&scenario, folder.path().join("haggle.toml")).expect("the folder is ours");
    let run = "scenario = \"haggle.toml\"\n[grpo]\nsteps = 40\n[checkpoints]\ngrpo_every = 5\nkeep = 2\n";
    fs::write(folder.path().join("run.toml"), run).expect("the folder is ours");
    fs::write(folder.path().join("study.toml"), study).expect("the folder is ours");
    let here = folder.path().display();
    load_study(&folder.path().join("study.toml"))
        .map_err(|errors| errors.to_string().replace(&format!("{here}/"), "").replace(&here.to_string(), "."))
}

#[test]
fn a_good_study_is_what_it_says() {
    let study = load(&[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((study.name.as_str(), &study.seeds[..]), ("small", &[1, 2][..]));
    assert_eq!(study.runs["long"].under(2).grpo.steps, 0);
    assert_eq!((study.runs["base"].under(1).seed, study.runs["base"].under(2).seed), (1, 2));
    let of_run = |run: &str, step| StudyPolicy::Run { run: run.to_owned(), step };
    assert_eq!(study.policies["SFT"], of_run("base", 0));
    assert_eq!(study.policies["RL"], of_run("base", 40));
    assert_eq!(study.policies["long"], of_run("long", 0));
    let compare = &study.compares[0];
    assert_eq!((compare.seat, compare.bout.items, compare.bout.trials), (Seat::Agent, 8, 2));
    // The claims' metrics come first, and each stands once.
    assert_eq!(
        compare.rows,
        ["agent/score/mean", "user/over_suspicion", "agent/true_claims", "rounds", "agent/pass^2"]
    );
    let claims: Vec<(Better, Demand)> =
        compare.claims.iter().map(|claim| (claim.claim.better, claim.claim.demand)).collect();
    let wanted = [
        (Better::More, Demand::Beats { by: 0.2 }),
        (Better::Less, Demand::NotWorse { by: 0.02 }),
        (Better::More, Demand::Keeps { share: 0.9 }),
    ];
    assert_eq!(claims, wanted);
    // All held-out items, once each.
    assert_eq!((study.crosses[0].bout.items, study.crosses[0].bout.trials), (1000, 1));
}

#[test]
fn a_run_of_a_study_is_what_train_makes_of_the_same_flags() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let study = load_study(&root.join("configs/studies/quickstart.toml")).unwrap();
    let flags = ["sft.updates=6100", "grpo.steps=0", "seed=3"].map(str::to_owned);
    let (trained, mix, _) = load_run(&root.join("configs/quickstart.toml"), &flags).unwrap();
    assert_eq!(study.runs["control"].under(3), trained);
    assert_eq!(study.runs["control"].mix, mix);
}

#[test]
fn a_scenario_in_an_override_starts_at_the_studys_folder() {
    let set = r#"set = ["scenario=haggle.toml", "grpo.steps=0"]"#;
    let study = load(&[(r#"set = ["sft.updates=20", "grpo.steps=0"]"#, set)]);
    study.unwrap_or_else(|errors| panic!("{errors}"));
}

/// What is written in the study file, what instead, and all that is printed.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "seeds = [1, 2]",
        "seed = [1, 2]",
        "error: study.toml:1: seeds: is missing\n\
         hint: add e.g. `seeds = [1, 2, 3]`\n\
         error: study.toml:2: seed: unknown key: a key that nothing reads would be believed to have an effect\n\
         hint: did you mean `seeds`?",
    ),
    (
        "seeds = [1, 2]",
        "seeds = 3",
        "error: study.toml:2: seeds: must be a list, is the number 3\n\
         hint: a list is written like [1, 2, 3]; one of sections also with double brackets, like [[reward]]",
    ),
    (
        "seeds = [1, 2]",
        "seeds = [1, \"two\", 1, -4]",
        "error: study.toml:2: seeds[2]: 1 stands in the list already\n\
         hint: each seed counts once\n\
         error: study.toml:2: seeds[3]: cannot be -4: seeds are written to JSON, where whole numbers are exact up to 2^53\n\
         hint: it is at least 0 and at most 9007199254740992, e.g. 1\n\
         error: study.toml:2: seeds[1]: must be a whole number, is the text \"two\"\n\
         hint: a whole number is written like 8: no quotes, no decimal point",
    ),
    (
        "seeds = [1, 2]",
        "seeds = []",
        "error: study.toml:2: seeds: holds no seed, so nothing would be run\n\
         hint: e.g. `seeds = [1, 2, 3]`",
    ),
    (
        "run = \"run.toml\"",
        "run = \"rum.toml\"",
        "error: study.toml:5: runs.base.run: `rum.toml` cannot be read: there is no such file\n\
         hint: did you mean `run.toml`?",
    ),
    (
        "\"sft.updates=20\"",
        "\"sft.update=20\"",
        "error: study.toml:9: runs.long.set: `sft.update`: unknown key: a key that nothing reads would be believed to have an effect\n\
         hint: did you mean `updates`?",
    ),
    (
        "run = \"run.toml\"",
        "run = \"haggle.toml\"",
        "error: study.toml:5: runs.base.run: `haggle.toml` is a scenario file, and a run file is wanted here\n\
         hint: a run file names its `scenario = \"…\"` or a `mix`",
    ),
    (
        "run = \"run.toml\"",
        "run = \"study.toml\"",
        "error: study.toml:5: runs.base.run: `study.toml` is a study file, and a run file is wanted here\n\
         hint: a run file names its `scenario = \"…\"` or a `mix`",
    ),
    (
        "seat = \"agent\"",
        "scenario = \"run.toml\"\nseat = \"agent\"",
        "error: study.toml:18: compare[0].scenario: `run.toml` is a run file, and a scenario file is wanted here\n\
         hint: a scenario file has a section `[world]`",
    ),
    (
        "\"sft.updates=20\"",
        "\"world.sees=0.9\"",
        "error: study.toml:9: runs.long.set: `world.sees`: is a key of a scenario file, and this is a run file\n\
         hint: an override changes the run file alone: write it into the scenario file, or into a copy of it that `scenario=FILE` names",
    ),
    (
        "\"sft.updates=20\"",
        "\"seed=20\"",
        "error: study.toml:9: runs.long.set[0]: has no effect: every run is made under each of `seeds`\n\
         hint: take it out of the list",
    ),
    (
        "SFT = { run = \"base\"",
        "SFT = { run = \"bass\"",
        "error: study.toml:12: policies.SFT.run: there is no run `bass` in this study\n\
         hint: did you mean `base`?",
    ),
    (
        "step-000000",
        "step-0",
        "error: study.toml:12: policies.SFT.checkpoint: `step-0` is not the name of a step's checkpoint\n\
         hint: write e.g. \"step-000000\" for the state after the cold start; without the key it is the last step",
    ),
    (
        "step-000000",
        "step-000030",
        "error: study.toml:12: policies.SFT.checkpoint: `step-000030` will not be there: at its end the run keeps `step-000000`, \
         `step-000035`, `step-000040`\n\
         hint: choose one of them, or raise `checkpoints.keep` of the run",
    ),
    (
        "noisy = { policy = \"scripted:noisy\" }",
        "noisy = { policy = \"openai:some-model\" }",
        "error: study.toml:15: policies.noisy.policy: `openai:some-model` cannot play in a study: nothing here decides what it says, so its \
         results could not be found again\n\
         hint: measure it with `duologue eval`",
    ),
    (
        "noisy = { policy = \"scripted:noisy\" }",
        "noisy = { policy = \"scripted:nosy\" }",
        "error: study.toml:15: policies.noisy.policy: there is no policy `scripted:nosy` for the agent\n\
         hint: did you mean `scripted:noisy`? The agent can be `rule`, `random`, `scripted:good`, `scripted:bad`, `scripted:spam`, \
         `scripted:noisy`, `scripted:trapper`, `scripted:never-claim`, `scripted:always-lie`, `scripted:immediate-close`, `model:DIR`, `openai:MODEL`, `replay:FILE`",
    ),
    (
        "noisy = { policy = \"scripted:noisy\" }",
        "noisy = { policy = \"scripted:noisy\", checkpoint = \"step-000000\" }",
        "error: study.toml:15: policies.noisy.checkpoint: has no effect in this run: only a run has checkpoints\n\
         hint: take it out of the file (or, for this call, `--set policies.noisy.checkpoint=`)",
    ),
    (
        "long = { run = \"long\" }",
        "long = { }",
        "error: study.toml:7: runs.long: has no effect in this study: no policy is of this run\n\
         hint: use it, or take it out of the file\n\
         error: study.toml:14: policies.long: says not who plays\n\
         hint: add `run = \"NAME\"` for the models of a run, or e.g. `policy = \"scripted:noisy\"`",
    ),
    (
        "seat = \"agent\"",
        "seat = \"seller\"",
        "error: study.toml:18: compare[0].seat: cannot be `seller`\n\
         hint: it is one of: `agent`, `user`",
    ),
    (
        "items = 8",
        "items = 1001",
        "error: study.toml:19: compare[0].items: cannot be 1001: it is how many of the scenario's held-out items are played\n\
         hint: it is at least 1 and at most 1000; left out, all of them are played",
    ),
    (
        "policies = [\"SFT\", \"RL\", \"noisy\", \"long\"]",
        "policies = [\"SFT\", \"RL\", \"noise\", \"long\"]",
        "error: study.toml:21: compare[0].policies[2]: there is no policy `noise` in this study\n\
         hint: did you mean `noisy`?",
    ),
    (
        "policies = [\"SFT\", \"RL\", \"noisy\", \"long\"]",
        "policies = [\"RL\", \"noisy\", \"long\"]",
        "error: study.toml:12: policies.SFT: has no effect in this study: no `[[compare]]`, `[[cross]]` or `[[average]]` names it\n\
         hint: use it, or take it out of the file\n\
         error: study.toml:23: compare[0].claims[0].beats: `SFT` is not among the `policies` of this table\n\
         hint: they are: `RL`, `noisy`, `long`\n\
         error: study.toml:24: compare[0].claims[1].not_worse_than: `SFT` is not among the `policies` of this table\n\
         hint: they are: `RL`, `noisy`, `long`\n\
         error: study.toml:25: compare[0].claims[2].keeps_of: `SFT` is not among the `policies` of this table\n\
         hint: they are: `RL`, `noisy`, `long`",
    ),
    (
        "metric = \"agent/score/mean\"",
        "metric = \"agent/score\"",
        "error: study.toml:23: compare[0].claims[0].metric: there is no metric `agent/score` in this scenario\n\
         hint: did you mean `agent/score/mean`?",
    ),
    (
        "rows = [\"rounds\", \"agent/pass^2\"",
        "rows = [\"rounds\", \"agent/pass^3\"",
        "error: study.toml:27: compare[0].rows[1]: there is no metric `agent/pass^3` in this scenario\n\
         hint: did you mean `agent/pass^2`?",
    ),
    (
        "by = 0.2",
        "share = 0.2",
        "error: study.toml:23: compare[0].claims[0].share: has no effect in this run: `beats` asks for a difference\n\
         hint: take it out of the file (or, for this call, `--set compare[0].claims[0].share=`)",
    ),
    (
        "by = 0.02, better",
        "better",
        "error: study.toml:24: compare[0].claims[1].by: is missing\n\
         hint: add e.g. `by = 0.02`",
    ),
    (
        "by = 0.02, better = \"less\"",
        "by = -0.02",
        "error: study.toml:24: compare[0].claims[1].by: cannot be -0.02: it is a margin in the metric's unit\n\
         hint: it is at least 0 and at most 1000000, e.g. 0.02\n\
         error: study.toml:24: compare[0].claims[1].better: is missing: whether more or less of `user/over_suspicion` is better depends \
         on the world\n\
         hint: add `better = \"more\"` or `better = \"less\"`",
    ),
    (
        "beats = \"SFT\", by = 0.2",
        "beats = \"SFT\", by = 0.2, better = \"less\"",
        "error: study.toml:23: compare[0].claims[0].better: cannot be \"less\": of `agent/score/mean`, more is better\n\
         hint: take it out: for this metric it is known",
    ),
    (
        "share = 0.9, better = \"more\"",
        "share = 0.9, better = \"less\"",
        "error: study.toml:25: compare[0].claims[2].keeps_of: a share is kept of what is good, and less of `agent/true_claims` is better\n\
         hint: write `not_worse_than` with a margin `by`",
    ),
    (
        "beats = \"SFT\", by = 0.2",
        "cuts_of = \"SFT\", share = 0.2",
        "error: study.toml:23: compare[0].claims[0].cuts_of: what is bad is cut, and more of `agent/score/mean` is better\n\
         hint: write `beats` with a margin `by`",
    ),
    (
        "beats = \"SFT\", by = 0.2",
        "beats = \"SFT\", keeps_of = \"SFT\"",
        "error: study.toml:23: compare[0].claims[0]: does not claim one thing of one other policy\n\
         hint: write one of `beats`, `not_worse_than`, `keeps_of` and `cuts_of`, with the name of a policy",
    ),
    (
        "metrics = [\"joint_surplus\"]",
        "metrics = []",
        "error: study.toml:32: cross[0].metrics: is missing\n\
         hint: add e.g. `metrics = [\"agent/score/mean\"]`",
    ),
];

#[test]
fn each_mistake_is_told_in_full() {
    let mut wrong = String::new();
    for (from, to, said) in MISTAKES {
        let printed = load(&[(from, to)]).expect_err(to);
        if printed != *said {
            wrong.push_str(&format!("after `{to}`\nexpected:\n{said}\nprinted:\n{printed}\n\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_mistake_in_a_file_that_is_named_is_told_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("run.toml"), "scenario = \"nowhere.toml\"\n").expect("the folder is ours");
    fs::write(folder.path().join("study.toml"), STUDY).expect("the folder is ours");
    let printed = load_study(&folder.path().join("study.toml")).expect_err("the run has no scenario").to_string();
    assert_eq!(printed.matches("error: ").count(), 1, "{printed}");
    assert!(printed.contains("run.toml:1: scenario: `nowhere.toml` cannot be read"), "{printed}");
}

#[test]
fn a_run_of_one_seat_has_no_model_of_the_other() {
    let one_sided = r#"set = ["grpo.steps=0", "grpo.mode=agent"]"#;
    let edits = [
        (r#"set = ["sft.updates=20", "grpo.steps=0"]"#, one_sided),
        ("users = [\"RL\"]", "users = [\"RL\", \"long\"]"),
    ];
    let printed = load(&edits).expect_err("the run trains no user");
    let said = "error: study.toml:31: cross[0].users[1]: the run `long` trains no user\nhint: it has a model of the agent only";
    assert_eq!(printed, said);
}

#[test]
fn without_runs_or_with_runs_of_several_scenarios_the_scenario_must_be_named() {
    let only_scripts = "seeds = [1]\n[policies]\na = { policy = \"rule\" }\n[[compare]]\nseat = \"user\"\npolicies = [\"a\"]\nrows = [\"deal\"]\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("scripts.toml");
    fs::write(&file, only_scripts).expect("the folder is ours");
    let printed = load_study(&file).expect_err("nobody says what is played").to_string();
    let said = ":4: compare[0].scenario: is missing, and no run says what is played\nhint: add e.g. `scenario = ";
    assert!(printed.contains(said), "{printed}");
    let scenario = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/haggle.toml"));
    let named = format!("[[compare]]\nscenario = {:?}", scenario.expect("it is part of the repository"));
    fs::write(&file, only_scripts.replace("[[compare]]", &named)).expect("the folder is ours");
    let study = load_study(&file).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((study.name.as_str(), study.compares[0].bout.items), ("scripts", 1000));
}
