//! Scripts that plan: pure functions of what the agent sees, and of addressed draws. They understand every sentence of the catalogue, as
//! anybody who knows the language does, and see no wish that was not told.

use serde::Deserialize;
use serde::Serialize;

use super::Aspect;
use super::Offer;
use super::items::CORRECT;
use super::items::NUMBER_MAX;
use super::topic::TOPICS;
use super::topic::topics;
use super::view::AgentView;
use super::view::Listing;
use super::view::Need;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;

/// Who plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Searches for everything, asks about all aspects by turns, and chooses what meets all that it heard.
    Rule,
    /// Anything at all.
    Random,
    /// Searches, asks and chooses for one aspect after the other, and asks no more once only three options meet all that it heard: so many
    /// do on every trip.
    Good,
    /// Searches, asks for nothing in particular, and chooses the cheapest.
    Bad,
    /// Says all words at once, and chooses option after option.
    Spam,
    /// The cold start's teacher: by turns careless, plain and good.
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

    /// The act of the agent's turn with this number, written with its prefix.
    #[must_use]
    pub fn act(self, view: &AgentView, seat: Seat, turn: u32, address: Address) -> String {
        let mut draws = address.draws(Stream::Rule(seat, turn));
        match self {
            Kind::Rule => by_turns(view, turn),
            Kind::Random => random(view, &mut draws),
            Kind::Good => one_by_one(view, turn),
            Kind::Bad => careless(view, turn),
            Kind::Spam => spam(turn),
            Kind::Noisy => noisy(view, turn, &mut address.draws(Stream::Rule(seat, WHOLE_EPISODE)), &mut draws),
        }
    }
}

/// Searches for what is not listed, then asks about all aspects by turns, as long as turns are left to choose, then chooses.
fn by_turns(view: &AgentView, turn: u32) -> String {
    let plan = Plan::of(view, turn);
    if let Some(need) = plan.open.iter().find(|need| listing(view, need.aspect).is_none()) {
        return if plan.has_time() { search(need) } else { choose(view, need.aspect) };
    }
    let questions = (0..TOPICS).flat_map(|topic| plan.open.iter().map(move |need| question(need.aspect, topic)));
    let unasked = questions.into_iter().find(|question| !is_asked(view, question)).filter(|_| plan.has_time());
    unasked.unwrap_or_else(|| plan.open.first().map_or_else(finish, |need| choose(view, need.aspect)))
}

/// All for one aspect, then all for the next, as long as turns are left to search and choose for the rest.
fn one_by_one(view: &AgentView, turn: u32) -> String {
    let plan = Plan::of(view, turn);
    let Some(need) = plan.open.first() else {
        return finish();
    };
    let Some(listing) = listing(view, need.aspect) else {
        return if plan.has_time() { search(need) } else { choose(view, need.aspect) };
    };
    let heard = heard(view, need.aspect);
    let meets = |offer: &&Offer| heard.iter().all(|(topic, value)| offer.values[*topic] == *value);
    let is_settled = listing.offers.iter().filter(meets).count() <= CORRECT;
    let mut questions = (0..TOPICS).map(|topic| question(need.aspect, topic));
    let unasked = questions.find(|question| !is_asked(view, question));
    match unasked.filter(|_| !is_settled && plan.has_time_for_searches(view)) {
        Some(question) => question,
        None => choose(view, need.aspect),
    }
}

/// What is left to do, and how many turns there are for it.
struct Plan<'v> {
    open: Vec<&'v Need>,
    left: usize,
}

impl<'v> Plan<'v> {
    fn of(view: &'v AgentView, turn: u32) -> Plan<'v> {
        let open = view.needs.iter().filter(|need| !view.chosen.contains(&need.aspect)).collect();
        Plan { open, left: view.turns_max.saturating_sub(turn) as usize }
    }

    /// Whether there are more turns than choices to make.
    fn has_time(&self) -> bool {
        self.left > self.open.len()
    }

    /// Whether there are more turns than choices and searches to make.
    fn has_time_for_searches(&self, view: &AgentView) -> bool {
        let unlisted = self.open.iter().filter(|need| listing(view, need.aspect).is_none()).count();
        self.left > self.open.len() + unlisted
    }
}

fn listing(view: &AgentView, aspect: Aspect) -> Option<&Listing> {
    view.listings.iter().find(|listing| listing.aspect == aspect)
}

fn is_asked(view: &AgentView, question: &str) -> bool {
    let said = question.trim_start_matches("[action] ");
    view.exchanges.iter().any(|exchange| exchange.said == said)
}

fn finish() -> String {
    "[finish]".to_owned()
}

fn search(need: &Need) -> String {
    let details: Vec<String> =
        need.arguments.iter().map(|argument| format!("{} {}", argument.name, argument.value)).collect();
    format!("[search] {}: {}", need.aspect.spoken(), details.join(", "))
}

fn question(aspect: Aspect, topic: usize) -> String {
    format!("[action] For the {}, what would you like as to the {}?", aspect.spoken(), topics(aspect)[topic].name)
}

/// The cheapest listed option that meets all that was heard; if none does, the one that misses least of it.
fn choose(view: &AgentView, aspect: Aspect) -> String {
    let Some(Listing { offers, .. }) = listing(view, aspect) else {
        return format!("[answer] {}1", aspect.letter());
    };
    let heard = heard(view, aspect);
    let missed = |offer: &Offer| heard.iter().filter(|(topic, value)| offer.values[*topic] != *value).count();
    let best = offers.iter().min_by_key(|offer| (missed(offer), offer.cost));
    format!("[answer] {}{}", aspect.letter(), best.map_or(1, |offer| offer.number))
}

/// What the user let show about an aspect: topics with values.
fn heard(view: &AgentView, aspect: Aspect) -> Vec<(usize, u8)> {
    let replies: Vec<&str> = view.exchanges.iter().map(|exchange| exchange.reply.as_str()).collect();
    let mut heard = Vec::new();
    for (topic, known) in topics(aspect).iter().enumerate() {
        for (value, known) in (0..).zip(&known.values) {
            if known.hints.iter().any(|hint| replies.iter().any(|reply| reply.contains(hint))) {
                heard.push((topic, value));
            }
        }
    }
    heard
}

fn random(view: &AgentView, draws: &mut Draws) -> String {
    let need = draws.pick(&view.needs);
    match draws.uniform() {
        share if share < 0.3 => search(need),
        share if share < 0.8 => question(*draws.pick(&Aspect::ALL), draws.range(0, TOPICS as i64 - 1) as usize),
        _ => format!("[answer] {}{}", need.aspect.letter(), draws.range(1, i64::from(NUMBER_MAX))),
    }
}

/// Asks a few times for nothing in particular, and hears only what is brought up by itself, which it does not use.
fn careless(view: &AgentView, turn: u32) -> String {
    let unlisted = view.needs.iter().find(|need| listing(view, need.aspect).is_none());
    if let Some(need) = unlisted.filter(|_| turn < 6) {
        return search(need);
    }
    if view.exchanges.len() < 3 {
        return "[action] What else would you like?".to_owned();
    }
    let open = view.needs.iter().find(|need| !view.chosen.contains(&need.aspect));
    let Some(need) = open else {
        return finish();
    };
    let cheapest = listing(view, need.aspect).and_then(|listing| listing.offers.iter().min_by_key(|offer| offer.cost));
    format!("[answer] {}{}", need.aspect.letter(), cheapest.map_or(1, |offer| offer.number))
}

fn spam(turn: u32) -> String {
    let words: Vec<&str> = Aspect::ALL
        .into_iter()
        .flat_map(|aspect| aspect.words().iter().chain(topics(aspect).iter().flat_map(|topic| topic.words)))
        .copied()
        .collect();
    let number = turn + 1;
    match turn % 3 {
        0 => format!("[search] {}", words.join(" ")),
        1 => format!("[action] {}", words.join(" ")),
        _ => {
            let ids: Vec<String> = Aspect::ALL.iter().map(|aspect| format!("{}{number}", aspect.letter())).collect();
            format!("[answer] {}", ids[number as usize % ids.len()])
        }
    }
}

/// How a careless, a plain and a good planner share the teacher's dialogues; each forgets itself now and then.
fn noisy(view: &AgentView, turn: u32, whole: &mut Draws, draws: &mut Draws) -> String {
    let level = whole.uniform();
    let lapses = draws.uniform();
    if lapses < 0.04 {
        return "Let me see.".to_owned();
    }
    if lapses < 0.1 {
        return random(view, draws);
    }
    match level {
        level if level < 0.2 => careless(view, turn),
        level if level < 0.5 => by_turns(view, turn),
        _ => one_by_one(view, turn),
    }
}
