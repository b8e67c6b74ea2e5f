//! Models from nothing and from folders.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use rl::LearnError;
use rl::Model;
use rl::ModelLoader;
use rl::RunSettings;
use rl::TextFiles;
use rl::settings::CACHE_BYTES_MAX;
use rl::settings::Device;
use sim::Seat;
use tch::Tensor;

use crate::Config;
use crate::Parameters;
use crate::TchLearner;
use crate::TchPolicy;
use crate::TchWeights;
use crate::device::prepare;
use crate::folder;
use crate::folder::Contents;
use crate::folder::Moments;
use crate::guard::caught;
use crate::optimizer::AdamW;
use crate::transformer::Decoder;

/// The loader with libtorch behind it.
#[derive(Debug)]
pub struct TchLoader {
    /// Where models live that come without settings.
    device: Device,
    /// Threads for models that come without settings.
    threads: usize,
    /// Device of the last model made, for [`ModelLoader::describe`].
    last: Mutex<Option<tch::Device>>,
}

impl Default for TchLoader {
    /// The GPU if there is one; one thread, as in the quickstart, so that evaluations repeat the run's own.
    fn default() -> TchLoader {
        TchLoader::new(Device::Auto, 1)
    }
}

impl TchLoader {
    /// A loader that puts models without settings on `device` and lets them use `threads`.
    #[must_use]
    pub fn new(device: Device, threads: usize) -> TchLoader {
        TchLoader { device, threads, last: Mutex::new(None) }
    }

    fn prepare(&self, settings: Option<&RunSettings>) -> Result<tch::Device, LearnError> {
        let (device, threads) = match settings {
            Some(settings) => (settings.limits.device, settings.limits.threads),
            None => (self.device, self.threads),
        };
        let device = caught(|| prepare(device, threads)).map_err(LearnError::Tensor)??;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(device);
        Ok(device)
    }

    /// A model of what is in a folder.
    fn model(&self, contents: Contents, settings: Option<&RunSettings>) -> Result<Model, LearnError> {
        let device = self.prepare(settings)?;
        let cache_bytes_max = settings.map_or(CACHE_BYTES_MAX, |settings| settings.limits.cache_bytes_max());
        caught(|| {
            let config = &contents.config;
            let parameters = Parameters::new(config, &contents.weights, device);
            let optimizer = match &contents.moments {
                None => AdamW::new(&parameters),
                Some(Moments { first, second, steps }) => AdamW {
                    first: Tensor::from_slice(first).to_device(device),
                    second: Tensor::from_slice(second).to_device(device),
                    steps: *steps,
                },
            };
            let reference = contents
                .reference
                .as_ref()
                .map(|numbers| Decoder::new(config.clone(), Parameters::new(config, numbers, device)));
            let weights = TchWeights { decoder: Decoder::new(config.clone(), parameters), version: contents.version };
            let grpo = settings.map(|settings| settings.grpo.clone());
            let learner = TchLearner::new(contents.name.clone(), contents.text.clone(), grpo, optimizer, reference);
            Model { policy: Box::new(TchPolicy::new(weights, cache_bytes_max)), learner: Box::new(learner) }
        })
        .map_err(LearnError::Tensor)
    }
}

impl ModelLoader for TchLoader {
    fn fresh(&self, settings: &RunSettings, text: &TextFiles, seat: Seat) -> Result<Model, LearnError> {
        let config = Config::new(&settings.model, text)?;
        if let Some((id, _)) = text.ordered.iter().find(|(id, _)| i64::from(*id) >= config.vocab_size) {
            let why = format!("ordered token {id} is outside the vocabulary of {}", config.vocab_size);
            return Err(LearnError::Model(why));
        }
        let device = self.prepare(Some(settings))?;
        let cache_bytes_max = settings.limits.cache_bytes_max();
        caught(|| {
            let parameters = Parameters::fresh(&config, settings.seed, seat, &text.ordered, device);
            let optimizer = AdamW::new(&parameters);
            let weights = TchWeights { decoder: Decoder::new(config, parameters), version: 0 };
            let grpo = Some(settings.grpo.clone());
            let learner = TchLearner::new(settings.name.clone(), text.clone(), grpo, optimizer, None);
            Model { policy: Box::new(TchPolicy::new(weights, cache_bytes_max)), learner: Box::new(learner) }
        })
        .map_err(LearnError::Tensor)
    }

    fn open(&self, folder: &Path, settings: Option<&RunSettings>, _seat: Seat) -> Result<Model, LearnError> {
        self.model(folder::read(folder)?, settings)
    }

    fn based(&self, folder: &Path, settings: &RunSettings, _seat: Seat) -> Result<Model, LearnError> {
        let contents = folder::read(folder)?;
        let name = settings.name.clone();
        self.model(Contents { name, version: 0, moments: None, reference: None, ..contents }, Some(settings))
    }

    fn weights_file(&self) -> &'static str {
        folder::WEIGHTS
    }

    /// `libtorch`, `device` and `threads` as they are now: ask after the models are made.
    fn describe(&self) -> Vec<(String, String)> {
        let device = match *self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            None => "none yet".to_owned(),
            Some(tch::Device::Cpu) => "cpu".to_owned(),
            Some(tch::Device::Cuda(index)) => format!("cuda:{index}"),
            Some(other) => format!("{other:?}"),
        };
        [
            ("libtorch", "2.11.0".to_owned()),
            ("tch", "0.24.0".to_owned()),
            ("device", device),
            ("threads", tch::get_num_threads().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}
