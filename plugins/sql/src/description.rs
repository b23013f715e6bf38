//! What this connector says about itself, in a form that the README is checked against.

/// The property's type and default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text(Option<&'static str>),
    Integer(&'static str),
    Boolean(&'static str),
    /// One of these; the first is the default.
    Choice(&'static [&'static str]),
    /// Text that the host keeps and hands over through `secret` only.
    Credential,
}

/// The roles a property has a meaning for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    Source,
    Target,
    Both,
}

/// One property; see the record `property` of the contract.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub roles: Roles,
    pub help: &'static str,
}

/// The property whose value is the password.
pub const PASSWORD: &str = "sql.password";
/// The property whose value is where the server is.
pub const URL: &str = "sql.url";

/// The attributes that identify a user and a group where nobody says otherwise.
pub const UNIQUE_USER: &str = "userName";
pub const UNIQUE_GROUP: &str = "displayName";

const fn source(name: &'static str, help: &'static str) -> Property {
    Property { name, kind: Kind::Text(None), required: false, roles: Roles::Source, help }
}

const fn target(name: &'static str, kind: Kind, help: &'static str) -> Property {
    Property { name, kind, required: false, roles: Roles::Target, help }
}

const fn both(name: &'static str, kind: Kind, required: bool, help: &'static str) -> Property {
    Property { name, kind, required, roles: Roles::Both, help }
}

/// Every property, in the order of the README.
pub const PROPERTIES: &[Property] = &[
    both(URL, Kind::Text(None), true, "Where the database is: postgresql://host:port/database, without user and password."),
    both("sql.username", Kind::Text(None), true, "The database user to log in as."),
    both(PASSWORD, Kind::Credential, false, "Its password; not needed where the server asks for none."),
    both(
        "sql.sslmode",
        Kind::Choice(&["verify-full", "disable"]),
        false,
        "verify-full: TLS, with the certificate checked against the host's name. disable: no TLS, for a server on the same machine.",
    ),
    both("sql.user.key", Kind::Text(Some("id")), false, "The column that is a user's id: unique and never NULL."),
    both("sql.group.key", Kind::Text(Some("id")), false, "The column that is a group's id: unique and never NULL."),
    source("sql.user.query", "SELECT for the users; each column becomes an attribute of its name."),
    source("sql.group.query", "SELECT for the groups."),
    source(
        "sql.group.members.query",
        "SELECT for the members of groups, with a column group_id (the group's key) and a column value (the member's id).",
    ),
    source(
        "sql.user.change.column",
        "The column of sql.user.query that grows with every change: a time, a number or an xid8. It makes delta reads possible.",
    ),
    source("sql.group.change.column", "The same for groups. A change of members has to move it, too."),
    Property {
        name: "sql.change.overlap",
        kind: Kind::Integer("300"),
        required: false,
        roles: Roles::Source,
        help: "How far before the last change a delta read begins, for transactions that commit late: seconds, or units of a number.",
    },
    source(
        "sql.user.deleted.column",
        "The column of sql.user.query that marks deleted users: true, or anything but NULL if it is no boolean.",
    ),
    source("sql.group.deleted.column", "The same for groups."),
    source("sql.user.deleted.query", "SELECT for users that were deleted, with the key and the change column; for delta reads."),
    source("sql.group.deleted.query", "The same for groups."),
    target(
        "sql.user.table",
        Kind::Text(None),
        "The table of the users: table or schema.table, taken literally; a part with a dot in double quotes.",
    ),
    target("sql.group.table", Kind::Text(None), "The table of the groups."),
    target(
        "sql.user.columns",
        Kind::Text(None),
        "Which attribute goes into which column: login = userName, mail = emails[0].value. Without it, each attribute goes into the column of its name.",
    ),
    target("sql.group.columns", Kind::Text(None), "The same for groups."),
    target(
        "sql.user.unique.attribute",
        Kind::Text(Some(UNIQUE_USER)),
        "The attribute by which a user that exists already is found; of a comma list all must match.",
    ),
    target("sql.group.unique.attribute", Kind::Text(Some(UNIQUE_GROUP)), "The attribute by which a group that exists already is found."),
    target(
        "sql.upsert",
        Kind::Boolean("false"),
        "A create that meets a row with the same unique attributes updates it, in one statement. Such a row counts as made by this host, and is deleted as such.",
    ),
    target("sql.group.members.table", Kind::Text(None), "The table of the memberships: a row for each group and member."),
    target("sql.group.members.group.column", Kind::Text(Some("group_id")), "Its column with the group's id."),
    target("sql.group.members.member.column", Kind::Text(Some("member_id")), "Its column with the member's id."),
    target(
        "sql.user.roles",
        Kind::Boolean("false"),
        "Users are roles of the database, by name; what is granted to them stands in catalog_permissions.",
    ),
    target("sql.group.roles", Kind::Boolean("false"), "Groups are roles of the database nobody logs in as, granted to their members."),
    target(
        "sql.user.create",
        Kind::Text(None),
        "A statement that creates a user and gives the id back; its parameters are attributes, such as :userName or :emails[0].value.",
    ),
    target("sql.user.update", Kind::Text(None), "A statement that updates the user :id."),
    target("sql.user.delete", Kind::Text(None), "A statement that deletes the user :id."),
    target("sql.user.find", Kind::Text(None), "A statement that finds users by their unique attributes; its first column is the id."),
    target("sql.group.create", Kind::Text(None), "The same for groups."),
    target("sql.group.update", Kind::Text(None), "The same for groups."),
    target("sql.group.delete", Kind::Text(None), "The same for groups."),
    target("sql.group.find", Kind::Text(None), "The same for groups."),
    target("sql.group.list.members", Kind::Text(None), "A statement that gives the ids of the members of the group :id."),
    target("sql.group.add.member", Kind::Text(None), "A statement that makes :member a member of the group :id."),
    target("sql.group.remove.member", Kind::Text(None), "A statement that ends that membership."),
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
                    _ if p.required => "required",
                    Kind::Text(Some(value)) | Kind::Integer(value) | Kind::Boolean(value) => value,
                    Kind::Choice(values) => values[0],
                    Kind::Credential => "a secret",
                    Kind::Text(None) => "-",
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
