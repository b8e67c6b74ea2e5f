//! Schedules of co-training in words: whom a seat meets, what is played more often, what again.

use rl::curriculum;
use rl::outlook;
use rl::pool::PoolSettings;
use rl::pool::Priority;
use rl::settings::Cotraining;
use rl::settings::GrpoSettings;

/// One line each; none where a run has none of them.
#[must_use]
pub fn words(grpo: &GrpoSettings) -> Vec<String> {
    let Cotraining { pool, curriculum, isolation, difficulty_weight: _ } = &grpo.cotraining;
    let seat = outlook::measured(grpo);
    let mut words = pool.as_ref().map_or_else(Vec::new, of_pool);
    if let Some(curriculum) = curriculum {
        words.push(format!(
            "every {} steps scenarios are weighed anew by the {seat}'s successes: at a share further than {} below {} those that succeed more, above it those that succeed less, else those that were played least",
            curriculum.every,
            curriculum::BAND,
            curriculum.target
        ));
    }
    if let Some(isolation) = isolation {
        words.push(format!(
            "{} of the groups play an item again in which less than half of a group's episodes succeeded for the {seat}, out of the last {}",
            percent(isolation.share),
            isolation.keep
        ));
    }
    if !words.is_empty() {
        words.push(match grpo.staleness_max {
            0 => "a step goes by what came of all steps before it".to_owned(),
            late => format!("a step goes by what came of the steps up to {} before it", late + 1),
        });
    }
    words
}

fn of_pool(pool: &PoolSettings) -> Vec<String> {
    let PoolSettings { latest, history, fixed, every, keep, priority } = pool;
    let share = |part: &f64| percent(part / (latest + history + fixed));
    let often = match priority {
        Priority::Hard => "in proportion to (1 - x)^2, x the share that the seat won against it",
        Priority::Even => "in proportion to x (1 - x), x the share that the seat won against it",
        Priority::Uniform => "all alike",
    };
    vec![
        format!(
            "groups that serve one seat draw whom it meets: {} its partner as it is, {} as it was, {} its fixed opponent",
            share(latest),
            share(history),
            share(fixed)
        ),
        format!(
            "as it was: after step 0 and every {every} steps, the newest {keep}, {often}; those that a step meets are in memory then, and all of them are kept as checkpoints"
        ),
    ]
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
