//! A recorded run, given again: the same questions at the same places get the same answers, faults included, and nobody is asked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use sim::Fault;
use sim::FaultKind;
use sim::Party;

use crate::LinesError;
use crate::chat::Reply;
use crate::lines;
use crate::recorder::KIND;
use crate::recorder::Line;
use crate::recorder::Outcome;

/// The answers of a run.
#[derive(Debug)]
pub struct Recording {
    /// By place and prompt. Several where a command has played an episode of one name with several partners: in that order.
    by_place: BTreeMap<(String, String), Told>,
    /// Of each prompt the reply at the first place: for a question that was asked elsewhere.
    by_prompt: BTreeMap<String, Reply>,
}

#[derive(Debug, Default)]
struct Told {
    outcomes: Vec<Outcome>,
    given: AtomicUsize,
}

impl Recording {
    /// Reads a file that a [`Recorder`](crate::Recorder) has written.
    ///
    /// # Errors
    /// [`LinesError`].
    pub fn open(path: &Path) -> Result<Recording, LinesError> {
        let mut by_place: BTreeMap<(String, String), Told> = BTreeMap::new();
        for Line { place, prompt, outcome } in lines::read(path, KIND)? {
            by_place.entry((place, prompt)).or_default().outcomes.push(outcome);
        }
        let mut by_prompt = BTreeMap::new();
        for ((_, prompt), told) in &by_place {
            if let Some(Outcome::Reply(reply)) = told.outcomes.first() {
                by_prompt.entry(prompt.clone()).or_insert_with(|| reply.clone());
            }
        }
        Ok(Recording { by_place, by_prompt })
    }

    /// What this question came to at this place; or else what was replied to it anywhere.
    ///
    /// # Errors
    /// The recorded [`Fault`], or one that says that the question was not asked then.
    pub fn answer(&self, place: &str, prompt: &str) -> Result<Reply, Fault> {
        if let Some(told) = self.by_place.get(&(place.to_owned(), prompt.to_owned())) {
            return told.next().clone().into();
        }
        let unasked = || Fault::new(Party::Infrastructure, FaultKind::Refused, "the recording has no such question");
        self.by_prompt.get(prompt).cloned().ok_or_else(unasked)
    }
}

impl Told {
    /// The next one; the last one for ever.
    fn next(&self) -> &Outcome {
        let next = self.given.fetch_add(1, Ordering::Relaxed).min(self.outcomes.len() - 1);
        &self.outcomes[next]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recorder;
    use sim::Seat;

    fn reply(text: &str) -> Result<Reply, Fault> {
        Ok(Reply { text: text.to_owned(), thought: None, closed: true })
    }

    #[test]
    fn a_recording_gives_what_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let recorder = Recorder::new(&path).unwrap();
        let asked = |place: &str, prompt: &str| recorder.asked(Seat::User, place.to_owned(), prompt.to_owned());
        let fault = Err(Fault::new(Party::User, FaultKind::BadReply, "half"));
        asked("b", "p").came_to(&reply("two"));
        asked("a", "p").came_to(&reply("one"));
        asked("a", "q").came_to(&fault);
        asked("c", "r").came_to(&reply("first"));
        asked("c", "r").came_to(&reply("second"));
        drop(asked("d", "s"));
        recorder.end().unwrap();
        assert!(Recorder::new(&path).is_err());

        let recording = Recording::open(&path).unwrap();
        assert_eq!(recording.answer("b", "p"), reply("two"));
        assert_eq!(recording.answer("a", "q"), fault);
        let texts: Vec<String> = (0..3).map(|_| recording.answer("c", "r").unwrap().text).collect();
        assert_eq!(texts, ["first", "second", "second"]);
        assert_eq!(recording.answer("d", "s").unwrap_err().kind, FaultKind::Deadline);
        assert_eq!(recording.answer("elsewhere", "p"), reply("one"));
        for unasked in [recording.answer("a", "z"), recording.answer("elsewhere", "q")] {
            assert_eq!(unasked.unwrap_err().party, Party::Infrastructure);
        }
    }
}
