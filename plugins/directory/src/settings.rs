//! What the administrator wrote, checked once when the connector is opened.

use crate::{description::Profile, dn::Dn, filter::Filter};
use sdk::{Failure, Settings};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    Plain,
    StartTls,
    Tls,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    Anonymous,
    /// The password is asked for when the connection is made.
    Simple {
        user: String,
    },
    External,
}

/// Where the server is and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `host:port`.
    pub address: String,
    pub security: Security,
    pub authentication: Authentication,
}

/// What an entity, or a reference to one, is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    Dn,
    Attribute(String),
}

/// Given by the server, so not part of the name of an entry that is created.
const OF_THE_SERVER: [&str; 6] = ["objectGUID", "objectSid", "entryUUID", "nsUniqueId", "ipaUniqueID", "entryDN"];

impl Identifier {
    pub fn is(&self, attribute: &str) -> bool {
        matches!(self, Self::Attribute(name) if name.eq_ignore_ascii_case(attribute))
    }

    /// Whether the server chooses its value.
    pub fn is_the_servers(&self) -> bool {
        OF_THE_SERVER.iter().any(|name| self.is(name))
    }
}

/// Whether the server chooses the value of this attribute.
pub fn is_the_servers(attribute: &str) -> bool {
    OF_THE_SERVER.iter().any(|name| name.eq_ignore_ascii_case(attribute))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    User,
    Group,
}

impl Sort {
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    pub fn of(entity_type: &str) -> Result<Self, Failure> {
        match entity_type {
            "user" => Ok(Self::User),
            "group" => Ok(Self::Group),
            other => Err(Failure::new(sdk::Kind::Unsupported, format!("a directory has users and groups, and no entity type {other:?}"))),
        }
    }
}

/// Users or groups.
#[derive(Clone, Debug)]
pub struct EntityType {
    pub sort: Sort,
    pub base: Dn,
    pub filter: Option<Filter>,
    pub classes: Vec<String>,
    /// The attributes to ask for.
    pub attributes: Vec<String>,
    pub id: Identifier,
    /// What `member` or `memberOf` of others name it by.
    pub shown: Identifier,
    /// The attribute that an entry created here is named by.
    pub rdn: String,
}

impl EntityType {
    /// The entries that belong to it, as far as the object class says; `filter` comes on top for a source.
    pub fn class_filter(&self) -> Filter {
        self.classes.last().map_or_else(Filter::everything, |class| Filter::equal("objectClass", class.as_str()))
    }

    /// The entries a source reads.
    pub fn read_filter(&self) -> Filter {
        Filter::all(std::iter::once(self.class_filter()).chain(self.filter.clone()))
    }

    pub fn path_property(&self) -> String {
        format!("ldap.{}.path", self.sort.name())
    }
}

/// One system.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub struct Directory {
    pub profile: Profile,
    pub endpoint: Endpoint,
    pub user: EntityType,
    pub group: EntityType,
    /// 0: without paging.
    pub page_size: u32,
    /// Members are objects with a type (API version 2).
    pub typed_members: bool,
    pub member: String,
    pub member_of: String,
    /// The name of the DN in documents.
    pub dn: String,
    pub ignore_referrals: bool,
    binary: Vec<String>,
    /// How documents spell attributes that somebody named.
    spelled: Vec<String>,
    pub placeholder: Option<Dn>,
    pub password_by_operation: bool,
    /// The members asked for at once, where groups are flattened.
    pub flatten: Option<u32>,
    pub primary_groups: bool,
    pub dir_sync: bool,
}

/// Attributes whose values are no text (RFC 4523, RFC 2798, Active Directory).
const BINARY: [&str; 14] = [
    "jpegPhoto",
    "photo",
    "thumbnailPhoto",
    "audio",
    "userCertificate",
    "userSMIMECertificate",
    "userPKCS12",
    "cACertificate",
    "msExchMailboxGuid",
    "mS-DS-ConsistencyGuid",
    "sIDHistory",
    "logonHours",
    "nTSecurityDescriptor",
    "objectSidHistory",
];

impl Directory {
    /// `invalid-settings`, naming the property, for what cannot be.
    pub fn open(profile: Profile, settings: &Settings) -> Result<Self, Failure> {
        let list = |name: &str| -> Vec<String> {
            let items = settings.text(name).unwrap_or_default().split(',').map(str::trim);
            items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
        };
        let named =
            |name: &str, default: &str| settings.text(name).map(str::trim).filter(|text| !text.is_empty()).unwrap_or(default).to_owned();
        let (user_default, member_default) = match profile {
            Profile::Ldap => ("uid", "uid"),
            Profile::ActiveDirectory => ("cn", "cn"),
        };
        let dn = named("ldap.attribute.dn", "distinguishedName");
        let identifier = |name: String| if name.eq_ignore_ascii_case(&dn) { Identifier::Dn } else { Identifier::Attribute(name) };
        let id_of = |sort: Sort, default| identifier(named(&format!("ldap.attribute.{}.id", sort.name()), default));
        let (user_id, group_id) = (id_of(Sort::User, user_default), id_of(Sort::Group, "cn"));
        // The id wins where somebody chose one (connectors.md section 2.1).
        let user_shown =
            if user_id.is(user_default) { identifier(named("ldap.member.uniquename.attribute", member_default)) } else { user_id.clone() };
        let group_shown = if group_id.is("cn") { identifier(named("ldap.group.uniquename.attribute", "cn")) } else { group_id.clone() };
        let member = named("ldap.attribute.group.member", "member");
        let member_of = named("ldap.attribute.user.groups", "memberOf");
        let listed = settings.text("ldap.api.version") == Some("2");
        let entity_type = |sort: Sort, id: Identifier, shown: Identifier| -> Result<EntityType, Failure> {
            let property = |what: &str| format!("ldap.{}.{what}", sort.name());
            let path = property("path");
            let text = settings.required(&path)?;
            let base = Dn::parse(text).ok_or_else(|| Failure::invalid_settings(format!("property {path} must be a DN, not {text:?}")))?;
            let filter = match settings.text(&property("filter")).map(str::trim).filter(|text| !text.is_empty()) {
                Some(text) => {
                    let wrong = |why| Failure::invalid_settings(format!("property {} is no LDAP filter: {why}", property("filter")));
                    Some(Filter::parse(text).map_err(wrong)?)
                }
                None => None,
            };
            let mut attributes = if listed { list(&property("attributes")) } else { Vec::new() };
            let mut needed = vec![];
            if attributes.is_empty() {
                attributes.push("*".to_owned());
                needed.push(if sort == Sort::Group { member.clone() } else { member_of.clone() });
            } else if profile == Profile::ActiveDirectory {
                needed.push("sAMAccountName".to_owned());
            }
            if let Identifier::Attribute(name) = &id {
                needed.push(name.clone());
            }
            if profile == Profile::ActiveDirectory && settings.flag("ad.primary.groups") {
                needed.extend(["primaryGroupID", "objectSid"].map(str::to_owned));
            }
            for name in needed {
                if !attributes.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                    attributes.push(name);
                }
            }
            let by_default = if sort == Sort::Group { "cn" } else { user_default };
            let rdn = match &id {
                Identifier::Attribute(name) if profile == Profile::Ldap && !id.is_the_servers() => name.clone(),
                _ => by_default.to_owned(),
            };
            Ok(EntityType { sort, base, filter, classes: list(&property("object.class")), attributes, id, shown, rdn })
        };
        let user = entity_type(Sort::User, user_id, user_shown)?;
        let group = entity_type(Sort::Group, group_id, group_shown)?;
        let page_size = settings.integer("ldap.page.size")?.unwrap_or(100);
        let page_size =
            u32::try_from(page_size).map_err(|_| Failure::invalid_settings("property ldap.page.size must be at most 4294967295"))?;
        let placeholder =
            match settings.text("ldap.group.placeholder.member").map(str::trim).filter(|text| !text.is_empty()) {
                Some(text) => Some(Dn::parse(text).ok_or_else(|| {
                    Failure::invalid_settings(format!("property ldap.group.placeholder.member must be a DN, not {text:?}"))
                })?),
                None => None,
            };
        let flatten_size = settings.text("ad.group.flatten.page.size").and_then(|text| text.parse().ok());
        let flatten_size: u32 = flatten_size.filter(|size| (100..=1000).contains(size)).unwrap_or(1000);
        let mut spelled: Vec<String> =
            settings.properties.iter().filter(|p| p.name.starts_with("ldap.attribute.")).map(|p| p.value.clone()).collect();
        spelled.extend(["ldap.user.attributes", "ldap.group.attributes"].iter().flat_map(|name| list(name)));
        Ok(Self {
            profile,
            endpoint: endpoint(settings)?,
            user,
            group,
            page_size,
            typed_members: listed,
            member,
            member_of,
            dn,
            ignore_referrals: settings.text("ldap.referrals") == Some("ignore"),
            binary: list("ldap.attributes.binary"),
            spelled,
            placeholder,
            password_by_operation: settings.text("ldap.password.method") == Some("extended"),
            flatten: settings.flag("ad.group.flatten").then_some(flatten_size),
            primary_groups: settings.flag("ad.primary.groups"),
            dir_sync: settings.text("ad.delta") == Some("DirSync"),
        })
    }

    pub fn entity_type(&self, sort: Sort) -> &EntityType {
        match sort {
            Sort::User => &self.user,
            Sort::Group => &self.group,
        }
    }

    /// Whether values of this attribute are no text. `;binary` (RFC 4522) says so itself.
    pub fn is_binary(&self, attribute: &str) -> bool {
        let (base, options) = attribute.split_once(';').unwrap_or((attribute, ""));
        let listed = BINARY.iter().copied().chain(self.binary.iter().map(String::as_str)).any(|name| name.eq_ignore_ascii_case(base));
        listed || options.split(';').any(|option| option.eq_ignore_ascii_case("binary"))
    }

    /// An attribute's name as somebody wrote it in a property, else as the server does: names have no case, paths in transformations do.
    pub fn spelled<'a>(&'a self, attribute: &'a str) -> &'a str {
        self.spelled.iter().map(String::as_str).find(|name| name.eq_ignore_ascii_case(attribute)).unwrap_or(attribute)
    }
}

fn endpoint(settings: &Settings) -> Result<Endpoint, Failure> {
    let url = settings.required("ldap.url")?;
    let wrong = || Failure::invalid_settings(format!("property ldap.url must be ldap://host:port or ldaps://host:port, not {url:?}"));
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let (tls, port) = match scheme.to_ascii_lowercase().as_str() {
        "ldap" => (false, 389),
        "ldaps" => (true, 636),
        _ => return Err(wrong()),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    // What follows the host in an LDAP URL (RFC 4516) is said by properties here.
    if authority.is_empty() || authority.contains(['/', '?', '#', '@', '\\']) {
        return Err(wrong());
    }
    let has_port = authority.rfind(':').is_some_and(|colon| !authority[colon..].contains(']'));
    let address = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
    let security = match (tls, settings.flag("ldap.startTls")) {
        (true, true) => {
            return Err(Failure::invalid_settings("property ldap.startTls is for ldap://; ldaps:// is secured from the first byte"));
        }
        (true, false) => Security::Tls,
        (false, true) => Security::StartTls,
        (false, false) => Security::Plain,
    };
    let authentication = match settings.text("ldap.authentication").unwrap_or("BasicAuthentication") {
        "NoAuthentication" => Authentication::Anonymous,
        "ClientCertificateAuthentication" if security == Security::Plain => {
            return Err(Failure::invalid_settings("property ldap.authentication: a client certificate needs ldaps:// or ldap.startTls"));
        }
        "ClientCertificateAuthentication" => Authentication::External,
        _ => Authentication::Simple { user: settings.required("ldap.user")?.to_owned() },
    };
    Ok(Endpoint { address, security, authentication })
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
