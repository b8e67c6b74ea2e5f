//! Whole commands of the engine on folders of models.

mod adapters;
mod crowd;
mod from_folder;
mod made;
mod serving;
