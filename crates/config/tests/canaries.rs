//! R6 of `docs/REQUIREMENTS.md`: what is private to one seat reaches the other by no way, over ten thousand episodes of scripts and of seats that tell
//! all they know. Models and remote seats: `tests/tests/integration/canaries.rs`.
//!
//! *Private* are a seat's thoughts, its half of the file (profile, memory, targets, procedure), and what anything is worth: each has a word planted in
//! it that stands nowhere else. It *crosses* if it is in a message, a view or a question that the other seat is shown. What a seat says aloud, in a turn
//! that counts, it has disclosed itself: from then on that word says nothing, and the partner has to have heard it as it was said. (The user's state
//! and the facts have no words of their own: `r06_a_seat_sees_the_same_talk_whatever_is_private_to_the_other` in `talks.rs`.)

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use duologue_config::load_scenario;
use sim::Act;
use sim::Addressee;
use sim::Answer;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Observation;
use sim::Pair;
use sim::Phase;
use sim::Query;
use sim::Scenario;
use sim::Seat;
use sim::Source;
use sim::View;
use sim::gyms::Rules;
use sim::gyms::Script;
use sim::gyms::talk;
use sim::gyms::talk::view::Own;
use sim::record::Casting;
use sim::scenario::Split;

const SEED: u64 = 1;

/// Episodes of each talk between scripts, and with a seat that tells all it knows; episodes of each other scenario.
const OF_SCRIPTS: u32 = 300;
const OF_TELLTALES: u32 = 30;
const ELSEWHERE: u32 = 60;

/// What a weight of 1/1024 more leaves in any number that shows it.
const WEIGHT: &str = "0009765625";

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is part of the repository");
    let paths = entries.map(|entry| entry.expect("a listed file can be named").path());
    let mut files: Vec<PathBuf> =
        paths.flat_map(|path| if path.is_dir() { toml_files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

fn scenarios(folder: &str) -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(folder);
    let read = |file: PathBuf| load_scenario(&file).unwrap_or_else(|errors| panic!("{errors}"));
    toml_files(&folder).into_iter().map(read).collect()
}

/// The same with a word in everything of each half that the other one must not read, and in what anything is worth.
fn planted(scenario: &Scenario) -> Arc<Scenario> {
    let mut scenario = scenario.clone();
    scenario.rewards.iter_mut().for_each(|reward| reward.weight += 1.0 / 1024.0);
    if let Rules::Talk(talk) = &mut scenario.rules {
        let mut book = talk::Book::clone(&talk.book);
        for kind in &mut book.people.kinds {
            kind.background = "canary-user-background".to_owned();
            kind.personality = "canary-user-personality".to_owned();
            kind.positive = vec!["canary-user-sample".to_owned()];
            kind.life = vec!["canary-user-life".to_owned()];
            kind.demographics.push(("canary-user-dimension".to_owned(), "canary-user-value".to_owned()));
        }
        let (mut agent, mut user) =
            (talk::book::AgentPart::clone(&book.agent), talk::book::UserPart::clone(&book.user));
        user.memory.push("canary-user-memory".to_owned());
        user.targets.iter_mut().for_each(|target| target.text = "canary-user-target".to_owned());
        user.transitions.iter_mut().for_each(|transition| transition.because = "canary-user-because".to_owned());
        agent.task = "canary-agent-task".to_owned();
        agent.knowledge.push("canary-agent-knowledge".to_owned());
        agent.procedure.iter_mut().for_each(|step| step.text = "canary-agent-step".to_owned());
        (book.agent, book.user) = (Arc::new(agent), Arc::new(user));
        talk.book = Arc::new(book);
    }
    Arc::new(scenario)
}

fn casting(agent: &str, user: &str, item: u32) -> Casting {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
    Casting {
        id,
        scenario: 0,
        split: Split::HeldOut,
        item,
        policies,
        learns: Pair::default(),
        tools: Pair::default(),
        fork: None,
    }
}

/// The planted words of a seat in a text.
fn canaries(seat: Seat, text: &str) -> BTreeSet<String> {
    let beginning = format!("canary-{seat}-");
    let found = text.match_indices(&beginning).map(|(at, _)| {
        let is_of_it = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        text[at..].chars().take_while(|c| is_of_it(*c)).collect()
    });
    found.collect()
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("what seats are shown can be written down")
}

/// What a seat is shown as a value, as text. The halves that all talks of a scenario share are looked at once, at the first turn of each seat.
fn of_view(observation: &Observation, is_first: bool) -> String {
    let View::Talk(view) = &observation.view else { return json(&observation.view) };
    if is_first {
        return json(view);
    }
    let own = match &view.own {
        Own::Agent { plants, traps, spent, .. } => json(&(plants, traps, spent)),
        Own::User { inner, .. } => json(inner),
    };
    json(&(&view.table, &view.known, view.fair)) + &own
}

/// Watches one episode.
struct Watch {
    /// What each seat said last.
    said: Pair<String>,
    /// Words that a seat has said aloud, in a turn that counted.
    disclosed: BTreeSet<String>,
    /// All that each seat has thought and been shown, and so could tell.
    known: Pair<String>,
    thoughts: u32,
    /// Looks that were taken.
    looks: usize,
    /// Whether the halves of the file are looked at too.
    is_first: bool,
}

impl Watch {
    fn new(is_first: bool) -> Watch {
        let nothing = || Pair::from_fn(|_| String::new());
        Watch { said: nothing(), disclosed: BTreeSet::new(), known: nothing(), thoughts: 0, looks: 0, is_first }
    }

    fn looks_at(&mut self, seat: Seat, shown: &str, what: &str) {
        self.looks += 1;
        // What quotes a seat to itself may cut a word of its partner's that it had heard.
        let is_disclosed = |word: &String| self.disclosed.iter().any(|said| said.starts_with(word.as_str()));
        let crossed: Vec<String> =
            canaries(seat.partner(), shown).into_iter().filter(|word| !is_disclosed(word)).collect();
        assert!(crossed.is_empty(), "{what} shows the {seat} {crossed:?}: {shown}");
        assert!(!shown.contains(WEIGHT), "{what} shows the {seat} a weight: {shown}");
    }

    /// In a talk a seat hears what was said, as it was said, and that is what its partner has disclosed.
    fn hears(&mut self, seat: Seat, observation: &Observation) {
        let heard = observation.messages.iter().filter(|message| message.from == Source::Partner);
        for message in heard {
            let said = &self.said[seat.partner()];
            assert!(said.contains(&message.text), "the {seat} hears `{}`, and `{said}` was said", message.text);
            self.disclosed.extend(canaries(seat.partner(), &message.text));
        }
    }

    fn observed(&mut self, seat: Seat, observation: &Observation) {
        if matches!(observation.view, View::Talk(_)) {
            self.hears(seat, observation);
        }
        for message in &observation.messages {
            self.looks_at(seat, &message.text, "a message");
            self.known[seat].push_str(&message.text);
        }
        let is_first = self.is_first && observation.turn == 0;
        let view = of_view(observation, is_first);
        self.looks_at(seat, &view, "a view");
        if is_first {
            assert!(!canaries(seat, &view).is_empty(), "words were planted in the {seat}'s half");
        }
    }

    /// The same decision with a thought that is told nobody, and a word in it that was never there before.
    fn thinking(&mut self, seat: Seat, decision: Decision) -> Decision {
        self.thoughts += 1;
        let thought = format!("canary-{seat}-thought-{} {}", self.thoughts, decision.thought.unwrap_or_default());
        if let Ok(act) = &decision.act {
            self.said[seat] = act.text().to_owned();
        }
        self.known[seat].push_str(&thought);
        Decision { thought: Some(thought), ..decision }
    }
}

/// Plays one episode of scripts; those of `tells` say besides all that they have been shown and have thought before.
fn watched(scenario: &Arc<Scenario>, casting: Casting, tells: Pair<bool>, is_first: bool) -> (Watch, EpisodeRecord) {
    let mut watch = Watch::new(is_first);
    let address = casting.id.address(SEED);
    let script = |seat: Seat| Script::named(&scenario.rules, seat, &casting.policies[seat]).expect("a script");
    let scripts = Pair::from_fn(script);
    let number = casting.item;
    let watching = std::cell::RefCell::new(&mut watch);
    let decide = |seat: Seat, observation: &Observation| {
        let mut watch = watching.borrow_mut();
        let known = if tells[seat] { watch.known[seat].clone() } else { String::new() };
        watch.observed(seat, observation);
        let mut decision = scripts[seat].decide(observation, address);
        if let (true, Ok(Act::Say(said))) = (tells[seat], &decision.act) {
            decision.act = Ok(Act::Say(told(said, &known, &watch.known[seat], number + observation.turn)));
        }
        watch.thinking(seat, decision)
    };
    let answer = |asked: Addressee, query: &Query| {
        let mut watch = watching.borrow_mut();
        let seat = asked.seat().expect("only seats are asked here");
        let messages = query.messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n");
        watch.looks_at(seat, &messages, "a question");
        watch.looks_at(seat, &json(query), "a question");
        let given: Answer = scripts[seat].answer(asked, query, address)?;
        let decision = watch.thinking(seat, Decision::say(given.reply.clone()));
        Ok(Answer { decision: Some(decision), ..given })
    };
    let record = sim::drive(casting.clone(), scenario, SEED, decide, answer);
    (watch, record)
}

/// What somebody says who tells all: in words beside what the script says, in brackets as acts, in place of it, or more than is heard.
fn told(said: &str, before: &str, known: &str, number: u32) -> String {
    let all = if before.is_empty() { known } else { before };
    let words: String = all.chars().map(|c| if "[]{}<>".contains(c) { ' ' } else { c }).collect();
    let some: String = words.chars().rev().take(1500).collect::<Vec<char>>().into_iter().rev().collect();
    match number % 5 {
        0 | 1 => format!("{said} {some}"),
        2 => format!("[{some}]"),
        3 => some,
        _ => format!("{said} {all}{all}"),
    }
}

#[test]
fn r06_no_private_byte_crosses() {
    let (mut episodes, mut looks, mut disclosed, mut unheard) = (0, 0, 0, 0);
    let talks = scenarios("talk");
    assert!(talks.len() >= 31);
    for scenario in &talks {
        let scenario = planted(scenario);
        let names = Pair::from_fn(|seat| Script::names(&scenario.rules, seat));
        for number in 0..OF_SCRIPTS + OF_TELLTALES {
            let pick = |names: &[String], at: u32| names[at as usize % names.len()].clone();
            let (agent, user) = (pick(&names.agent, number), pick(&names.user, number / names.agent.len() as u32));
            let tells = match number.checked_sub(OF_SCRIPTS) {
                None => Pair::default(),
                Some(at) => Pair { agent: at % 3 != 0, user: at % 3 != 1 },
            };
            let casting = casting(&agent, &user, number % scenario.items.held_out);
            let (watch, record) = watched(&scenario, casting, tells, number == 0 || number == OF_SCRIPTS);
            assert_eq!(record.fault, None);
            assert!(
                tells != Pair::default() || watch.disclosed.is_empty(),
                "scripts tell nothing: {:?}",
                watch.disclosed
            );
            (episodes, looks) = (episodes + 1, looks + watch.looks);
            disclosed += usize::from(!watch.disclosed.is_empty());
            let lost = |turn: &&sim::Turn| turn.effect.as_ref().is_some_and(|effect| effect.malformed.is_some());
            unheard += if tells == Pair::default() { 0 } else { record.turns.iter().filter(lost).count() };
        }
    }
    assert!(episodes >= 10_000 && looks > 100_000, "{episodes} episodes, {looks} looks");
    assert!(disclosed > 300 && unheard > 300, "{disclosed} told what they knew, {unheard} turns of them did not count");
}

#[test]
fn r06_no_private_byte_crosses_in_the_other_gyms() {
    let mut elsewhere = scenarios("stress");
    let alone = ["haggle.toml", "guess.toml", "booking.toml"];
    elsewhere.extend(alone.iter().flat_map(|file| scenarios_named(file)));
    let (mut looks, mut gyms) = (0, BTreeSet::new());
    for scenario in &elsewhere {
        let scenario = planted(scenario);
        gyms.insert(scenario.rules.name());
        let names = Pair::from_fn(|seat| Script::names(&scenario.rules, seat));
        for number in 0..ELSEWHERE {
            let pick = |names: &[String], at: u32| names[at as usize % names.len()].clone();
            let (agent, user) = (pick(&names.agent, number), pick(&names.user, number / 3));
            let casting = casting(&agent, &user, number % scenario.items.held_out);
            let (watch, record) = watched(&scenario, casting, Pair::default(), false);
            assert_eq!(record.fault, None, "{}", scenario.name);
            looks += watch.looks;
        }
    }
    assert!(gyms.len() >= 4 && looks > 4_000, "{gyms:?}, {looks} looks");
}

fn scenarios_named(file: &str) -> Vec<Scenario> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(file);
    vec![load_scenario(&path).unwrap_or_else(|errors| panic!("{errors}"))]
}
