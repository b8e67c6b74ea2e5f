//! Each mistake: what is said about it, exit code 2, and nothing changed on disk.

use std::fs;
use std::path::Path;

use runs::RunFolder;
use sim::Seat;

use crate::program::Said;
use crate::program::duologue;
use crate::program::root;
use crate::training::TRAINED;
use crate::training::arguments;
use crate::training::contents;
use crate::training::copy_of_trained;
use crate::training::last_model;
use crate::training::scratch;
use crate::training::train;

/// Asserts that `said` refuses with this beginning, and gives the rest.
#[track_caller]
fn refused(said: Said, beginning: &str) -> String {
    let said = said.refused();
    let rest = said.strip_prefix(beginning);
    rest.unwrap_or_else(|| panic!("expected: {beginning}…\nsaid: {said}")).to_owned()
}

/// What is said about a run file of these lines below its scenario, and that nothing was made of it.
#[track_caller]
fn refused_run(scenario: &str, lines: &str, beginning: &str) {
    let scratch = scratch();
    let (file, out) = (scratch.path().join("run.toml"), scratch.path().join("out"));
    fs::write(&file, format!("scenario = \"{scenario}\"\n{lines}\n")).expect("the place is ours");
    let arguments = ["train", path(&file), "--out", path(&out)];
    let beginning = beginning.replace("FILE", path(&file));
    refused(duologue(&arguments), &beginning);
    assert!(!out.exists(), "nothing was begun");
    let check = duologue(&["check", path(&file)]);
    refused(check, &beginning);
}

fn path(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

fn haggle() -> String {
    path(&root().join("scenarios/haggle.toml")).to_owned()
}

#[test]
fn mistakes_in_a_run_file_are_named_by_file_line_and_key() {
    let mistakes = [
        ("[grpo]\nlearning_rate = 0.1", "error: FILE:3: grpo.learning_rate: unknown key: "),
        ("[grpo]\nsteps = \"ten\"", "error: FILE:3: grpo.steps: must be a whole number, is the text \"ten\"\n"),
        ("seed = 1\n[grpo]\ngroup_size = 1", "error: FILE:4: grpo.group_size: cannot be 1: "),
        ("[sft]\nteacher = \"scripted:nobody\"", "error: FILE:3: sft.teacher: there is no policy `scripted:nobody`"),
        ("[sft", "error: FILE:2: "),
    ];
    for (lines, beginning) in mistakes {
        refused_run(&haggle(), lines, beginning);
    }
    refused_run(
        "nowhere.toml",
        "seed = 1",
        "error: FILE:1: scenario: `nowhere.toml` cannot be read: there is no such file",
    );
}

#[test]
fn mistakes_on_the_command_line_are_named_by_flag_and_key() {
    let scratch = scratch();
    let out = scratch.path().join("out");
    let mistakes = [
        ("grpo.group_size=1", "error: --set: grpo.group_size: cannot be 1: "),
        ("grpo.group_sizes=4", "error: --set: grpo.group_sizes: unknown key: "),
        ("grpo.steps=many", "error: --set: grpo.steps: must be a whole number"),
        ("sft.teacher=model:nowhere", "error: --set: sft.teacher: cannot be `model:nowhere`: a cold start plays a"),
        ("model.vocab_max=270", "error: --set: model.vocab_max: a vocabulary of 270 is too small"),
        ("scenario=nowhere.toml", "error: --set: scenario: `nowhere.toml` cannot be read: "),
        ("model.max_position_embeddings=200", "error: --set: model.max_position_embeddings: cannot be 200: "),
        ("grpo.steps", "error: --set"),
    ];
    for (set, beginning) in mistakes {
        refused(train(&out, &["--set", set]), beginning);
        assert!(!out.exists(), "nothing was begun by {set}");
    }
    refused(
        duologue(&["train", "configs/nowhere.toml"]),
        "error: configs/nowhere.toml: cannot be read: there is no such file\n",
    );
}

#[test]
fn policies_that_do_not_exist_are_refused_with_those_that_do() {
    let scratch = scratch();
    let out = scratch.path().join("out");
    for command in ["eval", "rollout"] {
        for policy in ["nonsense", "scripted:nobody", ""] {
            for seat in Seat::ALL {
                let flag = format!("--{seat}");
                let mut arguments = vec![command, "scenarios/haggle.toml", &flag, policy];
                arguments.extend((command == "rollout").then_some(["--out", path(&out)]).into_iter().flatten());
                let beginning = format!("error: {flag}: there is no policy `{policy}` for the {seat}\n");
                let hint = refused(duologue(&arguments), &beginning);
                assert!(hint.contains("`scripted:good`") && hint.contains("`model:DIR`"), "{hint}");
            }
        }
    }
    assert!(!out.exists(), "nothing was begun");
}

#[test]
fn a_model_that_is_missing_or_damaged_is_refused_by_its_file() {
    let eval = |folder: &Path| {
        duologue(&["eval", "scenarios/haggle.toml", "--limit", "2", "--agent", &format!("model:{}", folder.display())])
    };
    let nowhere = Path::new("runs/nowhere/agent");
    let said = refused(eval(nowhere), "error: --agent: model:runs/nowhere/agent: ");
    assert!(
        said.contains("there is no folder runs/nowhere/agent\n")
            && said.contains("hint: give the folder of one seat's model"),
        "{said}"
    );

    for file in ["config.json", "counts.bin", "tokenizer.json", "chat_template.jinja", "duologue.json"] {
        for keep in [Some(0.9), None] {
            let (_scratch, run) = copy_of_trained();
            let folder = last_model(&run, Seat::Agent);
            spoil(&folder.join(file), keep);
            let said = refused(eval(&folder), &format!("error: --agent: model:{}: ", folder.display()));
            // The text of a template that was cut is a template still, or its own parser says what is missing.
            assert!(
                said.contains(file) || keep.is_some() && ["chat_template.jinja", "tokenizer.json"].contains(&file),
                "{file}: {said}"
            );
        }
    }
}

/// Cuts a file to a share of its length, or removes it.
fn spoil(file: &Path, keep: Option<f64>) {
    let bytes = fs::read(file).expect("it was there");
    match keep {
        Some(share) => fs::write(file, &bytes[..(bytes.len() as f64 * share) as usize]).expect("the copy is ours"),
        None => fs::remove_file(file).expect("the copy is ours"),
    }
}

#[test]
fn a_truncated_checkpoint_is_not_resumed_and_nothing_is_lost_of_it() {
    for file in ["user/counts.bin", "agent/tokenizer.json", "state.json", "agent/duologue.json"] {
        for keep in [Some(0.5), None] {
            let (_scratch, run) = copy_of_trained();
            let file = run.join("checkpoints/step-000003").join(file);
            spoil(&file, keep);
            let before = contents(&run);
            let beginning = format!("error: checkpoint step-000003 is damaged: {}: ", file.display());
            let hint = refused(train(&run, &["--resume"]), &beginning);
            assert!(hint.contains("remove the damaged checkpoint folder"), "{hint}");
            assert!(contents(&run) == before, "the folder has changed");
        }
    }
}

#[test]
fn the_advice_about_a_damaged_checkpoint_is_good_advice() {
    let (_scratch, run) = copy_of_trained();
    fs::remove_dir_all(run.join("checkpoints/step-000003")).expect("the copy is ours");
    train(&run, &["--resume"]).done();
    crate::training::same_outcome(&run, &TRAINED);
}

#[test]
fn a_run_of_another_config_is_not_resumed() {
    let (_scratch, run) = copy_of_trained();
    let before = contents(&run);
    let beginning = format!("error: {}: this is a run of another config: ", run.display());
    let changes: [(&[&str], &str); 4] = [
        (&["--set", "grpo.lr=1e-3"], "`config` differs"),
        (&["--seed", "2"], "`seed` differs: the run has 1, now it is 2"),
        (&["--set", "limits.batch_max=8"], "`schedule.batch_max` differs"),
        (&["--set", "sft.dialogues=61"], "`config` differs"),
    ];
    for (change, difference) in changes {
        let said = refused(train(&run, &[&["--resume"], change].concat()), &beginning);
        assert!(said.starts_with(difference), "{said}");
    }
    assert!(contents(&run) == before, "the folder has changed");
}

#[test]
fn a_folder_that_is_taken_is_left_alone_and_one_that_is_none_is_not_made() {
    let (scratch, run) = copy_of_trained();
    let before = contents(&run);
    let said = refused(train(&run, &[]), &format!("error: {} holds a run already\n", run.display()));
    assert!(said.contains("--resume") && said.contains("--out"), "{said}");
    assert!(contents(&run) == before, "the folder has changed");

    let other = scratch.path().join("letters");
    fs::create_dir(&other).expect("the place is ours");
    fs::write(other.join("dear.txt"), "dear").expect("the place is ours");
    refused(train(&other, &[]), &format!("error: {} is not empty and no run: it holds `dear.txt`\n", other.display()));
    refused(train(&other, &["--resume"]), &format!("error: {}", other.display()));
    assert_eq!(contents(&other).len(), 1);

    let nowhere = scratch.path().join("nowhere");
    refused(train(&nowhere, &["--resume"]), &format!("error: {}", nowhere.display()));
    assert!(!nowhere.exists());
}

#[test]
fn a_run_that_somebody_writes_is_not_resumed_by_another() {
    let (_scratch, run) = copy_of_trained();
    let writer = RunFolder::open(&run).expect("nobody else writes the copy");
    let before = contents(&run);
    let said = refused(train(&run, &["--resume"]), "error: ");
    assert!(said.contains(&run.display().to_string()), "{said}");
    assert!(contents(&run) == before, "the folder has changed");
    drop(writer);
    train(&run, &["--resume"]).done();
}

#[test]
fn files_that_are_missing_or_of_another_kind_are_named() {
    refused(
        duologue(&["eval", "scenarios/nowhere.toml"]),
        "error: scenarios/nowhere.toml: cannot be read: there is no such file\n",
    );
    refused(duologue(&["rollout", "scenarios/nowhere.toml"]), "error: scenarios/nowhere.toml: cannot be read: ");
    refused(duologue(&["eval", "scenarios"]), "error: scenarios: cannot be read: it is a folder\n");
    refused(duologue(&["eval", "configs/quickstart.toml"]), "error: configs/quickstart.toml");
    refused(duologue(&["train", "scenarios/haggle.toml"]), "error: scenarios/haggle.toml");
}

#[test]
fn replay_refuses_what_it_cannot_find() {
    let run = path(&TRAINED);
    let said = refused(duologue(&["replay", "nowhere"]), "error: nowhere/scenario.json: ");
    assert!(said.contains("hint: give a run folder"), "{said}");
    let id = "grpo-000099-0000-0-1";
    refused(duologue(&["replay", run, "--episode", id]), &format!("error: {run}: --episode: there is no {id}\n"));
    let episode = ["replay", run, "--episode", "grpo-000001-0000-0-1"];
    duologue(&episode).done();
    let said = duologue(&[&episode[..], &["--fork", "99"]].concat()).refused();
    assert!(said.starts_with("error: --fork: there is no turn 99: the episode has "), "{said}");
}

#[test]
fn a_damaged_log_is_refused_by_replay_and_by_resume() {
    let (_scratch, run) = copy_of_trained();
    let log = run.join("episodes/log.bin");
    let mut bytes = fs::read(&log).expect("the run has a log");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).expect("the copy is ours");
    let beginning = format!("error: {} is damaged at byte ", log.display());
    let said = duologue(&["replay", path(&run)]);
    assert!(said.refused().contains(&beginning));
    let before = contents(&run);
    refused(train(&run, &["--resume"]), &beginning);
    assert!(contents(&run) == before, "the folder has changed");
}

#[test]
fn rollout_does_not_write_over_episodes() {
    let scratch = scratch();
    let out = scratch.path().join("out");
    let arguments = ["rollout", "scenarios/haggle.toml", "--out", path(&out)];
    duologue(&arguments).done();
    let before = contents(&out);
    refused(duologue(&arguments), &format!("error: {}: there are episodes already\n", out.display()));
    assert!(contents(&out) == before, "the folder has changed");
}

#[test]
fn the_arguments_of_a_small_run_are_good() {
    // What the other tests of this file change is then the only thing wrong.
    let scratch = scratch();
    assert!(
        duologue(&arguments(&scratch.path().join("out"), &["--set", "sft.updates=1", "--set", "grpo.steps=1"])).code
            == Some(0)
    );
}
