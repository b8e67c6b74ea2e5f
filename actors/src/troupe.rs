//! The whole company behind one handle: plays castings, updates models, records. What it can hang on, it does not: when a service dies, the
//! pending call and all later ones return [`Ended`].

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use ractor::Actor;
use ractor::ActorRef;
use ractor::concurrency::JoinHandle;
use rl::Batch;
use rl::LearnError;
use rl::Row;
use rl::Seats;
use rl::UpdateReport;
use runs::Offset;
use sim::EpisodeId;
use sim::Pair;
use sim::Party;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Script;
use sim::record::Casting;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::ended::Ended;
use crate::ended::TroupeError;
use crate::learner::Job;
use crate::learner::Outcome;
use crate::recorder::Journal;
use crate::recorder::NoJournal;
use crate::seats::Guests;
use crate::supervisor::Performance;
use crate::supervisor::Progress;
use crate::supervisor::Supervisor;
use crate::supervisor::SupervisorArguments;
use crate::supervisor::SupervisorMessage;
use crate::supervisor::Terms;
use crate::supervisor::Victim;
use crate::supervisor::Voice;
use crate::supervisor::call::Call;
use crate::supervisor::call::Reply;
use crate::supervisor::call::Samples;
use crate::supervisor::stage::model_name;

/// Who works for the troupe, and its bounds.
pub struct Company {
    /// Episodes alive at once; at least 1.
    pub episodes_live_max: usize,
    /// Rows in one batch of a policy; at least 1.
    pub batch_max: usize,
    /// How often an episode is played again that a fault of the infrastructure ended.
    pub reruns_max: u32,
    /// Models by name. `agent` and `user`, or `both`, are the seats' own: what `model` means in a casting; `model:NAME` means any of them.
    pub models: BTreeMap<String, Voice>,
    /// Whether the seats' own models are two, or one by the name of [`Seats::model`].
    pub seats: Seats,
    /// Each seat's learner, if it learns; it borrows the weights of the seat's own model, which must be among `models`. That of one model for both has the
    /// agent's place.
    pub learners: Pair<Option<Box<dyn rl::Learner>>>,
    /// Where records go.
    pub journal: Box<dyn Journal>,
    /// Players and judges that are neither scripts nor models.
    pub guests: Guests,
}

impl Company {
    /// A company without models that records nothing: rules and scripts only.
    #[must_use]
    pub fn of_scripts(episodes_live_max: usize) -> Company {
        Company {
            episodes_live_max,
            batch_max: 1,
            reruns_max: 0,
            models: BTreeMap::new(),
            seats: Seats::Apart,
            learners: Pair::default(),
            journal: Box::new(NoJournal),
            guests: Guests::default(),
        }
    }
}

/// Both seats' results of an update; `None` for a seat that had no batch. That of one model for both is the agent's.
pub type Updates = Pair<Option<Result<UpdateReport, LearnError>>>;

/// Updates on their way, which other calls go on beside. Dropping it changes nothing but that nobody hears what came of them.
#[must_use = "what came of an update is known only to whoever waits for it"]
pub struct Underway {
    answer: oneshot::Receiver<Result<Pair<Option<Outcome>>, Ended>>,
}

impl Underway {
    /// Waits for both seats' results. The policies go on with their copies until [`Troupe::renew`].
    ///
    /// # Errors
    /// [`TroupeError::Ended`] if a service died, whatever it was doing. A learner's own refusal is in the result.
    pub async fn finish(self) -> Result<Updates, TroupeError> {
        let outcomes = self.answer.await.map_err(|_| supervisor_gone())??;
        Ok(updates(outcomes))
    }
}

/// The handle of a running company. It makes one call at a time; dropping it stops everybody.
pub struct Troupe {
    supervisor: ActorRef<SupervisorMessage>,
    running: JoinHandle<()>,
    progress: watch::Receiver<Progress>,
    models: BTreeSet<String>,
    seats: Seats,
    learners: Pair<bool>,
    guests: Guests,
}

impl Troupe {
    /// Spawns the supervisor, the policy servers, the learners and the recorder. Needs a tokio runtime with time.
    ///
    /// # Errors
    /// [`TroupeError::Model`] if a learner's model is missing; [`TroupeError::Ended`] if an actor cannot be spawned.
    pub async fn spawn(company: Company) -> Result<Troupe, TroupeError> {
        let Company { episodes_live_max, batch_max, reruns_max, models, seats, learners, journal, guests } = company;
        let names: BTreeSet<String> = models.keys().cloned().collect();
        let learns = Pair::from_fn(|seat| learners[seat].is_some());
        let mut learned = Seat::ALL.into_iter().filter(|seat| learns[*seat]).map(|seat| seats.model(seat));
        if let Some(missing) = learned.find(|name| !names.contains(*name)) {
            return Err(no_model(missing, "is not loaded"));
        }
        let (told, progress) = watch::channel(Progress::default());
        let arguments = SupervisorArguments {
            episodes_live_max,
            batch_max,
            reruns_max,
            models,
            seats,
            learners,
            journal,
            guests: guests.clone(),
            progress: told,
        };
        let spawned = Supervisor::spawn(None, Supervisor, arguments).await;
        let (supervisor, running) = spawned.map_err(|error| supervisor_ended(error.to_string()))?;
        Ok(Troupe { supervisor, running, progress, models: names, seats, learners: learns, guests })
    }

    /// Plays each casting once. In lockstep if any seat is a model, else as it comes. Dropping the future breaks the play off.
    ///
    /// # Errors
    /// [`TroupeError::UnknownPolicy`], [`TroupeError::UnknownJudge`], [`TroupeError::UnknownScenario`], [`TroupeError::CastTwice`] and [`TroupeError::NoPast`]
    /// before anything is played;
    /// [`TroupeError::Ended`] if a service dies. A dying episode or seat is no error but part of the result.
    pub async fn play(&mut self, castings: Vec<Casting>, terms: &Terms) -> Result<Performance, TroupeError> {
        self.check(&castings, terms)?;
        self.progress.mark_unchanged();
        Ok(self.call(|reply| Call::Play(castings, terms.clone(), reply)).await?)
    }

    /// Updates the models of the seats that have a batch, both at the same time. When it returns, the policies have loaded the weights.
    ///
    /// # Errors
    /// [`TroupeError::NoLearner`] before anything is done; [`TroupeError::Ended`] if a service dies. A learner's own refusal is in the result.
    pub async fn update(&mut self, batches: Pair<Option<Batch>>) -> Result<Updates, TroupeError> {
        Ok(updates(self.work(jobs(batches)).await?))
    }

    /// Begins the same and returns at once: what is played from now on goes on beside it, with a copy of the weights as they are now, until
    /// [`Troupe::renew`] or the next call that lends weights. Those ([`Troupe::update`], [`Troupe::anchor`], [`Troupe::save`], or this again) wait until
    /// the update is done. So which weights play is settled by the order of calls, however long an update takes.
    ///
    /// # Errors
    /// [`TroupeError::NoLearner`] before anything is done; [`TroupeError::Ended`] if the supervisor is gone.
    pub fn begin_update(&mut self, batches: Pair<Option<Batch>>) -> Result<Underway, TroupeError> {
        let jobs = jobs(batches);
        self.expect_learners(&jobs)?;
        let answer = self.ask(|reply| Call::WorkBeside(jobs, reply))?;
        Ok(Underway { answer })
    }

    /// Waits for the updates on their way and lets the policies go on with the newest weights.
    ///
    /// # Errors
    /// [`TroupeError::Ended`] if a service died.
    pub async fn renew(&mut self) -> Result<(), TroupeError> {
        Ok(self.call(Call::Renew).await?)
    }

    /// Begins a new phase for these seats: the present weights become the reference, and the moments are set to 0.
    ///
    /// # Errors
    /// As [`Troupe::update`].
    pub async fn anchor(&mut self, seats: Pair<bool>) -> Result<(), TroupeError> {
        self.work(seats.map(|_, wanted| wanted.then_some(Job::Anchor))).await.map(drop)
    }

    /// Writes the seats' weights and optimiser states into existing empty folders.
    ///
    /// # Errors
    /// As [`Troupe::update`].
    pub async fn save(
        &mut self,
        folders: Pair<Option<PathBuf>>,
    ) -> Result<Pair<Option<Result<(), LearnError>>>, TroupeError> {
        let outcomes = self.work(folders.map(|_, folder| folder.map(Job::Save))).await?;
        Ok(outcomes.map(|_, outcome| match outcome {
            Some(Outcome::Saved(saved)) => Some(saved),
            Some(Outcome::Anchored | Outcome::Updated(_)) | None => None,
        }))
    }

    /// Lets a model sample rows that belong to no episode, e.g. the drills of a gate, and keeps nothing of them. In the rows' order.
    ///
    /// # Errors
    /// [`TroupeError::Model`] if it is not loaded; [`TroupeError::Ended`] if a service dies.
    pub async fn sample(&mut self, model: &str, rows: Vec<Row>) -> Result<Samples, TroupeError> {
        if !self.models.contains(model) {
            return Err(no_model(model, "is not loaded"));
        }
        Ok(self.call(|reply| Call::Sample(model.to_owned(), rows, reply)).await?)
    }

    /// Waits until all records are on disk, and says where they end.
    ///
    /// # Errors
    /// [`TroupeError::Ended`] if the journal cannot be synced, or the run has ended before.
    pub async fn sync(&mut self) -> Result<Offset, TroupeError> {
        Ok(self.call(Call::Sync).await?)
    }

    /// Adds a model, e.g. a pool member or a checkpoint to play against.
    ///
    /// # Errors
    /// [`TroupeError::Model`] if the name is taken.
    pub async fn seat_model(&mut self, name: &str, voice: Voice) -> Result<(), TroupeError> {
        if self.models.contains(name) {
            return Err(no_model(name, "is already loaded"));
        }
        self.call(|reply| Call::Seat(name.to_owned(), voice, reply)).await?;
        self.models.insert(name.to_owned());
        Ok(())
    }

    /// Removes a model.
    ///
    /// # Errors
    /// [`TroupeError::Model`] if there is none of this name, or a learner needs it.
    pub async fn dismiss_model(&mut self, name: &str) -> Result<(), TroupeError> {
        if !self.models.contains(name) {
            return Err(no_model(name, "is not loaded"));
        }
        if Seat::ALL.into_iter().any(|seat| self.seats.model(seat) == name && self.learners[seat]) {
            return Err(no_model(name, "belongs to a learner"));
        }
        self.call(|reply| Call::Dismiss(name.to_owned(), reply)).await?;
        self.models.remove(name);
        Ok(())
    }

    /// How far the present play has come; it keeps its last value between plays.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// A way to kill members of the company, for trying out what happens then.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer { supervisor: self.supervisor.clone() }
    }

    /// Stops everybody and waits until the supervisor is gone. Records that were not synced may be lost.
    pub async fn stop(mut self) {
        self.supervisor.stop(None);
        // It was stopped: how its task ended is no news.
        let _ = (&mut self.running).await;
    }

    async fn work(&mut self, jobs: Pair<Option<Job>>) -> Result<Pair<Option<Outcome>>, TroupeError> {
        self.expect_learners(&jobs)?;
        Ok(self.call(|reply| Call::Work(jobs, reply)).await?)
    }

    fn expect_learners(&self, jobs: &Pair<Option<Job>>) -> Result<(), TroupeError> {
        match Seat::ALL.into_iter().find(|seat| jobs[*seat].is_some() && !self.learners[*seat]) {
            Some(seat) => Err(TroupeError::NoLearner(seat)),
            None => Ok(()),
        }
    }

    /// Makes a call and waits for its answer. A supervisor that dies drops the call, which is an answer too.
    async fn call<T>(&mut self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, Ended> {
        self.ask(call)?.await.map_err(|_| supervisor_gone())?
    }

    /// Makes a call. Its answer comes later.
    fn ask<T>(&mut self, call: impl FnOnce(Reply<T>) -> Call) -> Result<oneshot::Receiver<Result<T, Ended>>, Ended> {
        let (reply, answer) = oneshot::channel();
        self.supervisor.cast(SupervisorMessage::Call(call(reply))).map_err(|_| supervisor_gone())?;
        Ok(answer)
    }

    fn check(&self, castings: &[Casting], terms: &Terms) -> Result<(), TroupeError> {
        let mut ids = BTreeSet::new();
        if let Some(twice) = castings.iter().find(|casting| !ids.insert(casting.id)) {
            return Err(TroupeError::CastTwice(twice.id));
        }
        let judges = terms.scenarios.iter().map(|scenario| &scenario.judge.policy);
        let stranger = judges.filter(|judge| *judge != "rule").find(|judge| !self.guests.judges.contains_key(*judge));
        if let Some(judge) = stranger {
            return Err(TroupeError::UnknownJudge(judge.clone()));
        }
        // Few different names, many castings.
        let names: BTreeSet<(u32, Seat, &String)> =
            castings.iter().flat_map(|c| c.policies.iter().map(|(seat, policy)| (c.scenario, seat, policy))).collect();
        names.into_iter().try_for_each(|(number, seat, policy)| {
            let scenario = terms.scenarios.get(number as usize).ok_or(TroupeError::UnknownScenario(number))?;
            self.check_policy(seat, policy, scenario)
        })?;
        castings.iter().try_for_each(|casting| match terms.past(casting) {
            Ok(_) => Ok(()),
            Err(from) => Err(TroupeError::NoPast { episode: casting.id, from }),
        })
    }

    fn check_policy(&self, seat: Seat, policy: &str, scenario: &Scenario) -> Result<(), TroupeError> {
        let rules = &scenario.rules;
        let known = self.guests.players.contains_key(policy)
            || match model_name(self.seats, policy, seat) {
                Some(name) => self.models.contains(name),
                None => Script::named(rules, seat, policy).is_some(),
            };
        if known {
            return Ok(());
        }
        let mut names = Script::names(rules, seat);
        names.extend(self.models.iter().map(|name| format!("model:{name}")));
        names.extend(self.guests.players.keys().cloned());
        Err(TroupeError::UnknownPolicy { seat, policy: policy.to_owned(), known: names })
    }
}

impl Drop for Troupe {
    fn drop(&mut self) {
        self.supervisor.stop(None);
    }
}

/// Kills members of a company.
#[derive(Clone)]
pub struct Killer {
    supervisor: ActorRef<SupervisorMessage>,
}

impl Killer {
    /// Kills somebody, soon. Who is not alive by then is left alone.
    pub fn kill(&self, victim: Victim) {
        // If the supervisor is gone, so is everybody.
        let _ = self.supervisor.cast(SupervisorMessage::Kill(victim));
    }

    /// Kills one party of a live episode.
    pub fn kill_seat(&self, episode: EpisodeId, party: Party) {
        self.kill(Victim::Seat(episode, party));
    }
}

fn jobs(batches: Pair<Option<Batch>>) -> Pair<Option<Job>> {
    batches.map(|_, batch| batch.map(|batch| Job::Update(Box::new(batch))))
}

fn updates(outcomes: Pair<Option<Outcome>>) -> Updates {
    outcomes.map(|_, outcome| match outcome {
        Some(Outcome::Updated(report)) => Some(report),
        Some(Outcome::Anchored | Outcome::Saved(_)) | None => None,
    })
}

fn supervisor_gone() -> Ended {
    supervisor_ended("it takes no more calls".to_owned())
}

fn supervisor_ended(why: String) -> Ended {
    Ended { who: "supervisor".to_owned(), why }
}

fn no_model(name: &str, problem: &'static str) -> TroupeError {
    TroupeError::Model { name: name.to_owned(), problem }
}
