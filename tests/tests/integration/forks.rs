//! Groups of turns: what is played on from the middle of a talk, by models, and what is learned from it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Seat;
use sim::Stop;
use sim::record::Fork;
use sim::record::Reach;

use crate::program::duologue;
use crate::training::TRAINED;
use crate::training::arguments;
use crate::training::contents;
use crate::training::dialect;
use crate::training::lines;
use crate::training::records;
use crate::training::same_outcome;
use crate::training::scratch;
use crate::training::train;

/// What makes a small run fork talks.
const FORKS: [&str; 8] = [
    "--set",
    "grpo.forks.talks=3",
    "--set",
    "grpo.forks.alternatives=4",
    "--set",
    "grpo.forks.futures=2",
    "--set",
    "checkpoints.keep=9",
];

/// A run that forks talks and plays them on, trained to its end once.
static FORKED: LazyLock<PathBuf> = LazyLock::new(|| {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("forked-{profile}"));
    let _ = fs::remove_dir_all(&out);
    duologue(&arguments(&out, &FORKS)).done();
    out
});

fn by_id(run: &Path) -> BTreeMap<EpisodeId, EpisodeRecord> {
    records(run).into_iter().map(|record| (record.casting.id, record)).collect()
}

/// The alternatives of a run, each with its fork.
fn alternatives(all: &BTreeMap<EpisodeId, EpisodeRecord>) -> Vec<(&EpisodeRecord, Fork)> {
    let forks = all.values().filter_map(|record| Some((record, record.casting.fork?)));
    forks.filter(|(_, fork)| fork.reach == Reach::Turn).collect()
}

#[test]
fn alternatives_have_their_talk_token_by_token_and_then_a_turn_of_their_own() {
    let all = by_id(&FORKED);
    let found = alternatives(&all);
    // Three steps, two seats, three talks of each, four alternatives.
    assert_eq!(found.len(), 3 * 2 * 3 * 4);
    let mut differ = 0;
    for (record, fork) in &found {
        let turn = fork.turn as usize;
        let talk = &all[&fork.from];
        assert_eq!((talk.casting.fork, fork.root), (None, fork.from));
        assert_eq!(record.turns[..turn], talk.turns[..turn]);
        assert_eq!(
            (record.turns.len(), record.turns[turn].observed.clone()),
            (turn + 1, talk.turns[turn].observed.clone())
        );
        let sampled = |record: &EpisodeRecord| record.turns[turn].decision.generation.clone().expect("a model's turn");
        let (own, theirs) = (sampled(record), sampled(talk));
        assert_eq!((own.prompt, own.version), (theirs.prompt, theirs.version));
        differ += usize::from(own.tokens != theirs.tokens);
        assert_eq!(record.casting.learns, Pair::from_fn(|seat| seat == record.turns[turn].seat));
    }
    assert!(differ > found.len() / 2, "{differ} of {}: they are sampled apart", found.len());
}

#[test]
fn futures_go_on_from_an_alternative_and_those_of_one_number_have_the_same_luck() {
    let all = by_id(&FORKED);
    let cut = alternatives(&all).into_iter().filter(|(record, _)| record.stop == Some(Stop::Cut)).count();
    let futures: Vec<(&EpisodeRecord, Fork)> = all
        .values()
        .filter_map(|record| Some((record, record.casting.fork.filter(|fork| fork.reach == Reach::Rest(None))?)))
        .collect();
    assert!(cut > 0 && futures.len() == 2 * cut, "{} futures of {cut}", futures.len());
    let (mut alike, mut other) = ((0, 0), (0, 0));
    for (record, fork) in &futures {
        let alternative = &all[&fork.from];
        assert_eq!(fork.from, EpisodeId { trial: 0, ..record.casting.id });
        assert_eq!(record.turns[..fork.turn as usize], alternative.turns[..]);
        assert!(record.verdict.is_some() || matches!(record.stop, Some(Stop::Failed(_))), "it was played to its end");
        // Behind alternatives that said the same, futures of one number are the same, and others mostly are not.
        for (rival, of) in &futures {
            let same_past = record.turns[..fork.turn as usize]
                .iter()
                .map(|turn| &turn.decision.act)
                .eq(rival.turns[..of.turn as usize].iter().map(|turn| &turn.decision.act));
            let (a, b) = (record.casting.id, rival.casting.id);
            if a < b && (a.round, a.group) == (b.round, b.group) && same_past {
                let counts = if a.trial == b.trial { &mut alike } else { &mut other };
                let acts = |record: &EpisodeRecord| {
                    record.turns.iter().map(|turn| turn.decision.act.clone()).collect::<Vec<_>>()
                };
                counts.0 += 1;
                counts.1 += usize::from(acts(record) == acts(rival));
            }
        }
    }
    assert!(other.0 > 0 && other.1 < other.0, "{} of {} futures of other numbers are alike", other.1, other.0);
    assert_eq!(alike.0, alike.1, "futures of one number behind the same words differ");
}

#[test]
fn forks_are_re_driven_and_no_token_of_them_drifts() {
    let said = duologue(&["replay", FORKED.to_str().expect("we named it")]).done();
    let count = records(&FORKED).len();
    assert!(said.contains(&format!("{count} episodes re-driven, 0 differ")), "{said}");
    let dialect = dialect(&FORKED);
    let mut sound = 0;
    for record in records(&FORKED).iter().filter(|record| record.casting.fork.is_some()) {
        for seat in Seat::ALL {
            let drift = text::drift(record, seat, &dialect);
            assert_eq!(drift.drifted(), 0, "{}", record.casting.id);
            sound += drift.none;
        }
    }
    assert!(sound > 0);
}

#[test]
fn a_step_says_what_became_of_its_forks_and_talks_are_counted_without_them() {
    let steps = |run: &Path| {
        lines(&run.join("metrics.jsonl")).into_iter().filter(|line| line["phase"] == "grpo").collect::<Vec<_>>()
    };
    let (forked, plain) = (steps(&FORKED), steps(&TRAINED));
    for line in &forked {
        for seat in Seat::ALL {
            assert_eq!(line[format!("{seat}/forks")], 3.0, "{line}");
            let skipped = ["too_few", "no_variance"].map(|name| line[format!("{seat}/forks/{name}")].as_f64());
            assert!(skipped[0] == Some(0.0) && skipped[1] < Some(3.0), "{line}");
        }
        assert_eq!(line["drift"], 0.0);
    }
    assert_eq!(forked[0]["episodes"], plain[0]["episodes"]);
    assert_eq!(
        forked[0]["agent/reward/mean"], plain[0]["agent/reward/mean"],
        "the talks of the first step are the same"
    );
    assert!(plain.iter().all(|line| line.get("agent/forks").is_none()));
    assert!(forked[0]["agent/samples"].as_f64() > plain[0]["agent/samples"].as_f64());
}

#[test]
fn runs_with_forks_end_alike_from_the_beginning_and_from_each_commit() {
    let scratch = scratch();
    let again = scratch.path().join("again");
    train(&again, &FORKS).done();
    same_outcome(&FORKED, &again);
    // With a step played ahead, what waits at a commit is read back, forks included.
    let ahead = [&FORKS[..], &["--set", "grpo.staleness_max=1"]].concat();
    let whole = scratch.path().join("ahead");
    train(&whole, &ahead).done();
    for last in 0..3 {
        let out = scratch.path().join(format!("from-{last}"));
        for (path, bytes) in contents(&whole) {
            let to = out.join(path);
            fs::create_dir_all(to.parent().expect("a file lies in a folder")).expect("the place is ours");
            fs::write(to, bytes).expect("the place is ours");
        }
        for step in last + 1..=3 {
            fs::remove_dir_all(out.join(format!("checkpoints/step-{step:06}"))).expect("it is ours");
        }
        train(&out, &[&ahead[..], &["--resume"]].concat()).done();
        same_outcome(&whole, &out);
    }
}

#[test]
fn where_only_forks_train_no_talk_does() {
    let scratch = scratch();
    let out = scratch.path().join("run");
    // What says how talks train has nothing to say then.
    let idle = ["group_valid_min", "turn_credit", "std_over", "refills_max"].map(|key| format!("grpo.{key}="));
    let only = ["grpo.forks.talks_train=false", "grpo.steps=1"].into_iter().chain(idle.iter().map(String::as_str));
    let only: Vec<&str> = only.flat_map(|set| ["--set", set]).collect();
    train(&out, &[&FORKS[..], &only[..]].concat()).done();
    let line = lines(&out.join("metrics.jsonl")).into_iter().find(|line| line["phase"] == "grpo").expect("a step");
    for seat in Seat::ALL {
        assert_eq!((&line[format!("{seat}/groups")], &line[format!("{seat}/forks")]), (&0.0.into(), &3.0.into()));
    }
    assert!(records(&out).iter().any(|record| record.casting.id.phase == Phase::Grpo));
}
