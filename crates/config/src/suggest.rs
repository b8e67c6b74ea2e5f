//! Hints: the nearest name, or all names.

/// Below this similarity (Jaro–Winkler, in [0, 1]) a name is not taken for a slip of the pen.
const SIMILARITY_MIN: f64 = 0.8;

/// The name among `known` that `given` most likely means; `None` if none is close.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let rated = known.into_iter().map(|name| (strsim::jaro_winkler(given, name), name));
    let close = rated.filter(|(similarity, _)| *similarity >= SIMILARITY_MIN);
    close.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// ``did you mean `x`?`` if one is close, and otherwise all of them after `what_they_are`.
#[must_use]
pub fn hint<'a>(given: &str, known: impl IntoIterator<Item = &'a str> + Clone, what_they_are: &str) -> String {
    match nearest(given, known.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("{what_they_are}: {}", list(known)),
    }
}

/// `a`, `b`, `c`; "none" if there are none.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_gets_the_list() {
        let known = ["group_size", "group_valid_min", "groups"];
        assert_eq!(hint("grup_size", known, "keys"), "did you mean `group_size`?");
        assert_eq!(hint("banana", known, "keys"), "keys: `group_size`, `group_valid_min`, `groups`");
    }
}
