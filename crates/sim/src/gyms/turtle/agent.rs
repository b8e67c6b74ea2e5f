//! Scripts that ask and tell: pure functions of what the agent sees, of what plots there are, and of addressed draws.

use serde::Deserialize;
use serde::Serialize;

use super::catalogue::PARTS;
use super::catalogue::Plot;
use super::catalogue::WORDS;
use super::catalogue::plot_of;
use super::view::AgentView;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::YesNo;
use crate::scenario::Split;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// One word after the other, part by part.
    Rule,
    /// Any word of any part, and now and then any story.
    Random,
    /// Halves what is still possible, what matters most first.
    Good,
    /// Tells the surface again.
    Bad,
    /// Tells every word there is.
    Spam,
    /// The cold start's teacher: by talks careless, plain and halving, each in an order of its own.
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
        let Some(plot) = plot_of(&view.surface) else {
            return self.act_on_strangers(view, turn, &mut draws);
        };
        let known = Known::of(plot, view);
        match self {
            Kind::Rule => known.act(plot, view, &[0, 1, 2, 3], 1),
            Kind::Good => known.act(plot, view, &plot.by_weight(), WORDS / 2),
            Kind::Random => random(plot, &mut draws),
            Kind::Bad => format!("[answer] {}", view.surface),
            Kind::Spam => spam(plot, turn),
            Kind::Noisy => {
                let mut whole = address.draws(Stream::Rule(seat, WHOLE_EPISODE));
                let level = whole.uniform();
                let mut order: Vec<usize> = (0..PARTS).collect();
                whole.shuffle(&mut order);
                match level {
                    careless if careless < 0.15 => random(plot, &mut draws),
                    plain if plain < 0.4 => known.act(plot, view, &order, 1),
                    _ => known.act(plot, view, &order, WORDS / 2),
                }
            }
        }
    }

    /// Of stories that are not of our own making a script knows only those to learn from, of which none is this one.
    fn act_on_strangers(self, view: &AgentView, turn: u32, draws: &mut Draws) -> String {
        let train = view.library.of(Split::Train);
        match self {
            Kind::Bad => format!("[answer] {}", view.surface),
            Kind::Spam => {
                let all: String = train.iter().take(40).map(|item| item.bottom.as_str()).collect();
                format!("[answer] {}", all.chars().take(1000).collect::<String>())
            }
            Kind::Rule | Kind::Random | Kind::Good | Kind::Noisy if turn == 0 => {
                "[action] Did somebody die?".to_owned()
            }
            Kind::Rule | Kind::Random | Kind::Good | Kind::Noisy => format!("[answer] {}", draws.pick(train).bottom),
        }
    }
}

/// Which words are still possible for each hidden part.
struct Known {
    possible: [Vec<u8>; PARTS],
}

impl Known {
    /// What the answers to questions about one part leave possible. Who is lied to is left with nothing, and begins anew.
    fn of(plot: &Plot, view: &AgentView) -> Known {
        let mut possible: [Vec<u8>; PARTS] = std::array::from_fn(|_| (0..WORDS as u8).collect());
        for exchange in &view.exchanges {
            let mentions = plot.mentions(&exchange.question);
            let mut parts = (0..PARTS).filter(|part| !mentions[*part].is_empty());
            let (Some(part), None) = (parts.next(), parts.next()) else {
                continue;
            };
            match exchange.answer {
                YesNo::Yes => possible[part].retain(|word| mentions[part].contains(word)),
                YesNo::No => possible[part].retain(|word| !mentions[part].contains(word)),
                YesNo::Maybe => {}
            }
            if possible[part].is_empty() {
                possible[part] = (0..WORDS as u8).collect();
            }
        }
        Known { possible }
    }

    /// Asks about at most `most` words of the first part in `order` that is not known, or tells the story: when all are known, and in the
    /// last turn.
    fn act(&self, plot: &Plot, view: &AgentView, order: &[usize], most: usize) -> String {
        // A question that was not answered is not put again.
        let open = order.iter().find_map(|part| {
            let left = &self.possible[*part];
            let sizes = (1..=most.min(left.len() / 2)).rev();
            let mut questions = sizes.flat_map(|size| left.chunks(size).map(|words| question(plot, *part, words)));
            questions.find(|question| view.exchanges.iter().all(|exchange| exchange.question != *question))
        });
        match open {
            Some(question) if view.turns_left > 1 => format!("[action] {question}"),
            Some(_) | None => tell(plot, &std::array::from_fn(|part| self.possible[part][0])),
        }
    }
}

fn question(plot: &Plot, part: usize, words: &[u8]) -> String {
    let words: Vec<&str> = words.iter().map(|word| plot.word(part, *word)).collect();
    format!("Is it about {}?", words.join(" or "))
}

/// A story, sentence by sentence.
fn tell(plot: &Plot, parts: &[u8; PARTS]) -> String {
    let statements: Vec<String> = plot.facts.iter().map(|fact| plot.filled(fact.statement, parts)).collect();
    format!("[answer] {}", statements.join(" "))
}

fn random(plot: &Plot, draws: &mut Draws) -> String {
    if draws.chance(0.1) {
        return tell(plot, &std::array::from_fn(|_| draws.range(0, WORDS as i64 - 1) as u8));
    }
    let part = draws.range(0, PARTS as i64 - 1) as usize;
    let word = draws.range(0, WORDS as i64 - 1) as u8;
    format!("[action] {}", question(plot, part, &[word]))
}

/// All words, by turns in one answer, in a sentence each, and in a question.
fn spam(plot: &Plot, turn: u32) -> String {
    let all: Vec<&str> = plot.parts.iter().flat_map(|words| words.iter()).map(|words| words[0]).collect();
    match turn % 3 {
        0 => format!("[answer] {}", all.join(" ")),
        1 => format!("[answer] It was {}.", all.join(". It was ")),
        _ => format!("[action] Is it {}?", all.join(" or ")),
    }
}
