//! UserRL's tasks (`tau_train.json`, `tau_test.json`) on tau-bench's databases: a folder for each service, with a file for each table and
//! `policy.md`.

use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::tau::Call;
use sim::gyms::tau::Database;
use sim::gyms::tau::Domain;
use sim::gyms::tau::Library;
use sim::gyms::tau::Task;
use sim::gyms::tau::items::Manner;

use super::DATA;
use super::place;
use crate::Source;
use crate::check::Check;
use crate::node::Node;

/// Where the databases lie unless the file says so.
const DATABASES: &str = "tau-bench";

/// Tasks out of the files of a release. A path starts at this file's folder, or at $DUOLOGUE_DATA.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct FilesFile {
    /// The tasks to learn from.
    train: Option<String>,
    /// The tasks to measure on.
    held_out: Option<String>,
    /// The folder with `retail/` and `airline/`; `tau-bench` by default.
    databases: Option<String>,
}

/// A task as it stands in the release (spec userrl §2.8).
#[derive(Deserialize)]
struct Row {
    id: String,
    obs: String,
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    task: Wanted,
}

#[derive(Deserialize)]
struct Wanted {
    user_id: String,
    actions: Vec<Call>,
    instruction: String,
    outputs: Vec<String>,
}

/// The tasks of two files, those of one service only if `domain` names it. `None` after a mistake, which has been noted.
pub(crate) fn library(check: &mut Check<'_>, world: &Node, domain: Option<Domain>) -> Option<Library> {
    let FilesFile { train, held_out, databases } = check.read_part(world.get("items")?, "world.items");
    check.present("world.items.held_out", held_out.is_some(), "held_out = \"userrl/tau_test.json\"");
    let mut train = tasks(check, "world.items.train", &train?)?;
    let mut held_out = tasks(check, "world.items.held_out", &held_out?)?;
    for tasks in [&mut train, &mut held_out] {
        tasks.retain(|task| domain.is_none_or(|domain| task.domain == domain));
    }
    let needed = |domain: &Domain| train.iter().chain(&held_out).any(|task| task.domain == *domain);
    let folder = databases.as_deref().unwrap_or(DATABASES);
    let mut databases = Vec::new();
    for domain in Domain::ALL.into_iter().filter(needed) {
        databases.push(Arc::new(database(check, folder, domain)?));
    }
    match Library::new(databases, train, held_out) {
        Ok(library) => Some(library),
        Err(error) => {
            let hint = "mend the file, or leave the task out of it; `userrl/tau_train.json` has retail tasks only";
            check.error("world.items", format!("cannot be played: {error}"), hint);
            None
        }
    }
}

fn read(check: &mut Check<'_>, key: &str, written: &str) -> Option<String> {
    match Source::read(&place(check.folder(), written)) {
        Ok(source) => Some(source.text),
        Err(error) => {
            let hint = format!("the path starts at this file's folder, or at ${DATA} if that is set");
            check.error(key, format!("`{written}` {}", error.what), hint);
            None
        }
    }
}

fn tasks(check: &mut Check<'_>, key: &str, written: &str) -> Option<Vec<Task>> {
    let text = read(check, key, written)?;
    let rows: Result<Vec<Row>, _> = serde_json::from_str(&text);
    let tasks = rows.map_err(|error| error.to_string()).and_then(|rows| rows.into_iter().map(task).collect());
    match tasks {
        Ok(tasks) => Some(tasks),
        Err(error) => {
            let form =
                "it is a list of {id, obs, info: {task: {user_id, actions: [{name, kwargs}], instruction, outputs}}}";
            check.error(key, format!("`{written}` is of another form: {error}"), form);
            None
        }
    }
}

fn task(row: Row) -> Result<Task, String> {
    let named = |domain: &Domain| row.id.starts_with(domain.name());
    let domain =
        Domain::ALL.into_iter().find(named).ok_or_else(|| format!("`{}` is no retail and no airline task", row.id))?;
    let Wanted { user_id, actions, instruction, outputs } = row.info.task;
    Ok(Task {
        id: row.id,
        domain,
        opening: row.obs,
        user_id,
        instruction,
        actions,
        outputs,
        asks: None,
        manner: Manner::default(),
    })
}

fn database(check: &mut Check<'_>, folder: &str, domain: Domain) -> Option<Database> {
    let key = "world.items.databases";
    let file = |name: &str| Path::new(folder).join(domain.name()).join(name).display().to_string();
    let policy = read(check, key, &file("policy.md"))?;
    let mut texts = Vec::new();
    for table in domain.tables() {
        texts.push(read(check, key, &file(&format!("{}.json", table.name())))?);
    }
    let [a, b, c] = &texts[..] else {
        unreachable!("a service has three tables");
    };
    match Database::read(domain, policy, [a, b, c]) {
        Ok(database) => Some(database),
        Err(error) => {
            let form = "each table is {id: {…}, …}, as tau-bench publishes it";
            check.error(key, format!("`{folder}/{}` is no database: {error}", domain.name()), form);
            None
        }
    }
}
