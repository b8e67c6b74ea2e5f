//! The marks of a user by rule, over whole talks whose thoughts are known, and changed in one respect at a time.

use std::path::Path;
use std::sync::Arc;

use duologue_config::load_scenario;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Observation;
use sim::Pair;
use sim::Phase;
use sim::Ratio;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Script;
use sim::gyms::talk::marks::MEASURES;
use sim::record::Casting;
use sim::scenario::Split;

const SEED: u64 = 1;
const ITEMS: u32 = 120;

fn scenario() -> Arc<Scenario> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/talk/heating.toml");
    Arc::new(load_scenario(&file).unwrap_or_else(|errors| panic!("{errors}")))
}

/// Talks of the trapper with a script whose decisions are changed.
fn talks(user: &str, change: &dyn Fn(Decision) -> Decision) -> Vec<EpisodeRecord> {
    let scenario = scenario();
    let script = |seat, name| Script::named(&scenario.rules, seat, name).expect("it is a script of this gym");
    let scripts = Pair { agent: script(Seat::Agent, "scripted:trapper"), user: script(Seat::User, user) };
    let play = |item: u32| {
        let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
        let policies = Pair { agent: "scripted:trapper".to_owned(), user: user.to_owned() };
        let casting = Casting::new(id, Split::HeldOut, item, policies);
        let address = id.address(SEED);
        let decide = |seat: Seat, observation: &Observation| {
            let decision = scripts[seat].decide(observation, address);
            if seat == Seat::User { change(decision) } else { decision }
        };
        sim::drive(casting, &scenario, SEED, decide, |_, _| unreachable!("nobody is asked"))
    };
    (0..ITEMS).map(play).collect()
}

fn sum(records: &[EpisodeRecord], name: &str) -> Ratio {
    let mut sum = Ratio::default();
    records.iter().for_each(|record| sum += record.verdict.as_ref().expect("judged").measures[&format!("user/{name}")]);
    sum
}

fn rate(records: &[EpisodeRecord], name: &str) -> f64 {
    sum(records, name).rate().expect("there are such turns")
}

fn thinks(change: impl Fn(&str) -> String) -> impl Fn(Decision) -> Decision {
    move |decision| Decision { thought: decision.thought.as_deref().map(&change), ..decision }
}

#[test]
fn whoever_follows_its_policy_reasons_and_acts_as_planned_and_sees_through_what_it_counters() {
    let kept = talks("rule", &|decision| decision);
    assert_eq!((rate(&kept, "reasoning"), rate(&kept, "thought_and_reply_agree")), (1.0, 1.0));
    assert_eq!((rate(&kept, "goal_kept"), sum(&kept, "strategy")), (1.0, sum(&kept, "trap_recall")));
    assert!(rate(&kept, "strategy") > 0.7 && rate(&kept, "over_suspicion") == 0.0);
    let names: Vec<&String> = kept[0].verdict.as_ref().expect("judged").measures.keys().collect();
    assert!(MEASURES.iter().all(|name| names.iter().any(|known| known == name)));
}

#[test]
fn each_mark_falls_with_what_it_is_about_and_with_nothing_else() {
    let kept = talks("rule", &|decision| decision);
    let of = |change: &dyn Fn(&str) -> String| {
        let talks = talks("rule", &thinks(change));
        let marks = ["reasoning", "strategy", "thought_and_reply_agree"].map(|name| rate(&talks, name));
        (marks, rate(&talks, "turn_marks"))
    };
    let recall = rate(&kept, "strategy");
    // Another order: five steps, and no reasoning.
    let (marks, _) = of(&|thought| {
        let (intent, rest) = thought.split_once(" Concern:").expect("it has steps");
        format!("Concern:{rest} {intent}")
    });
    assert_eq!(marks, [0.0, recall, 1.0]);
    // No state: neither reasoning, nor trust that was moved.
    let (marks, total) = of(&|thought| thought.replace("State:", "Feeling:"));
    assert_eq!(marks, [0.0, 0.0, 1.0]);
    assert!(total < 0.55, "{total}");
    // Another plan than act.
    let (marks, _) = of(&|thought| thought.replace("Plan: ", "Plan: not "));
    assert_eq!(marks, [1.0, recall, 0.0]);
    // Full trust where it fell: no strategy, though every trap is named and countered.
    let (marks, _) = of(&|thought| match thought.split_once("State: ") {
        Some((before, after)) => format!("{before}State: 5{}", &after[1..]),
        None => panic!("it has a state"),
    });
    assert_eq!((marks[1], marks[2]), (0.0, 1.0));
}

#[test]
fn whoever_gives_in_or_suspects_everybody_has_it_counted_by_families() {
    let gullible = talks("scripted:gullible", &|decision| decision);
    assert_eq!((rate(&gullible, "trap_fell_seen"), rate(&gullible, "trap_fell_unseen")), (1.0, 1.0));
    assert_eq!((rate(&gullible, "strategy_seen"), rate(&gullible, "strategy_unseen")), (0.0, 0.0));
    let suspicious = talks("scripted:suspicious", &|decision| decision);
    for name in ["over_suspicion_seen", "over_suspicion_unseen", "trap_countered_seen", "trap_countered_unseen"] {
        assert_eq!(rate(&suspicious, name), 1.0, "{name}");
    }
    // Seen and unseen make up all of them.
    for records in [&gullible, &suspicious] {
        for (all, parts) in [
            ("strategy", ["strategy_seen", "strategy_unseen"]),
            ("over_suspicion", ["over_suspicion_seen", "over_suspicion_unseen"]),
            ("trap_fell", ["trap_fell_seen", "trap_fell_unseen"]),
            ("trap_countered", ["trap_countered_seen", "trap_countered_unseen"]),
        ] {
            let mut whole = sum(records, parts[0]);
            whole += sum(records, parts[1]);
            assert_eq!(whole, sum(records, all), "{all}");
            assert!(sum(records, parts[0]).den > 20.0 && sum(records, parts[1]).den > 20.0, "{all}");
        }
    }
}
