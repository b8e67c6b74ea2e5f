//! Models from nothing and from folders.

use std::path::Path;

use rl::LearnError;
use rl::Model;
use rl::ModelLoader;
use rl::Policy;
use rl::RunSettings;
use rl::TextFiles;
use sim::Seat;

use crate::counts::Counts;
use crate::folder;
use crate::folder::Contents;
use crate::hostile;
use crate::learner::NgramLearner;
use crate::policy::NgramPolicy;
use crate::policy::NgramWeights;

/// The loader with counts behind it.
pub struct NgramLoader;

impl ModelLoader for NgramLoader {
    fn fresh(&self, settings: &RunSettings, text: &TextFiles, seat: Seat) -> Result<Model, LearnError> {
        let weights = NgramWeights {
            counts: Counts::new(text.vocab_len),
            close_id: text.close_id,
            positions_max: settings.model.max_position_embeddings as usize,
            version: 0,
        };
        model(Contents { name: settings.name.clone(), text: text.clone(), weights, steps: 0 }, seat)
    }

    fn open(&self, folder: &Path, _settings: Option<&RunSettings>, seat: Seat) -> Result<Model, LearnError> {
        model(folder::read(folder)?, seat)
    }

    fn based(&self, folder: &Path, settings: &RunSettings, seat: Seat) -> Result<Model, LearnError> {
        let contents = folder::read(folder)?;
        let weights = NgramWeights { version: 0, ..contents.weights };
        model(Contents { name: settings.name.clone(), weights, steps: 0, ..contents }, seat)
    }

    fn weights_file(&self) -> &'static str {
        folder::COUNTS
    }

    fn describe(&self) -> Vec<(String, String)> {
        [("model", "ngram"), ("device", "cpu")].map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}

fn model(contents: Contents, seat: Seat) -> Result<Model, LearnError> {
    let Contents { name, text, weights, steps } = contents;
    let policy: Box<dyn Policy> = Box::new(NgramPolicy::new(weights));
    let policy = hostile::turned(policy, &text, seat)?;
    Ok(Model { policy, learner: Box::new(NgramLearner { name, text, steps }) })
}
