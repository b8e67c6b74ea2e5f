//! Functions with the point at which they are asked for, in the form of UserRL's release: `functions.json` (spec userrl §2.1, §7.4).

use serde::Deserialize;
use serde::Serialize;

use super::Class;
use super::Expression;

/// How far a stated result may lie from the computed one.
const RESULT_TOLERANCE: f64 = 1e-6;

/// One function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its id in its release.
    pub id: String,
    /// An expression in a, b, c and d.
    pub rule: String,
    /// The point at which its value is asked for.
    pub test_case: [f64; 4],
    /// Its value there.
    pub expected_result: f64,
}

/// An item with what is derived from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The item.
    pub item: Item,
    /// Its rule, read.
    pub rule: Expression,
    /// Which function it is.
    pub class: Class,
}

/// Why an item cannot be played.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ItemError {
    /// Its rule cannot be read.
    #[error("function `{id}`: {error}")]
    Rule {
        /// The item.
        id: String,
        /// What is wrong.
        error: super::expression::NotRead,
    },
    /// It is not known how to tell it from others.
    #[error(
        "function `{id}`: `{rule}` must have each of a, b, c and d at most once, and numbers only as whole exponents from 1 to 9"
    )]
    Kind {
        /// The item.
        id: String,
        /// Its rule.
        rule: String,
    },
    /// Its result is another one.
    #[error("function `{id}`: `{rule}` gives {found} at its test case, and not {expected}")]
    Result {
        /// The item.
        id: String,
        /// Its rule.
        rule: String,
        /// What the rule gives.
        found: String,
        /// What the item says.
        expected: f64,
    },
}

impl Entry {
    /// Reads the rule and checks the result.
    ///
    /// # Errors
    /// [`ItemError`] if the item cannot be played.
    pub fn of(item: Item) -> Result<Entry, ItemError> {
        let (id, text) = (item.id.clone(), item.rule.clone());
        let rule = Expression::read(&text).map_err(|error| ItemError::Rule { id: id.clone(), error })?;
        let class = Class::of(&rule).ok_or_else(|| ItemError::Kind { id: id.clone(), rule: text.clone() })?;
        let found = match rule.value(&item.test_case) {
            Ok(value) if (value - item.expected_result).abs() <= RESULT_TOLERANCE => {
                return Ok(Entry { item, rule, class });
            }
            Ok(value) => value.to_string(),
            Err(undefined) => format!("nothing ({undefined})"),
        };
        Err(ItemError::Result { id, rule: text, found, expected: item.expected_result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(rule: &str, expected_result: f64) -> Item {
        Item { id: "func-1".to_owned(), rule: rule.to_owned(), test_case: [2.0, 3.0, 5.0, 7.0], expected_result }
    }

    #[test]
    fn an_item_is_read_as_the_release_writes_it() {
        let text =
            r#"{"id": "func-1", "rule": "c * (a * b) * d", "test_case": [3, 5, 5, 3], "expected_result": 225.0}"#;
        let item: Item = serde_json::from_str(text).unwrap();
        assert_eq!(item.test_case, [3.0, 5.0, 5.0, 3.0]);
        assert_eq!(Entry::of(item.clone()).unwrap().item, item);
        assert_eq!(serde_json::from_str::<Item>(&serde_json::to_string(&item).unwrap()).unwrap(), item);
        assert!(serde_json::from_str::<Item>(&text.replace("[3, ", "[")).is_err(), "three numbers");
    }

    #[test]
    fn an_item_that_cannot_be_played_says_why() {
        assert!(Entry::of(item("a + b * c - d", 10.0)).is_ok());
        for (rule, result, why) in [
            ("a + b * c - d", 9.0, "gives 10 at its test case, and not 9"),
            ("a / (b - c + e)", 1.0, "is no expression"),
            ("a + a", 4.0, "at most once"),
            ("d ** d", 1.0, "at most once"),
            ("a + b + 1", 6.0, "at most once"),
        ] {
            let error = Entry::of(item(rule, result)).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("func-1"), "{error}");
        }
        let nothing = Entry::of(Item { test_case: [0.0; 4], ..item("a / b", 0.0) }).unwrap_err();
        assert!(nothing.to_string().contains("gives nothing (it divides by zero)"), "{nothing}");
        let nan = Entry::of(item("a", f64::NAN)).unwrap_err();
        assert!(nan.to_string().contains("and not NaN"), "{nan}");
    }
}
