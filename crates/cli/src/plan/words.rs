//! What is learned, in words: each seat's score and reward, who earned it, the losses, the learning rates. Formulas as in `rl::credit` and
//! `rl::loss`, with this run's numbers in them.

use rl::schedule;
use rl::settings::Aggregation;
use rl::settings::Baseline;
use rl::settings::Beyond;
use rl::settings::Clip;
use rl::settings::ForkSettings;
use rl::settings::GrpoSettings;
use rl::settings::Kl;
use rl::settings::Level;
use rl::settings::Normalizer;
use rl::settings::OptimizerSettings;
use rl::settings::Overlong;
use rl::settings::Ratio;
use rl::settings::ReplaySettings;
use rl::settings::RewardsOf;
use rl::settings::SftSettings;
use rl::settings::StdOver;
use rl::settings::Thoughts;
use rl::settings::TrajectoryScore;
use rl::settings::TurnCredit;
use serde::Serialize;
use sim::Pair;
use sim::RewardKind;
use sim::Scenario;
use sim::Seat;
use sim::Thinking;
use sim::rubric::Criterion;
use sim::scenario::Clause;
use sim::scenario::Compare;
use sim::scenario::Condition;
use sim::scenario::RewardRule;

use crate::setup::Setup;

/// What is learned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Objectives {
    /// What each scenario rewards.
    pub scenarios: Vec<ScenarioObjective>,
    /// What the cold start lowers.
    pub cold_start: Vec<String>,
    /// How a reward becomes the advantage of a token.
    pub credit: Vec<String>,
    /// What an update of GRPO lowers.
    pub loss: Vec<String>,
    /// How weights follow a gradient.
    pub optimizer: Vec<String>,
}

/// What a scenario rewards.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScenarioObjective {
    /// Its name.
    pub scenario: String,
    /// Of each seat.
    pub seats: Pair<SeatObjective>,
}

/// One seat's reward.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeatObjective {
    /// What is measured and reported.
    pub score: String,
    /// What trains.
    pub reward: String,
    /// What its terms are.
    pub terms: Vec<Term>,
    /// When an episode counts as a success; `None` if the scenario does not say.
    pub success: Option<String>,
}

/// One term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    /// Its name.
    pub name: String,
    /// `outcome`, `training`, `shared`, `gate` or `judged`.
    pub kind: RewardKind,
    /// Its weight.
    pub weight: f64,
    /// Lowest and highest value, before the weight.
    pub range: (f64, f64),
    /// What it is.
    pub meaning: String,
}

impl Objectives {
    /// Those of a run.
    #[must_use]
    pub fn of(setup: &Setup) -> Objectives {
        let (sft, grpo) = (&setup.settings.sft, &setup.settings.grpo);
        let strips = setup.settings.base.as_ref().is_some_and(|base| base.thinking == Thinking::Strip);
        let turns = "each turn is a sample of its own, read without the thoughts that the template drops: q and corrections over a trajectory are over the turn";
        Objectives {
            scenarios: setup.mix.scenarios().map(|scenario| scenario_objective(scenario)).collect(),
            cold_start: cold_start(sft),
            credit: credit(grpo),
            loss: loss(grpo).into_iter().chain(strips.then(|| turns.to_owned())).collect(),
            optimizer: optimizer(&grpo.optimizer),
        }
    }
}

fn scenario_objective(scenario: &Scenario) -> ScenarioObjective {
    let seats = Pair::from_fn(|seat| seat_objective(scenario, seat));
    ScenarioObjective { scenario: scenario.name.clone(), seats }
}

fn seat_objective(scenario: &Scenario, seat: Seat) -> SeatObjective {
    let of_seat: Vec<&RewardRule> = scenario.rewards.iter().filter(|rule| rule.seat == seat).collect();
    let sum = |keep: &dyn Fn(&RewardRule) -> bool| {
        let terms = of_seat.iter().filter(|rule| keep(rule)).map(|rule| format!("{} x {}", rule.weight, rule.name));
        terms.collect::<Vec<_>>().join(" + ")
    };
    let score = sum(&|rule| rule.kind.is_score());
    let training = sum(&|rule| rule.kind == RewardKind::Training);
    let judged = judged(scenario, seat);
    let gates: Vec<String> =
        of_seat.iter().filter(|rule| rule.kind == RewardKind::Gate).map(|rule| gate(rule)).collect();
    let (low, high) = scenario.outcome_range(seat);
    let known = scenario.rules.terms().into_iter().filter(|term| term.seat == seat);
    let terms = known.filter_map(|term| {
        let RewardRule { kind, weight, .. } = **of_seat.iter().find(|rule| rule.name == term.name)?;
        let name = term.name.to_owned();
        Some(Term { name, kind, weight, range: (term.min, term.max), meaning: term.meaning.to_owned() })
    });
    let weighed = judged.iter().map(|term| format!("{} x {}", term.weight, term.name)).collect::<Vec<_>>().join(" + ");
    let parts = ["score", &training, &weighed].into_iter().filter(|part| !part.is_empty());
    let sum = parts.collect::<Vec<_>>().join(" + ");
    SeatObjective {
        score: format!("{score}, from {low} to {high}"),
        reward: gated(&gates, sum),
        terms: terms.chain(judged).collect(),
        success: scenario.success[seat].as_ref().map(condition),
    }
}

/// What judges give a seat, and by whom it is given.
fn judged(scenario: &Scenario, seat: Seat) -> Vec<Term> {
    let Some(rubric) = &scenario.judge.rubric else { return Vec::new() };
    let panel: Vec<&str> = rubric.panel.iter().map(|juror| juror.policy.as_str()).collect();
    let term = |criterion: &Criterion| {
        let meaning =
            format!("{} (the mean of {}; not asked behind a gate of 0)", criterion.question, panel.join(", "));
        let (name, kind) = (criterion.name.clone(), RewardKind::Judged);
        Some(Term { name, kind, weight: criterion.weight?, range: (0.0, 1.0), meaning })
    };
    rubric.of(seat).filter_map(term).collect()
}

/// What a gate multiplies with.
fn gate(rule: &RewardRule) -> String {
    match rule.weight {
        1.0 => rule.name.clone(),
        weight => format!("({} + {weight} x {})", trim(1.0 - weight), rule.name),
    }
}

/// A sum behind its gates.
fn gated(gates: &[String], sum: String) -> String {
    if gates.is_empty() {
        sum
    } else {
        format!("{} x ({sum}) where that sum is above 0, else the sum", gates.join(" x "))
    }
}

fn condition(condition: &Condition) -> String {
    let clause = |clause: &Clause| {
        let operator = match clause.compare {
            Compare::Less => "<",
            Compare::LessOrEqual => "<=",
            Compare::Greater => ">",
            Compare::GreaterOrEqual => ">=",
            Compare::Equal => "==",
        };
        format!("{} {operator} {}", clause.name, clause.value)
    };
    condition.all.iter().map(clause).collect::<Vec<_>>().join(" and ")
}

fn cold_start(sft: &SftSettings) -> Vec<String> {
    let SftSettings {
        records,
        top,
        teacher,
        thoughts,
        partner_weight,
        drill_share,
        updates,
        lr,
        warmup,
        probe_min,
        ..
    } = sft;
    if *updates == 0 {
        return vec!["none: GRPO begins with the models as they are".to_owned()];
    }
    let thoughts = match thoughts {
        Thoughts::Own => "",
        Thoughts::Free => ", its thoughts told freely",
        Thoughts::None => ", without its thoughts",
    };
    let talks = match records.len() {
        0 => format!("the talks of `{teacher}` with itself{thoughts}"),
        count => format!("the talks in {count} folder(s) of records"),
    };
    let best = top.map_or(String::new(), |top| format!(", the {top} of each scenario in which the seat scored most"));
    let last = schedule::sft_lr(sft, *updates);
    vec![
        format!("loss = sum w (-log p) / sum w over {talks}{best}, and drills ({drill_share} of the samples)"),
        format!("w = 1 on the seat's own words and thoughts, {partner_weight} on its partner's, 0 on everything else"),
        rate("update", *warmup, *updates, *lr, last),
        format!("then {probe_min} of the held-out drills must be answered right, or training stops"),
    ]
}

fn credit(grpo: &GrpoSettings) -> Vec<String> {
    let GrpoSettings { trajectory_score, turn_credit, gamma, em_k, group_valid_min, .. } = grpo;
    let GrpoSettings { malformed_penalty, user_burden, .. } = grpo;
    let dead = match grpo.refills() {
        0 => "it is skipped".to_owned(),
        times => format!("it is skipped, and for equal S a new one is played, up to {times} times a step"),
    };
    let score = match trajectory_score {
        TrajectoryScore::Sum => "S = sum of the turns' rewards".to_owned(),
        TrajectoryScore::Mean => "S = mean of the turns' rewards, rounded to 4 digits".to_owned(),
        TrajectoryScore::R2g => format!("S = sum of {gamma}^(t-1) r_t over the turns t = 1, 2, …"),
    };
    let share = match turn_credit {
        TurnCredit::Equalized => "c_t = 1: every turn alike".to_owned(),
        TurnCredit::Naive => "c_t = r_t: the turn's own reward".to_owned(),
        TurnCredit::R2g => format!("c_t = sum of {gamma}^(j-t) r_j over the turns j from t on: its reward to go"),
        TurnCredit::Em => format!("c_t = 1/2 + 1/2 (1 - e^(-{em_k} r_t)) / (1 - e^(-{em_k}))"),
    };
    let less = |amount: f64, when: &str| (amount > 0.0).then(|| format!("less {amount} for a turn {when}"));
    let less =
        [less(*malformed_penalty, "without a legal act"), less(*user_burden, "of the agent that the user answers")];
    let off: String = less.into_iter().flatten().map(|less| format!("; {less}")).collect();
    let mut words = vec![
        format!("r_t: rewards of a turn fall on it, those of the whole talk on the seat's last turn{off}"),
        score,
        place(grpo),
        share,
        "A = c_t z N / sum c: of each own token of turn t; N = how many tokens have credit, sum c over them".to_owned(),
        match (grpo.aggregation, grpo.baseline) {
            (Aggregation::SumThenNormalize, Baseline::Batch | Baseline::Moving) => {
                format!("a group counts if {group_valid_min} episodes or more are scored; else it is skipped")
            }
            (Aggregation::SumThenNormalize, Baseline::Group | Baseline::LeaveOneOut) => {
                let differ = match grpo.shared_weight {
                    None => "their S differ",
                    Some(_) => "what is their own or what they share differs",
                };
                format!("a group counts if {group_valid_min} episodes or more are scored and {differ}; else {dead}")
            }
            (Aggregation::NormalizeThenSum, _) => {
                format!(
                    "a group counts if {group_valid_min} episodes or more are scored and a term tells them apart; else {dead}"
                )
            }
        },
    ];
    words.extend(overlong(grpo.overlong));
    words.extend(grpo.forks.map(|forks| forked(forks, grpo)));
    words.extend(grpo.spoiled_penalty.map(|penalty| {
        format!(
            "a talk that the user spoiled (failed, hung up early or for no reason, spoke as the other side, said nothing legal most of the time) leaves the agent's group; in the user's its S is at most the least of the others{}",
            if penalty > 0.0 { format!(", less {penalty}") } else { String::new() }
        )
    }));
    if grpo.cotraining.difficulty_weight > 0.0 {
        words.push(format!(
            "the user's S has {} x 4 p (1 - p) more, p the share of its group's episodes in which the agent succeeds, where some script solves the item",
            grpo.cotraining.difficulty_weight
        ));
    }
    words
}

/// What is learned from turns of talks that were played on in several ways.
fn forked(forks: ForkSettings, grpo: &GrpoSettings) -> String {
    let ForkSettings { talks, alternatives, futures, future_turns, talks_train } = forks;
    let worth = match (futures, future_turns) {
        (0, _) => "V = what the turn earns by itself".to_owned(),
        (times, None) => format!("V = mean S of {times} ways to the end"),
        (times, Some(most)) => format!("V = mean S of {times} ways of {most} turns at most"),
    };
    let scale = if grpo.normalize_std { format!(" / (std + {})", grpo.std_eps) } else { String::new() };
    let alone = if talks_train { "" } else { "; the talks themselves train nobody" };
    format!(
        "{talks} talks a step are forked at one of the seat's turns: {alternatives} alternatives, {worth}; A = (V - mean){scale} of the turn's own tokens{alone}"
    )
}

/// Where a trajectory stands among others.
fn place(grpo: &GrpoSettings) -> String {
    let GrpoSettings { std_eps, normalize_std, std_over, baseline, .. } = grpo;
    if grpo.aggregation == Aggregation::NormalizeThenSum {
        return format!(
            "S by each term alone; z = sum of weight (S - mean) / (std + {std_eps}) over the terms, within the group, and then (z - mean) / (std + {std_eps}) over the step"
        );
    }
    let whose = match std_over {
        StdOver::Group => "",
        StdOver::Scenario => " of all groups of its scenario",
        StdOver::Batch => " of the step",
    };
    let scale = if *normalize_std { format!(" / (std{whose} + {std_eps})") } else { String::new() };
    let mean = match baseline {
        Baseline::Group => "that of its group",
        Baseline::LeaveOneOut => "that of the others of its group",
        Baseline::Batch => "that of the step",
        Baseline::Moving => "b of the seat and scenario, b <- 0.95 b + 0.05 S after each trajectory, from 0",
    };
    match (grpo.rewards_of, grpo.shared_weight) {
        (RewardsOf::Both, _) => format!("z = (S - mean){scale}, over all that either seat earns; the mean is {mean}"),
        (RewardsOf::Seat, None) => {
            format!("z = (S - mean){scale}, over the seat's own rewards alone; the mean is {mean}")
        }
        (RewardsOf::Seat, Some(weight)) => format!(
            "z = z of what is the seat's own + {weight} z of what both share, each (S - mean){scale}; the mean is {mean}"
        ),
    }
}

fn overlong(overlong: Overlong) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(penalty) = overlong.penalty {
        let from = penalty.tokens_max - penalty.cache;
        words.push(format!(
            "a turn of more than {from} tokens loses up to {}, all of it from {} on",
            penalty.amount, penalty.tokens_max
        ));
    }
    if overlong.filter {
        words.push("tokens of a turn that was cut train nobody".to_owned());
    }
    words
}

fn loss(grpo: &GrpoSettings) -> Vec<String> {
    let GrpoSettings { minibatches, temperature, lr, warmup, steps, loss, .. } = grpo;
    let then =
        if loss.importance.is_some() { "before the update, as the learner computes it" } else { "when it was sampled" };
    let ratio = match loss.ratio {
        Ratio::Token => format!("q = p now / p {then}"),
        Ratio::Sequence => format!("q = geometric mean of p now / p {then}, over the trajectory's own tokens"),
        Ratio::Product => format!("q = product of p now / p {then}, over the trajectory's own tokens"),
    };
    let mut words = vec![objective(grpo), format!("{ratio}; tokens of partner, world and template train nobody")];
    words.extend(
        grpo.dual_clip
            .filter(|_| loss.clip == Clip::Objective)
            .map(|dual| format!("where A < 0, L is at most {dual} |A|")),
    );
    words.extend(correction(grpo));
    words.extend(divergence(grpo));
    if loss.entropy_weight > 0.0 {
        words.push(format!("less {} times the mean entropy of own tokens", loss.entropy_weight));
    }
    words.extend(grpo.replay.map(|ReplaySettings { share, weight }| {
        let percent = 100.0 * share;
        format!("plus {weight} times the mean of -log p over samples of the cold start, {percent:.0} % of an update's loss tokens")
    }));
    words.push(format!("{minibatches} optimiser step(s) an update; sampled and learned at temperature {temperature}"));
    words.push(rate("step", *warmup, *steps, *lr, schedule::grpo_lr(grpo, (*steps).max(1))));
    words
}

fn objective(grpo: &GrpoSettings) -> String {
    let (low, high) = (trim(1.0 - grpo.clip_low), trim(1.0 + grpo.clip_high));
    let mean = match grpo.loss.normalizer {
        Normalizer::Tokens => "mean over own tokens of L".to_owned(),
        Normalizer::Sequences => "mean over trajectories of the mean over own tokens of L".to_owned(),
        Normalizer::Fixed { tokens } => format!("mean over trajectories of the sum over own tokens of L / {tokens}"),
    };
    match grpo.loss.clip {
        Clip::Objective => format!("loss = {mean} = max(-A q, -A clamp(q, {low}, {high}))"),
        Clip::Weight => {
            format!("loss = {mean} = -A clamp(q, {low}, {high}) log p now, where the clamp has no gradient")
        }
    }
}

/// Between sampler and learner.
fn correction(grpo: &GrpoSettings) -> Option<String> {
    let importance = grpo.loss.importance?;
    let of = match importance.level {
        Level::Token => "p before the update / p when it was sampled",
        Level::Sequence => "the product of p before the update / p when it was sampled, over the trajectory",
    };
    let beyond = match importance.beyond {
        Beyond::Truncate => "cut to",
        Beyond::Mask => "0 outside of",
    };
    Some(format!("L is multiplied by {of}, {beyond} [{}, {}]", importance.min, importance.max))
}

/// From the cold-start model.
fn divergence(grpo: &GrpoSettings) -> Option<String> {
    let weight = grpo.kl_weight;
    let words = match grpo.loss.kl {
        Kl::K1 => format!("A - {weight} (log p then - log p of the cold-start model) in place of A"),
        Kl::K2 => format!("L + {weight} d^2 / 2, d = log p of the cold-start model - log p now"),
        Kl::K3 => format!("L + {weight} (e^d - d - 1), d = log p of the cold-start model - log p now"),
    };
    (weight > 0.0).then_some(words)
}

fn rate(unit: &str, warmup: u64, last: u64, highest: f64, lowest: f64) -> String {
    format!(
        "learning rate: up to {highest} in {warmup} {unit}s, then a half cosine down to {} at {unit} {last}",
        trim(lowest)
    )
}

fn optimizer(optimizer: &OptimizerSettings) -> Vec<String> {
    let OptimizerSettings { beta1, beta2, eps, weight_decay, grad_norm_max, micro_tokens_max } = optimizer;
    vec![
        format!(
            "AdamW with betas {beta1} and {beta2}, eps {eps:e}, decay {weight_decay} of matrices; moments begin anew after the cold start"
        ),
        format!("gradients are scaled down to norm {grad_norm_max}, and computed {micro_tokens_max} tokens at a time"),
    ]
}

/// Ten digits: 0.8, and not what is left of 1 less 0.2.
fn trim(value: f64) -> String {
    let rounded: f64 = format!("{value:.9e}").parse().expect("a number that was printed can be read");
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_they_were_meant() {
        assert_eq!([1.0 - 0.2, 1.0 + 0.28, 6e-4 * 0.1, 0.0].map(trim), ["0.8", "1.28", "0.00006", "0"]);
    }
}
