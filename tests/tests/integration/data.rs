//! `data import`: releases imported, refused, and played from what an import leaves.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::Said;
use crate::program::command;
use crate::program::duologue;
use crate::program::finish;
use crate::published;
use crate::server::Does;
use crate::server::Server;
use crate::training::contents;
use crate::training::scratch;

fn import(release: &str, from: &Path, out: &Path) -> Said {
    let [from, out] = [from, out].map(|path| path.to_str().expect("we named it"));
    duologue(&["data", "import", release, from, "--out", out])
}

/// Fourteen functions, of which the release measures on the last.
fn functions() -> String {
    let function = |number: u32| {
        // Both are 3 there.
        let rule = if number == 14 { "a * b - c + d" } else { "a + b * c - d" };
        format!(r#"{{"id": "func-{number}", "rule": "{rule}", "test_case": [1, 2, 3, 4], "expected_result": 3}}"#)
    };
    format!("[{}]", (1..=14).map(function).collect::<Vec<_>>().join(",\n"))
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("the place is ours");
    fs::write(path, text).expect("the place is ours");
}

#[test]
fn an_imported_release_is_played_by_the_published_scenarios() {
    let scratch = scratch();
    let (checkout, out) = (scratch.path().join("checkout"), scratch.path().join("new/data"));
    write(&checkout, "gyms/FunctionGym/functiongym/data/functions.json", &functions());
    let said = import("userrl", &checkout, &out);
    assert!(said.stderr.contains("left out: statements.json: the release lacks the file"), "{}", said.stderr);
    assert!(said.stderr.contains("has no licence file; its publishers name Apache-2.0"), "{}", said.stderr);
    let said = said.done();
    assert!(said.contains("functions.json: 14 items\n") && said.contains("export DUOLOGUE_DATA="), "{said}");
    assert_eq!(fs::read_to_string(out.join("userrl/functions.json")).expect("it was made"), functions());
    let source = fs::read_to_string(out.join("userrl/SOURCE.json")).expect("it was made");
    assert!(!source.contains(&scratch.path().display().to_string()), "no path of this machine: {source}");

    let mut eval = command(&["eval", "scenarios/userrl/published/function.toml", "--agent", "scripted:good", "--json"]);
    eval.env("DUOLOGUE_DATA", &out);
    let result: Value = serde_json::from_str(&finish(eval).done()).expect("it is JSON");
    assert_eq!(result["runs"][0]["scored"], 1);
    assert_eq!(result["runs"][0]["metrics"]["agent/score"]["mean"], 1.0);
}

#[test]
fn what_is_refused_leaves_nothing_and_nothing_is_written_over() {
    let scratch = scratch();
    let (checkout, out) = (scratch.path().join("checkout"), scratch.path().join("out"));
    let file = "functions.json";
    write(&checkout, file, &functions().replace("\"test_case\": [1, 2, 3, 4]", "\"test_case\": [1, 2, 3]"));
    let said = import("userrl", &checkout, &out).refused();
    let expected = format!("error: {}: func-1: cannot be played: ", checkout.join(file).display());
    assert!(said.starts_with(&expected) && said.contains("\nhint: it is a list of {id, rule, "), "{said}");
    assert!(!out.exists());

    write(&checkout, file, &functions());
    write(&out, "userrl/mine.json", "[]");
    let before = contents(&out);
    let said = import("userrl", &checkout, &out).refused();
    assert!(
        said.starts_with(&format!(
            "error: --out: {} exists\nhint: nothing is written over",
            out.join("userrl").display()
        ))
    );
    assert_eq!(contents(&out), before);

    let tau = import("tau-bench", &checkout, &out).refused();
    assert!(tau.contains("holds nothing of tau-bench") && tau.contains("hint: give a checkout of tau-bench"), "{tau}");
    assert_eq!(contents(&out), before);
    let nowhere = import("userrl", &scratch.path().join("nowhere"), &out).refused();
    assert!(nowhere.contains("nowhere: there is no such folder"), "{nowhere}");
    let unknown = import("swe-bench", &checkout, &out).refused();
    assert!(unknown.contains("it is one of userrl, tau-bench"), "{unknown}");
    assert!(duologue(&["data", "import", "userrl", "."]).refused().contains("--out"));
    assert_eq!(duologue(&["data"]).code, Some(2));
}

#[test]
fn imported_claims_are_played_with_a_model_that_believes_them_and_again_from_its_recording() {
    let scratch = scratch();
    let (checkout, out) = (scratch.path().join("checkout"), scratch.path().join("data"));
    let statement =
        |n: usize| format!(r#"{{"id": "s{n}", "claim": "Claim {} holds.", "argument": "Reason {n}."}}"#, n % 5);
    let statements = format!("[{}]", (0..65).map(statement).collect::<Vec<_>>().join(","));
    write(&checkout, "gyms/PersuadeGym/persuadegym/data/all_statements_refined.json", &statements);
    import("userrl", &checkout, &out).done();

    // Half convinced by whatever it hears: three of six levels.
    let server = Server::start(|_, _, _| Does::Say(r#"{"response": "Well.", "stance": "Neutral"}"#.to_owned()));
    let recording = scratch.path().join("believer.jsonl");
    let recording = recording.to_str().expect("we named it");
    let eval = |user: &str, more: &[&str]| -> Value {
        let scenario = "scenarios/userrl/published/persuade.toml";
        let agent = ["--agent", "scripted:bad", "--user", user, "--json"];
        let mut eval = command(&[&["eval", scenario], &agent[..], more].concat());
        eval.env("DUOLOGUE_DATA", &out).env("OPENAI_BASE_URL", server.address());
        eval.env("OPENAI_API_KEY", "sk-none").env("NO_PROXY", "127.0.0.1");
        serde_json::from_str(&finish(eval).done()).expect("it is JSON")
    };
    let first = eval("openai:believer", &["--remote-record", recording]);
    let asked = server.requests();
    // Five claims with thirteen reasons each, and at most 42 to measure on: three claims, whole.
    assert_eq!(first["runs"][0]["scored"], 39);
    assert_eq!(first["runs"][0]["metrics"]["agent/score"]["mean"], 0.5);
    let again = eval(&format!("replay:{recording}"), &[]);
    assert_eq!(again["runs"][0]["metrics"]["agent/score"], first["runs"][0]["metrics"]["agent/score"]);
    assert_eq!((server.requests(), asked > 0), (asked, true), "a recording asks nobody");
}

/// Everything that the specification counts (userrl §7), on the releases themselves.
#[test]
fn both_releases_import_whole_and_every_published_scenario_is_good_on_them() {
    let Some(folder) = published::data() else {
        eprintln!("skipped: no UserRL release in DUOLOGUE_DATA");
        return;
    };
    let scratch = scratch();
    let out = scratch.path().join("data");
    let said = import("userrl", &folder, &out).done();
    let expected = [
        ("functions", 538),
        ("intentions_train", 1012),
        ("intentions_test", 95),
        ("questions", 125),
        ("entities", 401),
        ("stories", 471),
        ("tau_train", 500),
        ("tau_test", 165),
    ];
    let counted = |name: &str, count: usize| {
        assert!(said.contains(&format!("/userrl/{name}.json: {count} items\n")), "{name}, {count}: {said}");
    };
    for (name, count) in expected {
        counted(name, count);
    }
    let has_rows = said.contains("original/");
    if has_rows {
        for (name, train, test) in [
            ("functions", 460, 78),
            ("intentions", 380, 40),
            ("entities", 360, 41),
            ("stories", 423, 48),
            ("statements", 378, 42),
        ] {
            counted(&format!("original/{name}_train"), train);
            counted(&format!("original/{name}_test"), test);
        }
        counted("statements", 420);
    }
    let services = folder.parent().expect("it was joined to its parent").join("tau-bench");
    let has_services = services.exists();
    if has_services {
        import("tau-bench", &services, &out).done();
    }
    for (name, is_there) in [
        ("function", true),
        ("intention", true),
        ("persuade", has_rows),
        ("search", true),
        ("tau", has_services),
        ("telepathy", true),
        ("turtle", true),
    ] {
        let file = format!("scenarios/userrl/published/{name}.toml");
        if !is_there {
            eprintln!("skipped: {file} needs rows of parquet, or tau-bench's databases");
            continue;
        }
        let mut check = command(&["check", &file]);
        check.env("DUOLOGUE_DATA", &out);
        assert!(finish(check).done().ends_with(": good\n"));
    }
    if has_rows {
        published_splits_are_those_of_the_release(&out);
    }
}

/// Of the published split the functions are also in our source, and the claims are known to be known (userrl §2.1, §2.3).
fn published_splits_are_those_of_the_release(out: &Path) {
    let read = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(out.join(format!("userrl/original/{name}.json"))).expect("it was made");
        serde_json::from_str(&text).expect("it is a list")
    };
    let claims = |name: &str| -> std::collections::BTreeSet<String> {
        read(name).iter().map(|item| item["claim"].as_str().expect("text").to_owned()).collect()
    };
    let (train, test) = (claims("statements_train"), claims("statements_test"));
    assert_eq!((train.len(), test.len()), (61, 27));
    assert!(test.is_subset(&train), "every claim that is measured on is also learned from");
    let mean =
        read("statements_train").iter().map(|item| item["argument"].as_str().expect("text").len()).sum::<usize>() / 378;
    assert!((1500..1700).contains(&mean), "arguments of {mean} bytes");
}
