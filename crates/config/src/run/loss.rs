//! The keys of `[grpo]` that make up the loss: ratio and clip, normaliser, divergence, correction, entropy.

use rl::loss::Bounds;
use rl::loss::Surrogate;
use rl::settings::Beyond;
use rl::settings::Clip;
use rl::settings::Importance;
use rl::settings::Kl;
use rl::settings::Level;
use rl::settings::LossRule;
use rl::settings::Normalizer;
use rl::settings::Ratio;

use super::preset::Preset;
use crate::allowed::Allowed;
use crate::check::Check;

/// As they were written.
pub(super) struct LossKeys {
    pub(super) ratio: Option<String>,
    pub(super) clip: Option<String>,
    pub(super) clip_low: Option<f64>,
    pub(super) clip_high: Option<f64>,
    pub(super) dual_clip: Option<f64>,
    pub(super) normalizer: Option<String>,
    pub(super) normalizer_tokens: Option<i64>,
    pub(super) kl_weight: Option<f64>,
    pub(super) kl: Option<String>,
    pub(super) importance: Option<String>,
    pub(super) importance_min: Option<f64>,
    pub(super) importance_max: Option<f64>,
    pub(super) entropy_weight: Option<f64>,
}

const RATIOS: [(&str, Ratio); 3] =
    [("token", Ratio::Token), ("sequence", Ratio::Sequence), ("product", Ratio::Product)];
const CLIPS: [(&str, Clip); 2] = [("objective", Clip::Objective), ("weight", Clip::Weight)];
const KLS: [(&str, Kl); 3] = [("k3", Kl::K3), ("k2", Kl::K2), ("k1", Kl::K1)];

/// The words for [`Normalizer`], whose constant is another key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Division {
    Tokens,
    Sequences,
    Fixed,
}

const DIVISIONS: [(&str, Division); 3] =
    [("tokens", Division::Tokens), ("sequences", Division::Sequences), ("fixed", Division::Fixed)];

/// How the correction works; none is off.
const IMPORTANCES: [(&str, Option<(Level, Beyond)>); 5] = [
    ("off", None),
    ("token_truncate", Some((Level::Token, Beyond::Truncate))),
    ("token_mask", Some((Level::Token, Beyond::Mask))),
    ("sequence_truncate", Some((Level::Sequence, Beyond::Truncate))),
    ("sequence_mask", Some((Level::Sequence, Beyond::Mask))),
];

const BELOW: Allowed = Allowed::above(0.0, 1.0, "the ratio is kept above 1 less this, and a ratio is never below 0");
const ABOVE: Allowed = Allowed::above(0.0, 10.0, "the ratio is kept below 1 plus this");
const DUAL: Allowed =
    Allowed::above(1.0, 1e3, "it bounds the loss of a negative advantage as a multiple of it; 0 is off");
const LENGTH: Allowed = Allowed::between(1.0, 1e9, "it is a number of tokens that a trajectory may have");
const KL: Allowed = Allowed::between(0.0, 100.0, "it is the weight of a penalty; 0 is off");
const LEAST: Allowed = Allowed::between(0.0, 1.0, "a token that nothing is wrong with has correction 1; 0 is no bound");
const GREATEST: Allowed = Allowed::above(1.0, 1e6, "a token that nothing is wrong with has correction 1");
const BONUS: Allowed = Allowed::between(0.0, 10.0, "it is the weight of a bonus; 0 is off");

/// Checks them.
pub(super) fn surrogate(check: &mut Check<'_>, keys: LossKeys, preset: &Preset) -> Surrogate {
    let LossKeys { ratio, clip, clip_low, clip_high, dual_clip, normalizer, normalizer_tokens, kl_weight, kl, .. } =
        keys;
    let clip = check.word_of("grpo.clip", clip.as_deref(), &CLIPS, preset.clip);
    let kl_weight = check.number("grpo.kl_weight", kl_weight, preset.kl_weight, KL);
    if kl_weight == 0.0 {
        check.without_effect("grpo.kl", kl.as_ref(), "`kl_weight` is 0");
    }
    let rule = LossRule {
        ratio: check.word_of("grpo.ratio", ratio.as_deref(), &RATIOS, preset.ratio),
        clip,
        normalizer: division(check, normalizer, normalizer_tokens, preset),
        kl: check.word_of("grpo.kl", kl.as_deref(), &KLS, preset.kl),
        importance: importance(check, keys.importance, keys.importance_min, keys.importance_max),
        entropy_weight: check.number("grpo.entropy_weight", keys.entropy_weight, 0.0, BONUS),
    };
    let bounds = Bounds {
        low: check.number("grpo.clip_low", clip_low, preset.clip_low, BELOW),
        high: check.number("grpo.clip_high", clip_high, preset.clip_high, ABOVE),
        dual: dual(check, dual_clip, clip, preset),
    };
    Surrogate { rule, bounds, kl_weight }
}

fn dual(check: &mut Check<'_>, written: Option<f64>, clip: Clip, preset: &Preset) -> Option<f64> {
    if clip == Clip::Weight {
        let because = "with `clip = \"weight\"` no token's objective is bounded";
        check.without_effect("grpo.dual_clip", written.filter(|dual| *dual != 0.0), because);
        return None;
    }
    // A preset's 0 is off, as the file's is.
    check.number_or_off("grpo.dual_clip", written.or((preset.dual_clip == 0.0).then_some(0.0)), preset.dual_clip, DUAL)
}

fn division(check: &mut Check<'_>, written: Option<String>, tokens: Option<i64>, preset: &Preset) -> Normalizer {
    let division = check.word("grpo.normalizer", written.as_deref().or(Some(preset.normalizer)), &DIVISIONS);
    if division != Division::Fixed {
        check.without_effect("grpo.normalizer_tokens", tokens, "`normalizer` is not `fixed`");
    }
    let tokens = check.whole("grpo.normalizer_tokens", tokens, 256, LENGTH);
    match division {
        Division::Tokens => Normalizer::Tokens,
        Division::Sequences => Normalizer::Sequences,
        Division::Fixed => Normalizer::Fixed { tokens },
    }
}

fn importance(
    check: &mut Check<'_>,
    written: Option<String>,
    min: Option<f64>,
    max: Option<f64>,
) -> Option<Importance> {
    let kind = check.word("grpo.importance", written.as_deref(), &IMPORTANCES);
    if kind.is_none() {
        check.without_effect("grpo.importance_min", min, "`importance` is off");
        check.without_effect("grpo.importance_max", max, "`importance` is off");
    }
    let min = check.number("grpo.importance_min", min, 0.0, LEAST);
    let max = check.number("grpo.importance_max", max, 2.0, GREATEST);
    kind.map(|(level, beyond)| Importance { level, beyond, min, max })
}
