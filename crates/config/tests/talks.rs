//! Talks out of their files: that they are sound, that nothing private crosses, that a record explains itself, and what is said to mistakes.
//! The tests of `docs/REQUIREMENTS.md` that need no model are here, under the names they have there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use duologue_config::load_run;
use duologue_config::load_scenario;
use rl::GroupOutcome;
use rl::audit::is_spoiled_by_user;
use rl::settings::GrpoSettings;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Forked;
use sim::Observation;
use sim::Pair;
use sim::Party;
use sim::Phase;
use sim::RewardKind;
use sim::Scenario;
use sim::Seat;
use sim::Stop;
use sim::gyms::Rules;
use sim::gyms::Script;
use sim::gyms::talk;
use sim::gyms::talk::person::Dimension;
use sim::record::Casting;
use sim::record::Reach;
use sim::scenario::Split;

const SEED: u64 = 1;

/// The files of a folder and of the folders in it.
fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is part of the repository");
    let paths = entries.map(|entry| entry.expect("a listed file can be named").path());
    paths.flat_map(|path| if path.is_dir() { toml_files(&path) } else { vec![path] }).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/talk")
}

/// The examples: the files that lie in no trade's folder.
fn files() -> Vec<PathBuf> {
    let mut files = toml_files(&folder());
    files.retain(|file| file.parent() == Some(&folder()));
    files.sort();
    assert!(files.len() >= 2);
    files
}

fn loaded(file: impl AsRef<Path>) -> Arc<Scenario> {
    Arc::new(load_scenario(file.as_ref()).unwrap_or_else(|errors| panic!("{errors}")))
}

/// The examples, of which everything is tried at length.
fn scenarios() -> Vec<Arc<Scenario>> {
    files().iter().map(loaded).collect()
}

/// Every talk there is: the examples and the packs of each trade.
fn packs() -> Vec<Arc<Scenario>> {
    let packs: Vec<Arc<Scenario>> = toml_files(&folder()).iter().map(loaded).collect();
    assert!(packs.len() >= 30, "thirty calls in six trades");
    packs
}

fn rules(scenario: &Scenario) -> &talk::Rules {
    let Rules::Talk(rules) = &scenario.rules else { panic!("another gym") };
    rules
}

fn casting(agent: &str, user: &str, item: u32) -> Casting {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
    Casting::new(id, Split::HeldOut, item, policies)
}

fn played(scenario: &Arc<Scenario>, agent: &str, user: &str, item: u32) -> EpisodeRecord {
    sim::play_by_rule(casting(agent, user, item), scenario, SEED).expect("the scripts exist")
}

fn measured(records: &[EpisodeRecord], name: &str) -> Option<f64> {
    let mut sum = sim::Ratio::default();
    records.iter().for_each(|record| sum += record.verdict.as_ref().expect("judged").measures[name]);
    sum.rate()
}

/// Talks of every pair of scripts, on different items.
fn of_all_scripts(scenario: &Arc<Scenario>, items: u32) -> Vec<EpisodeRecord> {
    let names = Pair::from_fn(|seat| Script::names(&scenario.rules, seat));
    let pairs = names.agent.iter().flat_map(|agent| names.user.iter().map(move |user| (agent, user)));
    let items = pairs.zip(0..).flat_map(|(pair, at)| (0..items).map(move |item| (pair, at * items + item)));
    items.map(|((agent, user), item)| played(scenario, agent, user, item % scenario.items.held_out)).collect()
}

#[test]
fn r02_a_total_is_recomputed_from_the_terms_in_the_log() {
    for scenario in scenarios() {
        let mut scored = 0;
        for record in of_all_scripts(&scenario, 10) {
            let Some(verdict) = &record.verdict else { continue };
            for seat in Seat::ALL {
                let mut sum = 0.0;
                let terms = verdict.rewards.iter().filter(|r| r.seat == seat && r.kind == RewardKind::Outcome);
                terms.for_each(|reward| sum += reward.value * reward.weight);
                assert_eq!(record.scores[seat], Some(sum), "{seat}");
                let (low, high) = scenario.outcome_range(seat);
                assert!((low..=high).contains(&sum), "{sum} in {low}..={high}");
                scored += 1;
            }
            for rule in &scenario.rewards {
                let mut named =
                    verdict.rewards.iter().filter(|r| (r.seat, &r.name) == (rule.seat, &rule.name)).peekable();
                assert!(named.peek().is_some(), "{} is missing", rule.name);
                assert!(named.all(|reward| !reward.evidence.is_empty() && reward.weight == rule.weight));
            }
        }
        assert!(scored > 800, "{scored}");
    }
}

/// The first file with something that both seats earn together, by these weights.
fn with_shared(weights: Pair<f64>) -> Result<Arc<Scenario>, String> {
    let text = fs::read_to_string(&files()[0]).expect("it can be read");
    let term = "[world.terms]\nsettled = { seat = \"both\", when = \"agreed == yes and fee <= budget\", value = 2.0 }";
    let rule = |(seat, weight): (Seat, &f64)| {
        format!("[[reward]]\nseat = \"{seat}\"\nname = \"own.settled\"\nkind = \"shared\"\nweight = {weight}\n")
    };
    let rules: String = weights.iter().map(rule).collect();
    let text = text.replace("[world.terms]", term).replace("[success]", &format!("{rules}[success]"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("talk.toml");
    fs::write(&path, text).expect("the folder is ours");
    load_scenario(&path).map(Arc::new).map_err(|errors| errors.to_string())
}

#[test]
fn r02_what_both_earn_together_is_score_of_both_and_named_in_the_log() {
    let scenario = with_shared(Pair { agent: 0.5, user: 0.5 }).unwrap_or_else(|errors| panic!("{errors}"));
    let (mut earned, mut missed) = (0, 0);
    for record in of_all_scripts(&scenario, 4) {
        let Some(verdict) = &record.verdict else { continue };
        let values = Seat::ALL.map(|seat| {
            let shared: Vec<_> =
                verdict.rewards.iter().filter(|r| r.seat == seat && r.kind == RewardKind::Shared).collect();
            let own: f64 = verdict
                .rewards
                .iter()
                .filter(|r| r.seat == seat && r.kind == RewardKind::Outcome)
                .map(|reward| reward.value * reward.weight)
                .sum();
            let [shared] = shared[..] else { panic!("one term is shared") };
            let score = record.scores[seat].expect("it was judged");
            assert!((score - own - 0.5 * shared.value).abs() < 1e-12);
            shared.value
        });
        assert_eq!(values[0], values[1]);
        if values[0] == 2.0 { earned += 1 } else { missed += 1 }
    }
    assert!(earned > 20 && missed > 20, "{earned} {missed}");
    let said = with_shared(Pair { agent: 0.5, user: 0.25 }).expect_err("they differ");
    assert!(said.contains("both seats earn `own.settled` together"), "{said}");
}

/// The first file with the form of the user's turns as a gate, played with thoughts in some of them.
#[test]
fn r02_what_trains_behind_a_gate_is_recomputed_from_the_log() {
    let text = fs::read_to_string(&files()[0]).expect("it can be read");
    let gate = "[[reward]]\nseat = \"user\"\nname = \"form\"\nkind = \"gate\"\nweight = 0.75\n[success]";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("talk.toml");
    fs::write(&path, text.replace("[success]", gate)).expect("the folder is ours");
    let scenario = Arc::new(load_scenario(&path).unwrap_or_else(|errors| panic!("{errors}")));
    let agent = Script::named(&scenario.rules, Seat::Agent, "scripted:trapper").unwrap();
    let users = ["rule", "scripted:gullible"].map(|name| Script::named(&scenario.rules, Seat::User, name).unwrap());
    let (mut between, mut lost) = (0, 0);
    for item in 0..60 {
        let casting = casting("a", "b", item);
        let address = casting.id.address(SEED);
        let user = users[item as usize % 2];
        let mut turn = 0;
        let decide = |seat, observation: &Observation| {
            let mut decision = if seat == Seat::Agent { agent } else { user }.decide(observation, address);
            turn += usize::from(seat == Seat::User);
            if seat == Seat::User && (turn + item as usize).is_multiple_of(3) {
                decision.thought = None;
            }
            decision
        };
        let record = sim::drive(casting, &scenario, SEED, decide, |_, _| unreachable!("nobody is asked"));
        let Some(verdict) = &record.verdict else { continue };
        let own: Vec<_> = verdict.rewards.iter().filter(|reward| reward.seat == Seat::User).collect();
        let gate = own.iter().find(|reward| reward.kind == RewardKind::Gate).expect("a gate is always written");
        let mut sum = 0.0;
        let added = own.iter().filter(|reward| reward.kind != RewardKind::Gate);
        added.for_each(|reward| sum += reward.value * reward.weight);
        let trains = if sum > 0.0 { sum * (0.25 + 0.75 * gate.value) } else { sum };
        let turns: f64 = record.turn_rewards(Seat::User).expect("it was judged").iter().sum();
        assert!((turns - trains).abs() < 1e-12 && (verdict.reward(Seat::User) - trains).abs() < 1e-12);
        between += usize::from(gate.value > 0.0 && gate.value < 1.0 && sum > 0.0);
        lost += usize::from(sum < 0.0);
    }
    assert!(between > 10 && lost > 3, "{between} {lost}");
}

/// The numbers in `trust 3 -> 2 (…)`.
fn moved(line: &str) -> Option<(usize, i64, i64)> {
    let (name, rest) = line.split_once(' ')?;
    let at = Dimension::ALL.iter().position(|(word, _)| *word == name)?;
    let (before, rest) = rest.split_once(" -> ")?;
    let (after, _) = rest.split_once(' ')?;
    Some((at, before.parse().ok()?, after.parse().ok()?))
}

#[test]
fn r07_every_change_of_state_has_its_evidence_in_the_record() {
    for scenario in scenarios() {
        let mut moves = 0;
        for record in of_all_scripts(&scenario, 18) {
            let world = scenario.rules.world(&scenario, &record.casting, record.seed);
            let sim::World::Talk(mut world) = world else { panic!("another gym") };
            let mut state = world.inner.state.0;
            for turn in &record.turns {
                use sim::gyms::GymWorld;
                let _ = world.observe(turn.seat);
                let input = match &turn.decision.act {
                    Ok(act) => sim::WorldInput::Act(turn.seat, act.clone()),
                    Err(_) => break,
                };
                world.step(input);
                for line in &turn.effect.as_ref().expect("no fault").journal {
                    if let Some((at, before, after)) = moved(line) {
                        assert_eq!((state[at], (0..=5).contains(&after)), (before, true), "{line}");
                        assert!(line.contains("(agent turn ") && line.ends_with(')') && line.contains(": "), "{line}");
                        state[at] = after;
                        moves += 1;
                    }
                }
                assert_eq!(world.inner.state.0, state);
            }
        }
        assert!(moves > 500, "{moves}");
    }
}

#[test]
fn r07_a_declared_state_is_held_against_the_world() {
    let scenario = scenarios().remove(0);
    let rate = |change: &dyn Fn(&str) -> String| {
        let script = Script::named(&scenario.rules, Seat::User, "rule").unwrap();
        let agent = Script::named(&scenario.rules, Seat::Agent, "rule").unwrap();
        let casting = casting("rule", "rule", 3);
        let address = casting.id.address(SEED);
        let decide = |seat, observation: &Observation| {
            let decision = if seat == Seat::User { script } else { agent }.decide(observation, address);
            Decision { thought: decision.thought.as_deref().map(change), ..decision }
        };
        let record = sim::drive(casting, &scenario, SEED, decide, |_, _| unreachable!("nobody is asked"));
        measured(&[record], "user/state_valid")
    };
    assert_eq!(rate(&str::to_owned), Some(1.0));
    assert_eq!(rate(&|thought| thought.replace("State: ", "State: 9")), Some(0.0));
    assert_eq!(rate(&|thought| thought.replace("State:", "I feel")), Some(0.0));
    assert_eq!(rate(&|_| String::new()), Some(0.0));
}

#[test]
fn r08_every_pack_is_played_by_rules_and_reaches_its_end() {
    for scenario in packs() {
        let records: Vec<EpisodeRecord> = (0..100).map(|item| played(&scenario, "rule", "rule", item)).collect();
        assert!(records.iter().all(|record| record.fault.is_none() && record.verdict.is_some()));
        assert!(measured(&records, "ended").unwrap() >= 0.95, "{}", scenario.name);
        assert!(measured(&records, "targets_primary").unwrap() >= 0.8, "{}", scenario.name);
        let book = &rules(&scenario).book;
        let (agent, user) = (&book.agent, &book.user);
        let texts = [&agent.role, &agent.task, &agent.picture, &agent.opening, &user.role];
        assert!(texts.iter().all(|text| !text.is_empty()));
        assert!(agent.knowledge.len() >= 4 && agent.procedure.len() >= 8 && !agent.ends.is_empty());
        assert!(!user.memory.is_empty() && !user.habits.is_empty() && user.ends.len() >= 3);
        let tiers: BTreeSet<_> = user.targets.iter().map(|target| target.tier).collect();
        assert_eq!(tiers.len(), 3, "primary, secondary and latent");
        assert!(book.people.kinds.iter().all(|kind| kind.demographics.len() >= 12));
    }
}

/// A talk about something that no source of ours has a word for, in which the user opens: what each act comes to, by hand.
#[test]
fn r08_a_file_alone_makes_a_scenario() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lantern.toml");
    let scenario = Arc::new(load_scenario(&file).unwrap_or_else(|errors| panic!("{errors}")));
    let talk = rules(&scenario);
    let oil = talk.book.common.thing("oil").unwrap();
    let item = |full: bool| {
        let of = |split| talk.items.of(split).iter().position(|item| (item.truth[oil] == Some(0)) == full);
        let found = [Split::Train, Split::HeldOut].into_iter().find_map(|split| Some((split, of(split)?)));
        found.expect("there are items of both kinds")
    };
    let played = |full: bool, said: &[&str]| {
        let mut said = said.iter();
        let decide = |_, _: &Observation| Decision::say(*said.next().expect("the talk is over by then"));
        let (split, item) = item(full);
        let casting = Casting { split, ..casting("person", "person", item as u32) };
        let record = sim::drive(casting, &scenario, SEED, decide, |_, _| unreachable!("nobody is asked"));
        assert_eq!(sim::redrive(&record, &scenario), Ok(()));
        record
    };
    // Asked and answered truly (0.5 on the agent's first turn, training), then lent: 2 x 1; the light is a target. The user hangs up in time.
    let record = played(true, &["[beg oil]", "[vouch oil=full]", "Thank you.", "[lend]", "[end homeward]"]);
    assert_eq!((record.scores.agent, record.scores.user), (Some(2.0), Some(1.0)));
    assert_eq!((record.stop, record.turn_rewards(Seat::Agent)), (Some(Stop::Terminated), Some(vec![0.25, 2.0])));
    let journal: Vec<&str> =
        record.turns.iter().flat_map(|turn| &turn.effect).flat_map(|e| &e.journal).map(String::as_str).collect();
    let expected = [
        "trust 2 -> 3 (agent turn 0: vouched +1)",
        "target light open -> met (agent turn 1: lent == yes)",
        "ended by the user: homeward",
    ];
    assert_eq!(journal, expected);
    // A lie about the oil, and lent all the same: what is true decides, so -1; the user is content.
    let record = played(false, &["[beg oil]", "[vouch oil=full]", "Thank you.", "[lend]", "[finish]"]);
    assert_eq!((record.scores.agent, record.scores.user), (Some(-1.0), Some(1.0)));
    assert_eq!(measured(&[record], "agent/false_claims"), Some(1.0));
    // Lending before vouching does not count, and convinces nobody who says so: three turns, and the cap.
    let record = played(true, &["Hello.", "[lend]", "Well?", "[lend]", "[beg oil]", "[vouch full]", "Too late."]);
    assert_eq!((record.stop, record.scores.agent, record.scores.user), (Some(Stop::Truncated), Some(0.0), Some(0.0)));
    assert_eq!(measured(&[record], "agent/malformed"), Some(2.0 / 3.0));
    let record = played(true, &["[end homeward]"]);
    assert_eq!(
        (measured(std::slice::from_ref(&record), "user/stop_unfounded"), record.scores.user),
        (Some(1.0), Some(0.0))
    );
}

/// What is made of a user's answer to a trap, in act and thought: recall, and whether it fell.
fn answered(answer: &str, thought: &str) -> (Option<f64>, Option<f64>) {
    let scenario = Arc::new(load_scenario(&files()[0]).unwrap_or_else(|errors| panic!("{errors}")));
    let talk = rules(&scenario);
    let deadline = talk.book.common.thing("deadline").expect("the file has a deadline");
    let tonight = talk.book.common.things[deadline].read("tonight");
    let items = talk.items.of(Split::HeldOut);
    let trap =
        talk.book.agent.traps.iter().position(|trap| trap.name == "only_tonight").expect("the file has this line");
    let is_trap =
        |item: &talk::Item| item.truth[deadline] != tonight && item.plants.iter().any(|plant| plant.trap == trap);
    let item = items.iter().position(|item| is_trap(item)).expect("there is time on some items");
    let mut said = ["[offer plan=fast]", "Hm.", "[only_tonight]", answer, "[end declined]", "Bye.", "Bye."].into_iter();
    let decide = |seat, _: &Observation| {
        let mut decision = Decision::say(said.next().unwrap_or("Bye."));
        decision.thought = (seat == Seat::User).then(|| thought.to_owned());
        decision
    };
    let casting = casting("person", "person", item as u32);
    let record = sim::drive(casting, &scenario, SEED, decide, |_, _| unreachable!("nobody is asked"));
    let record = std::slice::from_ref(&record);
    (measured(record, "user/trap_recall"), measured(record, "user/trap_fell"))
}

#[test]
fn who_protests_and_gives_in_has_given_in_and_naming_everything_names_nothing() {
    let named = "Intent: trap urgency. Concern: none. State: 1 1 1 1. Plan: counter. Tone: cold.";
    assert_eq!(answered("[counter urgency]", ""), (Some(1.0), Some(0.0)));
    assert_eq!(answered("[counter]", named), (Some(1.0), Some(0.0)));
    assert_eq!(answered("[counter]", ""), (Some(0.0), Some(0.0)), "countered, and not recognised");
    assert_eq!(answered("[counter urgency] [accept]", named), (Some(0.0), Some(1.0)));
    let all: Vec<&str> = talk::Family::all().map(talk::Family::word).collect();
    let everything = named.replace("urgency", &all.join(" "));
    assert_eq!(answered("[counter]", &everything), (Some(0.0), Some(0.0)));
}

#[test]
fn r09_whoever_hangs_up_is_measured_against_the_gold_window() {
    for scenario in scenarios() {
        for record in of_all_scripts(&scenario, 4).iter().filter(|record| record.verdict.is_some()) {
            let measures = &record.verdict.as_ref().unwrap().measures;
            let classes = ["user/stop_early", "user/stop_right", "user/stop_late"].map(|name| measures[name].num);
            assert_eq!(classes.iter().sum::<f64>(), 1.0, "each talk is in one class");
        }
        let rate = |user: &str, name: &str| {
            let records: Vec<EpisodeRecord> = (0..40).map(|item| played(&scenario, "rule", user, item)).collect();
            measured(&records, name).unwrap()
        };
        assert_eq!(rate("rule", "user/stop_right"), 1.0);
        assert_eq!((rate("scripted:bad", "user/stop_early"), rate("scripted:bad", "user/stop_unfounded")), (1.0, 1.0));
        let silent = |seat, _: &Observation| Decision::say(if seat == Seat::User { "" } else { "Hello." });
        let record = sim::drive(casting("p", "p", 0), &scenario, SEED, silent, |_, _| unreachable!("nobody is asked"));
        assert_eq!((record.stop, record.scores.agent), (Some(Stop::Failed(Seat::User)), None));
        let chatty = |_, _: &Observation| Decision::say("Hello.");
        let record = sim::drive(casting("p", "p", 0), &scenario, SEED, chatty, |_, _| unreachable!("nobody is asked"));
        assert_eq!(record.stop, Some(Stop::Truncated));
    }
}

#[test]
fn r06_a_seat_sees_the_same_talk_whatever_is_private_to_the_other() {
    use sim::gyms::GymWorld;
    let mut looked = 0;
    for (scenario, items) in
        packs().into_iter().map(|pack| (pack, 4)).chain(scenarios().into_iter().map(|one| (one, 60)))
    {
        for item in 0..items {
            let record = played(&scenario, "scripted:noisy", "scripted:noisy", item);
            let sim::World::Talk(plain) = scenario.rules.world(&scenario, &record.casting, SEED) else { panic!() };
            // What is neither known to the seat, nor stated or shown to anybody, nor of a pressing line, which says whether it is fair.
            let shown = |mut world: talk::World, seat: Seat| {
                let mut seen = Vec::new();
                for turn in &record.turns {
                    let observation = world.observe(turn.seat);
                    if turn.seat == seat {
                        seen.push(observation);
                    }
                    let act = turn.decision.act.clone().expect("scripts act");
                    world.step(sim::WorldInput::Act(turn.seat, act));
                }
                (seen, world)
            };
            let (before, end) = shown((*plain).clone(), Seat::User);
            let spoken = |thing: usize| end.table.claims.iter().any(|claim| claim.thing == thing);
            let things = &rules(&scenario).book.common.things;
            let hidden = (0..things.len()).filter(|thing| {
                let of = &things[*thing];
                of.fact.is_some() && plain.known.user[*thing].is_none() && of.values.len() > 1 && !spoken(*thing)
            });
            for thing in hidden {
                let mut other = (*plain).clone();
                let mut changed = talk::Item::clone(&other.item);
                changed.truth[thing] = changed.truth[thing].map(|value| (value + 1) % things[thing].values.len() as u8);
                other.item = Arc::new(changed);
                assert_eq!(before, shown(other, Seat::User).0, "{} of item {item}", things[thing].name);
                looked += 1;
            }
            let (before, _) = shown((*plain).clone(), Seat::Agent);
            let mut other = (*plain).clone();
            other.inner.state = talk::person::State([5, 0, 5, 0]);
            other.inner.targets.iter_mut().for_each(|status| *status = talk::person::Status::Dropped);
            assert_eq!(before, shown(other, Seat::Agent).0, "the user's state of item {item}");
        }
    }
    assert!(looked > 50, "{looked}");
}

#[test]
fn r12_splits_share_neither_people_with_facts_nor_held_out_families() {
    for scenario in packs() {
        let talk = rules(&scenario);
        let of = |split: Split| talk.items.of(split);
        let key = |item: &talk::Item| (item.person.objective, item.person.subjective, item.truth.clone());
        let train: BTreeSet<_> = of(Split::Train).iter().map(|item| key(item)).collect();
        assert!(of(Split::HeldOut).iter().all(|item| !train.contains(&key(item))));
        let held_out = &talk.book.sampling.held_out;
        assert!(!held_out.is_empty());
        let families = |split: Split| -> BTreeSet<_> {
            let plants = of(split).iter().flat_map(|item| &item.plants);
            plants.map(|plant| talk.book.agent.traps[plant.trap].family).collect()
        };
        assert!(families(Split::Train).iter().all(|family| !held_out.contains(family)));
        assert!(held_out.iter().all(|family| families(Split::HeldOut).contains(family)));
        let bands: BTreeSet<_> = of(Split::Train).iter().map(|item| item.person.band).collect();
        assert_eq!(bands.len(), 3, "head, tail and crossed");
    }
}

#[test]
fn traps_and_twins_come_in_about_the_shares_that_the_file_wants() {
    for scenario in scenarios() {
        let records: Vec<EpisodeRecord> =
            (0..200).map(|item| played(&scenario, "scripted:trapper", "rule", item)).collect();
        let (traps, twins) = (measured(&records, "agent/traps").unwrap(), measured(&records, "agent/twins").unwrap());
        assert!(traps > 0.4 && twins > 0.3, "{}: {traps} traps, {twins} twins", scenario.name);
    }
}

#[test]
fn a_user_that_knows_better_counters_and_a_gullible_one_pays() {
    for scenario in scenarios() {
        let of = |user: &str| -> Vec<EpisodeRecord> {
            (0..150).map(|item| played(&scenario, "scripted:trapper", user, item)).collect()
        };
        let (rule, gullible, suspicious) = (of("rule"), of("scripted:gullible"), of("scripted:suspicious"));
        let recall = |records: &[EpisodeRecord]| measured(records, "user/trap_recall").unwrap();
        let suspicion = |records: &[EpisodeRecord]| measured(records, "user/over_suspicion").unwrap();
        assert!(recall(&rule) > 0.6, "{}: {}", scenario.name, recall(&rule));
        assert_eq!((suspicion(&rule), recall(&gullible)), (0.0, 0.0));
        assert_eq!((recall(&suspicious), suspicion(&suspicious)), (1.0, 1.0));
        assert!(measured(&gullible, "user/trap_fell").unwrap() > 0.2, "{}", scenario.name);
        let score = |records: &[EpisodeRecord]| {
            records.iter().filter_map(|record| record.scores.user).sum::<f64>() / records.len() as f64
        };
        assert!(score(&rule) > score(&gullible) + 0.1, "{}: {} {}", scenario.name, score(&rule), score(&gullible));
    }
}

#[test]
fn good_play_wins_and_lying_random_and_spamming_do_not() {
    for scenario in scenarios() {
        let score = |agent: &str| {
            let records = (0..120).map(|item| played(&scenario, agent, "rule", item));
            records.filter_map(|record| record.scores.agent).sum::<f64>() / 120.0
        };
        let good = score("scripted:good");
        for other in ["random", "scripted:bad", "scripted:spam", "scripted:trapper"] {
            assert!(good > score(other) + 0.2, "{}: {good} against {other} {}", scenario.name, score(other));
        }
    }
}

#[test]
fn records_re_drive_and_seeds_repeat() {
    for scenario in scenarios() {
        for record in of_all_scripts(&scenario, 2) {
            assert_eq!(sim::redrive(&record, &scenario), Ok(()));
            let casting = &record.casting;
            let again = played(&scenario, &casting.policies.agent, &casting.policies.user, casting.item);
            assert_eq!(record, again);
        }
    }
}

#[test]
fn r21_a_fork_copies_both_sides_and_shares_nothing() {
    for scenario in scenarios() {
        let record = played(&scenario, "scripted:noisy", "scripted:noisy", 5);
        for turn in 0..record.turns.len() {
            let casting = sim::forked_casting(&record, record.casting.id, turn as u32, Reach::Rest(None));
            let Ok(Forked { episode, outputs, .. }) = sim::fork(&record, casting, &scenario) else {
                panic!("turn {turn}")
            };
            let before = serde_json::to_string(&episode).unwrap();
            let rest = |words: &str| {
                let (episode, outputs) = (episode.clone(), outputs.clone());
                let decide = |_, _: &Observation| Decision::say(words);
                sim::drive::go_on(episode, outputs, decide, |_, _| unreachable!("nobody is asked"))
            };
            assert_ne!(rest("[end]"), rest("Hello."));
            assert_eq!(serde_json::to_string(&episode).unwrap(), before, "what came of it changed nothing");
        }
        assert_eq!(sim::redrive(&record, &scenario), Ok(()));
    }
}

/// Scripts that play on from a turn are who they were, and come to the end that they came to, however often.
#[test]
fn r21_scripts_play_on_from_any_turn_as_they_did() {
    for scenario in scenarios() {
        let record = played(&scenario, "scripted:noisy", "scripted:noisy", 5);
        for turn in 0..record.turns.len() as u32 {
            for trial in 1..=4 {
                let id = sim::EpisodeId { group: 99, trial, ..record.casting.id };
                let casting = sim::forked_casting(&record, id, turn, Reach::Rest(None));
                let address = casting.rule_address(SEED);
                let Forked { episode, outputs, .. } = sim::fork(&record, casting, &scenario).expect("a turn of it");
                let script = |seat| Script::named(&scenario.rules, seat, "scripted:noisy").expect("a script");
                let decide = |seat, observation: &Observation| script(seat).decide(observation, address);
                let future = sim::drive::go_on(episode, outputs, decide, |_, _| unreachable!("nobody is asked"));
                assert_eq!(sim::redrive(&future, &scenario), Ok(()));
                assert_eq!((future.turns, future.verdict), (record.turns.clone(), record.verdict.clone()));
            }
        }
    }
}

#[test]
fn no_input_in_any_state_breaks_the_world_and_none_counts_after_the_end() {
    use sim::gyms::GymWorld;
    let act = |seat, text: &str| sim::WorldInput::Act(seat, sim::Act::Say(text.to_owned()));
    let (agent, user) = (Seat::Agent, Seat::User);
    let inputs = [
        act(agent, ""),
        act(agent, "[greet] \u{0}\u{1b}[2J"),
        act(agent, "[tell fee=-1][tell =][]["),
        act(agent, "[tell fee=39 charge=15] It is so."),
        act(agent, "[only_tonight][last_place] Now!"),
        act(agent, &"[".repeat(5000)),
        act(agent, "{\"act\": \"end\"}"),
        act(user, "[counter] [counter urgency] [counter fee]"),
        act(user, "[accept] [promise] Yes."),
        act(user, "[end annoyed]"),
        sim::WorldInput::NoAct(user, "half JSON".to_owned()),
        sim::WorldInput::Answer(sim::QueryId(0), sim::Answer { reply: "Yes".to_owned(), decision: None }),
    ];
    for scenario in packs() {
        let sim::World::Talk(fresh) = scenario.rules.world(&scenario, &casting("a", "b", 0), SEED) else { panic!() };
        for number in 0..inputs.len().pow(3) {
            let mut world = (*fresh).clone();
            let mut over = false;
            for power in 0..3 {
                let input = inputs[number / inputs.len().pow(power) % inputs.len()].clone();
                let said = world.step(input);
                assert_eq!(said.len(), 1);
                assert!(!over || matches!(said[0], sim::WorldOutput::Fault(_)), "an act after the end took effect");
                over |= matches!(&said[0], sim::WorldOutput::Effect(effect) if effect.next == sim::Next::Over);
            }
        }
    }
}

#[test]
fn every_term_measure_and_script_is_on_the_pages() {
    let scenarios_page = include_str!("../../../docs/SCENARIOS.md");
    let metrics = include_str!("../../../docs/METRICS.md");
    let (_, page) = scenarios_page.split_once("## `talk`: the world").expect("it has its part of the page");
    let page = page.split("\n## ").next().unwrap();
    let scenario = scenarios().remove(0);
    let names = Seat::ALL.into_iter().flat_map(|seat| Script::names(&scenario.rules, seat));
    for name in talk::TERMS.iter().map(|term| term.name.to_owned()).chain(names) {
        assert!(page.contains(&format!("`{name}`")), "docs/SCENARIOS.md does not mention {name}");
    }
    let (_, table) = metrics.split_once("## The measures of `talk`").expect("it has its measures");
    let table = table.split("\n## ").next().unwrap();
    for measure in talk::MEASURES.iter().chain(talk::marks::MEASURES) {
        assert!(table.contains(&format!("| `{measure}` |")), "no row for {measure} in docs/METRICS.md");
    }
}

/// What is said about the first file after an edit; empty if nothing is wrong.
fn said(from: &str, to: &str) -> String {
    let text = fs::read_to_string(&files()[0]).expect("it can be read");
    assert!(text.contains(from), "`{from}` stands in the file");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("talk.toml");
    fs::write(&path, text.replacen(from, to, 1)).expect("the folder is ours");
    let said = load_scenario(&path).err().map(|errors| errors.to_string()).unwrap_or_default();
    said.replace(&format!("{}/", folder.path().display()), "")
}

/// What stands in the file, what is written in its place, and how what is said begins after the line.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "met = \"told.fee and told.setup\"",
        "met = \"told.fee and told.setpu\"",
        "world.user.targets[0].met: `told.setpu` names nothing here\nhint: did you mean `told.setup`?",
    ),
    (
        "agreed == yes and agent.close",
        "agreed == maybe",
        "world.user.ends[0].when: `agreed` is never `maybe`, and nothing is called so\nhint: it is one of: `yes`, `no`",
    ),
    (
        "when = \"asked\"\n",
        "when = \"trust >= 2\"\n",
        "world.agent.procedure[0].when: `trust` is the user's own: the agent cannot see it",
    ),
    (
        "when = \"pressed and not fair\"",
        "when = \"traps\"",
        "world.user.policy[0].when: `traps` is what only the world knows: no seat can act on it",
    ),
    (
        "do = \"answer use\"",
        "do = \"anwser use\"",
        "world.user.policy[1].do: `anwser` names nothing here\nhint: did you mean `answer`?",
    ),
    (
        "do = \"offer plan=faster\"",
        "do = \"offer plan=quick\"",
        "world.agent.procedure[4].do: `quick` names nothing here\nhint: it is one of: `fast`, `faster`",
    ),
    (
        "claims = { deadline = \"tonight\" }",
        "claims = { deadline = \"now\" }",
        "world.traps.only_tonight.claims.deadline: `deadline` is never `now`",
    ),
    ("family = \"B1\"\n", "family = \"B99\"\n", "world.traps.only_tonight.family: there is no family `B99`"),
    ("wants = [\"accept\"]", "wants = [\"agree\"]", "world.traps.only_tonight.wants[0]: the user has no act `agree`"),
    ("trust = -2", "trust = -9", "world.user.transitions[0].trust: cannot be -9: the state goes from 0 to 5"),
    (
        "asks = [\"use\", \"budget\"]",
        "asks = [\"uses\", \"budget\"]",
        "world.agent.acts.probe.asks[0]: there is no slot or fact `uses`\nhint: did you mean `use`?",
    ),
    (
        "possible = \"not (",
        "possible = \"turn and not (",
        "world.possible: `turn and not (setup == free and fee == 29)` is about more than facts",
    ),
    (
        "tier = \"latent\"",
        "tier = \"hidden\"",
        "world.user.targets[3].tier: cannot be `hidden`\nhint: it is one of: `primary`, `secondary`, `latent`",
    ),
    (
        "name = \"own.honest_sale\"",
        "name = \"own.honest_sael\"",
        "reward[1].name: talk has no term `own.honest_sael` for the agent\nhint: did you mean `own.honest_sale`?",
    ),
    (
        "\"B13\", \"B15\", \"B17\"",
        "\"B13\", \"B6\"",
        "world.held_out_families[1]: no pressing line is of the family B6, so holding it out has no effect",
    ),
    (
        "agreed = { values = [\"yes\", \"no\"] }",
        "agreed = { values = [\"yes sir\", \"no\"] }",
        "world.slots.agreed.values[0]: cannot be \"yes sir\": a value is one word",
    ),
    (
        "The {is}.\", \"You",
        "The {fees}.\", \"You",
        "world.agent.acts.tell.says[0]: `{fees}` is nothing that this act speaks of\nhint: did you mean `fee`?",
    ),
];

#[test]
fn mistakes_are_named_by_line_and_key_with_what_would_be_right() {
    for (from, to, expected) in MISTAKES {
        let said = said(from, to);
        let first = said.strip_prefix("error: talk.toml:").unwrap_or_else(|| panic!("{to}: {said}"));
        let (line, what) = first.split_once(": ").unwrap();
        assert!(line.parse::<u32>().is_ok_and(|line| line > 1), "{said}");
        assert!(what.starts_with(expected), "{to}\nsaid: {what}\nexpected: {expected}");
    }
    assert_eq!(said("weight = 6", "weight = 5"), "");
}

/// What is planted in a talk, and who is to blame for it.
#[derive(Clone, Copy, Debug)]
enum Plant {
    /// The agent plays badly, or says nothing that counts.
    Agent,
    /// The user hangs up at once without a reason, or takes no part.
    User,
    /// Somebody that is no seat breaks down in a turn.
    Fault(Party),
    /// The judge cannot speak.
    Judge,
}

/// A talk of sound scripts with one thing planted in it.
fn planted(scenario: &Arc<Scenario>, plant: Plant, item: u32) -> EpisodeRecord {
    let bad = matches!(plant, Plant::Agent);
    let casting = casting(if bad { "scripted:bad" } else { "scripted:good" }, "rule", item);
    let address = casting.rule_address(SEED);
    let script = |seat: Seat| Script::named(&scenario.rules, seat, &casting.policies[seat]).expect("a script");
    let (mut episode, mut outputs) = sim::Episode::start(casting.clone(), Arc::clone(scenario), SEED);
    loop {
        let turn = episode.turns().len();
        let input = match (outputs.pop().expect("it is not over"), plant) {
            (sim::Output::Ask(..), Plant::Fault(party)) if turn as u32 > item % 3 => {
                sim::Input::Failed(sim::Fault::new(party, sim::FaultKind::Panicked, "it is gone"))
            }
            (sim::Output::Ask(Seat::User, observation), Plant::User) => {
                // Every other one hangs up; the others mumble, and pull themselves together before they are sent away.
                let mumbles = turn % 6 != 0;
                let decision = match item % 2 {
                    0 => Decision::say("[end annoyed] Goodbye."),
                    _ if mumbles => Decision::say("[mumble]"),
                    _ => script(Seat::User).decide(&observation, address),
                };
                sim::Input::Acted(Seat::User, decision)
            }
            (sim::Output::Ask(seat, observation), _) => {
                sim::Input::Acted(seat, script(seat).decide(&observation, address))
            }
            (sim::Output::Apply(mut world, input), _) => {
                let said = world.step(input);
                sim::Input::Effected(world, said)
            }
            (sim::Output::Judge(_), Plant::Judge) => {
                sim::Input::Judged(Err(sim::Fault::new(Party::Judge, sim::FaultKind::BadReply, "no verdict in it")))
            }
            (sim::Output::Judge(case), _) => sim::Input::Judged(Ok(case.by_rule())),
            (sim::Output::Query(..), _) => unreachable!("nobody is asked"),
            (sim::Output::Done(record), _) => return *record,
        };
        outputs = episode.step(input).expect("it was asked for");
    }
}

#[test]
fn r15_planted_faults_are_blamed_on_who_planted_them() {
    let plants = [
        (Plant::Agent, Party::Agent),
        (Plant::User, Party::User),
        (Plant::Fault(Party::Environment), Party::Environment),
        (Plant::Judge, Party::Judge),
        (Plant::Fault(Party::Infrastructure), Party::Infrastructure),
    ];
    for (plant, party) in plants {
        let mut right = 0;
        let mut wrong = Vec::new();
        for scenario in [&scenarios()[0], &scenarios()[1]] {
            let success = scenario.success.agent.as_ref();
            // A talk that came to what it should is nobody's fault, whatever was planted.
            let failed = (0..400).map(|item| planted(scenario, plant, item));
            let failed = failed.filter_map(|record| rl::audit::blame(&record, success).map(|blame| (record, blame)));
            for (record, blame) in failed.take(20) {
                assert!(!blame.evidence.is_empty() && blame.turn.is_none_or(|turn| turn < record.turns.len()));
                match blame.party == party {
                    true => right += 1,
                    false => wrong.push((record.item, blame)),
                }
            }
        }
        assert!(right >= 38 && right + wrong.len() == 40, "{plant:?}: {right} of 40; {wrong:?}");
    }
}

/// What a group of talks, of which the user spoiled every second one, is to learn from.
#[test]
fn r15_talks_that_the_user_spoiled_give_the_agent_no_advantage_and_the_user_a_bad_example() {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/talk.toml");
    let run = load_run(&run, &["grpo.spoiled_penalty=0.5".to_owned()]);
    let (run, ..) = run.unwrap_or_else(|errors| panic!("{errors}"));
    let settings = GrpoSettings { group_valid_min: 2, ..run.grpo };
    for scenario in scenarios() {
        let fair = (0..6).map(|item| played(&scenario, "scripted:noisy", "rule", item));
        let broken = (0..12).map(|item| planted(&scenario, Plant::User, item)).filter(is_spoiled_by_user).take(4);
        let (fair, broken): (Vec<EpisodeRecord>, Vec<EpisodeRecord>) = (fair.collect(), broken.collect());
        assert!(broken.len() == 4 && !fair.iter().any(is_spoiled_by_user), "{}", scenario.name);
        let all: Vec<&EpisodeRecord> = fair.iter().chain(&broken).collect();
        let learned = |records: &[&EpisodeRecord], seat: Seat| -> Vec<(EpisodeId, f64, f64)> {
            match GroupOutcome::of(records, seat, &settings) {
                GroupOutcome::Learned { members, .. } => {
                    members.iter().map(|m| (m.record.casting.id, m.score, m.z)).collect()
                }
                other => panic!("{}: {other:?}", scenario.name),
            }
        };
        let of_agent = learned(&all, Seat::Agent);
        let alone = learned(&fair.iter().collect::<Vec<_>>(), Seat::Agent);
        assert_eq!(of_agent, alone, "what is learned from the others is what would be learned without them");
        let of_user = learned(&all, Seat::User);
        let (good, bad) = of_user.split_at(fair.len());
        let least = good.iter().map(|(_, score, _)| *score).fold(f64::INFINITY, f64::min);
        assert!(bad.len() == 4 && bad.iter().all(|(_, score, _)| *score <= least - 0.5), "{of_user:?}");
        assert!(bad.iter().all(|(.., bad)| good.iter().all(|(.., z)| bad < z)), "{of_user:?}");
    }
}

#[test]
fn sound_talks_are_nobodys_fault_and_what_a_user_spoils_is_told_from_what_an_agent_misses() {
    for scenario in scenarios() {
        let success = scenario.success.agent.as_ref().expect("the files have one");
        for item in 0..60 {
            let record = played(&scenario, "scripted:good", "rule", item);
            let blame = rl::audit::blame(&record, Some(success));
            assert_eq!(blame.is_none(), success.holds(record.verdict.as_ref().expect("it was judged")) == Some(true));
            assert!(blame.is_none_or(|blame| blame.party == Party::Agent && blame.evidence.contains("does not hold")));
            assert!(!rl::audit::is_spoiled_by_user(&record), "the rule user is fair");
            assert_eq!(rl::audit::blame(&record, None), None, "where nothing is asked nothing fails");
        }
    }
}

/// The packs, in short: what the table on their page says of a hundred items each.
#[test]
fn in_every_pack_good_play_pays_and_giving_in_to_traps_does_not() {
    for scenario in packs() {
        let mean = |agent: &str, user: &str, seat: Seat| {
            let scores = (0..24).filter_map(|item| played(&scenario, agent, user, item).scores[seat]);
            let scores: Vec<f64> = scores.collect();
            scores.iter().sum::<f64>() / scores.len() as f64
        };
        let of_agent = |agent| mean(agent, "rule", Seat::Agent);
        let good = of_agent("scripted:good");
        for other in ["scripted:bad", "scripted:trapper", "random"] {
            assert!(of_agent(other) + 0.1 < good, "{}: {other} {} against {good}", scenario.name, of_agent(other));
        }
        let of_user = |user| mean("scripted:trapper", user, Seat::User);
        let (fair, gullible) = (of_user("rule"), of_user("scripted:gullible"));
        assert!(gullible + 0.05 < fair, "{}: {gullible} against {fair}", scenario.name);
    }
}

#[test]
fn a_term_that_is_earned_turn_by_turn_is_no_gate() {
    let from = "name = \"own.answered\"\nkind = \"training\"\nweight = 0.1";
    let said = said(from, "name = \"own.answered\"\nkind = \"gate\"\nweight = 1.0");
    assert!(said.contains("`own.answered` cannot be of kind `gate`: it is earned turn by turn"), "{said}");
}
