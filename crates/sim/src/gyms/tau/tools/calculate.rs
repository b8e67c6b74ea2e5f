//! Arithmetic on a line of text, with Python's signs and their ranks.

use super::super::python;
use super::super::value::cents;

/// How deep brackets and powers may be nested.
const DEPTH_MAX: u32 = 64;
/// Longest expression, in bytes.
const BYTES_MAX: usize = 4096;

/// The value of an expression, to two places.
///
/// # Errors
/// Why it has none.
pub fn calculate(expression: &str) -> Result<String, String> {
    if !expression.chars().all(|c| "0123456789+-*/(). ".contains(c)) {
        return Err("invalid characters in expression".to_owned());
    }
    if expression.len() > BYTES_MAX {
        return Err(format!("an expression has at most {BYTES_MAX} bytes"));
    }
    let mut reader = Reader { rest: expression, depth: 0 };
    let value = reader.sum()?;
    reader.skip();
    if !reader.rest.is_empty() {
        return Err("invalid syntax".to_owned());
    }
    if !value.is_finite() {
        return Err("the result is too large".to_owned());
    }
    Ok(python::float(cents(value)))
}

struct Reader<'a> {
    rest: &'a str,
    depth: u32,
}

impl Reader<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes a sign, if it comes next.
    fn takes(&mut self, sign: &str) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        loop {
            if self.takes("+") {
                value += self.product()?;
            } else if self.takes("-") {
                value -= self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.signed()?;
        loop {
            if self.takes("//") {
                value = (value / divisor(self.signed()?)?).floor();
            } else if self.takes("/") {
                value /= divisor(self.signed()?)?;
            } else if self.takes("*") {
                value *= self.signed()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn signed(&mut self) -> Result<f64, String> {
        let mut sign = 1.0;
        loop {
            if self.takes("-") {
                sign = -sign;
            } else if !self.takes("+") {
                return Ok(sign * self.power()?);
            }
        }
    }

    /// A power binds closer than a sign before it, and less than one after it.
    fn power(&mut self) -> Result<f64, String> {
        let base = self.atom()?;
        if !self.takes("**") {
            return Ok(base);
        }
        self.deeper(Reader::signed).map(|exponent| base.powf(exponent))
    }

    fn atom(&mut self) -> Result<f64, String> {
        if self.takes("(") {
            let value = self.deeper(Reader::sum)?;
            return if self.takes(")") { Ok(value) } else { Err("'(' was never closed".to_owned()) };
        }
        let length = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(length);
        self.rest = rest;
        number.parse().map_err(|_| "invalid syntax".to_owned())
    }

    fn deeper(&mut self, read: fn(&mut Self) -> Result<f64, String>) -> Result<f64, String> {
        if self.depth == DEPTH_MAX {
            return Err("too many nested brackets".to_owned());
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }
}

fn divisor(value: f64) -> Result<f64, String> {
    if value == 0.0 { Err("division by zero".to_owned()) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_have_the_value_that_python_gives_them() {
        let rows = [
            ("152 + 103", "255.0"),
            ("(6 - 4) + (13 - 6) + (16 - 13)", "12.0"),
            ("2 - -3 * .5", "3.5"),
            ("7 // 2 * 2 / 3", "2.0"),
            ("-7 // 2", "-4.0"),
            ("-2 ** 2 ** 3", "-256.0"),
            ("2 ** -1", "0.5"),
            ("1 / 3", "0.33"),
            ("0.1 + 0.2", "0.3"),
            ("10 ** 20", "1e+20"),
        ];
        for (expression, expected) in rows {
            assert_eq!(calculate(expression).as_deref(), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn what_has_no_value_is_an_error() {
        let deep = "(".repeat(4000);
        let long = "1+".repeat(4000);
        let signs = "-".repeat(4000);
        let powers = format!("{}2", "2**".repeat(1000));
        for expression in [
            "",
            "1 +",
            "1 2",
            "()",
            "1 / 0",
            "1 // (1-1)",
            "9 ** 9 ** 9",
            "import os",
            "1..2",
            &deep,
            &long,
            &signs,
            &powers,
        ] {
            assert!(calculate(expression).is_err(), "{expression:.20}");
        }
    }
}
