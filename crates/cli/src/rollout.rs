//! `duologue rollout`: plays episodes and shows or stores them.

use std::path::Path;
use std::sync::Arc;

use actors::Journal;
use actors::NoJournal;
use actors::Played;
use rl::ModelLoader;
use runs::Log;
use runs::RunPaths;
use sim::EpisodeId;
use sim::Pair;
use sim::Phase;
use sim::Seat;
use sim::record::Casting;

use crate::cast;
use crate::cast::Cast;
use crate::failure::Failure;
use crate::flags::RolloutFlags;
use crate::progress::Progress;
use crate::remotes::Measuring;
use crate::remotes::Remotes;
use crate::scenario_file;
use crate::stdout::say;
use crate::transcript::transcript;

/// Plays the first episodes of the seed, one item after another.
///
/// # Errors
/// [`Failure::Input`] for wrong files, policies or folders, [`Failure::Work`] if a service died.
pub async fn rollout(flags: RolloutFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let scenario = Arc::new(config::load_scenario(&flags.scenario)?);
    let mut cast = Cast::new();
    let given = Pair { agent: flags.agent.clone(), user: flags.user.clone() };
    let given = given.map(|seat, policy| policy.unwrap_or_else(|| scenario.seats[seat].policy.clone()));
    let mut remotes = Remotes::new(&flags.remote, flags.seed, [&given.agent, &given.user], &[&scenario])?;
    cast.stage(&[&scenario], &mut remotes, Measuring::Panel)?;
    let mut policies = Pair::default();
    for seat in Seat::ALL {
        policies[seat] = cast.add(&scenario, seat, &given[seat], loader, &mut remotes)?;
    }
    let journal = journal(flags.out.as_deref(), std::slice::from_ref(&scenario))?;
    let split = flags.items.into();
    let items = scenario.items.of(split);
    let castings = (0..flags.episodes).map(|number| {
        let id = EpisodeId { phase: Phase::Rollout, round: 0, group: number, trial: 0, member: 1 };
        Casting::new(id, split, number % items, policies.clone())
    });
    let mut troupe = cast.troupe(journal).await?;
    let mut progress = Progress::start("rollout", flags.episodes.into(), 0);
    let tell = |settled| progress.at(settled as u64, "episodes");
    let played = cast::play(&mut troupe, &scenario, flags.seed, castings.collect(), true, tell).await?;
    progress.end();
    troupe.sync().await?;
    troupe.stop().await;
    for played in &played {
        match played {
            Played::Record(record) if flags.json => say(serde_json::to_string(record)?)?,
            Played::Record(record) => {
                say(format_args!("{}  item {}\n{}", record.casting.id, record.item, transcript(record)))?;
            }
            Played::Lost(id, why) => eprintln!("{id} was lost: {why}"),
        }
    }
    remotes.end()
}

/// The folder of the records, with their scenarios beside them so that they can be re-driven.
///
/// # Errors
/// [`Failure::Input`] if there are episodes already, or the folder cannot be written.
pub(crate) fn journal(out: Option<&Path>, scenarios: &[Arc<sim::Scenario>]) -> Result<Box<dyn Journal>, Failure> {
    let Some(out) = out else {
        return Ok(Box::new(NoJournal));
    };
    let paths = RunPaths::new(out);
    if paths.log().exists() {
        let what = format!("{}: there are episodes already", out.display());
        return Err(Failure::input(what, Some("choose another folder with --out")));
    }
    let unwritable = |error: std::io::Error| {
        Failure::input(
            format!("--out: {} cannot be written: {error}", out.display()),
            Some("choose another folder with --out"),
        )
    };
    std::fs::create_dir_all(paths.episodes()).map_err(unwritable)?;
    scenario_file::write(out, scenarios).map_err(unwritable)?;
    let (log, _) = Log::open(&paths.log())?;
    Ok(Box::new(log))
}
