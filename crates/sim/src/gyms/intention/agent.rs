//! Scripts that ask: pure functions of what the agent sees, of the items to learn from, and of addressed draws.

use serde::Deserialize;
use serde::Serialize;

use super::Detail;
use super::Lexicon;
use super::lexicon::QUESTION_WORDS_MAX;
use super::precedent::Telling;
use super::view::AgentView;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;
use crate::scenario::Split;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// One detail after the other that tasks like this one left out.
    Rule,
    /// A random detail of a random task.
    Random,
    /// The most telling words for this task, as many at once as the user bears.
    Good,
    /// Nothing in particular.
    Bad,
    /// Everything at once.
    Spam,
    /// The best list of questions that is the same for all tasks.
    Fixed,
    /// The cold start's teacher: by turns careless, plain, literal and telling.
    Noisy,
}

/// How a list of words is made a question where these words are common among details, so that they tell nothing, as in UserRL's release.
const LEAD: &str = "Preferences for";

/// How many hits a question of the good script may expect.
const LIKELY: f64 = 0.5;

/// The turn number under which a script draws what it keeps for the whole episode.
const WHOLE_EPISODE: u32 = u32::MAX;

impl Kind {
    /// All kinds with their names.
    pub const ALL: [(&'static str, Kind); 7] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Good),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:fixed", Kind::Fixed),
        ("scripted:noisy", Kind::Noisy),
    ];

    /// The question of the agent's turn with this number.
    #[must_use]
    pub fn ask(self, view: &AgentView, seat: Seat, turn: u32, address: Address) -> String {
        let mut draws = address.draws(Stream::Rule(seat, turn));
        let turn = turn as usize;
        let lexicon = view.library.lexicon();
        match self {
            Kind::Rule => about(&plain(view)[..], turn),
            Kind::Random => about_detail(random_detail(view, &mut draws)),
            Kind::Good => name_words(&packed(view, turn), lexicon),
            Kind::Bad => "Could you tell me more about it?".to_owned(),
            Kind::Spam => {
                let words: Vec<String> = telling_words(view).into_iter().take(40).map(|(word, _)| word).collect();
                name_words(&words, lexicon)
            }
            Kind::Fixed => listed(view, turn),
            Kind::Noisy => noisy(view, turn, &mut address.draws(Stream::Rule(seat, WHOLE_EPISODE)), &mut draws),
        }
    }
}

/// The question with this number of the best list that is the same for all tasks.
fn listed(view: &AgentView, number: usize) -> String {
    let questions = view.library.fixed();
    let words = questions.get(number % questions.len().max(1));
    words.map_or_else(|| "Anything else?".to_owned(), |words| name_words(words, view.library.lexicon()))
}

/// How a careless, a plain, a literal and a telling asker share the teacher's dialogues.
fn noisy(view: &AgentView, turn: usize, whole: &mut Draws, draws: &mut Draws) -> String {
    let level = whole.uniform();
    if level < 0.1 {
        return about_detail(random_detail(view, draws));
    }
    if level < 0.2 {
        let near = view.library.precedents().neighbours(&view.category, &view.task);
        // The nearest few, any of their details: a plain asker knows such tasks, not their order.
        let details: Vec<&Detail> = near.iter().take(8).flat_map(|(entry, _)| &entry.item.missing_details).collect();
        return if details.is_empty() {
            about_detail(random_detail(view, draws))
        } else {
            about_detail(draws.pick::<&Detail>(&details))
        };
    }
    // A telling asker names what such requests leave out, in the same order for the whole episode, so that no turn repeats another. A
    // literal one takes the request itself up first, piece by piece, since people leave out particulars of what they name; then it asks
    // what all requests leave out.
    let size = 5 + (whole.uniform() * 4.0) as usize;
    if level < 0.3 {
        let order = drawn_order(view, 2.0, whole).into_iter();
        return name_words(&order.skip(turn * size).take(size).collect::<Vec<_>>(), view.library.lexicon());
    }
    let pieces = pieces(&view.task, size);
    match pieces.get(turn) {
        Some(piece) => name_words(&[(*piece).to_owned()], view.library.lexicon()),
        None => listed(view, turn - pieces.len()),
    }
}

/// The text in pieces of so many words, as it stands there.
fn pieces(text: &str, size: usize) -> Vec<&str> {
    let (mut pieces, mut count, mut from, mut end) = (Vec::new(), 0, None, 0);
    let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    for run in runs {
        let start = run.as_ptr() as usize - text.as_ptr() as usize;
        if count == size {
            pieces.extend(from.map(|from: usize| &text[from..end]));
            (count, from) = (0, None);
        }
        from.get_or_insert(start);
        (count, end) = (count + 1, start + run.len());
    }
    pieces.extend(from.map(|from| &text[from..end]));
    pieces
}

/// All telling words in an order drawn without replacement, the chance of each by a power of its score (exponential races).
fn drawn_order(view: &AgentView, sharpness: f64, draws: &mut Draws) -> Vec<String> {
    let mut raced: Vec<(f64, String)> = telling_words(view)
        .into_iter()
        .take(120)
        .map(|(word, promise)| (-(1.0 - draws.uniform()).ln() / promise.worth.powf(sharpness), word))
        .collect();
    raced.sort_by(|a, b| a.0.total_cmp(&b.0));
    raced.into_iter().map(|(_, word)| word).collect()
}

/// What details of near tasks are about, the most promising first, each once.
fn plain(view: &AgentView) -> Vec<String> {
    let near = view.library.precedents().neighbours(&view.category, &view.task);
    let mut scored: Vec<(f64, &str)> = Vec::new();
    for (entry, nearness) in &near {
        for detail in &entry.item.missing_details {
            let score = nearness * nearness * detail.importance.reward();
            match scored.iter_mut().find(|(_, about)| about.eq_ignore_ascii_case(&detail.description)) {
                Some(known) => known.0 += score,
                None => scored.push((score, &detail.description)),
            }
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, about)| about.to_owned()).collect()
}

fn about(details: &[String], turn: usize) -> String {
    details.get(turn).map_or_else(|| "Anything else?".to_owned(), |detail| question_about(detail))
}

fn about_detail(detail: &Detail) -> String {
    question_about(&detail.description)
}

/// A question that names what it is about, and little else: every other word counts against its focus.
fn question_about(description: &str) -> String {
    format!("The {}?", description.trim_end_matches(['.', '?']).to_lowercase())
}

fn random_detail<'v>(view: &'v AgentView, draws: &mut Draws) -> &'v Detail {
    let entries = view.library.of(Split::Train);
    let entry = draws.pick(entries);
    draws.pick(&entry.item.missing_details)
}

fn telling_words(view: &AgentView) -> Vec<(String, Telling)> {
    view.library.precedents().telling_words(&view.category, &view.task, view.library.lexicon())
}

/// The words of the question at this turn, where each question takes the best words left until it is full, or is likely enough to hit
/// something: what it hits beside one detail costs.
fn packed(view: &AgentView, turn: usize) -> Vec<String> {
    let lexicon = view.library.lexicon();
    let most = (turn + 1) * QUESTION_WORDS_MAX;
    let mut words = view.library.precedents().best_words(&view.category, &view.task, lexicon, most).into_iter();
    let mut question = Vec::new();
    for _ in 0..=turn {
        question.clear();
        let mut chance = 0.0;
        while question.len() < QUESTION_WORDS_MAX && chance < LIKELY {
            let Some((word, promise)) = words.next() else {
                break;
            };
            chance += promise.chance;
            question.push(word);
        }
    }
    question
}

/// A question that names these words; where the lead would count against its focus, nothing but them.
pub(super) fn name_words(words: &[String], lexicon: &Lexicon) -> String {
    let lead = if lexicon.telling(LEAD).is_empty() { LEAD } else { "" };
    format!("{lead} {}?", words.join(", ")).trim_start().to_owned()
}
