//! Attributes that come in pieces: Active Directory gives 1500 values at a time, as `member;range=0-1499`, and the rest when asked for
//! `member;range=1500-*` (MS-ADTS section 3.1.1.3.1.3.3). A group that is read without that looks as if it had lost its members.

use crate::{
    client::{Client, entry, found},
    message::{Attribute, Entry},
    session::Host,
};
use sdk::Failure;

/// `member;range=0-1499` in parts: the attribute, where the piece begins, where it ends if it is not the last.
fn range(name: &str) -> Option<(&str, usize, Option<usize>)> {
    let (attribute, option) = name.rsplit_once(';')?;
    let (key, bounds) = option.split_once('=')?;
    let (from, to) = bounds.split_once('-')?;
    if !key.eq_ignore_ascii_case("range") {
        return None;
    }
    let to = if to == "*" { None } else { Some(to.parse().ok()?) };
    Some((attribute, from.parse().ok()?, to))
}

/// A piece that was read, and where the next one begins if there is one.
fn piece(entry: &mut Entry) -> Option<(Attribute, Option<usize>)> {
    let at = entry.attributes.iter().position(|attribute| range(&attribute.name).is_some())?;
    let mut found = entry.attributes.remove(at);
    let (name, _, to) = range(&found.name)?;
    let (name, next) = (name.to_owned(), to.map(|to| to.saturating_add(1)));
    // Beside the piece stands the attribute without values.
    entry.attributes.retain(|attribute| !attribute.name.eq_ignore_ascii_case(&name) || !attribute.values.is_empty());
    found.name = name;
    Some((found, next))
}

/// Fetch the missing pieces of these entries. The answer: for each entry, why it could not be completed, if so.
pub fn complete(client: &mut Client<impl Host>, entries: &mut [Entry]) -> Vec<Option<Failure>> {
    let mut failures: Vec<Option<Failure>> = entries.iter().map(|_| None).collect();
    // The entry, the attribute as far as it is there, and where it goes on.
    let mut open: Vec<(usize, Attribute, usize)> = Vec::new();
    for (at, entry) in entries.iter_mut().enumerate() {
        let mut whole = Vec::new();
        while let Some((attribute, next)) = piece(entry) {
            match next {
                Some(next) => open.push((at, attribute, next)),
                None => whole.push(attribute),
            }
        }
        entry.attributes.extend(whole);
    }
    while !open.is_empty() {
        let requests =
            open.iter().map(|(at, attribute, next)| entry(&entries[*at].dn, &[format!("{};range={next}-*", attribute.name)])).collect();
        let replies = client.all(requests);
        let mut still_open = Vec::new();
        for ((at, mut attribute, asked), reply) in open.into_iter().zip(replies) {
            let answer = found(reply).and_then(|found| {
                let mut found = found.ok_or_else(|| incomplete(&attribute.name, "the entry was deleted meanwhile"))?;
                // As many values as were there: the next piece is empty and has no range.
                if found.attributes.iter().all(|attribute| range(&attribute.name).is_none()) {
                    return Err(incomplete(&attribute.name, "the server did not go on"));
                }
                let from = found.attributes.iter().find_map(|attribute| range(&attribute.name)).map(|(_, from, _)| from);
                let (piece, next) = piece(&mut found).ok_or_else(|| incomplete(&attribute.name, "the server did not go on"))?;
                if from != Some(asked) || next.is_some_and(|next| next <= asked) || (piece.values.is_empty() && next.is_some()) {
                    return Err(incomplete(&attribute.name, "the server gave other values than those asked for"));
                }
                Ok((piece, next))
            });
            match answer {
                Ok((piece, next)) => {
                    attribute.values.extend(piece.values);
                    match next {
                        Some(next) => still_open.push((at, attribute, next)),
                        None => entries[at].attributes.push(attribute),
                    }
                }
                Err(failure) => failures[at] = Some(failure),
            }
        }
        open = still_open;
    }
    failures
}

fn incomplete(attribute: &str, why: &str) -> Failure {
    Failure::rejected(format!("not all values of {attribute} could be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(range("member;range=0-1499"), Some(("member", 0, Some(1499))));
        assert_eq!(range("member;Range=1500-*"), Some(("member", 1500, None)));
        for other in ["member", "member;binary", "cn;lang-de", "member;range=a-1", "member;range=1"] {
            assert_eq!(range(other), None, "{other}");
        }
    }
}
