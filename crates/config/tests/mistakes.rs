//! What a person reads who has made a mistake: the whole of it, word for word.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use duologue_config::FileKind;
use duologue_config::check_file;
use duologue_config::check_policy;
use duologue_config::load_run;
use duologue_config::load_scenario;
use duologue_config::load_scenarios;
use duologue_config::load_study;
use duologue_config::load_suite;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Script;

const SCENARIO: &str = include_str!("talk.toml");

const RUN: &str = r#"scenario = "scenario.toml"
seed = 1

[model]
head_dim = 32

[sft]
teacher = "scripted:noisy"

[grpo]
group_size = 8
lr = 6e-4
mode = "simultaneous"
turn_credit = "equalized"
clip_low = 0.2

[eval]
items = 10
"#;

/// What is printed about a scenario and a run file after `edits` to both, with `overrides`; empty if nothing is wrong.
fn printed(edits: &[(&str, &str)], overrides: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut scenario, mut run) = (SCENARIO.to_owned(), RUN.to_owned());
    for (from, to) in edits {
        let (in_scenario, in_run) = (scenario.contains(from), run.contains(from));
        assert!(in_scenario != in_run, "`{from}` must stand in exactly one of the files");
        let file = if in_scenario { &mut scenario } else { &mut run };
        *file = file.replacen(from, to, 1);
    }
    fs::write(folder.path().join("scenario.toml"), scenario).expect("the folder is ours");
    fs::write(folder.path().join("run.toml"), run).expect("the folder is ours");
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let errors = load_run(&folder.path().join("run.toml"), &overrides).err();
    shown(errors.map(|errors| errors.to_string()).unwrap_or_default(), folder.path())
}

fn shown(errors: String, folder: &Path) -> String {
    errors.replace(&format!("{}/", folder.display()), "").replace(&folder.display().to_string(), ".")
}

/// What is written in the scenario file, what instead, and all that is printed.
const SCENARIO_MISTAKES: &[(&str, &str, &str)] = &[
    (
        "turns_max = 6",
        "turn_max = 6",
        r#"error: scenario.toml:1: turns_max: is missing
hint: add e.g. `turns_max = 6`
error: scenario.toml:2: turn_max: unknown key: a key that nothing reads would be believed to have an effect
hint: did you mean `turns_max`?"#,
    ),
    (
        "turns_max = 6",
        r#"turns_max = "six""#,
        r#"error: scenario.toml:2: turns_max: must be a whole number, is the text "six"
hint: a whole number is written like 8: no quotes, no decimal point"#,
    ),
    (
        "turns_max = 6",
        "turns_max = 6.5",
        r#"error: scenario.toml:2: turns_max: must be a whole number, is the number 6.5
hint: a whole number is written like 8: no quotes, no decimal point"#,
    ),
    (
        "turns_max = 6",
        "turns_max = 0",
        r#"error: scenario.toml:2: turns_max: cannot be 0: without a turn nobody speaks, and every talk has a bound
hint: it is at least 1 and at most 1000, e.g. 6"#,
    ),
    (
        r#"gym = "haggle""#,
        r#"gym = "hagle""#,
        r#"error: scenario.toml:5: world.gym: cannot be `hagle`
hint: did you mean `haggle`?"#,
    ),
    (
        "sees = 0.5",
        "sees = 1.5",
        r#"error: scenario.toml:7: world.sees: cannot be 1.5: it is a share
hint: it is at least 0 and at most 1; the default is 0.5"#,
    ),
    (
        "sees = 0.5",
        "seees = 0.5",
        r#"error: scenario.toml:7: world.seees: unknown key: a key that nothing reads would be believed to have an effect
hint: did you mean `sees`?"#,
    ),
    (
        r#"on_fault = "no_verdict""#,
        r#"on_fault = "zero""#,
        r#"error: scenario.toml:19: judge.on_fault: cannot be `zero`
hint: it is one of: `no_verdict`"#,
    ),
    (
        r#"name = "well_formed""#,
        r#"name = "well_fromed""#,
        r#"error: scenario.toml:35: reward[2].name: haggle has no term `well_fromed` for the user
hint: did you mean `well_formed`?"#,
    ),
    (
        r#"kind = "training""#,
        r#"kind = "outcome""#,
        r#"error: scenario.toml:36: reward[2].kind: `well_formed` cannot be of kind `outcome`: it is a term of kind `training` (share of turns that count and whose thought has all five steps)
hint: write kind = "training""#,
    ),
    (
        "weight = 0.1",
        "weight = 0.5",
        r#"error: scenario.toml:37: reward[2].weight: the training terms of the user weigh 0.500 together, above 20 % of what its score spans (-1 to 1): form would outweigh result
hint: lower their weights to a sum of at most 0.400"#,
    ),
    (
        "weight = 0.1",
        "weight = -0.1",
        r#"error: scenario.toml:37: reward[2].weight: cannot be -0.1: a term without weight has no effect, and more of a term is always better
hint: it is above 0 and at most 1000, e.g. 1.0"#,
    ),
    (
        r#"name = "well_formed""#,
        r#"name = "surplus""#,
        r#"error: scenario.toml:35: reward[2].name: the user has the term `surplus` already
hint: give the first one the weight you mean, and take this one out
error: scenario.toml:36: reward[2].kind: `surplus` cannot be of kind `training`: it is a term of kind `outcome` (own share of the best joint surplus, realised under the true facts)
hint: write kind = "outcome""#,
    ),
    (
        "deal and agent.score > 0",
        "deal and agnt.score > 0",
        r#"error: scenario.toml:40: success.agent: haggle measures no `agnt.score`
hint: did you mean `agent.score`?"#,
    ),
    (
        "deal and agent.score > 0",
        "deal or agent.score > 0",
        r#"error: scenario.toml:40: success.agent: cannot be read: `deal or agent.score > 0` is not `NAME` or `NAME OP NUMBER`
hint: write e.g. "deal and agent.score > 0"; operators: < <= > >= =="#,
    ),
    (
        "[agent]",
        "[agnt]",
        r#"error: scenario.toml:1: agent: is missing
hint: add a section `[agent]` with `policy` and `tokens_max`
error: scenario.toml:9: agnt: unknown key: a key that nothing reads would be believed to have an effect
hint: did you mean `agent`?"#,
    ),
    (
        "[judge]",
        "[[judge]]",
        r#"error: scenario.toml:17: judge: must be a section, is a list
hint: write its keys under a [section], or inline: { key = value, … }"#,
    ),
    (
        "items = { generate = 40, held_out = 10, seed = 7 }",
        r#"items = { file = "items.jsonl" }"#,
        r#"error: scenario.toml:6: world.items.generate: is missing
hint: add e.g. `generate = 4000`
error: scenario.toml:6: world.items.held_out: is missing
hint: add e.g. `held_out = 1000`
error: scenario.toml:6: world.items.seed: is missing
hint: add e.g. `seed = 7`
error: scenario.toml:6: world.items.file: unknown key: a key that nothing reads would be believed to have an effect
hint: the keys here are: `generate`, `held_out`, `seed`"#,
    ),
    (
        r#"name = "talk""#,
        r#"name = "a/b""#,
        r#"error: scenario.toml:1: name: cannot be "a/b": names become parts of paths
hint: use letters, digits, `-`, `_` and `.`, with no `.` in front"#,
    ),
    (
        "[success]",
        "extra = 2020-01-01\n[success]",
        r#"error: scenario.toml:39: reward[2].extra: unknown key: a key that nothing reads would be believed to have an effect
hint: the keys here are: `seat`, `name`, `kind`, `weight`"#,
    ),
    (
        r#"name = "talk""#,
        r#"name = """#,
        r#"error: scenario.toml:1: name: cannot be "": names become parts of paths
hint: use letters, digits, `-`, `_` and `.`, with no `.` in front"#,
    ),
    (
        "tokens_max = 48",
        "tokens_max = 48\ndeadline_ms = 0",
        r#"error: scenario.toml:12: agent.deadline_ms: cannot be 0: it is a time in milliseconds, an hour at the most
hint: it is at least 1 and at most 3600000; left out, it may take as long as it likes"#,
    ),
    (
        r#"name = "talk""#,
        "name = 2020-01-01",
        r#"error: scenario.toml:1: name: must be text, is a date
hint: text stands in quotes, like "rule""#,
    ),
];

/// The same for the run file.
const RUN_MISTAKES: &[(&str, &str, &str)] = &[
    (
        r#"scenario = "scenario.toml""#,
        r#"scenario = "scenaro.toml""#,
        r#"error: run.toml:1: scenario: `scenaro.toml` cannot be read: there is no such file
hint: did you mean `scenario.toml`?"#,
    ),
    (
        r#"scenario = "scenario.toml""#,
        "",
        r#"error: run.toml:1: scenario: is missing
hint: add e.g. `scenario = "../scenarios/haggle.toml"`"#,
    ),
    (
        "head_dim = 32",
        "head_dim = 33",
        r#"error: run.toml:5: model.head_dim: cannot be 33: the rotary embedding turns a head's channels in pairs
hint: it is an even number; the default is 32"#,
    ),
    (
        "head_dim = 32",
        "num_key_value_heads = 3",
        r#"error: run.toml:5: model.num_key_value_heads: cannot be 3: each key and value head serves the same number of the 4 query heads
hint: it is one of 1, 2, 4"#,
    ),
    (
        "group_size = 8",
        "group_size = 1",
        r#"error: run.toml:11: grpo.group_size: cannot be 1: a group of one has no baseline to be better than
hint: it is at least 2 and at most 1024; the default is 8"#,
    ),
    (
        "group_size = 8",
        "group_size = 8\ngroup_valid_min = 9",
        r#"error: run.toml:12: grpo.group_valid_min: cannot be 9: a baseline needs two scored episodes, and a group has `group_size` of them
hint: it is at least 2 and at most 8; the default is 4"#,
    ),
    (
        "group_size = 8",
        "grup_size = 8",
        r#"error: run.toml:11: grpo.grup_size: unknown key: a key that nothing reads would be believed to have an effect
hint: did you mean `group_size`?"#,
    ),
    (
        "head_dim = 32",
        "from = \"nowhere\"",
        r#"error: run.toml:5: model.from: `nowhere` cannot be read: nowhere/config.json: there is no such file
hint: name a folder with config.json, tokenizer.json and weights in it, or a checkpoint's"#,
    ),
    (
        "head_dim = 32",
        "head_dim = 32\nlora = { rank = 4 }",
        r#"error: run.toml:6: model.lora: has no effect in this run: only with `model.from` is there anything to sit beside
hint: take it out of the file (or, for this call, `--set model.lora=`)"#,
    ),
    (
        "head_dim = 32",
        "head_dim = 32\ndtype = \"half\"",
        r#"error: run.toml:6: model.dtype: cannot be `half`
hint: it is one of: `f32`, `bf16`"#,
    ),
    (
        "head_dim = 32",
        "thinking = \"strip\"",
        r#"error: run.toml:5: model.thinking: has no effect in this run: models from nothing have a template that keeps all thoughts
hint: take it out of the file (or, for this call, `--set model.thinking=`)"#,
    ),
    (
        "head_dim = 32",
        "tools = \"template\"",
        r#"error: run.toml:5: model.tools: has no effect in this run: models from nothing have a template without tools
hint: take it out of the file (or, for this call, `--set model.tools=`)"#,
    ),
    (
        "seed = 1",
        "seed = 1\nopponents = { agent = \"scripted:nosy\" }",
        r#"error: run.toml:3: opponents.agent: there is no policy `scripted:nosy` for the agent
hint: did you mean `scripted:noisy`? The agent can be `rule`, `random`, `scripted:good`, `scripted:bad`, `scripted:spam`, `scripted:noisy`, `scripted:trapper`, `scripted:never-claim`, `scripted:always-lie`, `scripted:immediate-close`, `model:DIR`, `openai:MODEL`, `replay:FILE`"#,
    ),
    (
        "seed = 1",
        "seed = 1\nopponents = { user = \"replay:nowhere.jsonl\" }",
        r#"error: run.toml:3: opponents.user: `replay:nowhere.jsonl` cannot be read: nowhere.jsonl: No such file or directory (os error 2)
hint: a path starts at the folder of the file it stands in, and in --set at the working folder"#,
    ),
    (
        "seed = 1",
        "seed = 1\nopponents = { users = \"rule\" }",
        r#"error: run.toml:3: opponents.users: unknown key: a key that nothing reads would be believed to have an effect
hint: did you mean `user`?"#,
    ),
    (
        "mode = \"simultaneous\"\nturn_credit = \"equalized\"\nclip_low = 0.2\n",
        "mode = \"agent\"\n\n[opponents]\nagent = \"rule\"\n",
        r#"error: run.toml:16: opponents.agent: has no effect in this run: the agent is the one that learns, always
hint: take it out of the file (or, for this call, `--set opponents.agent=`)"#,
    ),
    (
        "lr = 6e-4",
        "lr = -6e-4",
        r#"error: run.toml:12: grpo.lr: cannot be -0.0006: at 0 nothing is learned, and above 1 no update is a small step
hint: it is above 0 and at most 1; the default is 0.0006"#,
    ),
    (
        "lr = 6e-4",
        r#"lr = "6e-4""#,
        r#"error: run.toml:12: grpo.lr: must be a number, is the text "6e-4"
hint: a number is written like 0.05 or 3e-4, without quotes"#,
    ),
    (
        r#"mode = "simultaneous""#,
        r#"mode = "simultanous""#,
        r#"error: run.toml:13: grpo.mode: cannot be `simultanous`
hint: did you mean `simultaneous`?"#,
    ),
    (
        r#"mode = "simultaneous""#,
        r#"mode = "agent"
groups = { mutual = 6, fixed = 6 }"#,
        r#"error: run.toml:14: grpo.groups.mutual: has no effect in this run: only the agent learns, and it always meets its fixed opponent
hint: take it out of the file (or, for this call, `--set grpo.groups.mutual=`)"#,
    ),
    (
        r#"mode = "simultaneous""#,
        "agent_steps = 2",
        r#"error: run.toml:13: grpo.agent_steps: has no effect in this run: only `mode = "alternating"` takes turns between the seats
hint: take it out of the file (or, for this call, `--set grpo.agent_steps=`)"#,
    ),
    (
        r#"turn_credit = "equalized""#,
        "gamma = 0.9",
        r#"error: run.toml:14: grpo.gamma: has no effect in this run: neither `turn_credit` nor `trajectory_score` is `r2g`
hint: take it out of the file (or, for this call, `--set grpo.gamma=`)"#,
    ),
    (
        r#"turn_credit = "equalized""#,
        r#"turn_credit = "em"
em_k = 0.0"#,
        r#"error: run.toml:15: grpo.em_k: cannot be 0: it is a divisor
hint: it is above 0 and at most 100; the default is 2"#,
    ),
    (
        "clip_low = 0.2",
        "dual_clip = 0.5",
        r#"error: run.toml:15: grpo.dual_clip: cannot be 0.5: it bounds the loss of a negative advantage as a multiple of it; 0 is off
hint: it is above 1 and at most 1000; the default is 3"#,
    ),
    (
        "clip_low = 0.2",
        "temperature = 0",
        r#"error: run.toml:15: grpo.temperature: cannot be 0: logits are divided by it
hint: it is above 0 and at most 10; the default is 1"#,
    ),
    (
        "clip_low = 0.2",
        "normalize_std = false\nstd_eps = 0.05",
        r#"error: run.toml:16: grpo.std_eps: has no effect in this run: with `normalize_std = false` nothing is divided by it
hint: take it out of the file (or, for this call, `--set grpo.std_eps=`)"#,
    ),
    (
        "clip_low = 0.2",
        "clip = \"weight\"\ndual_clip = 2.0",
        r#"error: run.toml:16: grpo.dual_clip: has no effect in this run: with `clip = "weight"` no token's objective is bounded
hint: take it out of the file (or, for this call, `--set grpo.dual_clip=`)"#,
    ),
    (
        "clip_low = 0.2",
        "normalizer_tokens = 9",
        r#"error: run.toml:15: grpo.normalizer_tokens: has no effect in this run: `normalizer` is not `fixed`
hint: take it out of the file (or, for this call, `--set grpo.normalizer_tokens=`)"#,
    ),
    (
        "clip_low = 0.2",
        "kl = \"k2\"",
        r#"error: run.toml:15: grpo.kl: has no effect in this run: `kl_weight` is 0
hint: take it out of the file (or, for this call, `--set grpo.kl=`)"#,
    ),
    (
        "clip_low = 0.2",
        "importance_min = 0.5",
        r#"error: run.toml:15: grpo.importance_min: has no effect in this run: `importance` is off
hint: take it out of the file (or, for this call, `--set grpo.importance_min=`)"#,
    ),
    (
        "clip_low = 0.2",
        "importance_max = 5.0",
        r#"error: run.toml:15: grpo.importance_max: has no effect in this run: `importance` is off
hint: take it out of the file (or, for this call, `--set grpo.importance_max=`)"#,
    ),
    (
        "clip_low = 0.2",
        "overlong_tokens = 40",
        r#"error: run.toml:15: grpo.overlong_tokens: has no effect in this run: `overlong_penalty` is 0
hint: take it out of the file (or, for this call, `--set grpo.overlong_tokens=`)"#,
    ),
    (
        "clip_low = 0.2",
        "overlong_cache = 8",
        r#"error: run.toml:15: grpo.overlong_cache: has no effect in this run: `overlong_penalty` is 0
hint: take it out of the file (or, for this call, `--set grpo.overlong_cache=`)"#,
    ),
    (
        "clip_low = 0.2",
        "baseline = \"batch\"\nrefills_max = 2",
        r#"error: run.toml:16: grpo.refills_max: has no effect in this run: with `baseline = "batch"` a group whose members all scored the same teaches too
hint: take it out of the file (or, for this call, `--set grpo.refills_max=`)"#,
    ),
    (
        "clip_low = 0.2",
        "aggregation = \"normalize_then_sum\"\nbaseline = \"group\"",
        r#"error: run.toml:16: grpo.baseline: has no effect in this run: with `aggregation = "normalize_then_sum"` each term is normalised within its group, and their sum over the step
hint: take it out of the file (or, for this call, `--set grpo.baseline=`)"#,
    ),
    (
        "clip_low = 0.2",
        "aggregation = \"normalize_then_sum\"\nnormalize_std = true",
        r#"error: run.toml:16: grpo.normalize_std: has no effect in this run: with `aggregation = "normalize_then_sum"` each term is normalised within its group, and their sum over the step
hint: take it out of the file (or, for this call, `--set grpo.normalize_std=`)"#,
    ),
    (
        "clip_low = 0.2",
        "aggregation = \"normalize_then_sum\"\nstd_over = \"batch\"",
        r#"error: run.toml:16: grpo.std_over: has no effect in this run: with `aggregation = "normalize_then_sum"` each term is normalised within its group, and their sum over the step
hint: take it out of the file (or, for this call, `--set grpo.std_over=`)"#,
    ),
    (
        "clip_low = 0.2",
        "rewards_of = \"both\"\nshared_weight = 1.0",
        r#"error: run.toml:16: grpo.shared_weight: has no effect in this run: with `rewards_of = "both"` what is shared is part of the one sum
hint: take it out of the file (or, for this call, `--set grpo.shared_weight=`)"#,
    ),
    (
        "clip_low = 0.2",
        "aggregation = \"normalize_then_sum\"\nrewards_of = \"both\"",
        r#"error: run.toml:16: grpo.rewards_of: cannot be `both` with `aggregation = "normalize_then_sum"`, which tells a seat's own terms apart
hint: write "seat", or leave it out"#,
    ),
    (
        "clip_low = 0.2",
        "rewards_of = \"both\"\nspoiled_penalty = 0.5",
        r#"error: run.toml:16: grpo.spoiled_penalty: cannot be used with `rewards_of = "both"`, which pays both seats the same sum
hint: take one of the two out"#,
    ),
    (
        "clip_low = 0.2",
        "forks = { talks = 1, futures = 1 }\nspoiled_penalty = 0.5",
        r#"error: run.toml:16: grpo.spoiled_penalty: cannot be used with `forks.futures`, by which a turn is worth what may come of it, spoiled or not
hint: take one of the two out"#,
    ),
    (
        "clip_low = 0.2",
        "aggregation = \"normalize_then_sum\"\nspoiled_penalty = 0.5",
        r#"error: run.toml:16: grpo.spoiled_penalty: cannot be 0.5 with `aggregation = "normalize_then_sum"`: a talk that was spoiled stands below the others in a term of its own there
hint: write 0, or take it out"#,
    ),
    (
        "clip_low = 0.2",
        "monitors = { start = 3 }",
        r#"error: run.toml:15: grpo.monitors.start: has no effect in this run: no bound is set, so nothing is watched
hint: take it out of the file (or, for this call, `--set grpo.monitors.start=`)"#,
    ),
    (
        "clip_low = 0.2",
        "shared_weight = 1.0",
        r#"error: run.toml:15: grpo.shared_weight: has no effect in this run: no reward of the scenario is of kind `shared`
hint: take it out of the file (or, for this call, `--set grpo.shared_weight=`)"#,
    ),
    (
        "clip_low = 0.2",
        "baseline = \"batch\"\nstd_over = \"group\"",
        r#"error: run.toml:16: grpo.std_over: cannot be `group` with `baseline = "batch"`: a group whose members scored alike has none
hint: write "batch", or leave it out"#,
    ),
    (
        "clip_low = 0.2",
        "staleness_max = -1",
        r#"error: run.toml:15: grpo.staleness_max: cannot be -1: it is a number of updates, and as many steps wait in memory to be learned from
hint: it is at least 0 and at most 100; the default is 0"#,
    ),
    (
        "clip_low = 0.2",
        "ratio = \"sequence\"\nstaleness_max = 1",
        r#"error: run.toml:16: grpo.staleness_max: cannot be 1 with `ratio = "sequence"` alone: the mean ratio of a trajectory does not make up for the older weights that sampled it
hint: add `importance = "token_truncate"`, or leave it at 0"#,
    ),
    (
        "clip_low = 0.2",
        "overlong_penalty = 1.0\noverlong_tokens = 4\noverlong_cache = 5",
        r#"error: run.toml:17: grpo.overlong_cache: cannot be 5: it is a number of a turn's tokens
hint: it is at least 1 and at most 4; the default is 1"#,
    ),
    (
        "clip_low = 0.2",
        "importance = \"token_mask\"\nimportance_max = 1.0",
        r#"error: run.toml:16: grpo.importance_max: cannot be 1: a token that nothing is wrong with has correction 1
hint: it is above 1 and at most 1000000; the default is 2"#,
    ),
    (
        "items = 10",
        "items = 11",
        r#"error: run.toml:18: eval.items: cannot be 11: the scenario has 10 held-out items
hint: lower it, or raise `held_out` in the scenario's `items`"#,
    ),
    (
        "[eval]",
        "[eval",
        r#"error: run.toml:17: not TOML: unclosed table, expected `]`
hint: a line is `key = value`, a `[section]` or a `[[list entry]]`; text stands in quotes"#,
    ),
    (
        "group_size = 8",
        "group_size = 99999999999999999999",
        r#"error: run.toml:11: grpo.group_size: must be a whole number, is the number 1e20
hint: a whole number is written like 8: no quotes, no decimal point"#,
    ),
    (
        "head_dim = 32",
        "max_position_embeddings = 64",
        r#"error: run.toml:5: model.max_position_embeddings: 64 are too few: the user may write 96 in one turn alone
hint: raise it, or lower `user.tokens_max` in the scenario"#,
    ),
    (
        "clip_low = 0.2",
        "groups = { mutual = 0, fixed = 0 }",
        r#"error: run.toml:15: grpo.groups: holds no group, so no step would learn anything
hint: e.g. `groups = { mutual = 6, fixed = 6 }`"#,
    ),
    (
        "clip_low = 0.2",
        "groups = 12",
        r#"error: run.toml:15: grpo.groups: must be a section, is the number 12
hint: write its keys under a [section], or inline: { key = value, … }"#,
    ),
    (
        "seed = 1",
        "seed = 1\nseed = 2",
        r#"error: run.toml:3: not TOML: duplicate key
hint: a line is `key = value`, a `[section]` or a `[[list entry]]`; text stands in quotes"#,
    ),
];

/// A `--set`, and all that is printed.
const SET_MISTAKES: &[(&str, &str)] = &[
    (
        "grpo.lrr=1",
        r#"error: --set: grpo.lrr: unknown key: a key that nothing reads would be believed to have an effect
hint: did you mean `lr`?"#,
    ),
    (
        "grpo=3",
        r#"error: --set: grpo: must be a section, is the number 3
hint: write its keys under a [section], or inline: { key = value, … }"#,
    ),
    (
        "grpo.lr",
        r#"error: --set: grpo.lr: has no `=`
hint: write `--set KEY=VALUE`, e.g. `--set grpo.lr=3e-4`"#,
    ),
    (
        "seed.x=3",
        r#"error: --set: seed.x: `x` cannot be looked up in a single value
hint: a path is SECTION.KEY"#,
    ),
    (
        "world.sees=0.9",
        r#"error: --set: world.sees: is a key of a scenario file, and this is a run file
hint: an override changes the run file alone: write it into the scenario file, or into a copy of it that `scenario=FILE` names"#,
    ),
    (
        "reward[0].weight = 2",
        r#"error: --set: reward[0].weight: is a key of a scenario file, and this is a run file
hint: an override changes the run file alone: write it into the scenario file, or into a copy of it that `scenario=FILE` names"#,
    ),
    (
        "seeds=[1, 2]",
        r#"error: --set: seeds: is a key of a study file, and this is a run file
hint: an override changes the run file alone: write it into the study file"#,
    ),
    (
        "grpo.lr=fast",
        r#"error: --set: grpo.lr: must be a number, is the text "fast"
hint: a number is written like 0.05 or 3e-4, without quotes"#,
    ),
];

#[test]
fn the_files_of_these_tests_are_good_as_they_stand() {
    assert_eq!(printed(&[], &[]), "");
}

#[test]
fn every_mistake_in_a_scenario_is_told_with_its_line_and_what_to_do() {
    for (from, to, expected) in SCENARIO_MISTAKES {
        assert_eq!(printed(&[(from, to)], &[]), *expected, "{from} -> {to}");
    }
}

#[test]
fn every_mistake_in_a_run_is_told_with_its_line_and_what_to_do() {
    for (from, to, expected) in RUN_MISTAKES {
        assert_eq!(printed(&[(from, to)], &[]), *expected, "{from} -> {to}");
    }
}

#[test]
fn a_mistake_in_an_override_is_told_as_such() {
    for (text, expected) in SET_MISTAKES {
        assert_eq!(printed(&[], &[text]), *expected, "{text}");
    }
}

#[test]
fn all_mistakes_of_both_files_are_told_at_once_and_none_twice() {
    let edits = [
        ("turns_max = 6", "turns_max = \"x\"\nfoo = 1"),
        ("seat = \"agent\"", "seat = \"agnt\""),
        ("group_size = 8", "group_size = 1"),
        ("lr = 6e-4", "lr = 2"),
    ];
    let expected = r#"error: --set: limits.device: cannot be `gpu`
hint: it is one of: `auto`, `cpu`, `cuda`
error: run.toml:11: grpo.group_size: cannot be 1: a group of one has no baseline to be better than
hint: it is at least 2 and at most 1024; the default is 8
error: run.toml:12: grpo.lr: cannot be 2: at 0 nothing is learned, and above 1 no update is a small step
hint: it is above 0 and at most 1; the default is 0.0006
error: scenario.toml:2: turns_max: must be a whole number, is the text "x"
hint: a whole number is written like 8: no quotes, no decimal point
error: scenario.toml:3: foo: unknown key: a key that nothing reads would be believed to have an effect
hint: the keys here are: `name`, `turns_max`, `malformed_max`, `world`, `agent`, `user`, `judge`, `reward`, `success`
error: scenario.toml:23: reward[0].seat: cannot be `agnt`
hint: did you mean `agent`?"#;
    assert_eq!(printed(&edits, &["limits.device=gpu"]), expected);
}

#[test]
fn an_unknown_policy_is_answered_with_the_policies_of_its_seat() {
    let scenario = checked_scenario();
    let known = |seat: Seat| {
        let names = Script::names(&scenario.rules, seat);
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("{}, `model:DIR`, `openai:MODEL`, `replay:FILE`", quoted.join(", "))
    };
    let wrong = |from: &str, to: &str| printed(&[(from, to)], &[]);
    assert_eq!(
        wrong("policy = \"scripted:good\"", "policy = \"scripted:god\""),
        format!(
            "error: scenario.toml:10: agent.policy: there is no policy `scripted:god` for the agent\n\
             hint: did you mean `scripted:good`? The agent can be {}",
            known(Seat::Agent)
        )
    );
    assert_eq!(
        wrong("policy = \"rule\"\ntokens_max", "policy = \"openai:\"\ntokens_max"),
        "error: scenario.toml:14: user.policy: `openai:` does not say which\nhint: write openai:MODEL"
    );
    assert_eq!(
        wrong("teacher = \"scripted:noisy\"", "teacher = \"openai:some-model\""),
        "error: run.toml:8: sft.teacher: cannot be `openai:some-model`: a cold start plays a script\n\
         hint: write a script of both seats, e.g. `scripted:noisy`; anybody else's talks go into `sft.records`"
    );
    assert_eq!(
        wrong("teacher = \"scripted:noisy\"", "teacher = \"nobody\""),
        format!(
            "error: run.toml:8: sft.teacher: there is no policy `nobody` for the agent, and it teaches both seats\n\
             hint: the agent can be {}",
            known(Seat::Agent)
        )
    );
    let flag = check_policy("--agent", &scenario.rules, Seat::Agent, "model:").unwrap_err();
    assert_eq!(flag.to_string(), "error: --agent: `model:` does not say which\nhint: write model:DIR");
    check_policy("--agent", &scenario.rules, Seat::Agent, "model:runs/a/checkpoints/step-000001/agent").unwrap();
}

#[test]
fn a_file_that_is_missing_or_of_no_kind_is_told_apart_from_a_wrong_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("talk.toml"), "answer = 42\n").unwrap();
    let printed = |name: &str| {
        let errors = check_file(&folder.path().join(name)).unwrap_err();
        shown(errors.to_string(), folder.path())
    };
    assert_eq!(
        printed("tlak.toml"),
        "error: tlak.toml: cannot be read: there is no such file\nhint: did you mean `talk.toml`?"
    );
    assert_eq!(
        printed("talk.toml"),
        "error: talk.toml: is no scenario, run, study or suite file\n\
         hint: a scenario file has a section `[world]`, a run file names its `scenario = \"…\"` or a `mix`, a study file has sections \
         `[policies.NAME]`, a suite file has entries `[[family]]`, `[[trap]]` or `[[set]]`"
    );
    assert!(matches!(printed(".").as_str(), text if text.contains("it is a folder")));
}

#[test]
fn a_file_of_another_kind_is_one_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let names = FileKind::ALL.map(|kind| format!("{kind}.toml"));
    let study = "seeds = [1]\n[policies]\nrule = { policy = \"rule\" }\n";
    let suite = "items = 1\n[[family]]\nname = \"one\"\n";
    let paths: Vec<PathBuf> =
        names.iter().zip([SCENARIO, RUN, study, suite]).map(|(name, text)| write(name, text)).collect();
    let said = |errors: String| errors.replace(&format!("{}/", folder.path().display()), "");
    let hints = [
        "play it with `duologue rollout scenario.toml`, measure on it with `duologue eval scenario.toml`",
        "train with `duologue train run.toml`",
        "run it with `duologue study study.toml`",
        "run it with `duologue stress suite.toml`",
    ];
    for ((kind, path), hint) in FileKind::ALL.into_iter().zip(&paths).zip(hints) {
        for wanted in FileKind::ALL.into_iter().filter(|wanted| *wanted != kind) {
            let found = match wanted {
                FileKind::Scenario => load_scenario(path).map(drop),
                FileKind::Run => load_run(path, &[]).map(drop),
                FileKind::Study => load_study(path).map(drop),
                FileKind::Suite => load_suite(path).map(drop),
            };
            let expected =
                format!("error: {kind}.toml: is a {kind} file, and a {wanted} file is wanted here\nhint: {hint}");
            assert_eq!(said(found.unwrap_err().to_string()), expected);
        }
    }
    let itself = write("itself.toml", "scenario = \"run.toml\"\n");
    assert_eq!(
        said(load_run(&itself, &[]).unwrap_err().to_string()),
        "error: itself.toml:1: scenario: `run.toml` is a run file, and a scenario file is wanted here\n\
         hint: a scenario file has a section `[world]`"
    );
    // What is missing does not make it a file of no kind, nor does one strange key make it another's.
    let headless = write("headless.toml", &RUN.replace("scenario = \"scenario.toml\"", ""));
    let errors = said(check_file(&headless).unwrap_err().to_string());
    assert!(errors.starts_with("error: headless.toml:1: scenario: is missing\n"), "{errors}");
    let strange = write("strange.toml", &format!("seeds = [1]\n{RUN}"));
    let errors = said(check_file(&strange).unwrap_err().to_string());
    assert!(errors.starts_with("error: strange.toml:1: seeds: unknown key"), "{errors}");
}

#[test]
fn scenarios_of_one_name_are_told_apart_before_they_are_played() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.toml", "b.toml", "c.toml"].map(|name| folder.path().join(name));
    for (path, name) in paths.iter().zip(["talk", "talk", "chat"]) {
        fs::write(path, SCENARIO.replace("name = \"talk\"", &format!("# c\nname = \"{name}\""))).unwrap();
    }
    let [a, b, c] = paths;
    let said = |errors: duologue_config::ConfigErrors| shown(errors.to_string(), folder.path());
    assert_eq!(
        said(load_scenarios(&[a.clone(), b, c.clone()]).unwrap_err()),
        "error: b.toml:2: name: `talk` is the name of a.toml too: their results could not be told apart\n\
         hint: give one of the two another name"
    );
    assert_eq!(
        said(load_scenarios(&[a.clone(), a.clone()]).unwrap_err()),
        "error: a.toml:2: name: `talk` is the name of a.toml too: their results could not be told apart\n\
         hint: name each file once"
    );
    let names: Vec<String> = load_scenarios(&[a, c]).unwrap().into_iter().map(|scenario| scenario.name).collect();
    assert_eq!(names, ["talk", "chat"]);
}

#[test]
fn a_mistake_found_late_still_has_its_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("scenario.toml"), SCENARIO).unwrap();
    fs::write(folder.path().join("run.toml"), RUN).unwrap();
    let (_, _, sources) = load_run(&folder.path().join("run.toml"), &["eval.items=9".to_owned()]).unwrap();
    let said = |key: &str| shown(sources.mistake(key, "is wrong".into(), "mend it".into()).to_string(), folder.path());
    assert_eq!(said("model.head_dim"), "error: run.toml:5: model.head_dim: is wrong\nhint: mend it");
    assert_eq!(said("model.vocab_max"), "error: run.toml:4: model.vocab_max: is wrong\nhint: mend it");
    assert_eq!(said("eval.items"), "error: --set: eval.items: is wrong\nhint: mend it");
}

fn checked_scenario() -> Scenario {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("scenario.toml"), SCENARIO).expect("the folder is ours");
    load_scenario(&folder.path().join("scenario.toml")).expect("the scenario is good as it stands")
}

/// What is printed about a scenario of the repository in which `from` stands as `to`.
fn printed_of(file: &str, from: &str, to: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/userrl").join(file);
    let text = fs::read_to_string(path).expect("the file is part of the repository");
    assert!(text.contains(from), "`{from}` must stand in {file}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join(file), text.replacen(from, to, 1)).expect("the folder is ours");
    let errors = load_scenario(&folder.path().join(file)).err();
    shown(errors.map(|errors| errors.to_string()).unwrap_or_default(), folder.path())
}

#[test]
fn constants_of_userrls_gyms_out_of_their_ranges_are_told() {
    let function = |from, to| printed_of("function.toml", from, to);
    let said = function("held_out = 200", "held_out = 10001");
    assert!(said.contains("held_out: cannot be 10001: most of the 58 987 functions are to learn from"), "{said}");
    let said = function("tolerance = 1e-6", "tolerance = 2");
    assert!(said.contains("world.tolerance: cannot be 2"), "{said}");
    let said = function(
        "{ generate = 2000, held_out = 200, seed = 7 }",
        "{ train = \"nowhere.json\", held_out = \"b.json\" }",
    );
    assert!(said.contains("world.items.train: `nowhere.json` cannot be read: there is no such file"), "{said}");
    assert!(said.contains("DUOLOGUE_DATA"), "{said}");
    let travel = |from, to| printed_of("travel.toml", from, to);
    let said = travel("choice_correct_reward = 0.8", "choice_correct_reward = 1.8");
    assert!(said.contains("world.choice_correct_reward: cannot be 1.8"), "{said}");
    let said = travel("search_failure_interval = 5", "search_failure_interval = -1");
    assert!(said.contains("world.search_failure_interval: cannot be -1"), "{said}");
    let said = travel("generate = 1000", "generate = 100001");
    assert!(said.contains("world.items.generate: cannot be 100001"), "{said}");
    let said = travel("elicitation_interval", "elicitation_intervall");
    assert!(said.contains("did you mean `elicitation_interval`?"), "{said}");
}
