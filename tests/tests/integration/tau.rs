//! tau-bench's own tasks, databases and recorded dialogues, where they are at hand (spec userrl §2.8; issue 4).

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use sha2::Digest;
use sha2::Sha256;
use sim::Act;
use sim::Answer;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Scenario;
use sim::Stop;
use sim::drive::drive;
use sim::gyms::Rules;
use sim::gyms::tau;
use sim::gyms::tau::Call;
use sim::gyms::tau::Changes;
use sim::gyms::tau::Database;
use sim::gyms::tau::Domain;
use sim::gyms::tau::Library;
use sim::gyms::tau::Task;
use sim::gyms::tau::database::Store;
use sim::gyms::tau::items::Manner;
use sim::gyms::tau::library::Entry;
use sim::gyms::tau::tools;
use sim::gyms::tau::world::STOP;
use sim::record::Casting;
use sim::scenario::ItemCounts;
use sim::scenario::Split;

use crate::program::root;

/// `DUOLOGUE_DATA`, or else the folder beside the project.
fn data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = env::var_os("DUOLOGUE_DATA").map_or_else(beside, PathBuf::from);
    let found =
        folder.join("tau-bench/airline/recorded.jsonl").exists() && folder.join("userrl/tau_test.json").exists();
    if !found {
        eprintln!("skipped: no tau-bench and UserRL releases in DUOLOGUE_DATA");
    }
    found.then_some(folder)
}

/// The scenario of the published tasks, read as the program reads it.
fn published(data: &Path) -> Arc<Scenario> {
    let text =
        fs::read_to_string(root().join("scenarios/userrl/published/tau.toml")).expect("it is part of the repository");
    // Where the tests run, the variable need not be set: the paths are written out.
    let text = text.replace("\"userrl/", &format!("\"{}/userrl/", data.display()));
    let text = text.replace("\"tau-bench\"", &format!("\"{}/tau-bench\"", data.display()));
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("tau.toml");
    fs::write(&path, text).expect("there is room");
    Arc::new(config::load_scenario(&path).unwrap_or_else(|errors| panic!("{errors}")))
}

fn library(scenario: &Scenario) -> &Arc<Library> {
    match &scenario.rules {
        Rules::Tau(rules) => &rules.library,
        _ => panic!("it is another gym"),
    }
}

fn casting(split: Split, item: u32) -> Casting {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: "person".to_owned(), user: "person".to_owned() };
    Casting::new(id, split, item, policies)
}

/// Plays these acts; the customer answers each thing that is said to it with the next of `replies`, and then has no more to say.
fn played(scenario: &Arc<Scenario>, split: Split, item: u32, acts: Vec<String>, replies: Vec<String>) -> EpisodeRecord {
    let (mut acts, mut replies) = (acts.into_iter(), replies.into_iter());
    let decide = |_, _: &_| {
        let said = acts.next().unwrap_or_else(|| "[finish]".to_owned());
        Decision { act: Ok(Act::Say(said)), thought: None, generation: None }
    };
    drive(casting(split, item), scenario, 1, decide, |_, _| {
        Ok(Answer { reply: replies.next().unwrap_or_else(|| STOP.to_owned()), decision: None })
    })
}

/// Plays these calls, then says each of `outputs`; the customer stops when all is said.
fn score(scenario: &Arc<Scenario>, split: Split, item: u32, calls: &[&Call], outputs: &[&String]) -> f64 {
    let mut acts: Vec<String> = calls.iter().map(|call| format!("[answer] {}", call.write())).collect();
    acts.push(format!("[action] {}", outputs.iter().map(|output| output.as_str()).collect::<Vec<_>>().join(" and ")));
    if outputs.is_empty() {
        *acts.last_mut().expect("one was put there") = "[action] That is all.".to_owned();
    }
    let record = played(scenario, split, item, acts, Vec::new());
    assert_eq!(record.stop, Some(Stop::Terminated), "{}", record.item);
    record.scores.agent.expect("nothing is broken")
}

/// Tasks with a gold action that may change something and yet need not be done: `docs/SCENARIOS.md` lists them, too.
const REDUNDANT: &[(&str, usize)] = &[
    ("retail-train-024", 1),
    ("retail-train-027", 1),
    ("retail-train-081", 2),
    ("retail-train-148", 2),
    ("retail-train-161", 1),
    ("retail-train-214", 1),
    ("retail-train-229", 1),
    ("retail-train-252", 1),
    ("retail-train-253", 1),
    ("retail-train-288", 1),
    ("retail-train-314", 4),
    ("retail-train-349", 1),
    ("retail-train-351", 3),
    ("retail-train-351", 7),
    ("retail-train-369", 1),
    ("retail-train-376", 2),
    ("retail-train-427", 1),
    ("retail-train-431", 5),
    ("retail-train-441", 1),
    ("retail-train-469", 1),
    ("retail-012", 5),
    ("retail-013", 5),
    ("retail-022", 2),
    ("retail-064", 7),
    ("retail-106", 1),
    ("retail-111", 2),
];

#[test]
fn the_gold_actions_and_outputs_of_all_665_tasks_yield_1_and_with_any_one_left_out_0() {
    let Some(data) = data() else { return };
    let scenario = published(&data);
    let library = library(&scenario);
    assert_eq!([Split::Train, Split::HeldOut].map(|split| library.of(split).len()), [500, 165]);
    let mut redundant = Vec::new();
    for split in [Split::Train, Split::HeldOut] {
        for (item, entry) in (0..).zip(library.of(split)) {
            redundant.extend(left_out(&scenario, split, item, entry));
        }
    }
    let found: Vec<(&str, usize)> = redundant.iter().map(|(id, number)| (id.as_str(), *number)).collect();
    assert_eq!(found, REDUNDANT);
}

/// Checks a task, and returns its actions that may change something and whose omission changes nothing, by number from 1.
fn left_out(scenario: &Arc<Scenario>, split: Split, item: u32, entry: &Entry) -> Vec<(String, usize)> {
    let task = &entry.task;
    let calls: Vec<&Call> = task.actions.iter().filter(|call| call.name != tools::TRANSFER).collect();
    let outputs: Vec<&String> = task.outputs.iter().collect();
    let score = |calls: &[&Call], outputs: &[&String]| score(scenario, split, item, calls, outputs);
    assert_eq!(score(&calls, &outputs), 1.0, "{}", task.id);
    for at in 0..outputs.len() {
        let without = [&outputs[..at], &outputs[at + 1..]].concat();
        assert_eq!(score(&calls, &without), 0.0, "{} without output {at}", task.id);
    }
    let base = library(scenario).database(task.domain);
    let mut redundant = Vec::new();
    for at in (0..calls.len()).filter(|at| tools::writes(task.domain, calls[*at])) {
        let without = [&calls[..at], &calls[at + 1..]].concat();
        let changes_hash = hash(base, &without) != hash_of_gold(base, entry);
        assert_eq!(score(&without, &outputs), if changes_hash { 0.0 } else { 1.0 }, "{} without {at}", task.id);
        if !changes_hash {
            redundant.push((task.id.clone(), at + 1));
        }
    }
    redundant
}

/// A stand-in for the hash of a database, found in another way than the gym compares states: the text of the records that were touched.
fn hash(base: &Database, calls: &[&Call]) -> BTreeMap<String, String> {
    let mut changes = Changes::default();
    for call in calls {
        tools::run(&mut Store { base, changes: &mut changes }, call);
    }
    touched(base, &mut changes)
}

fn hash_of_gold(base: &Database, entry: &Entry) -> BTreeMap<String, String> {
    touched(base, &mut entry.gold.clone())
}

fn touched(base: &Database, changes: &mut Changes) -> BTreeMap<String, String> {
    let store = Store { base, changes };
    let mut found = BTreeMap::new();
    for table in base.domain.tables() {
        for (id, record) in store.all(table) {
            if base.get(table, id) != Some(record) {
                let mut text = String::new();
                tau::python::write_canonical(record, &mut text);
                found.insert(format!("{} {id}", table.name()), text);
            }
        }
    }
    found
}

#[derive(Deserialize)]
struct Recorded {
    task_id: u32,
    trial: u32,
    reward: f64,
    task: RecordedTask,
    reward_info: Option<RewardInfo>,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct RecordedTask {
    user_id: String,
    actions: Vec<Call>,
    instruction: String,
    outputs: Vec<String>,
}

#[derive(Deserialize)]
struct RewardInfo {
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    gt_data_hash: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Option<String>,
    #[serde(default)]
    tool_calls: Vec<ToolCall>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: String,
}

/// The airline's database as it was called when the dialogues were recorded.
fn recorded_database(data: &Path) -> Arc<Database> {
    let folder = data.join("tau-bench/airline");
    let texts = Domain::Airline.tables().map(|table| {
        let text = fs::read_to_string(folder.join(format!("{}.json", table.name()))).expect("it lies there");
        text.replace("\"state\":", "\"province\":")
    });
    Arc::new(
        Database::read(Domain::Airline, String::new(), texts.each_ref().map(String::as_str)).expect("it is published"),
    )
}

fn recorded(data: &Path) -> Vec<Recorded> {
    let text = fs::read_to_string(data.join("tau-bench/airline/recorded.jsonl")).expect("it lies there");
    text.lines().map(|line| serde_json::from_str(line).expect("it is of the known form")).collect()
}

/// A scenario of the recorded tasks.
fn recorded_scenario(data: &Path, dialogues: &[Recorded]) -> Arc<Scenario> {
    let task = |recorded: &Recorded| Task {
        id: format!("airline-{}-{}", recorded.task_id, recorded.trial),
        domain: Domain::Airline,
        opening: recorded.messages[1].content.clone().unwrap_or_default(),
        user_id: recorded.task.user_id.clone(),
        instruction: recorded.task.instruction.clone(),
        actions: recorded.task.actions.clone(),
        outputs: recorded.task.outputs.clone(),
        asks: None,
        manner: Manner::default(),
    };
    let tasks: Vec<Task> = dialogues.iter().map(task).collect();
    let library = Library::new(vec![recorded_database(data)], tasks.clone(), tasks).expect("they can be played");
    let count = dialogues.len() as u32;
    let items = ItemCounts { train: count, held_out: count, seed: 0 };
    let rules = Rules::Tau(tau::Rules { policy: true, library: Arc::new(library) });
    Arc::new(Scenario { rules, items, ..tau::example() })
}

#[test]
fn the_60_recorded_dialogues_replay_call_by_call_with_the_same_rewards() {
    let Some(data) = data() else { return };
    let dialogues = recorded(&data);
    assert_eq!(dialogues.len(), 60);
    let scenario = recorded_scenario(&data, &dialogues);
    let (mut outputs, mut solved) = (0, 0.0);
    for (item, dialogue) in (0..).zip(&dialogues) {
        let said = |message: &Message| message.content.clone().unwrap_or_default();
        let of = |role: &str| dialogue.messages.iter().filter(|message| message.role == role).map(said).collect();
        let assistant = dialogue.messages.iter().filter(|message| message.role == "assistant");
        let act = |message: &Message| match &message.tool_calls[..] {
            [] => format!("[action] {}", said(message)),
            [call] => {
                let Function { name, arguments } = &call.function;
                format!("[answer] {{\"name\": \"{name}\", \"arguments\": {arguments}}}")
            }
            _ => panic!("no message of the recording has two calls"),
        };
        let replies: Vec<String> = of("user");
        let record = played(&scenario, Split::HeldOut, item, assistant.map(act).collect(), replies[1..].to_vec());
        let name = &record.item;
        assert_eq!(record.fault, None, "{name}");
        assert_eq!(record.scores.agent, Some(dialogue.reward), "{name}: {:?}", record.verdict);
        let tools: Vec<String> = of("tool");
        outputs += compare(&record, &tools);
        solved += dialogue.reward;
    }
    assert_eq!((outputs, solved), (413, 12.0));
}

/// That the tools answered just this, in this order; how many answers there were.
fn compare(record: &EpisodeRecord, tools: &[String]) -> usize {
    let called = |turn: &&sim::Turn| matches!(&turn.decision.act, Ok(Act::Say(text)) if text.starts_with("[answer]"));
    let count = record.turns.iter().filter(called).count();
    assert_eq!(count, tools.len(), "{}", record.item);
    // What a call answered is what the next turn was shown first; the last may have ended the talk.
    let shown: Vec<&String> =
        record.turns.windows(2).filter(|pair| called(&&pair[0])).map(|pair| &pair[1].observed[0].text).collect();
    assert!(count - shown.len() <= 1);
    for (at, (found, expected)) in shown.iter().zip(tools).enumerate() {
        assert_eq!(*found, expected, "{}, answer {at}", record.item);
    }
    count
}

#[test]
fn the_hash_of_the_database_is_the_recorded_one() {
    let Some(data) = data() else { return };
    let base = recorded_database(&data);
    let mut hashes: BTreeMap<u32, (String, String)> = BTreeMap::new();
    for dialogue in recorded(&data) {
        let Some(recorded) = dialogue.reward_info.and_then(|reward| reward.info.gt_data_hash) else {
            continue;
        };
        let found = hashes.entry(dialogue.task_id).or_insert_with(|| {
            let mut changes = Changes::default();
            let mut store = Store { base: &base, changes: &mut changes };
            for action in dialogue.task.actions.iter().filter(|action| action.name != tools::TRANSFER) {
                tools::run(&mut store, action);
            }
            let digest = Sha256::digest(store.canonical().as_bytes());
            (digest.iter().map(|byte| format!("{byte:02x}")).collect(), recorded.clone())
        });
        assert_eq!(*found, (found.0.clone(), recorded), "task {}", dialogue.task_id);
        assert_eq!(found.0, found.1, "task {}", dialogue.task_id);
    }
    assert_eq!(hashes.len(), 12);
}
