//! Items of our own making, for whoever has no release at hand: requests of sixteen kinds, each with some of six details left out.

use super::Detail;
use super::Importance;
use super::Importance::High;
use super::Importance::Low;
use super::Importance::Medium;
use super::Item;
use super::Library;
use crate::Address;
use crate::Phase;
use crate::draws::Stream;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// A kind of request.
struct Topic {
    category: &'static str,
    /// What is wanted, with `OBJECT` in it.
    request: &'static str,
    /// Objects of requests to learn from.
    objects: &'static [&'static str],
    /// Objects of held-out requests.
    held_out: &'static [&'static str],
    details: [(&'static str, Importance, [&'static str; 3]); 6],
}

const OPENINGS: [&str; 4] = ["I want to", "Help me", "Tell me how to", "I would like to"];

const TOPICS: [Topic; 16] = [
    Topic {
        category: "Travel Planning",
        request: "plan a trip to OBJECT",
        objects: &["Lisbon", "Kyoto", "Oslo", "Naples", "Cusco", "Hanoi", "Bergen", "Quito"],
        held_out: &["Porto", "Sapporo", "Tromso", "Lima"],
        details: [
            ("Duration of the stay", High, ["a weekend", "one week", "two weeks"]),
            ("Airport of departure", High, ["the nearest", "any with direct flights", "the cheapest"]),
            ("Hotel class", Medium, ["hostel", "mid-range", "luxury"]),
            ("Sights of interest", Medium, ["museums", "nature", "food markets"]),
            ("Local transport", Medium, ["rental car", "train", "on foot"]),
            ("Travel companions", Low, ["alone", "with family", "with friends"]),
        ],
    },
    Topic {
        category: "Cooking & Recipes",
        request: "cook OBJECT tonight",
        objects: &["ramen", "paella", "lasagna", "curry", "tacos", "risotto", "goulash", "dumplings"],
        held_out: &["gnocchi", "falafel", "moussaka", "pho"],
        details: [
            ("Number of servings", High, ["two", "four", "eight"]),
            ("Allergies at the table", High, ["nuts", "gluten", "none"]),
            ("Spiciness", Medium, ["mild", "medium", "hot"]),
            ("Kitchen equipment", Medium, ["one pan", "an oven", "a pressure cooker"]),
            ("Vegetarian or meat", Medium, ["vegetarian", "vegan", "with meat"]),
            ("Effort", Low, ["quick", "an hour", "all evening"]),
        ],
    },
    Topic {
        category: "Home Repair",
        request: "fix OBJECT at home",
        objects: &[
            "a dripping tap",
            "a squeaky door",
            "a cracked tile",
            "a loose shelf",
            "a blocked drain",
            "a torn screen",
        ],
        held_out: &["a stuck window", "a wobbly chair"],
        details: [
            ("Material of the part", High, ["wood", "metal", "plastic"]),
            ("Age of the building", Medium, ["new", "twenty years", "a century"]),
            ("Skills with a drill", Medium, ["beginner", "some", "expert"]),
            ("Rented or owned", Medium, ["rented", "owned", "shared"]),
            ("Urgency", High, ["today", "this week", "some day"]),
            ("Noise limits", Low, ["quiet hours", "none", "weekends only"]),
        ],
    },
    Topic {
        category: "Fitness Training",
        request: "train for OBJECT",
        objects: &["a marathon", "a triathlon", "rock climbing", "rowing", "a judo belt", "open-water swimming"],
        held_out: &["a decathlon", "figure skating"],
        details: [
            ("Injuries", High, ["knee", "back", "none"]),
            ("Sessions a week", High, ["two", "four", "six"]),
            ("Event date", Medium, ["in a month", "in half a year", "none"]),
            ("Gym membership", Medium, ["yes", "no", "home gym"]),
            ("Coach or alone", Low, ["coach", "alone", "group"]),
            ("Endurance now", Medium, ["low", "average", "high"]),
        ],
    },
    Topic {
        category: "Gift Ideas",
        request: "find a gift for OBJECT",
        objects: &["my sister", "a colleague", "our neighbours", "my grandfather", "a newborn", "a teacher"],
        held_out: &["my cousin", "a landlord"],
        details: [
            ("Occasion", High, ["birthday", "wedding", "farewell"]),
            ("Price limit", High, ["under 20", "under 50", "no limit"]),
            ("Hobbies of the recipient", High, ["reading", "gardening", "games"]),
            ("Wrapping", Low, ["yes", "no", "a card only"]),
            ("Delivery deadline", Medium, ["tomorrow", "this month", "none"]),
            ("Taste in humour", Low, ["dry", "silly", "none"]),
        ],
    },
    Topic {
        category: "Software Setup",
        request: "set up OBJECT on my machine",
        objects: &[
            "a web server",
            "a photo library",
            "a mail client",
            "a password vault",
            "a media player",
            "a chat bot",
        ],
        held_out: &["a print server", "a note keeper"],
        details: [
            ("Operating environment", High, ["Windows", "macOS", "Linux"]),
            ("Offline use", Medium, ["always", "sometimes", "never"]),
            ("Encryption", High, ["full", "partial", "none"]),
            ("Automatic updates", Medium, ["nightly", "manual", "off"]),
            ("Storage limit", Medium, ["10 GB", "100 GB", "none"]),
            ("Licence model", Low, ["free", "paid", "open source"]),
        ],
    },
    Topic {
        category: "Event Hosting",
        request: "host OBJECT",
        objects: &[
            "a garden party",
            "a book club",
            "a board game night",
            "a retirement dinner",
            "a school reunion",
            "a flea market",
        ],
        held_out: &["a film night", "a tea ceremony"],
        details: [
            ("Guest count", High, ["ten", "fifty", "two hundred"]),
            ("Venue", High, ["at home", "a park", "a hall"]),
            ("Catering", Medium, ["buffet", "potluck", "none"]),
            ("Music", Medium, ["live band", "playlist", "silence"]),
            ("Dress code", Low, ["casual", "festive", "costume"]),
            ("Rain plan", Medium, ["tents", "postpone", "indoors"]),
        ],
    },
    Topic {
        category: "Language Study",
        request: "learn OBJECT",
        objects: &["Italian", "Swahili", "Korean", "Polish", "Arabic", "Finnish"],
        held_out: &["Portuguese", "Thai"],
        details: [
            ("Proficiency reached", High, ["none", "basic", "fluent"]),
            ("Exam certificate", Medium, ["yes", "no", "later"]),
            ("Reason for learning", High, ["work", "family", "travel"]),
            ("Daily minutes", Medium, ["fifteen", "thirty", "sixty"]),
            ("Tutor or app", Medium, ["tutor", "app", "class"]),
            ("Script practice", Low, ["yes", "no", "a little"]),
        ],
    },
    Topic {
        category: "Gardening",
        request: "grow OBJECT",
        objects: &["tomatoes", "roses", "basil", "strawberries", "bamboo", "tulips"],
        held_out: &["lavender", "pumpkins"],
        details: [
            ("Soil acidity", High, ["acid", "neutral", "chalky"]),
            ("Sunlight hours", High, ["full sun", "half shade", "shade"]),
            ("Balcony or bed", Medium, ["balcony", "bed", "greenhouse"]),
            ("Frost risk", Medium, ["severe", "light", "none"]),
            ("Watering habit", Medium, ["daily", "weekly", "by timer"]),
            ("Pests seen", Low, ["slugs", "aphids", "none"]),
        ],
    },
    Topic {
        category: "Career Advice",
        request: "apply for a job as OBJECT",
        objects: &["a nurse", "a welder", "a translator", "an accountant", "a park ranger", "a game designer"],
        held_out: &["a librarian", "a pilot"],
        details: [
            ("Years of practice", High, ["none", "five", "twenty"]),
            ("Salary expectation", High, ["market", "above", "any"]),
            ("Relocation", Medium, ["yes", "no", "abroad"]),
            ("Remote days", Medium, ["none", "two", "all"]),
            ("References", Low, ["two", "one", "none"]),
            ("Notice period", Medium, ["none", "a month", "a quarter"]),
        ],
    },
    Topic {
        category: "Pet Care",
        request: "take care of OBJECT",
        objects: &["a puppy", "a parrot", "a tortoise", "a rabbit", "an aquarium", "a stray cat"],
        held_out: &["a hamster", "a pony"],
        details: [
            ("Vaccination record", High, ["complete", "partial", "unknown"]),
            ("Breed", Medium, ["known", "mixed", "unknown"]),
            ("Cage or yard", Medium, ["cage", "yard", "whole flat"]),
            ("Feeding schedule", High, ["twice a day", "once", "by machine"]),
            ("Children around", Medium, ["toddlers", "teenagers", "none"]),
            ("Temperament", Low, ["shy", "lively", "calm"]),
        ],
    },
    Topic {
        category: "Personal Finance",
        request: "save money for OBJECT",
        objects: &["a house", "a bicycle", "college", "a wedding", "retirement", "a workshop"],
        held_out: &["a boat", "a sabbatical"],
        details: [
            ("Monthly income", High, ["low", "average", "high"]),
            ("Debts", High, ["none", "loan", "credit card"]),
            ("Risk tolerance", High, ["low", "medium", "high"]),
            ("Savings horizon", Medium, ["a year", "five years", "decades"]),
            ("Tax bracket", Low, ["low", "middle", "top"]),
            ("Emergency reserve", Medium, ["none", "a month", "half a year"]),
        ],
    },
    Topic {
        category: "Photography",
        request: "photograph OBJECT",
        objects: &[
            "the night sky",
            "a football match",
            "street scenes",
            "wild birds",
            "a newborn baby",
            "old churches",
        ],
        held_out: &["a thunderstorm", "dew drops"],
        details: [
            ("Camera model", High, ["phone", "mirrorless", "film"]),
            ("Lens at hand", Medium, ["wide", "tele", "macro"]),
            ("Tripod", Medium, ["yes", "no", "beanbag"]),
            ("Print or screen", Medium, ["print", "screen", "both"]),
            ("Editing software", Low, ["none", "free", "professional"]),
            ("Colour or monochrome", Medium, ["colour", "monochrome", "both"]),
        ],
    },
    Topic {
        category: "Car Maintenance",
        request: "have OBJECT checked on my car",
        objects: &["the brakes", "the battery", "the gearbox", "the exhaust", "the headlights", "the clutch"],
        held_out: &["the radiator", "the steering"],
        details: [
            ("Mileage", High, ["low", "50 000", "200 000"]),
            ("Manufacturer", High, ["European", "Japanese", "American"]),
            ("Warning lights", Medium, ["none", "yellow", "red"]),
            ("Warranty left", Medium, ["yes", "no", "unsure"]),
            ("Garage nearby", Low, ["yes", "no", "dealer"]),
            ("Winter tyres", Medium, ["on", "off", "none"]),
        ],
    },
    Topic {
        category: "Data Analysis",
        request: "analyse OBJECT",
        objects: &["sales figures", "survey answers", "sensor logs", "rainfall records", "bus delays", "exam marks"],
        held_out: &["library loans", "energy bills"],
        details: [
            ("Row count", Medium, ["hundreds", "millions", "unknown"]),
            ("Missing values", High, ["few", "many", "none"]),
            ("Chart style", Medium, ["bars", "lines", "maps"]),
            ("Confidence needed", Medium, ["rough", "publishable", "audited"]),
            ("Spreadsheet or code", High, ["spreadsheet", "code", "either"]),
            ("Privacy rules", Medium, ["strict", "some", "none"]),
        ],
    },
    Topic {
        category: "Music Lessons",
        request: "play OBJECT better",
        objects: &["the cello", "the drums", "jazz piano", "the flute", "folk guitar", "the accordion"],
        held_out: &["the harp", "the banjo"],
        details: [
            ("Instrument at home", High, ["own", "rented", "none"]),
            ("Sheet reading", Medium, ["fluent", "slow", "none"]),
            ("Favourite composer", Medium, ["Bach", "Coltrane", "none"]),
            ("Practice room", Medium, ["flat", "studio", "garage"]),
            ("Band ambitions", Low, ["stage", "friends", "none"]),
            ("Teacher visits", High, ["weekly", "monthly", "never"]),
        ],
    },
];

/// A library of so many items, always the same for the same item seed.
///
/// # Panics
/// Never: every detail of the catalogue has a telling word.
#[must_use]
pub fn library(items: ItemCounts) -> Library {
    let of = |split| (0..items.of(split)).map(|index| item(items.seed, split, index)).collect();
    Library::new(of(Split::Train), of(Split::HeldOut)).expect("the catalogue's items can be played")
}

/// The item with this number: from two to five details of its topic are missing.
fn item(seed: u64, split: Split, index: u32) -> Item {
    let round = match split {
        Split::Train => 0,
        Split::HeldOut => 1,
    };
    let place = Address { seed, phase: Phase::Rollout, round, group: index, trial: 0, member: 0 };
    let mut draws = place.draws(Stream::World);
    let topic = draws.pick(&TOPICS);
    let object = match split {
        Split::Train => *draws.pick(topic.objects),
        Split::HeldOut => *draws.pick(topic.held_out),
    };
    let request = topic.request.replace("OBJECT", object);
    let task = format!("{} {request}.", draws.pick(&OPENINGS));
    let mut order: Vec<usize> = (0..topic.details.len()).collect();
    draws.shuffle(&mut order);
    order.truncate(draws.range(2, 5) as usize);
    order.sort_unstable();
    let detail = |(description, importance, options): (&str, Importance, [&str; 3])| Detail {
        description: description.to_owned(),
        importance,
        inquiry: format!("What about the {}?", description.to_lowercase()),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    };
    let missing_details = order.into_iter().map(|at| detail(topic.details[at])).collect();
    Item { id: format!("{}-{index:06}", split.name()), category: topic.category.to_owned(), task, missing_details }
}
