mod documented;
mod engine;
mod queries;
mod scripts;
mod talk;

use std::sync::Arc;

use super::Document;
use super::Item;
use super::Judge;
use super::Library;
use super::Rules;
use crate::Act;
use crate::Choice;
use crate::Pair;
use crate::Scenario;
use crate::scenario::ItemCounts;

/// One question of other people's, with a canary in the answer, and three pages.
fn scenario(judge: Judge) -> Arc<Scenario> {
    let item = Item {
        id: "q0".to_owned(),
        question: "Where was the author of Heron born?".to_owned(),
        answer: "Canaryton".to_owned(),
        aliases: vec!["Canary Town".to_owned()],
    };
    let page = |title: &str, text: &str| Document { title: title.to_owned(), text: text.to_owned() };
    let pages = vec![
        page("Heron", "Heron is a novel written by Edda Kiba."),
        page("Otter", "Otter is a novel."),
        page("Edda Kiba", "Edda Kiba was born in Canaryton."),
    ];
    let library = Library::given(Vec::new(), vec![item], pages).unwrap();
    let rules =
        Rules { search_steps_max: 5, answers_max: 2, results_max: 2, judge, engine: None, library: Arc::new(library) };
    let items = ItemCounts { train: 0, held_out: 1, seed: 0 };
    let rules = super::super::Rules::Search(rules);
    Arc::new(Scenario { rules, items, success: Pair::default(), ..super::example() })
}

fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

fn tool(choice: Choice, content: &str) -> Act {
    Act::Tool { choice, content: content.to_owned() }
}
