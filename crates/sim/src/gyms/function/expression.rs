//! Expressions over four variables: read, evaluated and written as Python does it (spec userrl §2.1).
//!
//! ```text
//!  sum      = product (('+' | '-') product)*        from left to right
//!  product  = sign (('*' | '/') sign)*              from left to right
//!  sign     = '-' sign | power                      so -a ** 2 is -(a ** 2)
//!  power    = atom ('**' sign)?                     so a ** b ** c is a ** (b ** c)
//!  atom     = a | b | c | d | number | '(' sum ')'
//! ```

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// Longest expression that is read, in bytes: it bounds how deep one can be.
pub const BYTES_MAX: usize = 300;

/// The names of the variables.
pub const NAMES: [char; 4] = ['a', 'b', 'c', 'd'];

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// One of [`NAMES`], by its index.
    Variable(u8),
    /// A number as written, without a sign.
    Number(f64),
    /// The other way round.
    Negative(Box<Expression>),
    /// Two, joined.
    Joined(Operator, Box<Expression>, Box<Expression>),
}

/// What joins two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `**`
    Power,
}

/// Why an expression has no value at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Undefined {
    /// Something is divided by 0, or 0 has a negative exponent.
    #[error("it divides by zero")]
    DivisionByZero,
    /// Some part is beyond what 64 bits can hold.
    #[error("it is too large")]
    TooLarge,
    /// A negative number has a broken exponent.
    #[error("it is not a real number")]
    NotReal,
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no expression: {why} at character {at}")]
pub struct NotRead {
    /// The text; cut short if it is long.
    pub text: String,
    /// What is missing or wrong there.
    pub why: &'static str,
    /// Where, from 0.
    pub at: usize,
}

impl Operator {
    /// Its value for two numbers.
    ///
    /// # Errors
    /// [`Undefined`], where Python raises, or would go on with an infinite or a complex number.
    pub fn apply(self, left: f64, right: f64) -> Result<f64, Undefined> {
        let value = match self {
            Operator::Add => left + right,
            Operator::Subtract => left - right,
            Operator::Multiply => left * right,
            Operator::Divide if right == 0.0 => return Err(Undefined::DivisionByZero),
            Operator::Divide => left / right,
            Operator::Power => return power(left, right),
        };
        if value.is_finite() { Ok(value) } else { Err(Undefined::TooLarge) }
    }

    fn text(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Power => "**",
        }
    }

    /// How tightly it binds: the higher, the tighter; a sign is 3.
    fn tightness(self) -> u8 {
        match self {
            Operator::Add | Operator::Subtract => 1,
            Operator::Multiply | Operator::Divide => 2,
            Operator::Power => 4,
        }
    }
}

/// Whole exponents up to this one are multiplied out, so that every machine gets the same bits.
const WHOLE_MAX: f64 = 1_000_000.0;

fn power(base: f64, exponent: f64) -> Result<f64, Undefined> {
    if base == 0.0 && exponent < 0.0 {
        return Err(Undefined::DivisionByZero);
    }
    let whole = exponent.fract() == 0.0 && exponent.abs() <= WHOLE_MAX;
    if base < 0.0 && exponent.fract() != 0.0 {
        return Err(Undefined::NotReal);
    }
    let value = if whole { multiplied(base, exponent as i64) } else { base.powf(exponent) };
    if value.is_finite() { Ok(value) } else { Err(Undefined::TooLarge) }
}

/// By squaring.
fn multiplied(base: f64, exponent: i64) -> f64 {
    let (mut product, mut square, mut rest) = (1.0, base, exponent.unsigned_abs());
    while rest > 0 {
        if rest % 2 == 1 {
            product *= square;
        }
        square *= square;
        rest /= 2;
    }
    if exponent < 0 { 1.0 / product } else { product }
}

impl Expression {
    /// Two, joined.
    #[must_use]
    pub fn joined(operator: Operator, left: Expression, right: Expression) -> Expression {
        Expression::Joined(operator, Box::new(left), Box::new(right))
    }

    /// Squared, as the release writes it.
    #[must_use]
    pub fn squared(self) -> Expression {
        Expression::joined(Operator::Power, self, Expression::Number(2.0))
    }

    /// Its value where the variables have these.
    ///
    /// # Errors
    /// [`Undefined`] if it has none there.
    pub fn value(&self, at: &[f64; 4]) -> Result<f64, Undefined> {
        match self {
            Expression::Variable(index) => Ok(at[usize::from(*index)]),
            Expression::Number(number) => Ok(*number),
            Expression::Negative(inner) => inner.value(at).map(|value| -value),
            Expression::Joined(operator, left, right) => operator.apply(left.value(at)?, right.value(at)?),
        }
    }

    /// How often each variable stands in it.
    #[must_use]
    pub fn occurrences(&self) -> [u32; 4] {
        match self {
            Expression::Variable(index) => {
                let mut counts = [0; 4];
                counts[usize::from(*index)] = 1;
                counts
            }
            Expression::Number(_) => [0; 4],
            Expression::Negative(inner) => inner.occurrences(),
            Expression::Joined(_, left, right) => {
                let (left, right) = (left.occurrences(), right.occurrences());
                std::array::from_fn(|index| left[index] + right[index])
            }
        }
    }

    /// Reads what [`Display`](fmt::Display) writes, and whatever else the grammar allows.
    ///
    /// # Errors
    /// [`NotRead`] where it says something else.
    pub fn read(text: &str) -> Result<Expression, NotRead> {
        let mut reader = Reader { text, at: 0 };
        if text.len() > BYTES_MAX {
            return Err(reader.wrong("too much of it"));
        }
        let sum = reader.sum()?;
        reader.skip();
        if reader.at < text.len() { Err(reader.wrong("an operator or the end is missing")) } else { Ok(sum) }
    }

    fn tightness(&self) -> u8 {
        match self {
            Expression::Variable(_) | Expression::Number(_) => 5,
            Expression::Negative(_) => 3,
            Expression::Joined(operator, ..) => operator.tightness(),
        }
    }
}

/// With no more brackets than reading it back needs.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Variable(index) => write!(f, "{}", NAMES[usize::from(*index)]),
            Expression::Number(number) => write!(f, "{number}"),
            Expression::Negative(inner) => bracketed(f, "-", inner, inner.tightness() < 3),
            Expression::Joined(operator, left, right) => {
                let own = operator.tightness();
                // What stands to the left of a power must be an atom; everything else groups to the left.
                let of_power = *operator == Operator::Power;
                bracketed(f, "", left, if of_power { left.tightness() <= own } else { left.tightness() < own })?;
                write!(f, " {} ", operator.text())?;
                bracketed(f, "", right, if of_power { right.tightness() < own } else { right.tightness() <= own })
            }
        }
    }
}

fn bracketed(f: &mut fmt::Formatter<'_>, before: &str, inner: &Expression, brackets: bool) -> fmt::Result {
    if brackets { write!(f, "{before}({inner})") } else { write!(f, "{before}{inner}") }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn sum(&mut self) -> Result<Expression, NotRead> {
        let mut sum = self.product()?;
        loop {
            let operator = if self.takes("+") {
                Operator::Add
            } else if self.takes("-") {
                Operator::Subtract
            } else {
                return Ok(sum);
            };
            sum = Expression::joined(operator, sum, self.product()?);
        }
    }

    fn product(&mut self) -> Result<Expression, NotRead> {
        let mut product = self.sign()?;
        loop {
            let operator = if self.takes("*") {
                Operator::Multiply
            } else if self.takes("/") {
                Operator::Divide
            } else {
                return Ok(product);
            };
            product = Expression::joined(operator, product, self.sign()?);
        }
    }

    fn sign(&mut self) -> Result<Expression, NotRead> {
        if self.takes("-") {
            return Ok(Expression::Negative(Box::new(self.sign()?)));
        }
        let base = self.atom()?;
        if self.takes("**") {
            return Ok(Expression::joined(Operator::Power, base, self.sign()?));
        }
        Ok(base)
    }

    fn atom(&mut self) -> Result<Expression, NotRead> {
        if self.takes("(") {
            let inner = self.sum()?;
            return if self.takes(")") { Ok(inner) } else { Err(self.wrong("a closing bracket is missing")) };
        }
        self.skip();
        let rest = &self.text[self.at..];
        if let Some(index) = rest.chars().next().and_then(|first| NAMES.iter().position(|name| *name == first)) {
            self.at += 1;
            return Ok(Expression::Variable(index as u8));
        }
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        match rest[..digits].parse() {
            Ok(number) if digits > 0 => {
                self.at += digits;
                Ok(Expression::Number(number))
            }
            _ => Err(self.wrong("a variable, a number or a bracket is missing")),
        }
    }

    /// Goes past `sign` if it comes next; `*` is not the half of `**`.
    fn takes(&mut self, sign: &str) -> bool {
        self.skip();
        let rest = &self.text[self.at..];
        let is_next = rest.starts_with(sign) && !(sign == "*" && rest.starts_with("**"));
        self.at += if is_next { sign.len() } else { 0 };
        is_next
    }

    fn skip(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn wrong(&self, why: &'static str) -> NotRead {
        NotRead { text: self.text.chars().take(80).collect(), why, at: self.at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn gives(text: &str, expected: f64) {
        let value = Expression::read(text).unwrap().value(&[2.0, 3.0, 5.0, 7.0]);
        assert_eq!(value, Ok(expected), "{text}");
    }

    #[track_caller]
    fn fails(text: &str, expected: Undefined) {
        assert_eq!(Expression::read(text).unwrap().value(&[2.0, 3.0, 5.0, 7.0]), Err(expected), "{text}");
    }

    #[test]
    fn operators_bind_as_in_python() {
        gives("a + b * c", 17.0);
        gives("(a + b) * c", 25.0);
        gives("d - c - a", 0.0);
        gives("d - (c - a)", 4.0);
        gives("c / a / c", 0.5);
        gives("c / a * d", 17.5);
        gives("a ** b ** a", 512.0);
        gives("(a ** b) ** a", 64.0);
        gives("-a ** 2", -4.0);
        gives("(-a) ** 2", 4.0);
        gives("a ** -1", 0.5);
        gives("--a*-b", -6.0);
        gives("a*b**2/d*c", 2.0 * 9.0 / 7.0 * 5.0);
        gives(" 1.5 * ( a ) ", 3.0);
        gives("c ** (a / (a + a))", 5f64.sqrt());
    }

    #[test]
    fn what_python_refuses_has_no_value() {
        fails("a / (b - b)", Undefined::DivisionByZero);
        fails("(b - b) ** -a", Undefined::DivisionByZero);
        fails("d ** d ** d ** d", Undefined::TooLarge);
        fails("(a - b) ** (a / b)", Undefined::NotReal);
        gives("(a - a) ** (b - b)", 1.0);
        gives("(a - b) ** b", -1.0);
    }

    #[test]
    fn what_is_no_expression_is_told_with_its_place() {
        let at = |text: &str| Expression::read(text).unwrap_err().at;
        assert_eq!([at(""), at("a +"), at("(a"), at("a b"), at("a * * b"), at("e"), at("a)")], [0, 3, 2, 2, 4, 0, 1]);
        assert!(Expression::read("1.2.3").is_err());
        assert!(Expression::read("\u{e9}").is_err());
        assert!(Expression::read(&"(".repeat(1_000_000)).is_err());
        assert!(Expression::read(&format!("{}a{}", "(".repeat(149), ")".repeat(149))).is_ok());
    }

    #[test]
    fn an_expression_is_written_so_that_it_reads_back() {
        for text in
            ["a + b * c - d", "(a - b) * (c + d) ** 2", "a - (b - c) / d", "a ** b ** c", "(a ** b) ** c", "-(a + b)"]
        {
            assert_eq!(Expression::read(text).unwrap().to_string(), text);
        }
        assert_eq!(Expression::read("((a)) * (b * c)").unwrap().to_string(), "a * (b * c)");
        assert_eq!(Expression::read("(-a) ** (-b)").unwrap().to_string(), "(-a) ** (-b)");
    }
}
