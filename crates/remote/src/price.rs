//! What a model costs.

use std::str::FromStr;

use crate::chat::Usage;

/// Dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Of what the model reads.
    pub read: f64,
    /// Of what it writes, thought included.
    pub written: f64,
}

impl Price {
    /// What so many tokens cost, in dollars.
    #[must_use]
    pub fn of(&self, usage: Usage) -> f64 {
        (usage.prompt_tokens as f64 * self.read + usage.completion_tokens as f64 * self.written) / 1e6
    }
}

/// Reads `READ,WRITTEN`, each at least 0: `2.5,10`.
impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Price, String> {
        let dollars = |text: &str| text.trim().parse().ok().filter(|price: &f64| price.is_finite() && *price >= 0.0);
        let (read, written) = text.split_once(',').unwrap_or((text, ""));
        match (dollars(read), dollars(written)) {
            (Some(read), Some(written)) => Ok(Price { read, written }),
            _ => Err(format!("`{text}` is no price: two amounts in dollars for a million tokens, read and written")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_for_a_million_tokens_of_either_kind() {
        let price: Price = "2.5, 10".parse().unwrap();
        let dollars = price.of(Usage { prompt_tokens: 2_000_000, completion_tokens: 100_000 });
        assert!((dollars - 6.0).abs() < 1e-12);
        for bad in ["", "2", "2,x", "-1,2", "nan,1", "1,inf"] {
            assert!(bad.parse::<Price>().is_err(), "{bad}");
        }
    }
}
