//! What the schemas say, against what `check` does: both must accept and refuse the same files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use duologue_config::FileKind;
use duologue_config::load_run;
use jsonschema::Validator;
use serde_json::Value;
use serde_json::json;

const SCENARIO: &str = r#"name = "talk"
turns_max = 6
malformed_max = 3

[world]
gym = "haggle"
items = { generate = 2000, held_out = 2000, seed = 7 }

[agent]
policy = "rule"
tokens_max = 4
deadline_ms = 5

[user]
policy = "rule"
tokens_max = 4
deadline_ms = 5

[judge]
policy = "rule"

[[reward]]
seat = "agent"
name = "surplus"
kind = "outcome"
weight = 1.0

[[reward]]
seat = "user"
name = "surplus"
kind = "outcome"
weight = 1.0

[success]
agent = "deal"
"#;

/// Every section, and a mode, credit and normalisation that leave no key without effect; a context that any batch of tokens may have.
const RUN: &str = r#"scenario = "scenario.toml"

[limits]

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

[optimizer]
micro_tokens_max = 1048576

[eval]
items = 1

[checkpoints]
"#;

/// Keys whose upper end is bounded by the world, not by their own range, each with what bounds it.
const BOUNDED_ELSEWHERE: [(&str, &str); 4] = [
    ("model.num_key_value_heads", "a divisor of the query heads"),
    ("eval.items", "the scenario's held-out items"),
    ("grpo.minibatches", "the episodes of a step"),
    ("optimizer.micro_tokens_max", "at least the context"),
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
    schema
}

fn text_of(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Scenario => SCENARIO,
        FileKind::Run => RUN,
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

/// Each key of a schema that is no section: its path and what is said of it. Entries of lists count as the first one.
fn keys(schema: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let Some(properties) = schema["properties"].as_object() else { return found };
    for (name, entry) in properties {
        let (inner, path) = match entry.get("items") {
            Some(items) => (items, format!("{name}[0]")),
            None => (entry, name.clone()),
        };
        if inner.get("properties").is_none() {
            found.push((path.clone(), entry.clone()));
        }
        found.extend(keys(inner).into_iter().map(|(key, entry)| (format!("{path}.{key}"), entry)));
    }
    found
}

/// The good file of a kind, with `value` at `key`.
fn with(kind: FileKind, key: &str, value: &Value) -> Value {
    let mut file = json_of(text_of(kind));
    let pointer = format!("/{}", key.replace("[0]", ".0").replace('.', "/"));
    let (parent, name) = pointer.rsplit_once('/').expect("it begins with one");
    if let Some(parent) = file.pointer_mut(parent) {
        parent[name] = value.clone();
        return file;
    }
    panic!("the file of these tests lacks the section of {key}");
}

/// Whether `check` accepts a file, and what it says otherwise.
fn checked(kind: FileKind, file: &Value) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("scenario.toml"), SCENARIO).expect("the folder is ours");
    let path = folder.path().join(format!("{kind}.toml"));
    fs::write(&path, toml::to_string(file).expect("JSON without null is TOML")).expect("the folder is ours");
    match kind {
        FileKind::Scenario => duologue_config::load_scenario(&path).map(drop).map_err(|errors| errors.to_string()),
        FileKind::Run => load_run(&path, &[]).map(drop).map_err(|errors| errors.to_string()),
    }
}

#[track_caller]
fn agree(kind: FileKind, validator: &Validator, key: &str, value: &Value, good: bool) {
    let file = with(kind, key, value);
    assert_eq!(validator.is_valid(&file), good, "the schema of a {kind} file, {key} = {value}");
    let checked = checked(kind, &file);
    assert_eq!(checked.is_ok(), good, "the check of a {kind} file, {key} = {value}: {checked:?}");
}

#[test]
fn every_file_of_the_repository_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders =
        ["scenarios", "scenarios/userrl", "scenarios/userrl/published"].map(|folder| (folder, FileKind::Scenario));
    for (folder, kind) in folders.into_iter().chain([("configs", FileKind::Run)]) {
        let (validator, mut count) = (validator(kind), 0);
        for entry in fs::read_dir(root.join(folder)).expect("the folder is part of the repository") {
            let path = entry.expect("a listed file can be named").path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let file = json_of(&fs::read_to_string(&path).expect("it can be read"));
                let errors: Vec<String> =
                    validator.iter_errors(&file).map(|e| format!("{}: {e}", e.instance_path())).collect();
                assert!(errors.is_empty(), "{}: {errors:?}", path.display());
                count += 1;
            }
        }
        assert!(count > 0, "{folder} holds no file");
    }
}

#[test]
fn the_files_of_these_tests_are_good_as_they_stand() {
    for kind in FileKind::ALL {
        let file = json_of(text_of(kind));
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
            assert_eq!(own, known, "{kind}: {path}");
            assert_eq!(section["additionalProperties"], json!(false), "{kind}: {path}");
            count += own.len();
            for (name, entry) in section["properties"].as_object().expect("a section") {
                let (inner, step) =
                    entry.get("items").map_or((entry, name.clone()), |items| (items, format!("{name}[0]")));
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
        assert!(count >= 15, "{kind} has {count} numbers");
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
            // Terms and kinds of rewards go together: of these a word alone says nothing. A key of another mode would have no effect.
            let alone = !key.starts_with("reward")
                && !["grpo.mode", "grpo.turn_credit", "grpo.trajectory_score"].contains(&key.as_str());
            for word in words.iter().filter(|_| alone) {
                agree(kind, &validator, &key, word, true);
            }
        }
        assert!(count >= 4, "{kind} has {count} keys with words");
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
    let Some(properties) = schema["properties"].as_object() else { return found };
    let needed = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, entry) in properties {
        found.push((name.clone(), needed.contains(&json!(name))));
        let (inner, path) = match entry.get("items") {
            Some(items) => (items, format!("{name}[0]")),
            None => (entry, name.clone()),
        };
        found.extend(needs(inner).into_iter().map(|(key, needed)| (format!("{path}.{key}"), needed)));
    }
    found
}

#[test]
fn what_is_needed_is_needed_by_both() {
    for kind in FileKind::ALL {
        let (schema, validator) = (schema(kind), validator(kind));
        let needs = needs(&schema);
        for (key, needed) in &needs {
            let mut file = json_of(text_of(kind));
            let pointer = format!("/{}", key.replace("[0]", ".0").replace('.', "/"));
            let (parent, name) = pointer.rsplit_once('/').expect("it begins with one");
            file.pointer_mut(parent).and_then(Value::as_object_mut).expect("a section").remove(name);
            assert_eq!(validator.is_valid(&file), !needed, "the schema of a {kind} file without {key}");
            let checked = checked(kind, &file);
            assert_eq!(checked.is_ok(), !needed, "the check of a {kind} file without {key}: {checked:?}");
        }
        let count = needs.iter().filter(|(_, needed)| *needed).count();
        assert!(count >= if kind == FileKind::Scenario { 17 } else { 1 }, "{kind} needs {count} keys");
    }
}

/// What an editor shows of a key.
#[test]
fn every_key_says_what_it_means_and_a_left_out_one_has_the_default_that_is_written() {
    for kind in FileKind::ALL {
        for (key, entry) in keys(&schema(kind)) {
            let words = entry["description"].as_str().unwrap_or_default();
            assert!(words.len() > 10, "{kind}: {key}: {words}");
            if let Some(default) = entry.get("default") {
                assert!(words.ends_with(&format!(" Default: {default}.")), "{kind}: {key}: {words}");
            }
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = |more: &str| {
        fs::write(folder.path().join("scenario.toml"), SCENARIO).expect("the folder is ours");
        let path = folder.path().join("run.toml");
        fs::write(&path, format!("scenario = \"scenario.toml\"\n{more}")).expect("the folder is ours");
        load_run(&path, &[]).unwrap_or_else(|errors| panic!("{errors}")).0
    };
    let base = settings("");
    let mut count = 0;
    for (key, entry) in keys(&schema(FileKind::Run)) {
        // In the default mode nothing takes turns.
        let has_effect = !["grpo.agent_steps", "grpo.gamma", "grpo.em_k"].contains(&key.as_str());
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
    let good = json_of(&fs::read_to_string(folder.join("intention.toml")).expect("it is part of the repository"));
    let with = |pointer: &str, value: Value| {
        let mut file = good.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("it begins with one");
        file.pointer_mut(parent).expect("the file has this section")[name] = value;
        file
    };
    for value in [json!(0.0), json!(1.0)] {
        agree_on(&validator, &with("/world/multi_detail_penalty", value), true);
    }
    for value in [json!(-0.1), json!(1.1), json!("much")] {
        agree_on(&validator, &with("/world/multi_detail_penalty", value), false);
    }
    agree_on(&validator, &with("/world/scale_min", json!(4.0)), false);
    agree_on(&validator, &with("/world/items", json!({ "generate": 10, "held_out": 5 })), false);
    agree_on(&validator, &with("/world/items", json!({ "generate": 10, "held_out": 5, "seed": 1 })), true);
    agree_on(
        &validator,
        &with("/world/items", json!({ "generate": 10, "train": "a.json", "held_out": "b.json" })),
        false,
    );
    agree_on(&validator, &with("/world/items", json!({ "train": "a.json" })), false);
    // Whether the files are there is what only the check can tell.
    let files = json!({ "train": "a.json", "held_out": "b.json", "keep_known": true });
    assert!(validator.is_valid(&with("/world/items", files)));
}

fn agree_on(validator: &Validator, file: &Value, good: bool) {
    assert_eq!(validator.is_valid(file), good, "the schema of {file}");
    assert_eq!(checked(FileKind::Scenario, file).is_ok(), good, "the check of {file}");
}
