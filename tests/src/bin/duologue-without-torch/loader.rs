//! Models from nothing and from folders.

use std::path::Path;
use std::path::PathBuf;

use rl::AdapterSettings;
use rl::LearnError;
use rl::Model;
use rl::ModelLoader;
use rl::Policy;
use rl::RunSettings;
use rl::TextFiles;
use rl::settings::Normalizer;
use rl::settings::Ratio;
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
        learnable(settings)?;
        let weights = NgramWeights {
            counts: Counts::new(text.vocab_len),
            close_id: text.close_id,
            positions_max: settings.model.max_position_embeddings as usize,
            version: 0,
        };
        model(Contents { name: settings.name.clone(), text: text.clone(), weights, steps: 0 }, seat)
    }

    fn open(&self, folder: &Path, settings: Option<&RunSettings>, seat: Seat) -> Result<Model, LearnError> {
        settings.map_or(Ok(()), learnable)?;
        let contents = folder::read(folder)?;
        // A cold start may be another run's.
        let name = settings.map_or_else(|| contents.name.clone(), |settings| settings.name.clone());
        model(Contents { name, ..contents }, seat)
    }

    fn based(&self, folder: &Path, settings: &RunSettings, seat: Seat) -> Result<Model, LearnError> {
        let contents = folder::read(folder)?;
        let weights = NgramWeights { version: 0, ..contents.weights };
        model(Contents { name: settings.name.clone(), weights, steps: 0, ..contents }, seat)
    }

    fn adapted(&self, _: &AdapterSettings, _: &RunSettings, _: Seat) -> Result<Model, LearnError> {
        no_adapters()
    }

    fn dressed(&self, _base: &Path, _adapters: &[PathBuf]) -> Result<Box<dyn Policy>, LearnError> {
        no_adapters()
    }

    fn merge(&self, _adapter: &Path, _base: &Path, _to: &Path) -> Result<(), LearnError> {
        no_adapters()
    }

    fn weights_file(&self, _settings: &RunSettings) -> &'static str {
        folder::COUNTS
    }

    fn describe(&self) -> Vec<(String, String)> {
        [("model", "ngram"), ("device", "cpu")].map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}

fn no_adapters<T>() -> Result<T, LearnError> {
    Err(LearnError::Model("counts take no adapters: they have no linear layers to sit beside".to_owned()))
}

/// Counts are shifted by each token's own advantage, once: there are no ratios, so no bounds of any, and nothing is divided. What would have to do more
/// than that is refused; older weights than those that learn (`staleness_max`) are not corrected for.
fn learnable(settings: &RunSettings) -> Result<(), LearnError> {
    let loss = &settings.grpo.loss;
    let refused = [
        ("ratio", loss.ratio != Ratio::Token),
        ("normalizer", loss.normalizer != Normalizer::Tokens),
        ("importance", loss.importance.is_some()),
        ("entropy_weight", loss.entropy_weight > 0.0),
    ];
    match refused.into_iter().find(|(_, refused)| *refused) {
        Some((key, _)) => {
            Err(LearnError::Model(format!("counts cannot learn by this `grpo.{key}`: leave it at its default")))
        }
        None => Ok(()),
    }
}

fn model(contents: Contents, seat: Seat) -> Result<Model, LearnError> {
    let Contents { name, text, weights, steps } = contents;
    let version = weights.version;
    let policy: Box<dyn Policy> = Box::new(NgramPolicy::new(weights));
    let policy = hostile::turned(policy, &text, seat, version)?;
    Ok(Model { policy, learner: Box::new(NgramLearner { name, text, steps }) })
}
