//! Who learns when, and from whom: frozen roles, moving baselines, and what a run that is killed knows of them afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use runs::CheckpointId;
use runs::Checkpoints;
use runs::RunPaths;
use runs::TrainPhase;
use serde_json::Value;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Seat;

use crate::killed::start_and_halt;
use crate::program::HALT_AT;
use crate::program::Said;
use crate::program::command;
use crate::program::duologue;
use crate::program::finish;
use crate::program::root;
use crate::training::contents;
use crate::training::lines;
use crate::training::records;
use crate::training::same_outcome;
use crate::training::scratch;
use crate::training::train_command;

const STEPS: u64 = 4;

/// A small run over a talk, with these lines in `[grpo]`, and these before all sections.
fn run_file(folder: &Path, name: &str, before: &str, grpo: &str) -> PathBuf {
    let scenario = root().join("scenarios/talk/broadband.toml").display().to_string();
    let text = format!(
        "scenario = \"{scenario}\"\nseed = 3\n{before}\nmodel.max_position_embeddings = 16384\n\
         eval = {{ items = 1, every = 9 }}\ncheckpoints = {{ sft_every = 4, keep = 9 }}\n\
         sft = {{ dialogues = 30, updates = 6, tokens_per_update = 400, warmup = 2, drill_share = 0.0, probe_min = 0.0 }}\n\
         [grpo]\nsteps = {STEPS}\ngroup_size = 4\ngroup_valid_min = 2\nminibatches = 1\n{grpo}\n"
    );
    let file = folder.join(format!("{name}.toml"));
    fs::write(&file, text).expect("the place is ours");
    file
}

fn arguments(file: &Path, out: &Path, more: &[&str]) -> Vec<String> {
    let [file, out] = [file, out].map(|path| path.display().to_string());
    ["train", &file, "--out", &out].into_iter().chain(more.iter().copied()).map(str::to_owned).collect()
}

fn train(file: &Path, out: &Path, more: &[&str]) -> Said {
    duologue(&arguments(file, out, more))
}

/// A seat's folder after a step, weights, moments and whatever else is in it, and its version.
fn after(run: &Path, step: u64, seat: Seat) -> (BTreeMap<PathBuf, Vec<u8>>, u64) {
    let id = CheckpointId { phase: TrainPhase::Grpo, step };
    let checkpoint = Checkpoints::at(&RunPaths::new(run).checkpoints()).load(id).expect("all of them are kept");
    (contents(&checkpoint.seat_folder(seat)), checkpoint.state.versions[seat])
}

/// Which seats' folders and versions are others after each step.
fn changed(run: &Path) -> Vec<Pair<bool>> {
    let of_step = |step| {
        Pair::from_fn(|seat| {
            let (before, now) = (after(run, step - 1, seat), after(run, step, seat));
            assert_eq!(
                before.0 == now.0,
                before.1 == now.1,
                "{seat}: the version tells whether the weights are others"
            );
            before != now
        })
    };
    (1..=STEPS).map(of_step).collect()
}

#[test]
fn r01_a_frozen_role_keeps_its_weights_to_the_bit() {
    let scratch = scratch();
    let place = scratch.path();
    let groups = "groups = { mutual = 2, fixed = 2 }";
    let both = place.join("both");
    train(&run_file(place, "both", "", &format!("mode = \"simultaneous\"\n{groups}")), &both, &[]).done();
    assert_eq!(changed(&both), [Pair { agent: true, user: true }; STEPS as usize]);

    let turns = place.join("turns");
    let alternating = format!("mode = \"alternating\"\nagent_steps = 3\n{groups}");
    train(&run_file(place, "turns", "", &alternating), &turns, &[]).done();
    let (agent, user) = (Pair { agent: true, user: false }, Pair { agent: false, user: true });
    assert_eq!(changed(&turns), [agent, agent, agent, user]);

    // Where only one role ever learns, the other is a model that was trained before.
    let before = contents(&both.join("checkpoints/step-000004"));
    for seat in Seat::ALL {
        let (out, partner) = (place.join(seat.name()), seat.partner());
        let frozen =
            format!("opponents = {{ {partner} = \"model:{}\" }}", both.join("checkpoints/step-000004").display());
        let alone = format!("mode = \"{seat}\"\ngroups = {{ fixed = 3 }}");
        train(&run_file(place, seat.name(), &frozen, &alone), &out, &[]).done();
        let learned = changed(&out);
        assert!(learned.iter().all(|changed| changed[seat] && !changed[partner]), "{seat}: {learned:?}");
        assert!(after(&out, STEPS, partner).0.is_empty(), "the {partner} has nothing to be saved");
        let played = records(&out).into_iter().filter(|record| record.casting.id.phase == Phase::Grpo);
        let version = after(&both, STEPS, partner).1;
        for record in played {
            let mut sampled = record.turns_of(partner).filter_map(|turn| turn.decision.generation.as_ref());
            assert!(sampled.all(|generation| generation.version == version), "the {partner} is always the same");
        }
    }
    assert!(contents(&both.join("checkpoints/step-000004")) == before, "whoever is met is left alone");
}

/// A small run of the quickstart with these settings, trained whole, and once more with a death among its steps, after a commit or two.
pub fn whole_and_resumed(place: &Path, sets: &[&str]) -> PathBuf {
    fs::create_dir_all(place).expect("the place is ours");
    let more: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let [whole, resumed] = ["whole", "resumed"].map(|name| place.join(name));
    let mut command = train_command(&whole, &more);
    command.env(HALT_AT, "0");
    let said = finish(command);
    let counted = said.stderr.lines().find_map(|line| line.strip_prefix("operations: ")).map(str::to_owned);
    said.done();
    let operations: u64 = counted.expect("it was asked to count").parse().expect("a number");
    let mut child = start_and_halt(&mut train_command(&resumed, &more), operations * 3 / 4).expect("a run does more");
    child.kill().expect("it waits to be killed");
    child.wait().expect("it was killed");
    let committed = Checkpoints::at(&RunPaths::new(&resumed).checkpoints()).latest().expect("it can be read");
    let committed = committed.expect("it was killed after a commit").id;
    assert!(committed.phase == TrainPhase::Grpo && committed.step >= 1, "killed after {committed}");
    crate::training::train(&resumed, &[&more[..], &["--resume"]].concat()).done();
    same_outcome(&whole, &resumed);
    whole
}

pub fn grpo_lines(run: &Path) -> Vec<Value> {
    lines(&run.join("metrics.jsonl")).into_iter().filter(|line| line["phase"] == "grpo").collect()
}

/// The episodes of each step of GRPO, in order of their ids.
fn played(run: &Path) -> BTreeMap<u64, Vec<EpisodeRecord>> {
    let mut steps: BTreeMap<u64, Vec<EpisodeRecord>> = BTreeMap::new();
    for record in records(run).into_iter().filter(|record| record.casting.id.phase == Phase::Grpo) {
        steps.entry(record.casting.id.round).or_default().push(record);
    }
    steps.values_mut().for_each(|records| records.sort_by_key(|record| record.casting.id));
    steps
}

/// What takes the quickstart's own division by a deviation out.
const MOVING: [&str; 4] = ["grpo.baseline=moving", "grpo.normalize_std=", "grpo.std_over=", "grpo.std_eps="];

#[test]
fn moving_baselines_follow_the_scores_and_survive_a_death() {
    let scratch = scratch();
    let run = whole_and_resumed(scratch.path(), &MOVING);
    let mut baselines: Pair<f64> = Pair::default();
    for (line, records) in grpo_lines(&run).iter().zip(played(&run).values()) {
        for seat in Seat::ALL {
            // A group of which fewer than two count is skipped.
            for group in records.chunk_by(|a, b| a.casting.id.group == b.casting.id.group) {
                let counts = |r: &&EpisodeRecord| r.casting.learns[seat] && r.turns_of(seat).next().is_some();
                let scores: Vec<f64> =
                    group.iter().filter(counts).filter_map(|record| rl::metrics::reward(record, seat)).collect();
                for score in scores.iter().filter(|_| scores.len() >= 2) {
                    baselines[seat] = 0.95 * baselines[seat] + 0.05 * score;
                }
            }
            let shown = line[format!("{seat}/baseline")].as_f64().expect("it moves");
            assert!((shown - baselines[seat]).abs() < 1e-9, "{seat}: {line}");
            assert_eq!(line[format!("{seat}/groups/no_variance")], 0.0);
        }
    }
    assert!(baselines.iter().all(|(_, baseline)| *baseline != 0.0), "{baselines:?}");
}

/// A pool of two snapshots, one of each step, met in half of the groups that serve one seat.
const POOL: [&str; 8] = [
    "grpo.pool.latest=1",
    "grpo.pool.history=2",
    "grpo.pool.fixed=1",
    "grpo.pool.every=1",
    "grpo.pool.keep=2",
    "grpo.steps=5",
    "grpo.groups.fixed=4",
    "checkpoints.keep=1",
];

#[track_caller]
fn check_pool(run: &Path, staleness_max: u64) {
    let steps = played(run);
    // What the models were after each step, told by what plays later.
    let mut version: BTreeMap<(Seat, u64), u64> = BTreeMap::new();
    for (step, records) in &steps {
        for record in records {
            for turn in record.turns.iter().filter(|turn| record.casting.policies[turn.seat] == "model") {
                let after = (step - 1).saturating_sub(staleness_max);
                version.extend(turn.decision.generation.as_ref().map(|said| ((turn.seat, after), said.version)));
            }
        }
    }
    let mut met_snapshots = 0;
    for (line, (step, records)) in grpo_lines(run).iter().zip(&steps) {
        let known = (step - 1).saturating_sub(staleness_max);
        let mut met: BTreeMap<(Seat, &str), f64> = BTreeMap::new();
        for group in records.chunk_by(|a, b| a.casting.id.group == b.casting.id.group) {
            let casting = &group[0].casting;
            let Some(seat) =
                Seat::ALL.into_iter().find(|seat| casting.learns[*seat] && !casting.learns[seat.partner()])
            else {
                continue;
            };
            let across = &casting.policies[seat.partner()];
            let who = match across.strip_prefix(&format!("model:{}@step-", seat.partner())) {
                Some(snapshot) => {
                    let snapshot: u64 = snapshot.parse().expect("a step");
                    assert!(snapshot <= known && known < snapshot + 2, "step {step} met {across}");
                    for turn in group.iter().flat_map(|record| record.turns_of(seat.partner())) {
                        let said = turn.decision.generation.as_ref().expect("a model plays");
                        assert_eq!(Some(&said.version), version.get(&(seat.partner(), snapshot)), "{across}");
                    }
                    met_snapshots += 1;
                    "history"
                }
                None if across == "model" => "latest",
                None => "fixed",
            };
            *met.entry((seat, who)).or_default() += 1.0;
        }
        for seat in Seat::ALL {
            for who in ["latest", "history", "fixed"] {
                let count = met.get(&(seat, who)).copied().unwrap_or(0.0);
                assert_eq!(line[format!("{seat}/met/{who}")], count, "{seat} {who} at step {step}");
            }
            assert_eq!(line[format!("{seat}/pool")], (known + 1).min(2) as f64);
        }
    }
    assert!(met_snapshots > 8, "{met_snapshots} of 40 groups");
    let left = Checkpoints::at(&RunPaths::new(run).checkpoints()).list().expect("it can be read");
    let left: Vec<u64> = left.into_iter().filter(|id| id.phase == TrainPhase::Grpo).map(|id| id.step).collect();
    assert_eq!(left, [0, 4, 5], "the first, the pool's, the newest");
    let said = duologue(&["replay", &run.display().to_string()]).done();
    assert!(said.contains(" re-driven, 0 differ"), "{said}");
    let mut plan = vec!["plan", "configs/quickstart.toml"];
    plan.extend(POOL.iter().flat_map(|set| ["--set", set]));
    let said = duologue(&plan).done();
    assert!(said.contains("25 % its partner as it is, 50 % as it was, 25 % its fixed opponent"), "{said}");
}

#[test]
fn seats_meet_their_partners_as_they_were_and_a_death_changes_nobody() {
    let scratch = scratch();
    check_pool(&whole_and_resumed(scratch.path(), &POOL), 0);
}

#[test]
fn beside_learning_only_snapshots_that_are_there_by_then_are_met() {
    let scratch = scratch();
    check_pool(&whole_and_resumed(scratch.path(), &[&POOL[..], &["grpo.staleness_max=1"]].concat()), 1);
}

#[test]
fn a_mix_is_weighed_by_its_successes_and_what_failed_is_played_again() {
    let scratch = scratch();
    let place = scratch.path();
    let scenarios = root().join("scenarios/userrl").display().to_string();
    let text = format!(
        "mix = [{{ scenario = \"{scenarios}/telepathy.toml\" }}, {{ scenario = \"{scenarios}/intention.toml\" }}]\n\
         sft = {{ dialogues = 40, updates = 10, tokens_per_update = 400, warmup = 2, probe_min = 0.0 }}\n\
         eval = {{ items = 2, every = 9 }}\n\
         [grpo]\nmode = \"agent\"\nsteps = 6\ngroup_size = 3\ngroup_valid_min = 2\nminibatches = 1\n\
         groups = {{ fixed = 6 }}\ncurriculum = {{ every = 2 }}\nisolation = {{ share = 0.5, keep = 5 }}\n"
    );
    let file = place.join("mix.toml");
    fs::write(&file, text).expect("the place is ours");
    let [whole, resumed] = ["whole", "resumed"].map(|name| place.join(name));
    let said = train(&file, &whole, &[]).done();
    assert!(said.contains("50 % of the groups play an item again"), "{said}");
    assert!(said.contains("weights at the last step: telepathy "), "{said}");
    let mut child = start_and_halt(&mut command(&arguments(&file, &resumed, &[])), 100).expect("a run does more");
    child.kill().expect("it waits to be killed");
    child.wait().expect("it was killed");
    train(&file, &resumed, &["--resume"]).done();
    same_outcome(&whole, &resumed);

    let names = ["telepathy", "intention"];
    let (mut failed, mut again): (Vec<(u32, u32)>, f64) = (Vec::new(), 0.0);
    let (mut shares, mut seen) = ([0.5; 2], [(0.0, 0.0); 2]);
    for (step, (line, records)) in (1..).zip(grpo_lines(&whole).iter().zip(played(&whole).values())) {
        for (name, share) in names.iter().zip(shares) {
            assert!((line[format!("{name}/curriculum")].as_f64().expect("a weight") - share).abs() < 1e-12, "{line}");
        }
        assert_eq!(line["items_failed"], failed.len() as f64);
        let groups: Vec<&[EpisodeRecord]> = records.chunk_by(|a, b| a.casting.id.group == b.casting.id.group).collect();
        let item = |group: &[EpisodeRecord]| (group[0].casting.scenario, group[0].casting.item);
        let met = groups.iter().filter(|group| failed.contains(&item(group))).count() as f64;
        assert_eq!(line["groups_again"], met);
        again += met;
        for group in groups {
            let scored: Vec<f64> = group.iter().filter_map(succeeded).collect();
            let successes = scored.iter().sum::<f64>();
            let cell = &mut seen[group[0].casting.scenario as usize];
            *cell = (cell.0 + successes, cell.1 + scored.len() as f64);
            failed.retain(|known| *known != item(group));
            if successes / (scored.len() as f64) < 0.5 {
                failed.push(item(group));
            }
            if failed.len() > 5 {
                failed.remove(0);
            }
        }
        if step % 2 == 0 {
            shares = sead(seen);
            seen = [(0.0, 0.0); 2];
        }
    }
    assert!(again >= 3.0, "{again} of 36 groups");
}

/// Whether the agent guessed, or covered everything; `None` if the user failed or nobody can say.
fn succeeded(record: &EpisodeRecord) -> Option<f64> {
    let name = ["guessed", "all_covered"][record.casting.scenario as usize];
    match &record.verdict {
        Some(verdict) => Some(f64::from(u8::from(verdict.measures.get(name)?.rate()? > 0.0))),
        None => (record.stop == Some(sim::Stop::Failed(Seat::Agent))).then_some(0.0),
    }
}

/// SEAD's weights of two cells, by successes and episodes of each.
fn sead([(a, of_a), (b, of_b)]: [(f64, f64); 2]) -> [f64; 2] {
    let dev = (a + b) / (of_a + of_b) - 0.5;
    let weight = |successes: f64, episodes: f64| {
        if dev < -0.1 {
            1.0 + 2.0 * -dev * successes / episodes
        } else if dev > 0.1 {
            1.0 + 2.0 * dev * (1.0 - successes / episodes)
        } else {
            1.0 + 0.1 / episodes
        }
    };
    let (a, b) = (weight(a, of_a), weight(b, of_b));
    [a / (a + b), b / (a + b)]
}
