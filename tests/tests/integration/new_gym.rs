//! `docs/NEW_GYM.md` makes a gym: what it shows are the files that are compiled and tested, and its commands do what it says.

use std::fs;

use sim::Phase;
use sim::Seat;

use crate::program::duologue;
use crate::program::root;
use crate::training::SMALL;
use crate::training::last_model;
use crate::training::lines;
use crate::training::records;
use crate::training::scratch;

const PAGE: &str = "docs/NEW_GYM.md";

fn page() -> String {
    fs::read_to_string(root().join(PAGE)).expect("it is part of the repository")
}

/// Blocks of code with the last line before them that is not empty.
fn blocks(page: &str) -> Vec<(String, String)> {
    let (mut blocks, mut before) = (Vec::new(), String::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("```") && line.len() > 3 {
            let block = lines.by_ref().take_while(|line| *line != "```");
            blocks.push((std::mem::take(&mut before), block.map(|line| format!("{line}\n")).collect()));
        } else if !line.is_empty() {
            before = line.to_owned();
        }
    }
    blocks
}

/// A test of the example that is not shown, or another file than the one that is compiled, would be found here.
#[test]
fn the_page_shows_every_file_of_the_example_as_it_is() {
    let page = page();
    let shown: Vec<(String, String)> = blocks(&page)
        .into_iter()
        .filter(|(before, _)| before.starts_with('`') && before.ends_with('`'))
        .map(|(before, block)| (before.trim_matches('`').to_owned(), block))
        .collect();
    for (file, block) in &shown {
        let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(*block == text, "{PAGE} shows another {file} than there is");
    }
    let mut files: Vec<String> = fs::read_dir(root().join("crates/sim/src/gyms/guess"))
        .expect("the example is part of the repository")
        .map(|entry| format!("crates/sim/src/gyms/guess/{}", entry.expect("it can be listed").file_name().display()))
        .collect();
    let more = [
        "crates/sim/src/gyms/guess.rs",
        "crates/config/src/world/guess.rs",
        "scenarios/guess.toml",
        "configs/guess.toml",
    ];
    files.extend(more.map(str::to_owned));
    for file in files {
        assert!(shown.iter().any(|(name, _)| *name == file), "{PAGE} does not show {file}");
    }
}

#[test]
fn the_lines_that_make_it_known_are_where_the_page_says() {
    let page = page();
    let mut found = 0;
    for (before, block) in blocks(&page).iter().filter(|(before, _)| before.starts_with("In `")) {
        let file = before.split('`').nth(1).expect("it is named");
        let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        for line in block.lines() {
            assert!(text.lines().any(|found| found == line), "{file} has no line `{line}`");
            found += 1;
        }
    }
    assert_eq!(found, 5);
}

/// All commands but those that take a person or the time of a training.
#[test]
fn the_commands_of_the_page_work() {
    let page = page();
    let (_, console) =
        blocks(&page).into_iter().rfind(|(_, block)| block.starts_with("$ ")).expect("there are commands");
    let commands: Vec<Vec<&str>> = console
        .lines()
        .map(|line| line.strip_prefix("$ duologue ").expect("each line is a command").split(' ').collect())
        .collect();
    assert_eq!(
        commands.iter().map(|words| words[0]).collect::<Vec<_>>(),
        ["check", "rollout", "play", "eval", "plan", "train", "eval"]
    );
    for words in commands.iter().filter(|words| !["play", "train"].contains(&words[0])).take(4) {
        assert!(!duologue(words).done().is_empty(), "{words:?} says nothing");
    }
}

/// From nothing to trained in miniature: the run that the page trains, with the n-gram model, whose few steps are no claim about learning.
#[test]
fn the_run_of_the_page_trains_evaluates_and_re_drives() {
    let folder = scratch();
    let out = folder.path().join("run");
    let path = |path: &std::path::Path| path.to_str().expect("we named it").to_owned();
    let mut arguments = vec!["train".to_owned(), "configs/guess.toml".to_owned(), "--out".to_owned(), path(&out)];
    let fits = |set: &&str| !set.contains("probe_min") && !set.contains("mutual");
    for set in SMALL.into_iter().filter(fits) {
        arguments.extend(["--set".to_owned(), set.to_owned()]);
    }
    duologue(&arguments).done();
    let records = records(&out);
    let learned = records.iter().filter(|record| record.casting.id.phase == Phase::Grpo);
    assert!(learned.clone().count() > 0 && learned.clone().all(|record| record.casting.learns.agent));
    assert!(records.iter().any(|record| record.scenario == "guess" && record.scores.agent.is_some()));
    let steps = lines(&out.join("metrics.jsonl"));
    assert!(steps.iter().any(|line| line["phase"] == "eval" && line["agent/score/mean"].is_number()));
    let model = format!("model:{}", path(&last_model(&out, Seat::Agent)));
    let said = duologue(&["eval", "scenarios/guess.toml", "--agent", &model, "--limit", "5"]).done();
    assert!(said.contains("5 episodes, 0 lost"), "{said}");
    duologue(&["replay", &path(&out)]).done();
}
