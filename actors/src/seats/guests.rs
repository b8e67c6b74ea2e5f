//! Players and judges that are neither scripts nor loaded models: people, remotes, and in tests whoever misbehaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use sim::Seat;
use sim::record::Casting;

use crate::seats::Judge;
use crate::seats::Player;
use crate::seats::Stagehand;
use crate::seats::environment::AsWritten;
use crate::seats::judge::RuleJudge;

/// Makes a player for one seat of one episode.
pub type PlayerMaker = Arc<dyn Fn(&Casting, Seat) -> Box<dyn Player> + Send + Sync>;

/// Makes a judge for one episode.
pub type JudgeMaker = Arc<dyn Fn(&Casting) -> Box<dyn Judge> + Send + Sync>;

/// Makes a stagehand for one episode.
pub type StagehandMaker = Arc<dyn Fn(&Casting) -> Box<dyn Stagehand> + Send + Sync>;

/// Guests by the names under which castings and scenarios ask for them. A guest comes before a script of the same name. The makers
/// run in the supervisor: one that panics ends the run, so they should only build.
#[derive(Clone, Default)]
pub struct Guests {
    /// By policy name.
    pub players: BTreeMap<String, PlayerMaker>,
    /// By the name in the scenario's `[judge]`. `rule` need not be here.
    pub judges: BTreeMap<String, JudgeMaker>,
    /// Steps the worlds; `None`: they step themselves.
    pub stagehand: Option<StagehandMaker>,
}

impl Guests {
    /// The judge of this name; `None` if there is none.
    #[must_use]
    pub fn judge(&self, name: &str, casting: &Casting) -> Option<Box<dyn Judge>> {
        match self.judges.get(name) {
            Some(make) => Some(make(casting)),
            None => (name == "rule").then(|| Box::new(RuleJudge) as Box<dyn Judge>),
        }
    }

    /// Whoever steps this episode's world.
    #[must_use]
    pub fn stagehand(&self, casting: &Casting) -> Box<dyn Stagehand> {
        match &self.stagehand {
            Some(make) => make(casting),
            None => Box::new(AsWritten),
        }
    }
}
