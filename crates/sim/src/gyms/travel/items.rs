//! Trips with what is wished of them and what there is to choose from, in the measures of UserRL's release (spec userrl §2.7).

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Aspect;
use super::Composition;
use super::Trip;
use super::topic::TOPICS;
use super::topic::Topic;
use super::topic::Value;
use super::topic::topics;

/// Options that meet all wishes, an aspect.
pub const CORRECT: usize = 3;
/// Options that miss one wish or two.
pub const WRONG: usize = 10;
/// Options that meet no wish.
pub const NOISE: usize = 5;
/// Options an aspect.
pub const OFFERS: usize = CORRECT + WRONG + NOISE;
/// The highest number of an option.
pub const NUMBER_MAX: u8 = 22;

/// One trip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// How many wishes for how many aspects.
    pub composition: Composition,
    /// Where and when.
    pub trip: Trip,
    /// One for each aspect, in the order of [`Aspect::ALL`].
    pub components: Vec<Component>,
}

/// One aspect of a trip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Which.
    pub aspect: Aspect,
    /// What is wished of it.
    pub wishes: Vec<Wish>,
    /// What there is, in the order of its numbers.
    pub offers: Arc<Vec<Offer>>,
    /// The numbers of the options that meet all wishes, the cheapest, which is best, first.
    pub correct: Vec<u8>,
}

/// One wish; upstream's preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wish {
    /// Of which aspect.
    pub aspect: Aspect,
    /// About which of its topics, from 0.
    pub topic: u8,
    /// Which value, from 0.
    pub value: u8,
    /// In which roundabout sentence it is told, from 0.
    pub hint: u8,
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its number, from 1 to [`NUMBER_MAX`].
    pub number: u8,
    /// In dollars.
    pub cost: u32,
    /// The value of each topic, from 0.
    pub values: [u8; TOPICS],
    /// What it is called, as an index into the names of its aspect.
    pub name: u8,
    /// Its rating, in tenths.
    pub rating: u8,
}

impl Wish {
    /// What it is about.
    #[must_use]
    pub fn topic(self) -> &'static Topic {
        &topics(self.aspect)[usize::from(self.topic)]
    }

    /// What is wished.
    #[must_use]
    pub fn value(self) -> &'static Value {
        &self.topic().values[usize::from(self.value)]
    }

    /// The sentence that tells it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        self.value().hints[usize::from(self.hint)]
    }

    /// Whether an option has what is wished.
    #[must_use]
    pub fn is_met(self, offer: &Offer) -> bool {
        offer.values[usize::from(self.topic)] == self.value
    }
}

impl Item {
    /// All wishes, in the order of their ids.
    #[must_use]
    pub fn wishes(&self) -> Vec<Wish> {
        self.components.iter().flat_map(|component| component.wishes.iter().copied()).collect()
    }

    /// The component of an aspect; `None` if the trip does not need it.
    #[must_use]
    pub fn component(&self, aspect: Aspect) -> Option<&Component> {
        self.components.iter().find(|component| component.aspect == aspect)
    }

    /// How the user asks for it.
    #[must_use]
    pub fn request(&self) -> String {
        self.trip.request(self.components.iter().map(|component| component.aspect))
    }
}

impl Offer {
    /// The option as a search lists it: a JSON object in the fields of the release.
    #[must_use]
    pub fn line(&self, aspect: Aspect, trip: &Trip) -> String {
        let shown = |field: &str| -> Vec<&str> {
            let of_field = topics(aspect).iter().zip(self.values).filter(|(topic, _)| topic.field == field);
            of_field.map(|(topic, value)| topic.values[usize::from(value)].shown).collect()
        };
        let name = names(aspect)[usize::from(self.name) % NAMES];
        let rating = format!("{}.{}", self.rating / 10, self.rating % 10);
        let (number, cost) = (self.number, self.cost);
        let id = format!("\"id\":\"{}{number}\"", aspect.letter());
        match aspect {
            Aspect::Flight => format!(
                "{{{id},\"path\":[\"{}\",\"{}\",\"{}\"],\"time\":{:?},\"company\":[\"{name}\"],\"flight_number\":[\"{}{}\"],\"cost\":{cost},\
                 \"amenities\":{:?},\"service\":{:?}}}",
                trip.origin,
                shown("path").join(" "),
                trip.city,
                shown("time"),
                &name[..2].to_uppercase(),
                100 + u32::from(self.rating) * 7 + u32::from(number),
                shown("amenities"),
                shown("service"),
            ),
            Aspect::Hotel => format!(
                "{{{id},\"name\":\"Hotel {name}\",\"room\":{:?},\"cost\":[{cost}],\"rating\":{rating},\"amenities\":{:?},\"service\":{:?}}}",
                shown("room"),
                shown("amenities"),
                shown("service"),
            ),
            Aspect::Apartment => format!(
                "{{{id},\"name\":\"{name} House\",\"room\":{:?},\"capacity\":6,\"cost\":{cost},\"rating\":{rating},\"amenities\":{:?},\"service\":{:?}}}",
                shown("room").join(" "),
                shown("amenities"),
                shown("service"),
            ),
            Aspect::RentalCar => format!(
                "{{{id},\"brand\":\"{name}\",\"model\":\"{}\",\"categories\":{:?},\"seats\":5,\"cost\":{cost},\"insurance\":{:?},\"service\":{:?}}}",
                1000 + u32::from(self.rating) * 10,
                shown("categories"),
                shown("insurance").join(" "),
                shown("service"),
            ),
            Aspect::Restaurant => format!(
                "{{{id},\"name\":\"{name}\",\"cuisine\":{:?},\"expectation\":{:?},\"cost\":{cost},\"rating\":{rating},\"reviews\":{},\"tags\":{:?}}}",
                shown("cuisine").join(" "),
                shown("expectation"),
                u32::from(self.rating) * 13 + u32::from(number),
                shown("tags"),
            ),
        }
    }
}

/// How many names an aspect has.
pub const NAMES: usize = 8;

fn names(aspect: Aspect) -> [&'static str; NAMES] {
    match aspect {
        Aspect::Flight => ["Altair", "Borealis", "Cirrus", "Dorado", "Elara", "Fjordair", "Galena", "Halcyon"],
        Aspect::Hotel => ["Aurora", "Bellevue", "Corona", "Delphi", "Eden", "Florian", "Gloria", "Hera"],
        Aspect::Apartment => ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel"],
        Aspect::RentalCar => ["Arden", "Brio", "Corvo", "Dacota", "Elan", "Fenix", "Garra", "Hummel"],
        Aspect::Restaurant => ["Amber", "Bay Leaf", "Copper Pot", "Dill", "Ember", "Fennel", "Grain", "Harvest"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_listed_as_json_with_its_fields_and_nothing_of_its_kind() {
        let trip = Trip { origin: "New York".to_owned(), city: "Oslo".to_owned(), month: 2, first: 3, last: 9 };
        let offer = Offer { number: 7, cost: 312, values: [0, 1, 2, 0, 1], name: 3, rating: 43 };
        let line = offer.line(Aspect::Flight, &trip);
        assert_eq!(
            line,
            "{\"id\":\"F7\",\"path\":[\"New York\",\"one short stop\",\"Oslo\"],\"time\":[\"07:20\"],\"company\":[\"Dorado\"],\"flight_number\":\
             [\"DO408\"],\"cost\":312,\"amenities\":[\"no meal\", \"window seat\"],\"service\":[\"2 checked bags\"]}"
        );
        for aspect in Aspect::ALL {
            let value: serde_json::Value = serde_json::from_str(&offer.line(aspect, &trip)).unwrap();
            let text = value.to_string();
            assert_eq!(value["id"], format!("{}7", aspect.letter()));
            for (topic, value) in topics(aspect).iter().zip(offer.values) {
                assert!(text.contains(topic.values[usize::from(value)].shown), "{} is not in {text}", topic.name);
            }
        }
    }
}
