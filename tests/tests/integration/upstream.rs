//! The seventeen faults of UserRL's release (spec userrl §6.1), each with the test that holds its fix and is named after it; and the
//! acceptance tests of §8.3 that are about all gyms at once. The table of both is in `docs/SCENARIOS.md`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rl::credit::spread;
use rl::credit::standardize;
use rl::credit::trajectory_score;
use rl::credit::turn_credits;
use rl::settings::TrajectoryScore;
use rl::settings::TurnCredit;
use sim::Choice;
use sim::Decision;
use sim::Episode;
use sim::EpisodeRecord;
use sim::Fault;
use sim::FaultKind;
use sim::Input;
use sim::NoAct;
use sim::Output;
use sim::Party;
use sim::Phase;
use sim::Scenario;
use sim::Seat;
use sim::Stop;
use sim::drive;
use sim::gyms::Rules;
use sim::gyms::turtle;
use sim::gyms::words::normal;
use sim::scenario::Split;

use crate::gyms::ASKING;
use crate::gyms::SEED;
use crate::gyms::USERRL;
use crate::gyms::acting;
use crate::gyms::acting_with_rule;
use crate::gyms::acts;
use crate::gyms::casting;
use crate::gyms::earned;
use crate::gyms::harmless;
use crate::gyms::played;
use crate::gyms::replied;
use crate::gyms::say;
use crate::gyms::scenario;
use crate::gyms::scenario_by;
use crate::gyms::shown;
use crate::gyms::tool;
use crate::program::duologue;
use crate::program::root;
use crate::training::TRAINED;
use crate::training::contents;
use crate::training::last_model;
use crate::training::records;
use crate::training::scratch;
use crate::training::train;

/// How many faults the list has.
const FAULTS: usize = 17;

fn travel_library(scenario: &Scenario) -> &sim::gyms::travel::Library {
    match &scenario.rules {
        Rules::Travel(rules) => &rules.library,
        _ => panic!("it is another gym"),
    }
}

#[test]
fn fault_01_a_travel_user_who_was_asked_nothing_brings_up_a_wish() {
    let scenario = scenario("travel");
    let wishes = travel_library(&scenario).item(Split::HeldOut, 0).wishes();
    let record = acting_with_rule(&scenario, Phase::Eval, 0, &vec![say("[action] Hm."); 5]);
    let told: Vec<bool> = record.turns[1..]
        .iter()
        .map(|turn| turn.observed.iter().any(|m| wishes.iter().any(|wish| m.text.contains(wish.hint()))))
        .collect();
    // Three things said about no wish, and the fourth one draws one out; the apology of upstream is no wish.
    assert_eq!(told, [false, false, false, true, false]);
    assert_eq!(record.verdict.expect("nothing broke").measures["brought_up"].num, 1.0);
}

#[test]
fn fault_02_a_travel_talk_ends_with_any_choices_and_one_answer_pays_no_more_than_one_option() {
    let scenario = scenario("travel");
    for item in 0..20 {
        let components = &travel_library(&scenario).item(Split::HeldOut, item).components;
        // Numbers that there are not: nothing is earned, and yet the talk is over once each aspect has its choice.
        let none = components.iter().map(|c| say(&format!("[answer] {}999", c.aspect.letter()))).collect::<Vec<_>>();
        let record = acting_with_rule(&scenario, Phase::Eval, item, &none);
        assert_eq!((record.turns.len(), record.stop), (components.len(), Some(Stop::Terminated)));
        assert_eq!(record.scores.agent, Some(0.0));
        let best = components.iter().map(|c| format!("{}{}", c.aspect.letter(), c.correct[0])).collect::<Vec<_>>();
        let record = acting_with_rule(&scenario, Phase::Eval, item, &[say(&format!("[answer] {}", best.join(",")))]);
        assert_eq!((earned(&record), record.stop), (vec![1.0], Some(Stop::Terminated)), "upstream pays each of them");
    }
}

/// Acceptance test 8 of the specification (userrl §8.3), too.
#[test]
fn fault_03_exactly_turns_max_acts_are_carried_out_in_every_gym_and_the_last_one_counts() {
    for gym in USERRL {
        for turns_max in [1, 2, 5] {
            let short = scenario_by(gym, |scenario| scenario.turns_max = turns_max);
            let record = acting_with_rule(&short, Phase::Eval, 0, &vec![harmless(gym); 9]);
            assert_eq!((record.turns.len() as u32, record.stop), (turns_max, Some(Stop::Truncated)), "{gym}");
            assert!(record.turns.iter().all(|turn| turn.effect.as_ref().is_some_and(|e| e.malformed.is_none())));
        }
    }
    let short = scenario_by("function", |scenario| scenario.turns_max = 3);
    let Rules::Function(rules) = &short.rules else { panic!("it is another gym") };
    let right = rules.library.entry(Split::HeldOut, 0).item.expected_result;
    let last = [harmless("function"), harmless("function"), say(&format!("[answer] {right}"))];
    let record = acting_with_rule(&short, Phase::Eval, 0, &last);
    assert_eq!((record.stop, record.scores.agent), (Some(Stop::Terminated), Some(1.0)));
}

#[test]
fn fault_04_a_sum_is_a_sum_and_the_mean_that_upstream_calls_so_has_its_own_name() {
    let early: [f64; 3] = [0.0, 0.0, 1.0];
    let late: [f64; 5] = [0.0, 0.0, 0.0, 0.0, 1.0];
    let of = |rule, rewards: &[f64]| trajectory_score(rule, rewards, 0.8);
    assert_eq!([of(TrajectoryScore::Sum, &early), of(TrajectoryScore::Sum, &late)], [1.0, 1.0]);
    assert_eq!([of(TrajectoryScore::Mean, &early), of(TrajectoryScore::Mean, &late)], [0.3333, 0.2]);
}

/// The paper subtracts the scores' mean from each turn's credit; the released code, which made its results, spreads z over the turns.
#[test]
fn fault_05_the_advantage_is_the_released_codes_and_not_the_papers() {
    let group: [&[f64]; 4] = [&[0.0, 0.0, 1.0], &[0.0; 4], &[0.0, 1.0], &[0.0, 0.0, 0.0, 0.0, 1.0]];
    let scores: Vec<f64> = group.iter().map(|r| trajectory_score(TrajectoryScore::R2g, r, 0.8)).collect();
    let z = standardize(&scores, 1e-6, true);
    let credits = turn_credits(TurnCredit::R2g, group[0], 0.8, 2.0);
    let ours = spread(&credits, &[100, 50, 30], z[0]).advantages;
    let close = |found: &[f64], expected: &[f64]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(close(&ours, &[0.4395, 0.5493, 0.6867]), "the worked example of the specification (§3.4): {ours:?}");
    let mean = scores.iter().sum::<f64>() / 4.0;
    let population = (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
    let papers: Vec<f64> = credits.iter().map(|credit| (credit - mean) / population).collect();
    assert!(!close(&ours, &papers), "{papers:?}");
    let page = fs::read_to_string(root().join("crates/rl/src/credit.rs")).expect("it is part of the repository");
    assert!(page.contains("The released code of UserRL, restated"), "the page says which of the two it is");
}

/// A story with these weights, in both splits: nothing is learned here.
fn story(weights: &[f64]) -> Arc<Scenario> {
    scenario_by("turtle", |scenario| {
        let Rules::Turtle(rules) = &mut scenario.rules else { panic!("it is another gym") };
        let criterion = |weight: &f64| turtle::items::Criterion { statement: "so it was".to_owned(), weight: *weight };
        let item = turtle::Item {
            id: "weights".to_owned(),
            title: "Weights".to_owned(),
            surface: "A scale broke.".to_owned(),
            bottom: "It was the last bit.".to_owned(),
            criteria: weights.iter().map(criterion).collect(),
            graph: None,
        };
        item.check().expect("it can be played");
        let library = turtle::Library::new(vec![item.clone()], vec![item]).expect("both splits have an item");
        scenario.items = library.counts();
        rules.library = Arc::new(library);
    })
}

#[test]
fn fault_06_a_perfect_turtle_answer_ends_the_talk_whatever_its_weights_sum_to() {
    let tenths = 1..=8;
    let mut lacking = 0;
    for (a, b, c) in tenths.clone().flat_map(|a| (1..=8).flat_map(move |b| (1..=8).map(move |c| (a, b, c)))) {
        let Some(d) = 10i32.checked_sub(a + b + c).filter(|d| *d > 0) else { continue };
        let weights = [a, b, c, d].map(|tenths| f64::from(tenths) / 10.0);
        lacking += usize::from(weights.iter().sum::<f64>() < 1.0);
        let record = acting(&story(&weights), Phase::Eval, 0, &[say("[answer] all of it")], |_| {
            replied("{\"scores\": [1, 1, 1, 1]}")
        });
        assert_eq!((record.turns.len(), record.stop), (1, Some(Stop::Terminated)), "{weights:?}");
    }
    assert!(lacking > 10, "the sums of {lacking} lack the last bit: these are the ones that upstream never ends");
}

#[test]
fn fault_07_the_intention_reply_is_asked_for_without_the_details_that_are_missing() {
    let scenario = scenario("intention");
    let Rules::Intention(rules) = &scenario.rules else { panic!("it is another gym") };
    for (item, entry) in (0..50).zip(rules.library.of(Split::HeldOut)) {
        let mut spoken = String::new();
        let user = sim::gyms::Script::named(&scenario.rules, Seat::User, "rule").expect("every gym has one");
        let address = casting(Phase::Eval, "person", "rule", item).id.address(SEED);
        let record = acting(&scenario, Phase::Eval, item, &[say("How are you today?")], |query| {
            if query.spoken {
                spoken.extend(query.messages.iter().map(|message| message.text.as_str()));
            }
            user.answer(Seat::User, query, address)
        });
        assert!(!spoken.is_empty() && record.fault.is_none());
        for detail in &entry.item.missing_details {
            let secrets = detail.options.iter().chain([&detail.inquiry, &detail.description]);
            // Short words, such as `no`, stand in others.
            for secret in secrets.filter(|secret| secret.len() > 5 && !entry.item.task.contains(*secret)) {
                assert!(!spoken.contains(secret), "{secret} is in what the reply is made from: {spoken}");
            }
        }
    }
}

/// A talk about the first item, played again for something else: with the same acts, and the same answers of the user, whose tastes are drawn.
fn again_in(scenario: &Arc<Scenario>, phase: Phase, record: &EpisodeRecord) -> EpisodeRecord {
    let mut answers = record.turns.iter().flat_map(|turn| &turn.answers).map(|answered| answered.answer.clone());
    acting(scenario, phase, 0, &acts(record), |_| Ok(answers.next().expect("it is asked the same")))
}

/// Nothing in the words of a talk depends on what it is played for, and no reward is among them.
#[test]
fn fault_08_training_and_evaluation_show_the_same_words_and_no_reward() {
    for gym in USERRL {
        let scenario = scenario(gym);
        let good = played(&scenario, "scripted:good", "rule", 0);
        let again = [Phase::Eval, Phase::Sft, Phase::Grpo].map(|phase| {
            let record = again_in(&scenario, phase, &good);
            shown(&record).into_iter().map(str::to_owned).collect::<Vec<_>>()
        });
        assert_eq!(again[0], shown(&good), "{gym}");
        assert!(again[1] == again[0] && again[2] == again[0], "{gym}: other words in training");
        let words = again.concat().join("\n").to_lowercase();
        assert!(!words.contains("reward"), "{gym}");
    }
}

#[test]
fn fault_09_a_turn_earns_in_training_what_it_earns_in_evaluation() {
    for gym in USERRL {
        let scenario = scenario(gym);
        let good = played(&scenario, "scripted:good", "rule", 0);
        for phase in [Phase::Sft, Phase::Grpo] {
            let record = again_in(&scenario, phase, &good);
            assert_eq!((earned(&record), &record.verdict), (earned(&good), &good.verdict), "{gym}");
        }
    }
    // And nobody can say otherwise in a run file: a reward is the scenario's.
    for key in ["world.search_correct_reward=0", "search_correct_reward=0", "grpo.preference_correct_reward=0.8"] {
        let said = duologue(&["plan", "configs/quickstart.toml", "--set", key]).refused();
        assert!(
            said.contains("search_correct_reward") || said.contains("preference") || said.contains("world"),
            "{said}"
        );
    }
}

#[test]
fn fault_10_a_tau_customer_has_said_what_the_agent_read_and_the_policy_is_shown() {
    // Our own shops are played by small models, which look the policy up; the files of the release show it.
    let scenario = scenario_by("tau", |scenario| {
        let Rules::Tau(rules) = &mut scenario.rules else { panic!("it is another gym") };
        rules.policy = true;
    });
    let published = fs::read_to_string(root().join("scenarios/userrl/published/tau.toml")).expect("it is tracked");
    assert!(published.contains("\npolicy = true "), "{published}");
    let Rules::Tau(rules) = &scenario.rules else { panic!("it is another gym") };
    for item in 0..10 {
        let opening = &rules.library.entry(Split::HeldOut, item).task.opening;
        let mut customer = String::new();
        let record = acting(&scenario, Phase::Eval, item, &[harmless("tau")], |query| {
            customer.extend(query.messages.iter().map(|message| message.text.as_str()));
            replied("###STOP###")
        });
        let agent = shown(&record);
        assert!(agent.contains(&opening.as_str()), "the agent reads it as it is: {agent:?}");
        assert!(customer.contains(&format!("You: {opening}")), "the customer is told that it said it: {customer}");
        let policy = &rules.library.database(rules.library.entry(Split::HeldOut, item).task.domain).policy;
        assert!(policy.len() > 200 && agent[0].contains(policy.as_str()), "the policy is part of the brief");
    }
}

#[test]
fn fault_11_a_deadline_ends_the_talk_and_no_act_is_carried_out_twice() {
    for gym in ASKING {
        let (mut episode, outputs) = Episode::start(casting(Phase::Eval, "a", "b", 0), scenario(gym), SEED);
        assert!(matches!(outputs[..], [Output::Ask(Seat::Agent, _)]), "{gym}");
        let decision = Decision { act: Ok(harmless(gym)), thought: None, generation: None };
        let mut outputs = episode.step(Input::Acted(Seat::Agent, decision)).expect("it was asked");
        let mut late = None;
        while let Some(output) = outputs.pop() {
            match output {
                Output::Apply(mut world, input) => {
                    let said = world.step(input);
                    outputs = episode.step(Input::Effected(world, said)).expect("it was lent");
                }
                Output::Query(seat, id, _) => {
                    late = Some(Input::Answered(id, replied("Yes")));
                    let fault = Fault::new(seat.into(), FaultKind::Deadline, "30 s");
                    outputs = episode.step(Input::Failed(fault)).expect("anybody may fail at any time");
                }
                Output::Done(record) => {
                    assert_eq!((record.turns.len(), &record.turns[0].effect), (1, &None), "{gym}");
                    assert_eq!((record.scores.agent, record.scores.user, record.stop), (None, None, None), "{gym}");
                    assert_eq!(record.fault.map(|fault| fault.kind), Some(FaultKind::Deadline));
                    break;
                }
                // A search by our own corpus asks nobody.
                Output::Ask(..) if gym == "search" => break,
                other => panic!("{gym}: {other:?}"),
            }
        }
        if let Some(late) = late {
            assert!(episode.is_over() && episode.step(late).is_err(), "{gym}: a late answer is no second step");
        }
    }
}

#[test]
fn fault_12_a_persuaded_user_who_wavers_pays_no_step_twice() {
    let mut stances = ["Agree", "Strongly Agree"].into_iter().cycle();
    let record = acting(&scenario("persuade"), Phase::Eval, 0, &vec![say("Consider this."); 40], |_| {
        replied(&format!("{{\"response\": \"Well.\", \"stance\": \"{}\"}}", stances.next().expect("it is endless")))
    });
    assert!(record.turns.len() > 4, "it wavers at least twice");
    assert_eq!(record.scores.agent, Some(0.166_667), "upstream pays each step up, so that wavering is a mine");
}

#[test]
fn fault_13_the_function_brief_tells_that_there_are_powers() {
    let record = played(&scenario("function"), "scripted:good", "rule", 0);
    let brief = shown(&record)[0];
    assert!(brief.contains("**") && brief.contains("power") && brief.contains("another variable"), "{brief}");
}

#[test]
fn fault_14_a_fault_of_a_user_or_judge_scores_nobody_in_any_gym() {
    for gym in ASKING {
        // The search asks its judge only where the scenario says so.
        let scenario = scenario_by(gym, |scenario| {
            if let Rules::Search(rules) = &mut scenario.rules {
                rules.judge = sim::gyms::search::Judge::User;
            }
        });
        for kind in [FaultKind::Refused, FaultKind::Deadline, FaultKind::Panicked, FaultKind::BadReply] {
            let act = if gym == "search" { say("[answer] Nobody") } else { harmless(gym) };
            let record = acting(&scenario, Phase::Eval, 0, &[act], |_| match kind {
                // Where only the world hears the answer it must be JSON; half of it is none. An empty word is no word either.
                FaultKind::BadReply => replied("{\"thought\": \"hm"),
                other => Err(Fault::new(Party::User, other, "gone")),
            });
            // Free words may be anything: a customer may well say half a brace.
            if kind == FaultKind::BadReply && gym == "tau" {
                continue;
            }
            assert_eq!(record.fault.as_ref().map(|fault| fault.party), Some(Party::User), "{gym}: {kind:?}");
            assert_eq!((record.scores.agent, record.scores.user), (None, None), "{gym}: {kind:?}");
            assert!(record.verdict.is_none() && record.stop.is_none(), "{gym}: {kind:?}");
        }
    }
}

/// Every file that a page, a scenario or a run file names.
fn named_files(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| c.is_whitespace() || "`\"'()[],;:<>".contains(c));
    words.filter(|word| {
        let ours = ["scenarios/", "configs/"].iter().any(|folder| word.starts_with(folder));
        ours && word.ends_with(".toml") && !word.contains(['*', '…'])
    })
}

/// Upstream has a typo that leaves steps after the end unblocked, demo configurations with arguments that do not exist, a preprocessing
/// script that reads a missing file, and a script that calls another by a wrong name.
#[test]
fn fault_15_steps_after_the_end_and_unknown_keys_are_refused_and_what_is_named_is_there() {
    for gym in USERRL {
        let scenario = scenario(gym);
        let mut world = scenario.rules.world(&scenario, &casting(Phase::Eval, "a", "b", 0), SEED);
        let _ = world.observe(Seat::Agent);
        let ended = world.step(sim::WorldInput::Act(Seat::Agent, tool(Choice::Finish, "")));
        assert!(matches!(&ended[..], [sim::WorldOutput::Effect(effect)] if effect.next == sim::Next::Over), "{gym}");
        for act in [harmless(gym), tool(Choice::Finish, "")] {
            let said = world.step(sim::WorldInput::Act(Seat::Agent, act));
            assert!(matches!(said[..], [sim::WorldOutput::Fault(_)]), "{gym}: {said:?}");
        }
        let folder = scratch();
        let file = folder.path().join("mine.toml");
        let text = fs::read_to_string(root().join(format!("scenarios/userrl/{gym}.toml"))).expect("it is tracked");
        fs::write(&file, text.replace("[world]\n", "[world]\ndata_mod = \"single\"\n")).expect("the place is ours");
        let said = duologue(&["check", file.to_str().expect("we named it")]).refused();
        assert!(said.contains("world.data_mod: unknown key"), "{gym}: {said}");
    }
    let mut texts: Vec<(PathBuf, String)> = Vec::new();
    for folder in ["docs", "configs", "scenarios", "benches"] {
        let files = contents(&root().join(folder)).into_iter();
        texts.extend(files.filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?))));
    }
    texts.push(("README.md".into(), fs::read_to_string(root().join("README.md")).expect("there is one")));
    // `ERRORS.md` is a page of mistakes, such as files that are not there; what a reader is to write is named `mine`.
    texts.retain(|(page, _)| page != Path::new("ERRORS.md"));
    let missing: Vec<String> = texts
        .iter()
        .flat_map(|(page, text)| named_files(text).map(move |file| (page, file)))
        .filter(|(_, file)| !root().join(file).exists() && !file.ends_with("/mine.toml"))
        .map(|(page, file)| format!("{} names {file}", page.display()))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What is measured on steers nothing: learning plays items to learn from, and a run that looks at other items leaves the same weights.
#[test]
fn fault_16_no_held_out_item_is_learned_from_or_chooses_a_checkpoint() {
    for record in records(&TRAINED) {
        let expected = if record.casting.id.phase == Phase::Eval { Split::HeldOut } else { Split::Train };
        assert_eq!(record.casting.split, expected, "{}", record.casting.id);
        assert!(record.casting.split == Split::Train || !record.casting.learns.agent && !record.casting.learns.user);
    }
    let folder = scratch();
    let other = folder.path().join("run");
    train(&other, &["--set", "eval.items=2", "--set", "eval.every=1"]).done();
    for seat in [Seat::Agent, Seat::User] {
        let weights = |run: &Path| -> BTreeMap<PathBuf, Vec<u8>> { contents(&last_model(run, seat)) };
        assert!(!weights(&other).is_empty() && weights(&other) == weights(&TRAINED), "{seat}");
    }
}

#[test]
fn fault_17_no_claim_component_or_function_is_in_both_splits() {
    fn apart<T, K: Ord>(items: impl Fn(Split) -> Vec<T>, key: impl Fn(&T) -> Vec<K>) {
        let of = |split| items(split).iter().flat_map(&key).collect::<BTreeSet<K>>();
        let (train, held_out) = (of(Split::Train), of(Split::HeldOut));
        assert!(!train.is_empty() && !held_out.is_empty() && train.is_disjoint(&held_out));
    }
    let Rules::Persuade(persuade) = scenario("persuade").rules.clone() else { panic!("it is another gym") };
    apart(|split| persuade.library.of(split).to_vec(), |item| vec![normal(&item.claim)]);
    let Rules::Travel(travel) = scenario("travel").rules.clone() else { panic!("it is another gym") };
    let component = |c: &sim::gyms::travel::Component| c.wishes.iter().map(|w| (w.aspect, w.topic, w.value)).collect();
    apart(
        |split| travel.library.of(split).to_vec(),
        |item| item.components.iter().map(component).collect::<Vec<Vec<_>>>(),
    );
    let Rules::Function(function) = scenario("function").rules.clone() else { panic!("it is another gym") };
    apart(|split| function.library.of(split).to_vec(), |entry| vec![entry.class.clone()]);
}

/// Acceptance test 10 of the specification (userrl §8.3): the policy for parallel calls is to carry out none of them and to say so.
#[test]
fn parallel_calls_are_refused_with_a_reply_in_every_gym() {
    let call = text::tool_call::write(Choice::Action, "1 2 3 4");
    let why = text::tool_call::parse(&format!("{call}{call}")).expect_err("there are two");
    assert_eq!(why, "more than one tool call in a turn");
    for gym in USERRL {
        let mut left = 2;
        let decide = |_, _: &_| {
            left -= 1;
            let act = if left > 0 { Err(NoAct::Malformed(why.to_owned())) } else { Ok(tool(Choice::Finish, "")) };
            Decision { act, thought: None, generation: None }
        };
        let nobody = |_, _: &_| panic!("{gym}: neither of them is carried out");
        let record = drive(casting(Phase::Eval, "a", "b", 0), &scenario(gym), SEED, decide, nobody);
        let effect = record.turns[0].effect.as_ref().expect("it costs the turn");
        assert_eq!(effect.malformed.as_deref(), Some(why), "{gym}");
        assert!(!record.turns[1].observed.is_empty() && record.stop == Some(Stop::Terminated), "{gym}");
    }
}

/// Every row of the page has its test, and every test its row.
#[test]
fn the_page_names_the_test_of_each_fault() {
    let source = include_str!("upstream.rs");
    let page = fs::read_to_string(root().join("docs/SCENARIOS.md")).expect("it is part of the repository");
    let tests: Vec<&str> =
        source.lines().filter_map(|line| line.strip_prefix("fn fault_")?.split('(').next()).collect();
    assert_eq!(tests.len(), FAULTS);
    for (number, test) in (1..).zip(&tests) {
        assert!(test.starts_with(&format!("{number:02}_")), "{test} stands in its order");
        let row = page.lines().find(|line| line.contains(&format!("`fault_{test}`")));
        assert!(row.is_some_and(|row| row.starts_with(&format!("| {number} |"))), "no row for fault_{test}");
    }
}
