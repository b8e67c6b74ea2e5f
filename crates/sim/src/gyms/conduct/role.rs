//! Whether a person in the user's seat speaks as an assistant would, or writes the other side's lines too: what user models that were made out of
//! assistants do most (specification, section 3.3).

use super::super::words::normal;

/// What an assistant says and a person who is called does not: words in order, in lower case and without signs.
const PHRASES: [&str; 39] = [
    "how can i help you",
    "how can i assist you",
    "how may i help you",
    "how may i assist you",
    "what can i help you with",
    "what can i do for you today",
    "i am here to help",
    "i m here to help",
    "i m happy to help",
    "i am happy to help",
    "i d be happy to help",
    "i would be happy to assist",
    "happy to assist you",
    "glad to assist you",
    "delighted to assist",
    "as an ai",
    "as a language model",
    "as an assistant i can",
    "as an assistant i cannot",
    "as an assistant i m",
    "as an assistant i am",
    "as an assistant i don t",
    "i am an ai",
    "i m an ai",
    "is there anything else i can help",
    "is there anything else i can do for you",
    "anything else i can assist",
    "let me know if you have any other questions",
    "let me know if you have any questions",
    "feel free to ask",
    "don t hesitate to ask",
    "do not hesitate to contact us",
    "thank you for contacting",
    "thank you for reaching out",
    "thank you for choosing",
    "i apologize for the inconvenience",
    "we apologize for the inconvenience",
    "i understand your concern let me",
    "great question",
];

/// Whose line it is, where a line begins so.
const LABELS: [&str; 11] = [
    "agent:",
    "assistant:",
    "user:",
    "customer:",
    "system:",
    "human:",
    "caller:",
    "representative:",
    "**agent**",
    "**assistant**",
    "<|",
];

/// What gives an assistant away, or a line that is somebody else's; `None` if the text could be a person's.
#[must_use]
pub fn slip(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let is_labelled = |label: &&&str| lower.lines().any(|line| line.trim_start().starts_with(**label));
    if let Some(label) = LABELS.iter().find(is_labelled) {
        return Some(label);
    }
    let said = format!(" {} ", normal(text));
    PHRASES.iter().find(|phrase| said.contains(&format!(" {phrase} "))).copied()
}
