//! tau-bench's release: for each service its three tables and the policy that its agents follow. Its tasks are programs of Python without
//! what the customer says first; UserRL's release has the same tasks as data, with an opening each, and that is what scenarios play.

use sim::gyms::tau::Database;
use sim::gyms::tau::Domain;

use crate::DataError;
use crate::Import;
use crate::ItemFile;
use crate::LeftOut;
use crate::Release;
use crate::checkout::Checkout;
use crate::import;
use crate::shape::Shape;
use crate::shape::kind;

/// Dialogues that were recorded with the original program; a checkout has them in other forms.
const RECORDED: &str = "recorded.jsonl";

/// A table is records by id, and each is an object.
const RECORD: Shape = Shape::Object(&[]);
const FORM: &str = "each table is {id: {…}, …}, as tau-bench publishes it";

/// Reads both services, as far as they are there.
pub(crate) fn import(mut checkout: Checkout) -> Result<Import, DataError> {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for domain in Domain::ALL {
        let service = service(&mut checkout, domain)?;
        if service.is_empty() {
            let why = "the checkout has none of its tables".to_owned();
            left_out.push(LeftOut { what: domain.name().to_owned(), why });
        }
        files.extend(service);
    }
    if files.is_empty() {
        let what = "holds nothing of tau-bench: no file such as tau_bench/envs/retail/data/orders.json";
        let hint = "give a checkout of tau-bench, or a folder with retail/ and airline/";
        return Err(DataError::of_file(checkout.folder(), what, hint));
    }
    let why = "they are programs of Python without what the customer says first; UserRL's tau_train.json and tau_test.json are the same tasks";
    left_out.push(LeftOut { what: "tasks".to_owned(), why: why.to_owned() });
    import::complete(Release::TauBench, checkout, files, left_out)
}

/// The files of a service; none if the checkout has none of its tables.
fn service(checkout: &mut Checkout, domain: Domain) -> Result<Vec<ItemFile>, DataError> {
    let name = domain.name();
    let places = |file: &str| vec![format!("{name}/{file}"), format!("tau_bench/envs/{name}/data/{file}")];
    let tables = domain.tables().map(|table| format!("{}.json", table.name()));
    if tables.iter().all(|table| checkout.find(&places(table)).is_none()) {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    let mut texts = Vec::new();
    for table in &tables {
        let place = checkout.find(&places(table)).ok_or_else(|| missing(checkout, domain, table))?;
        let (text, records) = table_of(checkout, &place)?;
        texts.push(text.clone());
        files.push(ItemFile {
            name: format!("{name}/{table}"),
            bytes: text.into_bytes(),
            items: Some(records),
            of: vec![place],
        });
    }
    let places = [format!("{name}/policy.md"), format!("tau_bench/envs/{name}/wiki.md")];
    let place = checkout.find(&places).ok_or_else(|| missing(checkout, domain, "policy (wiki.md)"))?;
    let policy = checkout.text(&place)?;
    let [a, b, c] = &texts[..] else { unreachable!("a service has three tables") };
    Database::read(domain, policy.clone(), [a, b, c])
        .map_err(|error| DataError::of_file(checkout.folder(), format!("{name} cannot be played: {error}"), FORM))?;
    files.push(ItemFile {
        name: format!("{name}/policy.md"),
        bytes: policy.into_bytes(),
        items: None,
        of: vec![place],
    });
    files.extend(recorded(checkout, domain)?);
    Ok(files)
}

fn missing(checkout: &Checkout, domain: Domain, what: &str) -> DataError {
    let what = format!("{domain} has tables, but its {what} is missing", domain = domain.name());
    DataError::of_file(checkout.folder(), what, "fetch the checkout anew, or leave the whole service out")
}

/// The text of a table, and how many records it has.
fn table_of(checkout: &mut Checkout, place: &str) -> Result<(String, usize), DataError> {
    let (text, value) = checkout.json(place)?;
    let wrong = |what: String| DataError::of_file(checkout.name(place), what, FORM);
    let Some(records) = value.as_object() else {
        return Err(wrong(format!("is {}, and should be an object of records by id", kind(&value))));
    };
    if records.is_empty() {
        return Err(wrong("has no records".to_owned()));
    }
    for (id, record) in records {
        RECORD.check(record).map_err(|found| wrong(found.what).at(id).key(found.key))?;
    }
    Ok((text, records.len()))
}

/// Recorded dialogues, one JSON object a line.
fn recorded(checkout: &mut Checkout, domain: Domain) -> Result<Option<ItemFile>, DataError> {
    let name = format!("{}/{RECORDED}", domain.name());
    let Some(place) = checkout.find(std::slice::from_ref(&name)) else {
        return Ok(None);
    };
    let text = checkout.text(&place)?;
    for (at, line) in text.lines().enumerate() {
        let wrong = |what: String| {
            let hint = "each line is an object, a recorded dialogue; leave the file out if it is not needed";
            DataError::of_file(checkout.name(&place), what, hint).at(format!("line {}", at + 1))
        };
        let value: serde_json::Value =
            serde_json::from_str(line).map_err(|error| wrong(format!("is not JSON: {error}")))?;
        RECORD.check(&value).map_err(|found| wrong(found.what))?;
    }
    let items = Some(text.lines().count());
    Ok(Some(ItemFile { name, bytes: text.into_bytes(), items, of: vec![place] }))
}
