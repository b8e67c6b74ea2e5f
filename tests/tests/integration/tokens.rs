//! The quickstart's own tokenizer, trained on its own cold start: every price is one token wherever it stands, and what is held out is made of
//! tokens that the cold start has shown.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::LazyLock;

use cli::cold_start::Lessons;
use cli::flags::RemoteFlags;
use cli::flags::TrainFlags;
use cli::setup::Setup;
use sim::Act;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Scenario;
use sim::Seat;
use sim::drive::play_by_rule;
use sim::gyms::haggle::BuyerMove;
use sim::gyms::haggle::Claim;
use sim::gyms::haggle::Fact;
use sim::gyms::haggle::PRICE_MAX;
use sim::gyms::haggle::SellerMove;
use sim::gyms::haggle::Terms;
use sim::gyms::haggle::moves::Bid;
use sim::gyms::haggle::moves::Question;
use sim::gyms::haggle::talk;
use sim::record::Casting;
use sim::scenario::Split;
use text::Dialect;

use crate::program::root;

/// The language of the quickstart.
struct Language {
    scenario: Arc<Scenario>,
    dialect: Dialect,
    /// Ids that stand in the lessons.
    shown: BTreeSet<u32>,
}

static LANGUAGE: LazyLock<Language> = LazyLock::new(|| {
    let run = root().join("configs/quickstart.toml");
    let flags = TrainFlags {
        run,
        resume: false,
        out: None,
        seed: None,
        set: Vec::new(),
        cold_start: None,
        leashed: false,
        remote: RemoteFlags::default(),
    };
    let setup = Setup::load(flags).unwrap_or_else(|_| panic!("the quickstart is good"));
    let scenario = setup.mix.scenario(0).clone();
    let lessons = Lessons::prepare(&setup).unwrap_or_else(|_| panic!("the teacher plays both seats"));
    let dialect = lessons.dialect(&setup.mix, setup.settings.model.vocab_max).expect("the vocabulary has room");
    let texts: BTreeSet<String> = lessons.corpus().into_iter().collect();
    let shown = texts.iter().flat_map(|text| dialect.tokenizer().encode(text).to_vec()).collect();
    Language { scenario, dialect, shown }
});

/// All terms with this price.
fn terms(price: i64) -> [Terms; 4] {
    [(false, false), (true, false), (false, true), (true, true)].map(|(delivery, warranty)| Terms {
        price,
        delivery,
        warranty,
    })
}

/// Seller's turns with these bids: bare, and after a claim of each kind.
fn seller_turns(bids: &[Bid]) -> Vec<SellerMove> {
    let claims = Fact::ALL.into_iter().flat_map(|fact| {
        (0..3).flat_map(move |value| [false, true].map(|pressing| Some(Claim { fact, value, pressing })))
    });
    claims.chain([None]).flat_map(|claim| bids.iter().map(move |bid| SellerMove { claim, bid: *bid })).collect()
}

#[test]
fn every_price_is_one_token_in_every_template_position() {
    let tokenizer = LANGUAGE.dialect.tokenizer();
    for price in 0..=PRICE_MAX {
        let word = talk::price_words(price);
        let id = tokenizer.id(&word).unwrap_or_else(|| panic!("`{word}` is no token"));
        let bids = terms(price).map(Bid::Offer);
        let mut texts = Vec::new();
        for variant in 0..=talk::VARIANTS {
            texts.extend(seller_turns(&bids).iter().map(|act| talk::seller_words(act, variant)));
            texts.extend(terms(price).map(|terms| talk::buyer_words(&BuyerMove::Counter(terms), variant)));
        }
        for text in texts {
            let ids = tokenizer.encode(&text);
            let places: Vec<usize> = (0..ids.len()).filter(|at| ids[*at] == id).collect();
            assert_eq!(places.len(), 1, "{text}");
            // Nothing of the price has slipped into its neighbours.
            let (before, after) = (tokenizer.decode(&ids[..places[0]]), tokenizer.decode(&ids[places[0] + 1..]));
            assert_eq!(format!("{before}{word}{after}"), text);
            assert!(!before.contains('$') && !after.contains('$'));
            assert!(LANGUAGE.shown.contains(&id), "{word} is never seen in the cold start");
        }
    }
}

#[test]
fn markers_and_tags_are_one_token_each_and_the_vocabulary_is_small() {
    let tokenizer = LANGUAGE.dialect.tokenizer();
    for word in tokenizer.protected() {
        assert_eq!(tokenizer.encode_markup(word).len(), 1, "{word}");
    }
    assert!(tokenizer.len() <= 2048);
}

/// Asserts that a text is made of tokens that the cold start has shown.
#[track_caller]
fn known(text: &str) {
    let tokenizer = LANGUAGE.dialect.tokenizer();
    let unseen: Vec<String> = tokenizer
        .encode(text)
        .iter()
        .filter(|id| !LANGUAGE.shown.contains(id))
        .map(|id| tokenizer.decode(&[*id]))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?} in `{text}`");
}

#[test]
fn held_out_templates_hold_no_token_that_training_does_not_show() {
    let bids: Vec<Bid> = (0..=PRICE_MAX).flat_map(terms).map(Bid::Offer).collect();
    let variant = talk::VARIANTS;
    for act in seller_turns(&[Bid::Close, Bid::End]) {
        known(&talk::seller_words(&act, variant));
    }
    for bid in bids {
        known(&talk::seller_words(&SellerMove { claim: None, bid }, variant));
    }
    let mut acts: Vec<BuyerMove> = (0..=PRICE_MAX).flat_map(terms).map(BuyerMove::Counter).collect();
    acts.extend(
        Fact::ALL.into_iter().flat_map(|fact| [BuyerMove::Ask(Question::Fact(fact)), BuyerMove::Challenge(fact)]),
    );
    acts.extend([Question::Delivery, Question::Warranty].map(BuyerMove::Ask));
    acts.extend([BuyerMove::Accept, BuyerMove::Walk]);
    for act in acts {
        known(&talk::buyer_words(&act, variant));
    }
}

/// Held-out items with their briefs, what scripts think and say over them, and what the world shows.
#[test]
fn held_out_talks_hold_no_token_that_training_does_not_show() {
    for (agent, user) in
        [("scripted:noisy", "scripted:noisy"), ("scripted:trapper", "rule"), ("scripted:good", "scripted:good")]
    {
        for item in 0..150 {
            let record = held_out(item, agent, user);
            for turn in &record.turns {
                turn.observed.iter().for_each(|message| known(&message.text));
                turn.decision.thought.iter().for_each(|thought| known(thought));
                if let Ok(Act::Say(text)) = &turn.decision.act {
                    known(text);
                }
            }
        }
    }
}

#[test]
fn held_out_briefs_and_drills_hold_no_token_that_training_does_not_show() {
    let scenario = &LANGUAGE.scenario;
    for index in 0..scenario.items.held_out {
        for seat in Seat::ALL {
            let drill = scenario.rules.drill(scenario, Split::HeldOut, seat, index).expect("haggle has drills");
            for asked in &drill.questions {
                asked.messages.iter().for_each(|message| known(&message.text));
                known(&asked.answer);
            }
        }
    }
}

fn held_out(item: u32, agent: &str, user: &str) -> EpisodeRecord {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
    play_by_rule(Casting::new(id, Split::HeldOut, item, policies), &LANGUAGE.scenario, 1).expect("both are scripts")
}
