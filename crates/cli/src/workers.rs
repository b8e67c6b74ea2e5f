//! A list of work for a few threads.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

/// Does `work` for each entry, up to `jobs` at a time and in the order of the list. The results are in that order too.
pub fn side_by_side<T: Sync, R: Send>(jobs: NonZeroUsize, list: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(list.len()));
    thread::scope(|scope| {
        for _ in 0..jobs.get().min(list.len()) {
            scope.spawn(|| {
                while let Some((at, entry)) = claim(&next, list) {
                    let result = work(entry);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The next entry that nobody works on.
fn claim<'l, T>(next: &AtomicUsize, list: &'l [T]) -> Option<(usize, &'l T)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    list.get(at).map(|entry| (at, entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    fn jobs(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).expect("tests have workers")
    }

    #[test]
    fn results_come_in_the_order_of_the_list() {
        for count in [1, 3, 50] {
            let list: Vec<u32> = (0..20).collect();
            let squares = side_by_side(jobs(count), &list, |n| n * n);
            assert_eq!(squares, list.iter().map(|n| n * n).collect::<Vec<u32>>());
        }
        assert_eq!(side_by_side(jobs(2), &[] as &[u32], |n| *n), Vec::<u32>::new());
    }

    #[test]
    fn so_many_jobs_are_worked_on_at_a_time() {
        // Nobody passes before both are there.
        let meet = Barrier::new(2);
        let leaders = side_by_side(jobs(2), &[(), ()], |()| meet.wait().is_leader());
        assert_eq!(leaders.into_iter().filter(|leads| *leads).count(), 1);
    }
}
