//! What an import comes to: files in memory, and where they are from.

use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use crate::DataError;
use crate::Release;
use crate::checkout::Checkout;

/// What says where item files are from.
const SOURCE: &str = "SOURCE.json";
/// The licence's text beside the items.
const LICENCE: &str = "LICENSE.txt";

/// A release, ready to be written.
#[derive(Debug)]
pub struct Import {
    /// Which.
    pub release: Release,
    /// Under which licence it was published.
    pub licence: Licence,
    /// What to write; paths are relative to the release's folder. `SOURCE.json` is the last.
    pub files: Vec<ItemFile>,
    /// What could not be had, or would be of no use.
    pub left_out: Vec<LeftOut>,
}

/// A file to write.
#[derive(Debug)]
pub struct ItemFile {
    /// Its path, with `/`.
    pub name: String,
    /// All of it.
    pub bytes: Vec<u8>,
    /// How many items it has; `None` for a file that has no items.
    pub items: Option<usize>,
    /// The files that it was made from; one that was kept byte for byte has one of the same hash.
    pub of: Vec<String>,
}

/// The licence of a release.
#[derive(Clone, Debug, Serialize)]
pub struct Licence {
    /// By its SPDX name; `other` if the text is of none that is known here.
    pub name: String,
    /// The file that says so; `None` if there is none, and `name` is what its publishers say elsewhere.
    pub file: Option<String>,
    /// What else to heed.
    pub terms: String,
}

/// Something that is not among the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A file that was read.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Input {
    file: String,
    bytes: usize,
    sha256: String,
}

impl Input {
    /// Notes a file.
    pub(crate) fn of(file: &str, bytes: &[u8]) -> Input {
        Input { file: file.to_owned(), bytes: bytes.len(), sha256: sha256(bytes) }
    }
}

/// `SOURCE.json`. No clock and no path of a machine in it, so that equal imports are equal to the byte.
#[derive(Serialize)]
struct Source<'a> {
    release: &'a str,
    importer: String,
    licence: &'a Licence,
    inputs: Vec<Input>,
    outputs: Vec<Output<'a>>,
    left_out: &'a [LeftOut],
}

#[derive(Serialize)]
struct Output<'a> {
    file: &'a str,
    items: Option<usize>,
    bytes: usize,
    sha256: String,
    of: &'a [String],
}

/// Everything an importer has found; with its licence and `SOURCE.json`, it is an [`Import`].
///
/// # Errors
/// If the licence's file cannot be read.
pub(crate) fn complete(
    release: Release,
    mut checkout: Checkout,
    mut files: Vec<ItemFile>,
    left_out: Vec<LeftOut>,
) -> Result<Import, DataError> {
    let (licence, text) = licence(release, &mut checkout)?;
    if let Some(text) = text {
        let of = licence.file.iter().cloned().collect();
        files.push(ItemFile { name: LICENCE.to_owned(), bytes: text.into_bytes(), items: None, of });
    }
    let output = |file: &'_ ItemFile| (file.items, file.bytes.len(), sha256(&file.bytes));
    let outputs = files.iter().map(|file| {
        let (items, bytes, sha256) = output(file);
        Output { file: &file.name, items, bytes, sha256, of: &file.of }
    });
    let source = Source {
        release: release.name(),
        importer: format!("duologue {}", env!("CARGO_PKG_VERSION")),
        licence: &licence,
        outputs: outputs.collect(),
        inputs: checkout.into_inputs(),
        left_out: &left_out,
    };
    let mut bytes = serde_json::to_vec_pretty(&source).expect("it has text keys only");
    bytes.push(b'\n');
    files.push(ItemFile { name: SOURCE.to_owned(), bytes, items: None, of: Vec::new() });
    Ok(Import { release, licence, files, left_out })
}

/// What the release's file of its licence says, and its text.
fn licence(release: Release, checkout: &mut Checkout) -> Result<(Licence, Option<String>), DataError> {
    let (published, terms) = match release {
        Release::UserRl => (
            "Apache-2.0",
            "What the items were made from has terms of its own: IN3 (intentions), Anthropic's persuasion data (statements), Bamboogle \
             (questions), tau-bench under MIT (tau), text written by GPT-4o (stories, entities).",
        ),
        Release::TauBench => ("MIT", "Customers, orders and flights are invented."),
    };
    let terms = terms.to_owned();
    let places = ["LICENSE.txt", "LICENSE", "LICENSE.md"].map(str::to_owned);
    let Some(place) = checkout.find(&places) else {
        return Ok((Licence { name: published.to_owned(), file: None, terms }, None));
    };
    let text = checkout.text(&place)?;
    let name = spdx(&text).unwrap_or("other").to_owned();
    Ok((Licence { name, file: Some(place), terms }, Some(text)))
}

/// The name of a licence by its text; `None` if it is neither of the two that are expected.
fn spdx(text: &str) -> Option<&'static str> {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.contains("Apache License") && words.contains("Version 2.0") {
        Some("Apache-2.0")
    } else if words.contains("Permission is hereby granted, free of charge, to any person obtaining a copy") {
        Some("MIT")
    } else {
        None
    }
}

/// In hex.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
