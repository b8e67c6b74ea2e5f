//! A seat's model as a folder that `transformers` opens. Our checkpoints have that form already: what is left is to hand out only what is
//! meant for others, to compare it with what was committed, and to say where it comes from.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use rl::ModelLoader;
use runs::Checkpoint;
use runs::CheckpointError;
use runs::Checkpoints;
use runs::DiskError;
use runs::Hash;
use runs::RunPaths;
use runs::copy;
use serde_json::Map;
use serde_json::Value;
use sim::Seat;
use sim::seat::BOTH;

use super::card;
use super::card::Origin;
use super::peft;
use super::weights;
use crate::failure::Failure;
use crate::flags::ExportFlags;
use crate::flags::Format;
use crate::flags::Seats;
use crate::stdout::say;

pub(super) const CONFIG: &str = "config.json";
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
pub(super) const TEMPLATE: &str = "chat_template.jinja";
pub(super) const CARD: &str = "README.md";

/// What a model cannot do without.
const NEEDED: [&str; 3] = [CONFIG, WEIGHTS, TOKENIZER];
/// What is handed out if it is there. Everything else stays: the optimiser's moments, the reference, notes of the run.
const OPTIONAL: [&str; 5] =
    ["generation_config.json", TOKENIZER_CONFIG, "special_tokens_map.json", TEMPLATE, text::manner::MANNER_FILE];

/// Says in a folder of checkpoints what was committed.
const STATE: &str = "state.json";

/// Exports the models of a run's newest or named checkpoint, of a checkpoint, or one model.
///
/// # Errors
/// [`Failure::Input`] if there is no such model or it is damaged, [`Failure::Work`] if it cannot be written.
pub(super) fn export(flags: &ExportFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let models = models(flags)?;
    let parcel = super::begin(&flags.out)?;
    for model in &models {
        let to = model.place(parcel.beside());
        fs::create_dir_all(&to).with_context(|| to.display().to_string())?;
        if flags.format == Format::Peft {
            peft::write(model, &to)?;
        } else if config::is_adapter(&model.folder) {
            peft::merge(model, &to, loader)?;
        } else {
            model.write(&to)?;
        }
    }
    parcel.deliver().map_err(super::undelivered)?;
    for model in &models {
        say(format_args!("{}: {}", model.name(), model.place(&flags.out).display()))?;
    }
    Ok(())
}

/// A model to be exported.
pub(super) struct Model {
    pub(super) folder: PathBuf,
    /// The commit it is from, and whose it is there; `None` for a folder that lies by itself.
    committed: Option<(Checkpoint, Seat)>,
    /// Whether it gets a folder of its seat's name.
    is_one_of_two: bool,
}

/// The models that the flags ask for.
fn models(flags: &ExportFlags) -> Result<Vec<Model>, Failure> {
    let dir = &flags.folder;
    let is_model = dir.join(CONFIG).exists() || config::is_adapter(dir);
    let is_checkpoint = dir.join(STATE).exists();
    if (is_model || is_checkpoint) && flags.checkpoint.is_some() {
        return Err(without_effect("--checkpoint", dir, if is_model { "one model" } else { "one checkpoint" }));
    }
    if is_model {
        return match flags.seat {
            Some(_) => Err(without_effect("--seat", dir, "one model")),
            None => Ok(vec![lone(dir)?]),
        };
    }
    let checkpoint = match (is_checkpoint, RunPaths::new(dir).manifest().exists()) {
        (true, _) => checkpoint_at(dir)?,
        (false, true) => checkpoint_of_run(flags)?,
        (false, false) => {
            let hint = "give a run folder such as runs/NAME, one of its checkpoints, or one seat's model in it";
            return Err(Failure::input(format!("{}: holds no run and no model", dir.display()), Some(hint)));
        }
    };
    of_seats(&checkpoint, flags.seat.unwrap_or(Seats::Both))
}

fn without_effect(flag: &str, dir: &Path, what: &str) -> Failure {
    let hint = "leave it out, or give the run's folder";
    Failure::input(format!("{flag}: has no effect: {} is {what}", dir.display()), Some(hint))
}

fn of_seats(checkpoint: &Checkpoint, seats: Seats) -> Result<Vec<Model>, Failure> {
    // One model of both seats is handed out once.
    let all = if checkpoint.is_of_both() { &Seat::ALL[..1] } else { &Seat::ALL[..] };
    let wanted = seats.only().map_or(all.to_vec(), |seat| vec![seat]);
    let has_model = |seat: &Seat| checkpoint.names_of(*seat).next().is_some();
    let found = wanted.into_iter().filter(has_model).map(|seat| Model {
        folder: checkpoint.seat_folder(seat),
        committed: Some((checkpoint.clone(), seat)),
        is_one_of_two: seats == Seats::Both && !checkpoint.is_of_both(),
    });
    let found: Vec<Model> = found.collect();
    if found.is_empty() {
        let whose = seats.only().map_or("anybody".to_owned(), |seat| format!("the {seat}"));
        let what = format!("{}: holds no model of {whose}", checkpoint.folder.display());
        return Err(Failure::input(what, Some("only seats that learn have one: see grpo.mode in the run's run.toml")));
    }
    Ok(found)
}

/// One model's folder. If it lies in a checkpoint, it is compared with what was committed like any other.
fn lone(dir: &Path) -> Result<Model, Failure> {
    let whole = fs::canonicalize(dir).with_context(|| dir.display().to_string())?;
    let named = |seat: &Seat| whole.ends_with(seat.name()) || whole.ends_with(BOTH);
    let seat = Seat::ALL.into_iter().find(named);
    let around = whole.parent().filter(|around| around.join(STATE).exists());
    let committed = match (seat, around) {
        (Some(seat), Some(around)) => Some((checkpoint_at(around)?, seat)),
        (Some(_) | None, _) => None,
    };
    Ok(Model { folder: dir.to_owned(), committed, is_one_of_two: false })
}

fn checkpoint_at(dir: &Path) -> Result<Checkpoint, Failure> {
    let whole = fs::canonicalize(dir).with_context(|| dir.display().to_string())?;
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let hint = "a checkpoint keeps its name: give the run's folder, and choose with --checkpoint";
    let id = name.parse().map_err(|why: String| Failure::input(format!("{}: {why}", dir.display()), Some(hint)))?;
    Checkpoints::at(whole.parent().unwrap_or(&whole)).load(id).map_err(unusable)
}

fn checkpoint_of_run(flags: &ExportFlags) -> Result<Checkpoint, Failure> {
    let checkpoints = Checkpoints::at(&RunPaths::new(&flags.folder).checkpoints());
    let found = match flags.checkpoint {
        Some(id) => checkpoints.load(id).map(Some),
        None => checkpoints.latest(),
    };
    match found {
        Ok(Some(checkpoint)) => Ok(checkpoint),
        Ok(None) => {
            let what = format!("{}: nothing is committed yet", flags.folder.display());
            Err(Failure::input(what, Some("go on with `duologue train … --resume` until it is")))
        }
        Err(CheckpointError::Unknown { id, .. }) => {
            let names: Vec<String> = checkpoints.list().map_err(unusable)?.iter().map(ToString::to_string).collect();
            let hint = match names.as_slice() {
                [] => "nothing is committed yet".to_owned(),
                names => format!("there are {}", names.join(", ")),
            };
            let what = format!("--checkpoint: {} has no {id}", flags.folder.display());
            Err(Failure::input(what, Some(&hint)))
        }
        Err(error) => Err(unusable(error)),
    }
}

/// A damaged checkpoint is bad input; a disk that fails is not.
fn unusable(error: CheckpointError) -> Failure {
    match error {
        CheckpointError::Disk(_) => error.into(),
        _ => Failure::input(error, Some("choose another with --checkpoint; step-000000 is always kept")),
    }
}

impl Model {
    /// Where in what is handed out.
    fn place(&self, out: &Path) -> PathBuf {
        match &self.committed {
            Some((_, seat)) if self.is_one_of_two => out.join(seat.name()),
            Some(_) | None => out.to_owned(),
        }
    }

    /// As the command's last lines call it.
    fn name(&self) -> String {
        match &self.committed {
            Some((checkpoint, seat)) => format!("{}, {}", checkpoint.model_name(*seat), checkpoint.id),
            None => "model".to_owned(),
        }
    }

    fn write(&self, to: &Path) -> Result<(), Failure> {
        let mut hashes = Vec::new();
        // Of what is handed out as it was; `tokenizer_config.json` is added to.
        for name in NEEDED.into_iter().chain(OPTIONAL) {
            match self.copy(name, to)? {
                Some(_) if name == TOKENIZER_CONFIG => {}
                Some(hash) => hashes.push((name, hash)),
                None if NEEDED.contains(&name) => {
                    let what = format!("{}: there is no {name}", self.folder.display());
                    return Err(Failure::input(what, Some("only models in Hugging Face's form can be handed on")));
                }
                None => {}
            }
        }
        self.finish(to, &hashes)
    }

    /// Adds what others look for beside the files that lie there, and the card, which names them with these hashes.
    pub(super) fn finish(&self, to: &Path, hashes: &[(&str, Hash)]) -> Result<(), Failure> {
        let numbers = weights::count(&to.join(WEIGHTS)).map_err(|why| self.damaged(WEIGHTS, &why))?;
        let object = |file: &str| read_object(&to.join(file)).map_err(|why| self.damaged(file, &why));
        let given = if to.join(TOKENIZER_CONFIG).exists() { object(TOKENIZER_CONFIG)? } else { Map::new() };
        let template = fs::read_to_string(to.join(TEMPLATE)).ok();
        let tokenizer_config = tokenizer_config(given, &object(CONFIG)?, &object(TOKENIZER)?, template);
        write_text(to, TOKENIZER_CONFIG, &format!("{tokenizer_config:#}\n"))?;
        write_text(to, CARD, &card::card(&self.origin()?, numbers, hashes))
    }

    /// Where it comes from.
    pub(super) fn origin(&self) -> Result<Origin, Failure> {
        match &self.committed {
            Some((checkpoint, seat)) => Origin::of(checkpoint, *seat),
            None => Ok(Origin::default()),
        }
    }

    pub(super) fn damaged(&self, file: &str, why: &str) -> Failure {
        let what = format!("{}: {why}", self.folder.join(file).display());
        Failure::input(what, Some("the folder is damaged: give another one"))
    }

    /// Copies a file and says what was in it; `None` if there is none.
    pub(super) fn copy(&self, name: &str, to: &Path) -> Result<Option<Hash>, Failure> {
        let copied = match &self.committed {
            Some((checkpoint, seat)) if checkpoint.names_of(*seat).any(|committed| committed == name) => {
                checkpoint.copy(*seat, name, &to.join(name)).map_err(unusable)?
            }
            Some(_) => return Ok(None),
            None if !self.folder.join(name).exists() => return Ok(None),
            None => copy::copy(&self.folder.join(name), &to.join(name))
                .map_err(|error: DiskError| anyhow::anyhow!(error))?,
        };
        Ok(Some(copied.hash))
    }
}

/// `tokenizer_config.json` with all that tools look for in it. Those that do not know `chat_template.jinja` take the template from here.
fn tokenizer_config(
    mut given: Map<String, Value>,
    config: &Map<String, Value>,
    tokenizer: &Map<String, Value>,
    template: Option<String>,
) -> Value {
    let word = |key: &str| {
        let id = config.get(key).and_then(Value::as_u64)?;
        let mut added = tokenizer.get("added_tokens").and_then(Value::as_array).into_iter().flatten();
        added.find(|token| token["id"] == id).map(|token| token["content"].clone())
    };
    let known = [
        ("tokenizer_class", Some("PreTrainedTokenizerFast".into())),
        ("eos_token", word("eos_token_id")),
        ("pad_token", word("pad_token_id")),
        ("model_max_length", config.get("max_position_embeddings").cloned()),
        ("chat_template", template.map(Value::String)),
    ];
    for (key, value) in known {
        if let Some(value) = value {
            given.entry(key).or_insert(value);
        }
    }
    Value::Object(given)
}

fn read_object(file: &Path) -> Result<Map<String, Value>, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("is no JSON object: {error}"))
}

pub(super) fn write_text(folder: &Path, file: &str, text: &str) -> Result<(), Failure> {
    let path = folder.join(file);
    Ok(fs::write(&path, text).with_context(|| path.display().to_string())?)
}
