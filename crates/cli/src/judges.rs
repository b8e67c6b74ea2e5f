//! Who judges by the rubrics of a command's scenarios: in every talk their panel, or in a training run the panel where talks train, and somebody of
//! another family where they are measured.

use std::sync::Arc;

use actors::Judge;
use actors::seats::Pending;
use actors::seats::guests::JudgeMaker;
use actors::seats::judge::RuleJudge;
use remote::Panel;
use rl::Metrics;
use sim::Case;
use sim::Fault;
use sim::Phase;
use sim::Rubric;
use sim::Verdict;
use sim::record::Casting;

/// A panel before its rubric.
#[derive(Clone)]
pub struct Court {
    /// What it is asked.
    pub rubric: Arc<Rubric>,
    /// Who is asked.
    pub panel: Panel,
}

/// The courts of one scenario.
#[derive(Clone)]
pub struct Courts {
    /// The scenario's name.
    pub scenario: String,
    /// Where talks are played for their own sake, or train; `None`: the gym alone.
    pub playing: Option<Court>,
    /// Where talks measure; `None`: the gym alone.
    pub measuring: Option<Court>,
}

impl Courts {
    fn of(&self, phase: Phase) -> Option<&Court> {
        match phase {
            // Scripts teach by what they do: nobody is asked for a mark.
            Phase::Sft => None,
            Phase::Eval => self.measuring.as_ref(),
            Phase::Grpo | Phase::Rollout => self.playing.as_ref(),
        }
    }

    /// Puts the gold cases to each court, and says how far it is from them: `judge/drift` of those who judge training, `judge/eval_drift` of those who
    /// judge evaluations, and whether that is an alarm. What could not be asked is `None`.
    pub async fn drift(&self, place: &str) -> Metrics {
        let mut metrics = Metrics::default();
        let place = format!("{}/{place}", self.scenario);
        for (name, court) in [("judge/drift", &self.playing), ("judge/eval_drift", &self.measuring)] {
            let Some(Court { rubric, panel }) = court else { continue };
            if rubric.gold.is_empty() {
                continue;
            }
            let drift = panel.drift(rubric, &format!("{place}/{name}")).await.unwrap_or_else(|fault| {
                eprintln!("warning: {}: the gold cases were not judged: {fault}", self.scenario);
                None
            });
            let alarm = drift.map(|drift| rubric.is_alarming(drift));
            if alarm == Some(true) {
                let (far, most) = (drift.unwrap_or_default(), rubric.drift_max);
                eprintln!("warning: {}: {name} is {far:.3}, above {most}: the judges have drifted", self.scenario);
            }
            metrics.set(name, drift);
            metrics.set(format!("{name}_alarm"), alarm.map(|alarm| f64::from(u8::from(alarm))));
        }
        metrics
    }
}

/// Judges for scenarios in the order in which castings number them.
#[must_use]
pub fn maker(courts: Vec<Courts>) -> JudgeMaker {
    Arc::new(move |casting: &Casting| -> Box<dyn Judge> {
        let courts = &courts[casting.scenario as usize];
        match courts.of(casting.id.phase) {
            Some(court) => {
                let place = format!("{}/{}", courts.scenario, casting.id);
                Box::new(InSession { court: court.clone(), place })
            }
            None => Box::new(RuleJudge),
        }
    })
}

/// A court that hears one talk.
struct InSession {
    court: Court,
    place: String,
}

impl Judge for InSession {
    fn judge(&mut self, case: Case) -> Pending<'_, Result<Verdict, Fault>> {
        Box::pin(async move { self.court.panel.judge(&self.court.rubric, &case, &self.place).await })
    }
}
