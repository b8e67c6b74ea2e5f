//! How playing and learning share the machine: in turns, or side by side.

use std::thread;

use rl::settings::Device;
use serde::Serialize;

use crate::setup::Setup;

/// How they share it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// Updates by which the weights that play a step may be behind those that learn from it; 0: they take turns.
    pub staleness_max: u32,
    /// Threads of the tensor library that compute at once on a CPU, at most.
    pub threads: usize,
    /// Cores of this machine; `None` if it does not tell.
    pub cores: Option<usize>,
    /// What that comes to.
    pub words: Vec<String>,
}

impl Overlap {
    /// Of a run.
    #[must_use]
    pub fn of(setup: &Setup) -> Overlap {
        let limits = &setup.settings.limits;
        let models = setup.learning().iter().filter(|(_, learns)| **learns).count();
        let cores = thread::available_parallelism().ok().map(usize::from);
        Overlap::on(cores, setup.settings.grpo.staleness_max, models * limits.threads, limits.device)
    }

    /// On a machine of so many cores, with so many threads to a side.
    fn on(cores: Option<usize>, staleness_max: u32, of_side: usize, device: Device) -> Overlap {
        let sides = if staleness_max > 0 { 2 } else { 1 };
        let threads = sides * of_side;
        let mut words = order(staleness_max);
        if matches!(device, Device::Cpu | Device::Auto) {
            words.push(on_cpu(cores, staleness_max, of_side));
        }
        if staleness_max > 0 && matches!(device, Device::Cuda | Device::Auto) {
            words.push(
                "on a GPU both sides share it: what is gained is the time in which either leaves it idle".to_owned(),
            );
        }
        Overlap { staleness_max, threads, cores, words }
    }
}

/// What is done when.
fn order(staleness_max: u32) -> Vec<String> {
    let late = match staleness_max {
        0 => return vec!["in turns: a step is played, then it is learned from".to_owned()],
        1 => "the update of the step before".to_owned(),
        more => format!("the updates of the {more} steps before"),
    };
    let mut words = vec![
        format!(
            "side by side: while step s is learned from, step s + {staleness_max} is played with a copy of the weights from before"
        ),
        format!("so what a step is played with lacks {late}, whoever is faster; the first steps lack fewer"),
    ];
    if staleness_max > 1 {
        words.push("a lag of 1 is as fast: the two sides wait for each other at every step".to_owned());
    }
    words
}

/// Whether there are cores enough.
fn on_cpu(cores: Option<usize>, staleness_max: u32, of_side: usize) -> String {
    let threads = if staleness_max > 0 { 2 * of_side } else { of_side };
    let here = match cores {
        None => "on cores that are not known".to_owned(),
        Some(1) => "on 1 core here".to_owned(),
        Some(cores) => format!("on {cores} cores here"),
    };
    let verdict = match cores {
        None => "",
        Some(cores) if staleness_max == 0 && cores >= 2 * of_side => {
            ": enough for both sides at once (`grpo.staleness_max = 1`)"
        }
        Some(_) if staleness_max == 0 => "",
        Some(cores) if cores >= threads => ": each side has its own",
        Some(_) => ": too few, so the sides slow each other down and little is gained",
    };
    format!("on a CPU at most {threads} threads compute at once, {here}{verdict}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cores: usize, staleness_max: u32, device: Device, threads: usize, last: &str) {
        let overlap = Overlap::on(Some(cores), staleness_max, 2, device);
        assert_eq!(overlap.threads, threads);
        assert!(overlap.words.last().expect("there are words").contains(last), "{:?}", overlap.words);
    }

    #[test]
    fn each_side_has_the_threads_that_one_has_alone() {
        check(2, 0, Device::Cpu, 2, "at most 2 threads compute at once, on 2 cores here");
        check(8, 0, Device::Cpu, 2, "enough for both sides at once");
        check(4, 1, Device::Cpu, 4, "each side has its own");
        check(2, 1, Device::Cpu, 4, "too few");
        check(2, 1, Device::Cuda, 4, "on a GPU both sides share it");
        check(2, 0, Device::Cuda, 2, "in turns");
    }

    #[test]
    fn how_late_it_is_is_said_in_steps() {
        let words = |staleness_max| Overlap::on(None, staleness_max, 1, Device::Cpu).words.join("\n");
        assert!(words(1).contains("step s + 1 is played") && words(1).contains("lacks the update of the step before,"));
        assert!(
            words(3).contains("lacks the updates of the 3 steps before,") && words(3).contains("a lag of 1 is as fast")
        );
        assert!(words(1).ends_with("on cores that are not known"));
    }
}
