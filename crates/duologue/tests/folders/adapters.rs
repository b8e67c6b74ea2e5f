//! Adapters from the run file to whoever uses them: trained on one base, resumed, measured, handed out, served by name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::thread;

use runs::Hash;
use runs::Manifest;
use serde_json::Value;
use serde_json::json;
use sim::Seat;
use tempfile::TempDir;

use crate::made::duologue;
use crate::made::folder;
use crate::made::root;
use crate::made::run;
use crate::serving::Serving;

const ADAPTER: &str = "adapter_model.safetensors";

/// A base, and what was trained on it: a step of the agent, then one of the user.
struct Trained {
    scratch: TempDir,
    base: PathBuf,
    /// The base's files before.
    untouched: BTreeMap<PathBuf, Vec<u8>>,
    file: PathBuf,
    out: PathBuf,
}

/// Trained once for all tests, which leave it as it is.
static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build's own folder takes another one");
    let base = folder(scratch.path(), "qwen3", "qwen3");
    let untouched = contents(&base);
    let file = run_file(
        scratch.path(),
        "adapters",
        "from = \"qwen3\"\nlora = { rank = 4, alpha = 32, rank_stabilized = true }",
    );
    let out = scratch.path().join("out");
    duologue(&["train", path(&file), "--out", path(&out)]);
    Trained { scratch, base, untouched, file, out }
});

/// A short run of a cold start and two steps, of which the agent learns from the first and the user from the second. Models as small as these get nowhere;
/// what tells their talks apart is how long their turns are.
fn run_file(folder: &Path, name: &str, model: &str) -> PathBuf {
    let file = folder.join(format!("{name}.toml"));
    let text = format!(
        "scenario = \"{}\"\nlimits.device = \"cpu\"\n\
         sft = {{ updates = 2, dialogues = 10, tokens_per_update = 600, warmup = 1, lr = 0.01, probe_min = 0.0 }}\n\
         eval = {{ items = 2, every = 2 }}\n\
         [grpo]\nsteps = 2\nmode = \"alternating\"\nagent_steps = 1\ngroup_size = 8\ngroup_valid_min = 2\nminibatches = 1\nlr = 0.01\nkl_weight = 0.05\n\
         overlong_penalty = 1.0\noverlong_tokens = 40\noverlong_cache = 39\ngroups = {{ mutual = 0, fixed = 4 }}\n\
         [model]\nmax_position_embeddings = 3000\n{model}\n",
        root().join("scenarios/haggle.toml").display()
    );
    fs::write(&file, text).expect("the place is ours");
    file
}

fn path(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

/// Every file below a folder.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
    found
}

impl Trained {
    fn adapter(&self, step: u32, seat: Seat) -> PathBuf {
        self.out.join(format!("checkpoints/step-{step:06}/{seat}"))
    }
}

fn bytes(folder: &Path, file: &str) -> Vec<u8> {
    fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{}/{file}: {error}", folder.display()))
}

fn json_of(folder: &Path, file: &str) -> Value {
    serde_json::from_slice(&bytes(folder, file)).expect("JSON")
}

#[test]
fn who_learns_changes_its_own_adapter_and_neither_the_others_nor_the_base() {
    let trained = &*TRAINED;
    assert!(contents(&trained.base) == trained.untouched, "the base has changed");
    let at = |step, seat, file: &str| bytes(&trained.adapter(step, seat), file);
    for file in [ADAPTER, "optimizer.safetensors"] {
        assert!(at(0, Seat::Agent, file) != at(1, Seat::Agent, file), "{file}: the agent learned from step 1");
        assert!(at(0, Seat::User, file) == at(1, Seat::User, file), "{file}: and the user did not");
        assert!(at(1, Seat::Agent, file) == at(2, Seat::Agent, file), "{file}: the agent did not from step 2");
        assert!(at(1, Seat::User, file) != at(2, Seat::User, file), "{file}: the user did");
    }
    let manifest = Manifest::read(&trained.out.join("manifest.json")).expect("a run");
    for seat in Seat::ALL {
        // The reference of the penalty is the adapter after the cold start.
        assert_eq!(at(2, seat, "reference.safetensors"), at(0, seat, ADAPTER));
        assert_eq!(manifest.cold_start[seat], Some(Hash::of_bytes(&at(0, seat, ADAPTER))));
        let folder = trained.adapter(2, seat);
        assert!(!folder.join("model.safetensors").exists(), "the base is not written again");
        let config = json_of(&folder, "adapter_config.json");
        let base = fs::canonicalize(&trained.base).expect("it is there");
        assert_eq!(config["base_model_name_or_path"], json!(path(&base)));
        assert_eq!((&config["r"], &config["lora_alpha"], &config["use_rslora"]), (&json!(4), &json!(32), &json!(true)));
    }
    assert!(manifest.base.agent.is_some() && manifest.base.agent == manifest.base.user);
}

#[test]
fn a_run_that_is_resumed_comes_to_the_same_bits() {
    let trained = &*TRAINED;
    let copy = trained.scratch.path().join("resumed");
    for (file, text) in contents(&trained.out) {
        let to = copy.join(file.strip_prefix(&trained.out).expect("it lies below"));
        fs::create_dir_all(to.parent().expect("it has one")).expect("the place is ours");
        fs::write(to, text).expect("the place is ours");
    }
    fs::remove_dir_all(copy.join("checkpoints/step-000002")).expect("it was copied");
    duologue(&["train", path(&trained.file), "--out", path(&copy), "--resume"]);
    let below = |run: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let all = contents(&run.join("checkpoints/step-000002"));
        all.into_iter().map(|(file, text)| (file.strip_prefix(run).expect("below").to_owned(), text)).collect()
    };
    let (first, second) = (below(&trained.out), below(&copy));
    assert!(first.keys().eq(second.keys()) && first.len() > 10);
    for (file, text) in first.iter().filter(|(file, _)| file.extension().is_some_and(|kind| kind == "safetensors")) {
        assert!(second[file] == *text, "{}", file.display());
    }
    assert_eq!(bytes(&trained.out, "metrics.jsonl"), bytes(&copy, "metrics.jsonl"));
}

#[test]
fn a_plan_counts_the_base_once_and_moments_of_adapters_alone() {
    let trained = &*TRAINED;
    let plan = duologue(&["plan", path(&trained.file), "--json"]);
    let models = serde_json::from_str::<Value>(&plan).expect("JSON")["models"].clone();
    let numbers = |file: &Path, name: &str| -> u64 {
        let bytes = bytes(file, name);
        let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("a whole file");
        tensors.iter().map(|(_, tensor)| tensor.shape().iter().product::<usize>() as u64).sum()
    };
    let own = numbers(&trained.adapter(2, Seat::User), ADAPTER);
    let under = numbers(&trained.base, "model.safetensors");
    assert_eq!((&models["parameters"], &models["base"]["parameters"]), (&json!(own), &json!(under)));
    assert_eq!((&models["base"]["count"], &models["base"]["bytes"]), (&json!(1), &json!(4 * under)));
    let memory = ["weights", "moments", "gradient", "undo", "reference"].map(|key| models["memory"][key].clone());
    assert_eq!(memory, [4, 8, 4, 0, 4].map(|bytes| json!(bytes * own)));
    let shorter = duologue(&["plan", path(&trained.file), "--json", "--set", "model.dtype=bf16"]);
    let shorter = serde_json::from_str::<Value>(&shorter).expect("JSON")["models"].clone();
    assert_eq!((&shorter["base"]["bytes"], &shorter["base"]["dtype"]), (&json!(2 * under), &json!("bfloat16")));
    let words = duologue(&["plan", path(&trained.file)]);
    assert!(words.contains("one base under all of them, which never changes"), "{words}");
}

/// What the seats say in some talks of these models.
fn said(models: [&Path; 2]) -> Vec<Value> {
    let [agent, user] = models.map(|folder| format!("model:{}", folder.display()));
    let talks = ["rollout", "scenarios/haggle.toml", "--episodes", "3", "--agent", &agent, "--user", &user, "--json"];
    let turns = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("each line is a record");
        let turns = record["turns"].as_array().expect("turns").clone();
        turns.iter().map(|turn| turn["decision"]["generation"]["tokens"].clone()).collect::<Value>()
    };
    duologue(&talks).lines().map(turns).collect()
}

#[test]
fn an_adapter_plays_wherever_a_model_does_and_as_it_does_when_it_is_handed_out() {
    let trained = &*TRAINED;
    let adapters = Seat::ALL.map(|seat| trained.adapter(2, seat));
    let model = |folder: &Path| format!("model:{}", folder.display());
    let [agent, user] = [&adapters[0], &adapters[1]].map(|folder| model(folder));
    let eval = ["eval", "scenarios/haggle.toml", "--limit", "2", "--agent", &agent, "--user", &user, "--json"];
    let eval: Value = serde_json::from_str(&duologue(&eval)).expect("JSON");
    assert_eq!(eval["runs"][0]["episodes"], 2);
    let talks = said([&adapters[0], &adapters[1]]);
    assert_ne!(talks, said([&trained.base, &trained.base]), "the adapters do something");

    let out = trained.scratch.path().join("handed-out");
    for format in ["peft", "hf"] {
        duologue(&["export", path(&trained.out), "--format", format, "--out", path(&out.join(format))]);
        let handed = Seat::ALL.map(|seat| out.join(format).join(seat.name()));
        assert_eq!(talks, said([&handed[0], &handed[1]]), "{format}");
        let card = fs::read_to_string(handed[0].join("README.md")).expect("a card");
        assert!(card.contains(&format!("--format {format}")), "{card}");
    }
    let names = |folder: &Path| -> Vec<String> {
        let all = contents(folder).into_keys();
        all.map(|file| file.file_name().expect("a name").to_string_lossy().into_owned()).collect()
    };
    let texts = ["chat_template.jinja", "tokenizer.json", "tokenizer_config.json"];
    let adapter = ["README.md", "adapter_config.json", ADAPTER, texts[0], texts[1], texts[2]];
    assert_eq!(names(&out.join("peft/agent")), adapter);
    let merged =
        ["README.md", texts[0], "config.json", "generation_config.json", "model.safetensors", texts[1], texts[2]];
    assert_eq!(names(&out.join("hf/user")), merged);
    let refused = run(&["export", path(&trained.base), "--format", "peft", "--out", path(&out.join("none"))]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there is no adapter_config.json"));
}

#[test]
fn a_run_goes_on_with_the_adapters_of_another() {
    let trained = &*TRAINED;
    let file = run_file(trained.scratch.path(), "further", "from = \"out/checkpoints/step-000002\"");
    let out = trained.scratch.path().join("further");
    duologue(&[
        "train",
        path(&file),
        "--out",
        path(&out),
        "--set",
        "sft.updates=0",
        "--set",
        "sft.dialogues=",
        "--set",
        "sft.tokens_per_update=",
        "--set",
        "sft.warmup=",
        "--set",
        "sft.lr=",
        "--set",
        "sft.probe_min=",
    ]);
    for seat in Seat::ALL {
        let begun = out.join(format!("checkpoints/step-000000/{seat}"));
        assert_eq!(bytes(&begun, ADAPTER), bytes(&trained.adapter(2, seat), ADAPTER), "{seat}");
    }
    let at = |step: u32, seat: Seat| bytes(&out.join(format!("checkpoints/step-{step:06}/{seat}")), ADAPTER);
    assert!(Seat::ALL.into_iter().any(|seat| at(0, seat) != at(2, seat)), "nobody has learned");
    assert!(contents(&trained.base) == trained.untouched, "the base has changed");
    let again = run_file(trained.scratch.path(), "again", "from = \"out/checkpoints/step-000002\"\nlora = {}");
    let said = run(&["check", path(&again)]);
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        words.contains("model.lora: has no effect in this run: the folder in `model.from` holds adapters"),
        "{words}"
    );
}

#[test]
fn both_seats_learn_side_by_side_on_a_base_held_in_half_the_memory() {
    let trained = &*TRAINED;
    let out = trained.scratch.path().join("short");
    let sets = ["model.dtype=bf16", "grpo.mode=simultaneous", "grpo.agent_steps=", "grpo.steps=1", "eval.every=1"];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    duologue(&[&["train", path(&trained.file), "--out", path(&out)][..], &sets].concat());
    let at = |step: u32, seat: Seat| bytes(&out.join(format!("checkpoints/step-{step:06}/{seat}")), ADAPTER);
    for seat in Seat::ALL {
        assert!(at(0, seat) != at(1, seat), "{seat}");
        assert_ne!(at(0, seat), bytes(&trained.adapter(0, seat), ADAPTER), "{seat}: short numbers lead elsewhere");
    }
    assert!(contents(&trained.base) == trained.untouched, "the base has changed");
}

#[test]
fn an_adapter_without_its_base_is_refused_by_the_place_it_names() {
    let trained = &*TRAINED;
    let lost = trained.scratch.path().join("lost");
    fs::create_dir(&lost).expect("the place is ours");
    for name in [ADAPTER, "tokenizer.json", "chat_template.jinja"] {
        fs::copy(trained.adapter(2, Seat::Agent).join(name), lost.join(name)).expect("it is there");
    }
    let mut config = json_of(&trained.adapter(2, Seat::Agent), "adapter_config.json");
    config["base_model_name_or_path"] = "Qwen/Qwen3-0.6B".into();
    fs::write(lost.join("adapter_config.json"), config.to_string()).expect("the place is ours");
    let model = format!("model:{}", lost.display());
    let said = run(&["eval", "scenarios/haggle.toml", "--limit", "2", "--agent", &model]);
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(2), "{words}");
    assert!(words.contains("base_model_name_or_path is `Qwen/Qwen3-0.6B`, and there is no such folder"), "{words}");
}

/// The ids of a chat's answer.
fn answer(server: &Serving, model: &str, seed: u32) -> Value {
    let body = json!({
        "model": model, "seed": seed, "max_tokens": 20 + seed, "return_token_ids": true,
        "messages": [{ "role": "user", "content": format!("I offer ${seed}.") }],
    });
    let (status, reply) = server.ask("/v1/chat/completions", &body);
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["model"], model);
    reply["choices"][0]["token_ids"].clone()
}

#[test]
fn a_server_answers_by_the_adapter_that_each_request_names_as_servers_of_their_own_do() {
    let trained = &*TRAINED;
    let adapters = Seat::ALL.map(|seat| trained.adapter(2, seat));
    let named = Seat::ALL.map(|seat| format!("{seat}={}", trained.adapter(2, seat).display()));
    let together =
        Serving::start(&[path(&trained.base), "--name", "base", "--adapter", &named[0], "--adapter", &named[1]]);
    // All at once, so that they are sampled side by side.
    let served = &together;
    let mixed: Vec<(&str, u32, Value)> = thread::scope(|scope| {
        let asked = (0..9u32).map(|seed| (["base", "agent", "user"][seed as usize % 3], seed));
        let asking: Vec<_> =
            asked.map(|(model, seed)| scope.spawn(move || (model, seed, answer(served, model, seed)))).collect();
        asking.into_iter().map(|asking| asking.join().expect("it answers")).collect()
    });
    for (name, folder) in [("base", &trained.base), ("agent", &adapters[0]), ("user", &adapters[1])] {
        let alone = Serving::start(&[path(folder), "--name", name]);
        for (_, seed, ids) in mixed.iter().filter(|(model, ..)| *model == name) {
            assert_eq!(*ids, answer(&alone, name, *seed), "{name}, seed {seed}");
        }
    }
    let body = json!({ "model": "judge", "messages": [{ "role": "user", "content": "hi" }] });
    let (status, refused) = together.ask("/v1/chat/completions", &body);
    assert_eq!((status, &refused["error"]["code"]), (404, &json!("model_not_found")), "{refused}");
}

#[test]
fn a_server_refuses_what_is_no_adapter_on_its_model() {
    let trained = &*TRAINED;
    let adapter = trained.adapter(2, Seat::Agent);
    let (base, named) = (path(&trained.base), format!("agent={}", adapter.display()));
    let refused = |arguments: &[&str], words: &str| {
        let said = run(&[&["serve", "--port", "0"][..], arguments].concat());
        let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.code() == Some(2) && stderr.contains(words), "{arguments:?}: {stderr}");
    };
    refused(&[base, "--adapter", "agent"], "it is NAME=DIR");
    refused(&[base, "--adapter", &format!("x={base}")], "there is no adapter_config.json");
    refused(&[base, "--adapter", &named, "--adapter", &named], "`agent` is the name of another");
    refused(&[base, "--name", "agent", "--adapter", &named], "`agent` is the name of another");
    refused(&[path(&adapter), "--adapter", &named.replace("agent=", "x=")], "is an adapter itself");
}

/// Two ordinary words with each other's ids.
fn swapped(tokenizer: &str) -> String {
    let mut tokenizer: Value = serde_json::from_str(tokenizer).expect("JSON");
    let ids = tokenizer["model"]["vocab"].as_object_mut().expect("entries");
    let [one, other] = ["a", "b"].map(|letter| ids[letter].clone());
    (ids["a"], ids["b"]) = (other, one);
    tokenizer.to_string()
}

#[test]
fn an_adapter_that_learned_other_ids_than_its_base_has_is_refused_wherever_it_is_opened() {
    let trained = &*TRAINED;
    let other = trained.scratch.path().join("other-ids");
    fs::create_dir(&other).expect("the place is ours");
    for (file, text) in contents(&trained.adapter(2, Seat::Agent)) {
        fs::write(other.join(file.file_name().expect("a name")), text).expect("the place is ours");
    }
    let tokenizer = String::from_utf8(bytes(&other, "tokenizer.json")).expect("text");
    let (model, named) = (format!("model:{}", other.display()), format!("x={}", other.display()));
    let base = path(&trained.base);
    let opened = [
        vec!["serve", "--port", "0", path(&other)],
        vec!["serve", "--port", "0", base, "--adapter", &named],
        vec!["rollout", "scenarios/haggle.toml", "--episodes", "1", "--agent", &model],
    ];
    fs::write(other.join("tokenizer.json"), swapped(&tokenizer)).expect("the place is ours");
    for arguments in opened {
        let said = run(&arguments);
        let words = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(2), "{arguments:?}: {words}");
        assert!(
            words.contains("tokenizer.json: it is not its base's") && words.contains("the id of `a` is"),
            "{words}"
        );
    }
    // The same ids, laid out otherwise, are no other language.
    fs::write(other.join("tokenizer.json"), swapped(&swapped(&tokenizer))).expect("the place is ours");
    duologue(&["rollout", "scenarios/haggle.toml", "--episodes", "1", "--agent", &model]);
}
