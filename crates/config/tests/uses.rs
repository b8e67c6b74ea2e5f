//! What `plan` says of each key, against what the reader makes of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use duologue_config::KeyUse;
use duologue_config::Written;
use duologue_config::key_uses;
use duologue_config::load_run;
use serde_json::Value;
use serde_json::json;

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/quickstart.toml")
}

fn uses(overrides: &[&str]) -> Vec<KeyUse> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let (settings, mix, sources) = load_run(&quickstart(), &overrides).unwrap_or_else(|errors| panic!("{errors}"));
    key_uses(&settings, &mix, &sources).expect("the sources are those of the settings")
}

/// A folder of records, of which only a training run would read what is in it.
fn talks() -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("talks");
    fs::create_dir_all(folder.join("episodes")).expect("the build's own folder takes another one");
    fs::write(folder.join("episodes/log.bin"), "talks").expect("the build's own folder takes a file");
    folder.display().to_string()
}

/// A folder that says what shape its model has, of which only a training run would read the weights.
fn model() -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("base");
    fs::create_dir_all(&folder).expect("the build's own folder takes another one");
    let config = json!({
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96,
        "max_position_embeddings": 2048, "vocab_size": 900,
    });
    fs::write(folder.join("config.json"), config.to_string()).expect("the build's own folder takes a file");
    folder.display().to_string()
}

/// What the quickstart says of its models' shape, taken out.
const NO_SHAPE: &[&str] = &[
    "model.hidden_size=",
    "model.num_hidden_layers=",
    "model.num_attention_heads=",
    "model.num_key_value_heads=",
    "model.head_dim=",
    "model.intermediate_size=",
    "model.tie_word_embeddings=",
    "model.rope_theta=",
    "model.rms_norm_eps=",
    "model.vocab_max=",
];

/// What makes the quickstart's models start from a folder.
fn from_model() -> &'static [&'static str] {
    static NEEDS: LazyLock<Vec<&str>> =
        LazyLock::new(|| [&[&*format!("model.from={}", model()).leak()], NO_SHAPE].concat());
    &NEEDS
}

/// The same where an agent has a tool.
fn from_model_in_intention() -> &'static [&'static str] {
    static NEEDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let scenario = quickstart().with_file_name("../scenarios/userrl/intention.toml");
        let scenario = format!("scenario={}", scenario.display()).leak();
        [from_model(), &[&*scenario, "grpo.mode=agent", "grpo.groups.mutual="]].concat()
    });
    &NEEDS
}

/// What makes the quickstart play before judges by a rubric.
fn judged(more: &'static [&'static str]) -> &'static [&'static str] {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judged.toml");
    let scenario: &str = format!("scenario={}", file.display()).leak();
    [&[scenario], more].concat().leak()
}

/// The same, and adapters on the folder.
fn adapters() -> &'static [&'static str] {
    static NEEDS: LazyLock<Vec<&str>> = LazyLock::new(|| [from_model(), &["model.lora.rank=2"]].concat());
    &NEEDS
}

/// A scenario with something that both seats earn together.
fn shared() -> &'static [&'static str] {
    static NEEDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let text = fs::read_to_string(quickstart().with_file_name("../scenarios/talk/broadband.toml"))
            .expect("the scenario is part of the repository");
        let term = "[world.terms]\nsettled = { seat = \"both\", when = \"agreed == yes and fee <= budget\" }";
        let rewards = ["agent", "user"].map(|seat| {
            format!("[[reward]]\nseat = \"{seat}\"\nname = \"own.settled\"\nkind = \"shared\"\nweight = 0.5\n")
        });
        let text = text.replace("[world.terms]", term).replace("[success]", &format!("{}[success]", rewards.concat()));
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared.toml");
        fs::write(&file, text).expect("the build's own folder takes a file");
        vec![&*format!("scenario={}", file.display()).leak()]
    });
    &NEEDS
}

/// A key, another value, and what else it needs.
type Change = (&'static str, Value, &'static [&'static str]);

/// Another value for each key up to the cold start, as `--set` takes it.
fn changes() -> Vec<Change> {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("another.toml");
    fs::copy(quickstart().with_file_name("../scenarios/haggle.toml"), &copy)
        .expect("the build's own folder takes a file");
    let path = copy.display().to_string();
    let talks = talks();
    vec![
        ("scenario", json!(path), &[]),
        ("opponents.agent", json!("rule"), &[]),
        ("opponents.user", json!("scripted:noisy"), &[]),
        ("name", json!("another"), &[]),
        ("preset", json!("paper-best"), &[]),
        ("seed", json!(9), &[]),
        ("limits.episodes_live_max", json!(7), &[]),
        ("limits.batch_max", json!(5), &[]),
        ("limits.cache_mib_max", json!(64), &[]),
        ("limits.threads", json!(2), &[]),
        ("limits.device", json!("cpu"), &[]),
        ("limits.reruns_max", json!(1), &[]),
        ("model.from", json!(model()), NO_SHAPE),
        ("model.lora.rank", json!(4), from_model()),
        ("model.lora.alpha", json!(4.0), adapters()),
        ("model.lora.targets", json!(["q_proj", "v_proj"]), adapters()),
        ("model.lora.rank_stabilized", json!(true), adapters()),
        ("model.dtype", json!("bf16"), &[]),
        ("model.seats", json!("one"), &[]),
        ("model.thinking", json!("strip"), from_model()),
        ("model.tools", json!("template"), from_model_in_intention()),
        ("model.hidden_size", json!(64), &[]),
        ("model.num_hidden_layers", json!(2), &[]),
        ("model.num_attention_heads", json!(8), &[]),
        ("model.num_key_value_heads", json!(2), &[]),
        ("model.head_dim", json!(16), &[]),
        ("model.intermediate_size", json!(100), &[]),
        ("model.max_position_embeddings", json!(600), &[]),
        ("model.tie_word_embeddings", json!(false), &[]),
        ("model.rope_theta", json!(5000.0), &[]),
        ("model.rms_norm_eps", json!(1e-5), &[]),
        ("model.vocab_max", json!(1000), &[]),
        ("sft.records", json!([talks]), &["sft.dialogues=", "sft.teacher="]),
        ("sft.top", json!(60), &[]),
        ("sft.dialogues", json!(60), &[]),
        ("sft.teacher", json!("rule"), &[]),
        ("sft.thoughts", json!("none"), &[]),
        ("sft.updates", json!(12), &[]),
        ("sft.tokens_per_update", json!(400), &[]),
        ("sft.lr", json!(0.002), &[]),
        ("sft.warmup", json!(3), &[]),
        ("sft.lr_floor", json!(0.5), &[]),
        ("sft.partner_weight", json!(0.3), &[]),
        ("sft.drill_share", json!(0.25), &[]),
        ("sft.probe_min", json!(0.1), &[]),
    ]
}

/// The same for the keys after the cold start.
fn later_changes() -> Vec<Change> {
    vec![
        ("grpo.steps", json!(3), &[]),
        ("grpo.group_size", json!(6), &[]),
        ("grpo.group_valid_min", json!(3), &[]),
        ("grpo.groups.mutual", json!(1), &[]),
        ("grpo.groups.fixed", json!(2), &[]),
        ("grpo.forks.talks", json!(4), &[]),
        ("grpo.forks.alternatives", json!(5), &["grpo.forks.talks=2"]),
        ("grpo.forks.futures", json!(2), &["grpo.forks.talks=2"]),
        ("grpo.forks.future_turns", json!(4), &["grpo.forks.talks=2", "grpo.forks.futures=1"]),
        (
            "grpo.forks.talks_train",
            json!(false),
            // What says how talks train has nothing to say then.
            &[
                "grpo.forks.talks=2",
                "grpo.group_valid_min=",
                "grpo.turn_credit=",
                "grpo.trajectory_score=",
                "grpo.std_over=",
                "grpo.refills_max=",
            ],
        ),
        ("grpo.mode", json!("alternating"), &[]),
        ("grpo.agent_steps", json!(4), &["grpo.mode=alternating"]),
        ("grpo.lr", json!(0.0003), &[]),
        ("grpo.warmup", json!(1), &[]),
        ("grpo.lr_floor", json!(1.0), &[]),
        ("grpo.minibatches", json!(4), &[]),
        ("grpo.temperature", json!(0.7), &[]),
        ("grpo.turn_credit", json!("em"), &[]),
        ("grpo.trajectory_score", json!("mean"), &[]),
        ("grpo.gamma", json!(0.9), &["grpo.turn_credit=r2g"]),
        ("grpo.em_k", json!(3.0), &["grpo.turn_credit=em"]),
        ("grpo.std_eps", json!(0.1), &[]),
        ("grpo.normalize_std", json!(false), &["grpo.std_eps=", "grpo.std_over="]),
        ("grpo.std_over", json!("scenario"), &[]),
        ("grpo.baseline", json!("leave_one_out"), &[]),
        ("grpo.aggregation", json!("normalize_then_sum"), &["grpo.normalize_std=", "grpo.std_over="]),
        ("grpo.shared_weight", json!(0.5), shared()),
        ("grpo.rewards_of", json!("both"), &[]),
        ("grpo.overlong_filter", json!(true), &[]),
        ("grpo.overlong_penalty", json!(0.5), &[]),
        ("grpo.overlong_tokens", json!(40), &["grpo.overlong_penalty=1"]),
        ("grpo.overlong_cache", json!(5), &["grpo.overlong_penalty=1"]),
        ("grpo.malformed_penalty", json!(0.1), &[]),
        ("grpo.user_burden", json!(0.01), &[]),
        ("grpo.spoiled_penalty", json!(0.5), &[]),
        ("grpo.refills_max", json!(3), &[]),
        ("grpo.staleness_max", json!(1), &[]),
        ("grpo.ratio", json!("sequence"), &[]),
        ("grpo.clip", json!("weight"), &["grpo.dual_clip="]),
        ("grpo.clip_low", json!(0.1), &[]),
        ("grpo.clip_high", json!(0.3), &[]),
        ("grpo.dual_clip", json!(0.0), &[]),
        ("grpo.normalizer", json!("sequences"), &[]),
        ("grpo.normalizer_tokens", json!(100), &["grpo.normalizer=fixed"]),
        ("grpo.kl_weight", json!(0.01), &[]),
        ("grpo.kl", json!("k2"), &["grpo.kl_weight=0.01"]),
        ("grpo.importance", json!("sequence_mask"), &[]),
        ("grpo.importance_min", json!(0.5), &["grpo.importance=token_mask"]),
        ("grpo.importance_max", json!(5.0), &["grpo.importance=token_mask"]),
        ("grpo.entropy_weight", json!(0.01), &[]),
    ]
}

fn last_changes() -> Vec<Change> {
    vec![
        ("optimizer.beta1", json!(0.8), &[]),
        ("optimizer.beta2", json!(0.99), &[]),
        ("optimizer.eps", json!(1e-6), &[]),
        ("optimizer.weight_decay", json!(0.1), &[]),
        ("optimizer.grad_norm_max", json!(2.0), &[]),
        ("optimizer.micro_tokens_max", json!(2048), &[]),
        ("eval.every", json!(5), &[]),
        ("eval.items", json!(10), &[]),
        ("eval.trials", json!(2), &[]),
        ("eval.judge", json!("openai:third"), judged(&["eval.judge_family=gamma"])),
        ("eval.judge_family", json!("gamma"), judged(&["eval.judge=openai:third"])),
        ("checkpoints.sft_every", json!(50), &[]),
        ("checkpoints.grpo_every", json!(2), &[]),
        ("checkpoints.keep", json!(9), &[]),
    ]
}

/// The same for schedules of co-training.
fn schedule_changes() -> Vec<Change> {
    vec![
        ("grpo.pool.latest", json!(2.0), &[]),
        ("grpo.pool.history", json!(0.1), &[]),
        ("grpo.pool.fixed", json!(0.0), &[]),
        ("grpo.pool.every", json!(4), &[]),
        ("grpo.pool.keep", json!(2), &[]),
        ("grpo.pool.priority", json!("even"), &[]),
        ("grpo.isolation.share", json!(0.5), &[]),
        ("grpo.isolation.keep", json!(9), &[]),
        ("grpo.replay.share", json!(0.25), &[]),
        ("grpo.replay.weight", json!(0.5), &[]),
        (
            "grpo.difficulty_weight",
            json!(0.5),
            &["grpo.baseline=moving", "grpo.normalize_std=", "grpo.std_over=", "grpo.std_eps="],
        ),
    ]
}

/// The same for what a run is watched for.
fn monitor_changes() -> Vec<Change> {
    vec![
        ("grpo.monitors.on_alarm", json!("warn"), &["grpo.monitors.entropy_min=0.5"]),
        ("grpo.monitors.start", json!(3), &["grpo.monitors.entropy_min=0.5"]),
        ("grpo.monitors.patience", json!(2), &["grpo.monitors.entropy_min=0.5"]),
        ("grpo.monitors.entropy_min", json!(0.5), &[]),
        ("grpo.monitors.thought_min", json!(0.5), &[]),
        ("grpo.monitors.thought_max", json!(2.0), &[]),
        ("grpo.monitors.repetition_max", json!(0.5), &[]),
        ("grpo.monitors.distinct_min", json!(0.5), &[]),
        ("grpo.monitors.correlation_min", json!(-0.3), &[]),
        ("grpo.monitors.balance_max", json!(0.8), &[]),
        ("grpo.monitors.manipulation_max", json!(0.2), &[]),
        ("grpo.monitors.suspicion_max", json!(0.5), &[]),
        ("grpo.monitors.fault_rise_max", json!(0.1), &[]),
    ]
}

#[test]
fn what_is_set_is_what_is_shown_for_every_key_and_for_no_other() {
    let base = uses(&[]);
    let changes = [changes(), later_changes(), last_changes(), schedule_changes(), monitor_changes()].concat();
    // A mix stands in place of the scenario, and no override writes a list of tables; a curriculum is one of a mix.
    let of_mix = |key: &str| key == "mix" || key.starts_with("grpo.curriculum.");
    let keys: BTreeSet<&str> = base.iter().map(|used| used.key).filter(|key| !of_mix(key)).collect();
    assert_eq!(keys, changes.iter().map(|(key, ..)| *key).collect());
    for (key, value, needs) in changes {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let set = format!("{key}={text}");
        let changed = uses(&[needs, &[&set]].concat());
        let shown = changed.iter().find(|used| used.key == key).unwrap();
        assert_eq!((shown.value.as_ref(), shown.written), (Some(&value), Written::Set), "{key}");
        let before = base.iter().find(|used| used.key == key).unwrap();
        assert_ne!(before.value, shown.value, "{key}: another value than the file's, or this shows nothing");
    }
}

/// The lines of a section of the quickstart, those before all sections for an empty name; nothing if it has no such section.
fn section<'t>(text: &'t str, name: &str) -> &'t str {
    let from =
        if name.is_empty() { Some(text) } else { text.split_once(&format!("\n[{name}]")).map(|(_, after)| after) };
    from.map_or("", |after| after.split_once("\n[").map_or(after, |(lines, _)| lines))
}

#[test]
fn what_the_file_says_is_shown_with_its_line_and_what_it_leaves_out_is_a_default() {
    let text = fs::read_to_string(quickstart()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for used in uses(&[]) {
        let name = used.key.rsplit('.').next().unwrap();
        match used.written {
            Written::Line(line) => {
                let written = lines[line - 1].split('#').next().unwrap();
                assert!(written.contains(&format!("{name} = ")), "{}: line {line} is `{written}`", used.key);
            }
            Written::Default => {
                let of_section = section(&text, used.key.rsplit_once('.').map_or("", |(section, _)| section));
                assert!(!of_section.contains(&format!("\n{name} = ")), "{} stands in the file", used.key);
            }
            Written::Set => panic!("{}: nothing was set", used.key),
        }
    }
    let taken_out = uses(&["grpo.lr="]);
    let lr = taken_out.iter().find(|used| used.key == "grpo.lr").unwrap();
    assert_eq!((lr.written, lr.value.clone()), (Written::Default, Some(json!(6e-4))));
}

/// Keys of `[grpo]` of which the quickstart has no need.
const UNUSED: [&str; 12] = [
    "forks.alternatives",
    "forks.futures",
    "forks.future_turns",
    "forks.talks_train",
    "shared_weight",
    "spoiled_penalty",
    "overlong_tokens",
    "overlong_cache",
    "normalizer_tokens",
    "kl",
    "importance_min",
    "importance_max",
];

#[test]
fn a_key_without_a_user_in_this_run_is_one_that_the_reader_refuses() {
    let unused: Vec<&str> = uses(&[]).iter().filter(|used| used.value.is_none()).map(|used| used.key).collect();
    let parts = UNUSED.map(|key| format!("grpo.{key}"));
    let pool = ["latest", "history", "fixed", "every", "keep", "priority"].map(|key| format!("grpo.pool.{key}"));
    let schedules = ["curriculum.target", "curriculum.every", "isolation.share", "isolation.keep", "difficulty_weight"];
    let schedules = schedules
        .map(|key| format!("grpo.{key}"))
        .into_iter()
        .chain(["share", "weight"].map(|key| format!("grpo.replay.{key}")));
    let monitors: Vec<String> = monitor_changes().into_iter().map(|(key, ..)| key.to_owned()).collect();
    let of_models = ["model.from", "model.thinking", "model.tools"].map(str::to_owned);
    let others = ["mix", "eval.judge", "eval.judge_family", "grpo.agent_steps", "grpo.gamma", "grpo.em_k"];
    let others = others.map(str::to_owned).into_iter().chain(of_models);
    let adapters = ["lora.rank", "lora.alpha", "lora.targets", "lora.rank_stabilized"];
    let adapters = adapters.map(|key| format!("model.{key}"));
    assert_eq!(
        BTreeSet::from_iter(unused.iter().map(|key| (*key).to_owned())),
        others.chain(adapters).chain(parts).chain(pool).chain(schedules).chain(monitors).collect()
    );
    // These are of no use because they are not there: written, they are, or what is there in their place is refused beside them.
    let has_effect = |key: &str| {
        let sections = ["grpo.pool.", "grpo.isolation.", "grpo.replay."];
        ["mix", "model.from", "grpo.spoiled_penalty"].contains(&key)
            || sections.iter().any(|section| key.starts_with(section))
            || ["_min", "_max"].iter().any(|bound| key.starts_with("grpo.monitors.") && key.ends_with(bound))
    };
    for key in unused.into_iter().filter(|key| !has_effect(key)) {
        let value = match key {
            "grpo.kl" => "k2",
            "grpo.monitors.on_alarm" => "warn",
            "model.lora.targets" => "all-linear",
            "model.lora.rank_stabilized" | "grpo.forks.talks_train" => "true",
            "model.thinking" => "strip",
            "model.tools" => "template",
            _ => "1",
        };
        let errors = load_run(&quickstart(), &[format!("{key}={value}")]).expect_err("it has no effect");
        assert!(errors.to_string().contains("has no effect in this run"), "{errors}");
    }
    let records = format!("sft.records=[\"{}\"]", talks());
    let collected = uses(&[&records, "sft.dialogues=", "sft.teacher="]);
    let unused: Vec<&str> = collected.iter().filter(|used| used.value.is_none()).map(|used| used.key).collect();
    let unused: Vec<&str> = unused.into_iter().filter(|key| !key.starts_with("model.")).collect();
    assert_eq!(unused[..4], ["mix", "sft.dialogues", "sft.teacher", "sft.thoughts"]);
    for key in ["sft.dialogues=60", "sft.teacher=scripted:good", "sft.thoughts=own"] {
        let overrides = [&records, "sft.dialogues=", "sft.teacher=", key].map(str::to_owned);
        let errors = load_run(&quickstart(), &overrides).expect_err("it has no effect");
        assert!(errors.to_string().contains("has no effect in this run: `sft.records` says"), "{errors}");
    }
    let idle = [
        (["grpo.clip=weight", "grpo.dual_clip="], "grpo.dual_clip"),
        (["grpo.baseline=batch", "grpo.std_over="], "grpo.refills_max"),
    ];
    for (needs, key) in idle {
        assert!(uses(&needs).iter().any(|used| used.key == key && used.value.is_none()), "{key}");
    }
    let flat = uses(&["grpo.normalize_std=false", "grpo.std_eps=", "grpo.std_over="]);
    assert!(flat.iter().any(|used| used.key == "grpo.std_eps" && used.value.is_none()));
}
