//! Where pages of a backend begin: clients ask for the 101st entity, connectors for what comes after a cursor. A client that reads page after page so reads everything
//! once, and one that asks for any other place reads up to there.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So long is a cursor believed: a list may have changed, and a backend may have forgotten it.
const FRESH: Duration = Duration::from_mins(5);
/// Beyond this the oldest are forgotten.
const MOST: usize = 1000;

#[derive(Default)]
pub(super) struct Pages {
    known: Mutex<HashMap<(String, u64), (String, Instant)>>,
}

impl Pages {
    /// The page with this many entities before it begins at this cursor.
    pub(super) fn note(&self, entity_type: &str, before: u64, cursor: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (_, since)| since.elapsed() < FRESH);
        }
        if known.len() >= MOST
            && let Some(oldest) = known.iter().min_by_key(|(_, (_, since))| *since).map(|(place, _)| place.clone())
        {
            known.remove(&oldest);
        }
        known.insert((entity_type.to_owned(), before), (cursor.to_owned(), Instant::now()));
    }

    /// The nearest known place with at most this many entities before it.
    pub(super) fn nearest(&self, entity_type: &str, before: u64) -> Option<(u64, String)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter(|((of, place), (_, since))| of == entity_type && *place <= before && since.elapsed() < FRESH)
            .max_by_key(|((_, place), _)| *place)
            .map(|((_, place), (cursor, _))| (*place, cursor.clone()))
    }

    /// Something was written: what follows may begin elsewhere.
    pub(super) fn forget(&self, entity_type: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| of != entity_type);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_place_that_is_known() {
        let pages = Pages::default();
        pages.note("user", 100, "a");
        pages.note("user", 200, "b");
        pages.note("group", 150, "c");
        let nearest = |before| pages.nearest("user", before);
        assert_eq!((nearest(99), nearest(100), nearest(250)), (None, Some((100, "a".into())), Some((200, "b".into()))));
        for place in 0..2000 {
            pages.note("user", 1000 + place, "d");
        }
        pages.note("group", 150, "c");
        assert!(pages.known.lock().unwrap().len() <= MOST);
        pages.forget("user");
        assert_eq!((nearest(5000), pages.nearest("group", 150)), (None, Some((150, "c".into()))));
    }
}
