//! `scenario.json`: the checked scenarios of a folder of records, with which they are re-driven.

use std::path::Path;
use std::sync::Arc;

use sim::Scenario;

/// The file's name in its folder.
pub const SCENARIO_FILE: &str = "scenario.json";

/// Writes the file into a folder that is there: one scenario as it is, several as a list.
///
/// # Errors
/// If it cannot be written.
pub fn write<'s>(folder: &Path, scenarios: impl IntoIterator<Item = &'s Arc<Scenario>>) -> std::io::Result<()> {
    let scenarios: Vec<&Arc<Scenario>> = scenarios.into_iter().collect();
    let json = match scenarios[..] {
        [alone] => serde_json::to_string_pretty(&**alone),
        _ => serde_json::to_string_pretty(&scenarios),
    };
    std::fs::write(folder.join(SCENARIO_FILE), json?)
}

/// The scenarios of a folder, in the order in which records count them.
///
/// # Errors
/// Why the file cannot be read, or is none.
pub fn read(folder: &Path) -> Result<Vec<Arc<Scenario>>, String> {
    let json = std::fs::read_to_string(folder.join(SCENARIO_FILE)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            "there is no such file, so this is no run folder".to_owned()
        }
        _ => error.to_string(),
    })?;
    let read = match json.trim_start().starts_with('[') {
        true => serde_json::from_str(&json),
        false => serde_json::from_str(&json).map(|one| vec![one]),
    };
    read.map_err(|error| error.to_string())
}
