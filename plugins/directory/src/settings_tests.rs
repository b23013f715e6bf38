use super::*;
use crate::scripted::{directory, open};

fn refused(properties: &[(&str, &str)]) -> String {
    open(Profile::Ldap, properties).map(|_| ()).unwrap_err().message
}

#[test]
fn the_server_and_how_it_is_secured() {
    for (url, address, security) in [
        ("ldap://h", "h:389", Security::Plain),
        ("LDAPS://h/", "h:636", Security::Tls),
        ("ldap://[::1]", "[::1]:389", Security::Plain),
        ("ldaps://[::1]:1636", "[::1]:1636", Security::Tls),
    ] {
        let endpoint = directory(Profile::Ldap, &[("ldap.url", url)]).endpoint;
        assert_eq!((endpoint.address.as_str(), endpoint.security), (address, security));
    }
    let endpoint =
        directory(Profile::Ldap, &[("ldap.startTls", "true"), ("ldap.authentication", "ClientCertificateAuthentication")]).endpoint;
    assert_eq!((endpoint.security, endpoint.authentication), (Security::StartTls, Authentication::External));
    for url in ["h:389", "http://h", "ldap://", "ldap://h/dc=x", "ldap://u@h", "ldap://h?x"] {
        assert!(refused(&[("ldap.url", url)]).contains("property ldap.url"), "{url}");
    }
    assert!(refused(&[("ldap.url", "ldaps://h"), ("ldap.startTls", "true")]).contains("ldap.startTls"));
    assert!(refused(&[("ldap.authentication", "ClientCertificateAuthentication")]).contains("needs ldaps"));
    assert!(refused(&[("ldap.user", "")]).contains("ldap.user"));
}

#[test]
fn what_is_wrong_is_told_with_its_property() {
    assert!(refused(&[("ldap.user.path", "people")]).contains("property ldap.user.path must be a DN"));
    assert!(refused(&[("ldap.group.filter", "(cn=a")]).contains("property ldap.group.filter is no LDAP filter: \")\" is expected"));
    assert!(refused(&[("ldap.page.size", "99999999999")]).contains("ldap.page.size"));
    assert!(refused(&[("ldap.group.placeholder.member", "nobody")]).contains("must be a DN"));
}

#[test]
fn attributes_are_asked_for_by_version_two_only() {
    let listed = [("ldap.user.attributes", "mail, memberOf"), ("ldap.attribute.user.id", "entryUUID")];
    assert_eq!(directory(Profile::Ldap, &listed).user.attributes, ["*", "memberOf", "entryUUID"]);
    let with_version = [&listed[..], &[("ldap.api.version", "2")]].concat();
    assert_eq!(directory(Profile::Ldap, &with_version).user.attributes, ["mail", "memberOf", "entryUUID"]);
    assert_eq!(directory(Profile::ActiveDirectory, &with_version).user.attributes, ["mail", "memberOf", "sAMAccountName", "entryUUID"]);
}

#[test]
fn what_entries_are_named_by() {
    let of = |profile, id| directory(profile, &[("ldap.attribute.user.id", id)]).user;
    assert_eq!(of(Profile::Ldap, "mail").rdn, "mail");
    assert_eq!(of(Profile::Ldap, "entryUUID").rdn, "uid");
    assert_eq!(of(Profile::Ldap, "distinguishedName").rdn, "uid");
    assert_eq!(of(Profile::ActiveDirectory, "sAMAccountName").rdn, "cn");
    assert_eq!(of(Profile::Ldap, "distinguishedName").id, Identifier::Dn);
    // An id somebody chose goes before the names of members.
    let shown = |properties: &[_]| directory(Profile::Ldap, properties).user.shown;
    assert_eq!(shown(&[("ldap.member.uniquename.attribute", "cn")]), Identifier::Attribute("cn".into()));
    assert_eq!(
        shown(&[("ldap.member.uniquename.attribute", "cn"), ("ldap.attribute.user.id", "mail")]),
        Identifier::Attribute("mail".into())
    );
}

#[test]
fn names_are_spelled_as_somebody_wrote_them() {
    let directory = directory(Profile::Ldap, &[("ldap.user.attributes", "EmployeeNumber"), ("ldap.attributes.binary", "blob")]);
    assert_eq!(directory.spelled("employeenumber"), "EmployeeNumber");
    assert_eq!(directory.spelled("memberof"), "memberOf");
    assert_eq!(directory.spelled("other"), "other");
    assert!(directory.is_binary("BLOB") && directory.is_binary("userCertificate;binary") && !directory.is_binary("cn;lang-de"));
}
