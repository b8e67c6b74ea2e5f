//! What one pairing of policies came to over several scenarios: each by itself, and averaged in two ways.
//!
//! - *micro*: over items, so that a scenario counts by how many it has. It is UserRL's average.
//! - *macro*: over scenarios, each counting once.
//!
//! A score here is the agent's, as UserRL's paper counts it (`docs/METRICS.md`): the sum of what its turns earned; in `travel` what was chosen, by aspect. An item
//! counts by the mean over its trials. [`score_norm`](crate::score_norm) is made of raw scores alone.

use std::collections::BTreeMap;
use std::iter;

use serde::Serialize;
use sim::EpisodeRecord;
use sim::Scenario;
use sim::gyms::efficiency::EFFECTIVE_TURNS;
use sim::gyms::efficiency::TIME_WEIGHTED;

use crate::average;
use crate::average::Average;
use crate::average::Stratum;
use crate::compare::Arm;
use crate::interval::Estimate;
use crate::score_norm::ByGym;
use crate::score_norm::Scale;
use crate::userrl;

/// What was observed of the agent, by scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Its raw score.
    pub raw: ByGym,
    /// Its score as UserRL's paper counts it.
    pub paper: ByGym,
    /// `agent/effective_turns`; scenarios whose gym does not measure it are missing.
    pub effective_turns: ByGym,
    /// `agent/time_weighted`; likewise.
    pub time_weighted: ByGym,
}

/// The numbers of one pairing of policies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scoreboard {
    /// Items that had a case, by scenario: what the micro average is weighted by.
    pub items: BTreeMap<String, usize>,
    /// The score as UserRL's paper counts it.
    pub score: Column,
    /// `agent/effective_turns`.
    pub effective_turns: Column,
    /// `agent/time_weighted`.
    pub time_weighted: Column,
    /// `score_norm`; `None` where the references were not played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_norm: Option<NormColumn>,
}

/// One number, by scenario and averaged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// By scenario; `None` where nothing was counted. A scenario that does not measure it is missing.
    pub scenarios: BTreeMap<String, Option<Estimate>>,
    /// Over items; `None` if a scenario has no value.
    pub micro: Option<Estimate>,
    /// Over scenarios; `None` if one has no value.
    #[serde(rename = "macro")]
    pub macro_average: Option<Estimate>,
}

/// `score_norm`, by scenario and averaged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NormColumn {
    /// By scenario; `None` where the references lie too close together, or nothing was counted.
    pub scenarios: BTreeMap<String, Option<Estimate>>,
    /// Over the scenarios that have one.
    #[serde(rename = "macro")]
    pub macro_average: Option<Estimate>,
    /// Those that have none, and do not count.
    pub left_out: Vec<String>,
}

impl Scores {
    /// What the records of one scenario show. It is there even without any, so that it is missed in an average.
    #[must_use]
    pub fn of(scenario: &Scenario, records: &[EpisodeRecord]) -> Scores {
        let gym = scenario.rules.name();
        let collect = |value: &dyn Fn(&EpisodeRecord) -> Option<f64>| {
            let mut arm = Arm::default();
            records.iter().for_each(|record| arm.add_score(record.casting.item, record.seed, value(record)));
            ByGym::from([(scenario.name.clone(), arm)])
        };
        let measured = |name: &str| {
            let of_one = |record: &EpisodeRecord| record.verdict.as_ref()?.measures.get(name)?.rate();
            if scenario.rules.measures().contains(&name) { collect(&of_one) } else { ByGym::new() }
        };
        Scores {
            raw: collect(&|record| record.scores.agent),
            paper: collect(&|record| userrl::score(gym, record)),
            effective_turns: measured(EFFECTIVE_TURNS),
            time_weighted: measured(TIME_WEIGHTED),
        }
    }

    /// Takes the scenarios of `other` too.
    pub fn extend(&mut self, other: Scores) {
        let Scores { raw, paper, effective_turns, time_weighted } = other;
        self.raw.extend(raw);
        self.paper.extend(paper);
        self.effective_turns.extend(effective_turns);
        self.time_weighted.extend(time_weighted);
    }
}

impl Scoreboard {
    /// The numbers of `scores`; with `score_norm` if the references were played too, on the same items, opponents and trials.
    #[must_use]
    pub fn of(scores: &Scores, references: Option<Scale<'_>>) -> Scoreboard {
        let Scores { raw, paper, effective_turns, time_weighted } = scores;
        let items = paper.iter().map(|(scenario, arm)| (scenario.clone(), arm.items_with_a_case())).collect();
        let column = |arms: &ByGym| Column::of(arms, paper.len());
        Scoreboard {
            items,
            score: column(paper),
            effective_turns: column(effective_turns),
            time_weighted: column(time_weighted),
            score_norm: references.map(|scale| NormColumn::of(scale, raw)),
        }
    }
}

impl Column {
    /// Averages are over `scenarios` scenarios, or there are none.
    fn of(arms: &ByGym, scenarios: usize) -> Column {
        let strata: Vec<Stratum> = arms.values().map(|arm| Stratum::of(&[arm])).collect();
        let alone = |stratum: &Stratum| average::average(std::slice::from_ref(stratum), first, first).map(estimate);
        let counts: Vec<u32> = strata.iter().map(|stratum| stratum.items() as u32).collect();
        let micro = |means: &[f64]| {
            let weighted: Vec<(f64, u32)> = iter::zip(means.iter().copied(), counts.iter().copied()).collect();
            userrl::micro(&weighted)
        };
        let complete = if strata.len() == scenarios { &strata[..] } else { &[] };
        Column {
            scenarios: iter::zip(arms.keys().cloned(), strata.iter().map(alone)).collect(),
            micro: average::average(complete, first, micro).map(estimate),
            macro_average: average::average(complete, first, userrl::macro_average).map(estimate),
        }
    }
}

impl NormColumn {
    fn of(scale: Scale<'_>, raw: &ByGym) -> NormColumn {
        let by_gym = scale.by_gym(raw);
        let counted = raw.iter().filter(|(scenario, _)| by_gym[*scenario].is_some());
        let counted: ByGym = counted.map(|(scenario, arm)| (scenario.clone(), arm.clone())).collect();
        NormColumn {
            left_out: by_gym.keys().filter(|scenario| !counted.contains_key(*scenario)).cloned().collect(),
            macro_average: scale.macro_average(&counted).map(estimate),
            scenarios: by_gym.into_iter().map(|(scenario, average)| (scenario, average.map(estimate))).collect(),
        }
    }
}

fn first(values: &[f64]) -> Option<f64> {
    values.first().copied()
}

fn estimate(average: Average) -> Estimate {
    Estimate { mean: average.mean, ci95: average.ci95 }
}

#[cfg(test)]
mod tests {
    use sim::Pair;
    use sim::Ratio;
    use sim::Stop;
    use sim::gyms;

    use super::*;
    use crate::fixtures;

    /// An episode whose turns earned `rewards`, with the measures of a gym.
    fn played(item: u32, rewards: &[f64], measures: &[(&str, f64)]) -> EpisodeRecord {
        let mut record = fixtures::record(item, 1, rewards, &[0.0]);
        record.casting.item = item;
        let verdict = record.verdict.as_mut().expect("the fixture has one");
        for (name, value) in measures {
            verdict.measures.insert((*name).to_owned(), Ratio::new(*value, 1.0));
        }
        record
    }

    fn failed(mut record: EpisodeRecord) -> EpisodeRecord {
        record.verdict = None;
        record.stop = Some(Stop::Failed(sim::Seat::Agent));
        record.scores = Pair { agent: Some(0.0), user: None };
        record
    }

    /// Four items of `function`, of which two are solved, and two of `travel`.
    fn scores() -> Scores {
        let measures = |turns, weighted| [(EFFECTIVE_TURNS, turns), (TIME_WEIGHTED, weighted)];
        let function = [
            played(0, &[0.0, 1.0], &measures(2.0, 0.5)),
            played(1, &[0.0], &measures(0.0, 0.0)),
            // Two trials: the item counts by their mean.
            played(2, &[1.0], &measures(1.0, 1.0)),
            played(2, &[0.0], &measures(0.0, 0.0)),
            failed(played(3, &[0.0], &[])),
        ];
        let trip = |item, earned: &[f64], by_aspect, turns, weighted| {
            played(item, earned, &[&[("aspect_score", by_aspect)][..], &measures(turns, weighted)].concat())
        };
        let travel = [trip(0, &[0.2, 0.6, 1.0], 0.5, 3.0, 0.8), trip(1, &[0.2, 0.0], 0.0, 1.0, 0.2)];
        let mut scores = Scores::of(&gyms::function::example(), &function);
        scores.extend(Scores::of(&gyms::travel::example(), &travel));
        scores
    }

    fn near(estimate: Option<Estimate>, expected: f64) {
        let mean = estimate.expect("something was counted").mean;
        assert!((mean - expected).abs() < 1e-12, "{mean}, not {expected}");
    }

    #[test]
    fn averages_are_over_items_and_over_scenarios() {
        let board = Scoreboard::of(&scores(), None);
        assert_eq!(board.items, [("function".to_owned(), 4), ("travel".to_owned(), 2)].into());
        // 1, 0, ½ and, for the agent's own failure, 0; travel by aspect.
        near(board.score.scenarios["function"], 0.375);
        near(board.score.scenarios["travel"], 0.25);
        near(board.score.micro, (4.0 * 0.375 + 2.0 * 0.25) / 6.0);
        near(board.score.macro_average, (0.375 + 0.25) / 2.0);
        // What failed was not judged, so it has no measure: 2, 0 and ½ of three items.
        near(board.effective_turns.scenarios["function"], 2.5 / 3.0);
        near(board.effective_turns.micro, (2.5 + 4.0) / 5.0);
        near(board.time_weighted.macro_average, f64::midpoint(1.0 / 3.0, 0.5));
        assert_eq!(board.score_norm, None);
    }

    #[test]
    fn the_normalised_score_is_of_raw_scores_and_scenarios_without_a_scale_are_named() {
        let scores = scores();
        let constant = |function: f64, travel: f64| {
            let of = |scenario: &Scenario, items: u32, score: f64| {
                Scores::of(scenario, &(0..items).map(|item| played(item, &[score], &[])).collect::<Vec<_>>()).raw
            };
            let mut raw = of(&gyms::function::example(), 4, function);
            raw.extend(of(&gyms::travel::example(), 2, travel));
            raw
        };
        let (random, good) = (constant(0.0, 0.0), constant(1.0, 2.0));
        let norm = Scoreboard::of(&scores, Some(Scale { random: &random, good: &good })).score_norm.expect("asked for");
        // Raw scores of travel are 1.8 and .2, of 2.
        near(norm.scenarios["travel"], 0.5);
        near(norm.macro_average, f64::midpoint(0.375, 0.5));
        assert!(norm.left_out.is_empty());
        let close = constant(1.0, 0.04);
        let norm =
            Scoreboard::of(&scores, Some(Scale { random: &random, good: &close })).score_norm.expect("asked for");
        near(norm.macro_average, 0.375);
        assert_eq!((&norm.left_out[..], norm.scenarios["travel"]), (&["travel".to_owned()][..], None));
    }

    #[test]
    fn where_one_scenario_says_nothing_there_is_no_average() {
        let mut scores = scores();
        let haggle = gyms::haggle::example();
        scores.extend(Scores::of(&haggle, &[fixtures::record(0, 1, &[0.3], &[0.3])]));
        let board = Scoreboard::of(&scores, None);
        near(board.score.macro_average, (0.375 + 0.25 + 0.3) / 3.0);
        assert_eq!(board.score.macro_average.expect("three").ci95, None, "one item has nothing to vary with");
        assert_eq!((board.effective_turns.micro, board.time_weighted.macro_average), (None, None));
        assert!(!board.effective_turns.scenarios.contains_key(&haggle.name));
        let mut unscored = fixtures::record(0, 1, &[0.3], &[0.3]);
        (unscored.verdict, unscored.scores) = (None, Pair::default());
        for records in [&[][..], &[unscored]] {
            let mut scores = self::scores();
            scores.extend(Scores::of(&haggle, records));
            let board = Scoreboard::of(&scores, None);
            assert_eq!((board.score.scenarios[&haggle.name], board.score.micro), (None, None));
            assert!(board.score.scenarios["function"].is_some());
        }
    }
}
