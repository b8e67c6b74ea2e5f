//! UserRL's evaluation: how its paper averages over gyms, and the rows it published (spec userrl §5). Other people's numbers: their models,
//! their users, their protocol. They stand beside ours to be looked at, never in a comparison.

use sim::EpisodeRecord;

/// Says it wherever these rows are shown.
pub const NOTE: &str = "other people's numbers: UserRL's paper (arXiv 2509.19736), tables 3 and 4, with its models, GPT-4o as the user and judge, and its own items; not to be compared with ours, which were measured with other users on other items";

/// A gym of the paper's test sets with the number of its test items (spec userrl §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestSet {
    /// The gym's name in scenario files.
    pub gym: &'static str,
    /// How many items the paper tests on.
    pub items: u32,
    /// Whether the paper's models were trained on the gym.
    pub held_in: bool,
}

const fn set(gym: &'static str, items: u32, held_in: bool) -> TestSet {
    TestSet { gym, items, held_in }
}

/// The paper's columns, in its order; travel is eight sets pooled.
pub const TEST_SETS: [TestSet; 8] = [
    set("travel", 471, true),
    set("turtle", 48, true),
    set("function", 78, true),
    set("tau", 165, true),
    set("persuade", 42, true),
    set("intention", 40, false),
    set("telepathy", 41, false),
    set("search", 125, false),
];

/// A row of the paper's table 3 (its user: GPT-4o).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The model; for trained ones with its credit, by turn and by trajectory.
    pub model: &'static str,
    /// The score in each gym, in the order of [`TEST_SETS`]: sums of turn rewards, travel by aspect.
    pub scores: [f64; 8],
    /// The average as printed.
    pub average: f64,
}

const fn row(model: &'static str, scores: [f64; 8], average: f64) -> Published {
    Published { model, scores, average }
}

/// Table 3 of the paper, as the spec has it (§5.3).
pub const PUBLISHED: [Published; 15] = [
    row("Qwen3-8B Equalized/R2G", [0.5730, 0.1854, 0.4231, 0.1818, 0.5317, 1.8175, 0.5610, 0.8880], 0.5652),
    row("Qwen3-8B EM/R2G", [0.5025, 0.1917, 0.4103, 0.2000, 0.5397, 1.9025, 0.5366, 0.8640], 0.5343),
    row("Qwen3-8B R2G/R2G", [0.5724, 0.1615, 0.4231, 0.1394, 0.5238, 1.8525, 0.5854, 0.8480], 0.5539),
    row("Qwen3-8B Equalized/Sum", [0.5054, 0.1323, 0.2692, 0.2121, 0.5040, 1.6275, 0.5366, 0.8320], 0.5076),
    row("Qwen3-4B Equalized/R2G", [0.5086, 0.1844, 0.3333, 0.2000, 0.4643, 1.8075, 0.6098, 0.8640], 0.5269),
    row("Qwen3-4B EM/R2G", [0.5076, 0.1417, 0.3333, 0.1576, 0.4563, 1.7375, 0.6341, 0.8640], 0.5154),
    row("Qwen3-4B R2G/R2G", [0.4629, 0.1687, 0.3974, 0.1333, 0.5794, 1.5975, 0.4634, 0.8640], 0.4895),
    row("Qwen3-4B Equalized/Sum", [0.4456, 0.1615, 0.2308, 0.1333, 0.4524, 1.7150, 0.4878, 0.8400], 0.4656),
    row("Qwen3-32B", [0.1724, 0.1510, 0.1538, 0.0000, 0.4841, 1.8300, 0.5610, 0.7920], 0.3128),
    row("Qwen3-14B", [0.1924, 0.1417, 0.1667, 0.1030, 0.5317, 1.7000, 0.5854, 0.5120], 0.3027),
    row("Qwen3-4B", [0.1405, 0.0854, 0.0769, 0.0364, 0.4048, 1.7400, 0.4878, 0.8560], 0.2929),
    row("Gemini-2.5-Pro", [0.3468, 0.2740, 0.4103, 0.1939, 0.4246, 1.5900, 0.9024, 0.9280], 0.4702),
    row("Gemini-2.5-Flash", [0.2553, 0.1958, 0.3205, 0.1212, 0.4087, 1.6850, 0.6341, 0.9280], 0.3973),
    row("GPT-4o", [0.3643, 0.2917, 0.2821, 0.0303, 0.3770, 1.8975, 0.8537, 0.8800], 0.4449),
    row("GPT-4o-mini", [0.0976, 0.0906, 0.1538, 0.2061, 0.5317, 0.2500, 0.0488, 0.3520], 0.1729),
];

/// A row of the paper's table 4, over all its test items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Efficiency {
    /// The model, as in [`Published`].
    pub model: &'static str,
    /// The last turn that earned something.
    pub effective_turns: f64,
    /// Earnings, the sooner the more. Where its turns begin to count is not said.
    pub time_weighted: f64,
}

const fn pace(model: &'static str, effective_turns: f64, time_weighted: f64) -> Efficiency {
    Efficiency { model, effective_turns, time_weighted }
}

/// Table 4 of the paper, as the spec has it (§5.6).
pub const EFFICIENCY: [Efficiency; 15] = [
    pace("Qwen3-8B Equalized/R2G", 6.6463, 0.6516),
    pace("Qwen3-8B EM/R2G", 5.8792, 0.5586),
    pace("Qwen3-8B R2G/R2G", 5.1050, 0.6510),
    pace("Qwen3-8B Equalized/Sum", 6.1842, 0.4530),
    pace("Qwen3-4B Equalized/R2G", 6.1307, 0.6423),
    pace("Qwen3-4B EM/R2G", 5.6743, 0.5355),
    pace("Qwen3-4B R2G/R2G", 5.7317, 0.6213),
    pace("Qwen3-4B Equalized/Sum", 5.3881, 0.5118),
    pace("Qwen3-32B", 2.8079, 0.2852),
    pace("Qwen3-14B", 3.4129, 0.3211),
    pace("Qwen3-4B", 2.2545, 0.2674),
    pace("Gemini-2.5-Pro", 5.7731, 0.5263),
    pace("Gemini-2.5-Flash", 4.2465, 0.4525),
    pace("GPT-4o", 3.4087, 0.4024),
    pace("GPT-4o-mini", 1.9461, 0.1614),
];

/// An episode's score as the paper counts it: the agent's own, but in `travel` what was chosen, by aspect, without what searches and
/// questions earned. An agent's own failure counts by the score it was given, in every gym. `None` if the agent was not scored.
#[must_use]
pub fn score(gym: &str, record: &EpisodeRecord) -> Option<f64> {
    let score = record.scores.agent?;
    match (gym, &record.verdict) {
        ("travel", Some(verdict)) => verdict.measures.get("aspect_score")?.rate(),
        _ => Some(score),
    }
}

/// The paper's average: over items, so that a gym counts by its test set. `None` without items.
#[must_use]
pub fn micro(scores: &[(f64, u32)]) -> Option<f64> {
    let items: u32 = scores.iter().map(|(_, items)| items).sum();
    let sum: f64 = scores.iter().map(|(score, items)| score * f64::from(*items)).sum();
    (items > 0).then(|| sum / f64::from(items))
}

/// The average over gyms, each counting once. `None` without gyms.
#[must_use]
pub fn macro_average(scores: &[f64]) -> Option<f64> {
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_items(row: &Published) -> Vec<(f64, u32)> {
        row.scores.into_iter().zip(TEST_SETS.map(|set| set.items)).collect()
    }

    #[test]
    fn the_test_sets_are_the_papers_1010_items() {
        assert_eq!(TEST_SETS.iter().map(|set| set.items).sum::<u32>(), 1010);
    }

    #[test]
    fn both_tables_are_of_the_same_models() {
        assert!(PUBLISHED.iter().map(|row| row.model).eq(EFFICIENCY.iter().map(|row| row.model)));
    }

    /// Acceptance test 9 of spec §8.3, for every row.
    #[test]
    fn the_published_averages_are_reproduced_from_the_values_by_gym() {
        for row in &PUBLISHED {
            let average = micro(&with_items(row)).expect("there are items");
            assert!((average - row.average).abs() <= 1e-4, "{}: {average} for {}", row.model, row.average);
        }
    }

    /// The spec's own column.
    #[test]
    fn the_macro_average_counts_every_gym_once() {
        for (model, expected) in
            [("Qwen3-8B Equalized/R2G", 0.6452), ("Gemini-2.5-Pro", 0.6338), ("GPT-4o-mini", 0.2163)]
        {
            let row = PUBLISHED.iter().find(|row| row.model == model).expect("it is one of them");
            let average = macro_average(&row.scores).expect("there are gyms");
            assert!((average - expected).abs() <= 1e-4, "{model}: {average}");
        }
    }

    #[test]
    fn of_nothing_there_is_no_average() {
        assert_eq!(micro(&[]), None);
        assert_eq!(macro_average(&[]), None);
    }
}
