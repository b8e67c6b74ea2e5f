//! `duologue play`: a person, or a script of acts, takes a seat.
//!
//! ```text
//!  stdin or script ──> hand ──> desk <── guest (a Player) and witness (a Stagehand) <── the actors of one episode
//!                                │
//!                                └──> page: what a person reads        steps: the lines of --json
//! ```

pub mod desk;
pub mod guest;
pub mod hand;
pub mod page;
pub mod step;

use std::pin::pin;
use std::sync::Arc;

use actors::NoJournal;
use actors::Played;
use anyhow::anyhow;
use rl::ModelLoader;
use sim::EpisodeId;
use sim::Pair;
use sim::Phase;
use sim::Scenario;
use sim::Seat;
use sim::record::Casting;
use sim::scenario::Split;
use tokio::sync::mpsc;

use crate::acts::Script;
use crate::cast;
use crate::cast::Cast;
use crate::failure::Failure;
use crate::flags::PlayFlags;
use crate::play::desk::Desk;
use crate::play::guest::Event;
use crate::play::guest::Guest;
use crate::play::guest::Witness;
use crate::play::hand::Hand;
use crate::play::hand::Keyboard;
use crate::play::hand::Place;
use crate::remotes::Measuring;
use crate::remotes::Remotes;

/// What castings call whoever sits down from outside.
const GUEST: &str = "guest";
/// Events that may wait for the desk; there are never more than a turn's.
const EVENTS_MAX: usize = 16;

/// Plays one episode with a guest.
///
/// # Errors
/// [`Failure::Input`] for wrong files, flags or scripts, before anything is played; [`Failure::Work`] if the script leaves the talk before its
/// end, or something broke.
pub async fn play(flags: PlayFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let mut scenario = config::load_scenario(&flags.scenario)?;
    let seat = Seat::from(flags.seat);
    let (split, item) = config::find_item(&scenario, flags.items.map(Split::from), flags.item.as_deref())?;
    let reasons = scenario.seats[seat].reasons;
    let script = flags.script.as_deref().map(|file| Script::read(file, reasons)).transpose()?;
    let mut cast = Cast::new();
    let mut remotes =
        Remotes::new(&flags.remote, flags.seed, [&given(&flags, &scenario)[seat.partner()]], &[&scenario])?;
    cast.stage(&[&scenario], &mut remotes, Measuring::Panel)?;
    let policies = policies(&flags, &scenario, &mut cast, loader, &mut remotes)?;
    // A person may think as long as they like.
    scenario.seats[seat].deadline_ms = None;
    let scenario = Arc::new(scenario);
    let mut events = invite(&mut cast, seat);
    let page = desk::page(flags.json, script.is_some());
    let item_id = scenario.rules.item_id(split, item);
    let partner = &given(&flags, &scenario)[seat.partner()];
    page.text(&format!(
        "{}, item {item_id}: you are the {seat}, and {partner} plays the {}.",
        scenario.name,
        seat.partner()
    ))?;
    if script.is_none() {
        page.text(":help shows what can be said, :quit or Ctrl-D leaves.\n")?;
    }
    let hand = script.map_or_else(|| Hand::Keyboard(Keyboard::open()), Hand::Script);
    let place = Place { seat, reasons, book: scenario.rules.phrasebook(seat), page };
    let mut desk = Desk::new(hand, place, flags.json, item_id);

    // As the item's number in `rollout`, so that the same seed plays the same world.
    let id = EpisodeId { phase: Phase::Rollout, round: 0, group: item, trial: 0, member: 1 };
    let casting = Casting::new(id, split, item, policies);
    let mut troupe = cast.troupe(Box::new(NoJournal)).await?;
    let played = {
        let mut playing = pin!(cast::play(&mut troupe, &scenario, flags.seed, vec![casting], false, |_| {}));
        tokio::select! {
            // What happened before the end is told before the end.
            biased;
            served = desk.serve(&mut events) => served.and_then(|()| Err(anyhow!("the actors are gone").into())),
            played = &mut playing => played.map_err(Failure::from),
        }
    };
    troupe.stop().await;
    let played: Played = played?.pop().ok_or_else(|| anyhow!("one casting was played, and nothing came of it"))?;
    let closed = desk.close(played);
    remotes.end()?;
    closed
}

/// Who was asked for at each seat; at the guest's, the scenario's own, which does not play.
fn given(flags: &PlayFlags, scenario: &Scenario) -> Pair<String> {
    let given = Pair { agent: flags.agent.clone(), user: flags.user.clone() };
    given.map(|seat, policy| policy.unwrap_or_else(|| scenario.seats[seat].policy.clone()))
}

/// Who sits where, as castings say it.
fn policies(
    flags: &PlayFlags,
    scenario: &Scenario,
    cast: &mut Cast,
    loader: &dyn ModelLoader,
    remotes: &mut Remotes,
) -> Result<Pair<String>, Failure> {
    let seat = Seat::from(flags.seat);
    let partner = seat.partner();
    let mine = Pair { agent: &flags.agent, user: &flags.user };
    if mine[seat].is_some() {
        let what = format!("--{seat}: has no effect: the {seat}'s seat is taken by --seat");
        let hint = format!("name whom to meet with --{partner}, or sit there yourself with --seat {partner}");
        return Err(Failure::input(what, Some(&hint)));
    }
    let name = cast.add(scenario, partner, &given(flags, scenario)[partner], loader, remotes)?;
    Ok(Pair::from_fn(|at| if at == seat { GUEST.to_owned() } else { name.clone() }))
}

/// Lets the guest and the witness in, and returns what they tell.
fn invite(cast: &mut Cast, seat: Seat) -> mpsc::Receiver<Event> {
    let (desk, events) = mpsc::channel(EVENTS_MAX);
    let guests = cast.guests();
    let guest_desk = desk.clone();
    let make = move |_: &Casting, seat| Box::new(Guest { seat, desk: guest_desk.clone() }) as Box<dyn actors::Player>;
    guests.players.insert(GUEST.to_owned(), Arc::new(make));
    let watched = guests.clone();
    let witness = move |casting: &Casting| -> Box<dyn actors::Stagehand> {
        Box::new(Witness { desk: desk.clone(), acting: seat, watched: watched.stagehand(casting) })
    };
    guests.stagehand = Some(Arc::new(witness));
    events
}
