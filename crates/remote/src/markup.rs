//! Text out of a snippet of HTML: tags off, entities read. Engines mark the words that were looked for, and nothing else is expected here.

/// Entities by name, as engines write them.
const NAMED: [(&str, char); 8] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("hellip", '…'),
    ("middot", '·'),
];
/// Longest name or number of an entity, in bytes.
const ENTITY_MAX: usize = 8;

/// The text without its tags. What only looks like a tag or an entity stays.
#[must_use]
pub fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let read = if rest.starts_with('<') { tag(rest).map(|tag| (tag, None)) } else { entity(rest) };
        let (length, meant) = read.unwrap_or((1, rest.chars().next()));
        text.extend(meant);
        rest = &rest[length..];
    }
    text.push_str(rest);
    text
}

/// Bytes of the tag that a text begins with.
fn tag(text: &str) -> Option<usize> {
    let is_tag = text[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    text.find('>').filter(|_| is_tag).map(|end| end + 1)
}

/// Bytes of the entity that a text begins with, and what it stands for.
fn entity(text: &str) -> Option<(usize, Option<char>)> {
    let end = text.bytes().take(ENTITY_MAX + 2).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let meant = match name.strip_prefix('#') {
        Some(number) => {
            let hexadecimal = number.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
            char::from_u32(hexadecimal.unwrap_or_else(|| number.parse()).ok()?)?
        }
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((end + 1, Some(meant)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_go_and_entities_are_what_they_stand_for() {
        let html = r#"The <span class="searchmatch">heron</span> &amp; the <b>egret</b>&#039;s &quot;nest&#x22;&nbsp;&lt;b&gt;"#;
        assert_eq!(plain(html), r#"The heron & the egret's "nest" <b>"#);
    }

    #[test]
    fn what_only_looks_like_markup_stays() {
        for text in ["a < b & c > d", "5<6", "R&D; &unknown; &#xZZ; &", "&#99999999;", "<", "<b", "&amp"] {
            assert_eq!(plain(text), text, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "(<|>|&|;|#|x|/|b|amp|é|\\PC){0,40}") {
            prop_assert!(plain(&text).len() <= text.len());
        }
    }
}
