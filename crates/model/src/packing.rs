//! Which samples are computed together, and what they begin with alike.
//!
//! The members of a group were told the same: their streams begin with the same tokens, and to the last bit with the same hidden states. Such a
//! beginning is computed once, there and back, under all of its members:
//!
//! ```text
//! plain    [members, time]                       a a a a b b     a a a a c     a a a a d d d
//! shared   [bundles, prefix] [members, suffix]   a a a a | b b | c | d d d
//! ```
//!
//! A loss token may stand in the beginning too: it is predicted once for each member, from the same place. Beginnings are found by their ids;
//! nobody says which samples are a group. One level only: a beginning's own beginning, which several groups share, is computed for each.

use rl::Sample;

/// Most samples that are looked at as one bundle: finding the best bundles takes this many comparisons a sample.
const MEMBERS_MAX: usize = 256;

/// Shared only if at least one position in this many is saved. The attention of a suffix goes by a mask over joined keys, which costs about a
/// twentieth of a layer at the shapes that were measured.
const SAVED_MIN: usize = 8;

/// Samples that begin alike.
#[derive(Clone, Debug)]
pub struct Bundle<'a> {
    /// Tokens they begin with, shorter than any of them is seen; 0 if each is laid out whole.
    pub prefix: usize,
    /// In the order they are laid out.
    pub members: Vec<&'a Sample>,
}

/// Some samples of an optimiser step that are computed at once.
#[derive(Clone, Debug)]
pub struct Micro<'a> {
    /// Either all with a prefix, or one without.
    pub bundles: Vec<Bundle<'a>>,
}

impl<'a> Micro<'a> {
    /// Each sample whole.
    #[must_use]
    pub fn plain(members: Vec<&'a Sample>) -> Micro<'a> {
        Micro { bundles: vec![Bundle { prefix: 0, members }] }
    }

    /// In the order they are laid out.
    pub fn samples(&self) -> impl Iterator<Item = &'a Sample> + '_ {
        self.bundles.iter().flat_map(|bundle| bundle.members.iter().copied())
    }

    /// Its outline.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let mut outline = Outline::default();
        for bundle in &self.bundles {
            outline.prefixes += usize::from(bundle.prefix > 0);
            outline.prefix = outline.prefix.max(bundle.prefix);
            outline.rows += bundle.members.len();
            let suffixes = bundle.members.iter().map(|member| seen_len(member) - bundle.prefix);
            outline.suffix = outline.suffix.max(suffixes.max().unwrap_or(0));
        }
        outline
    }

    /// The same without prefixes where no bundle has two members here.
    fn simplified(self) -> Micro<'a> {
        match self.bundles.iter().all(|bundle| bundle.members.len() == 1) {
            true => Micro::plain(self.samples().collect()),
            false => self,
        }
    }
}

/// How a micro-batch lies in memory: first the prefixes, then the rows, each padded on the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// How many prefixes.
    pub prefixes: usize,
    /// The longest one.
    pub prefix: usize,
    /// How many samples.
    pub rows: usize,
    /// The longest one's tokens behind its prefix.
    pub suffix: usize,
}

impl Outline {
    /// Positions that are computed, padding included.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.prefixes * self.prefix + self.rows * self.suffix
    }
}

/// How many tokens of a sample the model must see: those before its last loss token.
#[must_use]
pub fn seen_len(sample: &Sample) -> usize {
    sample.weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0)
}

/// Cuts samples into micro-batches of at most `tokens_max` positions, padding included and a common beginning counted once. A sample longer than
/// that stands alone; one without a loss token stands nowhere.
#[must_use]
pub fn cut<'a>(samples: &[&'a Sample], tokens_max: usize) -> Vec<Micro<'a>> {
    let samples: Vec<&Sample> = samples.iter().copied().filter(|sample| sample.loss_tokens() > 0).collect();
    let cost = |micros: &Vec<Micro<'_>>| micros.iter().map(|micro| micro.outline().positions()).sum::<usize>();
    let plain = cut_plain(&samples, tokens_max);
    let bundles = bundles(&samples);
    if bundles.iter().all(|bundle| bundle.prefix == 0) {
        return plain;
    }
    // Bundle by bundle no prefix is laid out twice; by length there is less padding. Which is less depends on the talks.
    let shared = [false, true].map(|by_length| cut_shared(&bundles, tokens_max, by_length));
    let best = shared.into_iter().min_by_key(cost).expect("there are two");
    if cost(&best) + cost(&plain) / SAVED_MIN <= cost(&plain) { best } else { plain }
}

/// Samples of about one length together.
fn cut_plain<'a>(samples: &[&'a Sample], tokens_max: usize) -> Vec<Micro<'a>> {
    let mut sorted = samples.to_vec();
    sorted.sort_by_key(|sample| std::cmp::Reverse(seen_len(sample)));
    let mut rows: Vec<Vec<&Sample>> = Vec::new();
    for sample in sorted {
        match rows.last_mut() {
            Some(micro) if seen_len(micro[0]) * (micro.len() + 1) <= tokens_max => micro.push(sample),
            Some(_) | None => rows.push(vec![sample]),
        }
    }
    rows.into_iter().map(Micro::plain).collect()
}

/// Members under their prefixes: bundle by bundle, or the longest suffixes first, whichever bundle they are of. What is in no bundle is cut as
/// ever.
fn cut_shared<'a>(bundles: &[Bundle<'a>], tokens_max: usize, by_length: bool) -> Vec<Micro<'a>> {
    let (shared, alone): (Vec<_>, Vec<_>) = bundles.iter().partition(|bundle| bundle.prefix > 0);
    let mut members: Vec<(usize, &Bundle<'_>, &'a Sample)> = Vec::new();
    for (index, bundle) in shared.into_iter().enumerate() {
        members.extend(bundle.members.iter().map(|member| (index, bundle, *member)));
    }
    let suffix = |bundle: &Bundle<'_>, member: &Sample| seen_len(member) - bundle.prefix;
    match by_length {
        true => members.sort_by_key(|(_, bundle, member)| std::cmp::Reverse(suffix(bundle, member))),
        false => members.sort_by_key(|(index, bundle, member)| {
            let longest = bundle.members.iter().map(|member| suffix(bundle, member)).max();
            std::cmp::Reverse((longest, bundle.prefix, *index, suffix(bundle, member)))
        }),
    }
    let mut micros: Vec<Filling<'_>> = Vec::new();
    for (index, bundle, member) in members {
        if !micros.last_mut().is_some_and(|last| last.take(index, bundle.prefix, member, tokens_max)) {
            micros.push(Filling::of(index, bundle.prefix, member));
        }
    }
    let alone: Vec<&Sample> = alone.iter().flat_map(|bundle| bundle.members.iter().copied()).collect();
    let micros = micros.into_iter().map(|filling| filling.micro.simplified());
    micros.chain(cut_plain(&alone, tokens_max)).collect()
}

/// A micro-batch as it fills.
struct Filling<'a> {
    micro: Micro<'a>,
    /// Which bundle of the step each of its own is.
    indices: Vec<usize>,
    outline: Outline,
}

impl<'a> Filling<'a> {
    fn of(index: usize, prefix: usize, member: &'a Sample) -> Filling<'a> {
        let micro = Micro { bundles: vec![Bundle { prefix, members: vec![member] }] };
        Filling { outline: micro.outline(), micro, indices: vec![index] }
    }

    /// Takes a member if it fits.
    fn take(&mut self, index: usize, prefix: usize, member: &'a Sample, tokens_max: usize) -> bool {
        let known = self.indices.iter().position(|own| *own == index);
        let outline = Outline {
            prefixes: self.outline.prefixes + usize::from(known.is_none()),
            prefix: self.outline.prefix.max(prefix),
            rows: self.outline.rows + 1,
            suffix: self.outline.suffix.max(seen_len(member) - prefix),
        };
        if outline.positions() > tokens_max {
            return false;
        }
        self.outline = outline;
        match known {
            Some(own) => self.micro.bundles[own].members.push(member),
            None => {
                self.indices.push(index);
                self.micro.bundles.push(Bundle { prefix, members: vec![member] });
            }
        }
        true
    }
}

/// Samples in bundles such that the most positions are saved: a prefix of `p` tokens saves `p` for each member but one. Sorted by their tokens,
/// samples that begin alike lie side by side, so the best bundles are runs.
fn bundles<'a>(samples: &[&'a Sample]) -> Vec<Bundle<'a>> {
    let mut sorted = samples.to_vec();
    let seen = |sample: &'a Sample| &sample.tokens[..seen_len(sample)];
    sorted.sort_by(|a, b| seen(a).cmp(seen(b)));
    // Of each sample: how many tokens it has in common with the next.
    let alike = |pair: &[&'a Sample]| seen(pair[0]).iter().zip(seen(pair[1])).take_while(|(a, b)| a == b).count();
    let alike: Vec<usize> = sorted.windows(2).map(alike).collect();
    // Of each sample: the most that those up to it save, where the last run begins, and its prefix.
    let mut best: Vec<(usize, usize, usize)> = vec![(0, 0, 0)];
    for last in 0..sorted.len() {
        let mut prefix = seen_len(sorted[last]).saturating_sub(1);
        let mut chosen = (best[last].0, last, 0);
        for first in (last.saturating_sub(MEMBERS_MAX - 1)..last).rev() {
            prefix = prefix.min(alike[first]).min(seen_len(sorted[first]).saturating_sub(1));
            if prefix == 0 {
                break;
            }
            let saved = best[first].0 + (last - first) * prefix;
            if saved > chosen.0 {
                chosen = (saved, first, prefix);
            }
        }
        best.push(chosen);
    }
    let mut bundles = Vec::new();
    let mut end = sorted.len();
    while end > 0 {
        let (_, first, prefix) = best[end];
        bundles.push(Bundle { prefix, members: sorted[first..end].to_vec() });
        end = first;
    }
    bundles.reverse();
    bundles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::groups;
    use crate::fixtures::samples;

    fn stream(tokens: &[u32]) -> Sample {
        let mut weights = vec![1.0; tokens.len()];
        weights[0] = 0.0;
        Sample { tokens: tokens.to_vec(), weights, temperature: 1.0, ..Sample::default() }
    }

    #[test]
    fn micro_batches_hold_each_sample_once_and_keep_their_bound() {
        for samples in [samples(), groups()] {
            let samples: Vec<&Sample> = samples.iter().collect();
            for tokens_max in [1, 40, 90, 100_000] {
                let micros = cut(&samples, tokens_max);
                let mut held: Vec<*const Sample> =
                    micros.iter().flat_map(Micro::samples).map(std::ptr::from_ref).collect();
                held.sort();
                held.dedup();
                assert_eq!(held.len(), samples.len());
                assert_eq!(micros.iter().flat_map(Micro::samples).count(), samples.len());
                for micro in micros {
                    let outline = micro.outline();
                    assert!(outline.rows == 1 || outline.positions() <= tokens_max, "{outline:?}");
                }
            }
        }
    }

    #[test]
    fn a_prefix_is_what_all_members_begin_with_and_none_of_them_is_all_of_it() {
        let samples = groups();
        let samples: Vec<&Sample> = samples.iter().collect();
        let mut shared = 0;
        for micro in cut(&samples, 400) {
            for bundle in &micro.bundles {
                let first = &bundle.members[0].tokens[..bundle.prefix];
                for member in &bundle.members {
                    assert!(member.tokens.starts_with(first) && seen_len(member) > bundle.prefix);
                }
                shared += (bundle.members.len() - 1) * bundle.prefix;
            }
        }
        assert!(shared > 100, "{shared} positions are saved");
    }

    #[test]
    fn the_bundles_are_those_that_save_the_most() {
        // Two pairs that begin with 1 2 3 4 and 1 2 9 9, and a stranger: in one bundle 3 · 2 positions are saved, in two 2 · 4.
        let streams =
            [[1, 2, 3, 4, 5, 6], [1, 2, 9, 9, 5, 6], [7, 2, 3, 4, 5, 6], [1, 2, 3, 4, 8, 6], [1, 2, 9, 9, 8, 6]];
        let streams = streams.map(|tokens| stream(&tokens));
        let found = bundles(&streams.iter().collect::<Vec<_>>());
        let found: Vec<(usize, usize)> = found.iter().map(|bundle| (bundle.prefix, bundle.members.len())).collect();
        assert_eq!(found, [(4, 2), (4, 2), (0, 1)]);
    }

    #[test]
    fn the_same_stream_twice_leaves_each_a_place_of_its_own() {
        let twice = [stream(&[1, 2, 3]), stream(&[1, 2, 3])];
        let found = bundles(&twice.iter().collect::<Vec<_>>());
        // The last token is only predicted; of the two that are seen, the second stays with each.
        assert_eq!((found.len(), found[0].prefix), (1, 1));
    }

    #[test]
    fn strangers_and_short_beginnings_are_laid_out_whole() {
        let strangers = samples();
        let whole = |samples: &[Sample]| {
            let samples: Vec<&Sample> = samples.iter().collect();
            cut(&samples, 1000).iter().all(|micro| micro.outline().prefixes == 0)
        };
        assert!(whole(&strangers));
        // One token of sixteen in common.
        let short: Vec<Sample> = (0..4).map(|own| stream(&[[1].as_slice(), &[2 + own; 15]].concat())).collect();
        assert!(whole(&short));
        assert!(!whole(&groups()));
    }
}
