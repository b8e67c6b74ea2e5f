//! Drills of the world `talk`, out of its files: right by what stands in their own briefs, and clean of what is held out.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use duologue_config::load_scenario;
use sim::Message;
use sim::Scenario;
use sim::Seat;
use sim::Source;
use sim::gyms::Drill;
use sim::gyms::Rules;
use sim::gyms::Skill;
use sim::gyms::talk;
use sim::scenario::Split;

const FILES: [&str; 3] = ["broadband", "checkup", "heating"];

fn scenario(name: &str) -> Arc<Scenario> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../scenarios/talk/{name}.toml"));
    Arc::new(load_scenario(&file).unwrap_or_else(|errors| panic!("{errors}")))
}

fn book(scenario: &Scenario) -> &talk::Book {
    let Rules::Talk(rules) = &scenario.rules else { panic!("another gym") };
    &rules.book
}

fn drills(scenario: &Arc<Scenario>, split: Split, seat: Seat) -> Vec<Drill> {
    (0..400).filter_map(|index| scenario.rules.drill(scenario, split, seat, index)).collect()
}

fn of(scenario: &Arc<Scenario>, seat: Seat, skill: Skill) -> Vec<Drill> {
    let splits = [Split::Train, Split::HeldOut].into_iter();
    splits.flat_map(|split| drills(scenario, split, seat)).filter(|drill| drill.last().0.skill == skill).collect()
}

/// All that is read until the last question is answered, one's own answers aside.
fn messages(drill: &Drill) -> impl DoubleEndedIterator<Item = &Message> {
    drill.questions.iter().flat_map(|asked| &asked.messages)
}

fn brief(drill: &Drill) -> &str {
    let brief = messages(drill).next().expect("a brief");
    assert_eq!(brief.from, Source::Brief);
    assert_eq!(messages(drill).filter(|message| message.from == Source::Brief).count(), 1, "one brief for all");
    &brief.text
}

fn question(drill: &Drill) -> &str {
    let last = messages(drill).next_back().expect("a question");
    assert_eq!(last.from, Source::World);
    &last.text
}

/// What the brief says of a fact that it calls by its words, in sentences, or by its name, in notes; `None` if nothing.
fn told<'a>(brief: &'a str, book: &talk::Book, fact: &str) -> Option<&'a str> {
    if brief.contains("You know: ") {
        let (_, rest) = brief.split_once(&format!("The {fact} is "))?;
        return rest.split_once('.').map(|(value, _)| value);
    }
    let thing = book.common.things.iter().find(|thing| thing.words == fact || thing.name == fact)?;
    brief.split_whitespace().find_map(|note| note.strip_prefix(&thing.name)?.strip_prefix('='))
}

/// What the agent says, with the pressing line that it is, by the name in its brackets.
fn heard<'a>(book: &'a talk::Book, drill: &Drill) -> Vec<Option<&'a talk::book::Trap>> {
    let said = messages(drill).filter(|message| message.from == Source::Partner);
    let name = |text: &str| Some(text.strip_prefix('[')?.split_once([' ', ']'])?.0.to_owned());
    said.map(|message| book.agent.traps.iter().find(|trap| Some(&trap.name) == name(&message.text).as_ref())).collect()
}

#[test]
fn every_skill_is_asked_of_whoever_needs_it_and_always_the_same() {
    for name in FILES {
        let scenario = scenario(name);
        for (seat, skills) in [
            (Seat::Agent, vec![Skill::LookUp, Skill::Follow]),
            (Seat::User, vec![Skill::LookUp, Skill::Judge, Skill::Follow, Skill::Feel]),
        ] {
            let all = drills(&scenario, Split::HeldOut, seat);
            let mut counts: BTreeMap<Skill, u32> = BTreeMap::new();
            all.iter().for_each(|drill| *counts.entry(drill.last().0.skill).or_default() += 1);
            assert_eq!(counts.keys().copied().collect::<Vec<_>>(), skills, "{name}");
            assert!(counts.values().all(|count| *count >= 25), "{name}: {counts:?}");
            assert!(all.iter().all(|drill| drill.seat == seat));
            assert_eq!(drills(&scenario, Split::HeldOut, seat), all);
            let distinct: BTreeSet<String> = all.iter().map(|drill| format!("{drill:?}")).collect();
            assert!(distinct.len() > all.len() / 2, "{name}: {} of {}", distinct.len(), all.len());
        }
    }
}

#[test]
fn a_fact_that_is_looked_up_stands_in_the_brief() {
    for name in FILES {
        let scenario = scenario(name);
        for drill in Seat::ALL.into_iter().flat_map(|seat| of(&scenario, seat, Skill::LookUp)) {
            let question = question(&drill);
            let fact = question.strip_prefix("Look up the ").and_then(|rest| rest.strip_suffix('.')).expect("a fact");
            let value = told(brief(&drill), book(&scenario), fact).unwrap_or_else(|| panic!("{name}: {drill:?}"));
            assert_eq!(drill.last().0.answer, format!("The {fact} is {value}."));
        }
    }
}

#[test]
fn a_line_is_a_trap_exactly_where_the_brief_says_otherwise() {
    let scenario = scenario("heating");
    let (book, mut answers) = (book(&scenario), BTreeMap::<bool, u32>::new());
    for drill in of(&scenario, Seat::User, Skill::Judge) {
        let trap = heard(book, &drill).pop().flatten().expect("it presses last of all");
        let [(thing, claimed)] = trap.claims[..] else { panic!("one claim each: {}", trap.name) };
        let known = told(brief(&drill), book, &book.common.things[thing].words).expect("the letter says it");
        let is_trap = known != book.common.spoken(thing, claimed);
        let word = trap.family.word();
        let right = if is_trap { format!("Intent: trap {word}.") } else { format!("Intent: presses by {word}.") };
        assert_eq!(drill.last().0.answer, right, "{drill:?}");
        *answers.entry(is_trap).or_default() += 1;
    }
    assert!(answers.len() == 2 && answers.values().all(|count| *count > 80), "{answers:?}");
    let judged = of(&scenario, Seat::User, Skill::Judge);
    let behind = |drill: &&Drill| heard(book, drill).into_iter().flatten().count() > 2;
    let many = judged.iter().filter(behind).count();
    assert!(many > 50, "behind other lines: {many}");
}

/// The four numbers behind these words.
fn state(text: &str, before: &str) -> [i64; 4] {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{text}"));
    let numbers = rest.split(|c: char| !c.is_ascii_digit()).filter_map(|run| run.parse().ok());
    numbers.take(4).collect::<Vec<i64>>().try_into().expect("four values")
}

#[test]
fn a_state_is_that_of_the_brief_moved_by_all_that_was_heard() {
    let scenario = scenario("heating");
    let book = book(&scenario);
    let mut moved = BTreeMap::<usize, u32>::new();
    for drill in of(&scenario, Seat::User, Skill::Feel) {
        // Who asks is answered or not, which moves it too: another test's matter.
        if drill.questions.iter().any(|asked| asked.skill == Skill::Follow) {
            continue;
        }
        let mut expected = state(brief(&drill), "State: ");
        let lines: Vec<_> = heard(book, &drill).into_iter().flatten().collect();
        for trap in &lines {
            let (thing, claimed) = trap.claims[0];
            let known = told(brief(&drill), book, &book.common.things[thing].words).expect("the letter says it");
            let by = if known == book.common.spoken(thing, claimed) { [1, 0, -1, 0] } else { [-1, -1, -1, 0] };
            expected.iter_mut().zip(by).for_each(|(value, by)| *value = (*value + by).clamp(0, 5));
        }
        assert_eq!(state(&drill.last().0.answer, "State: "), expected, "{drill:?}");
        *moved.entry(lines.len()).or_default() += 1;
    }
    assert!(moved.iter().filter(|(lines, count)| **lines > 0 && **count >= 5).count() >= 3, "{moved:?}");
}

#[test]
fn the_next_step_of_the_procedure_is_filled_in_from_the_brief() {
    let scenario = scenario("heating");
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for drill in of(&scenario, Seat::Agent, Skill::Follow) {
        let question = question(&drill);
        let asked = messages(&drill).find(|message| message.from == Source::Partner);
        let fact = |name: &str| format!("{name}={}", told(brief(&drill), book(&scenario), name).expect("it knows"));
        let (step, right) = match asked.map(|message| message.text.as_str()) {
            Some(asked) if asked.starts_with("[ask fee]") => ("answer", format!("[tell {}]", fact("fee"))),
            Some(asked) if asked.starts_with("[ask term]") => ("answer", format!("[tell {}]", fact("term"))),
            Some(other) => panic!("nothing else can be asked: {other}"),
            None if !question.starts_with("Done: ") => ("greet", "[greet]".to_owned()),
            None if question == "Done: greet. Next?" => {
                let plan = if told(brief(&drill), book(&scenario), "burner") == Some("old") { "full" } else { "basic" };
                ("propose", format!("[propose plan={plan}]"))
            }
            None if question == "Done: greet propose. Next?" => {
                ("cost", format!("[tell {} {}]", fact("fee"), fact("term")))
            }
            None => ("close", "[close agreed]".to_owned()),
        };
        assert_eq!(drill.last().0.answer, right, "{drill:?}");
        *seen.entry(step).or_default() += 1;
    }
    assert!(seen.len() == 5 && seen.values().all(|count| *count > 20), "{seen:?}");
}

#[test]
fn drills_are_of_their_own_splits_items_and_press_with_no_held_out_family() {
    for name in FILES {
        let scenario = scenario(name);
        let Rules::Talk(rules) = &scenario.rules else { panic!("another gym") };
        let book = &rules.book;
        let held_out: Vec<_> =
            book.agent.traps.iter().filter(|trap| book.sampling.held_out.contains(&trap.family)).collect();
        for (split, seat, index) in [Split::Train, Split::HeldOut].into_iter().flat_map(|split| {
            Seat::ALL.into_iter().flat_map(move |seat| (0..400).map(move |index| (split, seat, index)))
        }) {
            let Some(drill) = scenario.rules.drill(&scenario, split, seat, index) else { continue };
            let item = rules.items.item(split, index % scenario.items.of(split));
            for (thing, truth) in book.common.things.iter().zip(&item.truth) {
                let value = told(brief(&drill), book, &thing.words);
                assert!(
                    value.is_none()
                        || value.map(str::to_owned)
                            == truth.map(|truth| thing.values[usize::from(truth)].replace('_', " "))
                );
            }
            for trap in &held_out {
                let shows = |text: &str| text.contains(&format!("[{}]", trap.name));
                assert!(messages(&drill).all(|message| !shows(&message.text)), "{name}: {drill:?}");
                let names = |text: &str| text.contains(&format!("trap {}", trap.family.word()));
                assert!(drill.questions.iter().all(|asked| !names(&asked.answer)), "{name}: {drill:?}");
            }
        }
    }
}
