//! The columns of UserLM-R1's tables (specification user-models, §1.9), and who fills them: a rule, or a judge alone. The two are never mixed; what a
//! column by rule stands for is in `docs/METRICS.md`.

use rl::compare;
use rl::compare::Arm;
use rl::interval::Estimate;
use serde::Serialize;
use sim::EpisodeRecord;
use sim::Ratio;
use sim::Rubric;
use sim::Seat;
use sim::Verdict;
use sim::rubric::Criterion;
use sim::rubric::JUDGE;
use sim::rubric::Juror;

use crate::SetKind;

/// One column and what is in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// The paper's name, or ours where it has none.
    pub column: &'static str,
    /// The measure that it is a mean of.
    pub measure: String,
    /// `None`: nothing was counted, or nobody was asked.
    pub value: Option<Estimate>,
}

/// Columns by rule: the paper's name and the measure.
const SESSIONS: [(&str, &str); 9] = [
    ("Goal", "targets"),
    ("Goal, primary", "targets_primary"),
    ("stop early", "user/stop_early"),
    ("stop right", "user/stop_right"),
    ("stop late", "user/stop_late"),
    ("form", "user/form"),
    ("role kept", "user/role_kept"),
    ("private kept", "user/private_kept"),
    ("malformed", "user/malformed"),
];

const TURNS: [(&str, &str); 13] = [
    ("CoT", "user/reasoning"),
    ("Stra.", "user/strategy"),
    ("Stra., seen families", "user/strategy_seen"),
    ("Stra., unseen families", "user/strategy_unseen"),
    ("Con.", "user/thought_and_reply_agree"),
    ("Total", "user/turn_marks"),
    ("trap recall, seen families", "user/trap_recall_seen"),
    ("trap recall, unseen families", "user/trap_recall_unseen"),
    ("over-suspicion, seen families", "user/over_suspicion_seen"),
    ("over-suspicion, unseen families", "user/over_suspicion_unseen"),
    ("stop right", "user/stop_right"),
    ("stop early", "user/stop_early"),
    ("malformed", "user/malformed"),
];

/// A column that only a judge can fill: what it is called, the criterion, and whether the column counts what is bad.
struct Judged {
    column: &'static str,
    criterion: &'static str,
    is_low_good: bool,
    question: &'static str,
    levels: [&'static str; 4],
}

const JUDGED_SESSIONS: [Judged; 3] = [
    Judged {
        column: "Role",
        criterion: "role",
        is_low_good: false,
        question: "Is this the person of the profile, from the first word to the last?",
        levels: [
            "an assistant, the caller, or nobody in particular speaks",
            "a person speaks, but not this one: age, work or temper do not show or do not fit",
            "this person speaks most of the time, with a slip or two",
            "this person speaks throughout, in its own words and moods",
        ],
    },
    Judged {
        column: "Int.",
        criterion: "interaction",
        is_low_good: false,
        question: "Does the person take part in the talk as people do on the telephone: listening, answering, asking back?",
        levels: [
            "ignores what is said, or repeats itself",
            "answers, but past the point or like a form that is filled in",
            "follows the talk, with a turn that does not fit",
            "each turn takes up what was said and moves the talk on, or ends it when it is time",
        ],
    },
    Judged {
        column: "Goal",
        criterion: "goal",
        is_low_good: false,
        question: "Does the person pursue its own concerns, the primary ones first, with what it knows?",
        levels: [
            "forgets its concerns, or serves the caller's",
            "voices them and drops them at the first resistance",
            "pursues them, and misses a chance that it had",
            "gets of them what could be had in this talk",
        ],
    },
];

const JUDGED_TURNS: [Judged; 5] = [
    Judged {
        column: "Rob.",
        criterion: "human",
        is_low_good: true,
        question: "Does the reply sound like a person on the telephone, and not like a machine?",
        levels: [
            "a machine: polished, complete, formal, or a list",
            "mostly a machine, with a colloquial word or two",
            "mostly a person, with a phrase that nobody says",
            "a person",
        ],
    },
    Judged {
        column: "CoT",
        criterion: "reasoning",
        is_low_good: false,
        question: "Does the thought see what the caller is doing, weigh the person's own concerns, and come to a plan from them?",
        levels: [
            "there is none, or a template that would fit any turn",
            "names one of the three, without reasons",
            "has all three, one of them shallow or wrong",
            "has all three, each from what was said in this turn",
        ],
    },
    Judged {
        column: "Stra.",
        criterion: "strategy",
        is_low_good: false,
        question: "Is the reply a good move for this person: is what presses recognised and answered where it is false, and accepted where it is true?",
        levels: [
            "gives in to what is false, or calls a lie what is true",
            "evades, and leaves it standing",
            "answers it, without a reason or with a weak one",
            "answers it with what the person knows, and keeps its own aim in view",
        ],
    },
    Judged {
        column: "Pers.",
        criterion: "persona",
        is_low_good: false,
        question: "Are the words, the mood and the manner those of this profile?",
        levels: ["another person's", "nobody's in particular", "this person's, with a slip", "this person's"],
    },
    Judged {
        column: "Con.",
        criterion: "consistency",
        is_low_good: false,
        question: "Does the reply carry out what the thought plans, in the state that it declares?",
        levels: [
            "it does something else",
            "it does a part of it, or does it in another mood",
            "it does it, with something that was not planned",
            "it does just that",
        ],
    },
];

/// The column over all that a judge was asked.
const TOTAL: &str = "Total";

/// What people can rate a talk by: its name, the measure of the rule that marks the same, if there is one, and the measure of the judge's criterion.
#[must_use]
pub fn axes() -> Vec<(&'static str, Option<&'static str>, String)> {
    let by_rule = |criterion: &str| match criterion {
        "goal" => Some("targets"),
        "reasoning" => Some("user/reasoning"),
        "strategy" => Some("user/strategy"),
        "consistency" => Some("user/thought_and_reply_agree"),
        _ => None,
    };
    let all = JUDGED_SESSIONS.iter().chain(&JUDGED_TURNS);
    all.map(|judged| (judged.criterion, by_rule(judged.criterion), judged.measure())).collect()
}

fn by_rule(kind: SetKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        SetKind::Sessions => &SESSIONS,
        SetKind::Turns => &TURNS,
    }
}

fn by_judge(kind: SetKind) -> &'static [Judged] {
    match kind {
        SetKind::Sessions => &JUDGED_SESSIONS,
        SetKind::Turns => &JUDGED_TURNS,
    }
}

impl Judged {
    fn measure(&self) -> String {
        format!("{}/{JUDGE}{}", Seat::User, self.criterion)
    }
}

/// What a panel is asked for a set of this kind: one criterion for each column that rules cannot fill. Nothing of it trains anybody.
#[must_use]
pub fn rubric(kind: SetKind, panel: &[Juror]) -> Rubric {
    let criterion = |judged: &Judged| Criterion {
        seat: Seat::User,
        name: format!("{JUDGE}{}", judged.criterion),
        weight: None,
        question: judged.question.to_owned(),
        levels: judged.levels.map(str::to_owned).into(),
    };
    Rubric {
        panel: panel.to_vec(),
        reads_thought: true,
        reads_brief: true,
        criteria: by_judge(kind).iter().map(criterion).collect(),
        gold: Vec::new(),
        drift_max: 1.0,
    }
}

/// The columns of a set as its tasks come in.
#[derive(Clone, Debug)]
pub struct Sheet {
    kind: SetKind,
    by_rule: Vec<Arm>,
    by_judge: Vec<Arm>,
    total: Arm,
}

impl Sheet {
    /// Nothing yet.
    #[must_use]
    pub fn new(kind: SetKind) -> Sheet {
        let arms = |count| vec![Arm::default(); count];
        Sheet { kind, by_rule: arms(by_rule(kind).len()), by_judge: arms(by_judge(kind).len()), total: Arm::default() }
    }

    /// Takes in what was said of a task.
    pub fn add(&mut self, record: &EpisodeRecord, verdict: &Verdict) {
        let (task, seed) = (record.casting.id.group, record.seed);
        let of = |measure: &str| verdict.measures.get(measure).copied().unwrap_or_default();
        for (arm, (_, measure)) in self.by_rule.iter_mut().zip(by_rule(self.kind)) {
            arm.add(task, seed, of(measure));
        }
        let judged = by_judge(self.kind).iter().map(|judged| of(&judged.measure()));
        let judged: Vec<Ratio> = judged.collect();
        for ((arm, of), ratio) in self.by_judge.iter_mut().zip(by_judge(self.kind)).zip(&judged) {
            let counted = if of.is_low_good { Ratio::new(ratio.den - ratio.num, ratio.den) } else { *ratio };
            arm.add(task, seed, counted);
        }
        // Each criterion counts from bad to good, whatever its column counts. A talk of which one was not marked has no total.
        let rates: Option<Vec<f64>> = judged.iter().map(|ratio| ratio.rate()).collect();
        let mean = rates.map(|rates| rates.iter().sum::<f64>() / rates.len() as f64);
        self.total.add_score(task, seed, mean);
    }

    /// What rules say.
    #[must_use]
    pub fn by_rule(&self) -> Vec<Column> {
        let columns = self.by_rule.iter().zip(by_rule(self.kind));
        let column = |(arm, (column, measure)): (&Arm, &(&'static str, &str))| Column {
            column,
            measure: (*measure).to_owned(),
            value: compare::estimate(arm),
        };
        columns.map(column).collect()
    }

    /// What judges say: the column over all of them is their mean, robotic tone counted as what is left of 1.
    #[must_use]
    pub fn by_judge(&self) -> Vec<Column> {
        let columns = self.by_judge.iter().zip(by_judge(self.kind)).map(|(arm, judged)| Column {
            column: judged.column,
            measure: if judged.is_low_good { format!("1 - {}", judged.measure()) } else { judged.measure() },
            value: compare::estimate(arm),
        });
        let measure = format!("mean of {} criteria", by_judge(self.kind).len());
        let total = Column { column: TOTAL, measure, value: compare::estimate(&self.total) };
        columns.chain([total]).collect()
    }
}
