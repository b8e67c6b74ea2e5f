//! `duologue ratings`: what people say of recorded talks, read line by line, and how far they agree with each other and with rules and judges.
//!
//! ```text
//!  {"episode": "eval-000000-0003-0-1", "rater": "anna", "axis": "goal", "score": 4}      one rating a line
//!        │                                                 │             └ on the scale of --scale
//!        └ a record of DIR                                  └ one of the axes that judges of evaluation sets have
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use rl::agreement;
use runs::Records;
use runs::RunPaths;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use sim::EpisodeId;
use sim::EpisodeRecord;
use stress::columns;

use crate::failure::Failure;
use crate::flags::RatingsFlags;
use crate::flags::Scale;
use crate::stdout::say;

/// One line as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    episode: String,
    rater: String,
    axis: String,
    score: f64,
}

/// The ratings of one axis: of each episode by each rater, on the scale of the file.
type Ratings = BTreeMap<EpisodeId, BTreeMap<String, f64>>;

/// Reads the ratings and says how far they agree.
///
/// # Errors
/// [`Failure::Input`] with every line that is no rating of an episode of the folder, or if there is no such folder.
pub fn ratings(flags: &RatingsFlags) -> Result<(), Failure> {
    let records = records(&flags.log)?;
    let ratings = read(&flags.file, flags.scale, &records)?;
    let found: Vec<Agreement> =
        ratings.iter().map(|(axis, ratings)| Agreement::of(axis, ratings, flags.scale, &records)).collect();
    if flags.json {
        say(json!({ "ratings": found.iter().map(Agreement::to_json).collect::<Vec<_>>() }))?;
    } else {
        say(table(&found).trim_end())?;
    }
    Ok(())
}

fn records(folder: &Path) -> Result<BTreeMap<EpisodeId, EpisodeRecord>, Failure> {
    let path = RunPaths::new(folder).log();
    if !path.is_file() {
        let what = format!("--log: {}: there are no episodes", folder.display());
        return Err(Failure::input(what, Some("give a run folder, or one written with --out")));
    }
    let mut records = BTreeMap::new();
    for record in Records::open(&path)? {
        let record = record?;
        records.insert(record.casting.id, record);
    }
    Ok(records)
}

/// All ratings by axis, or every line that is none.
fn read(
    file: &Path,
    scale: Scale,
    records: &BTreeMap<EpisodeId, EpisodeRecord>,
) -> Result<BTreeMap<String, Ratings>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::input(format!("{}: cannot be read: {error}", file.display()), Some("give a file of one rating a line"))
    })?;
    let mut ratings: BTreeMap<String, Ratings> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let noted = rating(line, scale, records).and_then(|(id, Line { rater, axis, score, .. })| {
            let of_episode = ratings.entry(axis.clone()).or_default().entry(id).or_default();
            match of_episode.insert(rater.clone(), score) {
                None => Ok(()),
                Some(_) => Err(Mistake {
                    key: "rater",
                    what: format!("`{rater}` has rated {id} for `{axis}` in a line before"),
                    hint: "leave one of the two".to_owned(),
                }),
            }
        });
        if let Err(Mistake { key, what, hint }) = noted {
            mistakes.push(format!("error: {}:{}: {key}: {what}\nhint: {hint}", file.display(), at + 1));
        }
    }
    if ratings.is_empty() && mistakes.is_empty() {
        mistakes.push(format!("error: {}: holds no rating\nhint: write one a line, e.g. {EXAMPLE}", file.display()));
    }
    if mistakes.is_empty() { Ok(ratings) } else { Err(Failure::Input { message: mistakes.join("\n") }) }
}

const EXAMPLE: &str = r#"{"episode": "eval-000000-0003-0-1", "rater": "anna", "axis": "goal", "score": 4}"#;

/// What is wrong with a line.
struct Mistake {
    key: &'static str,
    what: String,
    hint: String,
}

/// One line, checked by itself.
fn rating(
    line: &str,
    scale: Scale,
    records: &BTreeMap<EpisodeId, EpisodeRecord>,
) -> Result<(EpisodeId, Line), Mistake> {
    let mistake = |key, what: String, hint: String| Mistake { key, what, hint };
    let line: Line = serde_json::from_str(line).map_err(|error| {
        // A line is all the place there is.
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default().to_owned();
        mistake("rating", what, format!("write e.g. {EXAMPLE}"))
    })?;
    let id: EpisodeId = line.episode.parse().map_err(|what| {
        mistake("episode", what, "episodes are named as in the log, e.g. eval-000000-0003-0-1".to_owned())
    })?;
    if !records.contains_key(&id) {
        let what = format!("there is no episode {id} in the folder");
        return Err(mistake("episode", what, "rate talks of the folder of --log".to_owned()));
    }
    if line.rater.trim().is_empty() {
        return Err(mistake("rater", "is empty".to_owned(), "name who rated, in a word of yours".to_owned()));
    }
    let names: Vec<&str> = columns::axes().iter().map(|(name, ..)| *name).collect();
    if !names.contains(&line.axis.as_str()) {
        let hint = config::hint(&line.axis, names, "it is one of");
        return Err(mistake("axis", format!("cannot be `{}`", line.axis), hint));
    }
    if !(scale.low..=scale.high).contains(&line.score) {
        let what = format!("cannot be {}", line.score);
        let hint = format!("the scale goes from {} to {}; another one is --scale LOW..HIGH", scale.low, scale.high);
        return Err(mistake("score", what, hint));
    }
    Ok((id, line))
}

/// How far one axis is agreed on.
struct Agreement<'a> {
    axis: &'a str,
    raters: usize,
    episodes: usize,
    ratings: usize,
    between: Option<f64>,
    /// The measure of the rule or of the judge, the episodes that have both, and the agreement of its marks with the raters' means.
    with: Vec<(&'static str, String, usize, Option<f64>)>,
}

impl<'a> Agreement<'a> {
    fn of(
        axis: &'a str,
        ratings: &Ratings,
        scale: Scale,
        records: &BTreeMap<EpisodeId, EpisodeRecord>,
    ) -> Agreement<'a> {
        let units: Vec<Vec<f64>> = ratings.values().map(|of| of.values().copied().collect()).collect();
        let mut raters: Vec<&String> = ratings.values().flat_map(BTreeMap::keys).collect();
        raters.sort();
        raters.dedup();
        let marked = |measure: &str| -> Vec<Vec<f64>> {
            let pair = |(id, of): (&EpisodeId, &BTreeMap<String, f64>)| {
                let mark = records[id].verdict.as_ref()?.measures.get(measure)?.rate()?;
                let mean = of.values().sum::<f64>() / of.len() as f64;
                Some(vec![(mean - scale.low) / (scale.high - scale.low), mark])
            };
            ratings.iter().filter_map(pair).collect()
        };
        let (_, rule, judge) =
            columns::axes().into_iter().find(|(name, ..)| *name == axis).expect("axes were checked line by line");
        let measures = rule.map(|rule| ("rule", rule.to_owned())).into_iter().chain([("judge", judge)]);
        let with = measures.map(|(who, measure)| {
            let pairs = marked(&measure);
            (who, measure, pairs.len(), agreement::alpha(&pairs))
        });
        Agreement {
            axis,
            raters: raters.len(),
            episodes: units.len(),
            ratings: units.iter().map(Vec::len).sum(),
            between: agreement::alpha(&units),
            with: with.collect(),
        }
    }

    fn to_json(&self) -> Value {
        let with = |(who, measure, episodes, alpha): &(&str, String, usize, Option<f64>)| json!({ "who": who, "measure": measure, "episodes": episodes, "alpha": alpha });
        json!({
            "axis": self.axis,
            "raters": self.raters,
            "episodes": self.episodes,
            "ratings": self.ratings,
            "alpha": self.between,
            "with": self.with.iter().map(with).collect::<Vec<_>>(),
        })
    }
}

fn table(found: &[Agreement<'_>]) -> String {
    let told = |alpha: Option<f64>| alpha.map_or_else(|| "n/a".to_owned(), |alpha| format!("{alpha:+.3}"));
    let mut text = "Krippendorff's alpha: 1 is agreement in everything, 0 what chance gives\n".to_owned();
    for Agreement { axis, raters, episodes, ratings, between, with } in found {
        let _ = writeln!(text, "{axis}: {ratings} ratings of {episodes} episodes by {raters} raters");
        let _ = writeln!(text, "  {:32} {}", "between raters", told(*between));
        for (who, measure, episodes, alpha) in with {
            let _ =
                writeln!(text, "  {:32} {}  ({episodes} episodes)", format!("with the {who}, {measure}"), told(*alpha));
        }
    }
    text
}
