//! `gym = "search"`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Engine;
use sim::gyms::Rules;
use sim::gyms::search;
use sim::gyms::search::Judge;
use sim::gyms::search::Library;
use sim::gyms::search::catalogue::ITEMS_MAX;
use sim::scenario::ItemCounts;
use sim::scenario::Split;

use super::Gym;
use super::item_counts;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;
use crate::released;
use crate::released::FilesFile;
use crate::scenario::DEADLINE_MS;

/// How it stands in scenario files.
pub(super) const GYM: Gym =
    Gym { read: rules, constants: File::json_schema, files: Some(FilesFile::json_schema), least: LEAST };

const JUDGES: [(&str, Judge); 2] = [("exact", Judge::Exact), ("user", Judge::User)];

/// The constants of the questions that take two look-ups.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {
    /// Searches that find something; later ones are told to answer.
    search_steps_max: Option<i64>,
    /// Answers that are heard; the last wrong one ends the talk.
    answers_max: Option<i64>,
    /// Pages that a search shows.
    results_max: Option<i64>,
    /// Who decides on an answer that is not the right one to the letter: nobody (`exact`), or the user's seat (`user`).
    judge: Option<String>,
    /// A folder of text files to search in, for questions out of files. A path starts at this file's folder, or at $DUOLOGUE_DATA. Left out: nothing can
    /// be looked up, unless there is an engine.
    corpus: Option<String>,
    /// A search engine outside in place of a corpus, for questions out of files: its address, http or https, with `{query}` where the words go. What it
    /// wants to know besides, such as a key, is told by the variable SEARCH_HEADER.
    engine: Option<String>,
    /// Milliseconds that one search in the engine may take, waiting for others included; missed, it is a fault and nobody is scored. Left out: as
    /// long as it likes.
    engine_deadline_ms: Option<i64>,
}

const LEAST: &str = r#"
name = "least"
turns_max = 8
world = { gym = "search", items = { generate = 1, held_out = 1, seed = 1 } }
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "correct", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "answered", kind = "outcome", weight = 1.0 },
]
"#;

/// Questions with a corpus: of files, or of our own making.
fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let file: File = check.read_part(constants, "world");
    let engine = engine(check, world, &file);
    let File { search_steps_max, answers_max, results_max, judge, corpus, engine: _, engine_deadline_ms: _ } = file;
    let turns = Allowed::between(0.0, 1000.0, "no talk has more turns");
    let some = Allowed::between(1.0, 1000.0, "without one there is nothing to decide, and no talk has more turns");
    let pages = Allowed::between(1.0, 50.0, "they are all shown at once");
    let steps = search::SEARCH_STEPS_MAX;
    let rules = search::Rules {
        search_steps_max: check.whole("world.search_steps_max", search_steps_max, steps, turns),
        answers_max: check.whole("world.answers_max", answers_max, search::ANSWERS_MAX, some),
        results_max: check.whole("world.results_max", results_max, search::RESULTS_MAX, pages),
        judge: check.word("world.judge", judge.as_deref(), &JUDGES),
        engine,
        library: Arc::new(library(check, world, corpus)),
    };
    let count = |split| u32::try_from(rules.library.of(split).len()).unwrap_or(u32::MAX);
    let seed = rules.library.seed();
    let counts = ItemCounts { train: count(Split::Train), held_out: count(Split::HeldOut), seed };
    (Rules::Search(rules), counts)
}

/// What is searched in place of a corpus; `None` if nothing is, or after a mistake, which has been noted.
fn engine(check: &mut Check<'_>, world: &Node, file: &File) -> Option<Engine> {
    let (url_key, ms_key) = ("world.engine", "world.engine_deadline_ms");
    let left_out = "it may take as long as it likes";
    let deadline_ms = check.whole_optional(ms_key, file.engine_deadline_ms, DEADLINE_MS, left_out);
    let Some(url) = &file.engine else {
        check.without_effect(ms_key, deadline_ms, "there is no `engine`");
        return None;
    };
    if !released::is_asked_for(world) {
        check.without_effect(url_key, Some(url), "questions of our own making have a corpus of their own");
        return None;
    }
    if file.corpus.is_some() {
        let what = "cannot stand beside `corpus`: a search goes to one of them";
        check.error(url_key, what, "leave one of them out");
    }
    let engine = Engine::new(url, deadline_ms);
    let hint =
        "write its address with `{query}` where the words go, e.g. http://localhost:8888/search?q={query}&format=json";
    engine.map_err(|error| check.error(url_key, format!("`{url}` {error}"), hint)).ok()
}

/// After a mistake, which has been noted, a few items of our own stand in.
fn library(check: &mut Check<'_>, world: &Node, corpus: Option<String>) -> Library {
    let few = || Library::made(ItemCounts { train: 1, held_out: 1, seed: 0 }).expect("there is a held-out item");
    if !released::is_asked_for(world) {
        check.without_effect("world.corpus", corpus, "questions of our own making have a corpus of their own");
        return made(check, world).unwrap_or_else(few);
    }
    let questions = released::search::questions(check, world);
    let documents = match &corpus {
        Some(folder) => released::search::corpus(check, "world.corpus", folder),
        None => Some(Vec::new()),
    };
    let (Some((train, held_out)), Some(documents)) = (questions, documents) else { return few() };
    match Library::given(train, held_out, documents) {
        Ok(library) => library,
        Err(error) => {
            check.error(
                "world.items",
                format!("cannot be played: {error}"),
                "mend the file, or leave the item out of it",
            );
            few()
        }
    }
}

fn made(check: &mut Check<'_>, world: &Node) -> Option<Library> {
    let counts = item_counts(check, world);
    if counts.train.max(counts.held_out) > ITEMS_MAX / 2 {
        let what = format!("cannot be so many: there are names for {} of each split", ITEMS_MAX / 2);
        check.error("world.items", what, "make fewer");
        return None;
    }
    Library::made(counts).ok().filter(|_| counts.train > 0)
}
