//! Who looks things up outside for the worlds of a command: the stagehand of every scenario that has an engine.

use std::future::ready;
use std::sync::Arc;

use actors::Stagehand;
use actors::seats::Pending;
use actors::seats::environment::AsWritten;
use actors::seats::guests::StagehandMaker;
use remote::Librarian;
use remote::Shelf;
use sim::Answer;
use sim::Fault;
use sim::Query;
use sim::World;
use sim::WorldInput;
use sim::WorldOutput;
use sim::record::Casting;

/// Stagehands for scenarios by name, in the order in which castings number them; where there is no shelf, the world is on its own.
#[must_use]
pub fn stagehand(shelves: Vec<(String, Option<Shelf>)>) -> StagehandMaker {
    Arc::new(move |casting: &Casting| -> Box<dyn Stagehand> {
        match &shelves[casting.scenario as usize] {
            (name, Some(shelf)) => {
                Box::new(AtTheShelf(Librarian::new(shelf.clone(), &format!("{name}/{}", casting.id))))
            }
            (_, None) => Box::new(AsWritten),
        }
    })
}

/// Lets the world step itself, and asks a librarian what it wants to know.
struct AtTheShelf(Librarian);

impl Stagehand for AtTheShelf {
    fn step(&mut self, mut world: World, input: WorldInput) -> Pending<'_, (World, Vec<WorldOutput>)> {
        let outputs = world.step(input);
        Box::pin(ready((world, outputs)))
    }

    fn answer(&mut self, query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(async move { self.0.answer(&query).await })
    }
}
