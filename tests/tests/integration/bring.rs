//! A service procedure of one's own: `duologue new talk`, what it makes, and every command of `docs/TUTORIAL.md`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::documented::copy;
use crate::documented::in_place;
use crate::program::Said;
use crate::program::duologue;
use crate::program::finish;
use crate::program::root;
use crate::remote::with_server;
use crate::server::Does;
use crate::server::Server;
use crate::training::SMALL;
use crate::training::STEPS;
use crate::training::contents;
use crate::training::scratch;

const PAGE: &str = "docs/TUTORIAL.md";
const EXAMPLE: &str = "scenarios/procedures/chimney.txt";

/// Facts and steps, and nothing else: all the rest is supplied.
const LEAST: &str = "Library: a \"late\" book\n\nFacts:\n- fine: 0, 2, 5\n- day of return: Monday, Friday\n\nSteps:\n1. Ask for the day of return.\n2. Tell the fine.\n";

fn path(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

/// Makes a talk called `made` of a text, in a folder.
fn made(folder: &Path, text: &str, more: &[&str]) -> Said {
    let from = folder.join("mine.txt");
    fs::write(&from, text).expect("the place is ours");
    let out = folder.join("out");
    duologue(&[&["new", "talk", "made", "--from", path(&from), "--out", path(&out)], more].concat())
}

fn measured(file: &str, agent: &str, user: &str) -> Value {
    let said = duologue(&["eval", file, "--limit", "30", "--agent", agent, "--user", user, "--json"]).done();
    serde_json::from_str::<Value>(&said).expect("it is JSON")["runs"][0]["metrics"].clone()
}

fn mean(metrics: &Value, name: &str) -> f64 {
    metrics[name]["mean"].as_f64().unwrap_or_else(|| panic!("{name} of {metrics}"))
}

#[test]
fn a_procedure_becomes_a_talk_that_rules_play_to_an_agreed_end() {
    let example = fs::read_to_string(root().join(EXAMPLE)).expect("it is part of the repository");
    for (text, suite) in [(example.as_str(), true), (LEAST, false)] {
        let scratch = scratch();
        made(scratch.path(), text, &[]).done();
        let file = |end: &str| scratch.path().join("out").join(format!("made.{end}"));
        assert_eq!(file("stress.toml").exists(), suite, "a suite where there is something to be got wrongly");
        let (talk, run) = (file("toml"), file("train.toml"));
        let mut files = vec!["check", path(&talk), path(&run)];
        let stress = file("stress.toml");
        files.extend(suite.then(|| path(&stress)));
        duologue(&files).done();
        let sound = measured(path(&talk), "rule", "rule");
        assert!(mean(&sound, "own.settled") >= 0.6, "{sound}");
        assert!(mean(&sound, "own.right_end") >= 0.6, "{sound}");
        let random = measured(path(&talk), "random", "rule");
        assert!(mean(&sound, "agent/score") > mean(&random, "agent/score") + 0.3, "{sound} {random}");
    }
}

#[test]
fn an_exception_for_a_number_is_a_suite_that_can_be_checked() {
    let scratch = scratch();
    let text = format!("{}\nOnly if:\n- waiver: the fine is 2.50\n", LEAST.replace("0, 2, 5", "0, 2.50, 5"));
    made(scratch.path(), &text, &[]).done();
    let file = |end: &str| scratch.path().join("out").join(format!("made.{end}"));
    duologue(&["check", path(&file("toml")), path(&file("stress.toml"))]).done();
}

#[test]
fn who_is_called_has_a_whole_profile_in_every_generated_talk() {
    let scratch = scratch();
    made(scratch.path(), LEAST, &[]).done();
    let scenario =
        config::load_scenario(&scratch.path().join("out/made.toml")).unwrap_or_else(|errors| panic!("{errors}"));
    let sim::gyms::Rules::Talk(rules) = &scenario.rules else { panic!("it is a talk") };
    let book = &rules.book;
    assert!(book.people.kinds.len() >= 4 && book.people.kinds.iter().all(|kind| kind.demographics.len() >= 12));
    assert!(book.user.targets.len() >= 3 && book.user.transitions.len() >= 5 && book.user.ends.len() >= 3);
    assert!(!book.user.memory.is_empty() && !book.user.policy.is_empty());
}

#[test]
fn a_procedure_that_cannot_be_read_is_told_by_line_and_leaves_nothing() {
    let scratch = scratch();
    let said =
        made(scratch.path(), &LEAST.replace("Tell the fine", "If the moon is full: tell the fine"), &[]).refused();
    assert!(said.contains("mine.txt:9: `the moon` names nothing that stands in `Facts` or `Offers`"), "{said}");
    let flags = made(scratch.path(), LEAST, &["--remote-calls", "5"]).refused();
    assert!(flags.contains("no model is asked"), "{flags}");
    assert!(!scratch.path().join("out").exists(), "nothing was written");
    made(scratch.path(), LEAST, &[]).done();
    let before = contents(&scratch.path().join("out"));
    fs::remove_file(scratch.path().join("out/made.toml")).expect("it is ours");
    let again = made(scratch.path(), LEAST, &[]).refused();
    assert!(
        again.contains("made.train.toml: cannot be written") && again.contains("nothing is written over"),
        "{again}"
    );
    assert_eq!(contents(&scratch.path().join("out")).len(), before.len() - 1, "all or none");
}

/// A command with a server of models, in a folder that has the example.
fn by(server: &Server, folder: &Path, more: &str) -> Command {
    let out = folder.join("out");
    let from = root().join(EXAMPLE);
    with_server(server, &format!("new talk made --from {} --out {} --by openai:m {more}", path(&from), path(&out)))
}

#[test]
fn a_model_that_writes_wrongly_is_told_so_and_tried_again() {
    let good = fs::read_to_string(root().join(EXAMPLE)).expect("it is part of the repository");
    let text = good.clone();
    let server = Server::start(move |messages, _, _| {
        let all = messages.as_array().expect("a talk");
        match all.len() {
            2 => Does::Say(format!("Here is your procedure:\n\n{}", text.replace("Facts:", "Fakts:"))),
            _ => {
                let told = all[3]["content"].as_str().expect("what was wrong");
                assert!(told.contains("`Fakts` is no heading") && told.contains("did you mean `facts`?"), "{told}");
                Does::Say(format!("<think>a heading</think>```\n{text}\n```"))
            }
        }
    });
    let scratch = scratch();
    let recording = scratch.path().join("run.jsonl");
    finish(by(&server, scratch.path(), &format!("--remote-record {}", path(&recording)))).done();
    assert_eq!(server.requests(), 2);
    let kept = fs::read_to_string(scratch.path().join("out/made.txt")).expect("what the model wrote is kept");
    assert_eq!(kept.trim(), good.trim());
    let talk = scratch.path().join("out/made.toml");
    duologue(&["check", path(&talk)]).done();
    // By rule from what was kept: the same file. From the recording: the same, and nobody is asked.
    let again = scratch.path().join("again");
    let kept = scratch.path().join("out/made.txt");
    duologue(&["new", "talk", "made", "--from", path(&kept), "--out", path(&again)]).done();
    assert_eq!(fs::read(again.join("made.toml")).expect("written"), fs::read(&talk).expect("written"));
    let (replay, third) = (format!("replay:{}", path(&recording)), scratch.path().join("third"));
    let from = root().join(EXAMPLE);
    duologue(&["new", "talk", "made", "--from", path(&from), "--by", &replay, "--out", path(&third)]).done();
    assert_eq!(fs::read(third.join("made.toml")).expect("written"), fs::read(&talk).expect("written"));
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_model_that_never_writes_it_is_refused_and_nothing_is_written() {
    let server = Server::start(|_, _, _| Does::Say("I would be happy to help with your procedure!".to_owned()));
    let scratch = scratch();
    let said = finish(by(&server, scratch.path(), "--tries 3")).failed(2);
    assert!(said.contains("error: --by: 3 texts were written, and none of them can be used\nhint: "), "{said}");
    assert!(said.contains("there is no heading `steps`"), "{said}");
    assert_eq!(server.requests(), 3);
    let said = finish(by(&server, scratch.path(), "--tries 3 --remote-calls 2")).failed(1);
    assert!(said.contains("--by: nothing was written"), "{said}");
    assert_eq!(server.requests(), 5, "the budget holds");
    assert!(!scratch.path().join("out").exists());
}

/// Commands of the page with what they say on stdout, where the page shows it.
fn commands() -> Vec<(String, String)> {
    let page = fs::read_to_string(root().join(PAGE)).expect("it is part of the repository");
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == "```console" {
            for line in lines.by_ref().take_while(|line| *line != "```") {
                match (line.strip_prefix("$ "), commands.last_mut()) {
                    (Some(command), _) => commands.push((command.to_owned(), String::new())),
                    (None, Some((_, said))) => said.push_str(&format!("{line}\n")),
                    (None, None) => panic!("{line} stands before a command"),
                }
            }
        }
    }
    commands
}

/// A command as it is run here: training and sessions in miniature.
fn in_miniature(command: &str) -> String {
    let sets: String = SMALL.iter().map(|set| format!(" --set {set}")).collect();
    let command = command.replace("step-000040", &format!("step-{STEPS:06}")).replace("--limit 100", "--limit 4");
    match command.split(' ').nth(1) {
        Some("train" | "plan") => format!("{command}{sets}"),
        Some("stress") => format!("{command} --items 6 --trials 1"),
        _ => command,
    }
}

#[test]
fn every_command_of_the_tutorial_does_what_it_says() {
    let scratch = scratch();
    let place = scratch.path();
    copy(&root().join("scenarios/procedures"), &place.join("scenarios/procedures"));
    let example = fs::read_to_string(root().join(EXAMPLE)).expect("it is part of the repository");
    // Of the talk it knows nothing: it hangs up, as anybody may.
    let server = Server::start(move |messages, _, _| {
        let part = messages[0]["content"].as_str().expect("there is a part");
        Does::Say(if part.contains("plain-text form") {
            example.clone()
        } else {
            "Intent: a call. Concern: none. State: 3 3 3 3. Plan: end. Tone: calm.\n</think>[end declined] Goodbye."
                .to_owned()
        })
    });
    let commands = commands();
    assert!(commands.len() >= 13, "{commands:?}");
    for (command, expected) in commands {
        let mut shell = in_place(place, &in_miniature(&command));
        shell.env("OPENAI_BASE_URL", server.address()).env("OPENAI_API_KEY", "sk-0").env("NO_PROXY", "127.0.0.1");
        let said = finish(shell);
        // Whether few sessions of yardsticks, or of a model of n-grams, keep the thresholds is not what this is about.
        let is_good = said.code == Some(0) || command.starts_with("duologue stress") && said.code == Some(1);
        assert!(is_good, "$ {command}\n{}\n{}", said.stdout, said.stderr);
        assert!(!said.stdout.is_empty(), "$ {command} says nothing");
        assert!(expected.is_empty() || said.stdout == expected, "$ {command}\n{}", said.stdout);
    }
}
