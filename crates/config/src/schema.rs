//! JSON Schema of each kind of file, for editors and for whoever writes files by program.
//!
//! Two halves, both taken from what reads the files, so that a schema cannot say anything else than `check` does:
//!
//! ```text
//!  raw types (schemars)             which keys there are, of which type, and what they mean
//!  demands on the least good file   what is needed, ranges, defaults, words: noted by the very calls that check them
//! ```
//!
//! What is not covered: whatever depends on more than one key. A schema accepts `gamma` where nothing discounts, training terms that
//! weigh too much, or a condition on a measure that the gym has not; `duologue check` knows.

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
use crate::world;

/// The schema (draft 2020-12) of a kind of file, as TOML is written in JSON.
#[must_use]
pub fn schema(kind: FileKind) -> Value {
    let mut schema = match kind {
        FileKind::Scenario => scenario_schema(),
        FileKind::Run => {
            let mut schema = keys::<RunFile>();
            demands(kind, run::LEAST).iter().for_each(|demand| impose(&mut schema, demand));
            schema
        }
    };
    schema["title"] = json!(format!("A {kind} file of Duologue"));
    explain(&mut schema);
    schema
}

/// Everything that is demanded of a good file.
fn demands(kind: FileKind, least: &str) -> Vec<Demand> {
    let source = Source { path: kind.name().into(), text: least.to_owned() };
    let root = Node::parse(&source).expect("the least good file is TOML");
    let mut check = Check::new(source.name(), &root);
    match kind {
        FileKind::Scenario => drop(scenario::scenario(&mut check, &root)),
        FileKind::Run => drop(run::run(&mut check, kind.name())),
    }
    let demands = check.demands().to_vec();
    check.finish(()).expect("the least good file is good");
    demands
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
        for demand in demands(FileKind::Scenario, gym.least) {
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
    let (parent, name) = key.rsplit_once('.').unwrap_or(("", key.as_str()));
    let section = section(schema, parent);
    let entry = section["properties"].get_mut(name).and_then(Value::as_object_mut);
    let entry = entry.expect("what is checked is a key of the raw type");
    match says {
        Says::Needed => {
            let section = section.as_object_mut().expect("a section's schema is an object");
            extend(section, "required", [json!(name)]);
        }
        Says::Default(value) => drop(entry.insert("default".to_owned(), value.clone())),
        Says::Within(allowed) => entry.extend(bounds(allowed)),
        Says::OffOrWithin(allowed) => {
            entry.insert("anyOf".to_owned(), json!([{ "const": 0 }, Value::Object(bounds(allowed))]));
        }
        Says::Multiple(of) => drop(entry.insert("multipleOf".to_owned(), json!(of))),
        Says::OneOf(words) => extend(entry, "enum", words.iter().map(|word| json!(word))),
        Says::Policy { scripts, prefixes } => {
            let mut ways = vec![json!({ "enum": scripts })];
            ways.extend(prefixes.iter().map(|prefix| json!({ "pattern": format!("^{prefix}.") })));
            extend(entry, "anyOf", ways);
        }
        Says::Form(pattern) => drop(entry.insert("pattern".to_owned(), json!(pattern))),
    }
}

/// The schema of the section at a path such as `grpo.groups` or `reward[0]`: all entries of a list have one.
fn section<'s>(schema: &'s mut Value, path: &str) -> &'s mut Value {
    path.split('.').filter(|step| !step.is_empty()).fold(schema, |schema, step| match step.split_once('[') {
        Some((name, _)) => &mut schema["properties"][name]["items"],
        None => &mut schema["properties"][step],
    })
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
        let wheres = [entry.clone(), entry["anyOf"][1].clone()];
        words.extend(wheres.iter().filter_map(range).map(|range| format!(" Range: {range}.")));
        if let Some(default) = entry.get("default") {
            words.push_str(&format!(" Default: {default}."));
        }
        entry["description"] = json!(words);
        explain(entry);
        if let Some(items) = entry.get_mut("items") {
            explain(items);
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
