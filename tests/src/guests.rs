//! The guests: components that misbehave on purpose, one constant each, made by `build.rs` from `tests/guests/`.

use std::fs;

/// A component that is no plugin of ours.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    /// Of its folder.
    pub name: &'static str,
    /// The component, absolute.
    file: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/guests.rs"));

/// The text in front of a liar's label, and the room for both.
const MARK: &[u8] = b"label of the liar=";
const ROOM: usize = 40;

/// A guest that a case may ask for.
pub(crate) fn named(name: &str) -> Option<Guest> {
    [JOURNAL, LEDGER].into_iter().find(|guest| guest.name == name)
}

impl Guest {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.file).expect("the guest was built")
    }

    /// The component with another label in its data; see `guests/liar`.
    pub(crate) fn labelled(&self, label: &str) -> Vec<u8> {
        let mut bytes = self.bytes();
        let starts: Vec<usize> = bytes.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK).map(|(at, _)| at).collect();
        let [start] = starts[..] else { panic!("{} has {} labels", self.name, starts.len()) };
        let place = &mut bytes[start + MARK.len()..start + ROOM];
        assert!(label.len() <= place.len(), "{label} is too long for a label");
        place.fill(b' ');
        place[..label.len()].copy_from_slice(label.as_bytes());
        bytes
    }
}
