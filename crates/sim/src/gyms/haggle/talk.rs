//! Moves as text and text as moves.
//!
//! Every clause comes from a template. The parser is the same table read backwards: a clause, with its price replaced by `#`, is looked
//! up whole. So what scripts say and what the world understands cannot drift apart, and a model may say anything a script may.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Claim;
use super::Fact;
use super::PRICE_MAX;
use super::SellerMove;
use super::Terms;
use super::facts::Value;
use super::moves::Bid;
use super::moves::BuyerMove;
use super::moves::Question;
use super::person::MIND_MAX;

/// How many templates of each kind training shows; the one after them is held out.
pub const VARIANTS: usize = 3;

const CLAIM: [&str; 4] = ["The", "You should know the", "I can say the", "I can say to you, the"];
const OFFER: [&str; 4] = ["I ask #", "My price is #", "You can have it for #", "I can say #"];
const CLOSE: [&str; 4] = ["It is a deal.", "We have a deal.", "Sold.", "We have that deal."];
const END: [&str; 4] = ["No deal today.", "I can not sell at that price.", "We stop here.", "I stop here."];
const ASK_FACT: [&str; 4] = ["What is the {}, please?", "What is the {}?", "And the {}?", "And the {}, please?"];
const ASK_EXTRA: [&str; 4] =
    ["Can you add the {}, please?", "Can you add the {}?", "And the {}, can you add it?", "Can you add it, the {}?"];
const COUNTER: [&str; 4] = ["I would be glad to pay #", "I offer #", "I pay #", "I can offer #"];
const CHALLENGE: [&str; 4] =
    ["Can you show me the {}, please?", "I doubt the {}.", "Show me the {}.", "Can you show the {}?"];
const ACCEPT: [&str; 4] = ["I am glad to accept.", "I accept.", "Fine, I take it.", "I take it."];
const WALK: [&str; 4] = ["Thank you, but I walk away.", "I walk away.", "No, goodbye.", "Thank you, goodbye."];

/// A clause as the parser understands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clause {
    Claim(Claim),
    Offer(Terms),
    Close,
    End,
    Buyer(BuyerMove),
}

/// The price of a clause stands here while it is looked up.
const ANY_PRICE: i64 = 0;

static CLAUSES: LazyLock<BTreeMap<String, Clause>> = LazyLock::new(clauses);

/// How a fact is said, without the full stop: `stock is low`.
#[must_use]
pub fn fact_words(fact: Fact, value: Value) -> String {
    format!("{} is {}", fact.name(), fact.values()[usize::from(value)])
}

/// A price as text: a space and `$14`. Each is one token of its own.
#[must_use]
pub fn price_words(price: i64) -> String {
    format!(" ${price}")
}

/// All prices as tokens, space included.
#[must_use]
pub fn price_tokens() -> Vec<String> {
    (0..=PRICE_MAX).map(price_words).collect()
}

/// Prices and the numbers of the state, with their places between the lowest, 0, and the highest, 1.
#[must_use]
pub fn ordered_tokens() -> Vec<(String, f32)> {
    let prices = (0..=PRICE_MAX).map(|price| (price_words(price), price as f32 / PRICE_MAX as f32));
    let states = (0..=MIND_MAX).map(|value| (format!(" {value}"), value as f32 / MIND_MAX as f32));
    prices.chain(states).collect()
}

/// A seller's turn as text; `variant` chooses the template of each clause.
#[must_use]
pub fn seller_words(act: &SellerMove, variant: usize) -> String {
    let bid = match act.bid {
        Bid::Offer(terms) => terms_clause(OFFER[variant], terms),
        Bid::Close => CLOSE[variant].to_owned(),
        Bid::End => END[variant].to_owned(),
    };
    match act.claim {
        Some(claim) => format!("{} {bid}", claim_clause(claim, variant)),
        None => bid,
    }
}

/// A buyer's turn as text; `variant` chooses the template.
#[must_use]
pub fn buyer_words(act: &BuyerMove, variant: usize) -> String {
    match act {
        BuyerMove::Ask(Question::Fact(fact)) => ASK_FACT[variant].replace("{}", fact.name()),
        BuyerMove::Ask(Question::Delivery) => ASK_EXTRA[variant].replace("{}", "delivery"),
        BuyerMove::Ask(Question::Warranty) => ASK_EXTRA[variant].replace("{}", "warranty"),
        BuyerMove::Counter(terms) => terms_clause(COUNTER[variant], *terms),
        BuyerMove::Challenge(fact) => CHALLENGE[variant].replace("{}", fact.name()),
        BuyerMove::Accept => ACCEPT[variant].to_owned(),
        BuyerMove::Walk => WALK[variant].to_owned(),
    }
}

fn claim_clause(claim: Claim, variant: usize) -> String {
    let words = fact_words(claim.fact, claim.value);
    if claim.pressing {
        let pressure = claim.fact.family().pressure();
        // Two families' openings are for training, the last is held out.
        let opening = if variant == VARIANTS { pressure[2] } else { pressure[variant % 2] };
        format!("{opening} the {words}.")
    } else {
        format!("{} {words}.", CLAIM[variant])
    }
}

fn terms_clause(template: &str, terms: Terms) -> String {
    template.replace(" #", &terms_words(terms)) + "."
}

/// Terms as text, with a space in front: ` $14 with warranty`.
#[must_use]
pub fn terms_words(terms: Terms) -> String {
    let extras = match (terms.delivery, terms.warranty) {
        (false, false) => "",
        (true, false) => " with delivery",
        (false, true) => " with warranty",
        (true, true) => " with delivery and warranty",
    };
    price_words(terms.price) + extras
}

/// Reads a seller's turn.
///
/// # Errors
/// What is wrong with it, in words that fit after "this turn did not count:".
pub fn read_seller(text: &str) -> Result<SellerMove, String> {
    let clauses = read_clauses(text)?;
    let bid = |clause: &Clause| match clause {
        Clause::Offer(terms) => Ok(Bid::Offer(*terms)),
        Clause::Close => Ok(Bid::Close),
        Clause::End => Ok(Bid::End),
        Clause::Claim(_) => Err("a turn needs a price, a close or an end after its claim".to_owned()),
        Clause::Buyer(_) => Err("the seller speaks as the buyer".to_owned()),
    };
    match clauses.as_slice() {
        [only] => Ok(SellerMove { claim: None, bid: bid(only)? }),
        [Clause::Claim(claim), last] => Ok(SellerMove { claim: Some(*claim), bid: bid(last)? }),
        [_, _] => Err("the first of two clauses must be a claim".to_owned()),
        _ => Err("a turn has one or two clauses".to_owned()),
    }
}

/// Reads a buyer's turn.
///
/// # Errors
/// What is wrong with it, in words that fit after "this turn did not count:".
pub fn read_buyer(text: &str) -> Result<BuyerMove, String> {
    match read_clauses(text)?.as_slice() {
        [Clause::Buyer(act)] => Ok(*act),
        [_] => Err("the buyer speaks as the seller".to_owned()),
        _ => Err("a turn has one clause".to_owned()),
    }
}

/// Cuts a text after `.` and `?` and looks each clause up.
fn read_clauses(text: &str) -> Result<Vec<Clause>, String> {
    let text = text.trim();
    let mut clauses = Vec::new();
    let mut start = 0;
    for (end, mark) in text.match_indices(['.', '?']) {
        clauses.push(read_clause(text[start..end + mark.len()].trim())?);
        start = end + mark.len();
        if clauses.len() > 2 {
            return Err("a turn has one or two clauses".to_owned());
        }
    }
    if start < text.len() {
        return Err(format!("`{}` is not finished", brief(&text[start..])));
    }
    Ok(clauses)
}

fn read_clause(clause: &str) -> Result<Clause, String> {
    let unknown = || format!("`{}` means nothing here", brief(clause));
    let (pattern, price) = match clause.split_once('$') {
        None => (clause.to_owned(), None),
        Some((before, rest)) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            // No leading zeros, so that every price has one spelling.
            let price = rest[..digits].parse::<i64>().ok().filter(|p| rest[..digits] == p.to_string());
            let price = price.filter(|p| *p <= PRICE_MAX).ok_or_else(unknown)?;
            (format!("{before}#{}", &rest[digits..]), Some(price))
        }
    };
    match (CLAUSES.get(&pattern), price) {
        (Some(Clause::Offer(terms)), Some(price)) => Ok(Clause::Offer(Terms { price, ..*terms })),
        (Some(Clause::Buyer(BuyerMove::Counter(terms))), Some(price)) => {
            Ok(Clause::Buyer(BuyerMove::Counter(Terms { price, ..*terms })))
        }
        (Some(clause), None) => Ok(*clause),
        _ => Err(unknown()),
    }
}

/// The first few characters: malformed text may be long.
fn brief(text: &str) -> String {
    let mut short: String = text.trim().chars().take(40).collect();
    if text.trim().chars().count() > 40 {
        short.push('…');
    }
    short
}

fn clauses() -> BTreeMap<String, Clause> {
    let mut all = BTreeMap::new();
    let mut add = |text: String, clause: Clause| {
        let pattern = text.replace(&price_words(ANY_PRICE), " #");
        let before = all.insert(pattern, clause);
        assert!(before.is_none_or(|b| b == clause), "two meanings for `{text}`");
    };
    for variant in 0..=VARIANTS {
        for fact in Fact::ALL {
            for value in 0..3 {
                for pressing in [false, true] {
                    let claim = Claim { fact, value, pressing };
                    add(claim_clause(claim, variant), Clause::Claim(claim));
                }
            }
            for act in [BuyerMove::Ask(Question::Fact(fact)), BuyerMove::Challenge(fact)] {
                add(buyer_words(&act, variant), Clause::Buyer(act));
            }
        }
        for (delivery, warranty) in [(false, false), (true, false), (false, true), (true, true)] {
            let terms = Terms { price: ANY_PRICE, delivery, warranty };
            add(terms_clause(OFFER[variant], terms), Clause::Offer(terms));
            let counter = BuyerMove::Counter(terms);
            add(buyer_words(&counter, variant), Clause::Buyer(counter));
        }
        add(CLOSE[variant].to_owned(), Clause::Close);
        add(END[variant].to_owned(), Clause::End);
        let asks = [Question::Delivery, Question::Warranty].map(BuyerMove::Ask);
        for act in asks.into_iter().chain([BuyerMove::Accept, BuyerMove::Walk]) {
            add(buyer_words(&act, variant), Clause::Buyer(act));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_terms() -> impl Iterator<Item = Terms> {
        (0..=PRICE_MAX).flat_map(|price| {
            [(false, false), (true, false), (false, true), (true, true)].map(|(delivery, warranty)| Terms {
                price,
                delivery,
                warranty,
            })
        })
    }

    #[test]
    fn every_seller_turn_is_read_back_as_it_was_meant() {
        let mut claims = vec![None];
        for fact in Fact::ALL {
            for value in 0..3 {
                for pressing in [false, true] {
                    claims.push(Some(Claim { fact, value, pressing }));
                }
            }
        }
        for variant in 0..=VARIANTS {
            for claim in &claims {
                for bid in all_terms().map(Bid::Offer).chain([Bid::Close, Bid::End]) {
                    let act = SellerMove { claim: *claim, bid };
                    assert_eq!(read_seller(&seller_words(&act, variant)), Ok(act));
                }
            }
        }
    }

    #[test]
    fn every_buyer_turn_is_read_back_as_it_was_meant() {
        let mut acts: Vec<BuyerMove> = all_terms().map(BuyerMove::Counter).collect();
        acts.extend([BuyerMove::Accept, BuyerMove::Walk]);
        acts.extend([Question::Delivery, Question::Warranty].map(BuyerMove::Ask));
        for fact in Fact::ALL {
            acts.extend([BuyerMove::Ask(Question::Fact(fact)), BuyerMove::Challenge(fact)]);
        }
        for variant in 0..=VARIANTS {
            for act in &acts {
                assert_eq!(read_buyer(&buyer_words(act, variant)), Ok(*act), "variant {variant}");
            }
        }
    }

    #[test]
    fn nonsense_is_named_and_never_panics() {
        let long = "x".repeat(1_000_000);
        let cases = [
            "",
            ".",
            "I ask $26.",
            "I ask $07.",
            "I ask $.",
            "I ask $5",
            "I accept.",
            "é$9.",
            "I ask $5. I ask $6.",
            &long,
        ];
        for text in cases {
            assert!(read_seller(text).is_err(), "{}", brief(text));
        }
        for text in ["", "?", "I ask $5.", "I accept. I accept.", "$", "I offer $99999999999999999999.", &long] {
            assert!(read_buyer(text).is_err(), "{}", brief(text));
        }
    }

    #[test]
    fn held_out_templates_use_only_words_of_the_others() {
        let words = |variant: usize| -> std::collections::BTreeSet<String> {
            let lists = [CLAIM, OFFER, CLOSE, END, ASK_FACT, ASK_EXTRA, COUNTER, CHALLENGE, ACCEPT, WALK];
            let mut all: Vec<&str> = lists.iter().map(|list| list[variant]).collect();
            for family in super::super::Family::ALL {
                let [a, b, held] = family.pressure();
                if variant == VARIANTS {
                    all.push(held);
                } else {
                    all.extend([a, b]);
                }
            }
            all.iter()
                .flat_map(|t| t.split_whitespace())
                .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()).to_owned())
                .collect()
        };
        let mut seen: std::collections::BTreeSet<String> = (0..VARIANTS).flat_map(words).collect();
        // Of the brief: "You need no warranty."
        seen.insert("no".to_owned());
        let unseen: Vec<String> = words(VARIANTS).difference(&seen).cloned().collect();
        assert!(unseen.is_empty(), "{unseen:?}");
    }
}
