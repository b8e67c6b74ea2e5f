//! Where a trip goes and when: what a search has to say, and how a user asks for it.

use serde::Deserialize;
use serde::Serialize;

use super::Aspect;

/// Where and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trip {
    /// Where it starts, if anybody flies.
    pub origin: String,
    /// Where it goes.
    pub city: String,
    /// The month, from 0.
    pub month: u8,
    /// The first day, from 1.
    pub first: u8,
    /// The last day, in the same month.
    pub last: u8,
}

/// The months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// One thing a search has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// What it is, e.g. `from`.
    pub name: String,
    /// Its value, e.g. `New York` or `March 3rd`.
    pub value: String,
}

impl Trip {
    /// What a search for this aspect has to say; the restaurant is for the second day.
    #[must_use]
    pub fn arguments(&self, aspect: Aspect) -> Vec<Argument> {
        let argument = |name: &str, value: String| Argument { name: name.to_owned(), value };
        let city = argument("city", self.city.clone());
        match aspect {
            Aspect::Flight => vec![
                argument("from", self.origin.clone()),
                argument("to", self.city.clone()),
                argument("date", self.date(self.first)),
            ],
            Aspect::Hotel | Aspect::Apartment | Aspect::RentalCar => {
                vec![city, argument("from", self.date(self.first)), argument("until", self.date(self.last))]
            }
            Aspect::Restaurant => vec![city, argument("date", self.date(self.first + 1))],
        }
    }

    /// How the user asks for these aspects.
    #[must_use]
    pub fn request(&self, aspects: impl Iterator<Item = Aspect>) -> String {
        let (city, first, last) = (&self.city, self.date(self.first), self.date(self.last));
        let each = aspects.map(|aspect| match aspect {
            Aspect::Flight => format!("a flight from {} to {city} on {first}", self.origin),
            Aspect::Hotel | Aspect::Apartment | Aspect::RentalCar => {
                format!("a {} in {city} from {first} until {last}", aspect.spoken())
                    .replace("a apartment", "an apartment")
            }
            Aspect::Restaurant => format!("a restaurant in {city} on {}", self.date(self.first + 1)),
        });
        let each: Vec<String> = each.collect();
        format!("I need {}. Of what suits me I want the cheapest of each.", each.join("; "))
    }

    fn date(&self, day: u8) -> String {
        let ending = match (day % 10, day / 10) {
            (1, tens) if tens != 1 => "st",
            (2, tens) if tens != 1 => "nd",
            (3, tens) if tens != 1 => "rd",
            _ => "th",
        };
        format!("{} {day}{ending}", MONTHS[usize::from(self.month) % MONTHS.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_all_that_its_searches_have_to_say() {
        let trip = Trip { origin: "New York".to_owned(), city: "Oslo".to_owned(), month: 2, first: 21, last: 30 };
        let request = trip.request(Aspect::ALL.into_iter());
        for argument in Aspect::ALL.into_iter().flat_map(|aspect| trip.arguments(aspect)) {
            assert!(request.contains(&argument.value), "{argument:?} is not in {request}");
        }
        assert!(
            request.starts_with("I need a flight from New York to Oslo on March 21st; a hotel in Oslo from March 21st")
        );
        assert!(request.contains("an apartment") && request.contains("on March 22nd"));
        let dates: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 22, 23].map(|day| trip.date(day)).to_vec();
        let said =
            "March 1st, March 2nd, March 3rd, March 4th, March 11th, March 12th, March 13th, March 22nd, March 23rd";
        assert_eq!(dates.join(", "), said);
    }
}
