//! What the schemas say, against what `check` does: both must accept and refuse the same files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use duologue_config::FileKind;
use duologue_config::load_run;
use duologue_config::load_scenario;
use duologue_config::load_study;
use duologue_config::load_suite;
use jsonschema::Validator;
use serde_json::Value;
use serde_json::json;

/// Every section, and a mode, credit and normalisation that leave no key without effect; a context that any batch of tokens may have.
const RUN: &str = r#"scenario = "scenario.toml"

[limits]

[opponents]

[model]
max_position_embeddings = 64
num_key_value_heads = 1

[sft]

[grpo]
mode = "alternating"
turn_credit = "em"
trajectory_score = "r2g"
group_size = 1024
groups = { mutual = 1, fixed = 100000 }
forks = { talks = 1, futures = 1 }
overlong_penalty = 1.0
normalizer = "fixed"
kl_weight = 0.1
importance = "token_truncate"

[grpo.pool]

[grpo.isolation]

[grpo.replay]

[grpo.monitors]
entropy_min = 0.5

[optimizer]
micro_tokens_max = 1048576

[eval]
items = 1

[checkpoints]
"#;

/// Every section, each kind of policy and of claim; whatever is left out of it by these tests is not missed elsewhere.
const STUDY: &str = r#"seeds = [1, 2]

[runs.one]
run = "run.toml"
set = ["grpo.steps=1"]

[policies]
script = { policy = "rule" }
start = { run = "one", checkpoint = "step-000000" }
end = { run = "one" }

[[compare]]
seat = "agent"
policies = ["start", "end", "script"]
rows = ["rounds"]
claims = [
    { policy = "end", metric = "agent/score/mean", beats = "start", by = 0.1 },
    { policy = "end", metric = "agent/true_claims", not_worse_than = "start", by = 0.1, better = "more" },
    { policy = "end", metric = "agent/score/mean", keeps_of = "script", share = 0.9 },
]

[[cross]]
agents = ["script", "start", "end"]
users = ["end"]
metrics = ["joint_surplus"]

[[average]]
scenarios = ["scenario.toml"]
seat = "agent"
items = 1
policies = ["start", "end"]
random = "script"
good = "script"
claims = [{ policy = "end", beats = "start", by = 0.1 }]
"#;

/// Every key of a suite; traps and sets are a talk's.
const SUITE: &str = r#"seed = 1
items = 1

[thresholds]
asr_max = 0.1

[[family]]
name = "one"
code = "A1"
goal = "It."
scenario = "scenario.toml"
hostile = ["turns_max=6"]
benign = ["turns_max=6"]
breach = "agent.score < 0"
solved = "deal"
refused = "deal == 0"
falls = "scripted:bad"
resists = "scripted:good"

[[trap]]
name = "two"
scenario = "traps.toml"
set = ["world.sample.traps=1"]
falls = "scripted:gullible"
resists = "rule"

[[set]]
name = "three"
kind = "sessions"
scenarios = ["traps.toml"]
tasks = 1
falls = "scripted:gullible"
resists = "rule"
"#;

/// A talk with pressing lines, and with no more items than these tests need.
fn traps() -> String {
    let talk = include_str!("../../../scenarios/talk/broadband.toml");
    let few = talk.replace("generate = 2000, held_out = 400", "generate = 3, held_out = 50");
    assert_ne!(few, talk);
    few
}

/// Keys whose upper end is bounded by the world, not by their own range, each with what bounds it.
const BOUNDED_ELSEWHERE: &[(&str, &str)] = &[
    ("grpo.forks.talks", "the other keys of forks, which have no effect without talks"),
    ("items", "the held-out items of each scenario"),
    ("set.*.tasks", "the held-out items of each scenario"),
    ("judge.gold.*.levels.*", "the levels of its criterion"),
    ("grpo.overlong_cache", "the tokens of an overlong turn"),
    ("model.num_key_value_heads", "a divisor of the query heads"),
    ("eval.items", "the scenario's held-out items"),
    ("grpo.minibatches", "the episodes of a step"),
    ("grpo.shared_weight", "a reward of kind `shared`"),
    ("grpo.spoiled_penalty", "forks without futures"),
    ("grpo.monitors.thought_min", "a seat that reasons"),
    ("grpo.monitors.thought_max", "a seat that reasons"),
    ("grpo.monitors.correlation_min", "a reward that is no score"),
    ("grpo.monitors.balance_max", "successes of both seats"),
    ("grpo.monitors.manipulation_max", "a world that counts traps"),
    ("grpo.monitors.suspicion_max", "a world that measures suspicion"),
    ("grpo.groups.fixed", "a pool that is met in them"),
    ("grpo.difficulty_weight", "a baseline beyond the group"),
    ("optimizer.micro_tokens_max", "at least the context"),
    ("compare.*.items", "the scenario's held-out items"),
    ("cross.*.items", "the scenario's held-out items"),
    ("average.*.items", "the held-out items of each scenario"),
];

/// Keys that have an effect only where talks are forked.
const OF_FORKS: [&str; 4] =
    ["grpo.forks.alternatives", "grpo.forks.futures", "grpo.forks.future_turns", "grpo.forks.talks_train"];

/// Key of `[model]` that has an effect only beside `from`.
const ADAPTERS: &str = "lora";

/// Keys that are only needed because of another one, each with what needs it: of these a schema knows nothing.
const NEEDED_ELSEWHERE: &[(&str, &str)] = &[
    ("grpo.forks.talks", "the other keys of forks"),
    ("trap.*.set", "a talk whose items have several pressing lines"),
    ("judge.policy", "keys of a rubric"),
    ("judge.panel", "a judge by rubric"),
    ("judge.criteria", "a judge by rubric"),
    ("runs", "a policy of a run"),
    ("compare.*.claims.*.better", "a metric of the world's own"),
    ("compare.*.claims.*.share", "a claim that keeps"),
];

/// The schema of a kind of file; of a scenario, with the one world that these tests go through key by key.
fn schema(kind: FileKind) -> Value {
    let mut schema = duologue_config::schema(kind);
    if kind == FileKind::Scenario {
        let meaning = schema["properties"]["world"]["description"].clone();
        let worlds = schema["properties"]["world"]["oneOf"].as_array().expect("there are several worlds").clone();
        let haggle = worlds.into_iter().find(|world| world["properties"]["gym"]["enum"] == json!(["haggle"]));
        schema["properties"]["world"] = haggle.expect("one of them is haggle");
        schema["properties"]["world"]["description"] = meaning;
    }
    if kind == FileKind::Run {
        // They stand in place of other keys, and have tests of their own.
        schema["properties"].as_object_mut().expect("a run has keys").remove("mix");
        schema["properties"]["sft"]["properties"].as_object_mut().expect("a section has keys").remove("records");
        let model = schema["properties"]["model"]["properties"].as_object_mut().expect("a section has keys");
        model.remove(ADAPTERS);
        schema["properties"]["grpo"]["properties"].as_object_mut().expect("a section has keys").remove("curriculum");
    }
    schema
}

/// The talk of the other tests, with turns that fit into any context, and as many held-out items as an evaluation has by default.
fn scenario() -> String {
    let rubric = r#"policy = "rubric"
panel = [{ policy = "openai:a", family = "a" }]
reads = ["brief"]
criteria = [{ seat = "user", name = "fit", question = "Is it?", levels = ["no", "yes"], weight = 0.1 }]
gold = [{ seat = "user", case = "Said 0: Yes.", levels = { fit = 2 } }]
on_fault"#;
    let edits = [
        ("tokens_max = 96", "tokens_max = 4"),
        ("held_out = 10", "held_out = 2000"),
        ("policy = \"rule\"\non_fault", rubric),
    ];
    edits.into_iter().fold(include_str!("talk.toml").to_owned(), |talk, (from, to)| {
        assert!(talk.contains(from), "`{from}` stands in the file");
        talk.replace(from, to)
    })
}

fn text_of(kind: FileKind) -> String {
    match kind {
        FileKind::Scenario => scenario(),
        FileKind::Run => RUN.to_owned(),
        FileKind::Study => STUDY.to_owned(),
        FileKind::Suite => SUITE.to_owned(),
    }
}

fn validator(kind: FileKind) -> Validator {
    let schema = duologue_config::schema(kind);
    jsonschema::meta::validate(&schema).expect("the schema is one");
    jsonschema::validator_for(&schema).expect("the schema is one")
}

fn json_of(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().expect("TOML")).expect("TOML without dates is JSON")
}

/// What a schema says of a key's entries, and the path to them: of a list and of a section whose keys one names oneself that is `KEY.*`, of
/// any other key it is the key itself.
fn within<'s>(name: &str, entry: &'s Value) -> (String, &'s Value) {
    let entries = ["items", "additionalProperties"].into_iter().filter_map(|inner| entry.get(inner));
    match entries.into_iter().find(|inner| inner.is_object()) {
        Some(inner) => (format!("{name}.*"), inner),
        None => (name.to_owned(), entry),
    }
}

/// Each key of a schema that is no section: its path and what is said of it.
fn keys(schema: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, entry) in schema["properties"].as_object().into_iter().flatten() {
        let (path, inner) = within(name, entry);
        if inner.get("properties").is_some() {
            found.extend(keys(inner).into_iter().map(|(key, entry)| (format!("{path}.{key}"), entry)));
        } else {
            found.extend((path != *name).then(|| (path, inner.clone())));
            found.push((name.clone(), entry.clone()));
        }
    }
    found
}

/// Where a key stands in a file: for each `*` in the first entry that has it, or else in the first.
fn place(file: &Value, key: &str) -> String {
    let Some((list, rest)) = key.split_once(".*") else {
        return format!("/{}", key.replace('.', "/"));
    };
    let list = format!("/{}", list.replace('.', "/"));
    let names: Vec<String> = match file.pointer(&list) {
        Some(Value::Array(entries)) => (0..entries.len()).map(|index| index.to_string()).collect(),
        Some(Value::Object(entries)) => entries.keys().cloned().collect(),
        _ => panic!("the file of these tests lacks entries of {list}"),
    };
    let places = names.into_iter().map(|name| {
        let entry = format!("{list}/{name}");
        match rest.strip_prefix('.') {
            Some(rest) => format!("{entry}{}", place(file.pointer(&entry).expect("it is listed"), rest)),
            None => entry,
        }
    });
    let places: Vec<String> = places.collect();
    places.iter().find(|place| file.pointer(place).is_some()).unwrap_or(&places[0]).clone()
}

/// The good file of a kind, with `value` at `key`.
fn with(kind: FileKind, key: &str, value: &Value) -> Value {
    let mut file = json_of(&text_of(kind));
    let place = place(&file, key);
    put(&mut file, &place, value);
    file
}

/// Puts a value to a place; null takes away what stands there.
fn put(file: &mut Value, place: &str, value: &Value) {
    let (parent, name) = place.rsplit_once('/').expect("it begins with one");
    match file.pointer_mut(parent) {
        Some(Value::Array(entries)) => entries[name.parse::<usize>().expect("entries are numbered")] = value.clone(),
        Some(Value::Object(entries)) if value.is_null() => drop(entries.remove(name)),
        Some(Value::Object(entries)) => drop(entries.insert(name.to_owned(), value.clone())),
        _ => panic!("the file of these tests lacks the section of {place}"),
    }
}

/// Whether `check` accepts a file, and what it says otherwise.
fn checked(kind: FileKind, file: &Value) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("talks/episodes")).expect("the folder is ours");
    fs::write(folder.path().join("talks/episodes/log.bin"), "talks").expect("the folder is ours");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("the folder is ours");
        path
    };
    write("scenario.toml", &scenario());
    write("run.toml", RUN);
    write("traps.toml", &traps());
    let path = write(&format!("{kind}.toml"), &toml::to_string(file).expect("JSON without null is TOML"));
    let checked = match kind {
        FileKind::Scenario => load_scenario(&path).map(drop),
        FileKind::Run => load_run(&path, &[]).map(drop),
        FileKind::Study => load_study(&path).map(drop),
        FileKind::Suite => load_suite(&path).map(drop),
    };
    checked.map_err(|errors| errors.to_string())
}

#[track_caller]
fn agree(kind: FileKind, validator: &Validator, key: &str, value: &Value, good: bool) {
    agree_on(kind, validator, &with(kind, key, value), good, &format!("{key} = {value}"));
}

#[track_caller]
fn agree_on(kind: FileKind, validator: &Validator, file: &Value, good: bool, what: &str) {
    assert_eq!(validator.is_valid(file), good, "the schema of a {kind} file, {what}");
    let checked = checked(kind, file);
    assert_eq!(checked.is_ok(), good, "the check of a {kind} file, {what}: {checked:?}");
}

#[test]
fn every_file_of_the_repository_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [
        ("scenarios", FileKind::Scenario),
        ("configs", FileKind::Run),
        ("configs/studies", FileKind::Study),
        ("configs/stress", FileKind::Suite),
    ];
    for (folder, kind) in folders {
        let (validator, mut count) = (validator(kind), 0);
        let mut folders = vec![root.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("the folder is part of the repository") {
                let path = entry.expect("a listed file can be named").path();
                if path.is_dir() && !path.ends_with("configs/studies") && !path.ends_with("configs/stress") {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "toml") {
                    let file = json_of(&fs::read_to_string(&path).expect("it can be read"));
                    let errors: Vec<String> =
                        validator.iter_errors(&file).map(|e| format!("{}: {e}", e.instance_path())).collect();
                    assert!(errors.is_empty(), "{}: {errors:?}", path.display());
                    count += 1;
                }
            }
        }
        assert!(count > 0, "{folder} holds no file");
    }
}

#[test]
fn the_files_of_these_tests_are_good_as_they_stand() {
    for kind in FileKind::ALL {
        let file = json_of(&text_of(kind));
        assert!(validator(kind).is_valid(&file), "{kind}");
        assert_eq!(checked(kind, &file), Ok(()), "{kind}");
    }
}

/// The reader names the keys it knows where it is given one it does not know.
#[test]
fn the_schema_has_the_keys_that_the_reader_knows_and_no_others() {
    for kind in FileKind::ALL {
        let schema = schema(kind);
        let mut sections: Vec<(String, &Value)> = vec![(String::new(), &schema)];
        let mut count = 0;
        while let Some((path, section)) = sections.pop() {
            let stranger = if path.is_empty() { "zzzzzz".to_owned() } else { format!("{path}.zzzzzz") };
            let said = checked(kind, &with(kind, &stranger, &json!(1))).expect_err("nobody knows such a key");
            let known: BTreeSet<&str> =
                said.split("the keys here are: ").nth(1).expect(&said).split('`').skip(1).step_by(2).collect();
            let own: BTreeSet<&str> =
                section["properties"].as_object().expect("a section").keys().map(String::as_str).collect();
            // What every `[world]` has is read apart from the gym's constants.
            let own = if path == "world" { &own - &BTreeSet::from(["gym", "items"]) } else { own };
            // These were left out of this schema: see there.
            let left_out = BTreeSet::from(["mix", "records", "curriculum", ADAPTERS]);
            let known = if kind == FileKind::Run { &known - &left_out } else { known };
            assert_eq!(own, known, "{kind}: {path}");
            assert_eq!(section["additionalProperties"], json!(false), "{kind}: {path}");
            count += own.len();
            for (name, entry) in section["properties"].as_object().expect("a section") {
                let (step, inner) = within(name, entry);
                if inner.get("properties").is_some() {
                    sections.push((format!("{path}.{step}").trim_start_matches('.').to_owned(), inner));
                }
            }
        }
        assert!(count > 20, "{kind} has {count} keys");
    }
}

/// Just inside and just outside of each end of each range.
#[test]
fn the_schema_and_the_check_have_the_same_ranges() {
    for kind in FileKind::ALL {
        let (schema, validator) = (schema(kind), validator(kind));
        let mut count = 0;
        for (key, entry) in keys(&schema) {
            let Some(whole) = [("integer", true), ("number", false)].iter().find(|(name, _)| entry["type"] == *name)
            else {
                continue;
            };
            count += 1;
            for (value, good) in probes(&key, &entry, whole.1) {
                if good && BOUNDED_ELSEWHERE.iter().any(|(name, _)| *name == key) {
                    assert!(validator.is_valid(&with(kind, &key, &value)), "the schema, {key} = {value}");
                } else {
                    agree(kind, &validator, &key, &value, good);
                }
            }
        }
        let least = match kind {
            FileKind::Study => 7,
            FileKind::Suite => 14,
            FileKind::Scenario | FileKind::Run => 15,
        };
        assert!(count >= least, "{kind} has {count} numbers");
    }
}

/// Values at the ends of a range, and whether they are good.
fn probes(key: &str, entry: &Value, whole: bool) -> Vec<(Value, bool)> {
    // The key that may be off has its range beside the 0.
    let range = if entry.get("anyOf").is_some() { &entry["anyOf"][1] } else { entry };
    let step = entry["multipleOf"].as_f64().unwrap_or(1.0);
    // Whole numbers are moved as such: beyond 2^53 the next one has no float.
    let moved = |end: f64, by: f64| if whole { json!(end as i64 + by as i64) } else { json!(end + by) };
    let mut probes = Vec::new();
    for (inclusive, exclusive, outward) in [("minimum", "exclusiveMinimum", -1.0), ("maximum", "exclusiveMaximum", 1.0)]
    {
        let (end, included) = match (range[inclusive].as_f64(), range[exclusive].as_f64()) {
            (Some(end), None) => (end, true),
            (None, Some(end)) => (end, false),
            ends => panic!("{key} has the ends {ends:?}"),
        };
        let away = if whole { step } else { f64::max(end.abs(), 1e-3) * 1e-3 };
        let inside = if whole && included { 0.0 } else { -outward * away };
        probes.push((moved(end, inside), true));
        probes.extend((!whole).then(|| (moved(end, 0.0), included)));
        probes.push((moved(end, outward * away), false));
    }
    if entry.get("anyOf").is_some() {
        probes.push((json!(0.0), true));
    }
    probes
}

#[test]
fn the_schema_and_the_check_know_the_same_words() {
    for kind in FileKind::ALL {
        let (schema, validator) = (schema(kind), validator(kind));
        let mut count = 0;
        for (key, entry) in keys(&schema) {
            let words = [&entry["enum"], &entry["anyOf"][0]["enum"]].into_iter().find_map(Value::as_array);
            let Some(words) = words else { continue };
            count += 1;
            agree(kind, &validator, &key, &json!("zzzzzz"), false);
            // Terms and kinds of rewards go together: of these a word alone says nothing. A key of another mode, or of models from a
            // folder, would have no effect.
            // A criterion's seat is that of its gold case.
            let of_judges = ["judge.policy", "judge.criteria.*.seat", "judge.gold.*.seat"];
            let bound = [
                "sft.thoughts",
                "grpo.rewards_of",
                "grpo.mode",
                "grpo.turn_credit",
                "grpo.trajectory_score",
                "model.seats",
                "model.thinking",
                "model.tools",
                // Not every talk can be pressed with in one turn.
                "set.*.kind",
            ];
            let bound = [&bound[..], &of_judges].concat();
            let alone = !key.starts_with("reward") && !bound.contains(&key.as_str());
            for word in words.iter().filter(|_| alone) {
                agree(kind, &validator, &key, word, true);
            }
        }
        let least = match kind {
            FileKind::Suite => 2,
            FileKind::Study => 3,
            FileKind::Scenario | FileKind::Run => 4,
        };
        assert!(count >= least, "{kind} has {count} keys with words");
    }
    let scenario = validator(FileKind::Scenario);
    agree(FileKind::Scenario, &scenario, "agent.policy", &json!("model:runs/a"), true);
    agree(FileKind::Scenario, &scenario, "agent.policy", &json!("model:"), false);
    agree(FileKind::Scenario, &scenario, "name", &json!("a/b"), false);
    agree(FileKind::Scenario, &scenario, "name", &json!(""), false);
    agree(FileKind::Run, &validator(FileKind::Run), "name", &json!(".hidden"), false);
}

#[test]
fn a_value_of_another_type_is_refused_by_both() {
    for kind in FileKind::ALL {
        let (schema, validator) = (schema(kind), validator(kind));
        for (key, entry) in keys(&schema) {
            let other = if entry["type"] == "string" { json!(1) } else { json!("one") };
            agree(kind, &validator, &key, &other, false);
        }
    }
}

/// Every key and section of a schema, and whether it is needed where its section is there.
fn needs(schema: &Value) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let needed = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, entry) in schema["properties"].as_object().into_iter().flatten() {
        found.push((name.clone(), needed.contains(&json!(name))));
        let (path, inner) = within(name, entry);
        found.extend(needs(inner).into_iter().map(|(key, needed)| (format!("{path}.{key}"), needed)));
    }
    found
}

#[test]
fn what_is_needed_is_needed_by_both() {
    // A run needs one of two keys: see `both_know_what_a_mix_may_be`.
    for (kind, least) in [(FileKind::Scenario, 17), (FileKind::Run, 0), (FileKind::Study, 10), (FileKind::Suite, 21)] {
        let (schema, validator) = (schema(kind), validator(kind));
        let needs = needs(&schema);
        for (key, needed) in &needs {
            let file = with(kind, key, &Value::Null);
            let (valid, checked) = (validator.is_valid(&file), checked(kind, &file));
            assert!(!(*needed && valid), "the schema of a {kind} file without {key}");
            let only_checked = NEEDED_ELSEWHERE.iter().any(|(name, _)| name == key);
            assert_eq!(
                checked.is_ok(),
                valid && !only_checked,
                "the check of a {kind} file without {key}: {checked:?}"
            );
        }
        let count = needs.iter().filter(|(_, needed)| *needed).count();
        assert!(count >= least, "{kind} needs {count} keys");
    }
}

/// What an editor shows of a key.
#[test]
fn every_key_says_what_it_means_and_a_left_out_one_has_the_default_that_is_written() {
    for kind in FileKind::ALL {
        for (key, entry) in keys(&schema(kind)).into_iter().filter(|(key, _)| !key.ends_with(".*")) {
            let words = entry["description"].as_str().unwrap_or_default();
            assert!(words.len() > 10, "{kind}: {key}: {words}");
            if let Some(default) = entry.get("default") {
                assert!(words.ends_with(&format!(" Default: {default}.")), "{kind}: {key}: {words}");
            }
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = |more: &str| {
        fs::write(folder.path().join("scenario.toml"), scenario()).expect("the folder is ours");
        let path = folder.path().join("run.toml");
        fs::write(&path, format!("scenario = \"scenario.toml\"\n{more}")).expect("the folder is ours");
        load_run(&path, &[]).unwrap_or_else(|errors| panic!("{errors}")).0
    };
    let base = settings("");
    let mut count = 0;
    for (key, entry) in keys(&schema(FileKind::Run)) {
        // In the default mode nothing takes turns, and in this scenario nobody reasons.
        let idle = [
            "preset",
            "sft.thoughts",
            "grpo.agent_steps",
            "grpo.gamma",
            "grpo.em_k",
            "grpo.kl",
            "grpo.normalizer_tokens",
        ];
        let part = ["grpo.overlong_tokens", "grpo.overlong_cache", "grpo.importance_min", "grpo.importance_max"];
        // A section is on if it is there.
        let is_switch = ["grpo.pool.", "grpo.isolation.", "grpo.replay.", "grpo.monitors."]
            .iter()
            .any(|section| key.starts_with(section));
        let has_effect = !is_switch && !idle.iter().chain(&part).any(|idle| *idle == key) && !OF_FORKS.contains(&&*key);
        if let Some(default) = entry.get("default").filter(|_| has_effect) {
            assert_eq!(settings(&format!("{key} = {default}\n")), base, "{key} = {default}");
            count += 1;
        }
    }
    assert!(count > 40, "{count} keys have defaults");
}

/// The world whose items may also come out of a release's files.
#[test]
fn the_schema_of_each_world_knows_its_own_keys_and_ways_to_have_items() {
    let validator = validator(FileKind::Scenario);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let good =
        json_of(&fs::read_to_string(folder.join("userrl/intention.toml")).expect("it is part of the repository"));
    let with = |pointer: &str, value: Value| {
        let mut file = good.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("it begins with one");
        file.pointer_mut(parent).expect("the file has this section")[name] = value;
        file
    };
    let agree = |pointer: &str, value: Value, good: bool| {
        let what = format!("{pointer} = {value}");
        agree_on(FileKind::Scenario, &validator, &with(pointer, value), good, &what);
    };
    for value in [json!(0.0), json!(1.0)] {
        agree("/world/multi_detail_penalty", value, true);
    }
    for value in [json!(-0.1), json!(1.1), json!("much")] {
        agree("/world/multi_detail_penalty", value, false);
    }
    agree("/world/scale_min", json!(4.0), false);
    agree("/world/items", json!({ "generate": 10, "held_out": 5 }), false);
    agree("/world/items", json!({ "generate": 10, "held_out": 5, "seed": 1 }), true);
    agree("/world/items", json!({ "generate": 10, "train": "a.json", "held_out": "b.json" }), false);
    agree("/world/items", json!({ "train": "a.json" }), false);
    // Whether the files are there is what only the check can tell.
    let files = json!({ "train": "a.json", "held_out": "b.json", "keep_known": true });
    assert!(validator.is_valid(&with("/world/items", files)));
}

/// One scenario or several, and never both.
#[test]
fn both_know_what_a_mix_may_be() {
    let validator = validator(FileKind::Run);
    let agree = |edits: &[(&str, Value)], good: bool| {
        let mut file = json_of(RUN);
        edits.iter().for_each(|(place, value)| put(&mut file, place, value));
        agree_on(FileKind::Run, &validator, &file, good, &format!("{edits:?}"));
    };
    let none = ("/scenario", Value::Null);
    let part = |weight: Value| json!([{ "scenario": "scenario.toml", "weight": weight }]);
    agree(&[none.clone(), ("/mix", json!([{ "scenario": "scenario.toml" }]))], true);
    for weight in [json!(0.1), json!(1), json!(1e6)] {
        agree(&[none.clone(), ("/mix", part(weight))], true);
    }
    for weight in [json!(0), json!(-1.0), json!(1e7), json!("much")] {
        agree(&[none.clone(), ("/mix", part(weight))], false);
    }
    agree(&[("/mix", part(json!(1.0)))], false);
    agree(std::slice::from_ref(&none), false);
    agree(&[none.clone(), ("/mix", json!([{ "weight": 1.0 }]))], false);
    agree(&[none.clone(), ("/mix", json!([]))], false);
    agree(&[none, ("/mix", json!([{ "scenario": "scenario.toml", "share": 1.0 }]))], false);
}

/// Recorded talks in place of a teacher's.
#[test]
fn both_know_what_records_may_be() {
    let validator = validator(FileKind::Run);
    let agree = |records: Value, good: bool| {
        let mut file = json_of(RUN);
        put(&mut file, "/sft/records", &records);
        agree_on(FileKind::Run, &validator, &file, good, &records.to_string());
    };
    agree(json!(["talks"]), true);
    agree(json!(["talks", "talks/."]), true);
    agree(json!([]), false);
    agree(json!("talks"), false);
    agree(json!([1]), false);
}

/// Which of a few keys there are, what lists hold and what one names oneself.
/// Of adapters, beside a folder: the ends of ranges, words, lists and strangers.
#[test]
fn both_know_what_adapters_may_be() {
    let validator = validator(FileKind::Run);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = json!({
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96,
        "max_position_embeddings": 2048, "vocab_size": 900,
    });
    fs::write(folder.path().join("config.json"), config.to_string()).expect("the folder is ours");
    let with = |model: Value| {
        let mut file = json_of(RUN);
        file["model"] = json!({ "from": folder.path().display().to_string(), "max_position_embeddings": 64 });
        file["model"].as_object_mut().expect("a section").extend(model.as_object().expect("keys").clone());
        // From a folder there need be no cold start, and without one there is nothing to replay.
        file["grpo"].as_object_mut().expect("a section").remove("replay");
        file
    };
    let good = [
        json!({}),
        json!({ "lora": {} }),
        json!({ "lora": { "rank": 1, "alpha": 0.001, "targets": "all-linear", "rank_stabilized": true }, "dtype": "bf16" }),
        json!({ "lora": { "rank": 1024, "alpha": 65536, "targets": ["q_proj", "down_proj"] }, "dtype": "f32" }),
    ];
    for model in &good {
        agree_on(FileKind::Run, &validator, &with(model.clone()), true, &model.to_string());
    }
    let bad = [
        ("rank", json!(0)),
        ("rank", json!(1025)),
        ("rank", json!("8")),
        ("alpha", json!(0)),
        ("alpha", json!(65536.5)),
        ("targets", json!("all_linear")),
        ("targets", json!([])),
        ("targets", json!(["q_proj", "q_proj"])),
        ("targets", json!(["lm_head"])),
        ("targets", json!([1])),
        ("targets", json!(1)),
        ("rank_stabilized", json!(1)),
        ("dropout", json!(0.1)),
    ];
    for (key, value) in bad {
        let lora = json!({ "lora": { (key): value } });
        agree_on(FileKind::Run, &validator, &with(lora.clone()), false, &lora.to_string());
    }
    let words = json!({ "lora": {}, "dtype": "f16" });
    agree_on(FileKind::Run, &validator, &with(words.clone()), false, &words.to_string());
}

#[test]
fn both_know_what_a_study_needs_one_of_and_what_its_lists_and_names_may_be() {
    let validator = validator(FileKind::Study);
    let agree = |edits: &[(&str, Value)], good: bool| {
        let mut file = json_of(STUDY);
        edits.iter().for_each(|(place, value)| put(&mut file, place, value));
        agree_on(FileKind::Study, &validator, &file, good, &format!("{edits:?}"));
    };
    let (none, empty) = (Value::Null, json!([]));
    for nothing in [&none, &empty] {
        agree(&[("/compare", nothing.clone())], true);
        agree(&[("/compare", nothing.clone()), ("/average", nothing.clone())], true);
        agree(&[("/compare", nothing.clone()), ("/cross", none.clone()), ("/average", nothing.clone())], false);
        agree(&[("/compare/0/rows", nothing.clone())], true);
        agree(&[("/compare/0/claims", nothing.clone())], true);
        agree(&[("/compare/0/rows", nothing.clone()), ("/compare/0/claims", empty.clone())], false);
        for list in ["/seeds", "/compare/0/policies", "/cross/0/agents", "/cross/0/users", "/cross/0/metrics"] {
            agree(&[(list, nothing.clone())], false);
        }
    }
    agree(&[("/seeds", json!([1, 2, 1]))], false);
    agree(&[("/compare/0/policies", json!(["start", "end", "script", "end"]))], false);
    agree(&[("/cross/0/users", json!(["end", "end"]))], false);
    agree(&[("/policies/script/run", json!("one"))], false);
    agree(&[("/policies/script/policy", json!("model:runs/a")), ("/cross/0/users", json!(["script"]))], true);
    agree(&[("/policies/script/policy", json!("model:"))], false);
    agree(&[("/compare/0/claims/0/keeps_of", json!("start"))], false);
    for (checkpoint, good) in [("step-000001", true), ("step-1", false), ("step-0000001", false), ("sft-000001", false)]
    {
        agree(&[("/policies/start/checkpoint", json!(checkpoint))], good);
    }
    agree(&[("/runs/one/set", json!(["grpo.steps"]))], false);
}

#[test]
fn the_schema_and_the_check_have_the_same_names_for_what_a_study_names() {
    let validator = validator(FileKind::Study);
    let text = json_of(STUDY).to_string();
    for (name, good) in [("a.b", true), ("A-1_", true), ("a b", false), ("a/b", false), (".a", false), ("", false)] {
        for named in ["one", "script"] {
            let renamed = text.replace(&format!("\"{named}\""), &format!("\"{name}\""));
            let file = serde_json::from_str(&renamed).expect("another name makes no other JSON");
            agree_on(FileKind::Study, &validator, &file, good, &format!("`{named}` called `{name}`"));
        }
    }
}

/// Published items may also come out of one file, which is divided.
#[test]
fn the_schema_knows_each_way_to_name_published_things() {
    let validator = validator(FileKind::Scenario);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/userrl");
    let good = json_of(&fs::read_to_string(folder.join("telepathy.toml")).expect("it is part of the repository"));
    let with = |items: Value| {
        let mut file = good.clone();
        file["world"]["items"] = items;
        file
    };
    agree_on(FileKind::Scenario, &validator, &good, true, "as it stands");
    agree_on(
        FileKind::Scenario,
        &validator,
        &with(json!({ "generate": 10, "held_out": 5, "seed": 1 })),
        true,
        "other items",
    );
    for bad in [
        json!({ "file": "a.json", "held_out": 5 }),
        json!({ "file": "a.json", "seed": 5 }),
        json!({ "file": "a.json", "held_out": "b.json", "seed": 1 }),
        json!({ "file": "a.json", "held_out": 5, "seed": 1, "keep_known": true }),
        json!({ "train": "a.json" }),
    ] {
        agree_on(FileKind::Scenario, &validator, &with(bad), false, "other items");
    }
    let mut turtle = json_of(&fs::read_to_string(folder.join("turtle.toml")).expect("it is part of the repository"));
    for (threshold, good) in [(json!(0.0), false), (json!(0.9), true), (json!(1.0), true), (json!(1.1), false)] {
        turtle["world"]["success_threshold"] = threshold;
        agree_on(FileKind::Scenario, &validator, &turtle, good, "another threshold");
    }
    for good in [
        json!({ "file": "a.json", "held_out": 5, "seed": 1 }),
        json!({ "train": "a.json", "held_out": "b.json" }),
        json!({ "train": "a.json", "held_out": "b.json", "keep_known": true }),
    ] {
        // Whether the files are there is what only the check can tell.
        assert!(validator.is_valid(&with(good.clone())), "{good}");
    }
}
