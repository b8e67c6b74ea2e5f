//! The files of this repository, and what is made of them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use duologue_config::Checked;
use duologue_config::check_file;
use duologue_config::hash;
use duologue_config::load_run;
use duologue_config::load_scenario;
use rl::settings::Baseline;
use rl::settings::Clip;
use rl::settings::GrpoSettings;
use rl::settings::Kl;
use rl::settings::LossRule;
use rl::settings::Normalizer;
use rl::settings::Overlong;
use rl::settings::OverlongPenalty;
use rl::settings::Ratio;
use rl::settings::StdOver;
use rl::settings::TrajectoryScore;
use rl::settings::TurnCredit;
use rl::settings::UpdateMode;
use sim::Seat;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder and of the folders in it, each with its path from the root of the repository.
fn toml_files(folder: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root().join(folder)).expect("the folder is part of the repository") {
        let entry = entry.expect("a listed file can be named");
        let path = format!("{folder}/{}", entry.file_name().display());
        if entry.path().is_dir() {
            paths.extend(toml_files(&path));
        } else if path.ends_with(".toml") {
            paths.push(path);
        }
    }
    paths.sort();
    paths
}

#[test]
fn every_file_parses_and_begins_with_the_command_that_runs_it() {
    let [scenarios, configs] = ["scenarios", "configs"].map(toml_files);
    assert!(!scenarios.is_empty() && !configs.is_empty());
    for path in [scenarios, configs].concat() {
        let file = root().join(&path);
        if needs_a_release(&file) {
            eprintln!("skipped: {path} needs a release in DUOLOGUE_DATA");
            continue;
        }
        let checked = check_file(&file).unwrap_or_else(|errors| panic!("{errors}"));
        let folder = match checked {
            Checked::Scenario(_) => "scenarios/",
            Checked::Study(_) => "configs/studies/",
            Checked::Suite(_) => "configs/stress/",
            Checked::Run(..) => "configs/",
        };
        assert!(path.starts_with(folder), "{path}");
        let text = fs::read_to_string(&file).unwrap();
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("# duologue ") && first.contains(&path), "{path}: {first}");
    }
}

/// Whether a file plays published items that are not at hand; `tests/` checks such files where they are.
fn needs_a_release(path: &Path) -> bool {
    let text = fs::read_to_string(path).expect("a listed file can be read");
    let plays =
        ["\"userrl/", "-userrl.toml\"", "../intention.toml\"", "/published/"].iter().any(|named| text.contains(named));
    let data = std::env::var_os("DUOLOGUE_DATA").map(PathBuf::from);
    // The claims are made by an import, and not every folder of a release has them.
    let is_made = |file: &str| !text.contains(file) || data.as_ref().is_some_and(|data| data.join(file).exists());
    plays && (data.is_none() || !is_made("userrl/statements.json"))
}

#[test]
fn the_quickstart_writes_out_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let short = folder.path().join("quickstart.toml");
    let scenario = root().join("scenarios/haggle.toml").canonicalize().unwrap();
    fs::write(&short, format!("scenario = {scenario:?}\n")).unwrap();
    let (short, ..) = load_run(&short, &[]).unwrap();
    let (long, ..) = load_run(&root().join("configs/quickstart.toml"), &[]).unwrap();
    assert_eq!(short, long);
    assert_eq!(hash(&short), hash(&long));
}

/// Specification userrl §8.2, with §3.6 and §3.7.
#[test]
fn the_presets_are_what_was_published() {
    let load = |preset: &str| {
        let overrides = [format!("preset={preset}"), "grpo.groups=".to_owned()];
        let file = tempfile::Builder::new().prefix("run").suffix(".toml").tempfile().unwrap();
        fs::write(file.path(), format!("scenario = \"{}\"", root().join("scenarios/haggle.toml").display())).unwrap();
        load_run(file.path(), &overrides).unwrap_or_else(|errors| panic!("{errors}")).0.grpo
    };
    let paper = load("paper-best");
    assert_eq!(
        (paper.turn_credit, paper.trajectory_score, paper.gamma),
        (TurnCredit::Equalized, TrajectoryScore::R2g, 0.8)
    );
    // 128 prompts of 8, 16 prompts to an optimiser step; 15 epochs of 18 steps.
    assert_eq!((paper.group_size, paper.groups.fixed, paper.groups.mutual, paper.minibatches), (8, 128, 0, 8));
    assert_eq!((paper.steps, paper.mode), (270, UpdateMode::Only(Seat::Agent)));
    assert_eq!((paper.lr, paper.warmup, paper.lr_floor), (1e-6, 0, 1.0));
    assert_eq!((paper.clip_low, paper.clip_high, paper.dual_clip, paper.kl_weight), (0.2, 0.2, Some(3.0), 0.0));
    assert_eq!((paper.temperature, paper.std_eps, paper.normalize_std), (1.0, 1e-6, true));
    assert_eq!((paper.optimizer.weight_decay, paper.optimizer.grad_norm_max), (0.01, 1.0));
    let upstream = load("upstream-default");
    assert_eq!(upstream.trajectory_score, TrajectoryScore::Mean);
    assert_eq!(upstream, GrpoSettings { trajectory_score: TrajectoryScore::Mean, ..paper });
}

/// docs/LOSSES.md has the sources.
#[test]
fn the_learning_rules_are_what_was_published_and_each_key_can_be_overridden() {
    let load = |preset: &str, more: &[&str]| {
        let own = std::iter::once(format!("preset={preset}"));
        let overrides: Vec<String> = own.chain(more.iter().map(|set| (*set).to_owned())).collect();
        let file = tempfile::Builder::new().prefix("run").suffix(".toml").tempfile().unwrap();
        fs::write(file.path(), format!("scenario = \"{}\"", root().join("scenarios/haggle.toml").display())).unwrap();
        load_run(file.path(), &overrides).unwrap_or_else(|errors| panic!("{errors}")).0.grpo
    };
    let quickstart = load("quickstart", &[]);
    let grpo = GrpoSettings {
        std_eps: 1e-4,
        clip_high: 0.2,
        dual_clip: None,
        kl_weight: 0.04,
        loss: LossRule { normalizer: Normalizer::Sequences, ..LossRule::default() },
        ..quickstart.clone()
    };
    assert_eq!(load("grpo", &[]), grpo);
    let plain = GrpoSettings { kl_weight: 0.0, ..grpo.clone() };
    let with = |loss| GrpoSettings { loss, ..plain.clone() };
    let rule = LossRule::default();
    let fixed = with(LossRule { normalizer: Normalizer::Fixed { tokens: 256 }, ..rule });
    assert_eq!(load("dr_grpo", &[]), GrpoSettings { normalize_std: false, ..fixed });
    let overlong = Overlong { filter: true, penalty: None };
    assert_eq!(load("dapo", &[]), GrpoSettings { clip_high: 0.28, refills_max: 9, overlong, ..with(rule) });
    let gspo = with(LossRule { ratio: Ratio::Sequence, ..grpo.loss });
    assert_eq!(load("gspo", &[]), GrpoSettings { clip_low: 3e-4, clip_high: 4e-4, minibatches: 4, ..gspo });
    let cispo = with(LossRule { clip: Clip::Weight, ..rule });
    assert_eq!(load("cispo", &[]), GrpoSettings { clip_low: 1.0, clip_high: 4.0, ..cispo });
    let rloo = with(LossRule { ratio: Ratio::Product, kl: Kl::K1, ..grpo.loss });
    let baseline = Baseline::LeaveOneOut;
    assert_eq!(load("rloo", &[]), GrpoSettings { baseline, normalize_std: false, kl_weight: 0.03, ..rloo });
    let (baseline, std_over) = (Baseline::Batch, StdOver::Batch);
    let plus_plus = GrpoSettings { baseline, std_over, kl_weight: 0.01, ..with(LossRule { kl: Kl::K1, ..rule }) };
    assert_eq!(load("reinforce++", &[]), plus_plus);
    assert_eq!(load("ppo", &[]), GrpoSettings { std_over, ..with(rule) });

    let changed = load("gspo", &["grpo.normalizer=tokens", "grpo.clip_low=0.1", "grpo.dual_clip=2"]);
    assert_eq!((changed.loss.normalizer, changed.clip_low, changed.dual_clip), (Normalizer::Tokens, 0.1, Some(2.0)));
    assert_eq!((changed.loss.ratio, changed.clip_high), (Ratio::Sequence, 4e-4));
    let penalty = OverlongPenalty { amount: 1.0, tokens_max: 40, cache: 8 };
    let soft = load("dapo", &["grpo.overlong_penalty=1", "grpo.overlong_tokens=40"]);
    assert_eq!(soft.overlong, Overlong { filter: true, penalty: Some(penalty) });
}

#[test]
fn a_scenario_keeps_its_numbers_and_its_order() {
    let scenario = load_scenario(&root().join("scenarios/haggle.toml")).unwrap();
    assert_eq!(scenario.outcome_range(Seat::Agent), (-1.0, 1.0));
    assert_eq!(scenario.seats.user.deadline_ms, None);
    assert!(scenario.seats.user.reasons && !scenario.seats.agent.reasons);
    let condition = scenario.success.agent.unwrap();
    let names: Vec<&str> = condition.all.iter().map(|clause| clause.name.as_str()).collect();
    assert_eq!(names, ["deal", "agent.score"]);
}

#[test]
fn the_haggle_file_is_the_example_that_tests_and_benches_play() {
    let scenario = load_scenario(&root().join("scenarios/haggle.toml")).unwrap();
    assert_eq!(scenario, sim::gyms::haggle::example());
}

#[test]
fn the_intention_file_is_the_example_that_tests_and_benches_play() {
    let scenario = load_scenario(&root().join("scenarios/userrl/intention.toml")).unwrap();
    assert_eq!(scenario, sim::gyms::intention::example());
}

#[test]
fn the_search_file_is_the_example_that_tests_and_benches_play() {
    let scenario = load_scenario(&root().join("scenarios/userrl/search.toml")).unwrap();
    assert_eq!(scenario, sim::gyms::search::example());
}

#[test]
fn the_telepathy_file_is_the_example_that_tests_and_benches_play() {
    let scenario = load_scenario(&root().join("scenarios/userrl/telepathy.toml")).unwrap();
    assert_eq!(scenario, sim::gyms::telepathy::example());
}

#[test]
fn the_turtle_file_is_the_example_that_tests_and_benches_play() {
    let scenario = load_scenario(&root().join("scenarios/userrl/turtle.toml")).unwrap();
    assert_eq!(scenario, sim::gyms::turtle::example());
}

#[test]
fn the_persuade_file_is_the_example_that_tests_and_benches_play() {
    let scenario = load_scenario(&root().join("scenarios/userrl/persuade.toml")).unwrap();
    assert_eq!(scenario, sim::gyms::persuade::example());
}

#[test]
fn the_function_file_is_the_example_that_tests_and_benches_play() {
    let scenario = load_scenario(&root().join("scenarios/userrl/function.toml")).unwrap();
    assert_eq!(scenario, sim::gyms::function::example());
}

#[test]
fn the_travel_file_is_the_example_that_tests_and_benches_play() {
    let scenario = load_scenario(&root().join("scenarios/userrl/travel.toml")).unwrap();
    assert_eq!(scenario, sim::gyms::travel::example());
}

#[test]
fn overrides_change_what_they_name_and_the_hash_with_it() {
    let path = root().join("configs/quickstart.toml");
    let load = |overrides: &[&str]| {
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        load_run(&path, &overrides).unwrap_or_else(|errors| panic!("{errors}")).0
    };
    let base = load(&[]);
    let changed = load(&["grpo.lr=3e-4", "seed=9", "grpo.mode=alternating", "grpo.agent_steps=2", "grpo.dual_clip=0"]);
    assert_eq!((changed.grpo.lr, changed.seed, changed.grpo.dual_clip), (3e-4, 9, None));
    assert_eq!(changed.grpo.mode, UpdateMode::Alternating { agent_steps: 2 });
    assert_ne!(hash(&base), hash(&changed));
    // Taking a key out brings its default back, which here is the value that was written.
    assert_eq!(load(&["grpo.std_eps="]), base);
    let one_sided = load(&["grpo.mode=agent", "grpo.groups.mutual=0"]);
    assert_eq!((one_sided.grpo.mode, one_sided.grpo.groups.fixed), (UpdateMode::Only(Seat::Agent), 6));
}

#[test]
fn sources_are_the_files_byte_for_byte() {
    let (_, _, sources) = load_run(&root().join("configs/quickstart.toml"), &["seed=3".to_owned()]).unwrap();
    assert_eq!(sources.run.text, fs::read_to_string(root().join("configs/quickstart.toml")).unwrap());
    assert_eq!(sources.scenarios[0].text, fs::read_to_string(root().join("scenarios/haggle.toml")).unwrap());
    assert_eq!(sources.overrides, ["seed=3"]);
}
