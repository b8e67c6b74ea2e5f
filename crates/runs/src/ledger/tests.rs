use proptest::prelude::*;

use super::*;
use crate::testing::full_record;
use crate::testing::id;
use crate::testing::small_record;

#[test]
fn each_way_of_closing_is_counted_where_it_belongs() {
    let mut ledger = Ledger::default();
    for member in 1..=4 {
        ledger.open(id(1, 0, member)).unwrap();
    }
    ledger.close(id(1, 0, 2), Closed::Recorded).unwrap();
    ledger.close(id(1, 0, 1), Closed::Faulted).unwrap();
    ledger.close(id(1, 0, 4), Closed::Lost).unwrap();
    assert_eq!(ledger.totals(), Totals { opened: 4, recorded: 2, faulted: 1, lost: 1 });
    assert_eq!(ledger.open_ids().collect::<Vec<_>>(), [id(1, 0, 3)]);
}

#[test]
fn a_record_with_a_fault_closes_as_faulted() {
    assert_eq!(Closed::with(&small_record(id(1, 1, 1), 1)), Closed::Recorded);
    assert_eq!(Closed::with(&full_record(id(1, 1, 1))), Closed::Faulted);
}

#[test]
fn closing_twice_opening_twice_and_closing_a_stranger_are_errors_that_change_nothing() {
    let mut ledger = Ledger::default();
    ledger.open(id(1, 0, 1)).unwrap();
    ledger.open(id(1, 0, 2)).unwrap();
    ledger.close(id(1, 0, 2), Closed::Lost).unwrap();
    let before = ledger.clone();
    assert_eq!(ledger.open(id(1, 0, 1)), Err(LedgerError::OpenedTwice(id(1, 0, 1))));
    assert_eq!(ledger.open(id(1, 0, 2)), Err(LedgerError::OpenedTwice(id(1, 0, 2))));
    assert_eq!(ledger.close(id(1, 0, 2), Closed::Recorded), Err(LedgerError::ClosedTwice(id(1, 0, 2))));
    assert_eq!(ledger.close(id(1, 0, 3), Closed::Recorded), Err(LedgerError::NeverOpened(id(1, 0, 3))));
    assert_eq!(ledger, before);
}

#[test]
fn a_settled_ledger_is_small_and_still_knows_who_has_been_there() {
    let mut ledger = Ledger::default();
    for group in 0..100 {
        ledger.open(id(1, group, 1)).unwrap();
        ledger.close(id(1, group, 1), Closed::Recorded).unwrap();
    }
    ledger.settle().unwrap();
    assert!(serde_json::to_string(&ledger).unwrap().len() < 300);
    assert_eq!(ledger.open(id(1, 42, 1)), Err(LedgerError::OpenedTwice(id(1, 42, 1))));
    assert_eq!(ledger.close(id(1, 99, 1), Closed::Lost), Err(LedgerError::ClosedTwice(id(1, 99, 1))));
    // Another phase has its own order.
    ledger.open(EpisodeId { phase: Phase::Eval, ..id(0, 0, 1) }).unwrap();
    ledger.open(id(2, 0, 1)).unwrap();
}

#[test]
fn books_with_an_open_episode_are_not_settled() {
    let mut ledger = Ledger::default();
    ledger.open(id(1, 7, 1)).unwrap();
    ledger.open(id(1, 3, 1)).unwrap();
    assert_eq!(ledger.settle(), Err(LedgerError::StillOpen { count: 2, first: id(1, 3, 1) }));
}

proptest! {
    #[test]
    fn the_account_balances_and_survives_json_after_any_sequence(ops in prop::collection::vec((0..3u8, 0..12u32, 0..3u8), 0..200)) {
        let mut ledger = Ledger::default();
        // What each id should be: 0 unknown, 1 open, 2 closed.
        let mut model = [0u8; 12];
        let mut closed = 0;
        for (op, at, how) in ops {
            let (id, state) = (id(1, at, 1), &mut model[at as usize]);
            let how = [Closed::Recorded, Closed::Faulted, Closed::Lost][how as usize];
            if op == 0 {
                prop_assert_eq!(ledger.open(id).is_ok(), *state == 0);
                *state = (*state).max(1);
            } else {
                let was_open = *state == 1;
                prop_assert_eq!(ledger.close(id, how).is_ok(), was_open);
                closed += u64::from(was_open);
                *state = if was_open { 2 } else { *state };
            }
            let totals = ledger.totals();
            prop_assert_eq!(totals.recorded + totals.lost, closed);
            prop_assert_eq!(totals.opened, closed + ledger.open_count() as u64);
            prop_assert!(totals.faulted <= totals.recorded);
        }
        let json = serde_json::to_string(&ledger).unwrap();
        prop_assert_eq!(serde_json::from_str::<Ledger>(&json).unwrap(), ledger);
    }
}
