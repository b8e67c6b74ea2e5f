//! A scenario of the world `talk` from a [`Procedure`]: what the text says, and for what it does not say defaults that make a sound talk. Written to be
//! read and gone on with by hand.
//!
//! ```text
//!  plan    names for acts, steps and pressing lines; what a right end is
//!  agent   the agent's half, and what presses
//!  user    the user's half
//!  worth   terms, measures, seats, rewards
//!  files   the run and the suite that go with it
//! ```

mod agent;
mod files;
mod plan;
mod user;
mod worth;

pub use files::run;
pub use files::suite;

use self::plan::Plan;
use super::procedure::Procedure;
use super::procedure::Thing;

/// Who can be called where the text does not say: eight kinds of people.
const PEOPLE: &str = include_str!("people.toml");

/// The scenario file.
pub fn scenario(name: &str, procedure: &Procedure) -> String {
    let plan = Plan::new(procedure);
    let mut page = Page::default();
    head(&mut page, name, &plan);
    things(&mut page, &plan);
    agent::half(&mut page, &plan);
    agent::pressing(&mut page, &plan);
    user::half(&mut page, &plan);
    people(&mut page, &plan);
    worth::worth(&mut page, &plan);
    page.text
}

fn head(page: &mut Page, name: &str, plan: &Plan<'_>) {
    page.comment(&format!("duologue check {name}.toml"));
    page.comment(&format!("duologue rollout {name}.toml --episodes 3"));
    page.comment("");
    page.comment(&format!("{}. Made of a procedure by `duologue new talk`, to be gone on with by hand: docs/SCENARIOS.md, \"the world of talk\",", plan.procedure.title.trim_end_matches('.')));
    page.comment(
        "has every key, and every name that a condition can use. What the text did not say is a default, and says so.",
    );
    page.gap();
    page.line(&format!("name = {}", text(name)));
    page.line(&format!("turns_max = {:<31}# the agent's turns", plan.turns_max()));
    page.section("world");
    page.line("gym = \"talk\"");
    page.line("brief = \"short\"                          # leaves the people of part 5 out of the user's brief; \"whole\" tells them, to models that read well");
    page.line("items = { generate = 2000, held_out = 400, seed = 7 }");
    let held_out = plan.held_out();
    if !held_out.is_empty() {
        page.line(&format!(
            "held_out_families = {:<20}# default: the last third of the families presses on held-out items only",
            list(&held_out)
        ));
    }
}

fn things(page: &mut Page, plan: &Plan<'_>) {
    page.part(
        "1. What can be spoken of",
        "Slots are filled by acts; facts are drawn for each item. Values are single words, `_` is said as a space.",
    );
    page.section("world.slots");
    page.line("agreed = { values = [\"yes\", \"no\"] }");
    for offer in plan.offers() {
        page.line(&format!("{} = {{ values = {}, words = {} }}", offer.name, list(&offer.values), text(&offer.words)));
    }
    let exceptions = &plan.procedure.only_if;
    if !exceptions.is_empty() {
        let names: Vec<&String> = exceptions.iter().map(|one| &one.name).collect();
        page.line(&format!("wanted = {{ values = {}, words = \"wish\" }}", list(&names)));
    }
    for one in exceptions {
        page.line(&format!("{} = {{ values = [\"granted\"], words = {} }}", one.name, text(&one.words)));
    }
    page.section("world.facts");
    for thing in plan.facts() {
        page.line(&fact(thing));
    }
    if !exceptions.is_empty() {
        let names: Vec<&str> =
            std::iter::once("nothing").chain(exceptions.iter().map(|one| one.name.as_str())).collect();
        let odds: Vec<String> = std::iter::once(exceptions.len() * 2)
            .chain(exceptions.iter().map(|_| 1))
            .map(|odd| odd.to_string())
            .collect();
        page.line(&format!(
            "hopes = {{ values = {}, odds = [{}], words = \"hope\", user_knows = 1.0 }}",
            list(&names),
            odds.join(", ")
        ));
    }
}

fn fact(thing: &Thing) -> String {
    let fact = thing.fact.clone().unwrap_or_default();
    let known = fact.known.unwrap_or_default();
    let odds: Vec<String> = fact.odds.iter().map(u32::to_string).collect();
    let odds = if odds.is_empty() { String::new() } else { format!(", odds = [{}]", odds.join(", ")) };
    let knows =
        |seat: &str, chance: f64| if chance > 0.0 { format!(", {seat}_knows = {chance:?}") } else { String::new() };
    let (agent, user) = (knows("agent", known.agent), knows("user", known.user));
    format!(
        "{} = {{ values = {}{odds}, words = {}{agent}{user} }}",
        thing.name,
        list(&thing.values),
        text(&thing.words)
    )
}

fn people(page: &mut Page, plan: &Plan<'_>) {
    page.part(
        "5. Who is called",
        "Default: eight kinds of people, the frequent ones first. Put those in their place whom you do call.",
    );
    page.text.push_str(PEOPLE);
    page.section("world.sample");
    page.line("head = 0.5                               # of the frequent kinds");
    page.line("tail = 0.25                              # of the rare ones; the rest is crossed: who they are from one kind, what they are like from another");
    if !plan.traps.is_empty() {
        page.line(&format!("traps = {:<33}# pressing lines an item has", plan.traps.len().min(2)));
        page.line("twins = 0.5                              # share of them that are fair");
    }
}

/// A file as it grows.
#[derive(Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn gap(&mut self) {
        self.line("");
    }

    fn comment(&mut self, line: &str) {
        self.line(format!("# {line}").trim_end());
    }

    fn section(&mut self, name: &str) {
        self.gap();
        self.line(&format!("[{name}]"));
    }

    fn entry(&mut self, name: &str) {
        self.line(&format!("[[{name}]]"));
    }

    fn part(&mut self, title: &str, what: &str) {
        self.gap();
        self.line(&format!("# ---- {title} {}", "-".repeat(130_usize.saturating_sub(title.len()))));
        self.comment(what);
    }

    /// `key = "text"`
    fn said(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = {}", text(value)));
    }

    /// The same, unless there is nothing.
    fn told(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.said(key, value);
        }
    }
}

/// A text in quotation marks. JSON's way of writing it is TOML's too, but for one letter, which no sheet has.
pub(super) fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of texts.
pub(super) fn list(texts: &[impl AsRef<str>]) -> String {
    let texts: Vec<String> = texts.iter().map(|one| text(one.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}
