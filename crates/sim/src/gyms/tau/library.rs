//! All tasks of a scenario with the databases they play on: immutable, made once, shared by all episodes.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Ask;
use super::Changes;
use super::Database;
use super::Domain;
use super::Task;
use super::database::Store;
use super::database::Table;
use super::tools;
use super::tools::TRANSFER;
use super::wish;
use super::wish::Identity;
use crate::scenario::Split;

/// The tasks of both splits and what they play on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Lists", into = "Lists")]
pub struct Library {
    lists: Lists,
    entries: [Vec<Arc<Entry>>; 2],
}

/// What a library is made from, and written as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lists {
    databases: Vec<Arc<Database>>,
    train: Vec<Task>,
    held_out: Vec<Task>,
}

/// A task with what follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The task.
    pub task: Task,
    /// What the gold actions leave of the database.
    pub gold: Changes,
    /// What a customer by rule asks for, each with the sentence it asks with.
    pub asks: Vec<(Ask, String)>,
    /// The sentence for what it asks for first and takes back, if it does.
    pub first: Option<String>,
    /// How a customer by rule says who it is.
    pub identity: String,
}

/// Why tasks do not make a library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// A split without tasks.
    #[error("there are no {0} tasks")]
    Empty(&'static str),
    /// A task of a service whose database is not there.
    #[error("task `{id}` needs the database `{domain}`")]
    Database {
        /// The task.
        id: String,
        /// What it needs.
        domain: &'static str,
    },
    /// A gold action that is no tool.
    #[error("task `{id}`, action {number}: there is no tool `{name}`")]
    Tool {
        /// The task.
        id: String,
        /// Which of its actions, from 1.
        number: usize,
        /// What it calls.
        name: String,
    },
    /// A customer by rule would ask for an action or an output that the task has not.
    #[error("task `{id}`: it asks for an action or output that it has not")]
    Ask {
        /// The task.
        id: String,
    },
}

impl PartialEq for Library {
    fn eq(&self, other: &Library) -> bool {
        self.lists == other.lists
    }
}

impl TryFrom<Lists> for Library {
    type Error = LibraryError;

    fn try_from(lists: Lists) -> Result<Library, LibraryError> {
        let of = |split, tasks: &[Task]| {
            if tasks.is_empty() {
                return Err(LibraryError::Empty(split));
            }
            tasks.iter().map(|task| entry(&lists.databases, task).map(Arc::new)).collect()
        };
        let entries = [of("train", &lists.train)?, of("held-out", &lists.held_out)?];
        Ok(Library { lists, entries })
    }
}

impl From<Library> for Lists {
    fn from(library: Library) -> Lists {
        library.lists
    }
}

impl Library {
    /// A library of tasks to learn from and tasks to measure on.
    ///
    /// # Errors
    /// [`LibraryError`] if a split is empty, or a task could not be played.
    pub fn new(databases: Vec<Arc<Database>>, train: Vec<Task>, held_out: Vec<Task>) -> Result<Library, LibraryError> {
        Library::try_from(Lists { databases, train, held_out })
    }

    /// A task of a split.
    ///
    /// # Panics
    /// If there is none with this number.
    #[must_use]
    pub fn entry(&self, split: Split, index: u32) -> &Arc<Entry> {
        &self.of(split)[index as usize]
    }

    /// All tasks of a split.
    #[must_use]
    pub fn of(&self, split: Split) -> &[Arc<Entry>] {
        match split {
            Split::Train => &self.entries[0],
            Split::HeldOut => &self.entries[1],
        }
    }

    /// The database that a task plays on.
    ///
    /// # Panics
    /// If no task of the library is of this service.
    #[must_use]
    pub fn database(&self, domain: Domain) -> &Arc<Database> {
        database(&self.lists.databases, domain).expect("the database of each task was looked for")
    }
}

fn database(databases: &[Arc<Database>], domain: Domain) -> Option<&Arc<Database>> {
    databases.iter().find(|database| database.domain == domain)
}

fn entry(databases: &[Arc<Database>], task: &Task) -> Result<Entry, LibraryError> {
    let (id, domain) = (task.id.clone(), task.domain.name());
    let base = database(databases, task.domain).ok_or(LibraryError::Database { id: id.clone(), domain })?;
    for (number, action) in (1..).zip(&task.actions) {
        if tools::tool(task.domain, &action.name).is_none() {
            return Err(LibraryError::Tool { id, number, name: action.name.clone() });
        }
    }
    let asks = task.asks(|call| tools::writes(task.domain, call));
    let exists = |ask: &Ask| match ask {
        Ask::Do(at) => *at < task.actions.len(),
        Ask::Tell { output, .. } => *output < task.outputs.len(),
        Ask::Refuse(_) => true,
    };
    if !asks.iter().all(exists) {
        return Err(LibraryError::Ask { id });
    }
    let sentence = |ask: Ask| {
        let text = match &ask {
            Ask::Do(at) => wish::say(&task.actions[*at], base),
            Ask::Refuse(call) => wish::say(call, base),
            Ask::Tell { question, .. } => question.clone(),
        };
        (ask, text)
    };
    let asks = asks.into_iter().map(sentence).collect();
    let profile = base.get(Table::Users, &task.user_id);
    let identity = Identity::of(task.domain, &task.user_id, profile, &task.instruction).say();
    let first = task.manner.first.as_ref().map(|call| wish::say(call, base));
    Ok(Entry { task: task.clone(), gold: gold(base, task), asks, first, identity })
}

/// What the gold actions leave, without those that end a talk (spec userrl §2.8).
fn gold(base: &Database, task: &Task) -> Changes {
    let mut changes = Changes::default();
    for action in task.actions.iter().filter(|action| action.name != TRANSFER) {
        tools::run(&mut Store { base, changes: &mut changes }, action);
    }
    changes
}
