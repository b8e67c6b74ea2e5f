//! The capture gateway: whatever is asked under `/episodes/ID/v1` is written down token by token, a line of JSON for each call in
//! `ID.jsonl`. Nothing in it comes from a clock, so that equal episodes leave equal files but for the names of their calls.

use std::collections::BTreeMap;
use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::thread;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use text::SeatStream;
use tokio::sync::oneshot;

use crate::Problem;
use crate::choice::Choice;
use crate::choice::Delta;
use crate::choice::Finish;
use crate::engine::Lost;
use crate::episode::Branch;
use crate::episode::Episode;
use crate::episode::Link;
use crate::episode::Opening;
use crate::episode::State;
use crate::request::ChatRequest;
use crate::request::Setting;
use crate::speech::Speech;
use crate::turn::Turn;

/// Episodes that can be continued; beyond it the one that was asked least recently is closed.
pub const EPISODES_MAX: usize = 1024;
/// Characters of an episode's name.
const NAME_MAX: usize = 128;

/// Where episodes are written down.
#[derive(Debug)]
pub struct Capture {
    episodes: Mutex<Episodes>,
    scribe: mpsc::Sender<Entry>,
}

#[derive(Debug, Default)]
struct Episodes {
    /// With when it was last asked.
    by_name: BTreeMap<String, (u64, Episode)>,
    asked: u64,
}

/// What the thread that writes is told.
#[derive(Debug)]
struct Entry {
    episode: String,
    line: String,
    /// Who waits until it is written.
    done: Option<oneshot::Sender<io::Result<()>>>,
}

/// One line of an episode's file.
#[derive(Clone, Debug, Serialize)]
struct Call {
    call: String,
    episode: String,
    model: String,
    /// `null`: rendered from its beginning.
    continues: Option<Link>,
    branch: Option<Branch>,
    /// How many of `prompt_token_ids`, from the first, were there before.
    prompt_kept: usize,
    sampling: Value,
    messages: Vec<Value>,
    tools: Vec<Value>,
    prompt_token_ids: Vec<u32>,
    choices: Vec<Sampled>,
    /// Why there is no whole answer; `null` if there is.
    lost: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Sampled {
    index: u32,
    token_ids: Vec<u32>,
    logprobs: Vec<f32>,
    /// Of the weights; `null` if nothing was sampled to the end.
    weight_version: Option<u64>,
    finish_reason: Option<&'static str>,
    message: Option<Value>,
}

impl Capture {
    /// Writes into this folder, which is made if there is none.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn into(folder: &Path) -> io::Result<Capture> {
        fs::create_dir_all(folder)?;
        let (scribe, entries) = mpsc::channel();
        let folder = folder.to_owned();
        thread::Builder::new().name("capture".to_owned()).spawn(move || write_all(&folder, &entries))?;
        Ok(Capture { episodes: Mutex::default(), scribe })
    }

    /// Begins a call: finds what it continues, and gives the stream that its answer goes on from.
    ///
    /// # Errors
    /// [`Problem`] 400 for a name that no file can have.
    pub fn begin(
        self: &Arc<Capture>,
        episode: &str,
        call: String,
        speech: &Speech,
        request: &ChatRequest,
    ) -> Result<Recording, Problem> {
        check_name(episode)?;
        let opening = self.episodes().open(episode, speech, request);
        let manner = &request.manner;
        let sampled = |index| Sampled {
            index,
            token_ids: Vec::new(),
            logprobs: Vec::new(),
            weight_version: None,
            finish_reason: None,
            message: None,
        };
        let line = Call {
            call,
            episode: episode.to_owned(),
            model: request.model.clone(),
            continues: opening.continues,
            branch: opening.branch,
            prompt_kept: opening.kept,
            sampling: json!({
                "temperature": if manner.greedy { 0.0 } else { manner.temperature },
                "top_k": manner.filter.top_k,
                "top_p": manner.filter.top_p,
                "min_p": manner.filter.min_p,
                "max_tokens": manner.tokens_max,
                "stop": manner.stop,
                "seed": manner.seed,
                "enable_thinking": request.setting.thinks,
            }),
            messages: request.messages.clone(),
            tools: request.setting.tools.clone(),
            prompt_token_ids: opening.prompt,
            choices: (0..manner.choices).map(sampled).collect(),
            lost: None,
        };
        Ok(Recording {
            capture: Arc::clone(self),
            speech: speech.clone(),
            turns: request.turns.clone(),
            stream: opening.stream,
            setting: request.setting.clone(),
            line,
            states: Vec::new(),
            is_written: false,
        })
    }

    /// Forgets an episode; its file stays. Whether there was one.
    pub fn close(&self, episode: &str) -> bool {
        self.episodes().by_name.remove(episode).is_some()
    }

    /// Episodes that can be continued.
    #[must_use]
    pub fn open(&self) -> usize {
        self.episodes().by_name.len()
    }

    /// Waits until everything is written that was begun before.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        let entry = Entry { episode: String::new(), line: String::new(), done: Some(done) };
        let _ = self.scribe.send(entry);
        // An error says that the thread has ended, and so has written all it could.
        let _ = written.await;
    }

    fn episodes(&self) -> MutexGuard<'_, Episodes> {
        self.episodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Episodes {
    /// What a request goes on from; an episode that nobody has heard of is a new one.
    fn open(&self, name: &str, speech: &Speech, request: &ChatRequest) -> Opening {
        let new = Episode::default();
        let episode = self.by_name.get(name).map_or(&new, |(_, episode)| episode);
        episode.open(speech, &request.turns, &request.setting)
    }

    /// The episode, to be gone on with.
    fn of(&mut self, name: &str) -> &mut Episode {
        if !self.by_name.contains_key(name) && self.by_name.len() == EPISODES_MAX {
            let oldest = self.by_name.iter().min_by_key(|(_, (asked, _))| *asked).map(|(name, _)| name.clone());
            self.by_name.remove(&oldest.expect("it is full"));
        }
        self.asked += 1;
        let (asked, episode) = self.by_name.entry(name.to_owned()).or_default();
        *asked = self.asked;
        episode
    }
}

/// A call that is being answered. Dropped before its end, it is written down as far as it came.
#[derive(Debug)]
pub struct Recording {
    capture: Arc<Capture>,
    speech: Speech,
    turns: Vec<Turn>,
    stream: SeatStream,
    setting: Setting,
    line: Call,
    /// What can be continued once it is on record.
    states: Vec<State>,
    is_written: bool,
}

impl Recording {
    /// What the answer goes on from.
    #[must_use]
    pub fn prompt(&self) -> &[u32] {
        &self.line.prompt_token_ids
    }

    /// More of an answer has come.
    pub fn heard(&mut self, delta: &Delta) {
        let sampled = &mut self.line.choices[delta.index as usize];
        sampled.token_ids.extend_from_slice(&delta.tokens);
        sampled.logprobs.extend_from_slice(&delta.logprobs);
    }

    /// An answer is whole.
    pub fn ended(&mut self, choice: &Choice) {
        let (answer, turn) = (choice.answer(), choice.turn());
        let sampled = &mut self.line.choices[choice.index as usize];
        sampled.weight_version = Some(answer.version);
        sampled.finish_reason = answer.finish.map(Finish::name);
        sampled.message = Some(turn.to_json());
        let mut stream = self.stream.clone();
        self.speech.answered(&mut stream, &answer.tokens);
        let turns = self.turns.iter().cloned().chain([turn]).collect();
        let link = Link { call: self.line.call.clone(), choice: choice.index };
        let ids = [self.prompt(), &answer.tokens].concat();
        let state = State { link, turns, setting: self.setting.clone(), ids, stream };
        self.states.push(state);
    }

    /// The call was refused: it is none.
    pub fn discard(mut self) {
        self.is_written = true;
    }

    /// There will be no answer.
    pub fn lost(&mut self, why: &Lost) {
        self.line.lost = Some(why.to_string());
    }

    /// Writes it down if all answers are whole; from then on they can be continued.
    ///
    /// # Errors
    /// [`Problem`] 500 if it cannot be written: an answer that is not on record is not given.
    pub async fn write_if_whole(&mut self) -> Result<(), Problem> {
        if self.line.choices.iter().any(|sampled| sampled.finish_reason.is_none()) {
            return Ok(());
        }
        let (done, written) = oneshot::channel();
        self.write(Some(done));
        let failed = |why: &str| Problem::failure(format!("the call could not be recorded: {why}"));
        written.await.map_err(|_| failed("nobody writes any more"))?.map_err(|error| failed(&error.to_string()))?;
        let mut episodes = self.capture.episodes();
        let episode = episodes.of(&self.line.episode);
        self.states.drain(..).for_each(|state| episode.add(state));
        Ok(())
    }

    fn write(&mut self, done: Option<oneshot::Sender<io::Result<()>>>) {
        self.is_written = true;
        let line = serde_json::to_string(&self.line).expect("texts and numbers are JSON");
        let _ = self.capture.scribe.send(Entry { episode: self.line.episode.clone(), line, done });
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.is_written {
            self.line.lost.get_or_insert_with(|| "the client has gone".to_owned());
            self.write(None);
        }
    }
}

/// A name that is a file's everywhere, and no other place's.
fn check_name(name: &str) -> Result<(), Problem> {
    let first = name.chars().next().is_some_and(|first| first.is_ascii_alphanumeric());
    let rest = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
    if first && rest && name.len() <= NAME_MAX {
        return Ok(());
    }
    let what = format!(
        "an episode's name has 1 to {NAME_MAX} letters, digits, dots, dashes and underscores, and begins with a letter or digit"
    );
    Err(Problem::invalid("episode", what))
}

/// Until nobody is left who could have something written.
fn write_all(folder: &Path, entries: &mpsc::Receiver<Entry>) {
    for Entry { episode, line, done } in entries {
        let written = if episode.is_empty() { Ok(()) } else { append(&folder.join(format!("{episode}.jsonl")), line) };
        match (done, written) {
            // Whoever waited may have gone.
            (Some(done), written) => drop(done.send(written)),
            (None, Ok(())) => {}
            (None, Err(error)) => tracing::error!("{episode}: a call could not be recorded: {error}"),
        }
    }
}

/// A whole line or none: whoever reads along sees no half of one but while it is written.
fn append(path: &PathBuf, mut line: String) -> io::Result<()> {
    line.push('\n');
    OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
}
