use super::*;
use crate::scripted::{Asked, Scripted, client, done, entry as found, server};

fn target<F: FnMut(&Asked) -> Vec<u8>>(profile: Profile, properties: &[(&str, &str)], serve: F) -> Target<Scripted<F>> {
    Target::new(client(profile, properties, serve))
}

fn one<F: FnMut(&Asked) -> Vec<u8>>(target: &mut Target<Scripted<F>>, sort: Sort, action: Action) -> Result<String, Failure> {
    target.write(vec![(Ok(sort), action)]).remove(0)
}

fn create(document: &str) -> Action {
    Action::Create { document: document.to_owned() }
}

fn update(id: &str, document: &str) -> Action {
    Action::Update { id: id.to_owned(), document: document.to_owned() }
}

/// One user, `uid=a`, and a group.
fn ada(asked: &Asked) -> Vec<u8> {
    let user = |asked: &Asked| found(asked, "uid=a,ou=berlin,ou=people,dc=x", &[("uid", &["a"]), ("mail", &["1@x"]), ("sn", &["L"])]);
    let group = |asked: &Asked| {
        found(asked, "cn=g,ou=groups,dc=x", &[("cn", &["g"]), ("member", &["uid=a,ou=berlin,ou=people,dc=x", "uid=old,ou=people,dc=x"])])
    };
    let hit = match asked.line.as_str() {
        line if !line.starts_with("search") => vec![],
        line if line.contains("(uid=a)") => user(asked),
        line if line.contains("(cn=g)") => group(asked),
        line if line.contains("(uid=twice)") => [user(asked), user(asked)].concat(),
        _ => vec![],
    };
    [hit, done(asked, 0)].concat()
}

#[test]
fn a_user_is_added_with_its_name_escaped() {
    let mut target = target(Profile::Ldap, &[], server(&[], ada));
    let document =
        r#"{"uid":["Doe, J+1"],"cn":["Doe"],"mail":[],"memberOf":["x"],"entryUUID":["y"],"age":[7],"ok":[true],"userPassword":["pw"]}"#;
    assert_eq!(one(&mut target, Sort::User, create(document)).unwrap(), "Doe, J+1");
    assert_eq!(
        target.client.session.host.lines(),
        [r"add uid=Doe\, J\+1,ou=people,dc=x objectClass=inetOrgPerson age=7 cn=Doe ok=TRUE uid=Doe, J+1 userPassword=pw"]
    );
}

#[test]
fn a_document_that_is_no_entry_is_refused() {
    let mut target = target(Profile::Ldap, &[], server(&[], ada));
    for (document, words) in [
        (r#"{"cn":["x"]}"#, "the document has no uid"),
        (r#"{"uid":[{"a":1}]}"#, "uid holds an object"),
        (r#"{"u id":["x"]}"#, "cannot be the name"),
        (r#"{"uid":["x"],"jpegPhoto":["?"]}"#, "base64"),
        (r#"{"uid":["x"],"distinguishedName":["uid=x,dc=elsewhere"]}"#, "no DN below ldap.user.path"),
        ("[]", "no JSON object"),
    ] {
        let failure = one(&mut target, Sort::User, create(document)).unwrap_err();
        assert!(failure.message.contains(words), "{document}: {failure:?}");
    }
    assert!(target.client.session.host.lines().is_empty());
    assert!(matches!(one(&mut target, Sort::User, Action::Other("no")).unwrap_err().kind, Kind::Unsupported));
}

#[test]
fn an_update_is_the_difference() {
    let mut target = target(Profile::Ldap, &[], server(&[], ada));
    assert_eq!(one(&mut target, Sort::User, update("a", r#"{"uid":["a"],"mail":["1@x"],"sn":["M"],"title":[]}"#)).unwrap(), "a");
    assert_eq!(
        target.client.session.host.lines(),
        [
            "search sub ou=people,dc=x (&(objectClass=inetOrgPerson)(uid=a)) mail,sn,title,uid",
            "modify uid=a,ou=berlin,ou=people,dc=x ~sn=M"
        ]
    );
    one(&mut target, Sort::User, update("a", r#"{"sn":["L"]}"#)).unwrap();
    assert_eq!(target.client.session.host.lines().len(), 3, "no difference, no change");
    assert!(matches!(one(&mut target, Sort::User, update("z", "{}")).unwrap_err().kind, Kind::NotFound));
    assert!(one(&mut target, Sort::User, update("twice", "{}")).unwrap_err().message.contains("more than one"));
}

#[test]
fn another_name_is_a_rename_and_another_id() {
    let mut target = target(Profile::Ldap, &[], server(&[], ada));
    assert_eq!(one(&mut target, Sort::User, update("a", r#"{"uid":["b"],"sn":["M"]}"#)).unwrap(), "b");
    assert_eq!(
        target.client.session.host.lines()[1..],
        ["rename uid=a,ou=berlin,ou=people,dc=x uid=b", "modify uid=b,ou=berlin,ou=people,dc=x ~sn=M"]
    );
}

#[test]
fn members_are_found_wherever_they_are() {
    let mut target = target(Profile::Ldap, &[], server(&[], ada));
    let document = r#"{"cn":["g"],"members":[{"value":"uid=a,ou=people,dc=x"},{"value":"uid=new,ou=people,dc=x"},{"value":"nobody"},{"value":"cn=y,dc=z"}]}"#;
    assert_eq!(one(&mut target, Sort::Group, update("g", document)).unwrap(), "g");
    let host = &target.client.session.host;
    assert_eq!(
        host.lines().last().unwrap(),
        &"modify cn=g,ou=groups,dc=x +member=uid=new,ou=people,dc=x|cn=y,dc=z -member=uid=old,ou=people,dc=x"
    );
    assert_eq!(host.warnings, ["a member is left out: there is no user or group with the id \"nobody\""]);
}

#[test]
fn differences_of_members_are_sent_blind_and_looked_at_where_they_do_not_fit() {
    let members = |added: &[&str], removed: &[&str]| {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Action::Members { id: "g".into(), added: texts(added), removed: texts(removed) }
    };
    let mut happy = target(Profile::Ldap, &[], server(&[], ada));
    one(&mut happy, Sort::Group, members(&["cn=n,dc=z"], &["uid=old,ou=people,dc=x"])).unwrap();
    let lines = happy.client.session.host.lines();
    assert_eq!(
        lines[lines.len() - 2..],
        ["modify cn=g,ou=groups,dc=x +member=cn=n,dc=z", "modify cn=g,ou=groups,dc=x -member=uid=old,ou=people,dc=x"]
    );

    let mut refused = 0;
    let serve = server(&[], move |asked| {
        if asked.line.starts_with("modify") && refused == 0 {
            refused += 1;
            return done(asked, 20);
        }
        ada(asked)
    });
    let mut half = target(Profile::Ldap, &[], serve);
    assert_eq!(
        one(&mut half, Sort::Group, members(&["uid=a,ou=people,dc=x", "cn=n,dc=z"], &["uid=old,ou=people,dc=x", "cn=away,dc=z"])).unwrap(),
        "g"
    );
    let lines = half.client.session.host.lines();
    assert_eq!(
        lines[lines.len() - 2..],
        ["modify cn=g,ou=groups,dc=x +member=cn=n,dc=z", "modify cn=g,ou=groups,dc=x -member=uid=old,ou=people,dc=x"]
    );
}

#[test]
fn an_empty_group_has_its_placeholder() {
    let mut target = target(Profile::Ldap, &[("ldap.group.placeholder.member", "cn=nobody,dc=x")], server(&[], ada));
    one(&mut target, Sort::Group, create(r#"{"cn":["e"],"members":[]}"#)).unwrap();
    assert_eq!(target.client.session.host.lines(), ["add cn=e,ou=groups,dc=x objectClass=groupOfNames cn=e member=cn=nobody,dc=x"]);
}

#[test]
fn deletions() {
    let mut target = target(Profile::Ldap, &[], server(&[], ada));
    one(&mut target, Sort::User, Action::Delete { id: "a".into() }).unwrap();
    assert_eq!(target.client.session.host.lines()[1], "delete uid=a,ou=berlin,ou=people,dc=x");
    assert!(matches!(one(&mut target, Sort::User, Action::Delete { id: "z".into() }).unwrap_err().kind, Kind::NotFound));
    let mut outside = self::target(Profile::Ldap, &[("ldap.attribute.user.id", "distinguishedName")], server(&[], ada));
    assert!(matches!(one(&mut outside, Sort::User, Action::Delete { id: "cn=admin,dc=x".into() }).unwrap_err().kind, Kind::NotFound));
    assert!(outside.client.session.host.lines().is_empty(), "nothing outside the path is touched");
}

#[test]
fn results_are_told_by_their_kinds() {
    for (code, kind) in
        [(68, Kind::AlreadyExists), (32, Kind::Rejected), (50, Kind::Forbidden), (65, Kind::Rejected), (52, Kind::Unavailable)]
    {
        let mut target = target(Profile::Ldap, &[], server(&[], move |asked| done(asked, code)));
        let failure = one(&mut target, Sort::User, create(r#"{"uid":["x"]}"#)).unwrap_err();
        assert_eq!(format!("{:?}", failure.kind), format!("{kind:?}"), "{code}");
    }
}

#[test]
fn many_are_under_way_at_once_and_each_has_its_outcome() {
    let mut held: Vec<Asked> = Vec::new();
    // The answers come backwards, once there are ten requests.
    let serve = server(&[], move |asked| {
        held.push(asked.clone());
        if held.len() < 10 {
            return vec![];
        }
        let code = |asked: &Asked| if asked.line.contains("uid=u3") { 68 } else { 0 };
        held.drain(..).rev().flat_map(|asked| done(&asked, code(&asked))).collect()
    });
    let mut target = target(Profile::Ldap, &[], serve);
    let changes = (0..10).map(|n| (Ok(Sort::User), create(&format!(r#"{{"uid":["u{n}"]}}"#)))).collect();
    let outcomes = target.write(changes);
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Ok(id) => assert_eq!(id, &format!("u{n}")),
            Err(failure) => assert!(n == 3 && matches!(failure.kind, Kind::AlreadyExists)),
        }
    }
}

#[test]
fn a_connection_that_breaks_leaves_no_change_untold() {
    let mut count = 0;
    let serve = server(&[], move |asked| {
        count += 1;
        if count == 1 { done(asked, 0) } else { vec![] }
    });
    let mut target = target(Profile::Ldap, &[], serve);
    let changes = (0..3).map(|n| (Ok(Sort::User), create(&format!(r#"{{"uid":["u{n}"]}}"#)))).collect();
    let outcomes = target.write(changes);
    assert!(outcomes[0].is_ok());
    for outcome in &outcomes[1..] {
        assert!(matches!(outcome.as_ref().unwrap_err().kind, Kind::TimedOut), "whether it was done is not known");
    }
}

#[test]
fn the_id_a_server_chooses_is_read() {
    let serve = server(&[], |asked| {
        if asked.line.starts_with("search base uid=a,ou=people,dc=x (objectClass=*) entryUUID") {
            return [found(asked, "uid=a,ou=people,dc=x", &[("entryUUID", &["u-1"])]), done(asked, 0)].concat();
        }
        done(asked, 0)
    });
    let mut target = target(Profile::Ldap, &[("ldap.attribute.user.id", "entryUUID"), ("ldap.password.method", "extended")], serve);
    assert_eq!(one(&mut target, Sort::User, create(r#"{"uid":["a"],"userPassword":["pw"]}"#)).unwrap(), "u-1");
    let lines = target.client.session.host.lines();
    assert_eq!(lines[..2], ["add uid=a,ou=people,dc=x objectClass=inetOrgPerson uid=a", "extended 1.3.6.1.4.1.4203.1.11.1"]);
}

#[test]
fn passwords_of_active_directory_need_encryption() {
    let document = r#"{"cn":["a"],"unicodePwd":["pw"],"userAccountControl":["512"]}"#;
    let mut plain = target(Profile::ActiveDirectory, &[], server(&[], ada));
    assert!(one(&mut plain, Sort::User, create(document)).unwrap_err().message.contains("encrypted"));
    let mut secured = target(Profile::ActiveDirectory, &[("ldap.startTls", "true")], server(&[], ada));
    one(&mut secured, Sort::User, create(document)).unwrap();
    let lines = secured.client.session.host.lines();
    assert_eq!(lines[0], "extended 1.3.6.1.4.1.1466.20037");
    assert_eq!(lines[1], "add cn=a,ou=people,dc=x objectClass=user cn=a userAccountControl=512 unicodePwd=\"\0p\0w\0\"\0");
}

#[test]
fn whoever_exists_is_found_by_values_or_by_name() {
    let mut target = target(Profile::Ldap, &[], server(&[], ada));
    let wanted = |attribute: &str, value: &str| vec![AttributeValue { attribute: attribute.to_owned(), value: value.to_owned() }];
    let found = target.find(Sort::User, &wanted("uid[0]", "\"a\"")).unwrap();
    assert_eq!(found[0].id, "a");
    assert_eq!(found[0].document, r#"{"uid":["a"],"mail":["1@x"],"sn":["L"]}"#);
    assert!(target.find(Sort::User, &wanted("uid[0]", "\"z\"")).unwrap().is_empty());
    assert!(target.find(Sort::User, &wanted("distinguishedName[0]", "\"uid=a,dc=elsewhere\"")).unwrap().is_empty());
}
