//! The tools that chat templates announced to seats of a folder's episodes.

use std::path::Path;
use std::sync::Arc;

use sim::EpisodeRecord;
use sim::Scenario;
use sim::Seat;
use sim::Tools;
use text::Json;
use text::tool_call;

use crate::scenario_file;

/// What a folder plays.
pub(super) struct Announced {
    /// Empty where the folder does not say: then nobody knows what was announced.
    scenarios: Vec<Arc<Scenario>>,
}

impl Announced {
    /// That of a run or of a rollout.
    pub(super) fn of(folder: &Path) -> Announced {
        Announced { scenarios: scenario_file::read(folder).unwrap_or_default() }
    }

    /// The tool of a seat, as its template was told of it; `None` if it read in prose what it may do.
    pub(super) fn tool(&self, record: &EpisodeRecord, seat: Seat) -> Option<Json> {
        let scenario = self.scenarios.get(record.casting.scenario as usize)?;
        match record.casting.tools[seat] {
            Tools::Prose => None,
            Tools::Template => scenario.rules.toolkit(seat).map(tool_call::tool),
        }
    }
}
