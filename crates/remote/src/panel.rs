//! The judges of one rubric: each is asked on its own, and reads nothing but the question.

use sim::Ballot;
use sim::Case;
use sim::Fault;
use sim::FaultKind;
use sim::Party;
use sim::Question;
use sim::Rubric;
use sim::Seat;
use sim::Verdict;

use crate::Voice;
use crate::chat;
use crate::voice::Put;

/// Models that judge, in the order of the rubric's panel.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Who is asked.
    pub voices: Vec<Voice>,
}

impl Panel {
    /// The verdict by rule, and what the panel says of each seat that the rubric asks about. A seat whose gates are shut is not asked about.
    ///
    /// # Errors
    /// A [`Fault`] if one of the panel cannot be asked, is late, or does not say what was asked for: then there is no verdict at all.
    pub async fn judge(&self, rubric: &Rubric, case: &Case, place: &str) -> Result<Verdict, Fault> {
        let mut verdict = case.by_rule();
        for seat in Seat::ALL {
            let Some(question) = rubric.question(case, seat) else { continue };
            if verdict.gate(seat) == 0.0 {
                rubric.note_unasked(&mut verdict, seat);
                continue;
            }
            let ballots = self.ask(&question, &format!("{place}/judge/{seat}"), false).await?;
            rubric.note(&mut verdict, seat, &ballots);
        }
        Ok(verdict)
    }

    /// How far the panel is from the rubric's gold cases, which it is asked about as if for the first time: in [0, 1], and `None` if there are none.
    ///
    /// # Errors
    /// As [`Panel::judge`].
    pub async fn drift(&self, rubric: &Rubric, place: &str) -> Result<Option<f64>, Fault> {
        let mut ballots = Vec::new();
        for (number, gold) in rubric.gold.iter().enumerate() {
            ballots.push(match rubric.asks(gold.seat, &gold.case) {
                Some(question) => self.ask(&question, &format!("{place}/gold/{number}"), true).await?,
                None => Vec::new(),
            });
        }
        Ok(rubric.drift(&ballots))
    }

    async fn ask(&self, question: &Question, place: &str, anew: bool) -> Result<Vec<Ballot>, Fault> {
        let mut ballots = Vec::new();
        for (number, voice) in self.voices.iter().enumerate() {
            let mut messages = Vec::new();
            chat::show(&mut messages, &question.messages);
            let place = format!("{place}/{number}");
            // Drawn nowhere: the same case is the same question, whoever played it.
            let put = Put { party: Party::Judge, place, messages, drawn: None, anew };
            let reply = voice.say(put, |text| question.read(text).is_ok()).await?;
            let ballot = question.read(&reply.text);
            ballots.push(ballot.map_err(|why| Fault::new(Party::Judge, FaultKind::BadReply, why))?);
        }
        Ok(ballots)
    }
}
