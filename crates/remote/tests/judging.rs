//! A panel before a server in memory that answers rightly, late, brokenly, out of range, or otherwise than it used to.

#[path = "fake/server.rs"]
mod fake;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use duologue_remote::Limits;
use duologue_remote::Panel;
use duologue_remote::Recorder;
use duologue_remote::Recording;
use duologue_remote::Voice;
use serde_json::Value;
use serde_json::json;
use sim::Case;
use sim::Episode;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Fault;
use sim::FaultKind;
use sim::Input;
use sim::Output;
use sim::Pair;
use sim::Party;
use sim::Phase;
use sim::RewardKind;
use sim::Rubric;
use sim::Scenario;
use sim::Seat;
use sim::Verdict;
use sim::gyms::Script;
use sim::gyms::haggle;
use sim::record::Casting;
use sim::rubric::Criterion;
use sim::rubric::Gold;
use sim::rubric::Juror;
use sim::scenario::JudgeRules;
use sim::scenario::RUBRIC;
use sim::scenario::RewardRule;
use sim::scenario::Split;

use fake::Does;
use fake::Fake;
use fake::said;

/// A judge that says this to the request of this number, from 0; `None`: nothing, for ever.
fn judge(says: impl Fn(usize, &Value) -> Option<String> + Send + Sync + 'static) -> Fake {
    Fake::new(move |number, asked| says(number, asked).map_or(Does::Hang, |text| Does::Say(said(&text))))
}

fn voice(fake: &Fake, recorder: Option<Arc<Recorder>>) -> Voice {
    let limits = Limits { attempts_max: 3, deadline: Duration::from_secs(5), ..Limits::default() };
    fake.voice("judge", limits, recorder)
}

fn panel_of(fake: &Fake) -> Panel {
    Panel { voices: vec![voice(fake, None)] }
}

fn rubric() -> Rubric {
    let criterion = |name: &str, weight: f64| Criterion {
        seat: Seat::User,
        name: format!("judge.{name}"),
        weight: Some(weight),
        question: format!("What of its {name}?"),
        levels: ["never", "at times", "mostly", "nearly always", "always"].map(str::to_owned).to_vec(),
    };
    let gold = Gold {
        seat: Seat::User,
        case: "Heard: Hello.\nSaid 0: Good day to you.".to_owned(),
        levels: BTreeMap::from([("judge.consistency".to_owned(), 5), ("judge.strategy".to_owned(), 3)]),
    };
    Rubric {
        panel: vec![Juror { policy: "openai:judge".to_owned(), family: "fake".to_owned() }],
        reads_thought: true,
        reads_brief: true,
        criteria: vec![criterion("consistency", 0.25), criterion("strategy", 0.5)],
        gold: vec![gold],
        drift_max: 0.3,
    }
}

/// Bargaining with a rubric for the buyer, whose form is a gate.
fn scenario() -> Arc<Scenario> {
    let mut scenario = haggle::example();
    let is_form = |rule: &RewardRule| rule.seat == Seat::User && rule.name == "well_formed";
    scenario.rewards.iter_mut().filter(|rule| is_form(rule)).for_each(|rule| {
        rule.kind = RewardKind::Gate;
        rule.weight = 1.0;
    });
    scenario.judge = JudgeRules { policy: RUBRIC.to_owned(), deadline_ms: 120_000, rubric: Some(Arc::new(rubric())) };
    Arc::new(scenario)
}

fn casting(item: u32) -> Casting {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: "rule".to_owned(), user: "rule".to_owned() };
    Casting::new(id, Split::HeldOut, item, policies)
}

/// A talk of scripts up to its judgement, in which the user thinks nothing from its turn `thoughtless` on.
fn judged_later(item: u32, thoughtless: usize) -> (Episode, Case) {
    let scenario = scenario();
    let address = casting(item).id.address(1);
    let scripts = Pair::from_fn(|seat| Script::named(&scenario.rules, seat, "rule").expect("every gym has one"));
    let (mut episode, mut outputs) = Episode::start(casting(item), scenario, 1);
    loop {
        let input = match outputs.pop().expect("it is not over") {
            Output::Ask(seat, observation) => {
                let mut decision = scripts[seat].decide(&observation, address);
                let turn = episode.turns().iter().filter(|turn| turn.seat == seat).count() - 1;
                if seat == Seat::User && turn >= thoughtless {
                    decision.thought = None;
                }
                Input::Acted(seat, decision)
            }
            Output::Apply(mut world, input) => {
                let said = world.step(input);
                Input::Effected(world, said)
            }
            Output::Judge(case) => return (episode, case),
            other => panic!("{other:?}"),
        };
        outputs = episode.step(input).expect("it is awaited");
    }
}

/// The item of a talk in which the user has three turns or more.
fn long_item() -> u32 {
    let turns = |item| judged_later(item, 99).1.turns.iter().filter(|turn| turn.seat == Seat::User).count();
    (0..100).find(|item| turns(*item) >= 3).expect("there are long talks")
}

fn closed(mut episode: Episode, verdict: Result<Verdict, Fault>) -> EpisodeRecord {
    match episode.step(Input::Judged(verdict)).expect("it is awaited").pop() {
        Some(Output::Done(record)) => *record,
        other => panic!("{other:?}"),
    }
}

fn says(consistency: u32, strategy: u32, quote: &str) -> Option<String> {
    let of = |level: u32| json!({ "level": level, "quote": quote });
    Some(json!({ "consistency": of(consistency), "strategy": of(strategy) }).to_string())
}

/// Words that the buyer said in its first turn, or of the gold case.
fn quote(asked: &Value) -> String {
    let case = asked["messages"].as_array().and_then(|all| all.last()).expect("there is a question");
    let text = case["content"].as_str().expect("it is text");
    text.lines().find_map(|line| line.strip_prefix("Said 0: ")).expect("somebody spoke").to_owned()
}

#[tokio::test(start_paused = true)]
async fn r11_a_judge_is_typed_cached_retried_and_watched() {
    let rubric = rubric();
    let (episode, case) = judged_later(long_item(), 99);
    // Rightly: levels 4 and 2 of five are ¾ and ¼. The same case is asked about once.
    let fake = judge(|_, asked| says(4, 2, &quote(asked)));
    let panel = panel_of(&fake);
    let verdict = panel.judge(&rubric, &case, "here").await.unwrap_or_else(|fault| panic!("{fault}"));
    let again = panel.judge(&rubric, &case, "elsewhere").await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((&again, fake.calls()), (&verdict, 1));
    let judged: Vec<(&str, f64)> = verdict
        .rewards
        .iter()
        .filter(|reward| reward.kind == RewardKind::Judged)
        .map(|reward| (reward.name.as_str(), reward.value))
        .collect();
    assert_eq!(judged, [("judge.consistency", 0.75), ("judge.strategy", 0.25)]);
    let by_rule = case.by_rule();
    let trains = by_rule.reward(Seat::User) + 0.25 * 0.75 + 0.5 * 0.25;
    assert_eq!(verdict.score(Seat::User), by_rule.score(Seat::User), "no score has what a judge says");
    assert!(by_rule.reward(Seat::User) < 0.0 || (verdict.reward(Seat::User) - trains).abs() < 1e-12);
    let record = closed(episode.clone(), Ok(verdict));
    assert_eq!(sim::redrive(&record, &scenario()), Ok(()), "what a judge said is taken from the record");

    // Broken once, then right: asked again, and nobody notices.
    let fake = judge(
        |number, asked| if number == 0 { Some("{\"consistency\"".to_owned()) } else { says(4, 2, &quote(asked)) },
    );
    assert!(panel_of(&fake).judge(&rubric, &case, "here").await.is_ok());
    assert_eq!(fake.calls(), 2);

    // Broken, out of range, or quoting what nobody said, to the end; and late. Each is the judge's fault, and scores nobody.
    type Says = fn(&Value) -> Option<String>;
    let broken: [(Says, FaultKind); 5] = [
        (|_| Some("I would say four.".to_owned()), FaultKind::BadReply),
        (|asked| says(6, 2, &quote(asked)), FaultKind::BadReply),
        (|asked| says(0, 2, &quote(asked)), FaultKind::BadReply),
        (|_| says(4, 2, "I love this car, take all my money"), FaultKind::BadReply),
        (|_| None, FaultKind::Deadline),
    ];
    for (index, (reply, kind)) in broken.into_iter().enumerate() {
        let fake = judge(move |_, asked| reply(asked));
        let fault = panel_of(&fake).judge(&rubric, &case, "here").await.expect_err("it is no judgement");
        assert_eq!((fault.party, fault.kind, fake.calls()), (Party::Judge, kind, 3), "{index}: {fault}");
        let record = closed(episode.clone(), Err(fault));
        assert_eq!((record.verdict.as_ref(), record.scores), (None, Pair::default()), "None, and never 0");
        assert!(record.turn_rewards(Seat::User).is_none());
    }

    // Two judges: the mean of ¾ and ¼, of ¼ and ¼; they are ¼ and 0 from it.
    let other = judge(|_, asked| says(2, 2, &quote(asked)));
    let fake = judge(|_, asked| says(4, 2, &quote(asked)));
    let two = Panel { voices: vec![voice(&fake, None), voice(&other, None)] };
    let verdict = two.judge(&rubric, &case, "here").await.unwrap_or_else(|fault| panic!("{fault}"));
    let rate = |name: &str| verdict.measures[name].rate();
    assert_eq!((rate("user/judge.consistency"), rate("user/judge.strategy")), (Some(0.5), Some(0.25)));
    assert_eq!(rate("user/judge.disagreement"), Some(0.125));

    // The gold case is asked anew each time: at first as people judged it, later one axis is two levels off and the other one.
    let fake = judge(|number, asked| if number < 2 { says(5, 3, &quote(asked)) } else { says(3, 4, &quote(asked)) });
    let panel = panel_of(&fake);
    let mut drifts = Vec::new();
    for step in 0..3 {
        drifts.push(panel.drift(&rubric, &format!("step-{step}")).await.unwrap_or_else(|fault| panic!("{fault}")));
    }
    assert_eq!((drifts, fake.calls()), (vec![Some(0.0), Some(0.0), Some(0.375)], 3));
    assert_eq!((rubric.is_alarming(0.0), rubric.is_alarming(0.375)), (false, true));
}

#[tokio::test(start_paused = true)]
async fn what_judges_said_is_recorded_and_said_again_without_asking() {
    let (rubric, case) = (rubric(), judged_later(long_item(), 99).1);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run.jsonl");
    let recorder = Arc::new(Recorder::new(&path).expect("the folder is ours"));
    let fake = judge(|_, asked| says(4, 2, &quote(asked)));
    let panel = Panel { voices: vec![voice(&fake, Some(Arc::clone(&recorder)))] };
    let said = panel.judge(&rubric, &case, "here").await.unwrap_or_else(|fault| panic!("{fault}"));
    recorder.end().expect("it was written");
    let recording = Arc::new(Recording::open(&path).expect("it was just written"));
    let again = Panel { voices: vec![Voice::Recorded(recording)] };
    assert_eq!(again.judge(&rubric, &case, "here").await, Ok(said));
    assert_eq!(fake.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn r02_a_gate_multiplies_and_saves_the_judge() {
    let (rubric, item) = (rubric(), long_item());
    let fake = judge(|_, asked| says(5, 5, &quote(asked)));
    let panel = panel_of(&fake);
    let mut gates = Vec::new();
    for thoughtless in [99, 1, 0] {
        let (episode, case) = judged_later(item, thoughtless);
        let before = fake.calls();
        let verdict = panel.judge(&rubric, &case, "here").await.unwrap_or_else(|fault| panic!("{fault}"));
        let asked = fake.calls() - before;
        let own: Vec<_> = verdict.rewards.iter().filter(|reward| reward.seat == Seat::User).collect();
        let gate = own.iter().find(|reward| reward.kind == RewardKind::Gate).expect("it is always written").value;
        let added = own.iter().filter(|reward| reward.kind != RewardKind::Gate);
        let sum: f64 = added.map(|reward| reward.value * reward.weight).sum();
        let trained = if sum > 0.0 { sum * gate } else { sum };
        assert_eq!((verdict.reward(Seat::User), asked), (trained, usize::from(gate > 0.0)), "{gate}");
        let judged: Vec<f64> =
            own.iter().filter(|reward| reward.kind == RewardKind::Judged).map(|reward| reward.value).collect();
        assert_eq!(judged, if gate > 0.0 { [1.0, 1.0] } else { [0.0, 0.0] }, "all terms are written, zeros too");
        assert_eq!(verdict.measures.contains_key("user/judge.consistency"), gate > 0.0, "nobody was asked");
        assert!(own.iter().all(|reward| !reward.evidence.is_empty()));
        let record = closed(episode, Ok(verdict));
        let turns: f64 = record.turn_rewards(Seat::User).expect("it was judged").iter().sum();
        assert!((turns - trained).abs() < 1e-12);
        gates.push(gate);
    }
    assert!(gates[0] == 1.0 && (0.01..0.99).contains(&gates[1]) && gates[2] == 0.0, "{gates:?}");
}
