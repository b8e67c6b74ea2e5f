//! A rubric: criteria that a judge's model answers, each with a level out of a few that are described, and with words of the talk as its evidence.
//!
//! ```text
//!  Rubric  ── question(case, seat) ──> Question      what the judges read: nothing but that seat's own side
//!  Question ── read(reply) ──> Ballot                 a level and a quote for each criterion, or why it is none
//!  Rubric  ── note(verdict, seat, ballots)            the mean of the panel as terms and measures, with the panel's disagreement
//!  Rubric  ── drift(ballots of the gold cases)        how far from the levels that people gave
//! ```
//!
//! What a model says is never mixed with what a rule says: its terms and measures begin with `judge.`, they are of kind
//! [`RewardKind::Judged`], and no score has them. R_rubric of UserLM-R1 (arXiv 2601.09215; specification, section 1.7) is four such criteria of weight ¼.
//!
//! Who asks the models is not here: this knows what is asked, and what an answer comes to.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use serde::Serialize;

use crate::Case;
use crate::Message;
use crate::Ratio;
use crate::Reward;
use crate::RewardKind;
use crate::Scope;
use crate::Seat;
use crate::Source;
use crate::Verdict;
use crate::gyms::reply;
use crate::gyms::words::normal;

/// What terms and measures of a judge's model begin with.
pub const JUDGE: &str = "judge.";

/// The measure of how far the panel is apart.
const DISAGREEMENT: &str = "disagreement";

/// What judges are asked, who they are, and by what they are watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rubric {
    /// Who is asked; at least one, no two alike.
    pub panel: Vec<Juror>,
    /// Whether they read the seat's thoughts.
    pub reads_thought: bool,
    /// Whether they read what the seat was told before the talk.
    pub reads_brief: bool,
    /// What they are asked; at least one.
    pub criteria: Vec<Criterion>,
    /// Cases whose levels are known.
    pub gold: Vec<Gold>,
    /// From this drift on, in [0, 1], it is an alarm.
    pub drift_max: f64,
}

/// One of the panel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Juror {
    /// `openai:MODEL` or `replay:FILE`.
    pub policy: String,
    /// The family of models it is of: judges of one family like the same things.
    pub family: String,
}

/// One criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// Whose conduct it is about.
    pub seat: Seat,
    /// Its name, with `judge.` in front.
    pub name: String,
    /// Its weight in what trains the seat; `None`: it is only measured.
    pub weight: Option<f64>,
    /// What is asked.
    pub question: String,
    /// What each level looks like, the worst first; at least two. Level 1 is worth 0, the last one 1.
    pub levels: Vec<String>,
}

/// A case that people have judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gold {
    /// Whose conduct was judged.
    pub seat: Seat,
    /// What the judges read.
    pub case: String,
    /// The level of each criterion, by its name with `judge.` in front, from 1.
    pub levels: BTreeMap<String, u32>,
}

/// What the judges are asked about one seat of one talk.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What they are told to do, and the case.
    pub messages: Vec<Message>,
    /// The criteria's names without `judge.`, each with how many levels it has.
    asked: Vec<(String, u32)>,
    /// The case as quotes are looked for.
    shown: String,
}

/// What one judge said of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// For each criterion of the question, in its order.
    pub opinions: Vec<Opinion>,
}

/// What one judge said to one criterion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// From 1.
    pub level: u32,
    /// Words of the case.
    pub quote: String,
}

impl Criterion {
    /// What a level is worth, in [0, 1].
    #[must_use]
    pub fn value(&self, level: u32) -> f64 {
        f64::from(level.saturating_sub(1)) / (self.levels.len().max(2) - 1) as f64
    }
}

impl Rubric {
    /// The criteria about a seat.
    pub fn of(&self, seat: Seat) -> impl Iterator<Item = &Criterion> {
        self.criteria.iter().filter(move |criterion| criterion.seat == seat)
    }

    /// The names of all its measures: `user/judge.consistency`, and `user/judge.disagreement`.
    #[must_use]
    pub fn measures(&self) -> Vec<String> {
        let seats = Seat::ALL.into_iter().filter(|seat| self.of(*seat).next().is_some());
        let of_seat = |seat: Seat| {
            let own = self.of(seat).map(move |criterion| format!("{seat}/{}", criterion.name));
            own.chain([disagreement(seat)]).collect::<Vec<_>>()
        };
        seats.flat_map(of_seat).collect()
    }

    /// What the judges are asked about a seat; `None` if there is no criterion for it, or it never spoke.
    #[must_use]
    pub fn question(&self, case: &Case, seat: Seat) -> Option<Question> {
        let mut own = case.turns.iter().filter(|turn| turn.seat == seat).peekable();
        own.peek()?;
        let mut text = String::new();
        for (at, turn) in own.enumerate() {
            for message in &turn.observed {
                match message.from {
                    Source::Brief if self.reads_brief => line(&mut text, "Told beforehand", &message.text),
                    Source::Brief => {}
                    Source::Partner | Source::World => line(&mut text, "Heard", &message.text),
                }
            }
            let thought = turn.decision.thought.as_deref().filter(|_| self.reads_thought);
            thought.into_iter().for_each(|thought| line(&mut text, &format!("Thought {at}"), thought));
            let said = turn.decision.act.as_ref().map_or("(nothing that could be read)", |act| act.text());
            line(&mut text, &format!("Said {at}"), said);
        }
        self.asks(seat, &text)
    }

    /// The same of a case in words; `None` if there is no criterion for the seat.
    #[must_use]
    pub fn asks(&self, seat: Seat, case: &str) -> Option<Question> {
        self.of(seat).next()?;
        let mut task = format!(
            "You judge the {seat} of a talk by a rubric. You read what the {seat} heard, thought and said, and nothing else. Judge only what \
             stands there; neither length nor politeness is worth anything in itself.\n"
        );
        for criterion in self.of(seat) {
            let _ = writeln!(task, "\n{}: {}", bare(&criterion.name), criterion.question);
            for (at, level) in criterion.levels.iter().enumerate() {
                let _ = writeln!(task, "  {}: {level}", at + 1);
            }
        }
        let example: Vec<String> =
            self.of(seat).map(|criterion| format!("\"{}\": {EXAMPLE}", bare(&criterion.name))).collect();
        let _ = write!(
            task,
            "\nAnswer with JSON and nothing else, each level with a few words copied from the case that show it: {{{}}}",
            example.join(", ")
        );
        let asked = self.of(seat).map(|criterion| (bare(&criterion.name).to_owned(), criterion.levels.len() as u32));
        let messages = vec![
            Message { from: Source::Brief, text: task },
            Message { from: Source::World, text: format!("The case:\n{case}") },
        ];
        Some(Question { messages, asked: asked.collect(), shown: padded(case) })
    }

    /// Writes what a panel said about a seat into the verdict: the mean of its levels, as terms where a criterion has a weight, and as measures.
    pub fn note(&self, verdict: &mut Verdict, seat: Seat, ballots: &[Ballot]) {
        let mut apart = Ratio::default();
        for (at, criterion) in self.of(seat).enumerate() {
            let opinions: Vec<&Opinion> = ballots.iter().filter_map(|ballot| ballot.opinions.get(at)).collect();
            let values: Vec<f64> = opinions.iter().map(|opinion| criterion.value(opinion.level)).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            if values.len() > 1 {
                let spread = values.iter().map(|value| (value - mean).abs()).sum::<f64>() / values.len() as f64;
                apart += Ratio::new(spread, 1.0);
            }
            let said =
                |opinion: &&Opinion| format!("{} of {}: `{}`", opinion.level, criterion.levels.len(), opinion.quote);
            self.reward(verdict, criterion, mean, opinions.iter().map(said).collect::<Vec<_>>().join("; "));
            verdict.measures.insert(format!("{seat}/{}", criterion.name), Ratio::new(mean, 1.0));
        }
        verdict.measures.insert(disagreement(seat), apart);
    }

    /// Writes that nobody was asked about a seat, because its gates are shut: its terms are 0, which trains it as any other number would, and its
    /// measures have no case.
    pub fn note_unasked(&self, verdict: &mut Verdict, seat: Seat) {
        for criterion in self.of(seat) {
            self.reward(verdict, criterion, 0.0, "nobody was asked: the gate is shut".to_owned());
        }
    }

    fn reward(&self, verdict: &mut Verdict, criterion: &Criterion, value: f64, evidence: String) {
        let Some(weight) = criterion.weight else { return };
        let (seat, name, kind) = (criterion.seat, criterion.name.clone(), RewardKind::Judged);
        verdict.rewards.push(Reward { seat, name, kind, scope: Scope::Session, value, weight, evidence });
    }

    /// How far a panel is from the gold cases, in [0, 1]: the mean over cases and their levels of |mean of the panel − the known value|. `ballots` has the
    /// panel's for each gold case; `None` without any.
    #[must_use]
    pub fn drift(&self, ballots: &[Vec<Ballot>]) -> Option<f64> {
        let mut far = Ratio::default();
        for (gold, panel) in self.gold.iter().zip(ballots) {
            for (at, criterion) in self.of(gold.seat).enumerate() {
                let Some(level) = gold.levels.get(&criterion.name) else { continue };
                let values = panel.iter().filter_map(|ballot| ballot.opinions.get(at));
                let values: Vec<f64> = values.map(|opinion| criterion.value(opinion.level)).collect();
                if !values.is_empty() {
                    let mean = values.iter().sum::<f64>() / values.len() as f64;
                    far += Ratio::new((mean - criterion.value(*level)).abs(), 1.0);
                }
            }
        }
        far.rate()
    }

    /// Whether this drift is an alarm.
    #[must_use]
    pub fn is_alarming(&self, drift: f64) -> bool {
        drift > self.drift_max
    }
}

const EXAMPLE: &str = "{\"level\": 1, \"quote\": \"…\"}";

/// What one criterion is answered with; models write numbers in quotes, too.
#[derive(Deserialize)]
struct Said {
    level: serde_json::Value,
    quote: String,
}

impl Question {
    /// Reads a judge's reply.
    ///
    /// # Errors
    /// What is missing, out of range, or quoted without standing in the case.
    pub fn read(&self, reply: &str) -> Result<Ballot, String> {
        let mut said: BTreeMap<String, serde_json::Value> = reply::read(reply)?;
        let opinions = self.asked.iter().map(|(name, levels)| {
            let value = said.remove(name).ok_or_else(|| format!("it says nothing of `{name}`"))?;
            let said: Said = serde_json::from_value(value).map_err(|error| format!("`{name}`: {error}"))?;
            let level = whole(&said.level).filter(|level| (1..=*levels).contains(level));
            let level = level.ok_or_else(|| format!("`{name}`: level {} is none of 1 to {levels}", said.level))?;
            match self.holds(&said.quote) {
                true => Ok(Opinion { level, quote: said.quote }),
                false => Err(format!("`{name}`: `{}` does not stand in the case", reply::excerpt(&said.quote))),
            }
        });
        Ok(Ballot { opinions: opinions.collect::<Result<_, String>>()? })
    }

    /// Whether a quote stands in the case, word for word; what is left out may be dots.
    fn holds(&self, quote: &str) -> bool {
        let mut parts = quote.split("...").flat_map(|part| part.split('…')).map(normal).filter(|part| !part.is_empty());
        let mut is_empty = true;
        let all = parts.all(|part| {
            is_empty = false;
            self.shown.contains(&format!(" {part} "))
        });
        all && !is_empty
    }
}

/// A level as models write it: `3`, `3.0` or `"3"`.
fn whole(value: &serde_json::Value) -> Option<u32> {
    let number = match value {
        serde_json::Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    (number.fract() == 0.0 && (0.0..=1000.0).contains(&number)).then_some(number as u32)
}

fn bare(name: &str) -> &str {
    name.strip_prefix(JUDGE).unwrap_or(name)
}

fn disagreement(seat: Seat) -> String {
    format!("{seat}/{JUDGE}{DISAGREEMENT}")
}

fn padded(text: &str) -> String {
    format!(" {} ", normal(text))
}

/// What somebody said stays behind its head: none of its lines can pass for another head of the case.
fn line(text: &mut String, head: &str, body: &str) {
    let _ = writeln!(text, "{head}: {}", body.replace('\n', "\n    "));
}

#[cfg(test)]
mod tests;
