//! `[model]`: what each seat's model is, from nothing or from a folder.

use std::path::Path;
use std::path::PathBuf;

use rl::AdapterSettings;
use rl::LoraShape;
use rl::Seats;
use rl::settings::BaseFolder;
use rl::settings::Dtype;
use rl::settings::ModelShape;
use rl::settings::RunSettings;
use rl::settings::UpdateMode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::Thinking;
use sim::Tools;

use crate::allowed::Allowed;
use crate::check::Check;
use crate::demand::Says;
use crate::model_folder;
use crate::model_folder::Identities;
use crate::run::lora;
use crate::run::lora::LoraFile;

/// Longest streams of a model from a folder, unless the run says otherwise: theirs are often longer than any talk, and all of it has to fit into one
/// micro-batch.
const STREAM: i64 = 4096;
const CONFIG: &str = "config.json";
const DTYPES: [(&str, Dtype); 2] = [("f32", Dtype::F32), ("bf16", Dtype::Bf16)];
/// Says how the folder's model was spoken with when it learned; not there, if as usual.
const MANNER: &str = "manner.json";
const THINKING: [(&str, Thinking); 2] = [("keep", Thinking::Keep), ("strip", Thinking::Strip)];
const SEATS: [(&str, Seats); 2] = [("apart", Seats::Apart), ("one", Seats::One)];
const TOOLS: [(&str, Tools); 2] = [("prose", Tools::Prose), ("template", Tools::Template)];
/// Keys that a folder decides.
const SHAPE: [&str; 10] = [
    "model.hidden_size",
    "model.num_hidden_layers",
    "model.num_attention_heads",
    "model.num_key_value_heads",
    "model.head_dim",
    "model.intermediate_size",
    "model.tie_word_embeddings",
    "model.rope_theta",
    "model.rms_norm_eps",
    "model.vocab_max",
];

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct ModelFile {
    /// A folder to start from, in place of random weights: of a model as Hugging Face writes it, or of a checkpoint, each seat from its own. Its
    /// shape, its tokenizer and its chat template are then the folder's. A path starts at this file's folder.
    from: Option<String>,
    /// Adapters learn in place of the folder's weights, which stay as they are: both seats' lie on one base, in memory once. Only with `from`. Left out:
    /// the weights learn themselves, or the adapter in `from`, if that is one.
    lora: Option<LoraFile>,
    /// Whether each seat has weights of its own, `apart`, or `one` model speaks for both, told apart by what each is told: one cold start over both seats'
    /// samples, and one update a step over both seats' batches. Only with `grpo.mode = "simultaneous"`.
    seats: Option<String>,
    /// What the weights are held and computed in. In bf16 they learn by float32 masters, which the learner keeps beside them; adapters over them are
    /// float32.
    dtype: Option<String>,
    /// What becomes of a seat's earlier thoughts: they stay in what its model reads, or go where the folder's chat template drops them, and each turn
    /// is then a sample of its own. Only with `from`, and by default what the folder's model has learned with, which is `keep` unless it says otherwise.
    thinking: Option<String>,
    /// How an agent is told what it may do: in the words of its brief, and it writes its acts; or by the folder's chat template, as a tool, and its acts
    /// are calls. Only with `from`, in gyms whose acts are calls, and by default as the folder's model has learned, which is `prose` unless it says otherwise.
    tools: Option<String>,
    /// Width of the residual stream.
    hidden_size: Option<i64>,
    /// Layers.
    num_hidden_layers: Option<i64>,
    /// Query heads.
    num_attention_heads: Option<i64>,
    /// Key and value heads; divides the query heads.
    num_key_value_heads: Option<i64>,
    /// Width of one head; even, since the rotary embedding turns its channels in pairs.
    head_dim: Option<i64>,
    /// Width of the gated feed-forward layer.
    intermediate_size: Option<i64>,
    /// Tokens of the longest stream; more than a seat's `tokens_max` in the scenario, and no more than the folder's with `from`.
    max_position_embeddings: Option<i64>,
    /// Whether the output layer is the embedding.
    tie_word_embeddings: Option<bool>,
    /// Base of the rotary embedding's wavelengths.
    rope_theta: Option<f64>,
    /// Epsilon of RMSNorm.
    rms_norm_eps: Option<f64>,
    /// Most entries of the tokenizer that is trained for the model.
    vocab_max: Option<i64>,
}

/// What a folder to start from says of its models.
struct Found {
    shape: ModelShape,
    models: Pair<Option<String>>,
    /// Where their weights lie: under adapters, elsewhere.
    bases: Pair<PathBuf>,
    /// Of the adapters, if that is what they are.
    adapters: Option<LoraShape>,
    /// What became of earlier thoughts, and how they were told what they may do, when they learned.
    learned: (Thinking, Tools),
}

/// Whether each seat has weights of its own.
pub(super) fn seats(check: &mut Check<'_>, file: &ModelFile) -> Seats {
    check.word("model.seats", file.seats.as_deref(), &SEATS)
}

/// What one model for both seats cannot be.
pub(super) fn one_for_both(check: &mut Check<'_>, settings: &RunSettings) {
    if settings.seats == Seats::Apart {
        return;
    }
    let mode = match settings.grpo.mode {
        UpdateMode::Simultaneous => None,
        UpdateMode::Only(seat) => Some(seat.name()),
        UpdateMode::Alternating { .. } => Some("alternating"),
    };
    if let Some(mode) = mode {
        let what =
            format!("cannot be `one` with `grpo.mode = \"{mode}\"`: whenever one seat learns, the other has changed");
        check.error("model.seats", what, "write grpo.mode = \"simultaneous\", or leave the seats apart");
    }
    if let Some(base) = settings.base.as_ref().filter(|base| base.models.agent != base.models.user) {
        let what = format!("cannot be `one` here: {} does not hold one model for both seats", base.path.display());
        let hint =
            "name the folder of one model in `model.from`, e.g. the checkpoint's agent/, or leave the seats apart";
        check.error("model.seats", what, hint);
    }
}

/// The shape of each seat's model, what it is held in if it learns itself, and the folder that it starts from, if it does.
pub(super) fn model(check: &mut Check<'_>, mut file: ModelFile) -> (ModelShape, Dtype, Option<BaseFolder>) {
    let wanted = lora::lora(check, file.lora.take().unwrap_or_default());
    let wanted = check.has("model.lora").then_some(wanted);
    let dtype = check.word("model.dtype", file.dtype.as_deref(), &DTYPES);
    let thinking = check.word_optional("model.thinking", file.thinking.as_deref(), &THINKING);
    let tools = check.word_optional("model.tools", file.tools.as_deref(), &TOOLS);
    let Some(written) = file.from.clone() else {
        check.without_effect("model.lora", wanted, "only with `model.from` is there anything to sit beside");
        check.without_effect(
            "model.thinking",
            file.thinking.as_ref(),
            "models from nothing have a template that keeps all thoughts",
        );
        check.without_effect("model.tools", file.tools.as_ref(), "models from nothing have a template without tools");
        return (fresh(check, file), dtype, None);
    };
    let (positions, path) = (file.max_position_embeddings, check.folder_of("model.from").join(&written));
    for key in SHAPE {
        check.without_effect(key, check.has(key).then_some(()), "the folder in `model.from` decides");
    }
    match read(&path) {
        Ok(Found { mut shape, models, bases, adapters, learned }) => {
            shape.max_position_embeddings = stream(check, positions, shape.max_position_embeddings);
            if adapters.is_some() {
                let because = "the folder in `model.from` holds adapters, which go on learning";
                check.without_effect("model.lora", wanted.as_ref(), because);
            }
            let adapters = adapters.or(wanted).map(|shape| AdapterSettings { shape, dtype, bases });
            let learns = if adapters.is_some() { Dtype::F32 } else { dtype };
            let (thinking, tools) = (thinking.unwrap_or(learned.0), tools.unwrap_or(learned.1));
            (shape, learns, Some(BaseFolder { path, models, adapters, thinking, tools }))
        }
        Err(why) => {
            let hint = "name a folder with config.json, tokenizer.json and weights in it, or a checkpoint's";
            check.error("model.from", format!("`{written}` cannot be read: {why}"), hint);
            (fresh(check, ModelFile::default()), dtype, None)
        }
    }
}

fn stream(check: &mut Check<'_>, given: Option<i64>, most: i64) -> i64 {
    let room = Allowed::between(64.0, most as f64, "the folder's model has no more positions, and a talk has to fit");
    check.whole("model.max_position_embeddings", given, most.min(STREAM), room)
}

fn read(path: &Path) -> Result<Found, String> {
    let folders = Pair::from_fn(|seat| model_folder::model_of_seat(path, seat));
    let holds_model = |folder: &Path| folder.join(CONFIG).exists() || model_folder::is_adapter(folder);
    let (mut identities, mut bases) = (Identities::default(), folders.clone());
    let (mut models, mut kinds, mut manners) = (Pair::default(), Vec::new(), Vec::new());
    for seat in Seat::ALL.into_iter().filter(|seat| holds_model(&folders[*seat])) {
        let folder = &folders[seat];
        bases[seat] = model_folder::base_of(folder)?;
        let adapter = model_folder::is_adapter(folder).then(|| lora::of_folder(folder)).transpose()?;
        kinds.push((shape(&bases[seat])?, adapter));
        manners.push(manner(folder)?);
        models[seat] = Some(identities.of(folder)?);
    }
    kinds.dedup();
    manners.dedup();
    match (kinds.len(), &manners[..]) {
        (0, _) => Err(format!("{}: there is no such file", path.join(CONFIG).display())),
        (1, [learned]) => {
            let (shape, adapters) = kinds.remove(0);
            Ok(Found { shape, models, bases, adapters, learned: *learned })
        }
        (1, [one, other, ..]) if one.0 != other.0 => {
            Err("of its agent and its user only one has learned without its earlier thoughts".to_owned())
        }
        (1, _) => Err("of its agent and its user only one has learned with tools".to_owned()),
        _ => Err("its agent and its user have models of two shapes".to_owned()),
    }
}

/// One model has to know for whom it speaks, and a template announces the tools of gyms that have some.
pub(super) fn against_scenario(check: &mut Check<'_>, settings: &RunSettings, scenario: &Scenario) {
    if settings.seats == Seats::One && !scenario.rules.tells_seats_apart() {
        let what = format!(
            "cannot be `one`: what the seats of `{}` are told before they speak does not say which of the two they are",
            scenario.name
        );
        check.error("model.seats", what, "write world.brief = \"short\" in the scenario, or leave the seats apart");
    }
    let with_tools = settings.base.as_ref().is_some_and(|base| base.tools == Tools::Template);
    if !with_tools || !check.has("model.tools") || scenario.rules.toolkit(Seat::Agent).is_some() {
        return;
    }
    let gym = scenario.rules.name();
    let what = format!("cannot be `template`: in `{gym}` acts are plain talk, and there is no tool to announce");
    check.error("model.tools", what, "write tools = \"prose\", or play a gym of UserRL's: its agent has one");
}

/// What became of earlier thoughts, and how it was told what it may do, when the folder's model learned.
fn manner(folder: &Path) -> Result<(Thinking, Tools), String> {
    let file = folder.join(MANNER);
    if !file.exists() {
        return Ok((Thinking::Keep, Tools::Prose));
    }
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let manner: Value = serde_json::from_str(&text).map_err(|error| format!("{MANNER}: {error}"))?;
    let known = THINKING.into_iter().find(|(word, _)| manner["thinking"] == *word);
    let (_, thinking) = known.ok_or_else(|| format!("{MANNER}: thinking is neither \"keep\" nor \"strip\""))?;
    let known = TOOLS.into_iter().find(|(word, _)| manner["tools"] == *word);
    // Files of before there was a choice.
    let known = if manner["tools"].is_null() { Some(TOOLS[0]) } else { known };
    let (_, tools) = known.ok_or_else(|| format!("{MANNER}: tools is neither \"prose\" nor \"template\""))?;
    Ok((thinking, tools))
}

/// What `config.json` says, by Hugging Face's names. Whether the weights fit it is found out when they are loaded.
fn shape(folder: &Path) -> Result<ModelShape, String> {
    let file = folder.join(CONFIG);
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let config: Value = serde_json::from_str(&text).map_err(|error| format!("config.json: {error}"))?;
    let rope = |key: &str| [&config, &config["rope_parameters"]].into_iter().find_map(|at| at[key].as_f64());
    let number = |key: &str| config[key].as_i64();
    let needed = |key: &str| number(key).filter(|n| *n > 0).ok_or_else(|| format!("config.json: {key} is missing"));
    let (width, heads) = (needed("hidden_size")?, needed("num_attention_heads")?);
    Ok(ModelShape {
        hidden_size: width,
        num_hidden_layers: needed("num_hidden_layers")?,
        num_attention_heads: heads,
        num_key_value_heads: number("num_key_value_heads").unwrap_or(heads),
        head_dim: number("head_dim").unwrap_or(width / heads),
        intermediate_size: needed("intermediate_size")?,
        max_position_embeddings: needed("max_position_embeddings")?,
        tie_word_embeddings: config["tie_word_embeddings"].as_bool().unwrap_or(false),
        rope_theta: rope("rope_theta").unwrap_or(10_000.0),
        rms_norm_eps: config["rms_norm_eps"].as_f64().unwrap_or(1e-6),
        vocab_max: usize::try_from(needed("vocab_size")?).unwrap_or(usize::MAX),
    })
}

fn fresh(check: &mut Check<'_>, file: ModelFile) -> ModelShape {
    let ModelFile {
        from: _,
        lora: _,
        seats: _,
        dtype: _,
        thinking: _,
        tools: _,
        hidden_size,
        num_hidden_layers,
        num_attention_heads,
        num_key_value_heads,
        head_dim,
        intermediate_size,
        max_position_embeddings,
        tie_word_embeddings,
        rope_theta,
        rms_norm_eps,
        vocab_max,
    } = file;
    let width = Allowed::between(8.0, 65_536.0, "it is a width of the model");
    let layers = Allowed::between(1.0, 256.0, "it is a number of layers");
    let heads = Allowed::between(1.0, 256.0, "it is a number of heads");
    let head_width =
        Allowed::between(2.0, 1024.0, "it is the width of one head, turned in pairs by the rotary embedding");
    let context = Allowed::between(64.0, 1_048_576.0, "a talk with its briefing has to fit into it");
    let theta = Allowed::above(1.0, 1e9, "it is the base of the rotary embedding's wavelengths");
    let eps = Allowed::above(0.0, 0.1, "it keeps RMSNorm from dividing by 0");
    let vocab = Allowed::between(64.0, 262_144.0, "it is the number of entries a tokenizer may have");
    let shape = ModelShape {
        hidden_size: check.whole("model.hidden_size", hidden_size, 128, width),
        num_hidden_layers: check.whole("model.num_hidden_layers", num_hidden_layers, 3, layers),
        num_attention_heads: check.whole("model.num_attention_heads", num_attention_heads, 4, heads),
        num_key_value_heads: check.whole("model.num_key_value_heads", num_key_value_heads, 4, heads),
        head_dim: check.whole("model.head_dim", head_dim, 32, head_width),
        intermediate_size: check.whole("model.intermediate_size", intermediate_size, 352, width),
        max_position_embeddings: check.whole("model.max_position_embeddings", max_position_embeddings, 512, context),
        tie_word_embeddings: check.flag("model.tie_word_embeddings", tie_word_embeddings, true),
        rope_theta: check.number("model.rope_theta", rope_theta, 10_000.0, theta),
        rms_norm_eps: check.number("model.rms_norm_eps", rms_norm_eps, 1e-6, eps),
        vocab_max: check.whole("model.vocab_max", vocab_max, 2048, vocab),
    };
    heads_fit(check, &shape);
    shape
}

fn heads_fit(check: &mut Check<'_>, shape: &ModelShape) {
    check.demand("model.head_dim", Says::Multiple(2));
    if shape.head_dim % 2 != 0 {
        let what = format!("cannot be {}: the rotary embedding turns a head's channels in pairs", shape.head_dim);
        check.error("model.head_dim", what, "it is an even number; the default is 32");
    }
    let (queries, keys) = (shape.num_attention_heads, shape.num_key_value_heads);
    if keys < 1 || queries % keys != 0 {
        let what =
            format!("cannot be {keys}: each key and value head serves the same number of the {queries} query heads");
        let divisors = (1..=queries).filter(|n| queries % n == 0).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        check.error("model.num_key_value_heads", what, format!("it is one of {divisors}"));
    }
}
