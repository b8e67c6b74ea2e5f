//! What a player can conclude who knows how rules are made: which functions fit what it was told.
//!
//! All functions that have each variable once, up to two squares and powers of variables only, are kept with their values at the first
//! points that scripts ask about, in order. So what fits the first reply is found by bisection, and the rest is tried one by one.
//!
//! ```text
//!  for each set of variables, from small to large: every way to split it, to join both sides, to square the whole; a function that has
//!  the values of a simpler one at two odd points is left out
//! ```

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::expression::Operator;
use super::view::Probe;

/// Where scripts ask first. The first list is told in broken numbers, whose values say most.
pub const POINTS: [[[f64; 4]; 5]; 2] = [
    [[7.3, 5.9, 3.7, 2.3], [2.3, 7.9, 5.3, 3.1], [1.3, 1.7, 1.9, 1.1], [9.7, 2.3, 1.1, 6.1], [1.9, 1.1, 2.7, 3.3]],
    [[2.0, 3.0, 5.0, 7.0], [3.0, 2.0, 5.0, 7.0], [7.0, 5.0, 2.0, 3.0], [2.0, 5.0, 3.0, 2.0], [1.0, 2.0, 3.0, 4.0]],
];

/// Where functions are told apart.
const ODD_POINTS: [[f64; 4]; 2] = [[1.3171, 1.7394, 2.0913, 1.1537], [1.913, 1.171, 1.337, 2.219]];

/// Most squares of a function that is known.
const SQUARES_MAX: u8 = 2;

/// All functions known.
#[derive(Debug)]
pub struct Known {
    nodes: Vec<Node>,
    /// Of all four variables.
    functions: Vec<Function>,
    /// For each list of [`POINTS`], the functions in the order of their values at its first: undefined ones last.
    ordered: [Vec<(f64, u32)>; 2],
}

/// One function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    node: u32,
    /// How many squares stand in it, from 0 to 2.
    pub squares: u8,
}

/// How it is put together; numbers are places in [`Known::nodes`].
#[derive(Clone, Copy, Debug)]
enum Node {
    Variable(u8),
    Square(u32),
    Joined(Operator, u32, u32),
}

/// The values at the odd points, to nine digits.
type Signature = [u64; 2];

static KNOWN: OnceLock<Known> = OnceLock::new();

/// All functions known; they are found once.
#[must_use]
pub fn known() -> &'static Known {
    KNOWN.get_or_init(Known::find)
}

impl Known {
    fn find() -> Known {
        let mut known = Known { nodes: Vec::new(), functions: Vec::new(), ordered: [Vec::new(), Vec::new()] };
        let mut by_set: Vec<Vec<Found>> = vec![Vec::new(); 16];
        for size in 1..=4 {
            for set in (1..16u8).filter(|set| set.count_ones() == size) {
                by_set[usize::from(set)] = known.over(set, &by_set);
            }
        }
        known.functions =
            by_set[15].iter().map(|found| Function { node: found.node, squares: found.squares }).collect();
        known.ordered = std::array::from_fn(|list| known.in_order(&POINTS[list][0]));
        known
    }

    /// All functions over a set of variables, given those over smaller ones.
    fn over(&mut self, set: u8, by_set: &[Vec<Found>]) -> Vec<Found> {
        let mut level = Level { found: BTreeMap::new() };
        if set.count_ones() == 1 {
            let index = set.trailing_zeros() as u8;
            let at = ODD_POINTS.map(|point| point[usize::from(index)]);
            level.add(self, Node::Variable(index), 0, at);
        }
        for part in (1..set).filter(|part| part & !set == 0) {
            for left in &by_set[usize::from(part)] {
                for right in &by_set[usize::from(set ^ part)] {
                    level.join(self, left, right, part < set ^ part);
                }
            }
        }
        for _ in 0..SQUARES_MAX {
            let roots: Vec<Found> = level.found.values().copied().collect();
            for root in roots.iter().filter(|root| root.squares < SQUARES_MAX) {
                level.add(self, Node::Square(root.node), root.squares + 1, root.at.map(|value| value * value));
            }
        }
        level.found.into_values().collect()
    }

    fn in_order(&self, point: &[f64; 4]) -> Vec<(f64, u32)> {
        let value = |function: &Function| self.value(*function, point).unwrap_or(f64::INFINITY);
        let mut ordered: Vec<(f64, u32)> = self.functions.iter().map(value).zip(0..).collect();
        ordered.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        ordered
    }

    /// All functions.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// A function's value; `None` where it has none.
    #[must_use]
    pub fn value(&self, function: Function, at: &[f64; 4]) -> Option<f64> {
        self.at_node(function.node, at)
    }

    fn at_node(&self, node: u32, at: &[f64; 4]) -> Option<f64> {
        match self.nodes[node as usize] {
            Node::Variable(index) => Some(at[usize::from(index)]),
            Node::Square(root) => {
                let value = self.at_node(root, at)?;
                Operator::Multiply.apply(value, value).ok()
            }
            Node::Joined(operator, left, right) => {
                operator.apply(self.at_node(left, at)?, self.at_node(right, at)?).ok()
            }
        }
    }

    /// The functions that fit all replies, the simplest first.
    #[must_use]
    pub fn fitting(&self, probes: &[Probe]) -> Vec<Function> {
        let first = probes.first().and_then(|probe| {
            let list = POINTS.iter().position(|points| points[0] == probe.at)?;
            Some(self.near(list, probe.value.unwrap_or(f64::INFINITY)))
        });
        let fits = |function: &Function| {
            probes.iter().all(|probe| is_told(self.value(*function, &probe.at), probe.value.ok()))
        };
        let mut fitting: Vec<Function> = match first {
            Some(near) => near.iter().map(|(_, number)| self.functions[*number as usize]).filter(fits).collect(),
            None => self.functions.iter().copied().filter(fits).collect(),
        };
        fitting.sort_by_key(|function| function.squares);
        fitting
    }

    /// The functions whose value at the first point of a list could be told as `value`.
    fn near(&self, list: usize, value: f64) -> &[(f64, u32)] {
        let ordered = &self.ordered[list];
        let reach = if value.is_finite() { reach(value) } else { 0.0 };
        let start = ordered.partition_point(|(own, _)| *own < value - reach);
        let end = ordered.partition_point(|(own, _)| *own <= value + reach);
        &ordered[start..end]
    }
}

/// How far from a value it may be told: half of the fourth decimal, and what the order of operations does to the last bits.
fn reach(told: f64) -> f64 {
    0.000_051 + told.abs() * 1e-9
}

fn is_told(value: Option<f64>, told: Option<f64>) -> bool {
    match (value, told) {
        (Some(value), Some(told)) => (value - told).abs() <= reach(told),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// A function on the way.
#[derive(Clone, Copy, Debug)]
struct Found {
    node: u32,
    squares: u8,
    /// Its values at the odd points.
    at: [f64; 2],
}

/// The functions over one set of variables, so far.
struct Level {
    found: BTreeMap<Signature, Found>,
}

impl Level {
    /// Both sides joined in every way; what is the same both ways round only if `first`.
    fn join(&mut self, known: &mut Known, left: &Found, right: &Found, first: bool) {
        let squares = left.squares + right.squares;
        if squares > SQUARES_MAX {
            return;
        }
        for operator in [Operator::Add, Operator::Multiply, Operator::Subtract, Operator::Divide, Operator::Power] {
            let both_ways = matches!(operator, Operator::Add | Operator::Multiply);
            let is_tower = operator != Operator::Power || known.can_be_raised(left.node, right.node);
            if (both_ways && !first) || !is_tower {
                continue;
            }
            if let (Ok(one), Ok(other)) =
                (operator.apply(left.at[0], right.at[0]), operator.apply(left.at[1], right.at[1]))
            {
                self.add(known, Node::Joined(operator, left.node, right.node), squares, [one, other]);
            }
        }
    }

    fn add(&mut self, known: &mut Known, node: Node, squares: u8, at: [f64; 2]) {
        let place = known.nodes.len() as u32;
        let signature = at.map(to_nine_digits);
        let simpler = self.found.get(&signature).is_some_and(|other| other.squares <= squares);
        if !simpler {
            known.nodes.push(node);
            self.found.insert(signature, Found { node: place, squares, at });
        }
    }
}

impl Known {
    /// Only a variable is raised, to a variable or to another such power.
    fn can_be_raised(&self, base: u32, exponent: u32) -> bool {
        let is_variable = matches!(self.nodes[base as usize], Node::Variable(_));
        is_variable && matches!(self.nodes[exponent as usize], Node::Variable(_) | Node::Joined(Operator::Power, ..))
    }
}

/// The number's nearest with nine digits or so: what differs in the last bits is one number, unless it lies on an edge.
fn to_nine_digits(number: f64) -> u64 {
    const DROPPED: u32 = 22;
    // An odd offset, since whole and half numbers are the likely edges.
    (number.to_bits() + 1_234_567) >> DROPPED
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Class;
    use super::super::Expression;
    use super::super::numeral;
    use super::*;

    fn expression(known: &Known, node: u32) -> Expression {
        match known.nodes[node as usize] {
            Node::Variable(index) => Expression::Variable(index),
            Node::Square(root) => expression(known, root).squared(),
            Node::Joined(operator, left, right) => {
                Expression::joined(operator, expression(known, left), expression(known, right))
            }
        }
    }

    /// The number was found by another program, in another language, from the identities alone.
    #[test]
    fn all_functions_are_known_and_each_is_another_class() {
        let known = known();
        let classes: BTreeSet<Class> = known
            .functions()
            .iter()
            .map(|function| Class::of(&expression(known, function.node)).expect("each variable stands in it once"))
            .collect();
        assert_eq!(classes.len(), 58_987);
        assert!(
            known.functions().len() < classes.len() + 100,
            "some are there twice, on an edge: {}",
            known.functions().len()
        );
    }

    #[test]
    fn what_fits_is_found_among_all() {
        let known = known();
        let rule = Expression::read("(d ** 2 + a) / b * c").unwrap();
        for points in POINTS {
            let told = |at: [f64; 4]| Probe { at, value: rule.value(&at).map(numeral::rounded) };
            let probes: Vec<Probe> = points.iter().take(3).map(|at| told(*at)).collect();
            let fitting = known.fitting(&probes);
            let found: Vec<String> = fitting.iter().map(|fit| expression(known, fit.node).to_string()).collect();
            let class = Class::of(&rule);
            assert!(fitting.iter().any(|fit| Class::of(&expression(known, fit.node)) == class), "{found:?}");
            // Asked in another order, the same is found without the first point's order.
            let reversed: Vec<Probe> = probes.iter().rev().cloned().collect();
            assert_eq!(known.fitting(&reversed).len(), fitting.len());
        }
    }
}
