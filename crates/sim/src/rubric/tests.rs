//! What is asked, what is read, and what it comes to, by hand.

use std::sync::Arc;

use super::*;
use crate::scenario::RewardRule;
use crate::testing::scenario;

fn rubric(levels: usize) -> Rubric {
    let criterion = |name: &str, weight| Criterion {
        seat: Seat::User,
        name: format!("judge.{name}"),
        weight,
        question: "Is it so?".to_owned(),
        levels: (0..levels).map(|level| format!("level {level}")).collect(),
    };
    Rubric {
        panel: vec![Juror { policy: "openai:one".to_owned(), family: "one".to_owned() }],
        reads_thought: true,
        reads_brief: false,
        criteria: vec![criterion("fit", Some(0.5)), criterion("wit", None)],
        gold: Vec::new(),
        drift_max: 0.2,
    }
}

fn question() -> Question {
    rubric(5)
        .asks(Seat::User, "Heard: [offer] Will you take it?\nThought 0: Too dear.\nSaid 0: No, not at 39.")
        .unwrap()
}

#[test]
fn a_ballot_is_read_however_it_is_written_and_refused_where_it_says_less() {
    let good = [
        r#"{"fit": {"level": 4, "quote": "Too dear"}, "wit": {"level": 1, "quote": "No, not at 39."}}"#,
        "```json\n{\"fit\": {\"level\": \"4\", \"quote\": \"too DEAR!\"}, \"wit\": {\"level\": 1.0, \"quote\": \"Will you … not at 39\"}}\n```",
        r#"<think>{}</think>Here: {"wit": {"quote": "no", "level": 1}, "fit": {"quote": "dear", "level": 4, "why": "x"}, "other": 3}"#,
    ];
    for reply in good {
        let levels: Vec<u32> = question()
            .read(reply)
            .unwrap_or_else(|why| panic!("{reply}: {why}"))
            .opinions
            .iter()
            .map(|o| o.level)
            .collect();
        assert_eq!(levels, [4, 1], "{reply}");
    }
    let of = |fit: &str| format!(r#"{{"fit": {fit}, "wit": {{"level": 1, "quote": "no"}}}}"#);
    let bad = [
        "".to_owned(),
        "4 and 1".to_owned(),
        "{\"fit\": {\"level\": 4, \"quote\": \"Too dear\"".to_owned(),
        r#"{"fit": {"level": 4, "quote": "Too dear"}}"#.to_owned(),
        of(r#"{"level": 0, "quote": "Too dear"}"#),
        of(r#"{"level": 6, "quote": "Too dear"}"#),
        of(r#"{"level": 3.5, "quote": "Too dear"}"#),
        of(r#"{"level": "high", "quote": "Too dear"}"#),
        of(r#"{"level": 4}"#),
        of(r#"{"level": 4, "quote": ""}"#),
        of(r#"{"level": 4, "quote": "..."}"#),
        of(r#"{"level": 4, "quote": "I accept"}"#),
        of("4"),
    ];
    for reply in bad {
        assert!(question().read(&reply).is_err(), "{reply}");
    }
}

#[test]
fn a_panel_comes_to_its_mean_and_says_how_far_it_is_apart() {
    let ballot = |levels: [u32; 2]| Ballot {
        opinions: levels.iter().map(|level| Opinion { level: *level, quote: "no".to_owned() }).collect(),
    };
    let mut verdict = Verdict::default();
    rubric(5).note(&mut verdict, Seat::User, &[ballot([5, 1]), ballot([3, 2])]);
    // Of five levels the values are 0, ¼, ½, ¾, 1: (1 + ½) / 2 and (0 + ¼) / 2, each apart by ¼ and ⅛ from its mean.
    let [reward] = &verdict.rewards[..] else { panic!("only one criterion trains: {:?}", verdict.rewards) };
    assert_eq!((reward.value, reward.weight, reward.kind), (0.75, 0.5, RewardKind::Judged));
    assert_eq!(verdict.measures["user/judge.fit"], Ratio::new(0.75, 1.0));
    assert_eq!(verdict.measures["user/judge.wit"], Ratio::new(0.125, 1.0));
    assert_eq!(verdict.measures["user/judge.disagreement"], Ratio::new(0.25 + 0.125, 2.0));
    assert_eq!((verdict.score(Seat::User), verdict.reward(Seat::User)), (0.0, 0.375), "no judge makes a score");
    let mut alone = Verdict::default();
    rubric(5).note(&mut alone, Seat::User, &[ballot([5, 1])]);
    assert_eq!(alone.measures["user/judge.disagreement"].rate(), None, "one judge disagrees with nobody");
}

#[test]
fn drift_is_the_distance_from_what_people_said() {
    let gold = |fit, wit| Gold {
        seat: Seat::User,
        case: "Said 0: No.".to_owned(),
        levels: BTreeMap::from([("judge.fit".to_owned(), fit), ("judge.wit".to_owned(), wit)]),
    };
    let rubric = Rubric { gold: vec![gold(5, 1), gold(3, 3)], ..rubric(5) };
    let panel = |levels: [u32; 2]| {
        vec![Ballot { opinions: levels.map(|level| Opinion { level, quote: "no".to_owned() }).to_vec() }]
    };
    assert_eq!(rubric.drift(&[panel([5, 1]), panel([3, 3])]), Some(0.0));
    // Two levels off once, one level off once, of four known: (½ + ¼) / 4.
    assert_eq!(rubric.drift(&[panel([3, 1]), panel([3, 4])]), Some(0.1875));
    assert_eq!((rubric.is_alarming(0.1875), rubric.is_alarming(0.21)), (false, true));
    assert_eq!(rubric.drift(&[]), None);
}

#[test]
fn a_judge_reads_one_side_and_only_what_its_rubric_declares() {
    let scenario = scenario();
    let mut record = crate::testing::played(&scenario, "rule", "rule", 0);
    for turn in &mut record.turns {
        turn.decision.thought = Some(format!("canary-thought-{}", turn.seat));
    }
    let world = scenario.rules.world(&scenario, &record.casting, 1);
    let turns = Arc::new(record.turns);
    let case = Case { scenario: Arc::clone(&scenario), world, turns, truncated: false };
    let told =
        |rubric: &Rubric| rubric.question(&case, Seat::User).expect("it is asked about").messages[1].text.clone();
    let brief = case.turns.iter().find(|turn| turn.seat == Seat::User).unwrap().observed[0].text.clone();
    let base = rubric(3);
    let (whole, bare) =
        (told(&Rubric { reads_brief: true, ..base.clone() }), told(&Rubric { reads_thought: false, ..base.clone() }));
    assert!(whole.contains("canary-thought-user") && whole.contains(&brief) && whole.contains("Said 0: "));
    assert!(!bare.contains("canary-thought-user") && !bare.contains(&brief));
    assert!(!whole.contains("canary-thought-agent"));
    assert!(base.question(&case, Seat::Agent).is_none(), "no criterion is about the agent");
}

/// Values of four terms and two gates, and what trains, by hand.
#[test]
fn r02_a_gate_multiplies_what_was_earned_and_nothing_that_was_lost() {
    let reward = |name: &str, kind, value, weight| Reward {
        seat: Seat::User,
        name: name.to_owned(),
        kind,
        scope: if name == "early" { Scope::Turn(0) } else { Scope::Session },
        value,
        weight,
        evidence: "by hand".to_owned(),
    };
    let verdict = |early: f64, gates: &[(f64, f64)]| {
        let mut rewards = vec![
            reward("early", RewardKind::Outcome, early, 1.0),
            reward("late", RewardKind::Outcome, 0.5, 2.0),
            reward("form", RewardKind::Training, 0.5, 0.5),
            reward("judge.fit", RewardKind::Judged, 0.75, 1.0),
        ];
        rewards.extend(gates.iter().map(|(value, weight)| reward("gate", RewardKind::Gate, *value, *weight)));
        Verdict { rewards, ..Verdict::default() }
    };
    // Earned: 1 + 1 + ¼ + ¾ = 3 with the first at 1.
    for (gates, kept) in [
        (&[][..], 1.0),
        (&[(0.0, 1.0)], 0.0),
        (&[(1.0, 1.0)], 1.0),
        (&[(0.25, 1.0)], 0.25),
        (&[(0.0, 0.5)], 0.5),
        (&[(0.5, 1.0), (0.5, 0.5)], 0.375),
    ] {
        let verdict = verdict(1.0, gates);
        assert_eq!((verdict.gate(Seat::User), verdict.kept(Seat::User)), (kept, kept));
        assert_eq!((verdict.reward(Seat::User), verdict.score(Seat::User)), (3.0 * kept, 2.0), "{gates:?}");
        assert_eq!(verdict.reward(Seat::Agent), 0.0, "whose gate is another's is not gated");
    }
    // Lost: −4 + 1 + ¼ + ¾ = −2, which no gate makes less bad.
    let lost = verdict(-4.0, &[(0.0, 1.0)]);
    assert_eq!((lost.gate(Seat::User), lost.kept(Seat::User), lost.reward(Seat::User)), (0.0, 1.0, -2.0));
    // Turn by turn it is the same: each turn's share of what was earned.
    let mut record = crate::testing::played(&scenario(), "rule", "rule", 0);
    record.verdict = Some(verdict(1.0, &[(0.25, 1.0)]));
    record.scores.user = Some(2.0);
    let turns = record.turn_rewards(Seat::User).expect("it was scored");
    let mut by_hand = vec![0.0; turns.len()];
    by_hand[0] += 0.25;
    *by_hand.last_mut().expect("it spoke") += 0.25 * (1.0 + 0.25 + 0.75);
    assert_eq!(turns, by_hand);
}

#[test]
fn a_gate_is_neither_score_nor_part_of_its_range() {
    let mut scenario = (*scenario()).clone();
    let before = Seat::ALL.map(|seat| scenario.outcome_range(seat));
    let rule = RewardRule { seat: Seat::User, name: "well_formed".to_owned(), kind: RewardKind::Gate, weight: 1.0 };
    scenario.rewards.retain(|rule| (rule.seat, rule.name.as_str()) != (Seat::User, "well_formed"));
    scenario.rewards.push(rule);
    assert_eq!(Seat::ALL.map(|seat| scenario.outcome_range(seat)), before);
}
