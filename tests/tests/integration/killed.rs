//! kill -9 and `--resume`: whatever the moment, the run comes to the same end.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use sim::Address;
use sim::Phase;
use sim::draws::Stream;

use crate::program::HALT_AT;
use crate::program::Said;
use crate::program::finish;
use crate::training::TRAINED;
use crate::training::same_outcome;
use crate::training::scratch;
use crate::training::train;
use crate::training::train_command;

/// Kills of one run.
const KILLS: u32 = 10;

/// Starts a run that stops dead at the n-th thing a model does, and waits until it has; `None` if it ended before, well.
pub fn start_and_halt(command: &mut Command, operation: u64) -> Option<Child> {
    command.env(HALT_AT, operation.to_string()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary was built with the tests");
    if heard(&mut child, |line| line == "halted").is_some() {
        return Some(child);
    }
    assert!(child.wait().expect("it has ended").success(), "a run that is not stopped does its work");
    None
}

/// How many things the models of a whole small run do, with these flags on top.
pub fn operations(more: &[&str]) -> u64 {
    let scratch = scratch();
    let mut command = train_command(&scratch.path().join("run"), more);
    command.env(HALT_AT, "0");
    let said = finish(command).stderr;
    let count = said.lines().find_map(|line| line.strip_prefix("operations: ")).expect("it was asked to count");
    count.parse().expect("it is a number")
}

fn draws(kind: u32) -> sim::Draws {
    let address = Address { seed: 1, phase: Phase::Grpo, round: 0, group: kind, trial: 0, member: 0 };
    address.draws(Stream::Item)
}

#[test]
fn ten_kills_in_the_middle_of_what_models_do_leave_no_trace() {
    let scratch = scratch();
    let out = scratch.path().join("run");
    // Mostly far enough for a commit or two, so that the kills lie all over the run.
    let reach = operations(&[]) as i64 / 3;
    let mut draws = draws(0);
    let mut kills = 0;
    while kills < KILLS {
        let resume: &[&str] = if out.join("manifest.json").exists() { &["--resume"] } else { &[] };
        let Some(mut child) = start_and_halt(&mut train_command(&out, resume), draws.range(1, reach) as u64) else {
            // Done before its time: the next kills begin another run.
            same_outcome(&out, &TRAINED);
            fs::remove_dir_all(&out).expect("the place is ours");
            continue;
        };
        child.kill().expect("it waits to be killed");
        child.wait().expect("it was killed");
        kills += 1;
    }
    train(&out, &["--resume"]).done();
    same_outcome(&out, &TRAINED);
}

/// A line of what a run says, once it says it.
fn heard(child: &mut Child, is_it: impl Fn(&str) -> bool) -> Option<String> {
    let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    stderr.lines().map_while(Result::ok).find(|line| is_it(line))
}

/// Ctrl-C is told from a crash: it says that nothing is lost, and how to go on.
#[test]
fn an_interrupted_run_says_how_to_go_on_and_goes_on() {
    let scratch = scratch();
    let out = scratch.path().join("run");
    // It would take minutes to end by itself.
    let endless = ["--set", "sft.updates=1000000"];
    let start = |more: &[&str]| {
        let mut command = train_command(&out, &[&endless, more].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary was built")
    };
    let mut child = start(&[]);
    while !out.join("checkpoints/sft-000005").exists() && child.try_wait().expect("it is ours").is_none() {
        std::thread::yield_now();
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is such a command");
    assert!(sent.success());
    let said = Said::of(child.wait_with_output().expect("it ends by itself")).failed(1);
    let told = said.lines().skip_while(|line| !line.starts_with("error: ")).collect::<Vec<_>>();
    let [error, hint] = &told[..] else { panic!("{said}") };
    assert_eq!(*error, format!("error: interrupted; nothing that was committed to {} is lost", out.display()));
    let begins =
        format!("hint: go on with `duologue train configs/quickstart.toml --resume --out {} --set ", out.display());
    assert!(hint.starts_with(&begins) && hint.ends_with(" --set 'sft.updates=1000000'`"), "{hint}");

    let mut child = start(&["--resume"]);
    let line = heard(&mut child, |_| true).expect("it says where it goes on");
    child.kill().expect("it is ours");
    child.wait().expect("it was killed");
    let begins = format!("{} goes on after update ", out.display());
    assert!(line.starts_with(&begins) && line.contains(" of 1000000 of the cold start: "), "{line}");
}

/// The other moments: between the models' turns, while records and numbers are written.
#[test]
fn kills_while_the_files_grow_leave_no_trace() {
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let (mut draws, whole) = (draws(1), length(&TRAINED.join("episodes/log.bin")));
    let scratch = scratch();
    let out = scratch.path().join("run");
    for _ in 0..4 {
        let resume: &[&str] = if out.join("manifest.json").exists() { &["--resume"] } else { &[] };
        let mut command = train_command(&out, resume);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary was built");
        let until = draws.range(1, whole as i64 - 1) as u64;
        while length(&out.join("episodes/log.bin")) < until && child.try_wait().expect("it is ours").is_none() {
            std::thread::yield_now();
        }
        // It may have ended by itself meanwhile.
        let _ = child.kill();
        child.wait().expect("it is ours");
    }
    train(&out, &["--resume"]).done();
    same_outcome(&out, &TRAINED);
}
