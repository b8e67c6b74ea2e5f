//! Things in the form of UserRL's `all_entities_refined.json`.

use serde::Deserialize;
use sim::gyms::telepathy::Item;
use sim::gyms::telepathy::items::name;

use super::division::Form;

/// How they are read.
pub(crate) const FORM: Form<Vec<Entity>, Item> = Form {
    form: "it is a list of {id, title, description, target_entity, category}",
    items: |entities| entities.into_iter().map(item).collect(),
    key: |item| name(&item.title),
};

/// As it stands in the release.
#[derive(Deserialize)]
pub(crate) struct Entity {
    id: String,
    title: String,
    description: String,
    /// `NAME - what is known of it`.
    target_entity: String,
    category: String,
}

fn item(entity: Entity) -> Result<Item, String> {
    let Entity { id, title, description, target_entity, category } = entity;
    if name(&title).is_empty() {
        return Err(format!("`{id}` has no title that could be guessed"));
    }
    let mut aliases: Vec<String> = Vec::new();
    // Five titles of the release are not the name before the dash, and one has a sign in brackets.
    let before_dash = target_entity.split(" - ").next().unwrap_or_default();
    let before_bracket = title.split('(').next().unwrap_or_default();
    for alias in [before_dash, before_bracket] {
        let is_new =
            !name(alias).is_empty() && std::iter::once(&title).chain(&aliases).all(|known| name(known) != name(alias));
        if is_new {
            aliases.push(alias.trim().to_owned());
        }
    }
    Ok(Item { id, title, aliases, category, description, target: target_entity, table: None })
}
