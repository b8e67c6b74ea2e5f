//! A cold start from collected talks: whoever played them, the best of each scenario, and what is refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cli::cold_start::Lessons;
use cli::flags::RemoteFlags;
use cli::flags::TrainFlags;
use cli::setup::Setup;
use sim::EpisodeRecord;
use sim::Seat;

use crate::program::duologue;
use crate::program::root;
use crate::training::lines;
use crate::training::records;
use crate::training::scratch;

/// What makes a run that imitates records small.
const SMALL: [&str; 9] = [
    "sft.updates=10",
    "sft.tokens_per_update=400",
    "sft.warmup=2",
    "sft.probe_min=0",
    "grpo.steps=1",
    "grpo.group_size=3",
    "grpo.group_valid_min=2",
    "grpo.groups.fixed=2",
    "eval.items=3",
];
const TOP: u32 = 10;

fn collect(scenario: &str, teacher: &str, items: &str, out: &Path) {
    let (scenario, out) = (format!("scenarios/userrl/{scenario}.toml"), out.display().to_string());
    duologue(&["rollout", &scenario, "--agent", teacher, "--items", items, "--episodes", "40", "--out", &out]).done();
}

/// Overrides of `configs/userrl.toml` that make a small run of the scenarios that were collected.
fn overrides(folder: &Path, more: &[&str]) -> Vec<String> {
    let list = |name: &str| format!("\"{}\"", folder.join(name).display());
    let scenario = |name: &str| format!("{{ scenario = \"{}/scenarios/userrl/{name}.toml\" }}", root().display());
    let mut sets = vec![
        format!("mix=[{}, {}]", scenario("telepathy"), scenario("persuade")),
        format!("sft.records=[{}, {}]", list("telepathy"), list("persuade")),
        format!("sft.top={TOP}"),
    ];
    sets.extend(["sft.dialogues=", "sft.drill_share=", "sft.probe_min="].map(str::to_owned));
    sets.extend(SMALL.iter().filter(|set| !set.starts_with("sft.probe_min")).map(|set| (*set).to_owned()));
    sets.extend(more.iter().map(|set| (*set).to_owned()));
    sets
}

fn setup(folder: &Path) -> Setup {
    let (run, set) = (root().join("configs/userrl.toml"), overrides(folder, &[]));
    let flags = TrainFlags {
        run,
        resume: false,
        out: Some(folder.join("run")),
        seed: None,
        set,
        cold_start: None,
        leashed: false,
        remote: RemoteFlags::default(),
    };
    Setup::load(flags).unwrap_or_else(|failure| panic!("{failure}"))
}

fn train(folder: &Path, more: &[&str]) -> crate::program::Said {
    let out = folder.join("run").display().to_string();
    let mut arguments = vec!["train".to_owned(), "configs/userrl.toml".to_owned(), "--out".to_owned(), out];
    arguments.extend(overrides(folder, more).into_iter().flat_map(|set| ["--set".to_owned(), set]));
    duologue(&arguments)
}

/// The best of one folder, by hand: highest score, then fewest turns, then the lowest number.
fn best(mut played: Vec<EpisodeRecord>) -> Vec<EpisodeRecord> {
    played.sort_by(|a, b| {
        let (one, other) = (a.scores.agent.expect("scripts are scored"), b.scores.agent.expect("scripts are scored"));
        let turns = |record: &EpisodeRecord| record.turns_of(Seat::Agent).count();
        other.total_cmp(&one).then(turns(a).cmp(&turns(b))).then(a.casting.id.cmp(&b.casting.id))
    });
    played.truncate(TOP as usize);
    played
}

#[test]
fn a_cold_start_imitates_the_best_talks_of_each_scenario_and_trains_on() {
    let folder = scratch();
    for name in ["telepathy", "persuade"] {
        collect(name, "scripted:noisy", "train", &folder.path().join(name));
    }
    let setup = setup(folder.path());
    let lessons = Lessons::prepare(&setup).unwrap_or_else(|failure| panic!("{failure}"));
    let dialect = lessons.dialect(&setup.mix, setup.settings.model.vocab_max).expect("the vocabulary has room");
    let samples = lessons.samples(&dialect, &setup.mix, &setup.settings).expect("it is equipped");
    let drawn: BTreeSet<Vec<u32>> =
        (1..400).flat_map(|update| samples.batch(Seat::Agent, update).samples).map(|sample| sample.tokens).collect();
    let chosen = ["telepathy", "persuade"].map(|name| best(records(&folder.path().join(name)))).concat();
    let wanted: BTreeSet<Vec<u32>> =
        chosen.iter().flat_map(|record| text::taught(&dialect, record, Seat::Agent, 0.2)).map(|t| t.tokens).collect();
    assert_eq!(drawn, wanted);

    train(folder.path(), &[]).done();
    let evaluated = lines(&folder.path().join("run/metrics.jsonl"));
    assert_eq!(evaluated.iter().filter(|line| line["phase"] == "eval").count(), 4);
}

#[test]
fn folders_that_teach_nothing_are_refused_before_anything_is_written() {
    let folder = scratch();
    collect("telepathy", "scripted:noisy", "held-out", &folder.path().join("telepathy"));
    collect("turtle", "scripted:noisy", "train", &folder.path().join("persuade"));
    let refused = |more: &[&str], wanted: &str| {
        let said = train(folder.path(), more).failed(2);
        assert!(said.contains(wanted), "{said}");
        assert!(!folder.path().join("run").exists(), "something was written");
    };
    let place = |name: &str| folder.path().join(name).display().to_string();
    let held_out = format!(
        "error: --set: sft.records[0]: `{}` holds no whole episode on an item to learn from",
        place("telepathy")
    );
    refused(&[], &held_out);
    let one = |name: &str| format!("sft.records=[\"{}\"]", place(name));
    let other = format!(
        "`{}` plays `turtle`, and this run does not\nhint: it plays `telepathy`, `persuade`",
        place("persuade")
    );
    refused(&[&one("persuade")], &other);
    refused(
        &[&one("nowhere")],
        &format!("error: --set: sft.records[0]: `{}` cannot be read: episodes/log.bin: ", place("nowhere")),
    );
    // Talks on items that were drawn anew: which of them are measured on now, nobody knows.
    let other = folder.path().join("other.toml");
    let text =
        fs::read_to_string(root().join("scenarios/userrl/telepathy.toml")).expect("it is part of the repository");
    fs::write(&other, text.replace("seed = 7", "seed = 8")).expect("the place is ours");
    let mix = format!("mix=[{{ scenario = \"{}\" }}]", other.display());
    refused(&[&mix, &one("telepathy")], "played `telepathy` with another world, other items or other rewards");
}
