//! Ranges of numbers, with the reason why nothing outside makes sense.

use std::fmt;

/// The numbers a key may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    low: Bound,
    high: Bound,
    /// Finishes the sentence "must be …, is …: ".
    pub(crate) why: &'static str,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    value: f64,
    included: bool,
}

impl Allowed {
    /// Seeds.
    pub(crate) const SEED: Allowed = Allowed::between(
        0.0,
        9_007_199_254_740_992.0,
        "seeds are written to JSON, where whole numbers are exact up to 2^53",
    );

    /// From `low` to `high`, both included.
    pub(crate) const fn between(low: f64, high: f64, why: &'static str) -> Allowed {
        Allowed { low: Bound { value: low, included: true }, high: Bound { value: high, included: true }, why }
    }

    /// Above `low`, at most `high`.
    pub(crate) const fn above(low: f64, high: f64, why: &'static str) -> Allowed {
        Allowed { low: Bound { value: low, included: false }, high: Bound { value: high, included: true }, why }
    }

    /// At least `low`, below `high`.
    pub(crate) const fn below(low: f64, high: f64, why: &'static str) -> Allowed {
        Allowed { low: Bound { value: low, included: true }, high: Bound { value: high, included: false }, why }
    }

    /// Whether `number` is one of them. Not-a-number never is.
    pub(crate) fn has(&self, number: f64) -> bool {
        let low = if self.low.included { self.low.value <= number } else { self.low.value < number };
        let high = if self.high.included { number <= self.high.value } else { number < self.high.value };
        low && high
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = if self.low.included { "at least" } else { "above" };
        let high = if self.high.included { "at most" } else { "below" };
        write!(f, "{low} {} and {high} {}", self.low.value, self.high.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_count_or_do_not_count_as_their_words_say() {
        let share = Allowed::between(0.0, 1.0, "");
        let rate = Allowed::above(0.0, 1.0, "");
        let decay = Allowed::below(0.0, 1.0, "");
        let has = |number| [share, rate, decay].map(|allowed| allowed.has(number));
        assert_eq!(has(0.0), [true, false, true]);
        assert_eq!(has(1.0), [true, true, false]);
        assert_eq!(has(f64::NAN), [false; 3]);
        assert_eq!(has(f64::INFINITY), [false; 3]);
        assert_eq!(rate.to_string(), "above 0 and at most 1");
    }
}
