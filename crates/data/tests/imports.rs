//! Imports of checkouts that are written here: in both layouts, whole, damaged, and with rows of parquet as `datasets` writes them.

#[path = "imports/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use duologue_data::DataError;
use duologue_data::Import;
use duologue_data::Release;
use serde_json::Value;
use serde_json::json;
use sim::gyms::Rules;
use sim::scenario::Split;
use tempfile::TempDir;

use table::Codec;
use table::write_table;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        put(folder.path(), name, text.as_bytes());
    }
    folder
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("the folder is ours");
    fs::write(path, bytes).expect("the folder is ours");
}

fn import(folder: &TempDir) -> Import {
    Release::UserRl.import(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(release: Release, folder: &TempDir) -> DataError {
    match release.import(folder.path()) {
        Ok(import) => panic!("it was imported: {import:?}"),
        Err(error) => error,
    }
}

fn file<'a>(import: &'a Import, name: &str) -> &'a [u8] {
    &import.files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("{name} is missing")).bytes
}

fn json_of(import: &Import, name: &str) -> Value {
    serde_json::from_slice(file(import, name)).expect("it is JSON")
}

fn ids(import: &Import, name: &str) -> Vec<String> {
    let id = |item: &Value| item["id"].as_str().expect("an id").to_owned();
    json_of(import, name).as_array().expect("a list").iter().map(id).collect()
}

const FUNCTIONS: &str = r#"[
    {"id": "func-1", "rule": "c * (a * b) * d", "test_case": [3, 5, 5, 3], "expected_result": 225.0},
    {"id": "func-2", "rule": "a + b - c * d", "test_case": [1, 2, 3, 4], "expected_result": -9.0},
    {"id": "func-3", "rule": "a ** b + c / d", "test_case": [2, 3, 4, 2], "expected_result": 10.0}
]"#;

fn entity(number: u32, title: &str) -> Value {
    json!({
        "id": format!("entity_{number:03}"), "title": title, "description": "I am thinking of a fruit.", "goal": "Guess it.",
        "target_entity": format!("{title} - a fruit"), "category": "fruit",
    })
}

fn story(title: &str) -> Value {
    let evaluation =
        json!([{ "statement": "He was a twin.", "score": 0.6 }, { "statement": "It rained.", "score": 0.4 }]);
    json!({ "judgment": "Yes", "new_title": title, "new_surface": format!("{title}?"), "new_bottom": "A twin.", "evaluation": evaluation })
}

/// A row of a gym by its keys.
fn row(keys: &[(&str, &str)]) -> BTreeMap<String, String> {
    keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn statement(id: &str, claim: &str) -> BTreeMap<String, String> {
    row(&[
        ("id", id),
        ("claim", claim),
        ("argument", "Because.\nIt is “so”."),
        ("env_name", "PersuadeGym"),
        ("style", "rule"),
    ])
}

/// Rows of a gym in upstream's layout.
fn put_rows(folder: &TempDir, gym: &str, train: &[BTreeMap<String, String>], test: &[BTreeMap<String, String>]) {
    for (split, rows) in [("train", train), ("test", test)] {
        let name = format!("data/{gym}_multiturn/{split}.parquet");
        put(folder.path(), &name, &write_table(rows, Codec::Snappy));
    }
}

#[test]
fn a_checkout_and_a_folder_of_its_files_import_to_the_same_items_byte_for_byte() {
    let licence = "Apache License Version 2.0\n\nCopyright (c) 2024";
    let stories = json!({ "7": story("One"), "5": story("Two") }).to_string();
    let places = [
        ("functions.json", "gyms/FunctionGym/functiongym/data/functions.json", FUNCTIONS),
        ("stories.json", "gyms/TurtleGym/turtlegym/data/all_stories_refined.json", stories.as_str()),
        ("LICENSE.txt", "LICENSE.txt", licence),
    ];
    let checkout = import(&folder(&places.map(|(_, there, text)| (there, text))));
    let plain = import(&folder(&places.map(|(here, _, text)| (here, text))));
    for (name, _, text) in places {
        assert_eq!(file(&checkout, name), text.as_bytes(), "{name} is kept as it is");
        assert_eq!(file(&checkout, name), file(&plain, name));
    }
    let source = json_of(&checkout, "SOURCE.json");
    assert_eq!(source["licence"]["name"], "Apache-2.0");
    assert_eq!(source["inputs"][0]["file"], "gyms/FunctionGym/functiongym/data/functions.json");
    assert_eq!(source["outputs"][0]["items"], 3);
    // printf '%s' "$FUNCTIONS" | sha256sum, by another program than ours, is not at hand: kept files have their input's hash.
    assert_eq!(source["outputs"][0]["sha256"], source["inputs"][0]["sha256"]);
    assert_eq!(source["inputs"][0]["bytes"], FUNCTIONS.len());
    let left_out = |import: &Import| import.left_out.iter().map(|left| left.what.clone()).collect::<Vec<_>>();
    let missing = left_out(&checkout);
    for what in
        ["intentions_train.json", "tau_test.json", "statements.json", "original/functions_{train,test}.json", "travel"]
    {
        assert!(missing.contains(&what.to_owned()), "{what} is not in {missing:?}");
    }
    assert_eq!(left_out(&plain), missing);
}

#[test]
fn the_source_has_the_hash_that_others_find_and_no_path_of_this_machine() {
    let folder = folder(&[("questions.json", r#"[{"id":"B-1","question":"Who?","answer":"she"}]"#)]);
    let source = json_of(&import(&folder), "SOURCE.json");
    // printf '[{"id":"B-1","question":"Who?","answer":"she"}]' | sha256sum
    assert_eq!(source["inputs"][0]["sha256"], "6fe016a4ca4e6891117f39a075f17f2ddf0777b732d6c499219cdd1b21012958");
    assert!(!source.to_string().contains(&folder.path().display().to_string()));
    assert_eq!((&source["licence"]["name"], &source["licence"]["file"]), (&"Apache-2.0".into(), &Value::Null));
    assert_eq!(source["importer"], format!("duologue {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn rows_of_parquet_say_which_items_were_published_for_what_in_their_order() {
    let entities = Value::Array(vec![entity(1, "Kiwi"), entity(2, "Fig"), entity(3, "Plum")]).to_string();
    let stories = json!({ "5": story("Two"), "7": story("One") }).to_string();
    let folder = folder(&[
        ("gyms/FunctionGym/functiongym/data/functions.json", FUNCTIONS),
        ("gyms/TelepathyGym/telepathygym/data/all_entities_refined.json", &entities),
        ("gyms/TurtleGym/turtlegym/data/all_stories_refined.json", &stories),
    ]);
    let function = |id| row(&[("id", id), ("ground_truth", "1.0"), ("env_name", "FunctionGym"), ("style", "rule")]);
    put_rows(&folder, "function", &[function("func-3"), function("func-1")], &[function("func-2")]);
    let title = |title| row(&[("title", title), ("category", "fruit")]);
    put_rows(&folder, "telepathy", &[title("plum"), title("Kiwi")], &[title(" Fig")]);
    put_rows(&folder, "turtle", &[title("One")], &[title("Two")]);
    let import = import(&folder);
    assert_eq!(ids(&import, "original/functions_train.json"), ["func-3", "func-1"]);
    assert_eq!(ids(&import, "original/functions_test.json"), ["func-2"]);
    assert_eq!(ids(&import, "original/entities_train.json"), ["entity_003", "entity_001"]);
    assert_eq!(ids(&import, "original/entities_test.json"), ["entity_002"]);
    assert_eq!(json_of(&import, "original/stories_train.json"), json!({ "7": story("One") }));
    assert_eq!(json_of(&import, "original/stories_test.json"), json!({ "5": story("Two") }));
    let items: Value = serde_json::from_str(FUNCTIONS).expect("it is JSON");
    assert_eq!(json_of(&import, "original/functions_test.json"), json!([items[1]]));
    let source = json_of(&import, "SOURCE.json");
    let outputs = source["outputs"].as_array().expect("a list");
    let test = outputs.iter().find(|output| output["file"] == "original/functions_test.json").expect("it is there");
    let of = ["gyms/FunctionGym/functiongym/data/functions.json", "data/function_multiturn/test.parquet"];
    assert_eq!((&test["of"], &test["items"]), (&json!(of), &json!(1)));
}

#[test]
fn claims_come_back_out_of_rows_and_are_played_clean_by_claim_or_as_published() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let claims = ["Ants are clever.", "Bees are kind.", "Cats are wise."];
    let train: Vec<_> = (0..9).map(|n| statement(&format!("T{n}"), claims[n % 3])).collect();
    put_rows(&folder, "persuasion", &train, &[statement("H0", "ants are clever"), statement("H1", claims[1])]);
    let import = import(&folder);
    let all = json_of(&import, "statements.json");
    assert_eq!(all.as_array().map(Vec::len), Some(11));
    assert_eq!(all[0], json!({ "id": "T0", "claim": claims[0], "argument": "Because.\nIt is “so”." }));
    assert_eq!(ids(&import, "original/statements_test.json"), ["H0", "H1"]);

    // The scenario of the checkout, beside the folder as the import leaves it.
    let home = tempfile::tempdir().expect("a temporary folder");
    for file in &import.files {
        put(home.path(), &format!("userrl/{}", file.name), &file.bytes);
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/userrl/published/persuade.toml");
    let text = fs::read_to_string(checkout).expect("it is part of the repository");
    let items = text.lines().find(|line| line.starts_with("items = ")).expect("a scenario has items").to_owned();
    let original =
        text.lines().find_map(|line| line.strip_prefix("# items = ")).expect("the original split stands beside");
    let loaded = |items_line: String| {
        let path = home.path().join("scenario.toml");
        fs::write(&path, text.replace(&items, &items_line)).expect("the folder is ours");
        config::load_scenario(&path).unwrap_or_else(|errors| panic!("{errors}"))
    };
    let scenario = loaded(items.replace("held_out = 42", "held_out = 4"));
    let Rules::Persuade(rules) = &scenario.rules else { panic!("it is persuade") };
    let claims_of = |split| -> std::collections::BTreeSet<String> {
        rules.library.of(split).iter().map(|item| sim::gyms::words::normal(&item.claim)).collect()
    };
    assert!(claims_of(Split::Train).is_disjoint(&claims_of(Split::HeldOut)));
    assert_eq!(scenario.items.train + scenario.items.held_out, 11);
    let scenario = loaded(format!("items = {original}"));
    assert_eq!((scenario.items.train, scenario.items.held_out), (9, 2));
}

#[test]
fn rows_that_fit_no_items_are_refused_by_row_and_key() {
    let function = |id| row(&[("id", id)]);
    let check = |train: &[BTreeMap<String, String>], test: &[BTreeMap<String, String>], said: &str| {
        let folder = folder(&[("functions.json", FUNCTIONS)]);
        put_rows(&folder, "function", train, test);
        let error = refused(Release::UserRl, &folder).to_string();
        assert!(error.ends_with(said), "expected: {said}\nsaid: {error}");
    };
    let (one, two) = (function("func-1"), function("func-2"));
    check(
        &[one.clone(), function("func-9")],
        std::slice::from_ref(&two),
        "train.parquet: row 2: reward_model.id: `func-9` is not in functions.json",
    );
    check(
        std::slice::from_ref(&one),
        &[two, one.clone()],
        "test.parquet: row 2: reward_model.id: `func-1` is named by a row before; an item is in one split, and once",
    );
    check(
        &[row(&[("title", "a")])],
        std::slice::from_ref(&one),
        "train.parquet: row 1: reward_model.id: is missing, or no text: this is no row of the gym",
    );
    check(&[], &[one], "train.parquet: has no rows");
}

#[test]
fn a_table_of_another_kind_or_damaged_is_refused_and_never_a_panic() {
    let whole = write_table(&[statement("a", "Ants are clever.")], Codec::Snappy);
    let import = |bytes: &[u8]| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        put(folder.path(), "data/persuasion_multiturn/train.parquet", bytes);
        put(
            folder.path(),
            "data/persuasion_multiturn/test.parquet",
            &write_table(&[statement("b", "Bees.")], Codec::None),
        );
        Release::UserRl.import(folder.path()).map(|_| ())
    };
    assert_eq!(import(&whole), Ok(()));
    let parquet = |bytes: &[u8]| {
        let error = import(bytes).expect_err("it is damaged").to_string();
        assert!(error.contains("train.parquet: cannot be read as parquet: "), "{error}");
    };
    parquet(b"");
    parquet(b"id,claim\n");
    for len in (0..whole.len()).step_by(97) {
        parquet(&whole[..len]);
    }
    // A flipped bit may leave a table that reads; what it may not do is take the program down.
    for at in (0..whole.len()).step_by(13) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let _ = import(&bytes);
    }
    let other = table::write_other();
    let error = import(&other).expect_err("it is another table").to_string();
    assert!(error.ends_with("train.parquet: has no struct `reward_model` among its columns question"), "{error}");
}

#[test]
fn one_split_without_the_other_is_refused() {
    let folder = folder(&[("functions.json", FUNCTIONS)]);
    put(folder.path(), "parquet/function/test.parquet", &write_table(&[row(&[("id", "func-1")])], Codec::Snappy));
    let error = refused(Release::UserRl, &folder);
    assert!(
        error.to_string().contains("parquet/function/test.parquet: lies there without the other split's rows"),
        "{error}"
    );
    assert!(error.hint.contains("train.parquet"));
}

#[test]
fn each_mistake_in_items_names_file_item_and_key() {
    let check = |name: &str, text: &str, said: &str| {
        let folder = folder(&[(name, text)]);
        let error = refused(Release::UserRl, &folder);
        let expected = format!("{}: {said}", folder.path().join(name).display());
        assert_eq!(error.to_string(), expected);
        assert!(!error.hint.is_empty());
    };
    let function = |rest: &str| format!(r#"[{{"id": "f", "rule": "a + b + c + d", {rest}}}]"#);
    check("functions.json", "[\n{\"id\": 1,}]", "line 2: is not JSON: trailing comma at line 2 column 10");
    check("functions.json", "{}", "is an object, and should be a list of items");
    check("functions.json", "[]", "has no items");
    check("functions.json", "[7]", "item 1: is a number, and should be an object");
    check("functions.json", r#"[{"rule": "a"}]"#, "item 1: id: is missing");
    check(
        "functions.json",
        &function(r#""test_case": [1, 2, 3, "4"], "expected_result": 1"#),
        "f: test_case[3]: is text, and should be a number",
    );
    check(
        "functions.json",
        &function(r#""test_case": [1, 2, 3, 4], "expected_result": 11"#),
        "f: cannot be played: rule `a + b + c + d` gives 10, not the expected 11",
    );
    let twice = function(r#""test_case": [1, 2, 3, 4], "expected_result": 10"#).replacen('[', "", 1);
    let twice = format!("[{0},{0}]", twice.trim_end_matches(']'));
    check("functions.json", &twice, "f: id: is there twice, and an id names one item");
    check("stories.json", "[]", "is a list, and should be an object of items by id");
    let mut light = story("One");
    light["evaluation"][0]["score"] = json!(0.5);
    check(
        "stories.json",
        &json!({ "5": light }).to_string(),
        "5: cannot be played: the weights of story `5` add up to 0.9, not to 1",
    );
    check(
        "entities.json",
        &json!([entity(1, "(!)")]).to_string(),
        "entity_001: cannot be played: it has no title that could be guessed",
    );
    let detail = json!({ "description": "a", "importance": "4", "inquiry": "b", "options": [] });
    let request = json!([{ "id": "r", "category": "c", "task": "t", "missing_details": [detail] }]).to_string();
    let error = refused(Release::UserRl, &folder(&[("intentions_test.json", &request)])).to_string();
    assert!(error.contains("intentions_test.json: r: cannot be played: unknown variant `4`"), "{error}");
    let task = json!([{ "id": "telecom-1", "obs": "Hi", "info": { "task": { "user_id": "u", "actions": [], "instruction": "i", "outputs": [1] } } }]);
    check("tau_test.json", &task.to_string(), "telecom-1: info.task.outputs[0]: is a number, and should be text");
    let task = task.to_string().replace("[1]", "[]");
    check("tau_test.json", &task, "telecom-1: cannot be played: its id begins with neither `retail` nor `airline`");
    check(
        "questions.json",
        r#"[{"id": "q", "question": "Who?", "answer": " "}]"#,
        "q: cannot be played: its answer is empty",
    );
}

#[test]
fn what_is_no_release_is_refused_with_what_to_give() {
    for release in Release::ALL {
        let empty = folder(&[("README.md", "nothing here")]);
        let error = refused(release, &empty);
        assert!(error.what.starts_with("holds nothing of"), "{error}");
        assert!(error.hint.starts_with("give a checkout of"), "{}", error.hint);
        let nowhere = release.import(&empty.path().join("nowhere")).expect_err("there is none");
        assert_eq!(nowhere.what, "there is no such folder");
        let file = release.import(&empty.path().join("README.md")).expect_err("it is a file");
        assert_eq!(file.what, "is no folder");
    }
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let error = refused(Release::UserRl, &folder(&[("functions.json", pointer)]));
    assert_eq!(error.hint, "run `git lfs pull` in the checkout");
    let binary = tempfile::tempdir().expect("a temporary folder");
    put(binary.path(), "functions.json", &[0xff, 0xfe]);
    assert!(refused(Release::UserRl, &binary).to_string().ends_with("functions.json: is not UTF-8 text"));
}

/// The tables of a service, with one record each.
fn service(folder: &Path, of: impl Fn(&str) -> String, tables: [&str; 3], policy: &str) {
    for table in tables {
        put(folder, &of(&format!("{table}.json")), format!("{{\"{table}-1\": {{\"a\": 1.50}}}}").as_bytes());
    }
    put(folder, policy, b"# Policy\n");
}

#[test]
fn tau_bench_is_read_from_a_checkout_or_a_folder_to_the_same_bytes() {
    let retail = ["orders", "products", "users"];
    let checkout = tempfile::tempdir().expect("a temporary folder");
    let of = |name: &str| format!("tau_bench/envs/retail/data/{name}");
    service(checkout.path(), of, retail, "tau_bench/envs/retail/wiki.md");
    put(
        checkout.path(),
        "LICENSE",
        b"MIT License\n\nPermission is hereby granted, free of charge,\nto any person obtaining a copy",
    );
    let plain = tempfile::tempdir().expect("a temporary folder");
    service(plain.path(), |name| format!("retail/{name}"), retail, "retail/policy.md");
    let [checkout, plain] =
        [checkout, plain].map(|folder| Release::TauBench.import(folder.path()).expect("it is whole"));
    for name in ["retail/orders.json", "retail/products.json", "retail/users.json", "retail/policy.md"] {
        assert_eq!(file(&checkout, name), file(&plain, name));
    }
    assert_eq!(file(&checkout, "retail/users.json"), b"{\"users-1\": {\"a\": 1.50}}");
    assert_eq!((checkout.licence.name.as_str(), checkout.licence.file.as_deref()), ("MIT", Some("LICENSE")));
    let left: Vec<&str> = checkout.left_out.iter().map(|left| left.what.as_str()).collect();
    assert_eq!(left, ["airline", "tasks"]);
}

#[test]
fn half_a_service_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    service(folder.path(), |name| format!("airline/{name}"), ["flights", "reservations", "users"], "airline/policy.md");
    assert!(Release::TauBench.import(folder.path()).is_ok());
    put(folder.path(), "airline/recorded.jsonl", b"{}\n[]\n");
    let error = refused(Release::TauBench, &folder).to_string();
    assert!(error.ends_with("airline/recorded.jsonl: line 2: is a list, and should be an object"), "{error}");
    fs::remove_file(folder.path().join("airline/recorded.jsonl")).expect("it is ours");
    put(folder.path(), "airline/users.json", b"{\"u\": 7}");
    let error = refused(Release::TauBench, &folder).to_string();
    assert!(error.ends_with("airline/users.json: u: is a number, and should be an object"), "{error}");
    fs::remove_file(folder.path().join("airline/users.json")).expect("it is ours");
    let error = refused(Release::TauBench, &folder).to_string();
    assert!(error.ends_with("airline has tables, but its users.json is missing"), "{error}");
}
