//! The parameters of a request, taken one by one, so that what nobody takes is known: a parameter without effect is a mistake.

use std::ops::RangeInclusive;

use serde_json::Map;
use serde_json::Value;

use crate::Problem;

/// A request's body. `null` is the same as nothing.
#[derive(Debug)]
pub struct Fields {
    values: Map<String, Value>,
}

impl Fields {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Problem`] 400 if it is no JSON object.
    pub fn read(body: &[u8]) -> Result<Fields, Problem> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(values)) => Ok(Fields { values }),
            Ok(_) => Err(Problem::unreadable("the body is not a JSON object")),
            Err(error) => Err(Problem::unreadable(format!("the body is not JSON: {error}"))),
        }
    }

    /// A parameter, if it is given.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name).filter(|value| !value.is_null())
    }

    /// A text.
    ///
    /// # Errors
    /// [`Problem`] 400, here and below, if it is something else.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::invalid(name, format!("`{name}` is not a text"))),
        }
    }

    /// Yes or no; no unless given.
    pub fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Problem::invalid(name, format!("`{name}` is neither true nor false"))),
        }
    }

    /// A number.
    pub fn number(&mut self, name: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| range.contains(number));
        let what = || format!("`{name}` is not a number from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(|| Problem::invalid(name, what()))
    }

    /// A whole number.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_i64().filter(|number| range.contains(number));
        let what = || format!("`{name}` is not a whole number from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(|| Problem::invalid(name, what()))
    }

    /// A list.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(_) => Err(Problem::invalid(name, format!("`{name}` is not a list"))),
        }
    }

    /// A parameter that may stand there with the value that changes nothing, and with no other.
    pub fn neutral(&mut self, name: &str, is_neutral: impl Fn(&Value) -> bool) -> Result<(), Problem> {
        match self.take(name) {
            Some(value) if !is_neutral(&value) => {
                let what = format!("`{name}` is not supported here but with the value that changes nothing");
                Err(Problem::invalid(name, what).coded("unsupported_parameter"))
            }
            _ => Ok(()),
        }
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), Problem> {
        match self.values.into_iter().find(|(_, value)| !value.is_null()) {
            None => Ok(()),
            Some((name, _)) => {
                let what = format!("`{name}` is not a parameter of this request");
                Err(Problem::invalid(&name, what).coded("unknown_parameter"))
            }
        }
    }
}
