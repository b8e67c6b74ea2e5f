//! What may be spent, and what has been.
//!
//! A budget that is only looked at afterwards is no budget: sixteen requests on their way would all have been let through by the last
//! cent. So each request first reserves the most it can cost, and gives back what it did not need. A request whose cost stays unknown, such
//! as one whose reply never came, is taken to have cost all of it. What is *not* covered: a server that writes more than it was told to.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;

use crate::Limits;
use crate::Price;
use crate::chat::Usage;

/// A budget that does not allow one more request.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Spent {
    /// The requests are used up.
    #[error("the budget of {0} calls is spent")]
    Calls(u64),
    /// Another request could take more tokens than are left.
    #[error("the budget of {0} tokens does not allow another call")]
    Tokens(u64),
    /// Another request could cost more than is left.
    #[error("the budget of ${0} does not allow another call")]
    Dollars(f64),
}

/// What may be spent, shared by all who spend.
#[derive(Debug)]
pub struct Budget {
    calls_max: u64,
    tokens_max: Option<u64>,
    dollars_max: Option<f64>,
    account: Mutex<Account>,
    settled: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    calls: u64,
    tokens: u64,
    dollars: f64,
    /// Of requests on their way.
    reserved: Cost,
}

/// What a request costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cost {
    tokens: u64,
    dollars: f64,
}

impl Cost {
    fn of(usage: Usage, price: Option<Price>) -> Cost {
        Cost { tokens: usage.total(), dollars: price.map_or(0.0, |price| price.of(usage)) }
    }
}

impl Budget {
    /// Nothing spent yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Budget {
        let Limits { calls_max, tokens_max, dollars_max, .. } = *limits;
        Budget { calls_max, tokens_max, dollars_max, account: Mutex::default(), settled: Notify::new() }
    }

    /// Lets a request through that uses at most `bound`. Where it would fit only if others on their way use less than they may, it waits
    /// for them.
    ///
    /// # Errors
    /// [`Spent`] if it does not fit, whatever the others use.
    pub async fn reserve(&self, bound: Usage, price: Option<Price>) -> Result<Hold<'_>, Spent> {
        let cost = Cost::of(bound, price);
        loop {
            // Before the look, so that what is settled in between is not missed.
            let settled = self.settled.notified();
            if self.try_reserve(cost)? {
                return Ok(Hold { budget: self, reserved: cost, price, bound });
            }
            settled.await;
        }
    }

    /// Whether it is reserved now; if not, it may be later.
    fn try_reserve(&self, cost: Cost) -> Result<bool, Spent> {
        let mut account = self.account();
        if account.calls >= self.calls_max {
            return Err(Spent::Calls(self.calls_max));
        }
        let (tokens, dollars) = (account.tokens.saturating_add(cost.tokens), account.dollars + cost.dollars);
        if let Some(max) = self.tokens_max.filter(|max| tokens > *max) {
            return Err(Spent::Tokens(max));
        }
        if let Some(max) = self.dollars_max.filter(|max| dollars > *max) {
            return Err(Spent::Dollars(max));
        }
        let reserved = account.reserved;
        if self.tokens_max.is_some_and(|max| tokens.saturating_add(reserved.tokens) > max)
            || self.dollars_max.is_some_and(|max| dollars + reserved.dollars > max)
        {
            return Ok(false);
        }
        account.calls += 1;
        account.reserved = Cost { tokens: reserved.tokens + cost.tokens, dollars: reserved.dollars + cost.dollars };
        Ok(true)
    }

    fn settle(&self, reserved: Cost, used: Cost) {
        let mut account = self.account();
        account.tokens = account.tokens.saturating_add(used.tokens);
        account.dollars += used.dollars;
        account.reserved.tokens -= reserved.tokens;
        // Sums of fractions: what is left of nothing may be a little less.
        account.reserved.dollars = f64::max(0.0, account.reserved.dollars - reserved.dollars);
        drop(account);
        self.settled.notify_waiters();
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that was let through. Dropped, it has cost the most it could.
#[derive(Debug)]
pub struct Hold<'b> {
    budget: &'b Budget,
    reserved: Cost,
    price: Option<Price>,
    bound: Usage,
}

impl Hold<'_> {
    /// It used so much; `None`: nobody knows, so the most it could. Returns what was charged.
    pub fn settle(mut self, used: Option<Usage>) -> Usage {
        self.bound = used.unwrap_or(self.bound);
        self.bound
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.budget.settle(self.reserved, Cost::of(self.bound, self.price));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    fn usage(tokens: u64) -> Usage {
        Usage { prompt_tokens: tokens, completion_tokens: 0 }
    }

    fn budget(calls_max: u64, tokens_max: Option<u64>, dollars_max: Option<f64>) -> Budget {
        Budget::new(&Limits { calls_max, tokens_max, dollars_max, ..Limits::default() })
    }

    #[tokio::test]
    async fn calls_are_counted_when_they_are_let_through() {
        let budget = budget(2, None, None);
        let first = budget.reserve(usage(5), None).await.unwrap();
        drop(budget.reserve(usage(5), None).await.unwrap());
        assert_eq!(budget.reserve(usage(5), None).await.unwrap_err(), Spent::Calls(2));
        first.settle(Some(usage(0)));
        assert_eq!(budget.reserve(usage(5), None).await.unwrap_err(), Spent::Calls(2));
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_on_their_way_are_waited_for_and_what_was_not_needed_comes_back() {
        let budget = budget(9, Some(100), None);
        let held = budget.reserve(usage(60), None).await.unwrap();
        assert!(timeout(Duration::from_secs(1), budget.reserve(usage(60), None)).await.is_err());
        let (second, _) = tokio::join!(budget.reserve(usage(60), None), async { held.settle(Some(usage(10))) });
        // Nobody knows what it used, so it used all of it: 70 of 100 are gone.
        assert_eq!(second.unwrap().settle(None), usage(60));
        assert_eq!(budget.reserve(usage(31), None).await.unwrap_err(), Spent::Tokens(100));
        budget.reserve(usage(30), None).await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_is_broken_off_has_cost_the_most_it_could() {
        let budget = budget(9, None, Some(1.0));
        let price = Some(Price { read: 10.0, written: 0.0 });
        drop(budget.reserve(usage(90_000), price).await.unwrap());
        assert_eq!(budget.reserve(usage(20_000), price).await.unwrap_err(), Spent::Dollars(1.0));
        budget.reserve(usage(9_000), price).await.unwrap().settle(Some(usage(0)));
    }
}
