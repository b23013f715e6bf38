//! What the connectors say about themselves, in a form that their READMEs are checked against.

/// Which kind of directory a connector is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Ldap,
    ActiveDirectory,
}

/// The property's type and default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text(Option<&'static str>),
    Integer(&'static str),
    Boolean(&'static str),
    /// The values, the first of which is the default.
    Choice(&'static [&'static str]),
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
    pub credential: bool,
    pub roles: Roles,
    pub help: &'static str,
}

const fn property(name: &'static str, kind: Kind, roles: Roles, help: &'static str) -> Property {
    Property { name, kind, required: false, credential: false, roles, help }
}

const fn required(name: &'static str, help: &'static str) -> Property {
    Property { name, kind: Kind::Text(None), required: true, credential: false, roles: Roles::Both, help }
}

const fn text(name: &'static str, default: &'static str, help: &'static str) -> Property {
    property(name, Kind::Text(Some(default)), Roles::Both, help)
}

const fn without_effect(name: &'static str, kind: Kind, help: &'static str) -> Property {
    property(name, kind, Roles::Both, help)
}

/// Of every directory, in the order of the READMEs.
const COMMON: &[Property] = &[
    required("ldap.url", "The server: ldap://host:389 or ldaps://host:636. It grants the connector exactly this endpoint."),
    property("ldap.user", Kind::Text(None), Roles::Both, "Whom to bind as: a DN; in Active Directory also a userPrincipalName."),
    Property {
        credential: true,
        ..property("ldap.password", Kind::Text(None), Roles::Both, "The password of ldap.user, as a reference to a secret.")
    },
    property(
        "ldap.authentication",
        Kind::Choice(&["BasicAuthentication", "ClientCertificateAuthentication", "NoAuthentication"]),
        Roles::Both,
        "A simple bind; SASL EXTERNAL, where the client certificate of the connection says who it is; or no bind.",
    ),
    property("ldap.startTls", Kind::Boolean("false"), Roles::Both, "Secure a connection to ldap:// with StartTLS before anything else."),
    required("ldap.user.path", "The DN below which users are read and created, e.g. ou=people,dc=example,dc=com."),
    required("ldap.group.path", "The DN below which groups are read and created. It should be another one than that of the users."),
    property(
        "ldap.user.filter",
        Kind::Text(None),
        Roles::Source,
        "LDAP filter (RFC 4515) for the users to read, besides their object class.",
    ),
    property("ldap.group.filter", Kind::Text(None), Roles::Source, "LDAP filter for the groups to read, besides their object class."),
    property(
        "ldap.user.attributes",
        Kind::Text(None),
        Roles::Both,
        "With ldap.api.version 2: the attributes to read, a comma list, operational ones too. Empty: all.",
    ),
    property("ldap.group.attributes", Kind::Text(None), Roles::Both, "The same for groups."),
    property(
        "ldap.api.version",
        Kind::Choice(&["1", "2"]),
        Roles::Both,
        "1: members are read as ids. 2: as objects with value and type, which groups in groups need, and only listed attributes are read.",
    ),
    text("ldap.attribute.dn", "distinguishedName", "The name under which an entry's DN stands in documents."),
    property(
        "ldap.page.size",
        Kind::Integer("100"),
        Roles::Both,
        "The most entries asked for with one request; up to 1000 is common. 0: without paging, for servers that cannot.",
    ),
    property(
        "ldap.referrals",
        Kind::Choice(&["report", "ignore"]),
        Roles::Source,
        "Parts of the subtree on other servers are not read. report: the run fails in part and deletes nothing; ignore: they do not belong to the system.",
    ),
    property(
        "ldap.attributes.binary",
        Kind::Text(None),
        Roles::Both,
        "More attributes whose values are no text, a comma list; they are base64 in documents.",
    ),
    without_effect("Type", Kind::Choice(&["LDAP"]), "Of the reference; without effect."),
    without_effect("ldap.proxyType", Kind::Choice(&["OnPremise", "Internet"]), "Of the reference; the host connects directly."),
    without_effect("CloudConnectorLocationId", Kind::Text(None), "Of the reference; without effect."),
    without_effect("com.sun.jndi.ldap.connect.timeout", Kind::Text(None), "Of the reference; the host has its own limits."),
    without_effect("com.sun.jndi.ldap.read.timeout", Kind::Text(None), "Of the reference; the host has its own limits."),
];

const USER_UNIQUE: &str = "The attribute by which a user that exists already is found, e.g. mail[0]; of a comma list all must match.";
const GROUP_UNIQUE: &str = "The attribute by which a group that exists already is found; of a comma list all must match.";
const USER_CLASS: &str = "Read: users have this object class. Created users get it; of a comma list all, and the last one is read.";
const GROUP_CLASS: &str = "The same for groups.";
const USER_ID: &str = "What identifies a user: an attribute, or distinguishedName. entryUUID and objectGUID survive a new name.";
const GROUP_ID: &str = "What identifies a group.";
const UNIQUE_NAME: &str = "What memberOf holds instead of the cn of a group; ldap.attribute.group.id goes before it where that is not cn.";
const MEMBER_NAME: &str = "What members that are users are called where ldap.attribute.user.id is left at its default.";

const LDAP: &[Property] = &[
    text("ldap.user.object.class", "inetOrgPerson", USER_CLASS),
    text("ldap.group.object.class", "groupOfNames", GROUP_CLASS),
    text("ldap.attribute.user.id", "uid", USER_ID),
    text("ldap.attribute.group.id", "cn", GROUP_ID),
    text("ldap.group.uniquename.attribute", "cn", UNIQUE_NAME),
    text("ldap.member.uniquename.attribute", "uid", MEMBER_NAME),
    property("ldap.user.unique.attribute", Kind::Text(Some("uid[0]")), Roles::Target, USER_UNIQUE),
    property("ldap.group.unique.attribute", Kind::Text(Some("cn[0]")), Roles::Target, GROUP_UNIQUE),
    text("ldap.attribute.group.member", "member", "The attribute of a group that holds the DNs of its members: member or uniqueMember."),
    text("ldap.attribute.user.groups", "memberOf", "The attribute of a user that holds the DNs of its groups. It is never written."),
    text("ldap.attribute.user.mail", "mail", "For the transformation."),
    text("ldap.attribute.user.mobile", "mobile", "For the transformation."),
    text("ldap.attribute.user.givenName", "givenName", "For the transformation."),
    text("ldap.attribute.user.surname", "sn", "For the transformation."),
    text("ldap.attribute.user.telephoneNumber", "telephoneNumber", "For the transformation."),
    property(
        "ldap.attribute.user.object.class.required",
        Kind::Text(Some("cn")),
        Roles::Target,
        "For the transformation: the attribute the object class demands.",
    ),
    property(
        "ldap.attribute.group.object.class.required",
        Kind::Text(Some("cn")),
        Roles::Target,
        "For the transformation: the same for groups.",
    ),
    property(
        "ldap.group.placeholder.member",
        Kind::Text(None),
        Roles::Both,
        "A DN that stands in for the members of an empty group, which groupOfNames does not allow. It is not read as a member.",
    ),
    property(
        "ldap.password.method",
        Kind::Choice(&["attribute", "extended"]),
        Roles::Target,
        "How userPassword is set: as the attribute it is, or with the password modify operation (RFC 3062), which makes servers hash it.",
    ),
];

const ACTIVE_DIRECTORY: &[Property] = &[
    text("ldap.user.object.class", "user", USER_CLASS),
    text("ldap.group.object.class", "group", GROUP_CLASS),
    text("ldap.attribute.user.id", "cn", USER_ID),
    text("ldap.attribute.group.id", "cn", GROUP_ID),
    property("ldap.group.uniquename.attribute", Kind::Text(None), Roles::Both, UNIQUE_NAME),
    property("ldap.member.uniquename.attribute", Kind::Text(None), Roles::Both, MEMBER_NAME),
    property("ldap.user.unique.attribute", Kind::Text(Some("sAMAccountName[0]")), Roles::Target, USER_UNIQUE),
    property("ldap.group.unique.attribute", Kind::Text(Some("sAMAccountName[0]")), Roles::Target, GROUP_UNIQUE),
    property(
        "ad.group.flatten",
        Kind::Boolean("false"),
        Roles::Source,
        "Read the users of all groups in a group, however deep, as its members, and no group as a member.",
    ),
    property(
        "ad.group.flatten.page.size",
        Kind::Integer("1000"),
        Roles::Source,
        "The members asked for at once while flattening, 100 to 1000.",
    ),
    property(
        "ad.primary.groups",
        Kind::Boolean("false"),
        Roles::Source,
        "Count the primary group too, usually Domain Users: in memberOf of its users, and them among its members.",
    ),
    property(
        "ad.delta",
        Kind::Choice(&["uSNChanged", "DirSync"]),
        Roles::Source,
        "How changes are read. DirSync also sees who left ldap.user.path, and goes through the changes of the whole domain.",
    ),
];

/// Every property of a connector, in the order of its README.
pub fn properties(profile: Profile) -> impl Iterator<Item = &'static Property> {
    let own = match profile {
        Profile::Ldap => LDAP,
        Profile::ActiveDirectory => ACTIVE_DIRECTORY,
    };
    COMMON.iter().chain(own)
}

impl Profile {
    /// The connector's id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Ldap => "ldap",
            Self::ActiveDirectory => "active-directory",
        }
    }

    pub fn summary(self) -> &'static str {
        match self {
            Self::Ldap => "Users and groups of an LDAP directory (RFC 4511).",
            Self::ActiveDirectory => "Users and groups of Microsoft Active Directory or Samba.",
        }
    }

    /// Used by a source that names no transformation.
    pub fn read_transformation(self) -> &'static str {
        match self {
            Self::Ldap => include_str!("../../ldap/defaults/read.json"),
            Self::ActiveDirectory => include_str!("../../active-directory/defaults/read.json"),
        }
    }

    /// Used by a target that names no transformation.
    pub fn write_transformation(self) -> &'static str {
        match self {
            Self::Ldap => include_str!("../../ldap/defaults/write.json"),
            Self::ActiveDirectory => include_str!("../../active-directory/defaults/write.json"),
        }
    }

    /// The attributes that identify a user and a group where nobody says otherwise.
    pub fn unique_attributes(self) -> [&'static str; 2] {
        match self {
            Self::Ldap => ["uid[0]", "cn[0]"],
            Self::ActiveDirectory => ["sAMAccountName[0]"; 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a README's table: name, role, default, meaning.
    fn documented(readme: &str) -> Vec<[String; 4]> {
        let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
        let cells = |row: &str| row.split(" | ").map(|cell| cell.trim_matches('`').to_owned()).collect::<Vec<_>>();
        rows.map(|row| <[String; 4]>::try_from(cells(row)).expect("four columns")).collect()
    }

    #[test]
    fn the_readmes_list_the_properties_as_they_are() {
        let readmes = [
            (Profile::Ldap, include_str!("../../ldap/README.md")),
            (Profile::ActiveDirectory, include_str!("../../active-directory/README.md")),
        ];
        for (profile, readme) in readmes {
            let row = |p: &Property| {
                let default = match p.kind {
                    Kind::Text(Some(value)) | Kind::Integer(value) | Kind::Boolean(value) => value,
                    Kind::Choice(values) => values[0],
                    Kind::Text(None) if p.required => "required",
                    Kind::Text(None) => "-",
                };
                let roles = match p.roles {
                    Roles::Source => "source",
                    Roles::Target => "target",
                    Roles::Both => "both",
                };
                [p.name, roles, default, p.help].map(str::to_owned)
            };
            let (documented, described) = (documented(readme), properties(profile).map(row).collect::<Vec<_>>());
            assert_eq!(documented.len(), described.len());
            documented.iter().zip(&described).for_each(|(documented, described)| assert_eq!(documented, described));
        }
    }

    #[test]
    fn the_default_transformations_are_json_with_users_and_groups() {
        for profile in [Profile::Ldap, Profile::ActiveDirectory] {
            for text in [profile.read_transformation(), profile.write_transformation()] {
                let transformation: serde_json::Value = serde_json::from_str(text).unwrap();
                for entity_type in ["user", "group"] {
                    assert!(
                        transformation[entity_type]["mappings"].as_array().is_some_and(|mappings| !mappings.is_empty()),
                        "{entity_type}"
                    );
                }
            }
        }
    }
}
