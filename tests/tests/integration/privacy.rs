//! What a seat is shown is its own part, what its partner said aloud, and what the world shows to both: with models that behave, and with
//! models that write their thoughts wherever they can.

use serde_json::Value;
use sim::Act;
use sim::EpisodeRecord;
use sim::Message;
use sim::Seat;
use sim::Source;
use sim::Stop;
use sim::Turn;
use sim::gyms::Rules;
use sim::gyms::haggle::BuyerMove;
use sim::gyms::haggle::talk;
use text::Dialect;

use crate::program::HOSTILE;
use crate::program::command;
use crate::program::finish;
use crate::training::TRAINED;
use crate::training::dialect;
use crate::training::last_model;
use crate::training::lines;
use crate::training::records;
use crate::training::scratch;
use crate::training::train_command;

/// Words that stand in one seat's part, or in the user's thoughts, and nowhere else.
const PRIVATE: [(Seat, &[&str]); 2] = [
    (
        Seat::Agent,
        &[
            "You buy",
            "Your value",
            "You want",
            "You need",
            "unknown",
            "You are",
            "state ",
            "intent",
            "concern",
            " plan",
            " tone",
            "<think>",
            "</think>",
        ],
    ),
    (Seat::User, &["You sell", "Your cost", "<think>", "</think>"]),
];

/// What hostile models write into every thought.
const SECRET: &str = "canary";

/// Asserts that neither seat was shown anything that it should not know, message by message and token by token.
#[track_caller]
fn check(record: &EpisodeRecord, dialect: &Dialect) {
    for (seat, private) in PRIVATE {
        let mut shown = String::new();
        for (at, turn) in record.turns.iter().enumerate().filter(|(_, turn)| turn.seat == seat) {
            check_sources(record, at, turn);
            let generation = turn.decision.generation.as_ref();
            shown.extend(generation.map(|generation| dialect.tokenizer().decode(&generation.prompt)));
            shown.extend(turn.observed.iter().map(|message| message.text.as_str()));
        }
        for words in private.iter().chain(&[SECRET]) {
            assert!(!shown.contains(words), "{}: the {seat} was shown `{words}`: {shown}", record.casting.id);
        }
    }
}

/// Each message comes from where it says: the seat's own part first, then only what was said aloud and what a check has shown.
fn check_sources(record: &EpisodeRecord, at: usize, turn: &Turn) {
    let is_first = !record.turns[..at].iter().any(|earlier| earlier.seat == turn.seat);
    for (place, message) in turn.observed.iter().enumerate() {
        let is_sound = match message.from {
            Source::Brief => is_first && place == 0,
            Source::Partner => said_aloud(&record.turns[..at], turn.seat.partner(), &message.text),
            Source::World => shown_to_both(&record.turns[..at], message),
        };
        assert!(is_sound, "{}: turn {at}: {message:?}", record.casting.id);
    }
    assert!(!is_first || turn.observed[0].from == Source::Brief);
}

/// Whether it is, word for word, the last turn of this seat, and that one counted.
fn said_aloud(before: &[Turn], seat: Seat, text: &str) -> bool {
    let last = before.iter().rev().find(|turn| turn.seat == seat);
    last.is_some_and(|turn| {
        turn.decision.act == Ok(Act::Say(text.to_owned()))
            && turn.effect.as_ref().is_some_and(|effect| effect.malformed.is_none())
    })
}

fn shown_to_both(before: &[Turn], message: &Message) -> bool {
    let challenged = |turn: &Turn| match &turn.decision.act {
        Ok(Act::Say(text)) if turn.seat == Seat::User => match talk::read_buyer(text) {
            Ok(BuyerMove::Challenge(fact)) => message.text.starts_with(&format!("The {} is ", fact.name())),
            Ok(_) | Err(_) => false,
        },
        Ok(_) | Err(_) => false,
    };
    ["That does not count.", "No answer.", "This is the last round."].contains(&message.text.as_str())
        || before.iter().any(challenged)
}

/// Records of a rollout of both models of the trained run, or of one and a script.
fn rollout(hostile: &str, policies: [&str; 2], episodes: u32) -> Vec<EpisodeRecord> {
    let model = |seat: Seat, policy: &str| match policy {
        "model" => format!("model:{}", last_model(&TRAINED, seat).display()),
        script => script.to_owned(),
    };
    let (agent, user) = (model(Seat::Agent, policies[0]), model(Seat::User, policies[1]));
    let episodes = episodes.to_string();
    let arguments =
        ["rollout", "scenarios/haggle.toml", "--episodes", &episodes, "--agent", &agent, "--user", &user, "--json"];
    let mut command = command(&arguments);
    command.env(HOSTILE, hostile);
    let said = finish(command).done();
    said.lines().map(|line| serde_json::from_str(line).expect("each line is a record")).collect()
}

#[test]
fn models_that_behave_are_shown_nothing_private() {
    let dialect = dialect(&TRAINED);
    let records = [records(&TRAINED), rollout("", ["model", "model"], 60)].concat();
    for record in &records {
        check(record, &dialect);
    }
    let thoughts =
        records.iter().flat_map(|record| &record.turns).filter(|turn| turn.decision.thought.is_some()).count();
    assert!(thoughts > 20, "there was something to hide");
}

#[test]
fn the_briefs_hold_their_own_seats_numbers_and_no_others() {
    let scenario = sim::gyms::haggle::example();
    let Rules::Haggle(rules) = &scenario.rules else { panic!("another gym") };
    for record in records(&TRAINED) {
        let item = rules.item(scenario.items, record.casting.split, record.casting.item);
        for (seat, own) in [(Seat::Agent, item.cost), (Seat::User, item.value)] {
            let Some(first) = record.turns_of(seat).next() else { continue };
            let prices: Vec<&str> =
                first.observed[0].text.split_whitespace().filter(|word| word.starts_with('$')).collect();
            assert_eq!(prices, [format!("${}.", item.list), format!("${own}.")]);
        }
    }
}

#[test]
fn models_that_leak_are_not_heard_and_what_they_do_is_counted() {
    let dialect = dialect(&TRAINED);
    for (hostile, policies) in
        [("both", ["model", "model"]), ("user", ["scripted:good", "model"]), ("agent", ["model", "rule"])]
    {
        let records = rollout(hostile, policies, 60);
        for record in &records {
            check(record, &dialect);
        }
        let turns =
            || records.iter().flat_map(|record| &record.turns).filter(|turn| turn.decision.generation.is_some());
        let wrote = |turn: &&Turn| {
            let tokens = &turn.decision.generation.as_ref().expect("models only").tokens;
            dialect.tokenizer().decode(tokens).contains(SECRET)
        };
        assert!(turns().filter(wrote).count() > 20, "the models did leak");
        assert!(turns().any(|turn| turn.decision.act.is_err()), "and were refused");
        if hostile != "agent" {
            let heard = |turn: &Turn| turn.decision.act.is_ok() && turn.decision.thought.as_deref() == Some(SECRET);
            assert!(turns().any(heard), "a thought where it belongs does not spoil the turn");
        }
    }
}

#[test]
fn a_run_of_models_that_leak_trains_on_and_counts_each_malformed_turn() {
    let scratch = scratch();
    let out = scratch.path().join("run");
    let mut command = train_command(&out, &["--set", "sft.updates=4"]);
    command.env(HOSTILE, "both");
    finish(command).done();
    let (records, dialect) = (records(&out), dialect(&out));
    for record in &records {
        check(record, &dialect);
    }
    for line in lines(&out.join("metrics.jsonl")).iter().filter(|line| line["phase"] == "grpo") {
        for seat in Seat::ALL {
            let (malformed, turns) = malformed(&records, line["step"].as_u64().expect("a step"), seat);
            assert!(malformed > 0);
            let share = line[format!("{seat}/malformed")].as_f64().expect("there were turns");
            assert!((share - malformed as f64 / turns as f64).abs() < 1e-12, "{share} is not {malformed} of {turns}");
        }
        assert_eq!(line["drift"], 0.0);
    }
}

/// Turns without a legal act, and all turns, of a seat's model at a step.
fn malformed(records: &[EpisodeRecord], step: u64, seat: Seat) -> (usize, usize) {
    let of_step = records.iter().filter(|record| record.casting.id.round == step && record.casting.learns[seat]);
    let turns: Vec<&Turn> = of_step.flat_map(|record| record.turns_of(seat)).collect();
    let is_malformed = |turn: &&&Turn| {
        turn.decision.act.is_err() || turn.effect.as_ref().is_some_and(|effect| effect.malformed.is_some())
    };
    (turns.iter().filter(is_malformed).count(), turns.len())
}

/// At `malformed_max` turns in a row, or at once where `tokens_max` are spent without an act.
#[test]
fn a_seat_that_never_comes_to_speak_fails_and_its_partner_is_not_scored() {
    for (hostile, turns) in [("unopened", 3), ("endless", 1)] {
        for (policies, seat) in [(["model", "rule"], Seat::Agent), (["scripted:good", "model"], Seat::User)] {
            for record in rollout(hostile, policies, 5) {
                assert_eq!(record.stop, Some(Stop::Failed(seat)));
                assert_eq!((record.turns_of(seat).count(), &record.fault, &record.verdict), (turns, &None, &None));
                assert_eq!((record.scores[seat], record.scores[seat.partner()]), (Some(-1.0), None));
            }
        }
    }
}

#[test]
fn a_seats_own_failure_is_scored_and_is_no_fault() {
    let model = format!("model:{}", last_model(&TRAINED, Seat::Agent).display());
    let mut command = command(&["eval", "scenarios/haggle.toml", "--limit", "5", "--agent", &model, "--json"]);
    command.env(HOSTILE, "unopened");
    let result: Value = serde_json::from_str(&finish(command).done()).expect("one JSON value");
    let run = &result["runs"][0];
    assert_eq!(["scored", "lost", "episodes"].map(|key| run[key].as_u64()), [Some(5), Some(0), Some(5)]);
    assert!(run["faults"].as_object().expect("an object").values().all(|count| *count == 0));
    let metrics = &run["metrics"];
    let mean = |name: &str| metrics[name]["mean"].as_f64();
    assert_eq!(mean("agent/score"), Some(-1.0));
    assert_eq!(metrics["user/score"], Value::Null);
    assert_eq!([mean("stop/agent_failed"), mean("agent/malformed"), mean("pass@1")], [Some(1.0), Some(1.0), Some(0.0)]);
}
