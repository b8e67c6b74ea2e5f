//! `gym = "search"`: questions out of files, and a corpus out of a folder.

use std::fs;
use std::path::Path;

use duologue_config::load_run;
use duologue_config::load_scenario;
use duologue_config::load_study;
use sim::gyms::Rules;
use sim::gyms::search;
use sim::scenario::Split;

const REST: &str = r#"
name = "mine"
turns_max = 8
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "correct", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "answered", kind = "outcome", weight = 1.0 },
]
"#;

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("the folder is ours");
    fs::write(path, text).expect("the folder is ours");
}

/// Questions `q0` to `q9`, and a scenario with this world.
fn load(folder: &Path, world: &str) -> Result<search::Rules, String> {
    let question = |n: u32| format!(r#"{{"id": "q{n}", "question": "What is {n}?", "answer": "{n}"}}"#);
    let questions: Vec<String> = (0..10).map(question).collect();
    put(folder, "questions.json", &format!("[{}]", questions.join(",")));
    put(folder, "mine.toml", &format!("{REST}\n[world]\ngym = \"search\"\n{world}\n"));
    match load_scenario(&folder.join("mine.toml")).map_err(|error| error.to_string())?.rules {
        Rules::Search(rules) => Ok(rules),
        other => panic!("{} is another gym", other.name()),
    }
}

fn ids(rules: &search::Rules, split: Split) -> Vec<&str> {
    rules.library.of(split).iter().map(|item| item.id.as_str()).collect()
}

const ONE_FILE: &str = r#"items = { train = "questions.json", held_out = "questions.json" }"#;

#[test]
fn one_file_is_split_and_measured_on_whole_only_if_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rules = load(folder.path(), ONE_FILE).expect("it is good");
    assert_eq!(ids(&rules, Split::Train), ["q0", "q5"]);
    assert_eq!(ids(&rules, Split::HeldOut), ["q1", "q2", "q3", "q4", "q6", "q7", "q8", "q9"]);
    let rules = load(folder.path(), &ONE_FILE.replace(" }", ", keep_known = true }")).expect("it is good");
    assert_eq!(ids(&rules, Split::HeldOut).len(), 10);
    put(folder.path(), "other.json", r#"[{"id": "a", "question": "what  IS 3?", "answer": "three"}]"#);
    let world = r#"items = { train = "other.json", held_out = "questions.json" }"#;
    assert_eq!(ids(&load(folder.path(), world).expect("it is good"), Split::HeldOut).len(), 9);
}

#[test]
fn a_corpus_is_any_folder_of_text_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    put(folder.path(), "wiki/b.md", "# Heron\nA bird.");
    put(folder.path(), "wiki/a/otter.txt", "It swims.");
    put(folder.path(), "wiki/picture.png", "no text");
    let rules = load(folder.path(), &format!("{ONE_FILE}\ncorpus = \"wiki\"")).expect("it is good");
    let corpus = rules.library.corpus();
    let titles: Vec<&str> = corpus.documents().iter().map(|page| page.title.as_str()).collect();
    assert_eq!(titles, ["otter", "Heron"]);
    assert_eq!(corpus.search("bird", 5), [1]);
}

#[test]
fn an_engine_stands_in_place_of_a_corpus() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = "http://localhost:8888/search?q={query}&format=json";
    let world = format!("{ONE_FILE}\nengine = \"{url}\"\nengine_deadline_ms = 9000");
    let rules = load(folder.path(), &world).expect("it is good");
    let engine = rules.engine.expect("it is named");
    assert_eq!((engine.url(), engine.deadline_ms), (url, Some(9000)));
    assert!(rules.library.corpus().documents().is_empty());
    assert_eq!(load(folder.path(), ONE_FILE).expect("it is good").engine, None);
}

/// What a cold start by a script plays nobody outside is asked for; what a study finds must be found again.
#[test]
fn a_cold_start_by_a_script_and_a_study_refuse_an_engine() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = format!("{ONE_FILE}\nengine = \"http://a/?q={{query}}\"");
    load(folder.path(), &world).expect("it is good");
    put(folder.path(), "run.toml", "scenario = \"mine.toml\"\ngrpo = { mode = \"agent\" }\n");
    let said = load_run(&folder.path().join("run.toml"), &[]).expect_err("nobody can teach").to_string();
    assert!(said.contains("sft.teacher: cannot teach `mine`, where searches go to an engine"), "{said}");
    let compare = "scenario = \"mine.toml\"\nseat = \"agent\"\npolicies = [\"script\"]\nrows = [\"agent/score/mean\"]";
    let study = format!("seeds = [1]\n[policies]\nscript = {{ policy = \"rule\" }}\n[[compare]]\n{compare}\n");
    put(folder.path(), "study.toml", &study);
    let said = load_study(&folder.path().join("study.toml")).expect_err("it cannot be repeated").to_string();
    assert!(said.contains("compare[0].scenario: plays `mine`, which searches in `http://a/?q={query}`"), "{said}");
}

#[test]
fn mistakes_are_named_with_their_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    put(folder.path(), "empty/a.png", "");
    put(folder.path(), "blank.json", r#"[{"id": "x", "question": "What?", "answer": "?!"}]"#);
    for (world, said) in [
        (format!("{ONE_FILE}\ncorpus = \"nowhere\""), "world.corpus: `nowhere` cannot be read: "),
        (format!("{ONE_FILE}\ncorpus = \"empty\""), "world.corpus: `empty` holds no text"),
        (
            "items = { generate = 1, held_out = 1, seed = 1 }\ncorpus = \"empty\"".to_owned(),
            "world.corpus: has no effect",
        ),
        (
            "items = { generate = 1, held_out = 1, seed = 1 }\nengine = \"http://a/{query}\"".to_owned(),
            "world.engine: has no effect",
        ),
        (
            format!("{ONE_FILE}\nengine = \"http://a/{{query}}\"\ncorpus = \"empty\""),
            "world.engine: cannot stand beside `corpus`",
        ),
        (format!("{ONE_FILE}\nengine = \"http://a/\""), "world.engine: `http://a/` has no `{query}` in its path"),
        (format!("{ONE_FILE}\nengine = \"a.example\""), "world.engine: `a.example` does not begin with http"),
        (format!("{ONE_FILE}\nengine_deadline_ms = 5"), "world.engine_deadline_ms: has no effect"),
        (
            format!("{ONE_FILE}\nengine = \"http://a/{{query}}\"\nengine_deadline_ms = 0"),
            "world.engine_deadline_ms: cannot be 0: ",
        ),
        ("items = { generate = 30000, held_out = 1, seed = 1 }".to_owned(), "world.items: cannot be so many: "),
        (format!("{ONE_FILE}\njudge = \"nobody\""), "world.judge: cannot be `nobody`"),
        (format!("{ONE_FILE}\nanswers_max = 0"), "world.answers_max: cannot be 0: "),
        (
            r#"items = { train = "mine.toml", held_out = "questions.json" }"#.to_owned(),
            "`mine.toml` holds no questions: ",
        ),
        (
            r#"items = { train = "blank.json", held_out = "questions.json" }"#.to_owned(),
            "item `x` has no question or no answer",
        ),
        (r#"items = { train = "questions.json" }"#.to_owned(), "world.items.held_out: is missing"),
    ] {
        let error = load(folder.path(), &world).expect_err(&world);
        assert!(error.contains(said) && error.contains("hint: "), "{world}\n{error}");
    }
}
