//! Tasks of our own making: they can be solved, want something, and share nobody between the splits.

use std::collections::BTreeSet;

use super::super::Ask;
use super::super::Changes;
use super::super::Domain;
use super::super::Library;
use super::super::catalogue;
use super::super::tools;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

fn library(seed: u64) -> Library {
    catalogue::library(ItemCounts { train: 300, held_out: 150, seed }, None)
}

#[test]
fn the_same_seed_makes_the_same_tasks_and_another_one_others() {
    assert_eq!(library(7), library(7));
    assert_ne!(library(7), library(8));
    let text = serde_json::to_string(&library(7)).unwrap();
    assert_eq!(serde_json::from_str::<Library>(&text).unwrap(), library(7));
}

#[test]
fn no_customer_is_in_both_splits() {
    let library = library(7);
    let users = |split| library.of(split).iter().map(|entry| entry.task.user_id.clone()).collect::<BTreeSet<_>>();
    assert!(users(Split::Train).is_disjoint(&users(Split::HeldOut)));
}

#[test]
fn every_task_changes_something_in_both_services_and_some_ask_for_what_is_forbidden() {
    let library = library(7);
    let (mut refused, mut told) = (0, 0);
    for (at, entry) in library.of(Split::Train).iter().enumerate() {
        let base = library.database(entry.task.domain);
        assert_eq!(entry.task.domain, Domain::ALL[at % 2]);
        assert!(!entry.gold.is_same_state(&Changes::default(), base), "{}", entry.task.id);
        assert!(entry.task.actions.iter().all(|call| tools::writes(entry.task.domain, call)));
        assert!((1..=3).contains(&entry.asks.len()), "{:?}", entry.asks);
        refused += entry.asks.iter().filter(|(ask, _)| matches!(ask, Ask::Refuse(_))).count();
        told += entry.task.outputs.len();
    }
    assert!(refused > 50 && told > 30, "{refused} {told}");
}
