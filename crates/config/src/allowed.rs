//! Ranges of numbers, with the reason why nothing outside makes sense.

use std::fmt;

/// The highest seed.
pub const SEED_MAX: u64 = 1 << 53;

/// The numbers a key may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    low: Bound,
    high: Bound,
    /// Where other keys of the file bound the number further: the highest it may be there, included.
    high_here: Option<f64>,
    /// Finishes the sentence "must be …, is …: ".
    pub(crate) why: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) value: f64,
    pub(crate) included: bool,
}

impl Allowed {
    /// Seeds.
    pub(crate) const SEED: Allowed =
        Allowed::between(0.0, SEED_MAX as f64, "seeds are written to JSON, where whole numbers are exact up to 2^53");

    /// From `low` to `high`, both included.
    pub(crate) const fn between(low: f64, high: f64, why: &'static str) -> Allowed {
        Allowed::of(Bound { value: low, included: true }, Bound { value: high, included: true }, why)
    }

    /// Above `low`, at most `high`.
    pub(crate) const fn above(low: f64, high: f64, why: &'static str) -> Allowed {
        Allowed::of(Bound { value: low, included: false }, Bound { value: high, included: true }, why)
    }

    /// At least `low`, below `high`.
    pub(crate) const fn below(low: f64, high: f64, why: &'static str) -> Allowed {
        Allowed::of(Bound { value: low, included: true }, Bound { value: high, included: false }, why)
    }

    /// Above `low`, below `high`.
    pub(crate) const fn inside(low: f64, high: f64, why: &'static str) -> Allowed {
        Allowed::of(Bound { value: low, included: false }, Bound { value: high, included: false }, why)
    }

    const fn of(low: Bound, high: Bound, why: &'static str) -> Allowed {
        Allowed { low, high, high_here: None, why }
    }

    /// The same, but at most `high` in this file, because of what stands at other keys.
    pub(crate) fn here_at_most(self, high: f64) -> Allowed {
        Allowed { high_here: Some(high), ..self }
    }

    /// Whether a whole number is one of them. Beyond 2^53 some have no float, and would be taken for their neighbour.
    pub(crate) fn has_whole(&self, number: i64) -> bool {
        let float = number as f64;
        self.has(float) && float as i64 == number
    }

    /// The bounds that hold whatever stands at other keys: all that a schema can know, which sees one key at a time.
    pub(crate) fn anywhere(&self) -> (Bound, Bound) {
        (self.low, self.high)
    }

    /// The upper bound in this file.
    fn high(&self) -> Bound {
        match self.high_here {
            Some(value) if value < self.high.value => Bound { value, included: true },
            _ => self.high,
        }
    }

    /// Whether `number` is one of them. Not-a-number never is.
    pub(crate) fn has(&self, number: f64) -> bool {
        let low = if self.low.included { self.low.value <= number } else { self.low.value < number };
        let most = self.high();
        let high = if most.included { number <= most.value } else { number < most.value };
        low && high
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = if self.low.included { "at least" } else { "above" };
        let most = self.high();
        let high = if most.included { "at most" } else { "below" };
        write!(f, "{low} {} and {high} {}", self.low.value, most.value)
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
        let last = 1 << 53;
        assert_eq!([last, last + 1, last + 2].map(|seed| Allowed::SEED.has_whole(seed)), [true, false, false]);
    }

    #[test]
    fn what_stands_at_other_keys_can_only_lower_the_upper_bound() {
        let count = Allowed::between(2.0, 1024.0, "");
        assert_eq!(count.here_at_most(8.0).to_string(), "at least 2 and at most 8");
        assert_eq!(count.here_at_most(1e9).to_string(), "at least 2 and at most 1024");
        assert_eq!([8.0, 9.0].map(|number| count.here_at_most(8.0).has(number)), [true, false]);
        assert_eq!(count.here_at_most(8.0).anywhere().1.value, 1024.0);
    }
}
