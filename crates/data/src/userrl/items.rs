//! The files of items: where they lie in a checkout, what form they have, and whether each item can be played.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use sim::gyms::function;
use sim::gyms::function::Expression;
use sim::gyms::intention;
use sim::gyms::persuade;
use sim::gyms::tau::Call;
use sim::gyms::tau::Domain;
use sim::gyms::telepathy;
use sim::gyms::turtle;
use sim::gyms::turtle::items::Criterion;

use super::Found;
use crate::DataError;
use crate::ItemFile;
use crate::shape::Shape;
use crate::shape::kind;

/// What there is to know about a file of items before it is read.
pub(super) struct Form {
    /// As scenarios call it, without `.json`.
    pub(super) name: &'static str,
    /// Upstream's package, e.g. `FunctionGym`.
    gym: &'static str,
    /// Upstream's name, without `.json`.
    upstream: &'static str,
    /// One item.
    shape: Shape,
    /// The same for whoever has to mend it.
    form: &'static str,
    /// Whether items stand under their ids in an object, instead of in a list.
    pub(super) by_id: bool,
    /// Why an item of this shape cannot be played, if it cannot.
    play: fn(&str, &Value) -> Result<(), String>,
}

/// A file of items with what is in it.
pub(super) struct ItemsFile {
    /// Its form.
    pub(super) form: &'static Form,
    /// Where it was read.
    pub(super) place: String,
    /// Its items by id, in its order.
    pub(super) items: Vec<(String, Value)>,
}

const DETAIL: Shape = Shape::Object(&[
    ("description", Shape::Text),
    ("importance", Shape::Text),
    ("inquiry", Shape::Text),
    ("options", Shape::List(&Shape::Text)),
]);
const REQUEST: Shape = Shape::Object(&[
    ("id", Shape::Text),
    ("category", Shape::Text),
    ("task", Shape::Text),
    ("missing_details", Shape::List(&DETAIL)),
]);
const REQUESTS: &str =
    "it is a list of {id, category, task, missing_details: [{description, importance, inquiry, options}]}";
const CRITERION: Shape = Shape::Object(&[("statement", Shape::Text), ("score", Shape::Number)]);
const CALL: Shape = Shape::Object(&[("name", Shape::Text), ("kwargs", Shape::Anything)]);
const TASK: Shape = Shape::Object(&[
    ("id", Shape::Text),
    ("obs", Shape::Text),
    (
        "info",
        Shape::Object(&[(
            "task",
            Shape::Object(&[
                ("user_id", Shape::Text),
                ("actions", Shape::List(&CALL)),
                ("instruction", Shape::Text),
                ("outputs", Shape::List(&Shape::Text)),
            ]),
        )]),
    ),
]);
const TASKS: &str =
    "it is a list of {id, obs, info: {task: {user_id, actions: [{name, kwargs}], instruction, outputs}}}";

/// All of them, in the order of their gyms' names.
static FORMS: [Form; 9] = [
    Form {
        name: "functions",
        gym: "FunctionGym",
        upstream: "functions",
        shape: Shape::Object(&[
            ("id", Shape::Text),
            ("rule", Shape::Text),
            ("test_case", Shape::List(&Shape::Number)),
            ("expected_result", Shape::Number),
        ]),
        form: "it is a list of {id, rule, test_case: [a, b, c, d], expected_result}",
        by_id: false,
        play: function,
    },
    Form {
        name: "intentions_train",
        gym: "IntentionGym",
        upstream: "all_intentions_train",
        shape: REQUEST,
        form: REQUESTS,
        by_id: false,
        play: intention,
    },
    Form {
        name: "intentions_test",
        gym: "IntentionGym",
        upstream: "all_intentions_test",
        shape: REQUEST,
        form: REQUESTS,
        by_id: false,
        play: intention,
    },
    Form {
        name: "statements",
        gym: "PersuadeGym",
        upstream: "all_statements_refined",
        shape: Shape::Object(&[("id", Shape::Text), ("claim", Shape::Text), ("argument", Shape::Text)]),
        form: "it is a list of {id, claim, argument}",
        by_id: false,
        play: statement,
    },
    Form {
        name: "questions",
        gym: "SearchGym",
        upstream: "questions",
        shape: Shape::Object(&[("id", Shape::Text), ("question", Shape::Text), ("answer", Shape::Text)]),
        form: "it is a list of {id, question, answer}",
        by_id: false,
        play: question,
    },
    Form {
        name: "entities",
        gym: "TelepathyGym",
        upstream: "all_entities_refined",
        shape: Shape::Object(&[
            ("id", Shape::Text),
            ("title", Shape::Text),
            ("description", Shape::Text),
            ("target_entity", Shape::Text),
            ("category", Shape::Text),
        ]),
        form: "it is a list of {id, title, description, target_entity, category}",
        by_id: false,
        play: entity,
    },
    Form {
        name: "stories",
        gym: "TurtleGym",
        upstream: "all_stories_refined",
        shape: Shape::Object(&[
            ("new_title", Shape::Text),
            ("new_surface", Shape::Text),
            ("new_bottom", Shape::Text),
            ("evaluation", Shape::List(&CRITERION)),
        ]),
        form: "it is an object of {new_title, new_surface, new_bottom, evaluation: [{statement, score}]} by id",
        by_id: true,
        play: story,
    },
    Form {
        name: "tau_train",
        gym: "TauGym",
        upstream: "tau_train",
        shape: TASK,
        form: TASKS,
        by_id: false,
        play: task,
    },
    Form { name: "tau_test", gym: "TauGym", upstream: "tau_test", shape: TASK, form: TASKS, by_id: false, play: task },
];

/// Reads all files of items that are there. Those that are not are noted.
pub(super) fn read_all(found: &mut Found) -> Result<(), DataError> {
    for form in &FORMS {
        match found.checkout.find(&form.places()) {
            Some(place) => read(found, form, place)?,
            // The release itself lacks it: see `original`.
            None if form.name == STATEMENTS => {}
            None => found.leave_out(form.file(), "there is no such file in the checkout"),
        }
    }
    Ok(())
}

/// The claims: as a file they are missing from the release.
pub(super) const STATEMENTS: &str = "statements";

/// The form of a file, by its name.
pub(super) fn form(name: &str) -> &'static Form {
    FORMS.iter().find(|form| form.name == name).expect("it is called by one of its names")
}

fn read(found: &mut Found, form: &'static Form, place: String) -> Result<(), DataError> {
    let (text, value) = found.checkout.json(&place)?;
    let items = form.items(&found.checkout.name(&place), value)?;
    let of = vec![place.clone()];
    found.files.push(ItemFile { name: form.file(), bytes: text.into_bytes(), items: Some(items.len()), of });
    found.items.push(ItemsFile { form, place, items });
    Ok(())
}

impl Form {
    /// As scenarios call it.
    pub(super) fn file(&self) -> String {
        format!("{}.json", self.name)
    }

    /// Where it may lie: as an import leaves it, in upstream's package, or as upstream's own lists name it.
    fn places(&self) -> Vec<String> {
        let Form { gym, upstream, .. } = self;
        let package = gym.to_lowercase();
        vec![
            self.file(),
            format!("gyms/{gym}/{package}/data/{upstream}.json"),
            format!("{gym}/{package}/data/{upstream}.json"),
            format!("{gym}/{upstream}.json"),
            format!("{upstream}.json"),
        ]
    }

    /// All items of a file by their ids, each of which can be played, and no id twice.
    pub(super) fn items(&self, file: &str, value: Value) -> Result<Vec<(String, Value)>, DataError> {
        let wrong = |what: String| DataError::of_file(file, what, self.form);
        let items: Vec<(String, Value)> = match (value, self.by_id) {
            (Value::Object(items), true) => items.into_iter().collect(),
            (Value::Array(items), false) => items.into_iter().enumerate().map(named).collect(),
            (other, by_id) => {
                let should = if by_id { "an object of items by id" } else { "a list of items" };
                return Err(wrong(format!("is {}, and should be {should}", kind(&other))));
            }
        };
        if items.is_empty() {
            return Err(wrong("has no items".to_owned()));
        }
        let mut ids = BTreeSet::new();
        for (id, item) in &items {
            let mismatch = |found: crate::shape::Mismatch| wrong(found.what).at(id).key(found.key);
            self.shape.check(item).map_err(mismatch)?;
            (self.play)(id, item).map_err(|why| wrong(format!("cannot be played: {why}")).at(id))?;
            if !ids.insert(id.as_str()) {
                return Err(wrong("is there twice, and an id names one item".to_owned()).at(id).key("id"));
            }
        }
        Ok(items)
    }
}

/// An item of a list under its id; under its number from 1 if it has none, for the error that follows.
fn named((at, item): (usize, Value)) -> (String, Value) {
    let id = item.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    (id.map_or_else(|| format!("item {}", at + 1), str::to_owned), item)
}

/// The item as the gym's own type reads it.
fn as_item<'a, T: Deserialize<'a>>(item: &'a Value) -> Result<T, String> {
    T::deserialize(item).map_err(|error| error.to_string())
}

fn text(item: &Value, key: &str) -> String {
    item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn function(_: &str, item: &Value) -> Result<(), String> {
    let item: function::Item = as_item(item)?;
    let rule = Expression::read(&item.rule).map_err(|error| format!("rule `{}`: {error}", item.rule))?;
    match rule.value(&item.test_case) {
        Ok(value) if (value - item.expected_result).abs() <= 1e-6 => Ok(()),
        Ok(value) => Err(format!("rule `{}` gives {value}, not the expected {}", item.rule, item.expected_result)),
        Err(why) => Err(format!("rule `{}` has no value at the test case: {why}", item.rule)),
    }
}

fn intention(_: &str, item: &Value) -> Result<(), String> {
    let item: intention::Item = as_item(item)?;
    let (count, most) = (item.missing_details.len(), intention::items::DETAILS_MAX);
    match (1..=most).contains(&count) {
        true => Ok(()),
        false => Err(format!("it has {count} missing details; it may have from 1 to {most}")),
    }
}

fn statement(id: &str, item: &Value) -> Result<(), String> {
    let (claim, argument) = (text(item, "claim"), text(item, "argument"));
    persuade::Item { id: id.to_owned(), claim, argument, cruxes: None }.check()
}

fn question(_: &str, item: &Value) -> Result<(), String> {
    let blank = ["question", "answer"].into_iter().find(|key| text(item, key).trim().is_empty());
    blank.map_or(Ok(()), |key| Err(format!("its {key} is empty")))
}

fn entity(_: &str, item: &Value) -> Result<(), String> {
    match telepathy::items::name(&text(item, "title")).is_empty() {
        true => Err("it has no title that could be guessed".to_owned()),
        false => Ok(()),
    }
}

fn story(id: &str, item: &Value) -> Result<(), String> {
    let criterion = |of: &Value| Criterion {
        statement: text(of, "statement"),
        weight: of.get("score").and_then(Value::as_f64).unwrap_or_default(),
    };
    let criteria = item.get("evaluation").and_then(Value::as_array).into_iter().flatten().map(criterion).collect();
    let [title, surface, bottom] = ["new_title", "new_surface", "new_bottom"].map(|key| text(item, key));
    turtle::Item { id: id.to_owned(), title, surface, bottom, criteria, graph: None }.check()
}

fn task(id: &str, item: &Value) -> Result<(), String> {
    if !Domain::ALL.iter().any(|domain| id.starts_with(domain.name())) {
        return Err("its id begins with neither `retail` nor `airline`".to_owned());
    }
    let actions = item.pointer("/info/task/actions").cloned().unwrap_or_default();
    serde_json::from_value::<Vec<Call>>(actions)
        .map(|_| ())
        .map_err(|error| format!("its actions are no calls: {error}"))
}
