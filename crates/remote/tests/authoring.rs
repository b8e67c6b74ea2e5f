//! A text in a form from a server in memory: written wrongly and then rightly, never rightly, not at all, and again from a recording.

#[path = "fake/server.rs"]
mod fake;

use std::sync::Arc;

use duologue_remote::Author;
use duologue_remote::Limits;
use duologue_remote::Recorder;
use duologue_remote::Recording;
use duologue_remote::Unwritten;
use duologue_remote::Voice;
use serde_json::Value;
use sim::FaultKind;
use sim::Party;

use fake::Does;
use fake::Fake;
use fake::said;

/// A form of which the rule is that it is a number.
fn read(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is no number"))
}

fn author(fake: &Fake, limits: Limits, recorder: Option<Arc<Recorder>>) -> Author {
    Author { voice: fake.voice("m", limits, recorder), place: "text".to_owned() }
}

async fn write(author: &Author, tries: u32) -> Result<(String, u32), Unwritten> {
    author.write("Write a number.", "the answer", tries, read).await
}

fn texts(asked: &Value) -> Vec<String> {
    let all = asked["messages"].as_array().into_iter().flatten();
    all.map(|message| {
        format!("{}: {}", message["role"].as_str().unwrap_or_default(), message["content"].as_str().unwrap_or_default())
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_said_until_it_is_right() {
    let fake = Fake::new(|number, asked| {
        let told = texts(asked);
        assert_eq!(told[..2], ["system: Write a number.", "user: the answer"]);
        assert_eq!(told.len(), 2 + 2 * number, "all that was written before is there, and what was said to it");
        Does::Say(said(match number {
            0 => "Sure! It is forty-two.",
            1 => {
                assert!(told[3].ends_with("`Sure! It is forty-two.` is no number"), "{told:?}");
                "<think>they want digits</think>```\n4 2\n```"
            }
            _ => {
                assert!(told[5].ends_with("`4 2` is no number"), "{told:?}");
                "<think>now</think>```text\n42\n```"
            }
        }))
    });
    assert_eq!(write(&author(&fake, Limits::default(), None), 4).await, Ok(("42".to_owned(), 42)));
    assert_eq!(fake.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_never_right_is_refused_with_what_was_wrong() {
    let fake = Fake::new(|number, _| Does::Say(said(&format!("{number} or so"))));
    let wrong = Unwritten::Wrong { tries: 3, wrong: "`2 or so` is no number".to_owned() };
    assert_eq!(write(&author(&fake, Limits::default(), None), 3).await, Err(wrong));
    assert_eq!(fake.calls(), 3, "and no more often than that");
}

#[tokio::test(start_paused = true)]
async fn no_reply_and_no_money_are_faults_of_nobody_at_the_table() {
    let fake = Fake::new(|_, _| Does::Hang);
    let late = write(&author(&fake, Limits { attempts_max: 2, ..Limits::default() }, None), 3).await;
    let Err(Unwritten::Fault(fault)) = late else { panic!("{late:?}") };
    assert_eq!((fault.party, fault.kind, fake.calls()), (Party::Infrastructure, FaultKind::Deadline, 2));
    let fake = Fake::new(|_, _| Does::Say(said("no number")));
    let spent = write(&author(&fake, Limits { calls_max: 2, ..Limits::default() }, None), 9).await;
    assert!(matches!(&spent, Err(Unwritten::Fault(fault)) if fault.detail.contains('2')), "{spent:?}");
    assert_eq!(fake.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_written_is_written_again_from_a_recording() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run.jsonl");
    let recorder = Arc::new(Recorder::new(&path).expect("the folder is ours"));
    let fake = Fake::new(|number, _| Does::Say(said(if number == 0 { "one" } else { "1" })));
    let first = write(&author(&fake, Limits::default(), Some(Arc::clone(&recorder))), 3).await;
    recorder.end().expect("it was written");
    let recorded = Voice::Recorded(Arc::new(Recording::open(&path).expect("it was just written")));
    let again = write(&Author { voice: recorded, place: "text".to_owned() }, 3).await;
    assert_eq!((&first, &again, fake.calls()), (&Ok(("1".to_owned(), 1)), &first, 2));
}
