//! The desk between the actors and the guest: shows what is new, takes what is done, and keeps the steps.

use actors::Played;
use anyhow::anyhow;
use sim::EpisodeRecord;
use sim::Reward;
use sim::Seat;
use tokio::sync::mpsc;

use crate::acts;
use crate::failure::Failure;
use crate::play::guest::Asked;
use crate::play::guest::Event;
use crate::play::hand::Hand;
use crate::play::hand::Left;
use crate::play::hand::Place;
use crate::play::page::Page;
use crate::play::step;
use crate::play::step::Step;
use crate::stdout::say;
use crate::transcript::transcript;

/// One guest at one talk.
pub struct Desk {
    /// Who moves.
    pub hand: Hand,
    /// Where the guest sits.
    pub place: Place,
    /// Whether steps are printed as JSON.
    pub json: bool,
    /// The item's id.
    pub item: String,
    turn: u32,
    open: Option<Step>,
    left: Option<Left>,
}

impl Desk {
    /// Nothing has happened.
    #[must_use]
    pub fn new(hand: Hand, place: Place, json: bool, item: String) -> Desk {
        Desk { hand, place, json, item, turn: 0, open: None, left: None }
    }

    /// Serves the guest for as long as there are events.
    ///
    /// # Errors
    /// If stdin is no text, or nobody reads stdout any more.
    pub async fn serve(&mut self, events: &mut mpsc::Receiver<Event>) -> Result<(), Failure> {
        while let Some(event) = events.recv().await {
            match event {
                Event::Asked(asked) => self.asked(asked).await?,
                Event::Effected(by, effect) => self.effected(by, effect)?,
            }
        }
        Ok(())
    }

    async fn asked(&mut self, asked: Asked) -> Result<(), Failure> {
        let Asked { question, messages, reply } = asked;
        if let Some(mut step) = self.open.take() {
            step.heard.clone_from(&messages);
            self.print(&step, None)?;
        }
        let Place { seat, page, .. } = self.place;
        messages.iter().try_for_each(|message| page.message(seat, message))?;
        match self.hand.next(question, &self.place).await? {
            Ok(deed) => {
                if matches!(self.hand, Hand::Script(_)) {
                    page.row("you", &acts::shown(&deed))?;
                }
                let (acts::Deed::Act(decision) | acts::Deed::Answer(decision)) = deed.clone();
                self.open = Some(Step::new(self.turn, messages, deed));
                self.turn += 1;
                // An episode that is gone takes no decision; the play's result says why.
                let _ = reply.send(decision);
            }
            // The reply is dropped: the episode ends here.
            Err(left) => self.left = Some(left),
        }
        Ok(())
    }

    fn effected(&mut self, by: Seat, effect: sim::Effect) -> Result<(), Failure> {
        let Place { seat, page, .. } = self.place;
        if let Some(why) = effect.malformed.as_ref().filter(|_| by == seat) {
            let help = if matches!(self.hand, Hand::Keyboard(_)) { " (:help shows what does)" } else { "" };
            page.row("", &format!("does not count: {why}{help}"))?;
        }
        if let Some(step) = &mut self.open {
            step.effected(seat, by, effect);
        }
        Ok(())
    }

    fn print(&self, step: &Step, end: Option<&EpisodeRecord>) -> Result<(), Failure> {
        if self.json {
            say(step.to_json(self.place.seat, end))?;
        }
        Ok(())
    }

    /// Says how it ended.
    ///
    /// # Errors
    /// [`Failure::Work`] if the script left the talk before its end, or the talk broke off.
    pub fn close(self, played: Played) -> Result<(), Failure> {
        if let Some(left) = &self.left {
            return self.gone(left);
        }
        let record = match played {
            Played::Record(record) => record,
            Played::Lost(id, why) => return Err(anyhow!("{id} was lost: {why}").into()),
        };
        if let Some(step) = &self.open {
            self.print(step, Some(&record))?;
        }
        let Place { seat, page, .. } = self.place;
        if let Some(words) = step::last_words(&record, seat) {
            page.row(seat.partner().name(), &words)?;
        }
        page.row("end", &step::ending(&record))?;
        page.text(&format!("\nThe whole talk, with both private sides:\n\n{}", transcript(&record)))?;
        page.text(&scores(&record))?;
        let acts_left = self.hand.acts_left();
        if acts_left > 0 {
            eprintln!("the talk ended before the script: {acts_left} of its acts were not played");
        }
        if self.json {
            say(step::done(&record, seat, acts_left))?;
        }
        match &record.fault {
            Some(fault) => Err(Failure::work(anyhow!("the talk broke off: {fault}"), "nobody is scored after a fault")),
            None => Ok(()),
        }
    }

    /// The guest has left.
    fn gone(&self, left: &Left) -> Result<(), Failure> {
        let (seat, turn) = (self.place.seat, self.turn);
        if self.json {
            say(step::left(&self.item, seat, turn))?;
        }
        let failure = |what: String, hint: &str| Err(Failure::work(anyhow!(what), hint));
        match left {
            Left::Quit => {
                Ok(self.place.page.row("end", &format!("you have left before turn {turn}; nobody is scored"))?)
            }
            Left::ScriptEnded(file) => failure(
                format!("{file}: the script ends before the talk: turn {turn} has no act"),
                "add a line for it; what was played up to there is printed above, and nobody is scored",
            ),
            Left::Misplaced { at, what } => failure(
                format!("{at}: {what}"),
                r#"{"answer":"…"} replies to a question of the world, {"say":…} and {"choice":…} act"#,
            ),
        }
    }
}

/// Both seats' scores, with every term and its evidence.
fn scores(record: &EpisodeRecord) -> String {
    let mut lines = Vec::new();
    for (seat, score) in record.scores.iter() {
        let reward = record.verdict.as_ref().map(|verdict| format!(", reward {:+.3}", verdict.reward(seat)));
        let score = score.map_or("not scored".to_owned(), |score| format!("score {score:+.3}"));
        lines.push(format!("{seat}: {score}{}", reward.unwrap_or_default()));
        let rewards = record.verdict.iter().flat_map(|verdict| &verdict.rewards);
        lines.extend(rewards.filter(|reward| reward.seat == seat).map(term));
    }
    lines.join("\n")
}

fn term(reward: &Reward) -> String {
    let Reward { name, kind, value, weight, evidence, .. } = reward;
    let kind = kind.name();
    format!("  {name:24} {kind:8} {value:+.3} x {weight:<6} {evidence}").trim_end().to_owned()
}

/// Where a person reads: see [`Page`].
#[must_use]
pub fn page(json: bool, is_script: bool) -> Page {
    match (json, is_script) {
        (false, _) => Page::Stdout,
        (true, false) => Page::Stderr,
        (true, true) => Page::Nowhere,
    }
}
