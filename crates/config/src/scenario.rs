//! A scenario file, from raw keys to [`sim::Scenario`].

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sim::Pair;
use sim::RewardKind;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Rules;
use sim::gyms::talk::OWN;
use sim::scenario::Condition;
use sim::scenario::RewardRule;
use sim::scenario::SeatRules;

use crate::allowed::Allowed;
use crate::check::Check;
use crate::demand::Says;
use crate::judge::JudgeFile;
use crate::judge::judge_rules;
use crate::node::Node;
use crate::policy;
use crate::suggest;
use crate::world;

/// Training terms of a seat may weigh this share of the span of its outcomes, all together: more would let form outweigh result.
const TRAINING_SHARE_MAX: f64 = 0.2;

/// How long a decision or a verdict may be waited for.
pub(crate) const DEADLINE_MS: Allowed =
    Allowed::between(1.0, 3.6e6, "it is a time in milliseconds, an hour at the most");

/// What is played: a world and its items, who sits where with which limits, who judges, and what counts as reward.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct ScenarioFile {
    /// Part of paths and records.
    name: Option<String>,
    /// Acts of the agent in one talk; the next one would truncate it.
    turns_max: Option<i64>,
    /// Turns of one seat without a legal act, in a row, that make this seat fail.
    malformed_max: Option<i64>,
    /// The world, its items and its constants.
    // Read on its own, since its keys depend on the gym.
    #[schemars(with = "Option<world::WorldFile>")]
    world: Option<IgnoredAny>,
    /// The agent's seat.
    agent: Option<SeatFile>,
    /// The user's seat.
    user: Option<SeatFile>,
    /// Who gives the verdict.
    judge: Option<JudgeFile>,
    /// What counts: the score of a seat is the sum of its outcome terms; training terms only train. Each seat needs an outcome term; the
    /// weights of its training terms may sum to 20 % of what its score spans.
    reward: Option<Vec<RewardFile>>,
    /// What pass@k and pass^k count. Conditions are comparisons joined by `and`: `NAME OP NUMBER` with <, <=, >, >= or ==; a bare `NAME`
    /// means `NAME > 0`. Names are agent.score, user.score and the gym's measures.
    success: Option<SuccessFile>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct SeatFile {
    /// Who plays unless a run file or a flag names another: rule, random, scripted:NAME, model:DIR, openai:MODEL or replay:FILE.
    policy: Option<String>,
    /// Tokens a model may sample for one turn, thought included; spent without an act, the seat fails.
    tokens_max: Option<i64>,
    /// Whether the seat writes a private thought before it speaks.
    reasons: Option<bool>,
    /// Whether the seat is told what its last turn earned, as UserRL's release does in training alone. In play and in measuring alike here.
    show_reward_to_policy: Option<bool>,
    /// Milliseconds that one decision may take; missed, it is a fault and nobody is scored. Left out: as long as it likes.
    deadline_ms: Option<i64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct RewardFile {
    /// Whose reward it is.
    seat: Option<String>,
    /// What is rewarded: a term of the gym for that seat, at most once a seat.
    name: Option<String>,
    /// What the gym says the term is: `outcome` makes the score, `training` only trains, `shared` is score that both seats earn together. A term of
    /// kind `training` may also be a `gate`: it multiplies what its seat earned, for training alone.
    kind: Option<String>,
    /// Factor of the term; of a gate how much it can take, at most 1.
    weight: Option<f64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct SuccessFile {
    /// When the agent had success, e.g. `deal and agent.score > 0`. Left out: no pass@k for it.
    agent: Option<String>,
    /// When the user had success, e.g. `user.score > 0`. Left out: no pass@k for it.
    user: Option<String>,
}

/// Checks the whole file. The scenario is good only if `check` has found nothing.
pub(crate) fn scenario(check: &mut Check<'_>, root: &Node) -> Scenario {
    let ScenarioFile { name, turns_max, malformed_max, world, agent, user, judge, reward, success } = check.read("");
    check.name("name", name.as_deref());
    let name = check.required("name", name, "name = \"haggle\"");
    let turns = Allowed::between(1.0, 1000.0, "without a turn nobody speaks, and every talk has a bound");
    let turns_max = check.whole_required("turns_max", turns_max, 6, turns);
    let in_a_row = Allowed::between(1.0, 1000.0, "it is how many turns in a row may hold no legal act");
    let malformed_max = check.whole("malformed_max", malformed_max, 3, in_a_row);
    check.section("world", world.is_some(), "`gym` and `items`");
    let (rules, items) = world::world(check, root);
    let agent = seat_rules(check, &rules, Seat::Agent, agent);
    let user = seat_rules(check, &rules, Seat::User, user);
    let judge = judge_rules(check, judge.unwrap_or_default());
    let rewards = reward_rules(check, &rules, reward.unwrap_or_default());
    let SuccessFile { agent: agent_success, user: user_success } = success.unwrap_or_default();
    let success = Pair {
        agent: condition(check, &rules, "success.agent", agent_success),
        user: condition(check, &rules, "success.user", user_success),
    };
    let seats = Pair { agent, user };
    let scenario = Scenario { name, turns_max, malformed_max, rules, items, seats, judge, rewards, success };
    training_shares(check, &scenario);
    scenario
}

fn seat_rules(check: &mut Check<'_>, rules: &Rules, seat: Seat, file: Option<SeatFile>) -> SeatRules {
    check.section(seat.name(), file.is_some(), "`policy` and `tokens_max`");
    let Some(SeatFile { policy, tokens_max, reasons, show_reward_to_policy, deadline_ms }) = file else {
        return SeatRules {
            policy: String::new(),
            tokens_max: 1,
            reasons: false,
            shows_reward: false,
            deadline_ms: None,
        };
    };
    let key = |name: &str| format!("{seat}.{name}");
    let policy = check.required(&key("policy"), policy, "policy = \"rule\"");
    check.demand(&key("policy"), policy::demand(rules, seat));
    if let Some((what, hint)) = policy::mistake(rules, seat, &policy).filter(|_| !policy.is_empty()) {
        check.error(&key("policy"), what, hint);
    }
    let tokens = Allowed::between(1.0, 65_536.0, "it is what a model may write in one turn");
    SeatRules {
        policy,
        tokens_max: check.whole_required(&key("tokens_max"), tokens_max, 48, tokens),
        reasons: check.flag(&key("reasons"), reasons, false),
        shows_reward: check.flag(&key("show_reward_to_policy"), show_reward_to_policy, false),
        deadline_ms: check.whole_optional(
            &key("deadline_ms"),
            deadline_ms,
            DEADLINE_MS,
            "it may take as long as it likes",
        ),
    }
}

/// The terms that could be read, each at most once.
fn reward_rules(check: &mut Check<'_>, rules: &Rules, files: Vec<RewardFile>) -> Vec<RewardRule> {
    // Without a term no seat has the outcome term that it needs.
    check.demand("reward", Says::Needed);
    check.demand("reward", Says::Filled);
    let mut rewards: Vec<RewardRule> = Vec::new();
    let count = files.len();
    for (index, file) in files.into_iter().enumerate() {
        let Some(rule) = reward_rule(check, rules, index, file) else {
            continue;
        };
        if rewards.iter().any(|r| (r.seat, &r.name) == (rule.seat, &rule.name)) {
            let what = format!("the {} has the term `{}` already", rule.seat, rule.name);
            check.error(
                &format!("reward[{index}].name"),
                what,
                "give the first one the weight you mean, and take this one out",
            );
        }
        rewards.push(rule);
    }
    for seat in Seat::ALL {
        // A term that could not be read may have been the one that is missed here.
        if rewards.len() == count && !rewards.iter().any(|r| r.seat == seat && r.kind.is_score()) {
            let outcomes = terms(rules, seat, RewardKind::is_score);
            let hint = format!("outcome terms of the {seat}: {}", suggest::list(outcomes.iter().copied()));
            check.error("reward", format!("the {seat} has no outcome term, so it would have no score"), hint);
        }
    }
    if rewards.len() == count {
        shared_terms(check, &rewards);
    }
    rewards
}

/// What both earn together counts the same for both.
fn shared_terms(check: &mut Check<'_>, rewards: &[RewardRule]) {
    for (index, rule) in rewards.iter().enumerate().filter(|(_, rule)| rule.kind == RewardKind::Shared) {
        let other = rule.seat.partner();
        let theirs = rewards.iter().find(|theirs| theirs.seat == other && theirs.name == rule.name);
        if theirs.is_none_or(|theirs| theirs.weight != rule.weight) {
            let what =
                format!("both seats earn `{}` together, and the {other} does not have it with this weight", rule.name);
            let hint = format!("give the {other} the same term with weight = {}", rule.weight);
            check.error(&format!("reward[{index}].weight"), what, hint);
            return;
        }
    }
}

/// One `[[reward]]`; `None` if it names no term, which has been noted.
fn reward_rule(check: &mut Check<'_>, rules: &Rules, index: usize, file: RewardFile) -> Option<RewardRule> {
    let RewardFile { seat, name, kind, weight } = file;
    let key = |field: &str| format!("reward[{index}].{field}");
    let seats = Seat::ALL.map(|seat| (seat.name(), seat));
    let seat = check.word_required(&key("seat"), seat.as_deref(), &seats, "seat = \"agent\"");
    check.present(&key("name"), name.is_some(), "name = \"surplus\"");
    // What judges give has its weight where they are asked: `[[judge.criteria]]`.
    let kinds: Vec<_> = RewardKind::ALL.into_iter().filter(|(_, kind)| *kind != RewardKind::Judged).collect();
    let declared = check.word_required(&key("kind"), kind.as_deref(), &kinds, "kind = \"outcome\"");
    let weights =
        Allowed::above(0.0, 1000.0, "a term without weight has no effect, and more of a term is always better");
    let is_gate = declared == Some(RewardKind::Gate);
    let weights = if is_gate { weights.here_at_most(1.0) } else { weights };
    let weight = check.number_required(&key("weight"), weight, 1.0, weights);
    let (seat, name) = (seat?, name?);
    let words =
        terms(rules, seat, |_| true).into_iter().filter(|name| !name.starts_with(OWN)).map(str::to_owned).collect();
    check.demand(&key("name"), Says::Words { words, prefixes: vec![OWN.to_owned()] });
    let Some(term) = rules.terms().into_iter().find(|term| term.seat == seat && term.name == name) else {
        let known = terms(rules, seat, |_| true);
        let hint = suggest::hint(&name, known.iter().copied(), &format!("terms of the {seat}"));
        check.error(&key("name"), format!("{} has no term `{name}` for the {seat}", rules.name()), hint);
        return None;
    };
    if is_gate && term.kind == RewardKind::Training {
        if is_earned_by_turn(rules, &name) {
            let what = format!(
                "`{name}` cannot be of kind `gate`: it is earned turn by turn, and a gate is one number of the whole talk"
            );
            check.error(&key("kind"), what, "give the term `scope = \"session\"`, or write kind = \"training\"");
        }
        return Some(RewardRule { seat, name, kind: RewardKind::Gate, weight });
    }
    if let Some(declared) = declared.filter(|declared| *declared != term.kind) {
        let what = format!(
            "`{name}` cannot be of kind `{}`: it is a term of kind `{}` ({})",
            declared.name(),
            term.kind.name(),
            term.meaning
        );
        check.error(&key("kind"), what, format!("write kind = \"{}\"", term.kind.name()));
    }
    Some(RewardRule { seat, name, kind: term.kind, weight })
}

/// Whether a term of the file's own is looked at after each turn.
fn is_earned_by_turn(rules: &Rules, name: &str) -> bool {
    let Rules::Talk(talk) = rules else { return false };
    talk.book.terms.iter().any(|term| term.by_turn && term.name == name)
}

fn terms(rules: &Rules, seat: Seat, is_wanted: impl Fn(RewardKind) -> bool) -> Vec<&str> {
    let of_seat = rules.terms().into_iter().filter(|term| term.seat == seat && is_wanted(term.kind));
    of_seat.map(|term| term.name).collect()
}

/// Form must not outweigh result.
fn training_shares(check: &mut Check<'_>, scenario: &Scenario) {
    for seat in Seat::ALL {
        let is_training = |r: &&RewardRule| r.seat == seat && r.kind == RewardKind::Training;
        let sum: f64 = scenario.rewards.iter().filter(is_training).map(|r| r.weight).sum();
        let (low, high) = scenario.outcome_range(seat);
        let most = TRAINING_SHARE_MAX * (high - low);
        // Weights are decimals in the file, so a sum that is equal on paper may exceed by the last bit.
        if high > low && sum > most + 1e-9 {
            let what = format!(
                "the training terms of the {seat} weigh {sum:.3} together, above 20 % of what its score spans ({low} to {high}): form would \
                 outweigh result"
            );
            let last = scenario.rewards.iter().rposition(|r| is_training(&r)).unwrap_or_default();
            check.error(
                &format!("reward[{last}].weight"),
                what,
                format!("lower their weights to a sum of at most {most:.3}"),
            );
        }
    }
}

/// A condition on a gym's measures; `None` if there is none, or after a mistake, which has been noted.
pub(crate) fn condition(check: &mut Check<'_>, rules: &Rules, key: &str, text: Option<String>) -> Option<Condition> {
    let text = text?;
    let condition = match text.parse::<Condition>() {
        Ok(condition) => condition,
        Err(why) => {
            check.error(
                key,
                format!("cannot be read: {why}"),
                "write e.g. \"deal and agent.score > 0\"; operators: < <= > >= ==",
            );
            return None;
        }
    };
    let known: Vec<&str> = ["agent.score", "user.score"].into_iter().chain(rules.measures()).collect();
    let mut is_known = true;
    for clause in &condition.all {
        if !known.contains(&clause.name.as_str()) {
            let hint = suggest::hint(&clause.name, known.iter().copied(), "it can be");
            check.error(key, format!("{} measures no `{}`", rules.name(), clause.name), hint);
            is_known = false;
        }
    }
    is_known.then_some(condition)
}
