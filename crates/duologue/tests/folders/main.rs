//! Whole commands of the engine on folders of models.

mod adapters;
mod from_folder;
mod made;
