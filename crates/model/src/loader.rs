//! Models from nothing and from folders.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use rl::AdapterSettings;
use rl::LearnError;
use rl::Model;
use rl::ModelLoader;
use rl::Policy;
use rl::RunSettings;
use rl::Selftest;
use rl::TextFiles;
use rl::settings::CACHE_BYTES_MAX;
use rl::settings::Device;
use rl::settings::Dtype;
use sim::Seat;
use tch::Kind;
use tch::Tensor;

use crate::Adapter;
use crate::Config;
use crate::Lora;
use crate::Parameters;
use crate::TchLearner;
use crate::TchPolicy;
use crate::TchWeights;
use crate::device::prepare;
use crate::folder;
use crate::folder::Contents;
use crate::folder::Kept;
use crate::folder::Moments;
use crate::guard::caught;
use crate::optimizer::AdamW;
use crate::parameters::Layout;
use crate::peft;
use crate::shards::Shards;
use crate::transformer::Decoder;

/// The loader with libtorch behind it.
#[derive(Debug)]
pub struct TchLoader {
    /// Where models live that come without settings.
    device: Device,
    /// Threads for models that come without settings.
    threads: usize,
    /// What models that do not learn, and the bases of adapters, are held in.
    dtype: Dtype,
    /// Where the last model was put, for those that play beside it and for [`ModelLoader::describe`].
    last: Mutex<Option<Place>>,
    /// Those that adapters have asked for, each as long as the loader lives: whoever comes with another adapter finds its numbers there.
    bases: Mutex<Vec<Base>>,
}

/// Where a model lives.
#[derive(Clone, Copy, Debug)]
struct Place {
    device: tch::Device,
    /// Bytes of its keys and values.
    cache_bytes_max: usize,
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
        TchLoader { device, threads, dtype: Dtype::F32, last: Mutex::new(None), bases: Mutex::default() }
    }

    /// The same, with models that do not learn, and bases of adapters, held in this. Of what learns, its run says.
    #[must_use]
    pub fn with_dtype(self, dtype: Dtype) -> TchLoader {
        TchLoader { dtype, ..self }
    }

    /// A model's folder as a base for adapters: its weights are read once, however often it is asked for, and never change.
    ///
    /// # Errors
    /// [`LearnError`], as [`ModelLoader::open`].
    pub fn base(&self, folder: &Path, settings: Option<&RunSettings>) -> Result<Base, LearnError> {
        let dtype = settings.and_then(RunSettings::adapters).map_or(self.dtype, |adapters| adapters.dtype);
        self.held(folder, dtype, settings)
    }

    fn held(&self, folder: &Path, dtype: Dtype, settings: Option<&RunSettings>) -> Result<Base, LearnError> {
        if peft::is_adapter(folder) {
            return Err(LearnError::Model(format!("{}: an adapter cannot be the base of others", folder.display())));
        }
        // However it is written: `a/../b` is `b`, and an adapter's folder names its base from wherever that lies.
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let Place { device, cache_bytes_max } = self.prepare(settings)?;
        let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |base: &&Base| base.folder == folder && base.dtype == dtype && base.decoder.device() == device;
        let base = match bases.iter().position(|base| is_it(&base)) {
            Some(place) => &bases[place],
            None => {
                let contents = folder::open(&folder)?;
                let decoder = decoder(&contents, device, kind(dtype))?;
                let Contents { version, text, kept, .. } = contents;
                bases.push(Base { folder, dtype, decoder, version, text, kept, cache_bytes_max });
                bases.last().expect("it was just put there")
            }
        };
        Ok(Base { cache_bytes_max, ..base.share() })
    }

    /// The base of an adapter's folder: where the run says, or else where the folder does.
    fn base_under(&self, folder: &Path, settings: Option<&RunSettings>, seat: Seat) -> Result<Base, LearnError> {
        match settings.and_then(RunSettings::adapters) {
            Some(adapters) => self.base(&adapters.bases[seat], settings),
            None => self.base(&peft::base_of(folder)?, settings),
        }
    }

    /// Without settings, beside the last model: who plays against a run's models must not move their threads.
    fn prepare(&self, settings: Option<&RunSettings>) -> Result<Place, LearnError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (device, threads, cache_bytes_max) = match (settings, *last) {
            (Some(settings), _) => {
                let limits = &settings.limits;
                (limits.device, limits.threads, limits.cache_bytes_max())
            }
            (None, Some(place)) => return Ok(place),
            (None, None) => (self.device, self.threads, CACHE_BYTES_MAX),
        };
        let device = caught(|| prepare(device, threads)).map_err(LearnError::Tensor)??;
        Ok(*last.insert(Place { device, cache_bytes_max }))
    }

    /// A model of what is in a folder.
    fn model(&self, contents: Contents<Shards>, settings: Option<&RunSettings>) -> Result<Model, LearnError> {
        let Place { device, cache_bytes_max } = self.prepare(settings)?;
        let held = kind(settings.map_or(self.dtype, |settings| settings.dtype));
        let decoder = decoder(&contents, device, held)?;
        let masters = masters(&contents, settings)?;
        let Contents { name, config, version, text, kept, moments, reference, .. } = contents;
        // A cold start may be another run's.
        let name = settings.map_or(name, |settings| settings.name.clone());
        caught(|| {
            let masters = masters.map(|numbers| Tensor::from_slice(&numbers).to_device(device));
            let optimizer = AdamW { masters, ..optimizer(moments.as_ref(), &decoder, settings) };
            let reference = reference.map(|numbers| {
                let long = Parameters::new(&config, &numbers, device);
                Decoder::new(config.clone(), rounded(long, &config, held))
            });
            let grpo = settings.map(|settings| settings.grpo.clone());
            let learner = TchLearner::new(name, text, grpo, optimizer, reference).keeping(kept);
            Model {
                policy: Box::new(policy(TchWeights { decoder, version }, cache_bytes_max, settings)),
                learner: Box::new(learner),
            }
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
        let Place { device, cache_bytes_max } = self.prepare(Some(settings))?;
        caught(|| {
            let long = Parameters::fresh(&config, settings.seed, seat, &text.ordered, device);
            let masters = (settings.dtype != Dtype::F32).then(|| long.flat().detach());
            let parameters = rounded(long, &config, kind(settings.dtype));
            let optimizer = AdamW { masters, ..AdamW::new(&parameters) };
            let weights = TchWeights { decoder: Decoder::new(config, parameters), version: 0 };
            let grpo = Some(settings.grpo.clone());
            let learner = TchLearner::new(settings.name.clone(), text.clone(), grpo, optimizer, None);
            Model { policy: Box::new(policy(weights, cache_bytes_max, Some(settings))), learner: Box::new(learner) }
        })
        .map_err(LearnError::Tensor)
    }

    fn open(&self, folder: &Path, settings: Option<&RunSettings>, seat: Seat) -> Result<Model, LearnError> {
        match peft::is_adapter(folder) {
            true => self.base_under(folder, settings, seat)?.open(folder, settings),
            false => self.model(folder::open(folder)?, settings),
        }
    }

    fn based(&self, folder: &Path, settings: &RunSettings, seat: Seat) -> Result<Model, LearnError> {
        let name = settings.name.clone();
        if peft::is_adapter(folder) {
            let base = self.base_under(folder, Some(settings), seat)?;
            let contents = peft::read(folder, base.decoder.config())?;
            let fresh = peft::Contents { name, version: 0, moments: None, reference: None, ..contents };
            return base.wear(fresh, Some(settings));
        }
        let contents = folder::open(folder)?;
        self.model(Contents { name, version: 0, moments: None, reference: None, ..contents }, Some(settings))
    }

    fn adapted(&self, adapters: &AdapterSettings, settings: &RunSettings, seat: Seat) -> Result<Model, LearnError> {
        let base = self.held(&adapters.bases[seat], adapters.dtype, Some(settings))?;
        base.fresh(Lora::of_run(&adapters.shape), settings, seat)
    }

    fn dressed(&self, base: &Path, adapters: &[PathBuf]) -> Result<Box<dyn Policy>, LearnError> {
        let base = self.base(base, None)?;
        let (mut wardrobe, mut versions) = (Vec::new(), Vec::new());
        for folder in adapters {
            let peft::Contents { lora, weights, version, .. } = peft::read(folder, base.decoder.config())?;
            wardrobe.push(base.adapter(lora, &weights)?);
            versions.push(version);
        }
        let decoder = base.decoder.dressed(wardrobe);
        let weights = TchWeights { decoder, version: base.version };
        Ok(Box::new(policy(weights, base.cache_bytes_max, None).versioned(versions)))
    }

    fn merge(&self, adapter: &Path, base: &Path, to: &Path) -> Result<(), LearnError> {
        let base = self.held(base, Dtype::F32, None)?;
        let config = base.decoder.config();
        let peft::Contents { name, lora, weights, version, .. } = peft::read(adapter, config)?;
        let adapter = base.adapter(lora, &weights)?;
        let merged = caught(|| {
            let merged = adapter.merged(config, base.decoder.parameters());
            Vec::try_from(merged.flat()).expect("one row of f32 numbers")
        });
        let contents = Contents {
            name,
            config: config.clone(),
            weights: merged.map_err(LearnError::Tensor)?,
            version,
            text: base.text.clone(),
            kept: base.kept.clone(),
            moments: None,
            reference: None,
        };
        folder::write(to, &contents)
    }

    fn weights_file(&self, settings: &RunSettings) -> &'static str {
        if settings.adapters().is_some() { peft::WEIGHTS } else { folder::WEIGHTS }
    }

    /// `libtorch`, `device` and `threads` as they are now: ask after the models are made.
    fn describe(&self) -> Vec<(String, String)> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let device = match last.map(|place| place.device) {
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

    fn selftest(&self) -> Option<&dyn Selftest> {
        Some(self)
    }
}

/// A model that adapters sit on. Each of their models has a handle on the same numbers; none of them changes any.
#[derive(Debug)]
pub struct Base {
    /// Where it lies, from the root of the disk on.
    folder: PathBuf,
    /// What it is held in.
    dtype: Dtype,
    decoder: Decoder,
    /// Optimiser updates that made it.
    version: u64,
    text: TextFiles,
    kept: Kept,
    cache_bytes_max: usize,
}

impl Base {
    /// The base as it is.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Another handle on the same numbers.
    fn share(&self) -> Base {
        let Base { folder, dtype, decoder, version, text, kept, cache_bytes_max } = self;
        Base {
            folder: folder.clone(),
            dtype: *dtype,
            decoder: decoder.share(),
            version: *version,
            text: text.clone(),
            kept: kept.clone(),
            cache_bytes_max: *cache_bytes_max,
        }
    }

    /// A model that is this base with a fresh adapter for `seat`, drawn from the run's seed.
    ///
    /// # Errors
    /// [`LearnError::Model`] if no adapter of this shape fits the base.
    pub fn fresh(&self, lora: Lora, settings: &RunSettings, seat: Seat) -> Result<Model, LearnError> {
        let lora = Lora { base: lora.base.or(Some(self.folder.display().to_string())), ..lora };
        let name = settings.name.clone();
        let (config, device) = (self.decoder.config(), self.decoder.device());
        let adapter = caught(|| Adapter::fresh(config, lora, settings.seed, seat, device));
        let adapter = adapter.map_err(LearnError::Tensor)?.map_err(LearnError::Model)?;
        self.model(name, self.decoder.adapted(adapter), 0, None, None, Some(settings))
    }

    /// A model that is this base with the adapter of a PEFT folder. `settings` is `None` where nothing learns.
    ///
    /// # Errors
    /// [`LearnError::Store`] naming the file that is missing, asks for what is not supported or does not fit the base.
    pub fn open(&self, folder: &Path, settings: Option<&RunSettings>) -> Result<Model, LearnError> {
        self.wear(peft::read(folder, self.decoder.config())?, settings)
    }

    /// A model that is this base with an adapter that was read.
    fn wear(&self, contents: peft::Contents, settings: Option<&RunSettings>) -> Result<Model, LearnError> {
        let peft::Contents { name, lora, weights, version, moments, reference } = contents;
        // What a run leaves names the base where it lies now.
        let base = if settings.is_some() { Some(self.folder.display().to_string()) } else { lora.base.clone() };
        let lora = Lora { base, ..lora };
        let wearing = |numbers: &[f32]| Ok(self.decoder.adapted(self.adapter(lora.clone(), numbers)?));
        let reference = reference.as_deref().map(&wearing).transpose()?;
        self.model(name, wearing(&weights)?, version, moments, reference, settings)
    }

    fn adapter(&self, lora: Lora, numbers: &[f32]) -> Result<Adapter, LearnError> {
        let adapter = caught(|| Adapter::new(self.decoder.config(), lora, numbers, self.decoder.device()));
        adapter.map_err(LearnError::Tensor)?.map_err(LearnError::Model)
    }

    fn model(
        &self,
        name: String,
        decoder: Decoder,
        version: u64,
        moments: Option<Moments>,
        reference: Option<Decoder>,
        settings: Option<&RunSettings>,
    ) -> Result<Model, LearnError> {
        caught(|| {
            let optimizer = optimizer(moments.as_ref(), &decoder, settings);
            let grpo = settings.map(|settings| settings.grpo.clone());
            let learner = TchLearner::new(name, self.text.clone(), grpo, optimizer, reference);
            Model {
                policy: Box::new(policy(TchWeights { decoder, version }, self.cache_bytes_max, settings)),
                learner: Box::new(learner.keeping(self.kept.clone())),
            }
        })
        .map_err(LearnError::Tensor)
    }
}

/// The decoder of an opened folder.
fn decoder(contents: &Contents<Shards>, device: tch::Device, kind: Kind) -> Result<Decoder, LearnError> {
    let config = &contents.config;
    caught(|| {
        let parameters = Parameters::of_shards(config, &contents.weights, device, kind)?;
        Ok(Decoder::new(config.clone(), parameters))
    })
    .map_err(LearnError::Tensor)
    .flatten()
}

/// The same parameters in another kind of numbers.
fn rounded(parameters: Parameters, config: &Config, kind: Kind) -> Parameters {
    match parameters.flat().kind() == kind {
        true => parameters,
        false => parameters.with_flat(config, tch::no_grad(|| parameters.flat().to_kind(kind))),
    }
}

/// The masters of a folder's weights: those that came, or, where shorter weights begin to learn, all digits that the folder's weights have.
fn masters(contents: &Contents<Shards>, settings: Option<&RunSettings>) -> Result<Option<Vec<f32>>, LearnError> {
    let came = || contents.moments.as_ref().and_then(|moments| moments.masters.clone());
    match settings.map(|settings| settings.dtype) {
        None => Ok(came()),
        Some(Dtype::F32) => Ok(None),
        Some(Dtype::Bf16) => match came() {
            Some(masters) => Ok(Some(masters)),
            None => contents.weights.flat(&Layout::new(&contents.config), "").map(Some),
        },
    }
}

/// The moments that came, or fresh ones for what learns; without masters.
fn optimizer(moments: Option<&Moments>, decoder: &Decoder, settings: Option<&RunSettings>) -> AdamW {
    let there = |numbers: &[f32]| Tensor::from_slice(numbers).to_device(decoder.device());
    match moments {
        Some(Moments { first, second, steps, .. }) => {
            AdamW { first: there(first), second: there(second), steps: *steps, masters: None }
        }
        None if settings.is_some() => AdamW::new(decoder.learnt()),
        None => AdamW::none(),
    }
}

/// Within the run's longest stream; without a run, within the model's own.
fn policy(weights: TchWeights, cache_bytes_max: usize, settings: Option<&RunSettings>) -> TchPolicy {
    let policy = TchPolicy::new(weights, cache_bytes_max);
    match settings {
        None => policy,
        Some(settings) => policy.within(usize::try_from(settings.model.max_position_embeddings).unwrap_or(0)),
    }
}

fn kind(dtype: Dtype) -> Kind {
    match dtype {
        Dtype::F32 => Kind::Float,
        Dtype::Bf16 => Kind::BFloat16,
    }
}
