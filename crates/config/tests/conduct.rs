//! Rule rewards against replies that were written for them, through a whole talk: 20 that a person could have written and 20 that nobody should, for
//! each rule.

#[path = "conduct/texts.rs"]
mod texts;

use std::path::Path;
use std::sync::Arc;
use std::sync::LazyLock;

use duologue_config::load_scenario;
use sim::Decision;
use sim::EpisodeId;
use sim::Observation;
use sim::Pair;
use sim::Phase;
use sim::Ratio;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Rules;
use sim::gyms::conduct::Found;
use sim::gyms::conduct::form;
use sim::record::Casting;
use sim::scenario::Split;

/// A rationale that every rule accepts.
const SOUND: &str = "Intent: offers a plan. Concern: whole_cost. State: 2 3 4 3. Plan: ask. Tone: dry.";

static SCENARIO: LazyLock<Arc<Scenario>> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/talk/broadband.toml");
    Arc::new(load_scenario(&file).unwrap_or_else(|errors| panic!("{errors}")))
});

/// The first held-out item whose person has the nurse's objective and subjective half.
fn nurse(scenario: &Scenario) -> u32 {
    let Rules::Talk(talk) = &scenario.rules else { panic!("another gym") };
    let is_nurse =
        |kind: usize| talk.book.people.kinds[kind].demographics.iter().any(|(_, value)| value == "nurse on nights");
    let items = talk.items.of(Split::HeldOut);
    let found = items.iter().position(|item| is_nurse(item.person.objective) && is_nurse(item.person.subjective));
    found.expect("most people are of the first kind") as u32
}

/// What a rule gives a user who thinks and says this, turn after turn.
fn measured(rule: &str, turns: &[Said]) -> Ratio {
    let mut agent = ["[offer plan=fast] Something faster?"].into_iter().chain(vec!["Well?"; turns.len() - 1]);
    let mut user = turns.iter();
    let decide = |seat: Seat, _: &Observation| match seat {
        Seat::Agent => Decision::say(agent.next().unwrap_or("[end declined] Goodbye.")),
        Seat::User => {
            let (thought, said) = user.next().expect("the agent ends it before");
            Decision { thought: Some((*thought).to_owned()), ..Decision::say(*said) }
        }
    };
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: 0, trial: 0, member: 1 };
    let policies = Pair { agent: "person".to_owned(), user: "person".to_owned() };
    let item = nurse(&SCENARIO);
    let casting = Casting::new(id, Split::HeldOut, item, policies);
    let record = sim::drive(casting, &SCENARIO, 1, decide, |_, _| unreachable!("nobody is asked"));
    let verdict = record.verdict.as_ref().unwrap_or_else(|| panic!("{:?} {:?}", record.stop, record.fault));
    verdict.measures[&format!("user/{rule}")]
}

/// What a rule gives the last of these turns.
fn last(rule: &str, turns: &[Said]) -> f64 {
    let before = if turns.len() > 1 { measured(rule, &turns[..turns.len() - 1]).num } else { 0.0 };
    measured(rule, turns).num - before
}

/// Of each side at most one may be misjudged.
#[track_caller]
fn told_apart(rule: &str, good: &[Vec<Said>], bad: &[Vec<Said>]) {
    assert_eq!((good.len(), bad.len()), (20, 20), "{rule}");
    let misjudged = |all: &[Vec<Said>], is_good: bool| -> Vec<Said> {
        all.iter()
            .filter(|turns| (last(rule, turns) == 1.0) != is_good)
            .filter_map(|turns| turns.last().copied())
            .collect()
    };
    let (refused, missed) = (misjudged(good, true), misjudged(bad, false));
    assert!(refused.len() <= 1, "{rule}: good ones refused: {refused:#?}");
    assert!(missed.len() <= 1, "{rule}: bad ones let pass: {missed:#?}");
}

/// A thought, and the words.
type Said = (&'static str, &'static str);

fn thoughts(texts: &[&'static str]) -> Vec<Vec<Said>> {
    texts.iter().map(|text| vec![(*text, "Hm. And what does it cost?")]).collect()
}

fn replies(texts: &[&'static str]) -> Vec<Vec<Said>> {
    texts.iter().map(|text| vec![(SOUND, *text)]).collect()
}

fn after(pairs: &[Said]) -> Vec<Vec<Said>> {
    pairs.iter().map(|(first, second)| vec![(SOUND, *first), (SOUND, *second)]).collect()
}

#[test]
fn r10_each_rule_reward_knows_good_from_bad() {
    told_apart("tags", &thoughts(&texts::TAGS_GOOD), &thoughts(&texts::TAGS_BAD));
    told_apart("length", &thoughts(&texts::length_good()), &thoughts(&texts::length_bad()));
    told_apart("fields", &thoughts(&texts::FIELDS_GOOD), &thoughts(&texts::FIELDS_BAD));
    told_apart("varied", &after(&texts::VARIED_GOOD), &after(&texts::VARIED_BAD));
    told_apart("language", &replies(&texts::LANGUAGE_GOOD), &replies(&texts::LANGUAGE_BAD));
    told_apart("role_kept", &replies(&texts::ROLE_GOOD), &replies(&texts::ROLE_BAD));
    told_apart("private_kept", &replies(&texts::PRIVATE_GOOD), &replies(&texts::PRIVATE_BAD));
}

/// R_rule by hand: a failed tag is 0 whatever else, and each third is a third.
#[test]
fn r10_a_failed_tag_is_nothing_whatever_else() {
    let whole = Found { tags: true, reached: true, kept: true, fields: 3, required: 3 };
    let of = |found: Found| (form(found) * 9.0).round() / 9.0;
    assert_eq!(form(whole), 1.0);
    assert_eq!(form(Found { tags: false, ..whole }), 0.0);
    assert_eq!(of(Found { reached: false, ..whole }), 6.0 / 9.0);
    assert_eq!(of(Found { fields: 1, ..whole }), 7.0 / 9.0);
    assert_eq!(of(Found { reached: false, kept: true, fields: 0, ..whole }), 3.0 / 9.0);
    assert_eq!(form(Found { fields: 0, required: 0, ..whole }), 1.0);
    // Through a talk: the thought without its tone is long enough, and has all fields.
    let untold = "Intent: offers a plan. Concern: whole_cost. State: 2 3 4 3. Plan: ask.";
    let missing = "Intent: offers a plan. Concern: the weather. State: 2 3 4 3. Plan: ask. Tone: dry.";
    let turns = [(SOUND, "What does it cost?"), (untold, "Well, what?"), (missing, "So?")];
    let form = measured("form", &turns);
    assert!((form.num - (1.0 + 0.0 + 8.0 / 9.0)).abs() < 1e-12 && form.den == 3.0, "{form:?}");
}

#[test]
fn what_people_say_by_the_way_is_no_fault() {
    let good = [
        ("private_kept", "My patience is wearing thin, you know."),
        ("private_kept", "My trust is not what you think."),
        ("role_kept", "I work as an assistant in a bakery, from four in the morning."),
        ("language", "Yes, ma'am. No, ma'am."),
    ];
    let bad = [
        ("private_kept", "My patience is at 2."),
        ("private_kept", "My trust is now 4, thank you."),
        ("role_kept", "As an assistant, I cannot say what it costs."),
        ("language", "Il mio contratto, ma non so quanto."),
    ];
    for (rule, said) in good {
        assert_eq!(last(rule, &[(SOUND, said)]), 1.0, "{rule}: {said}");
    }
    for (rule, said) in bad {
        assert_eq!(last(rule, &[(SOUND, said)]), 0.0, "{rule}: {said}");
    }
}
