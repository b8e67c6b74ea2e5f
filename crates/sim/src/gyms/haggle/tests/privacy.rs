//! What one seat knows, the other never reads: planted words, and worlds that differ only in what is hidden.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Act;
use crate::Decision;
use crate::EpisodeRecord;
use crate::Observation;
use crate::Pair;
use crate::Scenario;
use crate::Seat;
use crate::Source;
use crate::WorldInput;
use crate::draws::Stream;
use crate::drive::drive;
use crate::gyms::GymWorld;
use crate::gyms::Rules as Gym;
use crate::gyms::Script;
use crate::gyms::haggle::Fact;
use crate::gyms::haggle::Item;
use crate::gyms::haggle::Rules;
use crate::gyms::haggle::World;
use crate::scenario::Split;
use crate::testing::SEED;
use crate::testing::casting;
use crate::testing::played;
use crate::testing::scenario;

const EPISODES: u32 = 2000;

fn canary(seat: Seat) -> String {
    format!("the {seat} whispers xylophone")
}

/// Plays two scripts that also whisper, and hands each observation to `visit` before it is answered.
fn whispering(
    scenario: &Arc<Scenario>,
    scripts: &Pair<String>,
    item: u32,
    mut visit: impl FnMut(&Observation),
) -> EpisodeRecord {
    let casting = casting(&scripts.agent, &scripts.user, item);
    let address = casting.id.address(SEED);
    let decide = |seat: Seat, observation: &Observation| {
        visit(observation);
        let script = Script::named(&scenario.rules, seat, &scripts[seat]).expect("it was listed");
        let decision = script.decide(observation, address);
        let thought = format!("{} {}", canary(seat), decision.thought.unwrap_or_default());
        Decision { thought: Some(thought), ..decision }
    };
    drive(casting, scenario, SEED, decide, |_, _| unreachable!("this gym asks nothing"))
}

#[test]
fn no_thought_and_no_brief_ever_reaches_the_other_seat() {
    let scenario = scenario();
    let names = Pair::from_fn(|seat| Script::names(&scenario.rules, seat));
    let mut draws = casting("", "", 0).id.address(5).draws(Stream::Opponent);
    for _ in 0..EPISODES {
        let scripts = Pair { agent: draws.pick(&names.agent).clone(), user: draws.pick(&names.user).clone() };
        let mut seen: Pair<Vec<String>> = Pair::default();
        let item = draws.range(0, 999) as u32;
        let record = whispering(&scenario, &scripts, item, |observation| {
            // Text and view alike: everything a seat could look at.
            seen[observation.seat].push(serde_json::to_string(observation).expect("observations are data"));
        });
        for seat in Seat::ALL {
            let partner = seat.partner();
            let brief = record.turns_of(partner).next().and_then(|turn| turn.observed.first());
            let private: Vec<String> =
                brief.map(|message| message.text.clone()).into_iter().chain([canary(partner)]).collect();
            for text in &seen[seat] {
                assert!(private.iter().all(|private| !text.contains(private)), "{seat} reads {text}");
            }
            assert!(record.turns_of(partner).all(|turn| turn.decision.thought.is_some()), "the canary was planted");
        }
    }
}

#[test]
fn only_the_first_message_of_a_seat_is_its_brief() {
    let scenario = scenario();
    for item in 0..50 {
        let record = played(&scenario, "scripted:trapper", "scripted:noisy", item);
        for seat in Seat::ALL {
            let messages: Vec<_> = record.turns_of(seat).flat_map(|turn| &turn.observed).collect();
            assert_eq!(messages[0].from, Source::Brief);
            assert!(messages[1..].iter().all(|message| message.from != Source::Brief));
        }
    }
}

fn rules(scenario: &Scenario) -> &Rules {
    let Gym::Haggle(rules) = &scenario.rules else { panic!("another gym") };
    rules
}

/// The world of a held-out item, with something about the item changed.
fn world(scenario: &Scenario, index: u32, change: impl FnOnce(&mut Item)) -> World {
    let rules = rules(scenario);
    let mut item = rules.item(scenario.items, Split::HeldOut, index);
    change(&mut item);
    let draws = casting("", "", index).id.address(SEED).draws(Stream::World);
    World::new(rules.clone(), item, scenario, draws)
}

/// Everything `seat` is shown while both say what was said in `record`.
fn shown(mut world: World, record: &EpisodeRecord, seat: Seat) -> Vec<Observation> {
    let mut shown = Vec::new();
    for turn in &record.turns {
        let observation = world.observe(turn.seat);
        if turn.seat == seat {
            shown.push(observation);
        }
        let input = match &turn.decision.act {
            Ok(act) => WorldInput::Act(turn.seat, act.clone()),
            Err(_) => WorldInput::Act(turn.seat, Act::Say(String::new())),
        };
        world.step(input);
    }
    shown
}

#[test]
fn the_buyer_sees_the_same_talk_whatever_the_cost() {
    let scenario = scenario();
    for index in 0..150 {
        let record = played(&scenario, "scripted:trapper", "random", index);
        let before = shown(world(&scenario, index, |_| ()), &record, Seat::User);
        let after = shown(world(&scenario, index, |item| item.cost += 2), &record, Seat::User);
        assert_eq!(before, after, "item {index}");
    }
}

#[test]
fn the_seller_sees_the_same_talk_whatever_it_is_worth_to_the_buyer() {
    let scenario = scenario();
    for index in 0..150 {
        let record = played(&scenario, "random", "scripted:noisy", index);
        let before = shown(world(&scenario, index, |_| ()), &record, Seat::Agent);
        let after = shown(
            world(&scenario, index, |item| {
                item.value += 3;
                item.wants_warranty = !item.wants_warranty;
            }),
            &record,
            Seat::Agent,
        );
        assert_eq!(before, after, "item {index}");
        let mut other = world(&scenario, index, |_| ());
        (other.seen, other.profile.style) = (Default::default(), crate::gyms::haggle::person::Style::Curt);
        assert_eq!(before, shown(other, &record, Seat::Agent), "item {index}");
    }
}

#[test]
fn the_buyer_sees_the_same_talk_whatever_is_true_of_a_fact_it_neither_knows_nor_has_checked() {
    let scenario = scenario();
    let mut looked = 0;
    for index in 0..150 {
        let record = played(&scenario, "scripted:trapper", "rule", index);
        let checked = |fact: Fact| {
            let journal = record.turns.iter().flat_map(|turn| &turn.effect).flat_map(|effect| &effect.journal);
            journal.into_iter().any(|line| line.starts_with(&format!("checked: The {} ", fact.name())))
        };
        let plain = world(&scenario, index, |_| ());
        for fact in Fact::ALL.into_iter().filter(|fact| plain.known(*fact).is_none() && !checked(*fact)) {
            let other = world(&scenario, index, |item| {
                item.facts[fact.index()] = (item.facts[fact.index()] + 1) % 3;
            });
            let before = shown(plain.clone(), &record, Seat::User);
            assert_eq!(before, shown(other, &record, Seat::User), "item {index}, {fact:?}");
            looked += 1;
        }
    }
    assert!(looked > 200, "{looked}");
}

#[test]
fn a_brief_tells_a_seat_all_it_knows_and_nothing_else() {
    let scenario = scenario();
    for index in 0..300 {
        let mut world = world(&scenario, index, |_| ());
        let item = world.item.clone();
        let seen = world.seen;
        let prices = |text: &str| -> Vec<i64> {
            let words = text.split_whitespace().filter_map(|word| word.strip_prefix('$'));
            words.map(|word| word.trim_end_matches('.').parse().expect("a price")).collect()
        };
        let brief = |world: &mut World, seat| world.observe(seat).messages[0].text.clone();
        let seller = brief(&mut world, Seat::Agent);
        assert_eq!(prices(&seller), [item.list, item.cost], "{seller}");
        let buyer = brief(&mut world, Seat::User);
        assert_eq!(prices(&buyer), [item.list, item.value], "{buyer}");
        for fact in Fact::ALL {
            let truth = format!("The {} is {}.", fact.name(), fact.values()[usize::from(item.facts[fact.index()])]);
            let unknown = format!("The {} is unknown.", fact.name());
            assert!(seller.contains(&truth), "{seller}");
            let known = seen[fact.index()].is_some();
            assert_eq!((buyer.contains(&truth), buyer.contains(&unknown)), (known, !known), "{buyer}");
        }
    }
}

#[test]
fn held_out_briefs_use_only_words_that_training_shows() {
    let scenario = scenario();
    let words = |split: Split| -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        for index in 0..scenario.items.of(split) {
            let item = rules(&scenario).item(scenario.items, split, index);
            let draws = casting("", "", index).id.address(SEED).draws(Stream::World);
            let mut world = World::new(rules(&scenario).clone(), item, &scenario, draws);
            for seat in Seat::ALL {
                let brief = world.observe(seat).messages.remove(0).text;
                words.extend(brief.split_whitespace().map(str::to_owned));
            }
        }
        words
    };
    let (train, held_out) = (words(Split::Train), words(Split::HeldOut));
    let unseen: Vec<&String> = held_out.difference(&train).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    assert!(held_out.len() > 60, "{}", held_out.len());
}
