use super::*;
use crate::{
    description::Profile,
    scripted::{Asked, Scripted, client, done, entry, message, page_end, plain, reference, server},
};
use serde_json::{Value, json};

fn source<F: FnMut(&Asked) -> Vec<u8>>(profile: Profile, properties: &[(&str, &str)], serve: F) -> Source<Scripted<F>> {
    Source::new(client(profile, properties, serve))
}

fn documents(page: &Page) -> Vec<Value> {
    page.entities.iter().map(|entity| serde_json::from_str(&entity.document).unwrap()).collect()
}

/// The cookie a page is asked for with.
fn cookie(asked: &Asked) -> String {
    let value = &asked.controls.iter().find(|(oid, _)| oid == control::PAGED_RESULTS).expect("paging").1;
    let mut inside = crate::ber::Reader::new(value).inside(crate::ber::SEQUENCE).unwrap();
    inside.integer(crate::ber::INTEGER).unwrap();
    inside.text(crate::ber::OCTET_STRING).unwrap().to_owned()
}

#[test]
fn users_come_page_by_page_and_the_next_one_is_asked_for_ahead() {
    let serve = server(&[], |asked| {
        if asked.line.contains("cn=g,ou=groups") {
            return [entry(asked, "cn=g,ou=groups,dc=x", &[("cn", &["g"])]), done(asked, 0)].concat();
        }
        let (first, next) = match cookie(asked).as_str() {
            "" => ("a", "two"),
            "two" => ("b", ""),
            other => panic!("{other}"),
        };
        let dn = format!("uid={first},ou=people,dc=x");
        let attributes: &[(&str, &[&str])] = &[
            ("uid", &[first]),
            ("mail", &["1@x", "2@x"]),
            ("memberOf", &["cn=G,ou=groups,dc=x", "cn=other,dc=y"]),
            ("jpegPhoto", &["abc"]),
        ];
        [entry(asked, &dn, attributes), page_end(asked, next)].concat()
    });
    let mut source = source(Profile::Ldap, &[("ldap.user.filter", "(!(uid=z))")], serve);
    let first = source.page(Sort::User, &Scope::All, None, 10).unwrap();
    assert_eq!(
        source.client.session.host.lines(),
        ["search sub ou=people,dc=x (&(objectClass=inetOrgPerson)(!(uid=z))) *,memberOf,uid"; 2],
        "the second page is under way"
    );
    assert_eq!(
        documents(&first),
        [
            json!({"uid": ["a"], "mail": ["1@x", "2@x"], "memberOf": ["G"], "jpegPhoto": ["YWJj"], "distinguishedName": ["uid=a,ou=people,dc=x"]})
        ]
    );
    assert_eq!(first.entities[0].id, "a");
    let second = source.page(Sort::User, &Scope::All, first.next.as_deref(), 10).unwrap();
    assert_eq!((second.entities[0].id.as_str(), second.next), ("b", None));
    assert!(first.unreadable.is_empty() && second.unreadable.is_empty());
}

#[test]
fn members_are_users_and_groups_below_the_paths() {
    let serve = server(&[], |asked| {
        let members: &[&str] = &[
            "uid=a,ou=people,dc=x",
            "CN=sub, OU=Groups,dc=x",
            "cn=nobody,dc=x",
            "uid=z,dc=elsewhere",
            "uid=A,ou=people,dc=x",
            "uid=c\\2cd,ou=berlin,ou=people,dc=x",
        ];
        [entry(asked, "cn=g,ou=groups,dc=x", &[("cn", &["g"]), ("member", members)]), page_end(asked, "")].concat()
    });
    let mut typed = source(Profile::Ldap, &[("ldap.api.version", "2"), ("ldap.group.placeholder.member", "cn=nobody,dc=x")], serve);
    let page = typed.page(Sort::Group, &Scope::All, None, 10).unwrap();
    assert_eq!(
        documents(&page)[0]["member"],
        json!([{"value": "a", "type": "User"}, {"value": "sub", "type": "Group"}, {"value": "A", "type": "User"}, {"value": "c,d", "type": "User"}])
    );
}

#[test]
fn members_called_by_something_that_is_not_in_the_dn_are_looked_at() {
    let serve = server(&[], |asked| match asked.line.as_str() {
        "search base uid=a,ou=people,dc=x (objectClass=*) entryUUID" => {
            [entry(asked, "uid=a,ou=people,dc=x", &[("entryUUID", &["u-1"])]), done(asked, 0)].concat()
        }
        "search base uid=gone,ou=people,dc=x (objectClass=*) entryUUID" => done(asked, 32),
        line if line.starts_with("search sub") => {
            let members: &[&str] = &["uid=a,ou=people,dc=x", "uid=gone,ou=people,dc=x"];
            [entry(asked, "cn=g,ou=groups,dc=x", &[("cn", &["g"]), ("member", members)]), page_end(asked, "")].concat()
        }
        other => panic!("{other}"),
    });
    let mut source = source(Profile::Ldap, &[("ldap.attribute.user.id", "entryUUID")], serve);
    let page = source.page(Sort::Group, &Scope::All, None, 10).unwrap();
    assert_eq!(documents(&page)[0]["member"], json!(["u-1"]));
}

/// Every way in which a list can be less than everything.
#[test]
fn a_list_in_doubt_is_never_an_end() {
    let one = |asked: &Asked| entry(asked, "uid=a,ou=people,dc=x", &[("uid", &["a"])]);
    for (code, kind, words) in [
        (4, Kind::Rejected, "sizeLimitExceeded"),
        (3, Kind::TimedOut, "timeLimit"),
        (11, Kind::Rejected, "adminLimit"),
        (10, Kind::Rejected, "referral"),
        (51, Kind::Unavailable, "busy"),
    ] {
        let mut source = source(Profile::Ldap, &[], server(&[], |asked| [one(asked), done(asked, code)].concat()));
        let failure = source.page(Sort::User, &Scope::All, None, 10).unwrap_err();
        assert_eq!(format!("{:?}", failure.kind), format!("{kind:?}"));
        assert!(failure.message.contains(words), "{}", failure.message);
    }
    let mut source = source(Profile::Ldap, &[], server(&[], |asked| [one(asked), done(asked, 0)].concat()));
    assert!(source.page(Sort::User, &Scope::All, None, 10).unwrap_err().message.contains("without paging"));
}

#[test]
fn a_server_that_ends_early_is_away() {
    let serve = server(&[], |asked| {
        let bytes = [entry(asked, "uid=a,ou=people,dc=x", &[("uid", &["a"])]), page_end(asked, "")].concat();
        bytes[..bytes.len() - 3].to_vec()
    });
    let failure = source(Profile::Ldap, &[], serve).page(Sort::User, &Scope::All, None, 10).unwrap_err();
    assert!(matches!(failure.kind, Kind::Unavailable | Kind::TimedOut), "{failure:?}");
    let garbage = |_: &Asked| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let failure = source(Profile::Ldap, &[], garbage).page(Sort::User, &Scope::All, None, 10).unwrap_err();
    assert!(failure.message.contains("no LDAP"), "{failure:?}");
}

#[test]
fn references_are_reported_unless_they_are_to_be_ignored() {
    let serve = || {
        server(&[], |asked| {
            [entry(asked, "uid=a,ou=people,dc=x", &[("uid", &["a"])]), reference(asked, "ldap://other/ou=b"), page_end(asked, "")].concat()
        })
    };
    let page = source(Profile::Ldap, &[], serve()).page(Sort::User, &Scope::All, None, 10).unwrap();
    assert_eq!((page.entities.len(), page.unreadable.len()), (1, 1));
    assert!(page.unreadable[0].1.message.contains("ldap://other/ou=b"));
    let page = source(Profile::Ldap, &[("ldap.referrals", "ignore")], serve()).page(Sort::User, &Scope::All, None, 10).unwrap();
    assert!(page.unreadable.is_empty());
}

#[test]
fn a_cursor_of_a_list_that_is_gone_is_a_failure() {
    let serve = server(&[], |asked| [entry(asked, "uid=a,ou=people,dc=x", &[("uid", &["a"])]), page_end(asked, "more")].concat());
    let mut source = source(Profile::Ldap, &[], serve);
    let next = source.page(Sort::User, &Scope::All, None, 10).unwrap().next;
    source.client.session.close();
    let failure = source.page(Sort::User, &Scope::All, next.as_deref(), 10).unwrap_err();
    assert!(matches!(failure.kind, Kind::Conflict), "{failure:?}");
    assert!(source.page(Sort::User, &Scope::All, Some("77"), 10).is_err());
}

#[test]
fn without_paging_everything_comes_at_once_and_is_handed_on_in_pages() {
    let serve = server(&[], |asked| {
        assert!(asked.controls.is_empty());
        let all = ["a", "b", "c"].map(|uid| entry(asked, &format!("uid={uid},ou=people,dc=x"), &[("uid", &[uid])]));
        [all.concat(), done(asked, 0)].concat()
    });
    let mut source = source(Profile::Ldap, &[("ldap.page.size", "0")], serve);
    let first = source.page(Sort::User, &Scope::All, None, 2).unwrap();
    assert_eq!(first.entities.len(), 2);
    let second = source.page(Sort::User, &Scope::All, first.next.as_deref(), 2).unwrap();
    assert_eq!((second.entities.len(), second.next), (1, None));
    assert_eq!(source.client.session.host.lines().len(), 1);
}

#[test]
fn one_id_and_values() {
    let serve = server(&[], |asked| {
        let end = if asked.controls.is_empty() { done(asked, 0) } else { page_end(asked, "") };
        [entry(asked, "uid=a,ou=people,dc=x", &[("uid", &["a"])]), end].concat()
    });
    let mut source = source(Profile::Ldap, &[], serve);
    assert_eq!(source.page(Sort::User, &Scope::ById("a)(uid=*".into()), None, 1).unwrap().entities.len(), 1);
    let wanted = AttributeValue { attribute: "mail[0]".into(), value: "\"*\"".into() };
    source.page(Sort::User, &Scope::ByAttributes(vec![wanted]), None, 1).unwrap();
    assert_eq!(
        source.client.session.host.lines(),
        [
            "search sub ou=people,dc=x (&(objectClass=inetOrgPerson)(uid=a)(uid=*)) *,memberOf,uid",
            "search sub ou=people,dc=x (&(objectClass=inetOrgPerson)(mail=*)) *,memberOf,uid"
        ],
        "values as they are, each of them one element"
    );
    let strange = AttributeValue { attribute: "emails[0].value)".into(), value: "1".into() };
    assert!(source.page(Sort::User, &Scope::ByAttributes(vec![AttributeValue { attribute: "a b".into(), ..strange }]), None, 1).is_err());
}

#[test]
fn an_entry_without_id_is_unreadable() {
    let serve = server(&[], |asked| [entry(asked, "cn=a,ou=people,dc=x", &[("cn", &["a"])]), page_end(asked, "")].concat());
    let page = source(Profile::Ldap, &[], serve).page(Sort::User, &Scope::All, None, 10).unwrap();
    assert_eq!(page.unreadable[0].0.as_deref(), Some("cn=a,ou=people,dc=x"));
}

/// Four members, two at a time.
fn ranged(asked: &Asked) -> Vec<u8> {
    let dn = "cn=g,ou=groups,dc=x";
    let found = |name: &str, numbers: &[u8]| {
        let members: Vec<String> = numbers.iter().map(|n| format!("cn={n},ou=people,dc=x")).collect();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        entry(asked, dn, &[("cn", &["g"]), ("member", &[]), (name, &members)])
    };
    if asked.line.contains("member;range=2-*") {
        [found("member;range=2-3", &[2, 3]), done(asked, 0)].concat()
    } else if asked.line.contains("member;range=4-*") {
        [found("member;range=4-*", &[4]), done(asked, 0)].concat()
    } else {
        [found("member;range=0-1", &[0, 1]), page_end(asked, "")].concat()
    }
}

#[test]
fn ranges_are_fetched_to_their_end() {
    let mut whole = source(Profile::ActiveDirectory, &[], server(&[], ranged));
    let page = whole.page(Sort::Group, &Scope::All, None, 10).unwrap();
    assert_eq!(documents(&page)[0]["member"], json!(["0", "1", "2", "3", "4"]));

    for broken in [32, 1] {
        let serve = server(&[], move |asked| if asked.line.contains("range=4") { done(asked, broken) } else { ranged(asked) });
        let page = source(Profile::ActiveDirectory, &[], serve).page(Sort::Group, &Scope::All, None, 10).unwrap();
        assert!(page.entities.is_empty() && page.unreadable.len() == 1, "a group that is not all there");
    }
    let serve = server(&[], |asked| {
        if asked.line.contains("range=4") {
            [entry(asked, "cn=g,ou=groups,dc=x", &[("member", &[])]), done(asked, 0)].concat()
        } else {
            ranged(asked)
        }
    });
    assert_eq!(source(Profile::ActiveDirectory, &[], serve).page(Sort::Group, &Scope::All, None, 10).unwrap().unreadable.len(), 1);
}

#[test]
fn groups_are_flattened_without_going_in_circles() {
    let serve = server(&[], |asked| {
        let group = |dn: &str, members: &[&str]| entry(asked, dn, &[("cn", &["x"]), ("member", members)]);
        let (a, b) = ("cn=a,ou=groups,dc=x", "cn=b,ou=groups,dc=x");
        if asked.line.starts_with("search sub") {
            [group(a, &["cn=1,ou=people,dc=x", b]), page_end(asked, "")].concat()
        } else {
            assert!(asked.line.contains("member;range=0-99"), "{}", asked.line);
            let members: &[&str] = if asked.line.contains(b) { &["cn=2,ou=people,dc=x", a] } else { &["cn=1,ou=people,dc=x", b] };
            [group(if asked.line.contains(b) { b } else { a }, members), done(asked, 0)].concat()
        }
    });
    let properties = [("ad.group.flatten", "true"), ("ad.group.flatten.page.size", "100")];
    let page = source(Profile::ActiveDirectory, &properties, serve).page(Sort::Group, &Scope::All, None, 10).unwrap();
    assert_eq!(documents(&page)[0]["member"], json!(["1", "2"]));
}

#[test]
fn a_message_nobody_asked_for_ends_the_connection() {
    let serve = server(&[], |asked| {
        let stranger = Asked { id: 4711, ..asked.clone() };
        message(&stranger, |message| message.nested(0x73, |list| list.bytes(crate::ber::OCTET_STRING, "x")), &[])
    });
    let failure = source(Profile::Ldap, &[], serve).page(Sort::User, &Scope::All, None, 10).unwrap_err();
    assert!(failure.message.contains("never sent"), "{failure:?}");
    assert_eq!(plain("a", &[]).dn, "a");
}

#[test]
fn an_empty_password_is_not_sent() {
    let mut source = source(Profile::Ldap, &[], server(&[], |_| vec![]));
    source.client.session.host.password = "";
    let failure = source.page(Sort::User, &Scope::All, None, 10).unwrap_err();
    assert!(matches!(failure.kind, Kind::Unauthenticated) && source.client.session.host.asked.is_empty());
}
