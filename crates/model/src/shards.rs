//! Named tensors in safetensors files, one or several: mapped into memory on the way in, cut at a size on the way out.
//!
//! ```text
//! model.safetensors                                                    one file
//! model-00001-of-00002.safetensors …  model.safetensors.index.json     several, and which tensor is in which
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use half::bf16;
use half::f16;
use memmap2::Mmap;
use rl::LearnError;
use rl::settings::Dtype;
use safetensors::Dtype as Stored;
use safetensors::SafeTensors;
use safetensors::View;
use safetensors::tensor::Metadata;
use serde_json::Value;
use serde_json::json;

use crate::parameters::Layout;

/// Tensors of one model, wherever they lie.
#[derive(Debug)]
pub struct Shards {
    folder: PathBuf,
    /// What is named in a complaint about no file in particular: the file, or the index.
    file: String,
    mapped: Vec<Mapped>,
    /// Which of them each tensor is in.
    places: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Mapped {
    file: String,
    bytes: Mmap,
    /// First byte behind the header.
    start: usize,
    metadata: Metadata,
}

impl Shards {
    /// The tensors of a model's folder: `STEM.safetensors` if it is there, else what `STEM.safetensors.index.json` names.
    ///
    /// # Errors
    /// [`LearnError::Store`] with the file that is missing, cut short or none of its kind.
    pub fn of_model(folder: &Path, stem: &str) -> Result<Shards, LearnError> {
        let (single, index) = (format!("{stem}.safetensors"), format!("{stem}.safetensors.index.json"));
        if folder.join(&single).exists() || !folder.join(&index).exists() {
            return Shards::of_files(folder, &single, &[&single]);
        }
        let refuse = |why: String| store(folder, &index, why);
        let json = fs::read_to_string(folder.join(&index)).map_err(|error| refuse(error.to_string()))?;
        let json: Value = serde_json::from_str(&json).map_err(|error| refuse(error.to_string()))?;
        let map = json["weight_map"].as_object().ok_or_else(|| refuse("weight_map is missing".to_owned()))?;
        let mut files = BTreeSet::new();
        for file in map.values() {
            let file = file.as_str().ok_or_else(|| refuse("weight_map names a file that is no word".to_owned()))?;
            if Path::new(file).file_name().is_none_or(|name| name != file) {
                return Err(refuse(format!("weight_map names `{file}`, which is no file of this folder")));
            }
            files.insert(file);
        }
        Shards::of_files(folder, &index, &files.into_iter().collect::<Vec<&str>>())
    }

    /// The tensors of one file.
    ///
    /// # Errors
    /// [`LearnError::Store`] if it is missing, cut short or none of its kind.
    pub fn of_file(folder: &Path, file: &str) -> Result<Shards, LearnError> {
        Shards::of_files(folder, file, &[file])
    }

    fn of_files(folder: &Path, named: &str, files: &[&str]) -> Result<Shards, LearnError> {
        let mut shards = Shards {
            folder: folder.to_path_buf(),
            file: named.to_owned(),
            mapped: Vec::new(),
            places: BTreeMap::new(),
        };
        for (index, file) in files.iter().enumerate() {
            let mapped = Mapped::open(folder, file)?;
            for name in mapped.metadata.tensors().into_keys() {
                if let Some(other) = shards.places.insert(name.clone(), index) {
                    let other = &shards.mapped.get(other).map_or(*file, |other| other.file.as_str());
                    return Err(store(folder, file, format!("{name} is in {other} too")));
                }
            }
            shards.mapped.push(mapped);
        }
        Ok(shards)
    }

    /// Whether each tensor of the layout is there once for each prefix, in its shape, and nothing else is but what `tolerated` says may
    /// be. `by` is the file that asks for the shapes.
    ///
    /// # Errors
    /// [`LearnError::Store`] that names every tensor that is not as it should be.
    pub fn check(
        &self,
        layout: &Layout,
        prefixes: &[&str],
        by: &str,
        tolerated: impl Fn(&str) -> bool,
    ) -> Result<(), LearnError> {
        let mut problems = Vec::new();
        let mut wanted = BTreeSet::new();
        for (prefix, (part, _)) in prefixes.iter().flat_map(|prefix| layout.parts().map(move |part| (prefix, part))) {
            let name = format!("{prefix}{}", part.name);
            match self.shape(&name) {
                None => problems.push(format!("{name} is missing")),
                Some(shape) if shape != part.shape => {
                    problems.push(format!("{name} has shape {shape:?}; {by} asks for {:?}", part.shape));
                }
                Some(_) => {}
            }
            wanted.insert(name);
        }
        let extra = self.places.keys().filter(|name| !wanted.contains(*name) && !tolerated(name));
        problems.extend(extra.map(|name| format!("{name} is not a tensor of this model")));
        match problems.is_empty() {
            true => Ok(()),
            false => Err(store(&self.folder, &self.file, problems.join("; "))),
        }
    }

    /// The numbers of a tensor, row by row; those of published checkpoints are often bf16, which is the upper half of an f32.
    ///
    /// # Errors
    /// [`LearnError::Store`] if it is missing, of a type other than f32, bf16 and f16, or has a number that is not finite.
    pub fn numbers(&self, name: &str) -> Result<Vec<f32>, LearnError> {
        let Some(place) = self.places.get(name) else {
            return Err(store(&self.folder, &self.file, format!("{name} is missing")));
        };
        let mapped = &self.mapped[*place];
        let refuse = |why: String| Err(store(&self.folder, &mapped.file, format!("{name}: {why}")));
        let (dtype, data) = mapped.data(name);
        let pairs = || data.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
        let numbers: Vec<f32> = match dtype {
            Stored::F32 => {
                let words = data.chunks_exact(4);
                words.map(|word| f32::from_le_bytes(word.try_into().expect("chunks of 4 bytes"))).collect()
            }
            Stored::BF16 => pairs().map(|pair| bf16::from_le_bytes(pair).to_f32()).collect(),
            Stored::F16 => pairs().map(|pair| f16::from_le_bytes(pair).to_f32()).collect(),
            other => return refuse(format!("numbers of type {other:?}; only F32, BF16 and F16 can be read")),
        };
        match numbers.iter().all(|number| number.is_finite()) {
            true => Ok(numbers),
            false => refuse("a number in it is not finite".to_owned()),
        }
    }

    /// The flat vector of a layout whose tensors are here under a prefix.
    ///
    /// # Errors
    /// As [`Shards::numbers`].
    pub fn flat(&self, layout: &Layout, prefix: &str) -> Result<Vec<f32>, LearnError> {
        let mut flat = vec![0f32; layout.len as usize];
        for (part, offset) in layout.parts() {
            let numbers = self.numbers(&format!("{prefix}{}", part.name))?;
            flat[offset as usize..offset as usize + numbers.len()].copy_from_slice(&numbers);
        }
        Ok(flat)
    }

    /// The type in which all of these can be written again without a loss.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        let of = |(name, place): (&String, &usize)| self.mapped[*place].data(name).0;
        match self.places.iter().map(of).all(|dtype| dtype == Stored::BF16) {
            true => Dtype::Bf16,
            false => Dtype::F32,
        }
    }

    /// Whether the name of any of these begins so.
    #[must_use]
    pub fn begins_any(&self, prefix: &str) -> bool {
        self.places.keys().any(|name| name.starts_with(prefix))
    }

    fn shape(&self, name: &str) -> Option<Vec<i64>> {
        let mapped = &self.mapped[*self.places.get(name)?];
        let info = mapped.metadata.info(name)?;
        Some(info.shape.iter().map(|size| *size as i64).collect())
    }
}

impl Mapped {
    fn open(folder: &Path, file: &str) -> Result<Mapped, LearnError> {
        let opened = File::open(folder.join(file)).map_err(|error| store(folder, file, error.to_string()))?;
        // SAFETY: whoever writes weights writes them under another name and renames (as we do), so nobody cuts a file that is mapped.
        let bytes = unsafe { Mmap::map(&opened) }.map_err(|error| store(folder, file, error.to_string()))?;
        let (header, metadata) = SafeTensors::read_metadata(&bytes)
            .map_err(|error| store(folder, file, format!("cut short, or not a safetensors file: {error}")))?;
        Ok(Mapped { file: file.to_owned(), start: 8 + header, bytes, metadata })
    }

    /// Type and bytes of a tensor that is in it.
    fn data(&self, name: &str) -> (Stored, &[u8]) {
        let info = self.metadata.info(name).expect("the places were made from this header");
        let (first, end) = info.data_offsets;
        (info.dtype, &self.bytes[self.start + first..self.start + end])
    }
}

/// Some of a flat vector's numbers as a tensor of a file. Its bytes are made when they are written, one tensor at a time.
#[derive(Clone)]
pub(crate) struct Slice<'a> {
    name: String,
    shape: Vec<usize>,
    numbers: &'a [f32],
    dtype: Dtype,
}

impl Slice<'_> {
    /// Bytes of each number.
    fn width(&self) -> usize {
        match self.dtype {
            Dtype::F32 => 4,
            Dtype::Bf16 => 2,
        }
    }
}

impl View for Slice<'_> {
    fn dtype(&self) -> Stored {
        match self.dtype {
            Dtype::F32 => Stored::F32,
            Dtype::Bf16 => Stored::BF16,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(match self.dtype {
            Dtype::F32 => self.numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            Dtype::Bf16 => self.numbers.iter().flat_map(|number| bf16::from_f32(*number).to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        self.numbers.len() * self.width()
    }
}

/// One tensor for each part of a flat vector, its name prefixed.
pub(crate) fn slices<'a>(layout: &Layout, numbers: &'a [f32], prefix: &str, dtype: Dtype) -> Vec<Slice<'a>> {
    layout
        .parts()
        .map(|(part, offset)| {
            let shape: Vec<usize> = part.shape.iter().map(|size| *size as usize).collect();
            let numbers = &numbers[offset as usize..][..shape.iter().product()];
            Slice { name: format!("{prefix}{}", part.name), shape, numbers, dtype }
        })
        .collect()
}

/// Writes `STEM.safetensors`, or several files and their index if there are more than `bytes_max` bytes. A single tensor is never cut.
pub(crate) fn write(folder: &Path, stem: &str, tensors: Vec<Slice<'_>>, bytes_max: usize) -> Result<(), LearnError> {
    let total: usize = tensors.iter().map(Slice::data_len).sum();
    if total <= bytes_max {
        return write_file(folder, &format!("{stem}.safetensors"), tensors);
    }
    let mut shards: Vec<(usize, Vec<Slice<'_>>)> = Vec::new();
    for tensor in tensors {
        let bytes = tensor.data_len();
        match shards.last_mut() {
            Some((sum, shard)) if *sum + bytes <= bytes_max => {
                *sum += bytes;
                shard.push(tensor);
            }
            Some(_) | None => shards.push((bytes, vec![tensor])),
        }
    }
    let count = shards.len();
    let mut weight_map = BTreeMap::new();
    for (index, (_, shard)) in shards.into_iter().enumerate() {
        let file = format!("{stem}-{:05}-of-{count:05}.safetensors", index + 1);
        weight_map.extend(shard.iter().map(|tensor| (tensor.name.clone(), file.clone())));
        write_file(folder, &file, shard)?;
    }
    let index = json!({ "metadata": { "total_size": total }, "weight_map": weight_map });
    let json = format!("{index:#}\n");
    replace(folder, &format!("{stem}.safetensors.index.json"), |path| {
        fs::write(path, &json).map_err(|error| error.to_string())
    })
}

/// Writes one file of tensors.
pub(crate) fn write_file(folder: &Path, file: &str, tensors: Vec<Slice<'_>>) -> Result<(), LearnError> {
    // Older `transformers` refuse files without it.
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let named: Vec<(String, Slice<'_>)> = tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    replace(folder, file, |path| {
        safetensors::serialize_to_file(named, Some(format), path).map_err(|error| error.to_string())
    })
}

/// Writes a file under another name and renames it, so that whoever polls the folder never meets half of it.
pub(crate) fn replace(
    folder: &Path,
    file: &str,
    write: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), LearnError> {
    let unfinished = folder.join(format!(".{file}.unfinished"));
    write(&unfinished)
        .and_then(|()| fs::rename(&unfinished, folder.join(file)).map_err(|error| error.to_string()))
        .map_err(|why| store(folder, file, why))
}

pub(crate) fn store(folder: &Path, file: &str, why: impl Into<String>) -> LearnError {
    LearnError::Store { file: folder.join(file).display().to_string(), why: why.into() }
}
