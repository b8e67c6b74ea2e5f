//! A machine tested by the program itself, and the program moved to where libtorch lies elsewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

/// `lib/` of the libtorch that the program was built with.
const LIBRARIES: &str = env!("DUOLOGUE_LIBTORCH_LIB");

fn engine(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue-engine"));
    command.args(arguments).output().expect("the binary was built with the tests")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("all output is text")
}

#[track_caller]
fn refused(output: &Output, code: i32, beginning: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.starts_with(beginning) && said.contains("\nhint: "), "{said}");
}

#[test]
fn this_machine_computes_what_was_recorded() {
    let output = engine(&["selftest", "--device", "cpu", "--json"]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).expect("stdout is one JSON value");
    assert_eq!(said["passed"], true);
    assert_eq!(said["machine"]["device"], "cpu");
    let checks = said["checks"].as_array().expect("a list");
    for family in ["qwen3", "qwen2", "llama"] {
        for held in ["weights in f32", "adapter over f32", "adapter over bf16"] {
            let of = |check: &str| {
                let model = format!("{family}, {held}");
                checks.iter().filter(|found| found["model"] == model.as_str() && found["check"] == check).count()
            };
            let rules = if held.ends_with("bf16") { 5 } else { 7 };
            assert_eq!(
                ["loss", "gradient", "sampled", "kept", "greedy"].map(of),
                [rules, rules, 1, 1, 1],
                "{family}, {held}"
            );
        }
    }
}

#[test]
fn a_recording_made_here_is_met_and_a_number_moved_in_it_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("recorded.json");
    let name = file.to_str().expect("a name in UTF-8");
    assert!(engine(&["selftest", "--record", name]).status.success());
    let met = engine(&["selftest", "--device", "cpu", "--batch", name]);
    assert!(met.status.success(), "{}", text(&met.stderr));

    let mut recording: Value = serde_json::from_slice(&fs::read(&file).expect("it was written")).expect("JSON");
    let step = &mut recording["models"][1]["steps"][2];
    let rule = step["rule"].as_str().expect("a name").to_owned();
    step["norm"] = (1.002 * step["norm"].as_f64().expect("a number")).into();
    fs::write(&file, recording.to_string()).expect("it can be written");
    let missed = engine(&["selftest", "--device", "cpu", "--batch", name]);
    let expected = format!("out of bounds: qwen2, weights in f32, {rule}: gradient: 2.00e-3 is not within 1e-3\n");
    assert_eq!(missed.status.code(), Some(1));
    let said = text(&missed.stderr);
    assert!(said.starts_with(&expected) && said.contains("\nerror: 1 of "), "{said}");
    assert!(text(&missed.stdout).contains('!'), "the table marks it");
}

#[test]
fn what_cannot_be_tested_is_said() {
    refused(&engine(&["selftest", "--batch", "nowhere.json"]), 2, "error: nowhere.json: cannot be read: ");
    refused(&engine(&["selftest", "--train", "nowhere.toml"]), 2, "error: nowhere.toml: there is no such file");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("recorded.json");
    fs::write(&file, "{}").expect("it can be written");
    let name = file.to_str().expect("a name in UTF-8");
    let beginning = format!("error: {name}: it is no recording: ");
    refused(&engine(&["selftest", "--device", "cpu", "--batch", name]), 2, &beginning);
    let asked = engine(&["selftest", "--device", "cuda"]);
    if !asked.status.success() && asked.status.code() != Some(1) {
        refused(&asked, 2, "error: device = \"cuda\", but libtorch finds no GPU here\n");
    }
}

#[test]
fn a_small_load_is_measured_beside_the_ceilings() {
    let load = ["selftest", "--device", "cpu", "--json", "--pace", "--rows", "2", "--prompt", "8", "--tokens", "4"];
    let output = engine(&[&load[..], &["--dtype", "f32", "--dtype", "bf16"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).expect("stdout is one JSON value");
    let paces = said["pace"].as_array().expect("a list");
    let what: Vec<&str> = paces.iter().map(|pace| pace["what"].as_str().expect("a word")).collect();
    assert_eq!(what, ["prefill", "decode", "train weights", "prefill", "decode", "train adapter"]);
    for pace in paces {
        assert!(pace["tokens_per_s"].as_f64() > Some(0.0), "{pace}");
        assert!(pace["matrix_share"].as_f64() > Some(0.0) && pace["matrix_share"].as_f64() < Some(1.0), "{pace}");
        assert_eq!(pace["memory_share"].is_null(), pace["what"] != "decode", "{pace}");
    }
}

/// The two programs in a folder of their own, as a bundle has them.
fn moved() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    for binary in [env!("CARGO_BIN_EXE_duologue"), env!("CARGO_BIN_EXE_duologue-engine")] {
        let from = Path::new(binary);
        fs::copy(from, folder.path().join(from.file_name().expect("it has a name"))).expect("there is room");
    }
    let program = folder.path().join("duologue");
    (folder, program)
}

/// A libtorch elsewhere: links to the build's libraries, but for `libtorch_cpu.so` if that is to be broken.
fn elsewhere(whole: bool) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let libraries = folder.path().join("lib");
    fs::create_dir(&libraries).expect("it is ours");
    for entry in fs::read_dir(LIBRARIES).expect("the build's libtorch is there").flatten() {
        symlink(entry.path(), libraries.join(entry.file_name())).expect("it is ours");
    }
    if !whole {
        let broken = libraries.join("libtorch_cpu.so");
        fs::remove_file(&broken).and_then(|()| fs::write(&broken, "")).expect("it is ours");
    }
    fs::write(folder.path().join("build-version"), "2.11.0\n").expect("it is ours");
    folder
}

#[test]
fn a_moved_program_runs_with_the_libtorch_it_is_given() {
    let (_folder, program) = moved();
    let (whole, broken) = (elsewhere(true), elsewhere(false));
    let with = |key: &str, value: &Path| {
        let mut command = Command::new(&program);
        command
            .args(["selftest", "--device", "cpu"])
            .env_remove("LIBTORCH")
            .env_remove("LD_LIBRARY_PATH")
            .env(key, value);
        command.output().expect("it was copied")
    };
    for (key, value) in [("LIBTORCH", whole.path().to_owned()), ("LD_LIBRARY_PATH", whole.path().join("lib"))] {
        let output = with(key, &value);
        assert!(output.status.success(), "{key}: {}", text(&output.stderr));
    }
    // It is that one and not the build's: where it is broken, nothing runs.
    for (key, value) in [("LIBTORCH", broken.path().to_owned()), ("LD_LIBRARY_PATH", broken.path().join("lib"))] {
        let output = with(key, &value);
        assert!(!output.status.success(), "{key}");
        let said = text(&output.stderr);
        assert!(said.contains(&broken.path().display().to_string()), "{key}: {said}");
    }
}

#[test]
fn a_moved_program_without_a_libtorch_says_so() {
    let (folder, program) = moved();
    let output = Command::new(&program).arg("--help").env("LIBTORCH", folder.path()).output().expect("it was copied");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.starts_with("error: LIBTORCH: there is no libtorch 2.11.0 in "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
