//! Random passwords.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Characters a password may have.
const LONGEST: usize = 1024;
const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
/// The special symbols where the transformation names no others.
pub(crate) const SYMBOLS: &str = "~!@#$%^&*()_+";

/// How passwords are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Password {
    length: usize,
    /// Sets of characters and how many of each there are at least.
    sets: Vec<(Box<[char]>, usize)>,
}

impl Password {
    /// `least`: of small letters, capital letters, digits and special symbols; a set of which there are at least none is not used. The error says what is wrong.
    pub fn new(length: usize, least: [usize; 4], symbols: Option<&str>) -> Result<Self, String> {
        if symbols.is_some_and(str::is_empty) {
            return Err("`specialSymbols` names no symbol".to_owned());
        }
        if symbols.is_some() && least[3] == 0 {
            return Err("`specialSymbols` without any in the password: `minimumNumberOfSpecialSymbols` is 0".to_owned());
        }
        if length > LONGEST {
            return Err(format!("a password has at most {LONGEST} characters"));
        }
        let sum = least.iter().fold(0usize, |sum, count| sum.saturating_add(*count));
        if sum > length {
            return Err(format!("the minimum numbers add up to {sum}, more than the password's length {length}"));
        }
        if sum == 0 {
            return Err("no kind of character is wanted: at least one of the minimum numbers must be above 0".to_owned());
        }
        let sets = [LOWERCASE, UPPERCASE, DIGITS, symbols.unwrap_or(SYMBOLS)].into_iter().zip(least).filter(|(_, count)| *count > 0);
        let sets = sets.map(|(set, count)| {
            // A symbol that is named twice is no likelier than the others.
            let mut chars: Vec<char> = set.chars().collect();
            chars.sort_unstable();
            chars.dedup();
            (chars.into_boxed_slice(), count)
        });
        Ok(Self { length, sets: sets.collect() })
    }

    /// A password: the least number of each set, the rest out of all of them, in random order. Every choice is uniform.
    pub fn make(&self, random: &mut Random, out: &mut String) {
        let mut chars: Vec<char> = Vec::with_capacity(self.length);
        for (set, least) in &self.sets {
            chars.extend((0..*least).map(|_| set[random.below(set.len())]));
        }
        let size = self.sets.iter().map(|(set, _)| set.len()).sum();
        while chars.len() < self.length {
            let mut at = random.below(size);
            for (set, _) in &self.sets {
                match set.get(at) {
                    Some(char) => {
                        chars.push(*char);
                        break;
                    }
                    None => at -= set.len(),
                }
            }
        }
        for last in (1..chars.len()).rev() {
            chars.swap(last, random.below(last + 1));
        }
        out.extend(chars);
    }
}

/// The random numbers of one entity: `ChaCha20` with the page's seed as its key and the entity's place as its stream, so that the same seed gives the same passwords
/// however often an entity is gone through.
pub(crate) struct Random(ChaCha20Rng);

impl Random {
    pub fn new(seed: [u8; 32], entity: u64) -> Self {
        let mut random = ChaCha20Rng::from_seed(seed);
        random.set_stream(entity);
        Self(random)
    }

    /// A number below `end`, each equally likely: numbers of the incomplete last round are thrown away.
    fn below(&mut self, end: usize) -> usize {
        let end = u32::try_from(end).unwrap_or(u32::MAX).max(1);
        let fair = u32::MAX - u32::MAX % end;
        loop {
            let number = self.0.next_u32();
            if number < fair {
                return usize::try_from(number % end).unwrap_or(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(password: &Password, entity: u64) -> String {
        let mut out = String::new();
        password.make(&mut Random::new([7; 32], entity), &mut out);
        out
    }

    #[test]
    fn every_set_has_its_share() {
        for least in [[1, 1, 1, 0], [4, 4, 4, 4], [0, 0, 16, 0], [1, 0, 0, 1], [0, 5, 0, 3]] {
            let password = Password::new(16, least, None).expect("a password");
            for entity in 0..200 {
                let text = make(&password, entity);
                assert_eq!(text.chars().count(), 16);
                let count = |set: &str| text.chars().filter(|char| set.contains(*char)).count();
                for (set, least) in [LOWERCASE, UPPERCASE, DIGITS, SYMBOLS].into_iter().zip(least) {
                    assert!(if least == 0 { count(set) == 0 } else { count(set) >= least }, "{text} {set} {least}");
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_password_and_another_entity_another_one() {
        let password = Password::new(24, [1, 1, 1, 1], Some(",.<>/?~`!@#")).expect("a password");
        assert_eq!(make(&password, 1), make(&password, 1));
        assert_ne!(make(&password, 1), make(&password, 2));
    }

    #[test]
    fn every_character_and_place_is_equally_likely() {
        // 10 digits in 20 places of 2000 passwords: each is expected 4000 times; five standard deviations are 300.
        let password = Password::new(20, [0, 0, 1, 0], None).expect("a password");
        let mut counts = [0u32; 10];
        for entity in 0..2000 {
            for char in make(&password, entity).chars() {
                counts[char.to_digit(10).expect("a digit") as usize] += 1;
            }
        }
        assert!(counts.iter().all(|count| count.abs_diff(4000) < 300), "{counts:?}");
        // One letter among 9 digits: each of 10 places is expected 500 times of 5000; five standard deviations are 106.
        let password = Password::new(10, [1, 0, 9, 0], None).expect("a password");
        let mut places = [0u32; 10];
        for entity in 0..5000 {
            places[make(&password, entity).find(|char: char| char.is_ascii_lowercase()).expect("a letter")] += 1;
        }
        assert!(places.iter().all(|count| count.abs_diff(500) < 106), "{places:?}");
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        for (length, least, symbols) in [
            (3, [1, 1, 1, 1], None),
            (8, [0, 0, 0, 0], None),
            (0, [0, 0, 0, 0], None),
            (8, [1, 1, 1, 0], Some("#")),
            (8, [1, 1, 1, 1], Some("")),
            (5000, [1, 1, 1, 1], None),
            (8, [usize::MAX, 1, 1, 1], None),
        ] {
            assert!(Password::new(length, least, symbols).is_err(), "{length} {least:?} {symbols:?}");
        }
        assert!(Password::new(4, [1, 1, 1, 1], Some("ä")).is_ok());
    }
}
