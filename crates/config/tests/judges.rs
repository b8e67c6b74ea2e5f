//! Judges by rubric and gates out of files: what is read, and what is said to mistakes.

use std::fs;

use duologue_config::load_run;
use duologue_config::load_scenario;
use sim::RewardKind;
use sim::Seat;

const SCENARIO: &str = include_str!("judged.toml");
const RUN: &str = "scenario = \"scenario.toml\"\ngrpo = { mode = \"user\" }\n";

/// What is said of both files after an edit of the scenario, with lines added to the run file; empty if nothing is wrong.
fn said(from: &str, to: &str, run: &str) -> String {
    assert!(SCENARIO.contains(from), "{from}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("scenario.toml"), SCENARIO.replacen(from, to, 1)).expect("the folder is ours");
    fs::write(folder.path().join("run.toml"), format!("{RUN}{run}")).expect("the folder is ours");
    let errors = load_run(&folder.path().join("run.toml"), &[]).err();
    errors.map(|errors| errors.to_string()).unwrap_or_default().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn r11_one_family_cannot_reward_and_evaluate() {
    let eval = |family: &str| said("", "", &format!("[eval]\njudge = \"openai:third\"\njudge_family = \"{family}\"\n"));
    assert_eq!(eval("gamma"), "");
    for family in ["alpha", "beta", " Beta "] {
        let errors = eval(family);
        let line = format!("error: run.toml:5: eval.judge_family: cannot be `{family}`: openai:");
        assert!(errors.starts_with(&line) && errors.contains("hint: let a model of another family"), "{errors}");
    }
    // Where nothing that judges say trains, the same family may measure.
    let unpaid = said("weight = 0.1", "", "[eval]\njudge = \"openai:third\"\njudge_family = \"alpha\"\n");
    assert_eq!(unpaid, "");
}

#[test]
fn a_rubric_is_read_as_it_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("scenario.toml");
    fs::write(&path, SCENARIO).expect("the folder is ours");
    let scenario = load_scenario(&path).unwrap_or_else(|errors| panic!("{errors}"));
    let rubric = scenario.judge.rubric.as_ref().expect("it has one");
    assert_eq!((rubric.panel.len(), rubric.drift_max, scenario.judge.deadline_ms), (2, 0.25, 120_000));
    let known: Vec<_> = rubric.of(Seat::User).map(|one| (one.name.as_str(), one.levels.len(), one.weight)).collect();
    assert_eq!(known, [("judge.consistency", 5, Some(0.1)), ("judge.strategy", 4, None)]);
    assert_eq!(rubric.gold[0].levels["judge.strategy"], 4);
    let gates: Vec<_> = scenario.rewards.iter().filter(|rule| rule.kind == RewardKind::Gate).collect();
    assert_eq!(gates.len(), 1);
    for name in ["user/judge.consistency", "user/judge.strategy", "user/judge.disagreement"] {
        assert!(scenario.measures().iter().any(|measure| measure == name), "{name}");
    }
}

#[test]
fn mistakes_of_judges_and_gates_are_told_with_their_line() {
    let panel = "panel = [{ policy = \"openai:first\", family = \"alpha\" }, { policy = \"openai:second\", family = \"beta\" }]";
    for (from, to, line) in [
        (
            "policy = \"rubric\"",
            "policy = \"rule\"",
            "judge.panel: has no effect in this run: `judge.policy` is `rule`",
        ),
        (panel, "", "judge.panel: is missing"),
        ("openai:second", "openai:first", "judge.panel[1].policy: `openai:first` is on the panel already"),
        ("openai:second", "rule", "judge.panel[1].policy: `rule` cannot judge by a rubric"),
        ("family = \"beta\"", "family = \"\"", "judge.panel[1].family: is empty"),
        ("\"brief\"]", "\"soul\"]", "judge.reads[1]: cannot be `soul`"),
        ("drift_max = 0.25", "drift_max = 1.5", "judge.drift_max: cannot be 1.5"),
        ("name = \"strategy\"", "name = \"consistency\"", "judge.criteria[1].name: the user is asked for"),
        ("name = \"strategy\"", "name = \"Strategy!\"", "judge.criteria[1].name: cannot be `Strategy!`"),
        (
            "\"falls for it\", \"lets it pass\", \"sees it\", \"sees it and answers it\"",
            "\"sees it\"",
            "judge.criteria[1].levels: has 1 levels",
        ),
        ("weight = 0.1", "weight = 0.0", "judge.criteria[0].weight: cannot be 0"),
        ("strategy = 4 }", "strategy = 5 }", "judge.gold[0].levels.strategy: cannot be 5"),
        ("strategy = 4 }", "wit = 4 }", "judge.gold[0].levels.wit: the user has no criterion `wit`"),
        ("kind = \"gate\"\nweight = 1.0", "kind = \"gate\"\nweight = 1.5", "reward[2].weight: cannot be 1.5"),
        (
            "name = \"surplus\"\nkind = \"outcome\"",
            "name = \"surplus\"\nkind = \"gate\"",
            "reward[0].kind: `surplus` cannot be of kind `gate`",
        ),
    ] {
        let errors = said(from, to, "");
        assert!(
            errors.contains(line) && errors.contains("error: scenario.toml:") && errors.contains("hint: "),
            "{line}\n{errors}"
        );
    }
    for (run, line) in [
        ("[eval]\njudge = \"openai:third\"\n", "eval.judge_family: is missing"),
        ("[eval]\njudge_family = \"gamma\"\n", "eval.judge: is missing"),
        ("[eval]\njudge = \"rule\"\njudge_family = \"gamma\"\n", "eval.judge: `rule` cannot judge by a rubric"),
    ] {
        let errors = said("", "", run);
        assert!(errors.contains(line), "{line}\n{errors}");
    }
}
