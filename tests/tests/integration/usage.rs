//! What needs no run: help, `check`, and flags that are wrong.

use std::fs;
use std::process::Stdio;

use config::FileKind;

use crate::program::command;
use crate::program::duologue;
use crate::program::finish;
use crate::program::root;
use crate::published;

const COMMANDS: [&str; 13] = [
    "check", "schema", "rollout", "play", "plan", "train", "eval", "study", "replay", "export", "data", "serve",
    "selftest",
];

#[test]
fn help_and_version_are_no_errors() {
    assert!(duologue(&["--version"]).done().starts_with("duologue "));
    let help = duologue(&["--help"]).done();
    for command in COMMANDS {
        assert!(help.contains(command), "{help}");
        let said = duologue(&[command, "--help"]).done();
        assert!(said.contains(&format!("Usage: duologue {command}")), "{said}");
    }
}

#[test]
fn wrong_flags_are_refused_with_a_hint() {
    let cases: [(&[&str], &str); 11] = [
        (&["trian"], "hint: some similar subcommands exist: 'ratings', 'train'"),
        (&["train"], "<RUN>"),
        (&["train", "configs/quickstart.toml", "--sed", "1"], "hint: a similar argument exists: '--seed'"),
        (&["train", "configs/quickstart.toml", "--seed", "one"], "--seed"),
        (&["eval", "scenarios/haggle.toml", "--trials", "0"], "--trials"),
        (&["eval", "scenarios/haggle.toml", "--items", "some"], "held-out"),
        (&["rollout", "scenarios/haggle.toml", "--episodes", "-1"], "'-1'"),
        (&["replay", "nowhere", "--fork", "1"], "--episode"),
        (&["replay", "nowhere", "--episode", "grpo-1"], "grpo-000012-0003-0-5"),
        (&["study", "configs/studies/quickstart.toml", "--jobs", "0"], "--jobs"),
        (&["check"], "<FILES>"),
    ];
    for (arguments, part) in cases {
        let said = duologue(arguments).refused();
        assert!(said.contains(part), "{arguments:?} says {said}");
    }
    assert!(duologue(&[""; 0]).failed(2).contains("Usage:"));
}

#[test]
fn a_schema_is_printed_as_json_for_each_kind_of_file() {
    for kind in FileKind::ALL {
        let said = duologue(&["schema", kind.name()]).done();
        let printed: serde_json::Value = serde_json::from_str(&said).expect("stdout is one JSON value");
        assert_eq!(printed["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(printed, config::schema(kind));
    }
}

#[test]
fn a_reader_that_has_heard_enough_is_no_failure() {
    let mut command = command(&["rollout", "scenarios/haggle.toml", "--episodes", "200"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary was built");
    // Closed before anything is said; 200 talks are more than a pipe holds.
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends by itself");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(told.lines().all(|line| line.starts_with("rollout ")), "not only progress: {told}");
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn every_file_of_the_checkout_is_good() {
    let mut count = 0;
    let mut folders = vec!["scenarios".to_owned(), "configs".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("the folder is tracked") {
            let file = format!("{folder}/{}", entry.expect("it can be listed").file_name().display());
            if root().join(&file).is_dir() {
                folders.push(file);
                continue;
            }
            let mut check = command(&["check", &file]);
            let names = ["\"userrl/", "published/intention.toml\"", "../intention.toml\""];
            if fs::read_to_string(root().join(&file)).is_ok_and(|text| names.iter().any(|name| text.contains(name))) {
                let Some(release) = published::data() else {
                    eprintln!("skipped: {file} plays UserRL's release, which is not in DUOLOGUE_DATA");
                    continue;
                };
                // Made by an import of rows; `data.rs` checks such files where there are rows.
                if file.ends_with("published/persuade.toml") && !release.join("statements.json").exists() {
                    eprintln!("skipped: {file} plays claims that an import makes");
                    continue;
                }
                check.env("DUOLOGUE_DATA", release.parent().expect("it was joined to its parent"));
            }
            if file.ends_with(".toml") {
                let said = finish(check).done();
                assert!(said.starts_with(&format!("{file}: ")) && said.ends_with(": good\n"), "{said}");
                count += 1;
            }
        }
    }
    assert!(count >= 3, "there is at least one scenario, one run and one study");
}

#[test]
fn check_reports_all_that_is_wrong_with_all_files() {
    let said = duologue(&["check", "configs/nowhere.toml", "scenarios/haggle.toml", "Cargo.toml"]);
    assert_eq!(said.stdout.lines().count(), 1, "{}", said.stdout);
    let errors = said.failed(2);
    assert_eq!(errors.matches("error: ").count(), 2, "{errors}");
    assert!(errors.contains("error: configs/nowhere.toml: cannot be read: there is no such file"), "{errors}");
    assert!(errors.contains("error: Cargo.toml: is no scenario, run, study or suite file"), "{errors}");
}
