//! The five things a trip may need, and the eight ways UserRL's release puts them together (spec userrl §2.7).

use serde::Deserialize;
use serde::Serialize;

/// What an option is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// `F`
    Flight,
    /// `H`
    Hotel,
    /// `A`
    Apartment,
    /// `C`
    RentalCar,
    /// `R`
    Restaurant,
}

impl Aspect {
    /// All of them, in the order in which they stand in an item.
    pub const ALL: [Aspect; 5] =
        [Aspect::Flight, Aspect::Hotel, Aspect::Apartment, Aspect::RentalCar, Aspect::Restaurant];

    /// As the release writes it: `rental_car`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Aspect::Flight => "flight",
            Aspect::Hotel => "hotel",
            Aspect::Apartment => "apartment",
            Aspect::RentalCar => "rental_car",
            Aspect::Restaurant => "restaurant",
        }
    }

    /// As one says it: `rental car`.
    #[must_use]
    pub fn spoken(self) -> &'static str {
        match self {
            Aspect::RentalCar => "rental car",
            Aspect::Flight | Aspect::Hotel | Aspect::Apartment | Aspect::Restaurant => self.name(),
        }
    }

    /// The letter its options begin with.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Aspect::Flight => 'F',
            Aspect::Hotel => 'H',
            Aspect::Apartment => 'A',
            Aspect::RentalCar => 'C',
            Aspect::Restaurant => 'R',
        }
    }

    /// The words by which a search or a question names it.
    #[must_use]
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Aspect::Flight => &["flight", "flights", "fly", "plane"],
            Aspect::Hotel => &["hotel", "hotels"],
            Aspect::Apartment => &["apartment", "apartments", "flat"],
            Aspect::RentalCar => &["car", "cars"],
            Aspect::Restaurant => &["restaurant", "restaurants"],
        }
    }

    /// The aspect that a judge names, under any of upstream's names for it.
    #[must_use]
    pub fn named(text: &str) -> Option<Aspect> {
        let text = text.trim().to_lowercase().replace([' ', '-'], "_");
        match text.as_str() {
            "car_rental" => Some(Aspect::RentalCar),
            name => Aspect::ALL.into_iter().find(|aspect| aspect.name() == name),
        }
    }
}

/// How many wishes there are for each aspect of a trip, by upstream's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Composition {
    /// Two aspects with two wishes each.
    #[serde(rename = "22")]
    C22,
    /// Two aspects with three.
    #[serde(rename = "33")]
    C33,
    /// Two with four.
    #[serde(rename = "44")]
    C44,
    /// Three with two, three and three.
    #[serde(rename = "233")]
    C233,
    /// Three with three.
    #[serde(rename = "333")]
    C333,
    /// Three with three, three and four.
    #[serde(rename = "334")]
    C334,
    /// Three with four.
    #[serde(rename = "444")]
    C444,
    /// Four with two.
    #[serde(rename = "2222")]
    C2222,
}

impl Composition {
    /// All of them, each with how many of the release's 3122 trips are of it.
    pub const ALL: [(Composition, u32); 8] = [
        (Composition::C22, 671),
        (Composition::C33, 576),
        (Composition::C44, 446),
        (Composition::C233, 402),
        (Composition::C333, 353),
        (Composition::C334, 313),
        (Composition::C444, 248),
        (Composition::C2222, 113),
    ];

    /// Upstream's name: a digit an aspect, how many wishes there are for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Composition::C22 => "22",
            Composition::C33 => "33",
            Composition::C44 => "44",
            Composition::C233 => "233",
            Composition::C333 => "333",
            Composition::C334 => "334",
            Composition::C444 => "444",
            Composition::C2222 => "2222",
        }
    }

    /// How many wishes there are for each aspect.
    #[must_use]
    pub fn wishes(self) -> Vec<usize> {
        self.name().bytes().map(|digit| usize::from(digit - b'0')).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_letters_are_the_releases() {
        let letters: String = Aspect::ALL.iter().map(|aspect| aspect.letter()).collect();
        assert_eq!(letters, "FHACR");
        assert_eq!(Aspect::named("Rental Car"), Some(Aspect::RentalCar));
        assert_eq!(Aspect::named("car rental"), Some(Aspect::RentalCar));
        assert_eq!(Aspect::named(" HOTEL "), Some(Aspect::Hotel));
        assert_eq!(Aspect::named("cruise"), None);
        for aspect in Aspect::ALL {
            assert_eq!(serde_json::to_string(&aspect).unwrap(), format!("{:?}", aspect.name()));
        }
    }

    #[test]
    fn compositions_are_the_releases_eight() {
        assert_eq!(Composition::ALL.iter().map(|(_, count)| count).sum::<u32>(), 3122);
        assert_eq!(Composition::C334.wishes(), [3, 3, 4]);
        assert!(Composition::ALL.iter().all(|(composition, _)| composition.wishes().iter().sum::<usize>() <= 12));
    }
}
