//! What people may wish of each aspect: five topics with three values each, as an option shows it, as one would say it outright, and in
//! three roundabout sentences, of which the third is for held-out items only.

use super::Aspect;

/// One thing that a wish may be about; upstream's subcategory.
#[derive(Debug)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// Which field of an option shows it.
    pub field: &'static str,
    /// The words by which a question names it, once it has named the aspect.
    pub words: &'static [&'static str],
    /// What can be wished.
    pub values: [Value; VALUES],
}

/// One value of a topic.
#[derive(Debug)]
pub struct Value {
    /// In an option.
    pub shown: &'static str,
    /// Outright: upstream's preference text.
    pub wish: &'static str,
    /// Roundabout: upstream's implicit statements. The last is for held-out items.
    pub hints: [&'static str; 3],
}

/// How many topics an aspect has.
pub const TOPICS: usize = 5;
/// How many values a topic has.
pub const VALUES: usize = 3;

/// The topics of an aspect.
#[must_use]
pub fn topics(aspect: Aspect) -> &'static [Topic; TOPICS] {
    match aspect {
        Aspect::Flight => &FLIGHT,
        Aspect::Hotel => &HOTEL,
        Aspect::Apartment => &APARTMENT,
        Aspect::RentalCar => &RENTAL_CAR,
        Aspect::Restaurant => &RESTAURANT,
    }
}

static FLIGHT: [Topic; TOPICS] = [
    Topic {
        name: "departure time",
        field: "time",
        words: &["departure", "depart", "time", "hour", "early", "late", "morning", "evening"],
        values: [
            Value {
                shown: "07:20",
                wish: "a departure in the morning",
                hints: [
                    "I am wide awake before the bakery opens.",
                    "By noon I like to have arrived somewhere.",
                    "Sunrise finds me with my bag packed.",
                ],
            },
            Value {
                shown: "13:45",
                wish: "a departure in the afternoon",
                hints: [
                    "I never hurry my breakfast, and I hate dark roads.",
                    "Lunch at home, then off I go.",
                    "Give me a slow start and daylight for the landing.",
                ],
            },
            Value {
                shown: "22:10",
                wish: "a departure at night",
                hints: [
                    "I sleep best above the clouds.",
                    "My desk keeps me until dinner on the day I leave.",
                    "I would rather see stars than traffic from up there.",
                ],
            },
        ],
    },
    Topic {
        name: "stops",
        field: "path",
        words: &["stop", "stops", "layover", "direct", "nonstop", "connection", "connections"],
        values: [
            Value {
                shown: "direct",
                wish: "a direct flight",
                hints: [
                    "Changing planes wears me out.",
                    "Once I sit, I want to stay seated until I am there.",
                    "Airports in between are not for me.",
                ],
            },
            Value {
                shown: "one short stop",
                wish: "one short stop",
                hints: [
                    "I need to stretch my legs halfway, but not for long.",
                    "A coffee on the ground in between does me good.",
                    "Half an hour of solid floor midway keeps me sane.",
                ],
            },
            Value {
                shown: "one long stop",
                wish: "one long stop",
                hints: [
                    "I would love a few hours to look at a city on the way.",
                    "A walk through another town makes a trip for me.",
                    "If there is time to see a museum in between, I am happy.",
                ],
            },
        ],
    },
    Topic {
        name: "meal",
        field: "amenities",
        words: &["meal", "meals", "food", "eat"],
        values: [
            Value {
                shown: "vegetarian meal",
                wish: "a vegetarian meal",
                hints: [
                    "I have not eaten an animal in ten years.",
                    "Beans and greens are all I need up there.",
                    "My plate has been green since school.",
                ],
            },
            Value {
                shown: "halal meal",
                wish: "a halal meal",
                hints: [
                    "At home my butcher follows the rules of my faith.",
                    "What I eat has to agree with the mosque.",
                    "My faith has a say in my lunch.",
                ],
            },
            Value {
                shown: "no meal",
                wish: "no meal",
                hints: [
                    "I always bring my own sandwiches.",
                    "I would rather not be woken for a tray.",
                    "My lunch box travels with me.",
                ],
            },
        ],
    },
    Topic {
        name: "baggage",
        field: "service",
        words: &["baggage", "bag", "bags", "luggage", "suitcase", "suitcases"],
        values: [
            Value {
                shown: "2 checked bags",
                wish: "two checked bags",
                hints: [
                    "I am carrying winter gear and presents for everybody.",
                    "Half my wardrobe comes along.",
                    "I pack as if I were moving.",
                ],
            },
            Value {
                shown: "1 checked bag",
                wish: "one checked bag",
                hints: [
                    "A single case does for me, but it is no small one.",
                    "My one big trunk has to come.",
                    "One large case, as ever.",
                ],
            },
            Value {
                shown: "cabin bag only",
                wish: "only a cabin bag",
                hints: [
                    "I walk off with everything I own under my arm.",
                    "I never wait at the belt.",
                    "All I need fits under the chair in front.",
                ],
            },
        ],
    },
    Topic {
        name: "seat",
        field: "amenities",
        words: &["seat", "seats", "legroom", "aisle", "window"],
        values: [
            Value {
                shown: "extra legroom",
                wish: "a seat with extra legroom",
                hints: [
                    "My knees are always the problem.",
                    "I am taller than most doors.",
                    "Two metres of me have to fit in somewhere.",
                ],
            },
            Value {
                shown: "window seat",
                wish: "a window seat",
                hints: [
                    "I like to watch the clouds.",
                    "My forehead against the glass, and I am content.",
                    "I want to see the mountains below.",
                ],
            },
            Value {
                shown: "aisle seat",
                wish: "an aisle seat",
                hints: [
                    "I get up every half hour.",
                    "I do not like to climb over people.",
                    "I must be able to leave my row at once.",
                ],
            },
        ],
    },
];

static HOTEL: [Topic; TOPICS] = [
    Topic {
        name: "room",
        field: "room",
        words: &["room", "rooms", "bed", "beds"],
        values: [
            Value {
                shown: "single room",
                wish: "a single room",
                hints: [
                    "It is just me and my book.",
                    "Nobody comes along, and a narrow bed will do.",
                    "I travel on my own and need little space.",
                ],
            },
            Value {
                shown: "twin room",
                wish: "a twin room",
                hints: [
                    "My brother comes along, and we do not share a blanket.",
                    "Two of us, two pillows, two mattresses.",
                    "A friend joins me, and we both like our own covers.",
                ],
            },
            Value {
                shown: "suite",
                wish: "a suite",
                hints: [
                    "I have guests to receive before dinner.",
                    "I like a parlour apart from where I sleep.",
                    "I want a door between my sofa and my pillow.",
                ],
            },
        ],
    },
    Topic {
        name: "breakfast",
        field: "service",
        words: &["breakfast", "morning", "mornings"],
        values: [
            Value {
                shown: "full breakfast",
                wish: "a full breakfast",
                hints: [
                    "I cannot think before eggs and bacon.",
                    "My day begins with a laid table.",
                    "A hot plate gets me out of bed.",
                ],
            },
            Value {
                shown: "light breakfast",
                wish: "a light breakfast",
                hints: [
                    "A croissant and a coffee, and I am off.",
                    "Just some fruit gets me going.",
                    "Half a roll is plenty when I get up.",
                ],
            },
            Value {
                shown: "no breakfast",
                wish: "no breakfast",
                hints: [
                    "I eat nothing before noon.",
                    "I get my coffee at the corner on my way.",
                    "My stomach wakes up around lunch.",
                ],
            },
        ],
    },
    Topic {
        name: "exercise",
        field: "amenities",
        words: &["exercise", "fitness", "gym", "pool", "sport", "sports", "swim"],
        values: [
            Value {
                shown: "pool",
                wish: "a pool",
                hints: ["I do my lengths every day.", "My trunks are always in the bag.", "I feel best in water."],
            },
            Value {
                shown: "gym",
                wish: "a gym",
                hints: [
                    "I lift before work.",
                    "A day without weights is lost.",
                    "My dumbbells do not fit in the case.",
                ],
            },
            Value {
                shown: "yoga room",
                wish: "a yoga room",
                hints: [
                    "I stretch on my mat at dawn.",
                    "I need a quiet floor to bend and breathe.",
                    "Sun salutations keep me going.",
                ],
            },
        ],
    },
    Topic {
        name: "location",
        field: "amenities",
        words: &["location", "area", "district", "neighbourhood", "neighborhood"],
        values: [
            Value {
                shown: "by the station",
                wish: "a place by the station",
                hints: [
                    "I arrive late by train and leave early by train.",
                    "I hate to drag my case far from the platform.",
                    "The rails bring me, and they take me away again.",
                ],
            },
            Value {
                shown: "by the park",
                wish: "a place by the park",
                hints: [
                    "I jog under trees.",
                    "I want birds, not horns, when I open the curtains.",
                    "Green grass across the street would be nice.",
                ],
            },
            Value {
                shown: "in the old town",
                wish: "a place in the old town",
                hints: [
                    "I love crooked lanes and church bells.",
                    "I came to see old stones.",
                    "History should begin at the doorstep.",
                ],
            },
        ],
    },
    Topic {
        name: "pets",
        field: "service",
        words: &["pet", "pets", "dog", "dogs", "cat", "cats", "animal", "animals"],
        values: [
            Value {
                shown: "dogs welcome",
                wish: "a place for dogs",
                hints: [
                    "My terrier goes where I go.",
                    "Somebody will bark if I leave him at home.",
                    "Rex has to come along.",
                ],
            },
            Value {
                shown: "cats welcome",
                wish: "a place for cats",
                hints: [
                    "My tabby sleeps on my feet wherever I am.",
                    "I cannot leave my kitten behind.",
                    "Someone who purrs travels with me.",
                ],
            },
            Value {
                shown: "no animals",
                wish: "a place without animals",
                hints: [
                    "Fur makes me sneeze.",
                    "I am allergic to anything that sheds.",
                    "Hair on a carpet makes my eyes water.",
                ],
            },
        ],
    },
];

static APARTMENT: [Topic; TOPICS] = [
    Topic {
        name: "size",
        field: "room",
        words: &["size", "bedroom", "bedrooms", "rooms"],
        values: [
            Value {
                shown: "1B1B",
                wish: "one bedroom",
                hints: [
                    "Nobody but me needs a pillow.",
                    "One door to close is enough for me.",
                    "I rattle around in anything large.",
                ],
            },
            Value {
                shown: "2B1B",
                wish: "two bedrooms",
                hints: [
                    "My daughter wants a door of her own.",
                    "My mother comes along, and she snores.",
                    "My nephew and I keep different hours.",
                ],
            },
            Value {
                shown: "3B2B",
                wish: "three bedrooms",
                hints: [
                    "We are three couples, and mornings get crowded.",
                    "All the cousins come, and nobody wants to queue for the shower.",
                    "Three pairs of us, and long baths.",
                ],
            },
        ],
    },
    Topic {
        name: "kitchen",
        field: "amenities",
        words: &["kitchen", "cook", "cooking", "stove", "oven"],
        values: [
            Value {
                shown: "full kitchen",
                wish: "a full kitchen",
                hints: [
                    "I roast and bake wherever I am.",
                    "Dinner for six is what I do for fun.",
                    "I bring my own knives.",
                ],
            },
            Value {
                shown: "kitchenette",
                wish: "a kitchenette",
                hints: [
                    "A kettle and a ring for my soup will do.",
                    "I warm up a can at most.",
                    "Tea and toast is all I make.",
                ],
            },
            Value {
                shown: "no kitchen",
                wish: "no kitchen",
                hints: [
                    "I have sworn not to touch a pan.",
                    "I eat out, always.",
                    "Somebody else may do the dishes, for once.",
                ],
            },
        ],
    },
    Topic {
        name: "laundry",
        field: "service",
        words: &["laundry", "wash", "washing", "washer", "clothes"],
        values: [
            Value {
                shown: "washing machine",
                wish: "a washing machine",
                hints: [
                    "I pack three shirts and run them through myself.",
                    "I do my own whites.",
                    "I like to hear the drum turn.",
                ],
            },
            Value {
                shown: "laundry service",
                wish: "a laundry service",
                hints: [
                    "I put my shirts outside the door and forget them.",
                    "Somebody else should press my suits.",
                    "I have never ironed in my life.",
                ],
            },
            Value {
                shown: "drying rack",
                wish: "a drying rack",
                hints: [
                    "I rinse my things by hand and hang them up.",
                    "A line by the window is all I need for my socks.",
                    "Wool must dry flat and slowly.",
                ],
            },
        ],
    },
    Topic {
        name: "work",
        field: "amenities",
        words: &["work", "working", "desk", "office", "internet"],
        values: [
            Value {
                shown: "desk",
                wish: "a desk",
                hints: [
                    "I write by hand, for hours, and my back is bad.",
                    "My papers need a flat place.",
                    "Give me a chair with a back and a lamp.",
                ],
            },
            Value {
                shown: "fast internet",
                wish: "fast internet",
                hints: ["I am on calls all day.", "My backups run every night.", "I stream my lectures live."],
            },
            Value {
                shown: "meeting room",
                wish: "a meeting room",
                hints: [
                    "Clients come by on Tuesday.",
                    "Six of us have to sit down over contracts.",
                    "My board gathers once while I am there.",
                ],
            },
        ],
    },
    Topic {
        name: "access",
        field: "service",
        words: &["access", "stairs", "steps", "floor", "elevator", "lift"],
        values: [
            Value {
                shown: "ground floor",
                wish: "the ground floor",
                hints: [
                    "My wheelchair does not like steps.",
                    "I come with a pram and heavy shopping.",
                    "My hip says no to any climb.",
                ],
            },
            Value {
                shown: "elevator",
                wish: "an elevator",
                hints: [
                    "I do not mind height, but my luggage does.",
                    "I like to press a button and be up there.",
                    "Let a machine carry me to my door.",
                ],
            },
            Value {
                shown: "top floor",
                wish: "the top floor",
                hints: [
                    "Footsteps above my head keep me awake.",
                    "I want roofs below me.",
                    "Nobody should walk over my ceiling.",
                ],
            },
        ],
    },
];

static RENTAL_CAR: [Topic; TOPICS] = [
    Topic {
        name: "type",
        field: "categories",
        words: &["type", "category", "kind", "body"],
        values: [
            Value {
                shown: "compact",
                wish: "a compact car",
                hints: ["I park in narrow lanes.", "I never find a big enough gap.", "Small streets, small wheels."],
            },
            Value {
                shown: "SUV",
                wish: "an SUV",
                hints: [
                    "The road to the cabin is gravel and snow.",
                    "I like to sit high above the mud.",
                    "There will be ditches and fords.",
                ],
            },
            Value {
                shown: "convertible",
                wish: "a convertible",
                hints: [
                    "I want wind in my hair.",
                    "The coast deserves an open roof.",
                    "Sun on my head while I steer, please.",
                ],
            },
        ],
    },
    Topic {
        name: "gearbox",
        field: "categories",
        words: &["gearbox", "gear", "gears", "transmission", "automatic", "manual"],
        values: [
            Value {
                shown: "automatic",
                wish: "an automatic",
                hints: [
                    "My left foot is in plaster.",
                    "I never learned to use a clutch.",
                    "Two pedals are enough for me.",
                ],
            },
            Value {
                shown: "manual",
                wish: "a manual gearbox",
                hints: [
                    "I like to stir my own way uphill.",
                    "A clutch makes me feel in charge.",
                    "Three pedals, as my father taught me.",
                ],
            },
            Value {
                shown: "paddle shift",
                wish: "a paddle shift",
                hints: [
                    "I shift with my fingers, like on the track.",
                    "I like levers behind the wheel.",
                    "Clicks under my fingertips, like the racers.",
                ],
            },
        ],
    },
    Topic {
        name: "fuel",
        field: "categories",
        words: &["fuel", "engine", "petrol", "electric", "diesel", "hybrid"],
        values: [
            Value {
                shown: "electric",
                wish: "an electric car",
                hints: [
                    "I want to glide without a sound and plug in at night.",
                    "No smoke shall come out behind me.",
                    "A socket is my filling station.",
                ],
            },
            Value {
                shown: "hybrid",
                wish: "a hybrid",
                hints: [
                    "A little battery in town, a tank for the mountains.",
                    "I cannot decide between a plug and a pump.",
                    "Half current, half pump, that is me.",
                ],
            },
            Value {
                shown: "diesel",
                wish: "a diesel",
                hints: [
                    "I go a thousand kilometres between pumps.",
                    "I like the old rumble of a truck.",
                    "One tank has to last across the plains.",
                ],
            },
        ],
    },
    Topic {
        name: "insurance",
        field: "insurance",
        words: &["insurance", "insured", "cover", "coverage", "liability"],
        values: [
            Value {
                shown: "full cover",
                wish: "full insurance",
                hints: [
                    "I worry about every scratch.",
                    "If anything happens, I do not want to hear of it.",
                    "I sleep only when nothing can cost me.",
                ],
            },
            Value {
                shown: "basic cover",
                wish: "basic insurance",
                hints: [
                    "I have never had an accident, and pay for no fear.",
                    "My own policy at home pays for most.",
                    "The least the law asks for is fine.",
                ],
            },
            Value {
                shown: "glass and tyre cover",
                wish: "insurance of glass and tyres",
                hints: [
                    "Stones keep hitting my windscreen.",
                    "Last time a nail cost me a day.",
                    "Gravel has cracked my view twice.",
                ],
            },
        ],
    },
    Topic {
        name: "extras",
        field: "service",
        words: &["extras", "extra", "equipment", "navigation", "gps", "rack"],
        values: [
            Value {
                shown: "child seat",
                wish: "a child seat",
                hints: [
                    "My toddler rides with me.",
                    "Somebody very small sits in the back.",
                    "A two-year-old will sing behind me.",
                ],
            },
            Value {
                shown: "navigation",
                wish: "navigation",
                hints: [
                    "I get lost in my own street.",
                    "I need a voice that says left and right.",
                    "Maps and I have never been friends.",
                ],
            },
            Value {
                shown: "ski rack",
                wish: "a ski rack",
                hints: [
                    "My planks are longer than I am.",
                    "We head for the slopes.",
                    "There is wax and snow in my plans.",
                ],
            },
        ],
    },
];

static RESTAURANT: [Topic; TOPICS] = [
    Topic {
        name: "cuisine",
        field: "cuisine",
        words: &["cuisine", "food", "dish", "dishes"],
        values: [
            Value {
                shown: "Italian",
                wish: "Italian food",
                hints: [
                    "I could live on noodles and tomatoes.",
                    "Basil and olive oil make me happy.",
                    "My grandmother rolled her own dough in Naples.",
                ],
            },
            Value {
                shown: "Indian",
                wish: "Indian food",
                hints: [
                    "It may burn, with cumin and ginger.",
                    "I dream of lentils and warm flat bread.",
                    "Turmeric on my fingers is a good sign.",
                ],
            },
            Value {
                shown: "Japanese",
                wish: "Japanese food",
                hints: [
                    "Raw fish and rice is my idea of a feast.",
                    "I like to eat with sticks.",
                    "Seaweed and soy, that is me.",
                ],
            },
        ],
    },
    Topic {
        name: "atmosphere",
        field: "expectation",
        words: &["atmosphere", "ambience", "ambiance", "mood", "noise"],
        values: [
            Value {
                shown: "quiet",
                wish: "a quiet place",
                hints: [
                    "My hearing aid hates crowds.",
                    "I want to hear every word of my friend.",
                    "A whisper should carry across.",
                ],
            },
            Value {
                shown: "lively",
                wish: "a lively place",
                hints: [
                    "I like a band and loud laughter.",
                    "The more people sing, the better.",
                    "If nobody dances, I leave.",
                ],
            },
            Value {
                shown: "romantic",
                wish: "a romantic place",
                hints: [
                    "It is our anniversary.",
                    "I have a ring in my pocket.",
                    "There is a question I want to ask by candlelight.",
                ],
            },
        ],
    },
    Topic {
        name: "seating",
        field: "tags",
        words: &["seating", "table", "tables", "terrace", "outside", "inside"],
        values: [
            Value {
                shown: "terrace",
                wish: "a terrace",
                hints: [
                    "I want the evening sun on my face.",
                    "A roof over me is a waste of summer.",
                    "Fresh air goes with my soup.",
                ],
            },
            Value {
                shown: "counter",
                wish: "a seat at the counter",
                hints: [
                    "I like to watch the cook's hands.",
                    "A high stool will do for me.",
                    "I want to be where the flames are.",
                ],
            },
            Value {
                shown: "private room",
                wish: "a private room",
                hints: [
                    "We have something to settle that is nobody's business.",
                    "No stranger should see us toast.",
                    "We need a door that closes behind us.",
                ],
            },
        ],
    },
    Topic {
        name: "diet",
        field: "tags",
        words: &["diet", "diets", "dietary", "allergy", "allergies", "vegan", "vegetarian"],
        values: [
            Value {
                shown: "vegan dishes",
                wish: "vegan dishes",
                hints: [
                    "Milk and eggs are not for me, nor is meat.",
                    "Nothing on my plate ever had a mother.",
                    "I even skip honey.",
                ],
            },
            Value {
                shown: "gluten-free dishes",
                wish: "dishes without gluten",
                hints: ["Bread makes me ill.", "Wheat and I do not get along.", "A crumb of flour ruins my night."],
            },
            Value {
                shown: "kosher dishes",
                wish: "kosher dishes",
                hints: [
                    "My rabbi would ask about the dishes.",
                    "Meat and milk never meet on my table.",
                    "My grandmother kept two sets of plates, and so do I.",
                ],
            },
        ],
    },
    Topic {
        name: "hours",
        field: "expectation",
        words: &["hours", "hour", "time", "early", "late", "open", "opening"],
        values: [
            Value {
                shown: "opens early",
                wish: "early hours",
                hints: [
                    "My children are in bed by eight.",
                    "I have supper before the sun sets.",
                    "My last bite is at six.",
                ],
            },
            Value {
                shown: "open late",
                wish: "late hours",
                hints: [
                    "My play ends close to midnight.",
                    "I get hungry when others go to bed.",
                    "We arrive long after dark and still want a plate.",
                ],
            },
            Value {
                shown: "brunch",
                wish: "brunch",
                hints: [
                    "Pancakes around eleven would be lovely.",
                    "I sleep in and eat twice at once.",
                    "Neither breakfast nor lunch, but both.",
                ],
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_sentence_is_of_one_value_and_none_says_it_outright() {
        let mut hints = BTreeSet::new();
        for value in Aspect::ALL.into_iter().flat_map(topics).flat_map(|topic| &topic.values) {
            for hint in value.hints {
                assert!(hints.insert(hint), "twice: {hint}");
                assert!(!hint.contains(value.shown) && !hint.contains(value.wish), "outright: {hint}");
            }
        }
        assert_eq!(hints.len(), 5 * TOPICS * VALUES * 3);
        // Found by looking for it in a reply, so none may be a part of another.
        let nested = |hint: &&&str| hints.iter().any(|other| other != *hint && other.contains(**hint));
        assert_eq!(hints.iter().find(nested), None);
    }

    #[test]
    fn a_word_names_one_topic_of_an_aspect_and_no_aspect() {
        let aspects: BTreeSet<&str> =
            Aspect::ALL.into_iter().flat_map(|aspect| aspect.words().iter().copied()).collect();
        for aspect in Aspect::ALL {
            let mut words = BTreeSet::new();
            for word in topics(aspect).iter().flat_map(|topic| topic.words) {
                assert!(words.insert(*word), "{aspect:?}: {word}");
                assert!(!aspects.contains(word), "{word}");
            }
            for topic in topics(aspect) {
                assert!(topic.name.split(' ').any(|word| topic.words.contains(&word)), "{}", topic.name);
            }
        }
    }
}
