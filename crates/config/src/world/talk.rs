//! `gym = "talk"`: a scenario of which every part is data. One file below for each part; `desk.rs` reads what refers to names.

mod acts;
mod agent;
mod conduct;
mod desk;
mod people;
mod terms;
mod things;
mod traps;
mod user;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Pair;
use sim::Seat;
use sim::gyms::Rules;
use sim::gyms::Splits;
use sim::gyms::talk;
use sim::gyms::talk::Item;
use sim::gyms::talk::Reader;
use sim::gyms::talk::book::AgentPart;
use sim::gyms::talk::book::Book;
use sim::gyms::talk::book::Brief;
use sim::gyms::talk::book::Common;
use sim::gyms::talk::book::UserPart;
use sim::gyms::talk::people::Sampling;
use sim::scenario::ItemCounts;

use self::agent::AgentFile;
use self::conduct::ConductFile;
use self::desk::Desk;
use self::people::KindFile;
use self::people::SampleFile;
use self::terms::TermFile;
use self::things::FactFile;
use self::things::SlotFile;
use self::traps::TrapFile;
use self::user::UserFile;
use super::Gym;
use super::item_counts;
use crate::check::Check;
use crate::node::Node;

/// How it stands in scenario files.
pub(super) const GYM: Gym = Gym { read: rules, constants: File::json_schema, files: None, least: LEAST };

/// All of a talk: what can be spoken of, both sides, who is called, what presses, what is paid for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {
    /// Who speaks first.
    opens: Option<String>,
    /// What scripts say: acts in brackets with words after them, or acts alone, which small models learn sooner. Whatever is said is read alike.
    speech: Option<String>,
    /// How much a brief tells: everything; all of it but the user's profile; or, for small models that learn their half of the file and their acts in a
    /// cold start, notes of what differs from item to item, or of these what the seat knows alone, as acts write it.
    brief: Option<String>,
    /// What the talk fills in as it goes: empty at first, public once it is filled.
    slots: Option<BTreeMap<String, SlotFile>>,
    /// What is true of an item, drawn for it; who knows it from the start, and what anybody may state, truly or not.
    facts: Option<BTreeMap<String, FactFile>>,
    /// Which combinations of facts there can be: a condition on facts alone.
    possible: Option<String>,
    /// Facts that every item has, whatever was drawn: two files that differ here alone have twins as items.
    given: Option<BTreeMap<String, String>>,
    /// The agent's half.
    agent: Option<AgentFile>,
    /// The user's half.
    user: Option<UserFile>,
    /// Who can be called: kinds of people.
    people: Option<Vec<KindFile>>,
    /// How people and pressing lines are drawn for items.
    sample: Option<SampleFile>,
    /// Pressing lines by name: traps where they are not fair, and truthful twins where they are.
    traps: Option<BTreeMap<String, TrapFile>>,
    /// Families of pressing lines that only held-out items have: every second of them has no others.
    held_out_families: Option<Vec<String>>,
    /// How turns are to be written: what the rule rewards hold them against.
    conduct: Option<ConductFile>,
    /// Reward terms of this scenario's own: `[[reward]]` names them with `own.` in front.
    terms: Option<BTreeMap<String, TermFile>>,
    /// Measures of this scenario's own, each a condition at the end of a talk; success conditions name them with `own.` in front.
    measures: Option<BTreeMap<String, String>>,
}

const LEAST: &str = r#"
name = "least"
turns_max = 4
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "served", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "targets", kind = "outcome", weight = 1.0 },
]

[world]
gym = "talk"
items = { generate = 1, held_out = 1, seed = 1 }
slots = { agreed = { values = ["yes", "no"] } }
facts = { fee = { values = ["20", "30"] }, day = { values = ["monday", "friday"] } }

[world.agent]
role = "You sell."
task = "Sell."
acts = { offer = { says = ["Here."] } }
procedure = [{ step = "offer", do = "offer" }]
ends = [{ name = "done" }]

[world.user]
role = "You buy."
acts = { take = { sets = { agreed = "yes" } } }
targets = [{ name = "it", tier = "primary", text = "it", met = "agreed" }]
transitions = [{ when = "heard.repeat", patience = -1, because = "the same again" }]
policy = [{ when = "agent.offer", do = "take" }]
ends = [{ name = "bought", when = "agreed" }]

[[world.people]]
names = ["Kim"]
age = 30
demographics = { a = "1", b = "2", c = "3", d = "4", e = "5", f = "6", g = "7", h = "8", i = "9", j = "10", k = "11", l = "12" }
background = "Born."
personality = "Calm."
style = { rate = "slow" }
positive = ["Hm."]
negative = ["I am delighted to assist you."]
life = ["at home"]
start = { trust = [3, 3], emotion = [3, 3], patience = [3, 3], participation = [3, 3] }

[world.traps.today]
family = "B1"
claims = { day = "monday" }
says = ["Only today."]
wants = ["take"]

[world.terms.sold]
seat = "agent"
when = "agreed == yes"
"#;

/// Reads the whole book and draws its items.
fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let file: File = check.read_part(constants, "world");
    let counts = item_counts(check, world);
    let book = book(check, file);
    let items = items(check, &book, counts);
    (Rules::Talk(talk::Rules { book: Arc::new(book), items: Arc::new(items) }), counts)
}

fn book(check: &mut Check<'_>, file: File) -> Book {
    let File { opens, speech, brief, slots, facts, possible, given, agent, user, people, sample, traps, .. } = file;
    check.section("world.agent", agent.is_some(), "`role`, `task`, `acts`, `procedure` and `ends`");
    check.section("world.user", user.is_some(), "`role`, `acts`, `targets`, `policy` and `ends`");
    let (agent, user, traps) = (agent.unwrap_or_default(), user.unwrap_or_default(), traps.unwrap_or_default());
    let seats = Seat::ALL.map(|seat| (seat.name(), seat));
    let mut common = Common {
        things: things::things(check, slots.unwrap_or_default(), facts.unwrap_or_default()),
        acts: Pair::default(),
        opens: check.word("world.opens", opens.as_deref(), &seats),
        words: check.word("world.speech", speech.as_deref(), &[("acts and words", true), ("acts", false)]),
        brief: check.word("world.brief", brief.as_deref(), &Brief::ALL),
    };
    let own = Pair { agent: agent.acts.clone(), user: user.acts.clone() };
    common.acts = Pair::from_fn(|seat| acts::acts(check, &common.things, seat, own[seat].as_ref()));
    acts::distinct(check, &common, &traps);
    let ends = Pair { agent: agent::end_names(agent.ends.as_deref()), user: agent::end_names(user.ends.as_deref()) };
    let all_ends: Vec<String> = ends.agent.iter().chain(&ends.user).cloned().collect();
    let targets = user::target_names(user.targets.as_deref());
    let named = common.clone();
    let mut desk = Desk::new(check, &named, &targets, &all_ends);
    for seat in Seat::ALL {
        acts::conditions(&mut desk, &mut common, seat, own[seat].as_ref());
    }
    let sampling = sampling(&mut desk, sample, file.held_out_families, possible, given, &traps);
    let traps = traps::traps(&mut desk, traps);
    let agent: AgentPart = agent::part(&mut desk, agent, &ends.agent, traps);
    let user: UserPart = user::part(&mut desk, user, &ends.user);
    let terms = terms::terms(&mut desk, file.terms.unwrap_or_default());
    let measures = terms::measures(&mut desk, file.measures.unwrap_or_default());
    let people = people::people(check, people.unwrap_or_default());
    let conduct = conduct::conduct(check, file.conduct.unwrap_or_default());
    let (common, agent, user) = (Arc::new(common), Arc::new(agent), Arc::new(user));
    Book { common, agent, user, people, sampling, terms, conduct, measures }
}

fn sampling(
    desk: &mut Desk<'_, '_>,
    file: Option<SampleFile>,
    held_out: Option<Vec<String>>,
    possible: Option<String>,
    given: Option<BTreeMap<String, String>>,
    traps: &BTreeMap<String, TrapFile>,
) -> Sampling {
    let possible = desk.condition("world.possible", possible, "always", Reader::World);
    if !possible.is_of_facts(desk.common()) {
        desk.check.error(
            "world.possible",
            format!(
                "`{}` is about more than facts: what is possible is decided before anybody speaks",
                possible.text()
            ),
            "name facts and their values only",
        );
    }
    let given = things::given(desk.check, desk.common(), given.unwrap_or_default());
    let held_out = traps::held_out(desk.check, held_out.unwrap_or_default(), traps);
    people::sampling(desk.check, file, held_out, possible, given, traps.len())
}

/// The items; after a mistake, which has been noted, one that nobody plays stands in.
fn items(check: &mut Check<'_>, book: &Book, counts: ItemCounts) -> Splits<Item> {
    if check.is_good_so_far() {
        match talk::items(book, counts) {
            Ok(items) => return items,
            Err(error) => {
                let hint = "give facts more values, list more kinds of people, or loosen `possible`";
                check.error("world.items", format!("cannot be drawn: {error}"), hint);
            }
        }
    }
    let person = talk::people::Person { band: talk::people::Band::Head, objective: 0, subjective: 0, name: 0 };
    let nobody = Item { person, truth: vec![None; book.common.things.len()], plants: Vec::new() };
    Splits::new(vec![nobody.clone()], vec![nobody]).expect("each split has one")
}
