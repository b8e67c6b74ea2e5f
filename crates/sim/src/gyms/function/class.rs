//! When two rules are the same function: their algebraic class, as a form that equal ones share.
//!
//! A rule has each variable at most once and no number but in exponents. That leaves few identities, and the form undoes all of them:
//!
//! ```text
//!  order and grouping     sums are sets of signed terms, products are sets of factors with whole exponents
//!  signs                  (a - b) * (c - d) = (b - a) * (d - c): a sum's first term is positive, the sign goes to the product around it
//!  reciprocals            a / (b / c) = a * c / b: exponents of both signs, and none nested
//!  powers                 (a * b) ** 2 = a ** 2 * b ** 2    (a ** b) ** c = a ** (b * c)    a ** -b = 1 / a ** b    (a ** 2) ** b = (a ** b) ** 2
//! ```
//!
//! There is no distributing, since it would need a variable twice. That no identity is missing is not proven but tested: over every rule
//! of up to three variables, and over all those of four that scripts know of, as many forms are found as there are functions by value.
//! Functions count as the same if they agree wherever both are defined and all powers have positive bases.

use std::collections::BTreeMap;

use super::expression::Expression;
use super::expression::Operator;

/// An algebraic class: equal for two rules just if they are the same function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class(Product);

/// A sign and factors with their exponents, none of them 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Product {
    negative: bool,
    factors: BTreeMap<Factor, i32>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Factor {
    Variable(u8),
    /// At least two terms in order, the first positive.
    Sum(Vec<Term>),
    /// What is raised, and a positive exponent that is no number. The base is no single factor with an exponent of its own.
    Power(Product, Product),
}

/// Ordered by its factors, not by its sign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Term {
    factors: BTreeMap<Factor, i32>,
    negative: bool,
}

impl Class {
    /// The class of a rule; `None` if it has a variable twice, or a number that is no whole exponent from 1 to 9, so that it is not known
    /// how to tell.
    #[must_use]
    pub fn of(rule: &Expression) -> Option<Class> {
        let once = rule.occurrences().iter().all(|count| *count <= 1);
        product(rule).filter(|_| once).map(Class)
    }
}

fn product(expression: &Expression) -> Option<Product> {
    match expression {
        Expression::Variable(index) => Some(Product::single(Factor::Variable(*index))),
        Expression::Number(_) => None,
        Expression::Negative(inner) => product(inner).map(Product::negated),
        Expression::Joined(operator, left, right) => joined(*operator, product(left)?, right),
    }
}

fn joined(operator: Operator, left: Product, right: &Expression) -> Option<Product> {
    Some(match (operator, right) {
        (Operator::Power, Expression::Number(whole)) => {
            let known = (1.0..=9.0).contains(whole) && whole.fract() == 0.0;
            left.raised(known.then_some(*whole as i32)?)
        }
        (Operator::Power, exponent) => power(left, product(exponent)?),
        (Operator::Multiply, right) => left.times(product(right)?),
        (Operator::Divide, right) => left.times(product(right)?.raised(-1)),
        (Operator::Add, right) => sum(left, product(right)?),
        (Operator::Subtract, right) => sum(left, product(right)?.negated()),
    })
}

impl Product {
    fn single(factor: Factor) -> Product {
        Product { negative: false, factors: BTreeMap::from([(factor, 1)]) }
    }

    /// No variable is in both, so no factor is.
    fn times(mut self, other: Product) -> Product {
        self.negative ^= other.negative;
        self.factors.extend(other.factors);
        self
    }

    fn negated(self) -> Product {
        Product { negative: !self.negative, ..self }
    }

    fn raised(mut self, exponent: i32) -> Product {
        self.negative &= exponent % 2 != 0;
        self.factors.values_mut().for_each(|own| *own *= exponent);
        self
    }

    /// The only factor, if it is one with exponent 1.
    fn only(&self) -> Option<&Factor> {
        let (factor, exponent) = self.factors.first_key_value()?;
        (self.factors.len() == 1 && *exponent == 1).then_some(factor)
    }
}

fn sum(left: Product, right: Product) -> Product {
    let mut terms = terms(left);
    terms.extend(self::terms(right));
    terms.sort();
    let negative = terms[0].negative;
    terms.iter_mut().for_each(|term| term.negative ^= negative);
    Product { negative, ..Product::single(Factor::Sum(terms)) }
}

/// What a product adds to a sum: its own terms if it is one, else itself.
fn terms(product: Product) -> Vec<Term> {
    match product.only() {
        Some(Factor::Sum(terms)) => {
            let signed = |term: &Term| Term { negative: term.negative ^ product.negative, ..term.clone() };
            terms.iter().map(signed).collect()
        }
        _ => vec![Term { factors: product.factors, negative: product.negative }],
    }
}

/// `base ** exponent`, where whole and negative shares of both stand outside: x ** -e = (x ** e) ** -1, (x ** 2) ** e = (x ** e) ** 2.
fn power(mut base: Product, mut exponent: Product) -> Product {
    let mut outer = if exponent.negative { -1 } else { 1 };
    exponent.negative = false;
    let share = base.factors.values().fold(0, |share, own| gcd(share, own.abs()));
    // (-x) ** 3 = -(x ** 3), but a negative number is no square.
    let share = if base.negative && share % 2 == 0 { 1 } else { share };
    let first = base.factors.values().next().copied().unwrap_or(1);
    let share = share * first.signum();
    base.factors.values_mut().for_each(|own| *own /= share);
    outer *= share;
    let within = match base.only() {
        Some(Factor::Power(inner, first)) if !base.negative => Some((inner.clone(), first.clone())),
        _ => None,
    };
    match within {
        Some((inner, first)) => power(inner, first.times(exponent)).raised(outer),
        None => Product::single(Factor::Power(base, exponent)).raised(outer),
    }
}

fn gcd(a: i32, b: i32) -> i32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::collections::BTreeSet;

    use super::*;

    fn class(rule: &str) -> Class {
        Class::of(&Expression::read(rule).unwrap()).unwrap()
    }

    #[test]
    fn rules_that_are_one_function_have_one_class() {
        for (one, other) in [
            ("a + b - c - d", "-d - (c - a - b)"),
            ("(a - b) * (c - d)", "(d - c) * (b - a)"),
            ("(a - b) ** 2 / c", "(b - a) ** 2 / c"),
            ("a / (b / c) / d", "a * c / (d * b)"),
            ("(a * b / c) ** 2", "b ** 2 / c ** 2 * a ** 2"),
            ("(a ** b) ** c", "a ** (c * b)"),
            ("(a ** 2) ** b + c", "c + (a ** b) ** 2"),
            ("a ** -b * c", "c / a ** b"),
            ("(d / a) ** b", "(a / d) ** -b"),
            ("(-a / d) ** b", "(d / -a) ** -b"),
            ("((a ** b) ** 2) ** c", "(a ** (b * c)) ** 2"),
            ("-(a * -b)", "b * a"),
        ] {
            assert_eq!(class(one), class(other), "{one} and {other}");
        }
    }

    #[test]
    fn rules_that_differ_somewhere_have_different_classes() {
        let rules = [
            "a - b",
            "b - a",
            "a ** b",
            "b ** a",
            "a ** b ** c",
            "(a ** b) ** c",
            "(a + b) ** 2",
            "a ** 2 + b",
            "a ** 2 + b ** 2",
            "a * b + c",
            "a + b * c",
            "a / b",
            "b / a",
            "(a - b) ** c",
            "(b - a) ** c",
        ];
        assert_eq!(rules.iter().map(|rule| class(rule)).collect::<BTreeSet<_>>().len(), rules.len());
    }

    #[test]
    fn a_rule_of_another_kind_has_no_class() {
        for rule in ["a + a", "a + 1", "2 ** a", "a ** 0.5", "a ** 0", "a * (b - b)"] {
            assert_eq!(Class::of(&Expression::read(rule).unwrap()), None, "{rule}");
        }
    }

    /// Every rule in which each of these variables stands once: all five operators, each part squared or not.
    fn all(variables: &[u8]) -> Vec<Expression> {
        let mut rules: Vec<Expression> = match variables {
            [only] => vec![Expression::Variable(*only)],
            _ => Vec::new(),
        };
        for part in 1..(1u32 << variables.len()) - 1 {
            let side = |wanted: bool| -> Vec<u8> {
                let kept = variables.iter().enumerate().filter(|(at, _)| (part >> at & 1 == 1) == wanted);
                kept.map(|(_, variable)| *variable).collect()
            };
            for left in &all(&side(true)) {
                for right in &all(&side(false)) {
                    for operator in OPERATORS {
                        rules.push(Expression::joined(operator, left.clone(), right.clone()));
                    }
                }
            }
        }
        let squares: Vec<Expression> = rules.iter().map(|rule| rule.clone().squared()).collect();
        rules.extend(squares);
        rules
    }

    const OPERATORS: [Operator; 5] =
        [Operator::Add, Operator::Subtract, Operator::Multiply, Operator::Divide, Operator::Power];

    /// Values at a few points; `None` where one is not defined, as where a negative number is raised to a broken power.
    fn values(rule: &Expression) -> Option<Vec<f64>> {
        const POINTS: [[f64; 4]; 4] = [
            [1.317, 1.739, 2.091, 0.0],
            [2.219, 1.171, 1.533, 0.0],
            [1.513, 2.617, 1.209, 0.0],
            [1.871, 1.432, 1.104, 0.0],
        ];
        POINTS.iter().map(|at| rule.value(at).ok()).collect()
    }

    fn are_equal(one: &[f64], other: &[f64]) -> bool {
        one.iter().zip(other).all(|(a, b)| (a - b).abs() <= 1e-9 * a.abs().max(1.0))
    }

    #[test]
    fn over_all_rules_of_three_variables_classes_are_functions() {
        let rules = all(&[0, 1, 2]);
        let mut by_class: BTreeMap<Class, Vec<f64>> = BTreeMap::new();
        for rule in &rules {
            let Some(values) = values(rule) else { continue };
            let class = Class::of(rule).expect("each variable stands in it once");
            let known = by_class.entry(class).or_insert_with(|| values.clone());
            assert!(are_equal(known, &values), "one class, two functions: {rule}");
        }
        // Equal functions would stand side by side.
        let mut functions: Vec<Vec<f64>> = by_class.into_values().collect();
        functions.sort_by(|one, other| one[0].total_cmp(&other[0]));
        let twice = functions.windows(2).find(|pair| are_equal(&pair[0], &pair[1]));
        assert_eq!(twice, None, "one function, two classes");
        assert!(functions.len() > 1000 && rules.len() > 2 * functions.len(), "{} of {}", functions.len(), rules.len());
    }
}
