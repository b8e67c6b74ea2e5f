//! Whether a rationale has its steps: each head once, in order, and something behind it.

/// Signs after which a sentence begins, and so a step may.
const ENDS: [char; 5] = ['.', '!', '?', ';', '\n'];

/// Whether `text` is made of `heads` (ASCII, in lower case, such as `intent:`), each exactly once and in this order, with a word behind each and
/// none before the first. A head counts where a sentence begins, in any case of letters; a tag of a thought left inside is a fault.
#[must_use]
pub fn in_order(text: &str, heads: &[&str]) -> bool {
    // Of the same length, byte for byte.
    let lower = text.to_ascii_lowercase();
    if lower.contains("<think") || lower.contains("</think") {
        return false;
    }
    let mut from = 0;
    let mut begins = Vec::new();
    for head in heads {
        let mut places = lower.match_indices(head).map(|(at, _)| at).filter(|at| starts(&lower, *at));
        match (places.next(), places.next()) {
            (Some(at), None) if at >= from => {
                from = at + head.len();
                begins.push((at, from));
            }
            _ => return false,
        }
    }
    let is_said = |text: &str| text.contains(char::is_alphanumeric);
    let ends = begins.iter().skip(1).map(|(at, _)| *at).chain([lower.len()]);
    let first = begins.first().map_or(0, |(at, _)| *at);
    !is_said(&lower[..first]) && begins.iter().zip(ends).all(|((_, from), to)| is_said(&lower[*from..to]))
}

/// Whether a sentence begins here.
fn starts(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches([' ', '\t', '*', '-', '#']);
    before.is_empty() || before.ends_with(ENDS)
}
