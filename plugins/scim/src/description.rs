//! What this connector says about itself, in a form that the README is checked against.

/// The property's type and default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text(Option<&'static str>),
    Integer(&'static str),
    Boolean(&'static str),
    /// The values there are, and the default.
    Choice(&'static [&'static str], &'static str),
    Url,
}

/// The roles a property has a meaning for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    Source,
    Target,
    Both,
}

/// One property; see the record `property` of the contract. None of them is a credential: those belong to the host.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub roles: Roles,
    pub help: &'static str,
}

/// The attributes that identify a user and a group where nobody says otherwise.
pub const UNIQUE_USER: &str = "userName";
pub const UNIQUE_GROUP: &str = "displayName";

/// Every property, in the order of the README.
pub const PROPERTIES: &[Property] = &[
    Property {
        name: "URL",
        kind: Kind::Url,
        required: true,
        roles: Roles::Both,
        help: "Base URL of the SCIM service, with its path and without Users or Groups: https://scim.example.com/v2.",
    },
    Property {
        name: "scim.user.filter",
        kind: Kind::Text(None),
        required: false,
        roles: Roles::Source,
        help: "SCIM filter for the users to read, e.g. userType eq \"Employee\".",
    },
    Property {
        name: "scim.group.filter",
        kind: Kind::Text(None),
        required: false,
        roles: Roles::Source,
        help: "SCIM filter for the groups to read, e.g. displayName sw \"APP_\".",
    },
    Property {
        name: "scim.profile",
        kind: Kind::Text(None),
        required: false,
        roles: Roles::Both,
        help: "What the service does differently from RFC 7644: names from the list below, separated by commas.",
    },
    Property {
        name: "scim.page.size",
        kind: Kind::Integer("100"),
        required: false,
        roles: Roles::Source,
        help: "The most resources asked for with one request. The server may send fewer.",
    },
    Property {
        name: "scim.paging",
        kind: Kind::Choice(&["auto", "index", "cursor"], "auto"),
        required: false,
        roles: Roles::Source,
        help: "How lists are read: index (startIndex), cursor (RFC 9865), or auto, by cursor where ServiceProviderConfig offers it.",
    },
    Property {
        name: "scim.group.members.additional.attributes",
        kind: Kind::Text(None),
        required: false,
        roles: Roles::Source,
        help: "What the members of groups are to carry besides, such as emails,userName: sent as membersAdditionalAttributes.",
    },
    Property {
        name: "scim.group.members.paging.enabled",
        kind: Kind::Boolean("false"),
        required: false,
        roles: Roles::Source,
        help: "Look for more members of groups that come with as many as the server sends at most.",
    },
    Property {
        name: "scim.group.members.page.size",
        kind: Kind::Integer("100"),
        required: false,
        roles: Roles::Source,
        help: "How many members of a group the server sends at most.",
    },
    Property {
        name: "scim.content.type",
        kind: Kind::Text(Some("application/scim+json")),
        required: false,
        roles: Roles::Target,
        help: "Content-Type of requests with a body; application/json for servers that refuse the SCIM type.",
    },
    Property {
        name: "scim.include.if.match.wildcard.header",
        kind: Kind::Boolean("false"),
        required: false,
        roles: Roles::Target,
        help: "Send If-Match: * with every request, for servers that insist on versions.",
    },
    Property {
        name: "scim.support.patch.operation",
        kind: Kind::Boolean("false"),
        required: false,
        roles: Roles::Target,
        help: "Update with PATCH, replacing the attributes of the document and leaving all others alone, instead of PUT.",
    },
    Property {
        name: "scim.user.unique.attribute",
        kind: Kind::Text(Some(UNIQUE_USER)),
        required: false,
        roles: Roles::Target,
        help: "The attribute by which a user that exists already is found, e.g. emails[0].value; of a comma list all must match.",
    },
    Property {
        name: "scim.group.unique.attribute",
        kind: Kind::Text(Some(UNIQUE_GROUP)),
        required: false,
        roles: Roles::Target,
        help: "The attribute by which a group that exists already is found; of a comma list all must match.",
    },
    Property {
        name: "scim.patch.group.members.above.threshold",
        kind: Kind::Integer("20000"),
        required: false,
        roles: Roles::Target,
        help: "The most members of a group that one request carries. A bigger group is written in pieces, with PATCH.",
    },
    Property {
        name: "scim.support.bulk.operation",
        kind: Kind::Boolean("false"),
        required: false,
        roles: Roles::Target,
        help: "Send many changes in one request (Bulk) where ServiceProviderConfig does not say that the server cannot.",
    },
    Property {
        name: "scim.bulk.operations.max.count",
        kind: Kind::Integer("20"),
        required: false,
        roles: Roles::Target,
        help: "The most changes in one bulk request, up to 100; more than that counts as 20. The server's own limit goes before.",
    },
    Property {
        name: "scim.api.csrf.protection",
        kind: Kind::Choice(&["enabled", "disabled"], "disabled"),
        required: false,
        roles: Roles::Target,
        help: "enabled: fetch a token from scim.csrf.token.path and send it with every change.",
    },
    Property {
        name: "scim.csrf.token.path",
        kind: Kind::Text(None),
        required: false,
        roles: Roles::Target,
        help: "The path below URL that answers a GET with a token, such as /api/v1/scim/Users?count=1.",
    },
    Property {
        name: "uaa.origin",
        kind: Kind::Text(None),
        required: false,
        roles: Roles::Both,
        help: "Key of the identity provider in UAA, several separated by semicolons; also for the transformation, as %uaa.origin%.",
    },
    Property {
        name: "uaa.origin.filter.enabled",
        kind: Kind::Boolean("false"),
        required: false,
        roles: Roles::Source,
        help: "Read only the users of uaa.origin.",
    },
    Property {
        name: "xsuaa.origin",
        kind: Kind::Text(None),
        required: false,
        roles: Roles::Both,
        help: "Key of the identity provider in XSUAA, several separated by semicolons; also for the transformation, as %xsuaa.origin%.",
    },
    Property {
        name: "xsuaa.origin.filter.enabled",
        kind: Kind::Boolean("false"),
        required: false,
        roles: Roles::Source,
        help: "Read only the users of xsuaa.origin.",
    },
];

/// Used by a source that names no transformation.
pub const READ_TRANSFORMATION: &str = include_str!("../defaults/read.json");
/// Used by a target that names no transformation.
pub const WRITE_TRANSFORMATION: &str = include_str!("../defaults/write.json");

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the README's table: name, role, default, meaning.
    fn documented() -> Vec<[String; 4]> {
        include_str!("../README.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"))
            .map(|row| {
                let cells: Vec<_> = row.split(" | ").map(|cell| cell.trim_end_matches('`').trim_start_matches('`').to_owned()).collect();
                <[String; 4]>::try_from(cells).expect("four columns")
            })
            .collect()
    }

    #[test]
    fn the_readme_lists_the_properties_as_they_are() {
        let described: Vec<[String; 4]> = PROPERTIES
            .iter()
            .map(|p| {
                let default = match p.kind {
                    Kind::Text(Some(value)) | Kind::Integer(value) | Kind::Boolean(value) | Kind::Choice(_, value) => value,
                    Kind::Url if p.required => "required",
                    Kind::Text(None) | Kind::Url => "-",
                };
                let roles = match p.roles {
                    Roles::Source => "source",
                    Roles::Target => "target",
                    Roles::Both => "both",
                };
                [p.name, roles, default, p.help].map(str::to_owned)
            })
            .collect();
        assert_eq!(documented(), described);
    }

    #[test]
    fn the_default_transformations_are_json_with_users_and_groups() {
        for text in [READ_TRANSFORMATION, WRITE_TRANSFORMATION] {
            let transformation: serde_json::Value = serde_json::from_str(text).unwrap();
            for entity_type in ["user", "group"] {
                assert!(transformation[entity_type]["mappings"].as_array().is_some_and(|mappings| !mappings.is_empty()), "{entity_type}");
            }
        }
    }
}
