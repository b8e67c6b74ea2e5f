//! Scripts that search and answer: pure functions of what the agent has read, of how questions and pages of our own making are worded, and of
//! addressed draws.

use serde::Deserialize;
use serde::Serialize;

use super::Document;
use super::answer::is_one_of;
use super::catalogue::FACTS;
use super::catalogue::KINDS;
use super::view::AgentView;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Two look-ups, by the question and by the maker's surname, and takes the first page that looks right.
    Rule,
    /// A search for some word, or an answer of some name that it has read.
    Random,
    /// Two look-ups, each until the very page is there.
    Good,
    /// Stops half way: answers who made the work.
    Bad,
    /// Answers with every name that one search shows.
    Spam,
    /// The cold start's teacher: by episodes good, plain and careless.
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

    /// What it does at its turn with this number.
    #[must_use]
    pub fn act(self, view: &AgentView, seat: Seat, turn: u32, address: Address) -> String {
        let mut draws = address.draws(Stream::Rule(seat, turn));
        match self {
            Kind::Good => good(view),
            Kind::Rule => plain(view),
            Kind::Random => random(view, &mut draws),
            Kind::Bad => half_way(view),
            Kind::Spam => spam(view),
            Kind::Noisy => match address.draws(Stream::Rule(seat, WHOLE_EPISODE)).uniform() {
                level if level < 0.15 => random(view, &mut draws),
                level if level < 0.4 => plain(view),
                _ => good(view),
            },
        }
    }
}

/// What a question of our own making asks.
struct Wanted<'v> {
    kind: &'v str,
    made: &'v str,
    title: &'v str,
    /// How a page says what is asked for.
    says: &'v str,
}

/// Reads a question; `None` if it is worded otherwise, as other people's are.
fn wanted(question: &str) -> Option<Wanted<'_>> {
    FACTS.iter().find_map(|(asks, says)| {
        let (before, after) = asks.split_once("{}")?;
        let about = question.strip_prefix(before)?.strip_suffix(after)?;
        KINDS.iter().find_map(|(kind, role, made)| {
            let title = about.strip_prefix(&format!("the {role} of the {kind} "))?;
            Some(Wanted { kind, made, title, says })
        })
    })
}

/// All pages that were shown.
fn pages(view: &AgentView) -> impl Iterator<Item = &Document> {
    view.searches.iter().flat_map(|search| &search.found)
}

/// Who made a work, by its page.
fn maker<'v>(page: &'v Document, made: &str) -> Option<&'v str> {
    let (_, after) = page.text.split_once(&format!(" {made} "))?;
    let end = [" in ", ","].iter().filter_map(|end| after.find(end)).min()?;
    Some(&after[..end])
}

/// What a page says of its person.
fn fact<'v>(page: &'v Document, says: &str) -> Option<&'v str> {
    let (_, after) = page.text.split_once(&format!(" {says} "))?;
    after.split('.').next()
}

fn search(words: &str) -> String {
    format!("[search] {words}")
}

fn answer(name: &str) -> String {
    format!("[answer] {name}")
}

/// The first of these searches that was not made yet; gives up where none is left.
fn next_search(view: &AgentView, searches: &[String]) -> String {
    let new = |words: &&String| !view.searches.iter().any(|search| search.query == **words);
    match searches.iter().find(new).filter(|_| view.searches_left > 0) {
        Some(words) => search(words),
        None => "[finish]".to_owned(),
    }
}

fn good(view: &AgentView) -> String {
    let Some(Wanted { kind, made, title, says }) = wanted(&view.question) else {
        return next_search(view, std::slice::from_ref(&view.question));
    };
    let work = format!("{title} ({kind})");
    let Some(maker) = pages(view).find(|page| page.title == work).and_then(|page| maker(page, made)) else {
        return next_search(view, &[format!("{kind} {title}"), title.to_owned(), view.question.clone()]);
    };
    match pages(view).find(|page| page.title == maker).and_then(|page| fact(page, says)) {
        Some(fact) => answer(fact),
        None => next_search(view, &[maker.to_owned(), format!("{maker} {says}")]),
    }
}

fn plain(view: &AgentView) -> String {
    let Some(Wanted { made, says, .. }) = wanted(&view.question) else {
        return next_search(view, std::slice::from_ref(&view.question));
    };
    match &view.searches[..] {
        [] => search(&view.question),
        [first] => match first.found.iter().find_map(|page| maker(page, made)) {
            Some(maker) => search(maker.rsplit(' ').next().unwrap_or(maker)),
            None => "[finish]".to_owned(),
        },
        [_, second, ..] => {
            match second.found.iter().find_map(|page| fact(page, says)).filter(|_| view.wrong.is_empty()) {
                Some(fact) => answer(fact),
                None => "[finish]".to_owned(),
            }
        }
    }
}

fn half_way(view: &AgentView) -> String {
    match &view.searches[..] {
        [] => search(&view.question),
        [first, ..] => {
            let page = first.found.first().map_or("", |page| page.text.as_str());
            names(page).last().map_or_else(|| "[finish]".to_owned(), |name| answer(name))
        }
    }
}

fn spam(view: &AgentView) -> String {
    if view.searches.is_empty() {
        return search(&view.question);
    }
    let all: Vec<String> = pages(view).flat_map(|page| names(&page.text)).take(12).collect();
    answer(&all.join(", "))
}

fn random(view: &AgentView, draws: &mut Draws) -> String {
    let read: Vec<String> = pages(view).flat_map(|page| names(&page.text)).collect();
    let untried: Vec<&String> =
        read.iter().filter(|name| !is_one_of(name, view.wrong.iter().map(String::as_str))).collect();
    if untried.is_empty() || draws.chance(0.5) {
        let words: Vec<&str> = view.question.split_whitespace().collect();
        return search(draws.pick::<&str>(&words));
    }
    answer(draws.pick::<&String>(&untried))
}

/// Runs of words with a capital letter.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open = false;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_name = bare.starts_with(char::is_uppercase);
        match names.last_mut().filter(|_| open && is_name) {
            Some(name) => {
                name.push(' ');
                name.push_str(bare);
            }
            None if is_name => names.push(bare.to_owned()),
            None => {}
        }
        open = is_name && word.ends_with(|c: char| c.is_alphanumeric());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_pages_of_our_own_making_are_read() {
        let wanted = wanted("Who taught the builder of the ship Red Osmunki?").unwrap();
        assert_eq!((wanted.kind, wanted.title, wanted.says), ("ship", "Red Osmunki", "was taught by"));
        let page = |text: &str| Document { title: String::new(), text: text.to_owned() };
        for text in
            ["Red Osmunki is a ship built by Edda Kiba in 1822.", "The ship Red Osmunki, built by Edda Kiba, is known."]
        {
            assert_eq!(maker(&page(text), "built by"), Some("Edda Kiba"));
        }
        assert_eq!(fact(&page("Edda Kiba died in Baton. Edda Kiba married Leon Ul."), "married"), Some("Leon Ul"));
        assert!(super::wanted("Who was president of the US when 7 was said?").is_none());
    }

    #[test]
    fn names_are_runs_of_capitals_up_to_a_stop() {
        assert_eq!(names("Edda Kiba died in Baton. Edda Kiba, of Ul"), ["Edda Kiba", "Baton", "Edda Kiba", "Ul"]);
    }
}
