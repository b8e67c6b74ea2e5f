mod degenerate;
mod documented;
mod scripts;
mod talk;

use std::sync::Arc;
use std::sync::LazyLock;

use super::Item;
use super::Library;
use super::Rules;
use super::TOLERANCE;
use crate::Act;
use crate::Choice;
use crate::Decision;
use crate::EpisodeRecord;
use crate::Scenario;
use crate::drive::drive;
use crate::scenario::ItemCounts;
use crate::testing::SEED;
use crate::testing::casting;

/// Made once: its functions take a while without optimisation.
static EXAMPLE: LazyLock<Arc<Scenario>> = LazyLock::new(|| Arc::new(super::example()));

/// One held-out function, `(c - a) / b ** 2 * d`, asked for at (1, 2, 9, 3), where it is 6.
fn scenario() -> Arc<Scenario> {
    let item = |id: &str, rule: &str, test_case, expected_result| Item {
        id: id.to_owned(),
        rule: rule.to_owned(),
        test_case,
        expected_result,
    };
    let train = vec![item("t", "a + b + c + d", [1.0; 4], 4.0)];
    let held_out = vec![item("canary", "(c - a) / b ** 2 * d", [1.0, 2.0, 9.0, 3.0], 6.0)];
    let library = Library::new(train, held_out).unwrap();
    let rules = super::super::Rules::Function(Rules { tolerance: TOLERANCE, library: Arc::new(library) });
    let items = ItemCounts { train: 1, held_out: 1, seed: 0 };
    Arc::new(Scenario { rules, items, ..Scenario::clone(&EXAMPLE) })
}

/// Plays the acts in order; after the last one, the agent gives up.
fn played(acts: Vec<Act>) -> EpisodeRecord {
    let mut acts = acts.into_iter();
    let decide = |_, _: &_| {
        let act = acts.next().unwrap_or_else(|| say("[finish]"));
        Decision { act: Ok(act), thought: None, generation: None }
    };
    drive(casting("person", "rule", 0), &scenario(), SEED, decide, |_, _| panic!("nobody is asked anything"))
}

fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

fn tool(choice: Choice, content: &str) -> Act {
    Act::Tool { choice, content: content.to_owned() }
}

/// What the agent was told after its turn with this number.
fn told(record: &EpisodeRecord, turn: usize) -> &str {
    &record.turns[turn + 1].observed[0].text
}

/// Whether that turn did not count.
fn malformed(record: &EpisodeRecord, turn: usize) -> bool {
    record.turns[turn].effect.as_ref().unwrap().malformed.is_some()
}
