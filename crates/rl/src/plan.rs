//! Who plays what at a step: castings, planned before anybody moves.
//!
//! ```text
//!  group  0 … m−1            mutual: both seats are models; trains each seat that learns now
//!         m … m+f−1          the agent against its fixed opponent      (only while it learns)
//!         …                  the user against its fixed opponent       (only while it learns)
//! ```
//!
//! Where a run plays beside its updates ([`played_beside`]), only the order changes in which steps are played and learned from, not what a step plays.
//!
//! With a pool, a group that serves one seat draws whom it meets; with a curriculum, scenarios are dealt by their successes too; and with isolation, a share of
//! the groups plays items that failed. What that goes by is the [`Outlook`].
//!
//! Everything is drawn by address, so a step can be planned again after a crash and comes out the same.

use std::ops::RangeInclusive;

use sim::Draws;
use sim::EpisodeId;
use sim::Pair;
use sim::Phase;
use sim::Seat;
use sim::draws::Stream;
use sim::record::Casting;
use sim::scenario::ItemCounts;
use sim::scenario::Split;

use crate::mix::Mix;
use crate::opponent;
use crate::outlook;
use crate::outlook::Outlook;
use crate::pool::Met;
use crate::settings::GrpoSettings;
use crate::settings::UpdateMode;

/// The policy of a seat whose model is being trained, in castings.
pub const MODEL: &str = "model";

/// Which seats are updated at `step`; steps count from 1.
///
/// # Panics
/// If `step` is 0: nothing is updated before the first step.
#[must_use]
pub fn learns(mode: UpdateMode, step: u64) -> Pair<bool> {
    assert!(step >= 1, "steps count from 1");
    match mode {
        UpdateMode::Only(_) | UpdateMode::Simultaneous => mode.learning(),
        UpdateMode::Alternating { agent_steps } => {
            let agent = (step - 1) % (agent_steps + 1) < agent_steps;
            Pair { agent, user: !agent }
        }
    }
}

/// All episodes of one training step, in id order, by what is known of the steps before ([`crate::Outlooks::of_step`]); steps count from 1. Where only one
/// seat ever learns, its mutual groups are played against the fixed opponent too.
///
/// # Panics
/// If `step` is 0 or a scenario has no training items.
#[must_use]
pub fn step_castings(settings: &GrpoSettings, mix: &Mix, seed: u64, step: u64, outlook: &Outlook) -> Vec<Casting> {
    let groups = step_groups(settings, step);
    let first = EpisodeId { phase: Phase::Grpo, round: step, group: 0, trial: 0, member: 0 };
    let mut castings = Vec::new();
    // Each company of seats gets its own share of every scenario.
    for company in groups.chunk_by(|a, b| a == b) {
        let start = (castings.len() / settings.group_size as usize) as u32;
        let at = EpisodeId { group: start, ..first };
        let factor = |scenario| outlook.curriculum.weight(scenario);
        let dealt = mix.deal_by(company.len() as u32, factor, at.address(seed));
        for ((group, models), scenario) in (start..).zip(company).zip(dealt) {
            let id = EpisodeId { group, ..first };
            let (policies, learns) = seated(settings, mix, scenario, *models, id, seed, outlook);
            let item = group_item(settings, mix, scenario, id, seed, outlook);
            castings.extend(group_castings(settings.group_size, Group { id, scenario, item, policies, learns }));
        }
    }
    castings
}

/// What the members of a group have in common.
struct Group {
    id: EpisodeId,
    scenario: u32,
    item: u32,
    policies: Pair<String>,
    learns: Pair<bool>,
}

/// The episodes of one group.
fn group_castings(size: u32, group: Group) -> impl Iterator<Item = Casting> {
    let Group { id, scenario, item, policies, learns } = group;
    (1..=size).map(move |member| Casting {
        scenario,
        learns,
        ..Casting::new(EpisodeId { member, ..id }, Split::Train, item, policies.clone())
    })
}

/// Who sits where in a group that serves the seats whose `models` play, and which of them learn from it.
fn seated(
    settings: &GrpoSettings,
    mix: &Mix,
    scenario: u32,
    models: Pair<bool>,
    id: EpisodeId,
    seed: u64,
    outlook: &Outlook,
) -> (Pair<String>, Pair<bool>) {
    let opponents = mix.opponents(scenario);
    let met = |seat: Seat| {
        let Some(pool) = &settings.cotraining.pool else { return opponents[seat].clone() };
        let mut draws = id.address(seed).draws(Stream::Opponent);
        let known = outlook::known(settings, id.round);
        match pool.draw(&outlook.wins[seat.partner()], known, &mut draws) {
            Met::Latest => MODEL.to_owned(),
            Met::Snapshot(step) => opponent::snapshot(seat, step),
            Met::Fixed => opponents[seat].clone(),
        }
    };
    let now = learns(settings.mode, id.round);
    let policies = Pair::from_fn(|seat| if models[seat] { MODEL.to_owned() } else { met(seat) });
    (policies, Pair::from_fn(|seat| models[seat] && now[seat]))
}

/// The item of a group: one that failed of late, or any.
fn group_item(settings: &GrpoSettings, mix: &Mix, scenario: u32, id: EpisodeId, seed: u64, outlook: &Outlook) -> u32 {
    let mut draws = id.address(seed).draws(Stream::Item);
    let item = draw_item(mix.scenario(scenario).items, &mut draws);
    let again =
        settings.cotraining.isolation.and_then(|isolation| outlook.failed.draw(scenario, isolation, &mut draws));
    again.unwrap_or(item)
}

/// For each group of the step, which seats are models.
fn step_groups(settings: &GrpoSettings, step: u64) -> Vec<Pair<bool>> {
    let (mutual, fixed) = (settings.groups.mutual as usize, settings.groups.fixed as usize);
    let alone = |only: Seat| Pair::from_fn(|seat| seat == only);
    match settings.mode {
        UpdateMode::Only(seat) => vec![alone(seat); mutual + fixed],
        UpdateMode::Simultaneous | UpdateMode::Alternating { .. } => {
            let mut groups = vec![Pair { agent: true, user: true }; mutual];
            for (seat, _) in learns(settings.mode, step).iter().filter(|(_, learns)| **learns) {
                groups.extend(vec![alone(seat); fixed]);
            }
            groups
        }
    }
}

/// The seat that a planned group of the step serves alone; `None` of a mutual one, and of one that is played in place of another.
#[must_use]
pub fn serves_alone(settings: &GrpoSettings, step: u64, group: u32) -> Option<Seat> {
    let models = step_groups(settings, step).get(group as usize).copied()?;
    Seat::ALL.into_iter().find(|seat| models[*seat] && !models[seat.partner()])
}

/// New groups in place of `dead` ones of the same step, each with the same company and scenario and an item of its own. They are numbered on from
/// the last group of `castings`.
///
/// # Panics
/// If a dead group is none of `castings`.
#[must_use]
pub fn refill_castings(
    settings: &GrpoSettings,
    mix: &Mix,
    seed: u64,
    castings: &[Casting],
    dead: &[u32],
    outlook: &Outlook,
) -> Vec<Casting> {
    let next = castings.iter().map(|casting| casting.id.group + 1).max().unwrap_or(0);
    let refill = |(group, dead): (u32, &u32)| {
        let of = castings.iter().find(|casting| casting.id.group == *dead).expect("a dead group was played");
        let id = EpisodeId { group, member: 0, ..of.id };
        let item = group_item(settings, mix, of.scenario, id, seed, outlook);
        let Casting { scenario, policies, learns, .. } = of.clone();
        group_castings(settings.group_size, Group { id, scenario, item, policies, learns })
    };
    (next..).zip(dead).flat_map(refill).collect()
}

/// The steps that must have been played before `step` is learned from: itself, and of a run that plays ahead those whose weights are there by then.
#[must_use]
pub fn played_before(settings: &GrpoSettings, step: u64) -> RangeInclusive<u64> {
    let ahead = u64::from(settings.staleness_max).max(1) - 1;
    step..=settings.steps.min(step + ahead).max(step)
}

/// The step that is played while `step` is learned from, with the weights before that update; `None`: nothing is. So a step lacks the updates of the
/// `staleness_max` steps before it, whoever is faster, and the first steps those that there are.
#[must_use]
pub fn played_beside(settings: &GrpoSettings, step: u64) -> Option<u64> {
    let next = step + u64::from(settings.staleness_max);
    (settings.staleness_max > 0 && next <= settings.steps).then_some(next)
}

/// The scripted dialogues of a cold start, in id order: `teacher` plays both seats.
///
/// # Panics
/// If a scenario has no training items.
#[must_use]
pub fn cold_start_castings(dialogues: u32, teacher: &str, mix: &Mix, seed: u64) -> Vec<Casting> {
    let first = EpisodeId { phase: Phase::Sft, round: 0, group: 0, trial: 0, member: 1 };
    let casting = |(group, scenario)| {
        let id = EpisodeId { group, ..first };
        let item = draw_item(mix.scenario(scenario).items, &mut id.address(seed).draws(Stream::Item));
        Casting { scenario, ..Casting::new(id, Split::Train, item, Pair::from_fn(|_| teacher.to_owned())) }
    };
    (0..).zip(mix.deal(dialogues, first.address(seed))).map(casting).collect()
}

/// An evaluation's episodes of the first scenario, in id order: the first `items` of the split, `trials` times each. `round` is the step evaluated; it
/// names the episodes, but moves no draw, so that all steps and arms share their worlds.
#[must_use]
pub fn eval_castings(split: Split, items: u32, trials: u32, policies: &Pair<String>, round: u64) -> Vec<Casting> {
    let places = (0..items).flat_map(|item| (0..trials).map(move |trial| (item, trial)));
    places
        .map(|(item, trial)| {
            let id = EpisodeId { phase: Phase::Eval, round, group: item, trial, member: 1 };
            Casting::new(id, split, item, policies.clone())
        })
        .collect()
}

fn draw_item(items: ItemCounts, draws: &mut Draws) -> u32 {
    assert!(items.train > 0, "a scenario without training items trains nobody");
    let item = draws.range(0, i64::from(items.train) - 1);
    u32::try_from(item).expect("an item's number lies below a count that is a u32")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use sim::gyms::haggle;

    use super::*;
    use crate::fixtures;
    use crate::mix::Part;
    use crate::settings::GroupCounts;

    /// A bargain with 4000 items to learn from, in as many copies as there are weights.
    fn mix(weights: &[f64], train: u32) -> Mix {
        let mut scenario = haggle::example();
        scenario.items = ItemCounts { train, held_out: 1000, seed: 7 };
        let scenario = Arc::new(scenario);
        Mix::new(weights.iter().map(|weight| Part::new(scenario.clone(), *weight)).collect())
    }

    #[test]
    fn every_step_is_played_once_and_lacks_the_updates_of_so_many_steps_before_it() {
        for staleness_max in 0..=4 {
            let settings = GrpoSettings { steps: 6, staleness_max, ..fixtures::settings() };
            let mut lacks = Vec::new();
            for step in 1..=settings.steps {
                // What waits already is not played again.
                let due = played_before(&settings, step).filter(|due| lacks.len() < *due as usize);
                due.collect::<Vec<_>>().into_iter().for_each(|due| lacks.push(due - step));
                lacks.extend(played_beside(&settings, step).map(|next| next - step));
                assert!(lacks.len() as u64 >= step, "{staleness_max}: step {step} was not played");
            }
            let wanted: Vec<u64> = (0..settings.steps).map(|before| before.min(u64::from(staleness_max))).collect();
            assert_eq!(lacks, wanted, "{staleness_max}");
        }
    }

    fn castings(mode: UpdateMode, seed: u64, step: u64) -> Vec<Casting> {
        step_castings(
            &GrpoSettings { mode, ..fixtures::settings() },
            &mix(&[1.0], 4000),
            seed,
            step,
            &Outlook::default(),
        )
    }

    /// One line per group: number, policies, who learns.
    fn table(mode: UpdateMode, step: u64) -> Vec<String> {
        let castings = castings(mode, 7, step);
        let first = castings.iter().filter(|casting| casting.id.member == 1);
        let word = |learns: bool| if learns { "+" } else { "" };
        first
            .map(|c| {
                let (agent, user) = (&c.policies.agent, &c.policies.user);
                format!("{} {agent}{} {user}{}", c.id.group, word(c.learns.agent), word(c.learns.user))
            })
            .collect()
    }

    #[test]
    fn simultaneous_steps_play_mutual_groups_and_fixed_ones_for_each_seat() {
        assert_eq!(
            table(UpdateMode::Simultaneous, 1),
            ["0 model+ model+", "1 model+ model+", "2 model+ rule", "3 scripted:trapper model+"]
        );
    }

    #[test]
    fn whom_a_group_serves_is_told_by_its_number_even_where_seats_take_turns() {
        let turns = UpdateMode::Alternating { agent_steps: 1 };
        let served = |mode, step| {
            let settings = GrpoSettings { mode, ..fixtures::settings() };
            [0, 1, 2, 3].map(|group| serves_alone(&settings, step, group))
        };
        let (agent, user) = (Some(Seat::Agent), Some(Seat::User));
        assert_eq!(served(UpdateMode::Simultaneous, 1), [None, None, agent, user]);
        assert_eq!(served(turns, 1), [None, None, agent, None]);
        assert_eq!(served(turns, 2), [None, None, user, None]);
        assert_eq!(served(UpdateMode::Only(Seat::User), 1), [user, user, user, None]);
    }

    #[test]
    fn a_seat_that_learns_alone_meets_its_fixed_opponent_everywhere() {
        assert_eq!(table(UpdateMode::Only(Seat::Agent), 1), ["0 model+ rule", "1 model+ rule", "2 model+ rule"]);
    }

    #[test]
    fn alternating_steps_train_the_agent_so_often_and_then_the_user_once() {
        let mode = UpdateMode::Alternating { agent_steps: 2 };
        let turns: Vec<bool> = (1..=6).map(|step| learns(mode, step).agent).collect();
        assert_eq!(turns, [true, true, false, true, true, false]);
        assert_eq!(table(mode, 1), ["0 model+ model", "1 model+ model", "2 model+ rule"]);
        assert_eq!(table(mode, 3), ["0 model model+", "1 model model+", "2 scripted:trapper model+"]);
    }

    #[test]
    fn a_group_has_all_its_members_on_one_item() {
        let castings = castings(UpdateMode::Simultaneous, 7, 3);
        assert_eq!(castings.len(), 16);
        for group in castings.chunks(4) {
            let members: Vec<u32> = group.iter().map(|casting| casting.id.member).collect();
            assert_eq!(members, [1, 2, 3, 4]);
            assert!(group.iter().all(|c| (c.item, c.id.group) == (group[0].item, group[0].id.group)));
            assert!(group.iter().all(|c| c.split == Split::Train && c.id.round == 3 && c.item < 4000));
        }
        let ids: Vec<EpisodeId> = castings.iter().map(|casting| casting.id).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn items_change_with_seed_step_and_group_and_are_planned_again_alike() {
        let items = |seed, step| -> Vec<u32> {
            castings(UpdateMode::Simultaneous, seed, step).iter().map(|casting| casting.item).collect()
        };
        assert_eq!(items(7, 3), items(7, 3));
        assert_ne!(items(7, 3), items(8, 3));
        assert_ne!(items(7, 3), items(7, 4));
        assert!(items(7, 3).into_iter().collect::<BTreeSet<_>>().len() > 1);
    }

    #[test]
    fn a_mix_gives_each_company_of_seats_its_share_of_every_scenario() {
        let settings = GrpoSettings {
            groups: GroupCounts { mutual: 4, fixed: 4 },
            mode: UpdateMode::Simultaneous,
            ..fixtures::settings()
        };
        for castings in
            (1..20).map(|step| step_castings(&settings, &mix(&[3.0, 1.0], 4000), 7, step, &Outlook::default()))
        {
            let firsts: Vec<&Casting> = castings.iter().filter(|casting| casting.id.member == 1).collect();
            assert_eq!(firsts.len(), 12);
            for company in firsts.chunks(4) {
                let scenarios: Vec<u32> = company.iter().map(|casting| casting.scenario).collect();
                assert_eq!(scenarios, [0, 0, 0, 1]);
            }
            for group in castings.chunks(4) {
                assert!(group.iter().all(|c| (c.item, c.scenario) == (group[0].item, group[0].scenario)));
            }
        }
    }

    #[test]
    fn a_dead_group_is_refilled_by_one_of_its_kind_with_another_item_and_number() {
        let (settings, mix) = (fixtures::settings(), mix(&[1.0, 1.0], 4000));
        let castings = step_castings(&settings, &mix, 7, 3, &Outlook::default());
        let refilled = refill_castings(&settings, &mix, 7, &castings, &[1, 3], &Outlook::default());
        let groups = castings.iter().map(|casting| casting.id.group).max().unwrap() + 1;
        for (at, (group, dead)) in refilled.chunks(4).zip([1, 3]).enumerate() {
            let of = castings.iter().find(|casting| casting.id.group == dead).unwrap();
            assert_eq!(group.iter().map(|casting| casting.id.member).collect::<Vec<_>>(), [1, 2, 3, 4]);
            for casting in group {
                assert_eq!((casting.id.group, casting.id.round), (groups + at as u32, 3));
                assert_eq!(
                    (casting.scenario, &casting.policies, casting.learns),
                    (of.scenario, &of.policies, of.learns)
                );
                assert_eq!(casting.item, group[0].item);
            }
            assert_ne!(group[0].item, of.item);
        }
        assert_eq!(refilled.len(), 8);
    }

    #[test]
    fn training_reaches_all_items_evenly() {
        let mut counts = [0u32; 4];
        for casting in cold_start_castings(8000, "scripted:noisy", &mix(&[1.0], 4), 7) {
            assert_eq!((casting.split, casting.learns), (Split::Train, Pair { agent: false, user: false }));
            counts[casting.item as usize] += 1;
        }
        // Binomial: 2000 expected each, standard deviation 39; 5 of them.
        assert!(counts.iter().all(|count| count.abs_diff(2000) < 195), "{counts:?}");
    }

    #[test]
    fn evaluations_play_the_first_items_and_share_their_worlds() {
        let policies = Pair { agent: MODEL.to_owned(), user: "rule".to_owned() };
        let at = |round| eval_castings(Split::HeldOut, 3, 2, &policies, round);
        let places: Vec<(u32, u32)> = at(0).iter().map(|casting| (casting.item, casting.id.trial)).collect();
        assert_eq!(places, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
        for (before, after) in at(0).iter().zip(&at(40)) {
            assert_ne!(before.id, after.id);
            assert_eq!(before.id.address(7), after.id.address(7));
            assert_eq!(before.learns, Pair { agent: false, user: false });
        }
    }
}
