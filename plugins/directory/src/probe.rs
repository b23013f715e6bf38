//! Is the server there, does it take the credentials, and are there the places where users and groups are?

use crate::{
    client::{Client, entry, found},
    control,
    failure::shortened,
    session::Host,
    settings::{Security, Sort},
};
use sdk::{Failure, Kind};

/// One line about the server. Nothing is changed.
pub fn probe(client: &mut Client<impl Host>) -> Result<String, Failure> {
    let root = client.root()?.clone();
    let bases = [Sort::User, Sort::Group].map(|sort| client.directory.entity_type(sort).base.to_string());
    let replies = client.all(bases.iter().map(|base| entry(base, &["1.1".to_owned()])).collect());
    for ((sort, base), reply) in [Sort::User, Sort::Group].into_iter().zip(&bases).zip(replies) {
        if found(reply)?.is_none() {
            let property = client.directory.entity_type(sort).path_property();
            return Err(Failure::new(
                Kind::NotFound,
                format!("property {property}: there is no entry {base}, or this account may not see it"),
            ));
        }
    }
    let vendor = ["vendorName", "vendorVersion"].iter().filter_map(|name| root.text(name)).map(shortened).collect::<Vec<_>>().join(" ");
    let name = if !vendor.is_empty() {
        vendor
    } else if root.text("dsServiceName").is_some() {
        root.text("dnsHostName").map_or_else(|| "Active Directory".to_owned(), |host| format!("Active Directory, {}", shortened(host)))
    } else if root.texts("objectClass").any(|class| class.eq_ignore_ascii_case("OpenLDAProotDSE")) {
        "OpenLDAP".to_owned()
    } else {
        "LDAP server".to_owned()
    };
    let offers = |oid: &str| if root.texts("supportedControl").any(|known| known == oid) { "yes" } else { "no" };
    let changes = if root.text("highestCommittedUSN").is_some() { "yes" } else { offers(control::SYNC_REQUEST) };
    let encryption = if client.directory.endpoint.security == Security::Plain { ", not encrypted" } else { "" };
    Ok(format!("{name}: paging {}, changes {changes}{encryption}", offers(control::PAGED_RESULTS)))
}
