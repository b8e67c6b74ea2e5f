//! What a run is watched for: one that is built to collapse, a sound one beside it, and what a stopped one does when it goes on.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::killed::start_and_halt;
use crate::program::HALT_AT;
use crate::program::Said;
use crate::program::command;
use crate::program::duologue;
use crate::program::finish;
use crate::training::lines;
use crate::training::same_outcome;
use crate::training::scratch;

const STEPS: u64 = 24;

/// A ferry: the user asks how the tide is, and boards when it is high. Some hum before they ask.
const FERRY: &str = r#"
name = "ferry"
turns_max = 10

[world]
gym = "talk"
items = { generate = 400, held_out = 80, seed = 3 }
speech = "acts"
brief = "short"

[world.slots]
aboard = { values = ["yes"] }

[world.facts]
tide = { values = ["high", "low"], agent_knows = 1.0, odds = [3, 1] }
berth = { values = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "32", "33", "34", "35", "36", "37", "38", "39", "40"] }
hour = { values = ["six", "seven", "eight", "nine", "ten"] }

[world.agent]
role = "You keep the ferry."
task = "Say how the tide is to whoever asks."

[world.agent.acts]
greet = {}
tell = { claims = ["tide"] }

[[world.agent.procedure]]
step = "cast_off"
when = "aboard"
do = "end away"
[[world.agent.procedure]]
step = "close"
when = "told.tide and tide == low and not asked"
do = "end closed"
[[world.agent.procedure]]
step = "answer"
when = "asked"
do = "tell $asked"
done = "never"
[[world.agent.procedure]]
step = "greet"
do = "greet"
done = "never"

[[world.agent.ends]]
name = "away"
when = "aboard"
[[world.agent.ends]]
name = "closed"
when = "told.tide and tide == low"

[world.user]
role = "You want to cross."
policy = [
    { when = "turn == 1 and patience >= 3", do = "hum" },
    { when = "not told.tide", do = "ask tide" },
    { when = "told.tide and tide == high and not aboard", do = "board" },
]
targets = [{ name = "across", tier = "primary", text = "to cross at high tide", met = "aboard == yes and tide == high" }]
transitions = [{ when = "heard.answer", trust = 1, because = "answers" }]
ends = [{ name = "crossed", when = "aboard" }, { name = "ebb", when = "told.tide and tide == low" }]

[world.user.acts]
ask = { asks = ["tide"] }
board = { sets = { aboard = "yes" }, when = "told.tide" }
hum = {}

[[world.people]]
names = ["Walker"]
age = 50
demographics = { a = "1", b = "2", c = "3", d = "4", e = "5", f = "6", g = "7", h = "8", i = "9", j = "10", k = "11", l = "12" }
background = "Walks."
personality = "Walks on."
style = { rate = "even" }
positive = ["Tide?"]
negative = ["Kindly advise on the tide."]
life = ["on the quay"]
start = { trust = [2, 2], emotion = [3, 3], patience = [2, 4], participation = [3, 3] }

[world.sample]
head = 1.0
tail = 0.0

[world.terms]
ferried = { seat = "agent", when = "aboard" }
across = { seat = "user", when = "aboard == yes and tide == high" }
stranded = { seat = "user", when = "aboard == yes and tide == low", value = -1.0 }
drowned = { seat = "user", when = "turn > 50", value = -1.0 }
hummed = { seat = "user", kind = "training", scope = "turn", when = "user.hum.now", value = 0.1, times_max = 10 }

[agent]
policy = "rule"
tokens_max = 24

[user]
policy = "rule"
tokens_max = 24

[[reward]]
seat = "agent"
name = "own.ferried"
kind = "outcome"
weight = 1.0
[[reward]]
seat = "user"
name = "own.across"
kind = "outcome"
weight = 1.0
[[reward]]
seat = "user"
name = "own.stranded"
kind = "outcome"
weight = 1.0
"#;

/// What pays the user for repeating itself. A fifth of what a score spans may be paid for form, and a loss that nobody ever has makes that as much as one
/// likes.
const PAID_FOR_HUMMING: &str = r#"
[[reward]]
seat = "user"
name = "own.drowned"
kind = "outcome"
weight = 20.0
[[reward]]
seat = "user"
name = "own.hummed"
kind = "training"
weight = 4.0
"#;

/// A run in which the user learns alone, from this scenario, watched as [COTRAINING.md](../../../docs/COTRAINING.md) proposes.
fn run_file(place: &Path, name: &str, scenario: &str) -> PathBuf {
    let [scenario_file, file] = [format!("{name}-ferry.toml"), format!("{name}.toml")].map(|file| place.join(file));
    fs::write(&scenario_file, scenario).expect("the place is ours");
    let text = format!(
        "scenario = \"{}\"\nseed = 5\nmodel.max_position_embeddings = 16384\nopponents.agent = \"scripted:good\"\n\
         eval = {{ items = 80, every = 1 }}\ncheckpoints = {{ sft_every = 9, keep = 99 }}\n\
         sft = {{ dialogues = 80, updates = 12, tokens_per_update = 400, warmup = 2, drill_share = 0.0, probe_min = 0.0 }}\n\
         [grpo]\nsteps = {STEPS}\ngroup_size = 6\nmode = \"user\"\ngroups = {{ fixed = 6 }}\nminibatches = 1\nlr = 5e-5\nwarmup = 1\n\
         [grpo.monitors]\nstart = 2\npatience = 2\nentropy_min = 0.3\nrepetition_max = 0.4\ndistinct_min = 0.3\n",
        scenario_file.display()
    );
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

fn of_phase(run: &Path, phase: &str) -> Vec<Value> {
    lines(&run.join("metrics.jsonl")).into_iter().filter(|line| line["phase"] == phase).collect()
}

/// Held-out score of the user after each step, from step 0.
fn held_out(run: &Path) -> Vec<f64> {
    of_phase(run, "eval").iter().map(|line| line["user/score/mean"].as_f64().expect("it is scored")).collect()
}

/// The steps of its alarms.
fn alarmed(run: &Path) -> Vec<u64> {
    of_phase(run, "alarm").iter().map(|line| line["step"].as_u64().expect("a step")).collect()
}

const WARN: [&str; 2] = ["--set", "grpo.monitors.on_alarm=warn"];

#[test]
fn r16_a_run_built_to_collapse_is_stopped_in_time() {
    let scratch = scratch();
    let place = scratch.path();
    let bad = run_file(place, "bad", &format!("{FERRY}{PAID_FOR_HUMMING}"));
    // To its end, for what would have come of it.
    let whole = place.join("whole");
    train(&bad, &whole, &WARN).done();
    let scores = held_out(&whole);
    let lost = scores.iter().position(|score| *score < 0.5 * scores[0]).expect("it is built to collapse") as u64;
    assert!(scores[0] > 0.2, "there is something to lose: {scores:?}");

    let stopped = place.join("stopped");
    let said = train(&bad, &stopped, &[]).failed(1);
    let first = alarmed(&stopped)[0];
    assert!(first < lost, "step {first}, and half is lost at step {lost}: {scores:?}");
    assert_eq!(held_out(&stopped), scores[..=first as usize], "nothing else is another run");
    assert_eq!(of_phase(&stopped, "grpo").last().expect("it took steps")["step"], first);
    assert!(said.contains(&format!("error: stopped after step {first}: user/")), "{said}");
    assert!(said.contains("grpo.monitors.") && said.contains("\nhint: look at the last talks in "), "{said}");
    assert!(stopped.join(format!("checkpoints/step-{first:06}")).is_dir(), "what it came to is committed");

    let sound = place.join("sound");
    train(&run_file(place, "sound", FERRY), &sound, &[]).done();
    assert_eq!(alarmed(&sound), [0u64; 0]);
    let scores = held_out(&sound);
    assert!(scores.last() > scores.first(), "it learns: {scores:?}");
}

#[test]
fn a_stopped_run_stays_stopped_until_its_bounds_are_others_and_then_is_the_run_that_never_stopped() {
    let scratch = scratch();
    let place = scratch.path();
    let bad = run_file(place, "bad", &format!("{FERRY}{PAID_FOR_HUMMING}"));
    let [whole, stopped] = ["whole", "stopped"].map(|name| place.join(name));
    train(&bad, &whole, &WARN).done();
    let before = train(&bad, &stopped, &[]).failed(1);
    let metrics = fs::read(stopped.join("metrics.jsonl")).expect("the run wrote it");
    let again = train(&bad, &stopped, &["--resume"]).failed(1);
    let error = |said: &str| said.lines().find(|line| line.starts_with("error: ")).map(str::to_owned);
    assert_eq!(error(&before), error(&again));
    assert_eq!(fs::read(stopped.join("metrics.jsonl")).expect("it is there"), metrics, "nothing was played");
    train(&bad, &stopped, &[&WARN[..], &["--resume"]].concat()).done();
    let [one, other] = [&whole, &stopped].map(|run| fs::read(run.join("metrics.jsonl")).expect("the run wrote it"));
    assert!(one == other, "bounds change no number");
}

#[test]
fn what_was_noted_survives_a_death() {
    let scratch = scratch();
    let place = scratch.path();
    let bad = run_file(place, "bad", &format!("{FERRY}{PAID_FOR_HUMMING}"));
    let [whole, killed] = ["whole", "killed"].map(|name| place.join(name));
    let mut counting = command(&arguments(&bad, &whole, &WARN));
    counting.env(HALT_AT, "0");
    let said = finish(counting);
    let operations: u64 = said
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("operations: "))
        .expect("it was asked to count")
        .parse()
        .expect("a number");
    said.done();
    let mut child =
        start_and_halt(&mut command(&arguments(&bad, &killed, &WARN)), operations / 2).expect("a run does more");
    child.kill().expect("it waits to be killed");
    child.wait().expect("it was killed");
    train(&bad, &killed, &[&WARN[..], &["--resume"]].concat()).done();
    same_outcome(&whole, &killed);
    assert!(!alarmed(&whole).is_empty());
}
