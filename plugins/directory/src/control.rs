//! Controls: what rides on a request and on an answer (RFC 4511 section 4.1.11).

use crate::{
    ber::{BOOLEAN, ENUMERATED, INTEGER, Malformed, OCTET_STRING, Reader, SEQUENCE, SET, Writer, context, context_constructed},
    message::Control,
};

/// Simple paged results, RFC 2696.
pub const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// Content synchronization, RFC 4533.
pub const SYNC_REQUEST: &str = "1.3.6.1.4.1.4203.1.9.1.1";
const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
pub const SYNC_INFO: &str = "1.3.6.1.4.1.4203.1.9.1.4";
/// Active Directory (MS-ADTS section 3.1.1.3.4.1): deleted objects are found too.
pub const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// Active Directory: this domain only, and no references to others.
pub const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
/// Active Directory: everything that changed in a domain.
pub const DIR_SYNC: &str = "1.2.840.113556.1.4.841";

fn control(oid: &str, critical: bool, value: Option<Vec<u8>>) -> Control {
    Control { oid: oid.to_owned(), critical, value }
}

/// The next page of at most so many entries. Critical: a server that cannot page must say so.
pub fn paged(size: u32, cookie: &[u8]) -> Control {
    let mut value = Writer::default();
    value.nested(SEQUENCE, |inside| {
        inside.integer(INTEGER, size.into());
        inside.bytes(OCTET_STRING, cookie);
    });
    control(PAGED_RESULTS, true, Some(value.finish()))
}

/// The cookie of the next page; empty: there is none. Nothing where the answer has no such control.
pub fn paged_cookie(controls: &[Control]) -> Result<Option<Vec<u8>>, Malformed> {
    let Some(value) = value_of(controls, PAGED_RESULTS) else { return Ok(None) };
    let mut inside = Reader::new(value).inside(SEQUENCE)?;
    inside.integer(INTEGER)?;
    Ok(Some(inside.take(OCTET_STRING)?.to_vec()))
}

fn value_of<'a>(controls: &'a [Control], oid: &str) -> Option<&'a [u8]> {
    controls.iter().find(|control| control.oid == oid)?.value.as_deref()
}

pub fn show_deleted() -> Control {
    control(SHOW_DELETED, true, None)
}

pub fn domain_scope() -> Control {
    control(DOMAIN_SCOPE, false, None)
}

/// The changes since a cookie, or everything without one; once, not for ever (`refreshOnly`).
pub fn sync_request(cookie: Option<&[u8]>) -> Control {
    let mut value = Writer::default();
    value.nested(SEQUENCE, |inside| {
        inside.integer(ENUMERATED, 1);
        if let Some(cookie) = cookie {
            inside.bytes(OCTET_STRING, cookie);
        }
    });
    control(SYNC_REQUEST, true, Some(value.finish()))
}

/// What a synchronization says about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    Present,
    AddedOrModified,
    Deleted,
}

/// The state of an entry and its `entryUUID`.
pub fn sync_state(controls: &[Control]) -> Result<Option<(EntryState, [u8; 16])>, Malformed> {
    let Some(value) = value_of(controls, SYNC_STATE) else { return Ok(None) };
    let mut inside = Reader::new(value).inside(SEQUENCE)?;
    let state = match inside.integer(ENUMERATED)? {
        0 => EntryState::Present,
        1 | 2 => EntryState::AddedOrModified,
        3 => EntryState::Deleted,
        _ => return Err(Malformed("a state of synchronization that does not exist")),
    };
    Ok(Some((state, uuid(inside.take(OCTET_STRING)?)?)))
}

fn uuid(bytes: &[u8]) -> Result<[u8; 16], Malformed> {
    bytes.try_into().map_err(|_| Malformed("a UUID that is not of sixteen bytes"))
}

/// How a synchronization ended: its cookie, and whether what was not mentioned is still there (`refreshDeletes`).
pub type SyncDone = (Option<Vec<u8>>, bool);

/// The end of a synchronization.
pub fn sync_done(controls: &[Control]) -> Result<Option<SyncDone>, Malformed> {
    let Some(value) = value_of(controls, SYNC_DONE) else { return Ok(None) };
    let mut inside = Reader::new(value).inside(SEQUENCE)?;
    let cookie = inside.optional(OCTET_STRING)?.map(<[u8]>::to_vec);
    let refresh_deletes = inside.optional(BOOLEAN)?.is_some_and(|value| value != [0]);
    Ok(Some((cookie, refresh_deletes)))
}

/// What a synchronization says on the way (RFC 4533 section 2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncInfo {
    /// Nothing that matters to a refresh that is awaited to its end.
    NewCookie,
    /// From here on deletions are told by name.
    RefreshDelete,
    /// From here on what is not mentioned is gone: deletions cannot be told.
    RefreshPresent,
    Ids {
        deleted: bool,
        ids: Vec<[u8; 16]>,
    },
}

/// The value of an intermediate message named [`SYNC_INFO`].
pub fn sync_info(value: &[u8]) -> Result<SyncInfo, Malformed> {
    let (tag, content) = Reader::new(value).any()?;
    let mut inside = Reader::new(content);
    Ok(match tag {
        tag if tag == context(0) => SyncInfo::NewCookie,
        tag if tag == context_constructed(1) => SyncInfo::RefreshDelete,
        tag if tag == context_constructed(2) => SyncInfo::RefreshPresent,
        tag if tag == context_constructed(3) => {
            inside.optional(OCTET_STRING)?;
            let deleted = inside.optional(BOOLEAN)?.is_some_and(|value| value != [0]);
            let mut set = inside.inside(SET)?;
            let mut ids = Vec::new();
            while !set.is_empty() {
                ids.push(uuid(set.take(OCTET_STRING)?)?);
            }
            SyncInfo::Ids { deleted, ids }
        }
        _ => return Err(Malformed("news of a synchronization that do not exist")),
    })
}

/// Everything that changed in the domain since a cookie, as far as this account may see it (`LDAP_DIRSYNC_OBJECT_SECURITY`), so that no right to replicate is needed.
pub fn dir_sync(cookie: &[u8], most_bytes: u32) -> Control {
    let mut value = Writer::default();
    value.nested(SEQUENCE, |inside| {
        inside.integer(INTEGER, 1);
        inside.integer(INTEGER, most_bytes.into());
        inside.bytes(OCTET_STRING, cookie);
    });
    control(DIR_SYNC, true, Some(value.finish()))
}

/// Whether there is more, and the cookie to go on with.
pub fn dir_sync_answer(controls: &[Control]) -> Result<Option<(bool, Vec<u8>)>, Malformed> {
    let Some(value) = value_of(controls, DIR_SYNC) else { return Ok(None) };
    let mut inside = Reader::new(value).inside(SEQUENCE)?;
    let more = inside.integer(INTEGER)? != 0;
    inside.integer(INTEGER)?;
    Ok(Some((more, inside.take(OCTET_STRING)?.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(oid: &str, value: &[u8]) -> Vec<Control> {
        vec![control("1.2.3", false, None), control(oid, false, Some(value.to_vec()))]
    }

    #[test]
    fn cookies_come_back() {
        let sent = paged(500, b"next");
        assert_eq!(sent.value.as_deref(), Some(&[0x30, 0x0a, 2, 2, 1, 0xf4, 4, 4, b'n', b'e', b'x', b't'][..]));
        assert_eq!(paged_cookie(&[sent]), Ok(Some(b"next".to_vec())));
        assert_eq!(paged_cookie(&[]), Ok(None));
        assert_eq!(dir_sync_answer(&[dir_sync(b"c", 7)]), Ok(Some((true, b"c".to_vec()))));
    }

    #[test]
    fn the_news_of_a_synchronization() {
        let id = [7; 16];
        let state = [&[0x30, 0x15, 0x0a, 1, 3, 4, 16][..], &id].concat();
        assert_eq!(sync_state(&answer(SYNC_STATE, &state)), Ok(Some((EntryState::Deleted, id))));
        assert!(sync_state(&answer(SYNC_STATE, &[0x30, 6, 0x0a, 1, 1, 4, 1, 9])).is_err());
        assert_eq!(sync_done(&answer(SYNC_DONE, &[0x30, 6, 4, 1, b'c', 1, 1, 0xff])), Ok(Some((Some(b"c".to_vec()), true))));
        assert_eq!(sync_done(&answer(SYNC_DONE, &[0x30, 0])), Ok(Some((None, false))));
        let ids = [&[0xa3, 0x17, 1, 1, 0xff, 0x31, 18, 4, 16][..], &id].concat();
        assert_eq!(sync_info(&ids), Ok(SyncInfo::Ids { deleted: true, ids: vec![id] }));
        assert_eq!(sync_info(&[0xa2, 0]), Ok(SyncInfo::RefreshPresent));
        assert_eq!(sync_info(&[0xa1, 3, 1, 1, 0]), Ok(SyncInfo::RefreshDelete));
        assert_eq!(sync_info(&[0x80, 1, b'c']), Ok(SyncInfo::NewCookie));
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_refused(value in any::<Vec<u8>>()) {
            for oid in [PAGED_RESULTS, SYNC_STATE, SYNC_DONE, DIR_SYNC] {
                let controls = answer(oid, &value);
                let _ = (paged_cookie(&controls), sync_state(&controls), sync_done(&controls), dir_sync_answer(&controls));
            }
            let _ = sync_info(&value);
        }
    }
}
