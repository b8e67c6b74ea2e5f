//! What the benches of the actors play: `scenarios/haggle.toml` with a script in each seat.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use actors::Terms;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Scenario;
use sim::record::Casting;
use sim::scenario::Split;

/// The seed of every address of randomness.
pub const SEED: u64 = 1;

/// Who plays when nobody is named in the scenario.
pub const AGENT: &str = "scripted:good";
pub const USER: &str = "rule";

/// Items that the scenario generates to learn from.
const ITEMS: u32 = 4000;

/// The scenario as it is in the checkout this was built from.
pub fn haggle() -> Result<Arc<Scenario>, Box<dyn Error>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/haggle.toml");
    Ok(Arc::new(config::load_scenario(&file)?))
}

/// Terms of a play; `record`: whether its episodes go into the journal.
pub fn terms(scenario: &Arc<Scenario>, record: bool) -> Terms {
    Terms { scenarios: vec![Arc::clone(scenario)], seed: SEED, sampling: Pair::default(), record, past: Arc::default() }
}

/// So many episodes, each of another group.
pub fn castings(episodes: u32, agent: &str, user: &str) -> Vec<Casting> {
    let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
    let casting = |group| {
        let id = EpisodeId { phase: Phase::Rollout, round: 0, group, trial: 0, member: 1 };
        Casting::new(id, Split::Train, group % ITEMS, policies.clone())
    };
    (0..episodes).map(casting).collect()
}

/// Plays without actors, one episode after the other on this thread.
pub fn plain(castings: Vec<Casting>, scenario: &Arc<Scenario>) -> Vec<EpisodeRecord> {
    castings.into_iter().filter_map(|casting| sim::play_by_rule(casting, scenario, SEED)).collect()
}
