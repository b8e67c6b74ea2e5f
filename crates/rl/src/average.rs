//! One number over several gyms, with its interval: within each gym items are resampled, gyms are not.
//!
//! ```text
//!  arms of a gym ─> Stratum: cells that all of them have ─> means ─> of_gym ─┐
//!  arms of a gym ─> Stratum: …                              means ─> of_gym ─┴─> together ─> mean, per seed, and 10 000 times resampled
//! ```
//!
//! A cell is an item under a seed, and counts by its mean over trials. A resample draws as many items of each gym as it has, with all their
//! seeds and trials and whatever else was played on them, so that arms which are set against each other move together. Which gyms there
//! are is no accident of sampling, so the interval says nothing about other gyms.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::iter;

use serde::Deserialize;
use serde::Serialize;
use sim::Ratio;

use crate::compare::Arm;
use crate::interval;
use crate::interval::Interval;

/// A number over one or several gyms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// Over all seeds.
    pub mean: f64,
    /// Its 95 % interval; `None` where a gym has fewer than two items, or where too many resamples had no value.
    pub ci95: Option<Interval>,
    /// Under each seed; `None` where a gym has no value under it.
    pub per_seed: BTreeMap<u64, Option<f64>>,
    /// Items behind it, those of all gyms added up.
    pub items: usize,
    /// Pairs of item and seed left out because one of the arms lacks them or has nothing counted there.
    pub unpaired: usize,
}

/// What several arms have in common in one gym.
pub(crate) struct Stratum {
    /// For each item: how many of its cells count, and for each arm the sum of its means over them.
    by_item: BTreeMap<u32, Vec<f64>>,
    /// The same for each seed; all 0 where nothing counts.
    by_seed: BTreeMap<u64, Vec<f64>>,
    unpaired: usize,
}

impl Stratum {
    /// The cells that all `arms` have, at least one of them.
    pub(crate) fn of(arms: &[&Arm]) -> Stratum {
        let mut stratum = Stratum { by_item: BTreeMap::new(), by_seed: BTreeMap::new(), unpaired: 0 };
        let none = vec![0.0; 1 + arms.len()];
        let places: BTreeSet<(u32, u64)> = arms.iter().flat_map(|arm| arm.cells().map(|(at, _)| at)).collect();
        for (item, seed) in places {
            let cells: Option<Vec<Ratio>> = arms.iter().map(|arm| arm.cell(item, seed)).collect();
            // A seed that was played and counts nothing is told apart from one that was not played.
            let of_seed = cells.as_ref().map(|_| stratum.by_seed.entry(seed).or_insert_with(|| none.clone()));
            let means: Option<Vec<f64>> = cells.iter().flatten().map(|cell| cell.rate()).collect();
            let (Some(of_seed), Some(means)) = (of_seed, means) else {
                stratum.unpaired += 1;
                continue;
            };
            let of_item = stratum.by_item.entry(item).or_insert_with(|| none.clone());
            for sums in [of_seed, of_item] {
                iter::zip(sums, iter::once(&1.0).chain(&means)).for_each(|(sum, value)| *sum += value);
            }
        }
        stratum
    }

    /// Items that count.
    pub(crate) fn items(&self) -> usize {
        self.by_item.len()
    }

    /// One column for the number of cells, and one for each arm: a value per item.
    fn columns(&self) -> Vec<Vec<f64>> {
        let width = self.by_item.values().next().map_or(0, Vec::len);
        (0..width).map(|column| self.by_item.values().map(|sums| sums[column]).collect()).collect()
    }

    /// The sums over all items; `None` without any.
    fn sums(&self) -> Option<Vec<f64>> {
        let columns = self.columns();
        (!columns.is_empty()).then(|| columns.iter().map(|column| column.iter().sum()).collect())
    }
}

/// What `of_gym` makes of the arms' means in each gym, and `together` of the gyms' values. `None` if any gym has none, or if there is no gym. The
/// order of the gyms decides which draws each gets.
pub(crate) fn average(
    strata: &[Stratum],
    of_gym: impl Fn(&[f64]) -> Option<f64>,
    together: impl Fn(&[f64]) -> Option<f64>,
) -> Option<Average> {
    let value = |gyms: &mut dyn Iterator<Item = Option<Vec<f64>>>| {
        let values: Option<Vec<f64>> = gyms.map(|sums| of_gym(&means(&sums?)?)).collect();
        together(&values?)
    };
    let mean = value(&mut strata.iter().map(Stratum::sums))?;
    // A seed that one gym was not played under is missing, and not a seed without a value.
    let everywhere = |seed: &u64| strata.iter().all(|stratum| stratum.by_seed.contains_key(seed));
    let seeds: BTreeSet<u64> =
        strata.iter().flat_map(|stratum| stratum.by_seed.keys().copied()).filter(everywhere).collect();
    let of_seed = |seed: u64| value(&mut strata.iter().map(|stratum| stratum.by_seed.get(&seed).cloned()));
    let resampled: Vec<Vec<Vec<f64>>> =
        (0..).zip(strata).map(|(place, stratum)| interval::resampled_sums_of(place, &stratum.columns())).collect();
    let resamples = resampled.iter().map(|columns| columns.first().map_or(0, Vec::len)).min().unwrap_or(0);
    let drawn = |columns: &Vec<Vec<f64>>, at: usize| columns.iter().map(|column| column[at]).collect();
    let of_resample = |at: usize| value(&mut resampled.iter().map(|columns| Some(drawn(columns, at))));
    Some(Average {
        mean,
        ci95: interval::middle((0..resamples).map(of_resample)),
        per_seed: seeds.into_iter().map(|seed| (seed, of_seed(seed))).collect(),
        items: strata.iter().map(Stratum::items).sum(),
        unpaired: strata.iter().map(|stratum| stratum.unpaired).sum(),
    })
}

/// Each arm's mean over the cells that were summed; `None` if there were none.
fn means(sums: &[f64]) -> Option<Vec<f64>> {
    let (cells, sums) = sums.split_first()?;
    (*cells > 0.0).then(|| sums.iter().map(|sum| sum / cells).collect())
}
