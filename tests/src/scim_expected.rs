//! What a SCIM server should have after an export was written to it, and whether it has exactly that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::counterparts::ScimServer;
use crate::export::Export;
use crate::generate::{Group, Person};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The server has exactly what the export says.
#[track_caller]
pub(crate) fn assert_same(export: &Export, server: &ScimServer) {
    let (users, groups) = (server.resources("Users"), server.resources("Groups"));
    let ids = Ids::of(&users, &groups);
    let expected: BTreeMap<&str, Value> =
        export.in_scope().map(|person| (person.employee_number.as_str(), expected_user(person, &ids))).collect();
    assert_eq!(users.len(), expected.len(), "users");
    for user in &users {
        let name = text(user, "userName");
        let expected = expected.get(name.as_str()).unwrap_or_else(|| panic!("{name} should not be there"));
        assert_attributes(&name, expected, &without_own(user));
    }
    assert_eq!(groups.len(), export.groups.len(), "groups");
    for group in &export.groups {
        let found =
            groups.iter().find(|found| found["externalId"] == group.id.as_str()).unwrap_or_else(|| panic!("{} is missing", group.id));
        assert_eq!(values(&found["members"]), expected_members(group, &ids), "members of {}", group.id);
        let mut found = without_own(found);
        found.as_object_mut().expect("an object").remove("members");
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "externalId": group.id, "displayName": group.display_name,
        });
        assert_attributes(&group.id, &expected, &found);
    }
}

#[track_caller]
fn assert_attributes(name: &str, expected: &Value, found: &Value) {
    let (wanted, there) = (expected.as_object().expect("an object"), found.as_object().expect("an object"));
    for attribute in wanted.keys().chain(there.keys()) {
        assert_eq!(wanted.get(attribute), there.get(attribute), "{name}: {attribute}, on the right what the server has");
    }
}

/// The server's ids by the export's.
pub(crate) struct Ids(pub HashMap<String, String>);

impl Ids {
    pub(crate) fn of(users: &[Value], groups: &[Value]) -> Self {
        Self(users.iter().chain(groups).map(|resource| (text(resource, "externalId"), text(resource, "id"))).collect())
    }

    fn get(&self, source_id: &str) -> &str {
        self.0.get(source_id).unwrap_or_else(|| panic!("{source_id} is not on the server"))
    }
}

/// What `hr-read.json` and `scim-write.json` make of a row, written down once more by hand.
fn expected_user(person: &Person, ids: &Ids) -> Value {
    let mut enterprise = json!({
        "employeeNumber": person.employee_number, "department": person.department, "costCenter": person.cost_center,
    });
    if let Some(manager) = &person.manager {
        enterprise["manager"] = json!({ "value": ids.get(manager) });
    }
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": person.employee_number,
        "userName": person.employee_number,
        "name": { "givenName": person.given_name, "familyName": person.family_name },
        "phoneNumbers": [{ "value": person.phone, "type": "work" }],
        "title": person.title,
        "addresses": [{ "locality": person.location, "country": person.country }],
        "preferredLanguage": person.language,
        "active": true,
        ENTERPRISE: enterprise,
    });
    if let Some(mail) = &person.mail {
        user["emails"] = json!([{ "value": mail, "type": "work", "primary": true }]);
    }
    user
}

fn expected_members<'i>(group: &Group, ids: &'i Ids) -> BTreeSet<&'i str> {
    group.members.iter().chain(&group.member_groups).map(|member| ids.get(member)).collect()
}

/// A resource without what the server itself says about it.
fn without_own(resource: &Value) -> Value {
    let mut resource = resource.clone();
    let object = resource.as_object_mut().expect("an object");
    for own in ["id", "meta", "groups"] {
        object.remove(own);
    }
    resource
}

/// `value` of every element.
pub(crate) fn values(members: &Value) -> BTreeSet<&str> {
    members.as_array().into_iter().flatten().filter_map(|member| member["value"].as_str()).collect()
}

pub(crate) fn text(resource: &Value, attribute: &str) -> String {
    resource[attribute].as_str().unwrap_or_else(|| panic!("{resource} has no {attribute}")).to_owned()
}
