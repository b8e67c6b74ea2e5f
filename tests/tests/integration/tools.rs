//! A run whose agent is told by its chat template, as a tool, what it may do, and calls it.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;
use sim::Act;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Seat;
use sim::Source;
use sim::Tools;
use text::ChatMessage;
use text::Dialect;
use text::Extras;
use text::Json;

use crate::program::duologue;
use crate::program::root;
use crate::thinking::base;
use crate::training::lines;
use crate::training::records;
use crate::training::scratch;

/// Two gyms of UserRL's whose agents have other tools, with room for a call.
const GYMS: [&str; 2] = ["telepathy", "search"];

fn path(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

/// A gym's scenario, in which an agent may write so many tokens in one turn.
fn scenario(at: &Path, gym: &str, tokens_max: u32) -> PathBuf {
    let text = fs::read_to_string(root().join(format!("scenarios/userrl/{gym}.toml"))).expect("it is checked in");
    let file = at.join(format!("{gym}.toml"));
    fs::write(&file, text.replace("tokens_max = 48", &format!("tokens_max = {tokens_max}")))
        .expect("the place is ours");
    file
}

/// A run file whose agent starts from `from` and plays both gyms, with these lines on top.
fn run_file(at: &Path, from: &Path, lines: &str) -> PathBuf {
    GYMS.iter().for_each(|gym| drop(scenario(at, gym, 256)));
    let file = at.join("tools.toml");
    let text = format!(
        "mix = [{{ scenario = \"telepathy.toml\" }}, {{ scenario = \"search.toml\" }}]\nseed = 1\n{lines}\n\
         eval = {{ items = 2, every = 2 }}\n\
         grpo = {{ mode = \"agent\", steps = 2, group_size = 3, group_valid_min = 2, minibatches = 1, groups = {{ fixed = 4 }} }}\n\
         model.from = \"{}\"\n",
        from.display()
    );
    fs::write(&file, text).expect("the place is ours");
    file
}

const COLD_START: &str = "sft = { updates = 20, dialogues = 60, tokens_per_update = 6000, warmup = 1 }";

/// A run with tools, once for all tests that only look at it.
static CALLING: LazyLock<PathBuf> = LazyLock::new(|| {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("calling-{profile}"));
    // Left by the last time; nothing ends with a process.
    let _ = fs::remove_dir_all(&at);
    fs::create_dir_all(&at).expect("the build's own folder takes another one");
    let file = run_file(&at, &base(&at), &format!("{COLD_START}\nmodel.tools = \"template\""));
    duologue(&["train", path(&file), "--out", path(&at.join("run"))]).done();
    at.join("run")
});

fn agent() -> PathBuf {
    CALLING.join("checkpoints/step-000002/agent")
}

/// What the agent was told first, how it was told, and what it did.
fn told(record: &EpisodeRecord) -> (String, Tools, Vec<Option<Act>>) {
    let turns: Vec<_> = record.turns_of(Seat::Agent).collect();
    let brief = turns[0].observed.iter().find(|message| message.from == Source::Brief).expect("it is told its part");
    let acts = turns.iter().map(|turn| turn.decision.act.clone().ok()).collect();
    (brief.text.clone(), record.casting.tools.agent, acts)
}

#[test]
fn the_template_announces_the_tool_and_acts_are_calls() {
    let dialect = Dialect::open(&agent(), Pair::default()).expect("the folder is whole");
    let (mut calls, mut others) = (0, 0);
    for record in records(&CALLING) {
        let (brief, tools, acts) = told(&record);
        assert_eq!((tools, record.casting.tools.user), (Tools::Template, Tools::Prose));
        assert!(!brief.contains("[answer]"), "the brief explains how acts are written: {brief}");
        let first = record.turns_of(Seat::Agent).next().and_then(|turn| turn.decision.generation.as_ref());
        let prompt = dialect.tokenizer().decode(&first.expect("a model plays").prompt);
        assert!(prompt.contains("interact_with_env") && prompt.contains(&brief), "{prompt}");
        // Each gym announces what can be done in it.
        assert_eq!(prompt.contains("shows pages"), record.scenario == "search", "{prompt}");
        let called = acts.iter().filter(|act| matches!(act, Some(Act::Tool { .. }))).count();
        calls += called;
        others += acts.len() - called;
        // A call that cannot be made costs the turn or the talk, and is nobody's fault but the agent's.
        assert_eq!(record.fault, None);
        assert!(record.scores.agent.is_some());
    }
    assert!(calls > 50 && calls > others, "the cold start has taught calls: {calls} of {}", calls + others);
}

#[test]
fn what_was_called_is_learned_as_it_was_sampled() {
    let metrics = lines(&CALLING.join("metrics.jsonl"));
    let steps: Vec<&Value> = metrics.iter().filter(|line| line["phase"] == "grpo").collect();
    assert_eq!(steps.len(), 2);
    for line in steps {
        assert_eq!(line["drift"], 0.0, "{line}");
        assert!(line["agent/logprob_abs_diff_max"].as_f64().is_none_or(|diff| diff == 0.0), "{line}");
    }
    let said = duologue(&["replay", path(&CALLING)]).done();
    assert!(said.contains(" 0 differ"), "{said}");
}

#[test]
fn what_is_handed_to_others_renders_to_what_the_model_read_with_its_tool() {
    let scratch = scratch();
    let dialect = Dialect::open(&agent(), Pair::default()).expect("the folder is whole");
    let exported = |format: &str| {
        let out = scratch.path().join(format);
        duologue(&["export", path(&CALLING), "--format", format, "--seat", "agent", "--out", path(&out)]).done();
        lines(&out)
    };
    let all = records(&CALLING);
    for (line, record) in exported("messages").iter().zip(&all) {
        let messages: Vec<ChatMessage> = serde_json::from_value(line["messages"].clone()).expect("chat messages");
        let tools: Vec<Json> = line["tools"].to_string().parse::<Json>().expect("a list").items();
        let extras = Extras { tools: Some(tools), ..dialect.extras(false) };
        // Up to where the agent speaks first, the text is to the letter that of the recorded ids.
        let turn = record.turns_of(Seat::Agent).next().expect("it speaks");
        let rendered =
            dialect.template().render_with(&messages[..turn.observed.len()], true, &extras).expect("it renders");
        let prompt = &turn.decision.generation.as_ref().expect("a model plays").prompt;
        let sorted = |text: &str| {
            let mut letters: Vec<char> = text.chars().collect();
            letters.sort_unstable();
            letters
        };
        // Keys are sorted in the line, and stand as models know them in the prompt.
        assert_eq!(sorted(&rendered), sorted(&dialect.tokenizer().decode(prompt)));
    }
    let calls = exported("sharegpt");
    let tools = calls[0]["tools"].as_str().expect("a text");
    assert!(
        tools.starts_with("[{\"name\": \"interact_with_env\"") && tools.contains("the content is empty"),
        "{tools}"
    );
}

#[test]
fn a_model_that_has_learned_to_call_is_played_so_wherever_it_goes() {
    let scratch = scratch();
    let file = scenario(scratch.path(), "telepathy", 256);
    let manner = fs::read_to_string(agent().join("manner.json")).expect("the folder says how its model was told");
    assert_eq!(serde_json::from_str::<Value>(&manner).expect("it is JSON")["tools"], "template");
    let model = format!("model:{}", agent().display());
    let out = scratch.path().join("out");
    duologue(&["rollout", path(&file), "--episodes", "3", "--agent", &model, "--out", path(&out)]).done();
    let tools: Vec<Tools> = records(&out).iter().map(|record| told(record).1).collect();
    assert_eq!(tools, [Tools::Template; 3]);
    let tight = scenario(scratch.path(), "search", 32);
    let said = duologue(&["eval", path(&tight), "--agent", &model]).refused();
    assert!(said.contains("`agent.tokens_max` of `search` is 32\nhint: raise it in the scenario"), "{said}");
    // Beside others, each is told as it has learned.
    let eval = ["eval", path(&file), "--agent", &model, "--agent", "scripted:good", "--trials", "1", "--json"];
    let found: Value = serde_json::from_str(&duologue(&eval).done()).expect("it is JSON");
    let runs = found["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["faults"]["infra"], 0, "{}", runs[0]);

    // Another run goes on as the model has learned, unless it says otherwise; talks in prose are told again.
    for (lines, tools) in [("", Tools::Template), ("model.tools = \"prose\"", Tools::Prose)] {
        let talks = format!("{lines}\nsft = {{ updates = 3, warmup = 1, records = [\"{}\"] }}", out.display());
        let file = run_file(scratch.path(), &agent(), &talks);
        let run = scratch.path().join(format!("{tools:?}"));
        let one = [
            "--set",
            "grpo.steps=1",
            "--set",
            "mix=",
            "--set",
            &format!("scenario={}", path(&scratch.path().join("telepathy.toml"))),
        ];
        duologue(&[&["train", path(&file), "--out", path(&run)], &one[..]].concat()).done();
        assert!(records(&run).iter().all(|record| told(record).1 == tools));
        assert_eq!(run.join("checkpoints/step-000001/agent/manner.json").exists(), tools == Tools::Template);
    }
}

/// What is said to a run with tools whose file, and whose base folder's template, were changed so.
fn refused(command: &str, file: impl Fn(&Path, &str) -> String, template: impl Fn(&str) -> String) -> String {
    let scratch = scratch();
    let base = base(scratch.path());
    let words = base.join("chat_template.jinja");
    let source = fs::read_to_string(&words).expect("the family's template");
    fs::write(&words, template(&source)).expect("the place is ours");
    let run = run_file(scratch.path(), &base, "model.tools = \"template\"");
    let text = fs::read_to_string(&run).expect("we wrote it");
    fs::write(&run, file(scratch.path(), &text)).expect("the place is ours");
    duologue(&[command, path(&run)]).refused()
}

#[test]
fn tools_where_there_are_none_are_refused() {
    let haggle = root().join("scenarios/haggle.toml").display().to_string();
    let said = refused("check", |_, text| text.replace("search.toml", &haggle), str::to_owned);
    assert!(
        said.contains("tools.toml:3: model.tools: cannot be `template`: in `haggle` acts are plain talk"),
        "{said}"
    );
    assert!(said.contains("hint: write tools = \"prose\""), "{said}");
}

#[test]
fn a_call_has_to_fit_into_a_turn() {
    let tight = |at: &Path, text: &str| {
        scenario(at, "search", 32);
        text.to_owned()
    };
    let said = refused("plan", tight, str::to_owned);
    assert!(said.contains("tools.toml:3: model.tools: cannot be `template`: a call alone takes "), "{said}");
    assert!(said.contains("`agent.tokens_max` of `search` is 32\nhint: raise it in the scenario"), "{said}");
}

#[test]
fn a_folder_whose_template_ignores_tools_is_refused_with_its_reason() {
    for command in ["plan", "train"] {
        let said = refused(command, |_, text| text.to_owned(), |source| source.replace("if tools", "if false"));
        assert!(
            said.contains("tools.toml:3: model.tools: cannot be `template`: chat template does not do tools: a prompt with the tool"),
            "{said}"
        );
    }
}
