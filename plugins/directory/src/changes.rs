//! What changed since an earlier read, and where the next one begins.
//!
//! | directory | how | its token | what tells deletions |
//! | --- | --- | --- | --- |
//! | one with content synchronization (RFC 4533), such as that of `slapd` with `syncprov` | a refresh | the cookie | the `entryUUID` of each |
//! | Active Directory | a filter on `uSNChanged` | the highest number, and whose it is: every domain controller counts for itself | a search among the deleted objects |
//! | Active Directory, `ad.delta` = `DirSync` | the control | the cookie | the same, and `objectGUID` for who is not below the path any more |
//!
//! A beginning is always taken before the read that goes with it: what changes meanwhile is read twice rather than never. Where a deletion cannot be named, the token is
//! refused (`conflict`), and the host reads everything.

use crate::{
    binary,
    client::{Client, MOST_COLLECTED, entry, found},
    control::{self, EntryState, SyncInfo},
    description::Profile,
    dn::Dn,
    failure,
    filter::Filter,
    message::{Entry, Request, Scope, Search},
    names::named_by,
    session::Host,
    settings::{EntityType, Identifier, Sort},
};
use sdk::{Failure, Kind};
use serde::{Deserialize, Serialize};

/// Bytes of changes a domain controller is asked for at once.
const DIR_SYNC_BYTES: u32 = 1 << 20;

#[derive(Debug, Default)]
pub struct Changes {
    pub entries: Vec<Entry>,
    /// Ids.
    pub deleted: Vec<String>,
    /// Servers that have a part of the subtree.
    pub references: Vec<String>,
    /// Where the next read begins; nothing: as this one did.
    pub token: Option<String>,
}

/// A token, as JSON. Cookies are base64.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Token {
    Sync { cookie: String },
    Usn { server: String, highest: u64 },
    DirSync { server: String, cookie: String },
}

impl Token {
    fn text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    fn parse(text: &str) -> Result<Self, Failure> {
        serde_json::from_str(text).map_err(|_| refused("the delta token is not one of this connector"))
    }
}

fn refused(why: impl Into<String>) -> Failure {
    Failure::new(Kind::Conflict, why)
}

/// The token for a full read that begins now; nothing where the server has no way to tell changes.
pub fn beginning(client: &mut Client<impl Host>, sort: Sort) -> Result<Option<String>, Failure> {
    let token = match client.directory.profile {
        Profile::ActiveDirectory if client.directory.dir_sync => {
            let Some(server) = server(client)? else { return Ok(None) };
            // Nobody has this GUID: the cookie without the entries.
            let nobody = Filter::equal("objectGUID", [0_u8; 16]);
            dir_sync(client, nobody, Vec::new())?.map(|(_, cookie)| Token::DirSync { server, cookie: binary::encode(&cookie) })
        }
        Profile::ActiveDirectory => usn(client)?,
        Profile::Ldap => sync_cookie(client, sort)?,
    };
    Ok(token.and_then(|token| token.text()))
}

/// What changed since this token.
pub fn since(client: &mut Client<impl Host>, sort: Sort, token: &str) -> Result<Changes, Failure> {
    match Token::parse(token)? {
        Token::Sync { cookie } => synchronized(client, sort, &cookie),
        Token::Usn { server, highest } => since_usn(client, sort, &server, highest),
        Token::DirSync { server, cookie } => since_dir_sync(client, sort, &server, &cookie),
    }
}

/// Which domain controller this is.
fn server(client: &mut Client<impl Host>) -> Result<Option<String>, Failure> {
    Ok(client.root()?.text("dsServiceName").map(str::to_owned))
}

fn usn(client: &mut Client<impl Host>) -> Result<Option<Token>, Failure> {
    let root = client.root()?;
    let highest = root.text("highestCommittedUSN").and_then(|text| text.parse().ok());
    Ok(root.text("dsServiceName").map(str::to_owned).zip(highest).map(|(server, highest)| Token::Usn { server, highest }))
}

/// The naming context: deleted objects are moved to a place of their own in it, and `DirSync` takes no other base.
fn domain(client: &mut Client<impl Host>) -> Result<String, Failure> {
    let root = client.root()?;
    root.text("defaultNamingContext")
        .map(str::to_owned)
        .ok_or_else(|| refused("the server does not say what its domain is (defaultNamingContext)"))
}

/// A search of no entries, for the cookie alone.
fn sync_cookie(client: &mut Client<impl Host>, sort: Sort) -> Result<Option<Token>, Failure> {
    if !client.has_control(control::SYNC_REQUEST)? {
        return Ok(None);
    }
    let search = Search {
        base: client.directory.entity_type(sort).base.to_string(),
        scope: Scope::Base,
        size_limit: 0,
        filter: Filter::everything(),
        attributes: vec!["1.1".to_owned()],
    };
    let reply = client.one(Request::Search(search), vec![control::sync_request(None)])?;
    // The server knows the control, and this database may do without it.
    let cookie = control::sync_done(&reply.controls).map_err(|error| failure::malformed(&error))?.and_then(|(cookie, _)| cookie);
    Ok(cookie.filter(|_| reply.result.code == failure::SUCCESS).map(|cookie| Token::Sync { cookie: binary::encode(&cookie) }))
}

fn synchronized(client: &mut Client<impl Host>, sort: Sort, cookie: &str) -> Result<Changes, Failure> {
    let cookie = binary::decode(cookie).ok_or_else(|| refused("the delta token is not one of this connector"))?;
    let entity_type = client.directory.entity_type(sort);
    let search = Search {
        base: entity_type.base.to_string(),
        scope: Scope::Subtree,
        size_limit: 0,
        filter: entity_type.read_filter(),
        attributes: entity_type.attributes.clone(),
    };
    let by_uuid = entity_type.id.is("entryUUID");
    let reply = client.one(Request::Search(search), vec![control::sync_request(Some(&cookie))])?;
    let reply = reply.success(|| format!("reading the changes of {}s", sort.name()))?;
    let broken = |error| failure::malformed(&error);
    let done = control::sync_done(&reply.controls).map_err(broken)?;
    let Some((next, deletions_are_told)) = done else { return Err(refused("the server ended a synchronization without saying how")) };
    let mut changes = Changes { references: reply.references, ..Changes::default() };
    let mut gone = Vec::new();
    for entry in reply.entries {
        match control::sync_state(&entry.controls).map_err(broken)? {
            Some((EntryState::AddedOrModified, _)) => changes.entries.push(entry),
            Some((EntryState::Deleted, id)) => gone.push(id),
            Some((EntryState::Present, _)) => {}
            None => return Err(refused("the server sent an entry of a synchronization without its state")),
        }
    }
    for (_, news) in reply.news {
        match control::sync_info(&news).map_err(broken)? {
            SyncInfo::Ids { deleted: true, ids } => gone.extend(ids),
            SyncInfo::RefreshPresent | SyncInfo::Ids { deleted: false, .. } | SyncInfo::NewCookie | SyncInfo::RefreshDelete => {}
        }
    }
    if !deletions_are_told {
        return Err(refused("the server cannot tell what was deleted (of OpenLDAP, syncprov-sessionlog is absent or too short)"));
    }
    if !by_uuid && !gone.is_empty() {
        let message = format!(
            "{} entries were deleted, and all the server tells of them is their entryUUID, which is not ldap.attribute.{}.id",
            gone.len(),
            sort.name()
        );
        return Err(refused(message));
    }
    changes.deleted = gone.iter().map(binary::uuid_text).collect();
    changes.token = next.and_then(|cookie| Token::Sync { cookie: binary::encode(&cookie) }.text());
    Ok(changes)
}

fn since_usn(client: &mut Client<impl Host>, sort: Sort, server_then: &str, highest: u64) -> Result<Changes, Failure> {
    let Some(Token::Usn { server, highest: now }) = usn(client)? else {
        return Err(refused("the server does not count its changes any more"));
    };
    if server != server_then {
        return Err(refused("this is another domain controller than at the last read, and each counts its changes for itself"));
    }
    if now < highest {
        return Err(refused("the domain controller has counted fewer changes than at the last read: it was restored"));
    }
    let first = highest.saturating_add(1);
    let changed = Filter::GreaterOrEqual("uSNChanged".to_owned(), first.to_string().into_bytes());
    let entity_type = client.directory.entity_type(sort).clone();
    let search = Search {
        base: entity_type.base.to_string(),
        scope: Scope::Subtree,
        size_limit: 0,
        filter: Filter::all([entity_type.read_filter(), changed.clone()]),
        attributes: entity_type.attributes.clone(),
    };
    let entries = client.collect(&search, &[control::domain_scope()], &format!("the search for changed {}s", sort.name()))?;
    let deleted = deleted(client, &entity_type, changed)?;
    Ok(Changes { entries, deleted, references: Vec::new(), token: Token::Usn { server, highest: now }.text() })
}

/// The ids of deleted objects that were below the path.
fn deleted(client: &mut Client<impl Host>, entity_type: &EntityType, changed: Filter) -> Result<Vec<String>, Failure> {
    let mut attributes = ["objectGUID", "lastKnownParent", "isDeleted"].map(str::to_owned).to_vec();
    if let Identifier::Attribute(name) = &entity_type.id {
        attributes.push(name.clone());
    }
    let search = Search {
        base: domain(client)?,
        scope: Scope::Subtree,
        size_limit: 0,
        filter: Filter::all([Filter::equal("isDeleted", "TRUE"), entity_type.class_filter(), changed]),
        attributes,
    };
    let tombstones = client.collect(&search, &[control::show_deleted(), control::domain_scope()], "the search for deleted objects")?;
    let mut ids = Vec::new();
    for tombstone in tombstones {
        let parent = tombstone.text("lastKnownParent").and_then(Dn::parse);
        // Whose parent went too is named after a name that does not exist any more: a full read finds those.
        if parent.as_ref().is_some_and(|parent| !parent.is_within(&entity_type.base)) {
            continue;
        }
        let id = id_of_tombstone(client, entity_type, &tombstone, parent)
            .ok_or_else(|| refused(format!("a {} was deleted, and nothing on it says what its id was", entity_type.sort.name())))?;
        if !is_alive(client, entity_type, &id)? {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// What the id of a deleted object was. Its name is now the old one, a line end, and `DEL:` with its GUID (MS-ADTS section 3.1.1.5.5.1).
fn id_of_tombstone(client: &Client<impl Host>, entity_type: &EntityType, tombstone: &Entry, parent: Option<Dn>) -> Option<String> {
    let dn = Dn::parse(&tombstone.dn)?;
    let rdn = dn.rdn()?;
    let attribute = rdn.attributes().next()?.to_owned();
    let value = rdn.value(&attribute)?;
    let old = value.split(|byte| *byte == b'\n').next()?;
    match &entity_type.id {
        Identifier::Dn => Some(parent?.child(crate::dn::Rdn::new(&attribute, old)).to_string()),
        Identifier::Attribute(name) if name.eq_ignore_ascii_case(&attribute) => String::from_utf8(old.to_vec()).ok(),
        id @ Identifier::Attribute(_) => named_by(&client.directory, id, tombstone),
    }
}

/// Whether somebody has this id now: an id other than `objectGUID` may have been given again.
fn is_alive(client: &mut Client<impl Host>, entity_type: &EntityType, id: &str) -> Result<bool, Failure> {
    let Some(mut search) = crate::read::by_id(entity_type, client, id)? else { return Ok(false) };
    search.attributes = vec!["1.1".to_owned()];
    let reply = client.one(Request::Search(search), Vec::new())?;
    if reply.result.code == failure::NO_SUCH_OBJECT {
        return Ok(false);
    }
    Ok(!reply.success(|| "the search for a deleted id".to_owned())?.entries.is_empty())
}

/// What changed, and the cookie to go on with.
type Synced = (Vec<Entry>, Vec<u8>);

/// All changes that match since a cookie, and the next cookie; nothing where the server has no such control or does not allow it.
fn dir_sync(client: &mut Client<impl Host>, filter: Filter, mut cookie: Vec<u8>) -> Result<Option<Synced>, Failure> {
    let search = Search { base: domain(client)?, scope: Scope::Subtree, size_limit: 0, filter, attributes: Vec::new() };
    let mut entries = Vec::new();
    loop {
        let reply = client.one(Request::Search(search.clone()), vec![control::dir_sync(&cookie, DIR_SYNC_BYTES)])?;
        let reply = reply.success(|| "DirSync".to_owned())?;
        let answer = control::dir_sync_answer(&reply.controls).map_err(|error| failure::malformed(&error))?;
        let Some((more, next)) = answer else { return Ok(None) };
        entries.extend(reply.entries);
        if entries.len() > MOST_COLLECTED {
            return Err(refused(format!("more than {MOST_COLLECTED} objects of the domain changed")));
        }
        if !more {
            return Ok(Some((entries, next)));
        }
        if next == cookie {
            return Err(Failure::rejected("DirSync goes round in circles"));
        }
        cookie = next;
    }
}

fn since_dir_sync(client: &mut Client<impl Host>, sort: Sort, server_then: &str, cookie: &str) -> Result<Changes, Failure> {
    let server = server(client)?.ok_or_else(|| refused("the server does not say who it is (dsServiceName)"))?;
    if server != server_then {
        return Err(refused("this is another domain controller than at the last read"));
    }
    let cookie = binary::decode(cookie).ok_or_else(|| refused("the delta token is not one of this connector"))?;
    let entity_type = client.directory.entity_type(sort).clone();
    let answer = dir_sync(client, entity_type.class_filter(), cookie)?;
    let (seen, cookie) = answer.ok_or_else(|| refused("the server does not offer DirSync any more"))?;
    let mut changes = Changes { token: Token::DirSync { server, cookie: binary::encode(&cookie) }.text(), ..Changes::default() };
    // An object comes with what changed of it only, so those that live are read again.
    let mut alive = Vec::new();
    for object in seen {
        let is_deleted = object.text("isDeleted").is_some_and(|text| text.eq_ignore_ascii_case("TRUE"));
        let guid = object
            .attribute("objectGUID")
            .and_then(|guid| guid.values.first())
            .map(|guid| binary::to_text(&client.directory, "objectGUID", guid));
        let guid = guid.ok_or_else(|| refused("DirSync told of an object without its objectGUID"))?;
        if !is_deleted {
            alive.push(guid);
        } else if entity_type.id.is("objectGUID") {
            changes.deleted.push(guid);
        } else {
            return Err(refused(format!("a {} was deleted; to name it, ldap.attribute.{0}.id must be objectGUID", sort.name())));
        }
    }
    let names: Vec<String> = alive.iter().map(|guid| format!("<GUID={guid}>")).collect();
    let entries = client.entries(&names, &entity_type.attributes);
    // Once more as a search, because only the server can say whether the configured filter holds.
    let requests = alive.iter().map(|guid| matching(client, &entity_type, guid)).collect::<Result<Vec<_>, _>>()?;
    let matches = client.all(requests);
    for ((entry, reply), guid) in entries.into_iter().zip(matches).zip(alive) {
        let Some(entry) = entry? else { continue };
        let belongs = found(reply)?.is_some() && Dn::parse(&entry.dn).is_some_and(|dn| dn.is_within(&entity_type.base));
        if belongs {
            changes.entries.push(entry);
        } else if entity_type.id.is("objectGUID") {
            changes.deleted.push(guid);
        } else if let Some(id) = named_by(&client.directory, &entity_type.id, &entry)
            && !is_alive(client, &entity_type, &id)?
        {
            changes.deleted.push(id);
        }
    }
    Ok(changes)
}

/// The entry of this GUID, if the filter holds for it.
fn matching(client: &Client<impl Host>, entity_type: &EntityType, guid: &str) -> Result<Request, Failure> {
    let Request::Search(mut search) = entry(&format!("<GUID={guid}>"), &["1.1".to_owned()]) else {
        return Err(Failure::rejected("no search"));
    };
    let value = binary::from_text(&client.directory, "objectGUID", guid)?;
    search.filter = Filter::all([entity_type.read_filter(), Filter::equal("objectGUID", value)]);
    Ok(Request::Search(search))
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
