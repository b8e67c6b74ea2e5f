//! Everybody in their seats, and the sessions of a suite one family after the other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use actors::Company;
use actors::Journal;
use actors::Played;
use actors::Troupe;
use remote::Server;
use rl::ModelLoader;
use rl::compare;
use rl::compare::Arm;
use serde_json::Value;
use serde_json::json;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Scenario;
use sim::Seat;
use sim::record::Casting;
use stress::Contender;
use stress::Report;
use stress::Session;
use stress::Suite;
use stress::hostile::Sessions;
use stress::marked::Marks;
use stress::report::AgentReport;
use stress::report::UserReport;
use stress::trapped::Talks;
use stress::verdict;

use super::contenders;
use crate::cast;
use crate::cast::Cast;
use crate::cast::MODEL;
use crate::failure::Failure;
use crate::flags::RemoteFlags;
use crate::flags::StressFlags;
use crate::progress::Progress;
use crate::remotes::Measuring;
use crate::remotes::Remotes;
use crate::remotes::is_elsewhere;

/// A suite with everybody who plays it.
pub(super) struct Contest<'s> {
    /// As castings call everybody.
    suite: Suite,
    hash: &'s str,
    scenarios: Vec<Arc<Scenario>>,
    agents: Vec<Contender>,
    users: Vec<Contender>,
    /// Who attacks, presses or is met in a set, as the suite's file calls them.
    against: Vec<(Seat, String)>,
    cast: Cast,
}

impl<'s> Contest<'s> {
    /// Brings everybody to life.
    pub(super) fn prepare(
        flags: &StressFlags,
        suite: &Suite,
        hash: &'s str,
        loader: &dyn ModelLoader,
        remotes: &mut Remotes,
    ) -> Result<Contest<'s>, Failure> {
        let scenarios = suite.scenarios();
        let all: Vec<&Scenario> = scenarios.iter().map(|scenario| &**scenario).collect();
        let mut cast = Cast::new();
        // Marks of judges are columns of sets, and of nothing else.
        let judged = suite.sets.iter().any(|set| set.scenarios.iter().any(|scenario| scenario.judge.rubric.is_some()));
        cast.stage(&all, remotes, if judged { Measuring::Panel } else { Measuring::Other(None) })?;
        let (mut agents, mut users) = (contenders(&flags.agent), contenders(&flags.user));
        let of_families: Vec<&Scenario> = suite.families.iter().map(|family| &*family.hostile).collect();
        let of_traps: Vec<&Scenario> = suite.traps.iter().map(|test| &*test.scenario).collect();
        let of_sets: Vec<&Scenario> = suite.sets.iter().flat_map(|set| &set.scenarios).map(|of| &**of).collect();
        let of_users = [&of_traps[..], &of_sets[..]].concat();
        for (seat, those, played) in [(Seat::Agent, &mut agents, &of_families), (Seat::User, &mut users, &of_users)] {
            for contender in those.iter_mut() {
                bring(&mut cast, contender, seat, (played, &all), loader, remotes)?;
            }
        }
        let mut suite = suite.clone();
        let attackers = suite.families.iter_mut().map(|family| (Seat::User, &mut family.attacker, &of_families));
        let pressing = suite.traps.iter_mut().map(|test| (Seat::Agent, &mut test.attacker, &of_traps));
        let opponents = suite.sets.iter_mut().map(|set| (Seat::Agent, &mut set.opponent, &of_sets));
        let mut against = Vec::new();
        for (seat, policy, played) in attackers.chain(pressing).chain(opponents) {
            let asked = policy.clone();
            against.push((seat, asked.clone()));
            let wrong = |what: String, hint: &str| Failure::input(format!("attacker: {asked}: {what}"), Some(hint));
            let those = if is_model(&asked) { played } else { &all };
            *policy = cast.bring(those, seat, &asked, loader, remotes, &wrong)?;
        }
        Ok(Contest { suite, hash, scenarios, agents, users, against, cast })
    }

    /// All that decides what is played: whoever plays, by name or by what their folders hold, and how remote models are asked.
    ///
    /// # Errors
    /// [`Failure::Input`] if a model's folder cannot be read.
    pub(super) fn identity(&self, flags: &StressFlags) -> Result<Value, Failure> {
        let held = |seat: Seat, folder: &str| {
            let identity = config::identity(&config::model_of_seat(Path::new(folder), seat));
            identity.map_err(|error| Failure::input(error, Some("give the folder of one seat's model")))
        };
        let of = |seat: Seat, contender: &Contender| match contender {
            Contender::Policy { typed, cast } if is_model(cast) => {
                held(seat, typed.strip_prefix(MODEL).unwrap_or(typed))
            }
            Contender::Policy { typed, .. } => Ok(typed.clone()),
            Contender::Falls | Contender::Resists => Ok(contender.name().to_owned()),
        };
        let all = |seat, those: &[Contender]| those.iter().map(|one| of(seat, one)).collect::<Result<Vec<_>, _>>();
        let against = self.against.iter().map(|(seat, policy)| match policy.strip_prefix(MODEL) {
            Some(folder) => held(*seat, folder),
            None => Ok(policy.clone()),
        });
        let typed = [&self.agents, &self.users].into_iter().flatten().map(Contender::name);
        let policies = typed.chain(self.against.iter().map(|(_, policy)| policy.as_str()));
        let is_remote = policies.chain(flags.judge.iter().map(String::as_str)).any(is_elsewhere);
        let RemoteFlags { temperature, reply_tokens, .. } = &flags.remote;
        let asked =
            is_remote.then(|| json!([Server::from_env().ok().as_ref().map(Server::base), temperature, reply_tokens]));
        Ok(json!({
            "suite": self.hash,
            "agent": if self.suite.families.is_empty() { Vec::new() } else { all(Seat::Agent, &self.agents)? },
            "user": all(Seat::User, &self.users)?,
            "against": against.collect::<Result<Vec<_>, _>>()?,
            "judge": flags.judge,
            "remote": asked,
            "families": self.suite.families.iter().map(|family| &family.name).collect::<Vec<_>>(),
        }))
    }

    /// Plays what of it is not among the records of before, and sums all of it up.
    pub(super) async fn play(
        self,
        journal: Box<dyn Journal>,
        before: BTreeMap<EpisodeId, EpisodeRecord>,
    ) -> Result<Report, Failure> {
        let Contest { suite, hash, scenarios, agents, users, against: _, cast } = self;
        let company: Company = cast.company(journal);
        let troupe = Troupe::spawn(company).await.map_err(anyhow::Error::from)?;
        let suite = &suite;
        let mut stage = Stage { suite, scenarios, troupe, before };
        let mut report = Report {
            suite: suite.name.clone(),
            hash: hash.to_owned(),
            items: suite.items,
            trials: suite.trials,
            agents: blank(&agents, suite.families.is_empty()),
            users: Vec::new(),
            apart: BTreeMap::new(),
            crossed: Vec::new(),
        };
        for family in 0..suite.families.len() {
            stage.family(family, &agents, &mut report).await?;
        }
        if !(suite.traps.is_empty() && suite.sets.is_empty()) {
            let blank =
                |user: &Contender| UserReport { user: user.name().to_owned(), traps: Vec::new(), sets: Vec::new() };
            report.users = users.iter().map(blank).collect();
        }
        for test in 0..suite.traps.len() {
            stage.traps(test, &users, &mut report).await?;
        }
        for set in 0..suite.sets.len() {
            stage.set(set, &users, &mut report).await?;
        }
        stage.troupe.sync().await.map_err(anyhow::Error::from)?;
        stage.troupe.stop().await;
        for (agent, contender) in report.agents.iter_mut().zip(&agents) {
            agent.score = verdict::score(suite, &agent.families);
            if contender.is_judged() {
                report.crossed.extend(verdict::of_score(suite, agent.score, contender.name()));
            }
        }
        Ok(report)
    }
}

fn blank(agents: &[Contender], is_empty: bool) -> Vec<AgentReport> {
    let blank = |agent: &Contender| AgentReport { agent: agent.name().to_owned(), score: None, families: Vec::new() };
    if is_empty { Vec::new() } else { agents.iter().map(blank).collect() }
}

/// One contender, as castings will call it. Yardsticks are scripts, which need no life.
fn bring(
    cast: &mut Cast,
    contender: &mut Contender,
    seat: Seat,
    (played, all): (&[&Scenario], &[&Scenario]),
    loader: &dyn ModelLoader,
    remotes: &mut Remotes,
) -> Result<(), Failure> {
    let Contender::Policy { cast: policy, .. } = contender else { return Ok(()) };
    for scenario in played {
        config::check_policy(&format!("--{seat}"), &scenario.rules, seat, policy)?;
    }
    let asked = policy.clone();
    let wrong = |what: String, hint: &str| Failure::input(format!("--{seat}: {asked}: {what}"), Some(hint));
    *policy = cast.bring(if is_model(&asked) { played } else { all }, seat, policy, loader, remotes, &wrong)?;
    Ok(())
}

/// Whether a policy is a model here, which has to know where it plays. Who plays elsewhere goes by the numbers that castings give to scenarios.
fn is_model(policy: &str) -> bool {
    policy.starts_with(MODEL)
}

/// Where sessions are played.
struct Stage<'s> {
    suite: &'s Suite,
    scenarios: Vec<Arc<Scenario>>,
    troupe: Troupe,
    /// Sessions that were played before this command was.
    before: BTreeMap<EpisodeId, EpisodeRecord>,
}

impl Stage<'_> {
    /// Plays a family with all agents, and says what came of it.
    async fn family(&mut self, at: usize, agents: &[Contender], report: &mut Report) -> Result<(), Failure> {
        let suite = self.suite;
        let family = &suite.families[at];
        let mut sessions = vec![Sessions::default(); agents.len()];
        let mut open = suite.family_castings(at, agents);
        for round in 0..=suite.reruns_max {
            let (played, mut invalid) = (self.play(&family.name, &open).await?, Vec::new());
            for casting in open {
                let place = suite.place(casting.id);
                let session = Session::of(family, place.side, played.get(&casting.id));
                let of = &mut sessions[place.contender];
                of.add(place, session);
                match session {
                    Session::Scored { .. } => {}
                    Session::Invalid(_) if round == suite.reruns_max => of.give_up(),
                    Session::Invalid(_) => {
                        of.rerun();
                        invalid.push(suite.again(&casting));
                    }
                }
            }
            open = invalid;
        }
        for ((agent, of), result) in agents.iter().zip(&sessions).zip(&mut report.agents) {
            let found = of.result(suite, family, agent.policy(&family.yardsticks));
            if agent.is_judged() {
                report.crossed.extend(verdict::of_family(&suite.thresholds, &found, agent.name()));
            }
            result.families.push(found);
        }
        self.apart(report, &family.name, agents, |index| sessions[index].breaches(suite));
        Ok(())
    }

    /// Plays a test of traps with all users, and says what came of it.
    async fn traps(&mut self, at: usize, users: &[Contender], report: &mut Report) -> Result<(), Failure> {
        let suite = self.suite;
        let test = &suite.traps[at];
        let mut talks = vec![Talks::default(); users.len()];
        let mut open = suite.trap_castings(at, users);
        for round in 0..=suite.reruns_max {
            let (played, mut invalid) = (self.play(&test.name, &open).await?, Vec::new());
            for casting in open {
                let of = &mut talks[suite.place(casting.id).contender];
                match of.add(&test.scenario, played.get(&casting.id)) {
                    Some(_) => {}
                    None if round == suite.reruns_max => of.give_up(),
                    None => {
                        of.rerun();
                        invalid.push(suite.again(&casting));
                    }
                }
            }
            open = invalid;
        }
        for ((user, of), result) in users.iter().zip(&talks).zip(&mut report.users) {
            let played = std::slice::from_ref(&test.scenario);
            let found = of.result(&test.name, played, user.policy(&test.yardsticks));
            if user.is_judged() {
                report.crossed.extend(verdict::of_traps(&suite.thresholds, &found, user.name()));
            }
            result.traps.push(found);
        }
        self.apart(report, &test.name, users, |index| talks[index].missed());
        Ok(())
    }

    /// Plays a set with all users, and says what came of it.
    async fn set(&mut self, at: usize, users: &[Contender], report: &mut Report) -> Result<(), Failure> {
        let suite = self.suite;
        let set = &suite.sets[at];
        let mut marks = vec![Marks::new(set); users.len()];
        let mut open = suite.set_castings(at, users);
        for round in 0..=suite.reruns_max {
            let (played, mut invalid) = (self.play(&set.name, &open).await?, Vec::new());
            for casting in open {
                let of = &mut marks[suite.place(casting.id).contender];
                let scenario = &self.scenarios[casting.scenario as usize];
                match of.add(scenario, played.get(&casting.id)) {
                    true => {}
                    false if round == suite.reruns_max => of.give_up(),
                    false => {
                        of.rerun();
                        invalid.push(suite.again(&casting));
                    }
                }
            }
            open = invalid;
        }
        for ((user, of), result) in users.iter().zip(&marks).zip(&mut report.users) {
            let found = of.result(set, user.policy(&set.yardsticks));
            if user.is_judged() {
                report.crossed.extend(verdict::of_traps(&suite.thresholds, &found.traps, user.name()));
            }
            result.sets.push(found);
        }
        self.apart(report, &set.name, users, |index| marks[index].missed());
        Ok(())
    }

    /// How far the yardsticks lie apart, where both played.
    fn apart(&self, report: &mut Report, place: &str, those: &[Contender], arm: impl Fn(usize) -> Arm) {
        let found = |wanted: &Contender| those.iter().position(|one| one == wanted);
        let (Some(falls), Some(resists)) = (found(&Contender::Falls), found(&Contender::Resists)) else { return };
        let apart = compare::difference(&arm(falls), &arm(resists));
        report.crossed.extend(verdict::of_yardsticks(&self.suite.thresholds, place, apart.as_ref()));
        report.apart.insert(place.to_owned(), apart);
    }

    /// Plays these sessions; those that were lost are not among the records.
    async fn play(&mut self, what: &str, castings: &[Casting]) -> Result<BTreeMap<EpisodeId, EpisodeRecord>, Failure> {
        let mut records: BTreeMap<EpisodeId, EpisodeRecord> =
            castings.iter().filter_map(|casting| self.before.remove_entry(&casting.id)).collect();
        let open: Vec<Casting> =
            castings.iter().filter(|casting| !records.contains_key(&casting.id)).cloned().collect();
        if open.is_empty() {
            return Ok(records);
        }
        let mut progress = Progress::start("stress", castings.len() as u64, records.len() as u64);
        let tell = |settled| progress.at((records.len() + settled) as u64, what);
        let played =
            cast::play_all(&mut self.troupe, self.scenarios.clone(), self.suite.seed, open, true, tell).await?;
        progress.end();
        let record = |played: Played| match played {
            Played::Record(record) => Some((record.casting.id, *record)),
            Played::Lost(..) => None,
        };
        records.extend(played.into_iter().filter_map(record));
        Ok(records)
    }
}
