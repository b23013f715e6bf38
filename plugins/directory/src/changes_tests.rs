use super::*;
use crate::{
    ber::{BOOLEAN, ENUMERATED, OCTET_STRING, SEQUENCE, SET, Writer, context, context_constructed},
    scripted::{Asked, client, done, done_with, entry as found_entry, entry_with, message, page_end, server},
};

const ROOT: &[(&str, &[&str])] = &[("supportedControl", &[control::SYNC_REQUEST])];
const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";

fn element(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.nested(SEQUENCE, write);
    writer.finish()
}

fn sync_end(asked: &Asked, cookie: &str, deletions_are_told: bool) -> Vec<u8> {
    let value = element(|done| {
        done.bytes(OCTET_STRING, cookie);
        done.boolean(BOOLEAN, deletions_are_told);
    });
    done_with(asked, 0, &[(SYNC_DONE, value)])
}

fn sync_entry(asked: &Asked, uid: &str, state: i64) -> Vec<u8> {
    let value = element(|inside| {
        inside.integer(ENUMERATED, state);
        inside.bytes(OCTET_STRING, [7; 16]);
    });
    entry_with(asked, &format!("uid={uid},ou=people,dc=x"), &[("uid", &[uid])], &[(SYNC_STATE, value)])
}

fn gone(asked: &Asked) -> Vec<u8> {
    let mut value = Writer::default();
    value.nested(context_constructed(3), |ids| {
        ids.boolean(BOOLEAN, true);
        ids.nested(SET, |set| set.bytes(OCTET_STRING, [9; 16]));
    });
    let value = value.finish();
    let put = |message: &mut Writer| {
        message.nested(0x79, |news| {
            news.bytes(context(0), control::SYNC_INFO);
            news.bytes(context(1), &value);
        });
    };
    message(asked, put, &[])
}

fn of(properties: &[(&str, &str)], told: bool, deletion: bool) -> Result<Changes, Failure> {
    let serve = server(ROOT, move |asked| {
        let news = if deletion { gone(asked) } else { vec![] };
        [news, sync_entry(asked, "new", 1), sync_entry(asked, "same", 0), sync_end(asked, "next", told)].concat()
    });
    let mut client = client(Profile::Ldap, properties, serve);
    let token = beginning(&mut client, Sort::User).unwrap().expect("a token");
    since(&mut client, Sort::User, &token)
}

#[test]
fn a_synchronization_tells_what_changed() {
    let changes = of(&[], true, false).unwrap();
    assert_eq!(changes.entries.iter().map(|entry| entry.dn.as_str()).collect::<Vec<_>>(), ["uid=new,ou=people,dc=x"]);
    assert_eq!(changes.token.as_deref(), Some(r#"{"sync":{"cookie":"bmV4dA=="}}"#));
    let changes = of(&[("ldap.attribute.user.id", "entryUUID")], true, true).unwrap();
    assert_eq!(changes.deleted, ["09090909-0909-0909-0909-090909090909"]);
}

#[test]
fn a_deletion_that_cannot_be_named_makes_a_full_read() {
    for (properties, told, deletion) in
        [(&[][..], false, false), (&[], true, true), (&[("ldap.attribute.user.id", "entryUUID")], false, true)]
    {
        assert!(matches!(of(properties, told, deletion).unwrap_err().kind, Kind::Conflict));
    }
    let mut strange = client(Profile::Ldap, &[], server(ROOT, |asked| done(asked, 4096)));
    assert!(matches!(since(&mut strange, Sort::User, "2026-01-01").unwrap_err().kind, Kind::Conflict));
    assert!(matches!(since(&mut strange, Sort::User, r#"{"sync":{"cookie":"YQ=="}}"#).unwrap_err().kind, Kind::Conflict));
    assert_eq!(beginning(&mut client(Profile::Ldap, &[], server(&[], |asked| done(asked, 0))), Sort::User).unwrap(), None);
    assert_eq!(beginning(&mut strange, Sort::User).unwrap(), None, "the database has no synchronization");
}

const CONTROLLER: &[(&str, &[&str])] =
    &[("dsServiceName", &["CN=NTDS,DC=x"]), ("highestCommittedUSN", &["200"]), ("defaultNamingContext", &["dc=x"])];

#[test]
fn numbers_of_changes_belong_to_their_controller() {
    let serve = server(CONTROLLER, |asked| {
        if asked.line.contains("(isDeleted=TRUE)") {
            assert!(asked.controls.iter().any(|(oid, _)| oid == control::SHOW_DELETED));
            let dead = |name: &str, parent: &str| {
                let dn = format!("CN={name}\\0ADEL:7d3c0e5a,CN=Deleted Objects,dc=x");
                found_entry(asked, &dn, &[("lastKnownParent", &[parent])])
            };
            return [
                dead("gone", "ou=people,dc=x"),
                dead("elsewhere", "ou=other,dc=x"),
                dead("back", "ou=people,dc=x"),
                page_end(asked, ""),
            ]
            .concat();
        }
        if asked.line.contains("(cn=back)") {
            return [found_entry(asked, "cn=back,ou=people,dc=x", &[]), done(asked, 0)].concat();
        }
        if asked.line.contains("(uSNChanged>=101)") {
            return [found_entry(asked, "cn=a,ou=people,dc=x", &[("cn", &["a"])]), page_end(asked, "")].concat();
        }
        done(asked, 0)
    });
    let mut client = client(Profile::ActiveDirectory, &[], serve);
    assert_eq!(beginning(&mut client, Sort::User).unwrap().as_deref(), Some(r#"{"usn":{"server":"CN=NTDS,DC=x","highest":200}}"#));
    let changes = since(&mut client, Sort::User, r#"{"usn":{"server":"CN=NTDS,DC=x","highest":100}}"#).unwrap();
    assert_eq!(changes.entries.len(), 1);
    assert_eq!(changes.deleted, ["gone"], "who is back is not gone, who was elsewhere never was here");
    for other in [r#"{"usn":{"server":"CN=NTDS,DC=y","highest":100}}"#, r#"{"usn":{"server":"CN=NTDS,DC=x","highest":201}}"#] {
        assert!(matches!(since(&mut client, Sort::User, other).unwrap_err().kind, Kind::Conflict));
    }
}
