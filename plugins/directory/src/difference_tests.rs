use super::*;
use crate::scripted::{directory, plain};
use proptest::prelude::*;

fn shown(changes: &[(Change, Attribute)]) -> Vec<String> {
    let sign = |change| match change {
        Change::Add => '+',
        Change::Delete => '-',
        Change::Replace => '~',
    };
    let values = |attribute: &Attribute| {
        attribute.values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>().join("|")
    };
    changes.iter().map(|(change, attribute)| format!("{}{}={}", sign(*change), attribute.name, values(attribute))).collect()
}

fn of(profile: Profile, has: &[(&str, &[&str])], wants: &[(&str, &[&str])]) -> Vec<String> {
    let wanted: Vec<(String, Vec<Vec<u8>>)> =
        plain("", wants).attributes.into_iter().map(|attribute| (attribute.name, attribute.values)).collect();
    shown(&of_attributes(&directory(profile, &[]), &plain("uid=a,dc=x", has), &wanted, &Rdn::new("uid", "a")))
}

#[test]
fn only_what_differs_is_changed() {
    let has: &[(&str, &[&str])] =
        &[("uid", &["a", "alias"]), ("mail", &["1", "2"]), ("title", &["Dr"]), ("objectClass", &["top", "inetOrgPerson"])];
    assert!(of(Profile::Ldap, has, &[("MAIL", &["2", "1"]), ("sn", &[]), ("objectClass", &["INETORGPERSON"])]).is_empty());
    assert_eq!(
        of(Profile::Ldap, has, &[("mail", &["3"]), ("title", &[]), ("objectClass", &["mailUser", "inetOrgPerson"]), ("uid", &["A", "b"])]),
        ["~mail=3", "~title=", "+objectClass=mailUser", "-uid=alias", "+uid=b"]
    );
    let many: Vec<String> = (0..20).map(|n| format!("v{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(of(Profile::Ldap, &[("x", &many)], &[("x", &[&many[1..], &["new"]].concat())]), ["-x=v0", "+x=new"]);
}

#[test]
fn an_account_keeps_its_other_flags() {
    let control = |has, wants| of(Profile::ActiveDirectory, &[("userAccountControl", &[has])], &[("userAccountControl", &[wants])]);
    assert_eq!(control("66048", "514"), ["~userAccountControl=66050"]);
    assert_eq!(control("66050", "512"), ["~userAccountControl=66048"]);
    assert!(control("66048", "512").is_empty());
    assert_eq!(control("66048", "544"), ["~userAccountControl=544"], "any other number is meant as it is");
    assert_eq!(of(Profile::Ldap, &[], &[("userAccountControl", &["512"])]), ["~userAccountControl=512"]);
}

#[test]
fn members_are_compared_as_names() {
    let directory = directory(Profile::Ldap, &[("ldap.group.placeholder.member", "cn=nobody")]);
    let group = plain("cn=g", &[("member", &["UID=a, dc=X", "uid=b,dc=x"])]);
    let of = |wanted: &[&str]| shown(&of_members(&directory, &group, &wanted.iter().map(|dn| Dn::parse(dn).unwrap()).collect::<Vec<_>>()));
    assert!(of(&["uid=b,dc=x", "uid=A,dc=x", "uid=a,dc=x"]).is_empty());
    assert_eq!(of(&["uid=c,dc=x", "uid=a,dc=x"]), ["+member=uid=c,dc=x", "-member=uid=b,dc=x"]);
    assert_eq!(of(&[]), ["+member=cn=nobody", "-member=UID=a, dc=X|uid=b,dc=x"], "never empty in between");
}

proptest! {
    #[test]
    fn the_changes_lead_from_one_to_the_other(has in prop::collection::btree_set(0..40u8, 0..30), wants in prop::collection::btree_set(0..40u8, 0..30)) {
        let texts = |numbers: &std::collections::BTreeSet<u8>| numbers.iter().map(|n| format!("uid={n},dc=x")).collect::<Vec<_>>();
        let (has, wants) = (texts(&has), texts(&wants));
        let refs = |texts: &[String]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
        let entry = Entry { attributes: vec![Attribute { name: "member".into(), values: refs(&has) }], ..Entry::default() };
        let dns: Vec<Dn> = wants.iter().map(|text| Dn::parse(text).unwrap()).collect();
        let directory = directory(Profile::Ldap, &[]);
        let by_attribute = of_attributes(&directory, &entry, &[("member".into(), refs(&wants))], &Rdn::new("cn", "g"));
        for changes in [of_members(&directory, &entry, &dns), by_attribute] {
            let mut now = refs(&has);
            for (change, attribute) in changes {
                match change {
                    Change::Add => now.extend(attribute.values),
                    Change::Delete => now.retain(|value| !attribute.values.contains(value)),
                    Change::Replace => now = attribute.values,
                }
            }
            now.sort();
            let mut expected = refs(&wants);
            expected.sort();
            prop_assert_eq!(now, expected);
        }
    }
}
