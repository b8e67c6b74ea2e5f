//! What an agent remembers of a talk: who the customer is, what it wants, and what tools answered.

use super::super::Call;
use super::super::Domain;
use super::super::Value;
use super::super::tools;
use super::super::view::AgentView;
use super::super::view::Exchange;
use super::super::view::What;
use super::super::wish;
use super::super::wish::Identity;
use super::super::wish::Wish;
use super::super::world::is_yes;
use super::is_said;
use super::proposal;

/// A talk as an agent remembers it.
pub(super) struct Memory<'a> {
    view: &'a AgentView,
    /// The calls of the talk with their places in the log.
    calls: Vec<(usize, Call)>,
}

impl<'a> Memory<'a> {
    pub(super) fn of(view: &'a AgentView) -> Memory<'a> {
        let called = view.log.iter().enumerate().filter(|(_, exchange)| exchange.what == What::Called);
        let calls = called.filter_map(|(at, exchange)| Some((at, Call::read(&exchange.content).ok()?))).collect();
        Memory { view, calls }
    }

    fn log(&self) -> &'a [Exchange] {
        &self.view.log
    }

    fn replies(&self) -> impl DoubleEndedIterator<Item = (usize, &'a str)> {
        let said = self.log().iter().enumerate().filter(|(_, exchange)| is_said(exchange.what));
        said.map(|(at, exchange)| (at, exchange.reply.as_ref()))
    }

    /// Who the customer last said it is.
    pub(super) fn identity(&self) -> Option<Identity> {
        self.replies().rev().find_map(|(_, reply)| Identity::read(reply))
    }

    /// The customer's id: an airline's customer says it, a shop's is looked up.
    pub(super) fn user(&self) -> Option<String> {
        if self.view.domain == Domain::Airline {
            return self.identity()?.user_id;
        }
        let found = self.calls.iter().rev().filter(|(_, call)| call.name.starts_with("find_user_id"));
        let mut found = found.map(|(at, _)| self.log()[*at].reply.as_ref());
        found.find(|reply| !reply.starts_with("Error")).map(str::to_owned)
    }

    /// All calls of tools whose name begins so.
    pub(super) fn lookups(&self, name: &str) -> Vec<Call> {
        self.calls.iter().map(|(_, call)| call).filter(|call| call.name.starts_with(name)).cloned().collect()
    }

    /// What the customer wants now, and where in the log it was said: one place after the reply.
    pub(super) fn wish(&self) -> Option<(usize, Wish)> {
        self.replies().rev().find_map(|(at, reply)| Some((at + 1, wish::read(reply)?)))
    }

    /// How often the agent has said this since a place of the log.
    pub(super) fn said_since(&self, at: usize, words: &str) -> usize {
        let said = self.log()[at..].iter().filter(|exchange| is_said(exchange.what));
        said.filter(|exchange| exchange.content.contains(words)).count()
    }

    /// What came of the wish since it was said: a change was made, or a tool refused it, or a question was answered.
    pub(super) fn settled_since(&self, at: usize) -> Option<&'static str> {
        let since = || self.calls.iter().filter(|(place, call)| *place >= at && tools::writes(self.view.domain, call));
        let refused = |place: usize| self.log()[place].reply.starts_with("Error");
        if since().any(|(place, _)| !refused(*place)) {
            return Some("That is done.");
        }
        since().next().map(|_| "I am sorry, that is not possible.")
    }

    /// Whether the customer said yes to this change, the last time it was asked; `None` if it was not asked last.
    pub(super) fn confirmed(&self, write: &Call) -> Option<bool> {
        let last = self.log().last().filter(|exchange| is_said(exchange.what))?;
        (last.content.as_ref() == proposal(write)).then(|| is_yes(&last.reply))
    }

    /// What a tool answered last to this call, since the last change; a call that was never made is `Err` of it.
    pub(super) fn known(&self, call: &Call) -> Result<Value, Call> {
        let wrote = self.calls.iter().rev().find(|(_, call)| tools::writes(self.view.domain, call));
        let since = wrote.map_or(0, |(at, _)| *at);
        let mut found = self.calls.iter().rev().filter(|(at, known)| *at >= since && known == call);
        let reply = found.next().map(|(at, _)| &self.log()[*at].reply).ok_or_else(|| call.clone())?;
        // What a tool refused is known, too: it is nothing.
        Ok(serde_json::from_str(reply).unwrap_or(Value::Null))
    }
}
