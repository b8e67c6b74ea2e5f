//! `duologue serve`: a model behind OpenAI's protocol, until Ctrl-C.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::anyhow;
use rl::ModelLoader;
use serde_json::Value;
use serde_json::json;
use serve::Limits;
use serve::ServeError;
use serve::Served;
use serve::Server;
use sim::Pair;
use text::Dialect;
use text::Folder;
use text::Manner;
use text::TextError;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::cast;
use crate::failure::Failure;
use crate::flags::ServeFlags;
use crate::stdout::say;

/// File of a model's folder that says how long its context is.
const CONFIG: &str = "config.json";

/// Serves until SIGINT or SIGTERM; a second one ends the wait for answers that are on their way.
///
/// # Errors
/// [`Failure::Input`] if the folder is damaged, the address is taken or the episodes' folder cannot be made, [`Failure::Work`] if the model dies.
pub async fn serve(flags: ServeFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let given = flags.folder.as_deref().or(flags.model.as_deref());
    let given = given.expect("clap lets nobody through without either");
    let served = served(&flags, given, loader)?;
    let (name, context) = (served.name.clone(), served.context);
    let adapters: Vec<String> = served.adapters.iter().map(|(name, _)| name.clone()).collect();
    let limits = Limits { requests_max: flags.requests_max, tokens_max: flags.tokens_max, ..Limits::default() };
    // Before anybody can be told the address: whoever was told may stop us.
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let address = flags.addr.unwrap_or_else(|| format!("{}:{}", flags.host, flags.port));
    let server = Server::bind(served, &address, limits, flags.capture.as_deref()).await.map_err(refused)?;
    let base = format!("http://{}", server.address());
    if flags.json {
        say(json!({ "address": base, "model": name, "adapters": adapters, "context": context }))?;
    } else {
        let all: Vec<&str> = std::iter::once(&name).chain(&adapters).map(String::as_str).collect();
        say(format_args!("serving {} at {base}/v1", all.join(", ")))?;
    }
    let stop = async {
        either(&mut interrupted, &mut terminated).await;
        tracing::warn!("shutting down: answers on their way are finished; again to leave at once");
    };
    let (mut hurried, mut killed) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let hurry = async {
        // The first of them is the one that stopped us.
        either(&mut hurried, &mut killed).await;
        either(&mut hurried, &mut killed).await;
    };
    Ok(server.run(stop, hurry).await.map_err(|error| anyhow!(error))?)
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

fn served(flags: &ServeFlags, given: &Path, loader: &dyn ModelLoader) -> Result<Served, Failure> {
    let wrong = |what: String| {
        let hint = "give the folder of one seat's model, e.g. runs/NAME/checkpoints/step-000030/agent";
        Failure::input(format!("{}: {what}", given.display()), Some(hint))
    };
    let seat = flags.seat.into();
    let folder = config::model_of_seat(given, seat);
    let own = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = flags.name.clone().or_else(own).unwrap_or_else(|| "model".to_owned());
    if flags.adapter.is_empty() {
        let voice = cast::open(&folder, Pair::default(), seat, loader).map_err(wrong)?;
        let context = context(&folder).map_err(wrong)?;
        return Ok(Served { name, adapters: Vec::new(), policy: voice.policy, dialect: voice.dialect, context });
    }
    let folders = adapters(flags, &name, &folder)?;
    let context = context(&folder).map_err(wrong)?;
    let dialect = Dialect::open(&folder, Pair::default()).map_err(|error| wrong(error.to_string()))?;
    let mut policy = loader.dressed(&folder, &folders).map_err(|error| wrong(error.to_string()))?;
    policy.close_with(dialect.close_ids());
    let speaks =
        |adapter: &PathBuf| in_its_manner(adapter, &folder, &dialect).map_err(|error| wrong(error.to_string()));
    let dialects: Vec<Dialect> = folders.iter().map(speaks).collect::<Result<_, _>>()?;
    let adapters = flags.adapter.iter().map(|(name, _)| name.clone()).zip(dialects).collect();
    Ok(Served { name, adapters, policy, dialect, context })
}

/// The dialect of the base in the manner that the adapter has learned in.
fn in_its_manner(adapter: &Path, base: &Path, of_base: &Dialect) -> Result<Dialect, TextError> {
    let manner = Manner::open(adapter)?;
    if manner == *of_base.manner() {
        return Ok(of_base.clone());
    }
    Dialect::of(Folder::open(base)?, Pair::default(), manner)
}

/// The folders of the adapters on the model in `base`, in the order of the flags: whose names differ, and who speak as it does.
fn adapters(flags: &ServeFlags, model: &str, base: &Path) -> Result<Vec<PathBuf>, Failure> {
    let hint = "give the folder of an adapter on the served model, e.g. --adapter agent=runs/NAME/checkpoints/step-000030/agent";
    if config::is_adapter(base) {
        let what = format!("{}: is an adapter itself, and others cannot sit on it", base.display());
        return Err(Failure::input(what, Some("serve its base, and this one with --adapter NAME=DIR too")));
    }
    let mut folders = Vec::new();
    for (number, (name, given)) in flags.adapter.iter().enumerate() {
        let wrong = |what: String| Failure::input(format!("--adapter: {name}={}: {what}", given.display()), Some(hint));
        if name == model || flags.adapter[..number].iter().any(|(other, _)| other == name) {
            return Err(wrong(format!("`{name}` is the name of another")));
        }
        let folder = config::model_of_seat(given, flags.seat.into());
        if !config::is_adapter(&folder) {
            return Err(wrong("there is no adapter_config.json".to_owned()));
        }
        config::speaks_as(&folder, base).map_err(wrong)?;
        // Its base may lie elsewhere by now, or be named as it is on somebody's hub: then the shapes have to fit, and no more is known.
        if let Ok(named) = config::base_of(&folder).inspect_err(|why| tracing::warn!("--adapter {name}: {why}"))
            && fs::canonicalize(&named).ok() != fs::canonicalize(base).ok()
        {
            tracing::warn!("--adapter {name}: it was made on {}, and sits on {} here", named.display(), base.display());
        }
        folders.push(folder);
    }
    Ok(folders)
}

/// Tokens that the model can see at once.
fn context(folder: &Path) -> Result<u32, String> {
    let path = config::base_of(folder)?.join(CONFIG);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let config: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let context = config.get("max_position_embeddings").and_then(Value::as_u64).and_then(|len| u32::try_from(len).ok());
    context.filter(|len| *len > 1).ok_or_else(|| format!("{}: it has no max_position_embeddings", path.display()))
}

fn refused(error: ServeError) -> Failure {
    let hint = match &error {
        ServeError::Listen { .. } => "choose another --host or --port; --port 0 takes any that is free, and prints it",
        ServeError::Capture { .. } => "choose another folder with --capture",
        ServeError::Thread(_) | ServeError::Dead | ServeError::Socket(_) => return anyhow!(error).into(),
    };
    Failure::input(error, Some(hint))
}
