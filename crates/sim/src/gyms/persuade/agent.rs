//! Scripts that argue: pure functions of what the agent sees, of what people worry about, and of addressed draws.

use serde::Deserialize;
use serde::Serialize;

use super::catalogue::CRUXES;
use super::catalogue::concern;
use super::catalogue::concern_named;
use super::catalogue::matter_of;
use super::catalogue::touched;
use super::view::AgentView;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;

/// Who argues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// One argument after the other that such claims call for, and deaf to what is said.
    Rule,
    /// Any argument about anything.
    Random,
    /// Answers the concern that the user has named.
    Good,
    /// Contradicts.
    Bad,
    /// Every argument there is, at once.
    Spam,
    /// The cold start's teacher: by talks careless, deaf and listening, in words of its own.
    Noisy,
}

/// The turn number under which a script draws what it keeps for the whole episode.
const WHOLE_EPISODE: u32 = u32::MAX;

impl Kind {
    /// All kinds with their names.
    pub const ALL: [(&'static str, Kind); 6] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Good),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:noisy", Kind::Noisy),
    ];

    /// What it says at the agent's turn with this number.
    #[must_use]
    pub fn act(self, view: &AgentView, seat: Seat, turn: u32, address: Address) -> String {
        let mut draws = address.draws(Stream::Rule(seat, turn));
        let said = match self {
            Kind::Rule => about(deaf(view, &candidates(view)), [0, 1]),
            Kind::Good => about(listening(view, &candidates(view)), [0, 1]),
            Kind::Random => about(draws.range(0, CRUXES.len() as i64 - 1) as u8, keywords(&mut draws)),
            Kind::Bad => "You are wrong about that, and everybody knows it.".to_owned(),
            Kind::Spam => CRUXES.iter().flatten().copied().collect::<Vec<_>>().join(" "),
            Kind::Noisy => {
                let mut whole = address.draws(Stream::Rule(seat, WHOLE_EPISODE));
                let level = whole.uniform();
                let mut order = candidates(view);
                whole.shuffle(&mut order);
                let crux = match level {
                    careless if careless < 0.15 => draws.range(0, CRUXES.len() as i64 - 1) as u8,
                    plain if plain < 0.4 => deaf(view, &order),
                    _ => listening(view, &order),
                };
                about(crux, keywords(&mut draws))
            }
        };
        format!("[answer] {said}")
    }
}

/// What beliefs in such a claim may rest on; anything, for a claim that is not of our own making.
fn candidates(view: &AgentView) -> Vec<u8> {
    match matter_of(&view.claim) {
        Some(matter) => matter.cruxes.to_vec(),
        None => (0..CRUXES.len() as u8).collect(),
    }
}

/// The first that was not argued yet; the first of all once everything was.
fn deaf(view: &AgentView, candidates: &[u8]) -> u8 {
    untried(view, candidates).next().unwrap_or(candidates[0])
}

/// The first of the concern that was named last, or else the first that was not argued yet.
fn listening(view: &AgentView, candidates: &[u8]) -> u8 {
    let named = view.exchanges.last().and_then(|exchange| concern_named(&exchange.reply));
    let fitting = untried(view, candidates).find(|crux| Some(concern(*crux)) == named);
    fitting.unwrap_or_else(|| deaf(view, candidates))
}

fn untried<'v>(view: &'v AgentView, candidates: &'v [u8]) -> impl Iterator<Item = u8> + 'v {
    let tried: Vec<u8> = view.exchanges.iter().flat_map(|exchange| touched(&exchange.argument)).collect();
    candidates.iter().copied().filter(move |crux| !tried.contains(crux))
}

/// Two different keywords of four.
fn keywords(draws: &mut Draws) -> [usize; 2] {
    let mut order = [0, 1, 2, 3];
    draws.shuffle(&mut order);
    [order[0], order[1]]
}

fn about(crux: u8, keywords: [usize; 2]) -> String {
    let [one, other] = keywords.map(|keyword| CRUXES[usize::from(crux)][keyword]);
    format!("Think of the {one} and the {other}: they speak against it.")
}
