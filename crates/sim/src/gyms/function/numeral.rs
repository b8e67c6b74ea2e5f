//! Numbers as UserRL's environment reads and writes them (spec userrl §2.1): found in any text, and written as Python writes floats.

/// The numbers in a text: a minus or none, digits, and a point with more digits or none. Whatever lies between is passed over, so that
/// `1-2` holds 1 and -2. A number beyond 64 bits comes as an infinite one.
pub fn numbers(text: &str) -> impl Iterator<Item = f64> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let digit = rest.find(|c: char| c.is_ascii_digit())?;
        let start = if rest[..digit].ends_with('-') { digit - 1 } else { digit };
        let bytes = rest.as_bytes();
        let past = |from: usize| {
            from + bytes[from..].iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len() - from)
        };
        let whole = past(digit);
        let end = if bytes.get(whole) == Some(&b'.') { past(whole + 1) } else { whole };
        let number = rest[start..end].parse().ok()?;
        rest = &rest[end..];
        Some(number)
    })
}

/// A number as Python's `repr` writes a float: the fewest digits that read back, `1.0` for a whole one, an exponent from 1e16 and below
/// 1e-4 on.
#[must_use]
pub fn written(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..16).contains(&exponent) => format!("{number:?}"),
        Ok(exponent) => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
        Err(_) => scientific,
    }
}

/// A number as it is told: rounded to 4 decimals, halves to the even neighbour.
#[must_use]
pub fn rounded(number: f64) -> f64 {
    format!("{number:.4}").parse().expect("what a number is written as is a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn holds(text: &str, expected: &[f64]) {
        assert_eq!(numbers(text).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn numbers_are_found_as_upstreams_pattern_finds_them() {
        holds("1, 2 and 3.5 4", &[1.0, 2.0, 3.5, 4.0]);
        holds("1-2", &[1.0, -2.0]);
        holds("a=-1.5b--2.", &[-1.5, -2.0]);
        holds("1.2.3 .5", &[1.2, 3.0, 5.0]);
        holds("1e5", &[1.0, 5.0]);
        holds("- 3 \u{2212}4 \u{663} five", &[3.0, 4.0]);
        holds("", &[]);
        holds(&"9".repeat(1_000_000), &[f64::INFINITY]);
    }

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        let texts = [1.0, -2.5, 0.1, 1e15, 1e16, 1.5e16, 0.0001, 0.00001, -0.0, 123_456.789];
        let expected =
            ["1.0", "-2.5", "0.1", "1000000000000000.0", "1e+16", "1.5e+16", "0.0001", "1e-05", "-0.0", "123456.789"];
        assert_eq!(texts.map(written), expected);
    }

    #[test]
    fn rounding_is_to_four_decimals_and_halves_go_to_the_even_neighbour() {
        assert_eq!(
            [2.0 / 3.0, 0.031_25, 0.093_75, -1.000_04, 1e300].map(rounded),
            [0.6667, 0.0312, 0.0938, -1.0, 1e300]
        );
    }
}
