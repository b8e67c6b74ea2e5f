//! JSON Schema of each kind of file, for editors and for whoever writes files by program.
//!
//! Two halves, both taken from what reads the files, so that a schema cannot say anything else than `check` does:
//!
//! ```text
//!  raw types (schemars)             which keys there are, of which type, and what they mean
//!  demands on the least good file   what is needed, ranges, defaults, words: noted by the very calls that check them
//! ```
//!
//! What is not covered: whatever depends on more than one key, save which of a few a section needs, or on another file. A schema accepts
//! `gamma` where nothing discounts, training terms that weigh too much, a condition on a measure that the gym has not, or a run file that
//! is not there; `duologue check` knows.

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::FileKind;
use crate::Source;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::demand::Demand;
use crate::demand::Says;
use crate::node::Node;
use crate::run;
use crate::run::RunFile;
use crate::scenario;
use crate::scenario::ScenarioFile;
use crate::shelf::Shelf;
use crate::study;
use crate::study::StudyFile;
use crate::suite;
use crate::suite::SuiteFile;
use crate::world;

/// The schema (draft 2020-12) of a kind of file, as TOML is written in JSON.
#[must_use]
pub fn schema(kind: FileKind) -> Value {
    let mut schema = match kind {
        FileKind::Scenario => scenario_schema(),
        FileKind::Run => {
            let demanded = |least| demands(least, |check, _| drop(run::run(check, kind.name())));
            imposed(imposed(keys::<RunFile>(), &demanded(run::LEAST)), &demanded(run::LEAST_MIX))
        }
        FileKind::Study => study_schema(),
        FileKind::Suite => suite_schema(),
    };
    schema["title"] = json!(format!("A {kind} file of Duologue"));
    explain(&mut schema);
    schema
}

/// Everything that is demanded of a good file by its check.
fn demands(least: &str, run_check: impl FnOnce(&mut Check<'_>, &Node)) -> Vec<Demand> {
    let source = Source { path: "least.toml".into(), text: least.to_owned() };
    let root = Node::parse(&source).expect("the least good file is TOML");
    let mut check = Check::new(source.name(), &root);
    run_check(&mut check, &root);
    let demands = check.demands().to_vec();
    check.finish(()).expect("the least good file is good");
    demands
}

fn imposed(mut schema: Value, demands: &[Demand]) -> Value {
    demands.iter().for_each(|demand| impose(&mut schema, demand));
    schema
}

/// The keys of a raw type: their types and meanings, and no others.
fn keys<T: JsonSchema>() -> Value {
    let mut schema = generator().into_root_schema_for::<T>().to_value();
    close(&mut schema);
    schema
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator()
}

/// The world of each gym has its own constants; what other sections may say is what any gym allows.
fn scenario_schema() -> Value {
    let mut schema = keys::<ScenarioFile>();
    let mut worlds = Vec::new();
    for (name, gym) in &world::GYMS {
        let mut alone = schema.clone();
        let constants = (gym.constants)(&mut generator()).to_value()["properties"].take();
        let keys = alone["properties"]["world"]["properties"].as_object_mut().expect("the world has keys");
        keys.extend(constants.as_object().cloned().unwrap_or_default());
        close(&mut alone);
        for demand in demands(gym.least, |check, root| drop(scenario::scenario(check, root))) {
            let schema = if demand.key.starts_with("world.") { &mut alone } else { &mut schema };
            impose(schema, &demand);
        }
        let mut world = alone["properties"]["world"].take();
        world["properties"]["gym"]["enum"] = json!([name]);
        if let Some(files) = gym.files {
            worlds.extend(with_files(&world, files));
        }
        worlds.push(world);
    }
    let meaning = schema["properties"]["world"]["description"].take();
    schema["properties"]["world"] = json!({ "description": meaning, "oneOf": worlds });
    schema
}

/// What a study may say of any gym: its check follows the files that the study names, and here they lie in memory.
fn study_schema() -> Value {
    let mut schema = keys::<StudyFile>();
    for (_, gym) in &world::GYMS {
        let files = [("run.toml", study::LEAST_RUN), ("scenario.toml", gym.least)];
        let demands = demands(study::LEAST, |check, _| {
            let (_, elsewhere) = study::study(check, "least", Shelf::Memory(&files));
            assert!(elsewhere.is_empty(), "the files that the least good study names are good: {elsewhere:?}");
        });
        schema = imposed(schema, &demands);
    }
    schema
}

/// What a suite may say of any gym, and of a talk's traps and sets.
fn suite_schema() -> Value {
    let read = |least: &str, gym: &str| {
        let files = [("scenario.toml", gym)];
        demands(least, |check, _| {
            let (_, elsewhere) = suite::suite(check, "least", Shelf::Memory(&files));
            assert!(elsewhere.is_empty(), "the files that the least good suite names are good: {elsewhere:?}");
        })
    };
    let mut schema = keys::<SuiteFile>();
    for (name, gym) in &world::GYMS {
        schema = imposed(schema, &read(suite::LEAST, gym.least));
        if *name == "talk" {
            schema = imposed(schema, &read(suite::LEAST_TRAP, gym.least));
            schema = imposed(schema, &read(suite::LEAST_SET, gym.least));
        }
    }
    schema
}

/// The same world with its items out of a release's files, once for each way to name them.
fn with_files(world: &Value, files: fn(&mut SchemaGenerator) -> Schema) -> Vec<Value> {
    let mut files = files(&mut generator()).to_value();
    close(&mut files);
    let ways = match files.get("oneOf").and_then(Value::as_array) {
        Some(ways) => ways.clone(),
        None => {
            files["required"] = json!(["train", "held_out"]);
            vec![files]
        }
    };
    let with = |items| {
        let mut world = world.clone();
        world["properties"]["items"] = items;
        world
    };
    ways.into_iter().map(with).collect()
}

/// No null, which TOML has not; no formats, which are Rust's; no keys that nobody reads.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            if let Some(types) = entries.get("type").and_then(Value::as_array) {
                let mut types: Vec<Value> = types.iter().filter(|name| **name != "null").cloned().collect();
                let only = if types.len() == 1 { types.remove(0) } else { Value::Array(types) };
                entries.insert("type".to_owned(), only);
            }
            entries.remove("format");
            if entries.contains_key("properties") {
                entries.insert("additionalProperties".to_owned(), json!(false));
            }
            entries.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Writes what is demanded of a key into the schema.
fn impose(schema: &mut Value, Demand { key, says }: &Demand) {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    // A section says which of its keys it needs.
    let entry = entry(schema, if matches!(says, Says::Needed) { section } else { key });
    let mut say = |word: &str, value: Value| drop(entry.insert(word.to_owned(), value));
    match says {
        Says::Needed => extend(entry, "required", [json!(name)]),
        Says::Default(value) => say("default", value.clone()),
        Says::Within(allowed) => entry.extend(bounds(allowed)),
        Says::OffOrWithin(allowed) => say("anyOf", json!([{ "const": 0 }, Value::Object(bounds(allowed))])),
        Says::Multiple(of) => say("multipleOf", json!(of)),
        Says::OneOf(words) => extend(entry, "enum", words.iter().map(|word| json!(word))),
        Says::Words { words, prefixes } => {
            let mut ways = vec![json!({ "enum": words })];
            let pattern = |prefix: &String| json!({ "pattern": format!("^{}.", prefix.replace('.', "\\.")) });
            ways.extend(prefixes.iter().map(pattern));
            extend(entry, "anyOf", ways);
        }
        Says::Form(pattern) => say("pattern", json!(pattern)),
        Says::Names(pattern) => say("propertyNames", json!({ "pattern": pattern })),
        Says::Filled => say("minItems", json!(1)),
        Says::Distinct => say("uniqueItems", json!(true)),
        Says::SomeOf(lists) => {
            let has = |list: &&str| json!({ "required": [list], "properties": { *list: { "minItems": 1 } } });
            say("anyOf", lists.iter().map(has).collect());
        }
        Says::JustOneOf(keys) => say("oneOf", keys.iter().map(|key| json!({ "required": [key] })).collect()),
    }
}

/// The schema of what stands at a path such as `grpo.groups` or `reward[0].weight`: all entries of a list have one, and so have all that
/// one may name oneself.
fn entry<'s>(schema: &'s mut Value, path: &str) -> &'s mut Map<String, Value> {
    let steps = path.split('.').filter(|step| !step.is_empty());
    let found = steps.fold(schema, |schema, step| {
        let (name, listed) = step.split_once('[').map_or((step, false), |(name, _)| (name, true));
        let own = &format!("/properties/{name}");
        let place = if schema.pointer(own).is_some() { own } else { "/additionalProperties" };
        let entry = schema.pointer_mut(place).expect("what is checked is a key of the raw type");
        if listed { &mut entry["items"] } else { entry }
    });
    found.as_object_mut().expect("what is checked is a key of the raw type")
}

/// Adds to a list those values that are not in it yet.
fn extend(entry: &mut Map<String, Value>, list: &str, values: impl IntoIterator<Item = Value>) {
    let known = entry.entry(list).or_insert_with(|| json!([]));
    let known = known.as_array_mut().expect("only lists are extended");
    for value in values {
        if !known.contains(&value) {
            known.push(value);
        }
    }
}

fn bounds(allowed: &Allowed) -> Map<String, Value> {
    let (low, high) = allowed.anywhere();
    let name = |included: bool, inclusive: &str, exclusive: &str| {
        let name = if included { inclusive } else { exclusive };
        name.to_owned()
    };
    let low = (name(low.included, "minimum", "exclusiveMinimum"), number(low.value));
    let high = (name(high.included, "maximum", "exclusiveMaximum"), number(high.value));
    [low, high].into_iter().collect()
}

/// A whole number is written as one: some readers refuse `1.0` as the bound of an integer.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
}

/// Puts range and default into the description of each key: that is what an editor shows.
fn explain(schema: &mut Value) {
    schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten().for_each(explain);
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for entry in properties.values_mut() {
        // Lines end where the source's do, which is nobody's business.
        let mut words = entry["description"].as_str().unwrap_or_default().replace('\n', " ");
        let wheres = [entry.clone(), entry["anyOf"][1].clone(), entry["items"].clone()];
        words.extend(wheres.iter().filter_map(range).map(|range| format!(" Range: {range}.")));
        if let Some(default) = entry.get("default") {
            words.push_str(&format!(" Default: {default}."));
        }
        entry["description"] = json!(words);
        explain(entry);
        for inner in ["items", "additionalProperties"] {
            entry.get_mut(inner).into_iter().for_each(explain);
        }
    }
}

/// A range in the way of SCENARIOS.md: a round bracket leaves its end out.
fn range(entry: &Value) -> Option<String> {
    let bound = |inclusive: &str, exclusive: &str, brackets: [&'static str; 2]| match entry.get(inclusive) {
        Some(value) => Some((value.clone(), brackets[0])),
        None => entry.get(exclusive).map(|value| (value.clone(), brackets[1])),
    };
    let (low, opening) = bound("minimum", "exclusiveMinimum", ["[", "("])?;
    let (high, closing) = bound("maximum", "exclusiveMaximum", ["]", ")"])?;
    Some(format!("{opening}{low}, {high}{closing}"))
}
