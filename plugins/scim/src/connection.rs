//! What the administrator wrote, checked once when the connector is opened.

use crate::{
    address::Base,
    config::Config,
    filter,
    profile::{self, Profile},
    resource::Resource,
    session::Csrf,
};
use sdk::{Failure, Settings};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// `scim.patch.group.members.above.threshold` where nobody says otherwise: the limit of most documented backends.
pub const THRESHOLD: usize = 20_000;

/// `scim.bulk.operations.max.count`: the default, and the most there may be.
const DEFAULT_BULK: usize = 20;
const MAX_BULK: usize = 100;
const ACCEPT: &str = "application/scim+json, application/json";

/// How a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// By cursor where the server offers that, else by number.
    Auto,
    Index,
    Cursor,
}

/// One system: where it is and how it wants to be spoken to.
#[derive(Clone, Debug)]
pub struct Connection {
    pub base: Base,
    /// `Content-Type` of requests with a body.
    pub content_type: String,
    /// `If-Match: *` on every request.
    pub if_match: bool,
    /// An update is a PATCH with one replace instead of a PUT.
    pub patch: bool,
    /// The most resources asked for at once; at least 1.
    pub page_size: u64,
    pub paging: Paging,
    /// What the server says of itself, once it was asked.
    pub config: RefCell<Option<Rc<Config>>>,
    /// The most members of a group that one request carries; at least 1.
    pub threshold: usize,
    /// From how many members on a group may have more than the server sends; nothing where they are taken as they come.
    pub members_page: Option<u64>,
    /// What the service does differently.
    pub profile: Profile,
    /// What members of groups are to carry besides, as the query parameter `membersAdditionalAttributes`.
    pub member_attributes: Option<String>,
    /// The server has asked for versions: what is changed is read for its version first. Learned on the way.
    pub versions: Cell<bool>,
    /// The most changes in one bulk request, if there are to be any.
    pub bulk: Option<usize>,
    /// The server does not take bulk requests. Learned on the way.
    pub bulk_refused: Cell<bool>,
    csrf: Option<Rc<Csrf>>,
    user_filter: Option<String>,
    group_filter: Option<String>,
}

impl Connection {
    /// `invalid-settings`, naming the property, for what cannot be.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let text = |name| settings.text(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let content_type = settings.text("scim.content.type").unwrap_or("application/scim+json").trim();
        if !content_type.contains('/') || !content_type.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(Failure::invalid_settings(format!(
                "property scim.content.type must be a media type such as application/json, not {content_type:?}"
            )));
        }
        let page_size = settings.integer("scim.page.size")?.unwrap_or(100);
        if page_size == 0 {
            return Err(Failure::invalid_settings("property scim.page.size must be at least 1"));
        }
        let members_page = settings.integer("scim.group.members.page.size")?.unwrap_or(100);
        if members_page == 0 {
            return Err(Failure::invalid_settings("property scim.group.members.page.size must be at least 1"));
        }
        let threshold = settings.integer("scim.patch.group.members.above.threshold")?;
        let threshold = threshold.map_or(THRESHOLD, |members| usize::try_from(members).unwrap_or(usize::MAX));
        if threshold == 0 {
            return Err(Failure::invalid_settings("property scim.patch.group.members.above.threshold must be at least 1"));
        }
        // More than the maximum is the default, as in the reference.
        let bulk = settings.integer("scim.bulk.operations.max.count")?.and_then(|most| usize::try_from(most).ok());
        let bulk = bulk.filter(|most| *most <= MAX_BULK).unwrap_or(DEFAULT_BULK);
        if bulk == 0 {
            return Err(Failure::invalid_settings("property scim.bulk.operations.max.count must be from 1 to 100"));
        }
        let base = Base::parse(settings.required("URL")?)?;
        let csrf = match (settings.text("scim.api.csrf.protection"), text("scim.csrf.token.path")) {
            (Some("enabled"), Some(path)) => Some(Rc::new(Csrf::new(base.below(&path)?, vec![("accept", ACCEPT.to_owned())]))),
            (Some("enabled"), None) => {
                return Err(Failure::invalid_settings(
                    "property scim.csrf.token.path is missing: scim.api.csrf.protection = \"enabled\" needs the path to fetch tokens from",
                ));
            }
            _ => None,
        };
        Ok(Self {
            base,
            content_type: content_type.to_owned(),
            if_match: settings.flag("scim.include.if.match.wildcard.header"),
            patch: settings.flag("scim.support.patch.operation"),
            page_size,
            paging: match settings.text("scim.paging") {
                Some("auto") => Paging::Auto,
                Some("cursor") => Paging::Cursor,
                _ => Paging::Index,
            },
            config: RefCell::default(),
            threshold,
            members_page: settings.flag("scim.group.members.paging.enabled").then_some(members_page),
            profile: Profile::parse(settings.text("scim.profile").unwrap_or_default())?,
            member_attributes: text("scim.group.members.additional.attributes"),
            versions: Cell::new(false),
            bulk: settings.flag("scim.support.bulk.operation").then_some(bulk),
            bulk_refused: Cell::new(false),
            csrf,
            user_filter: filter::and(text("scim.user.filter").as_deref(), origins(settings)?),
            group_filter: text("scim.group.filter"),
        })
    }

    /// The administrator's filter for this resource.
    pub fn filter(&self, resource: Resource) -> Option<&str> {
        match resource {
            Resource::User => self.user_filter.as_deref(),
            Resource::Group => self.group_filter.as_deref(),
        }
    }

    /// Where tokens against cross-site request forgery come from, if the server wants any.
    pub fn csrf(&self) -> Option<Rc<Csrf>> {
        self.csrf.clone()
    }

    /// The headers of a request with a body of this many bytes, or without one.
    pub fn headers(&self, body: Option<usize>) -> Vec<(&'static str, String)> {
        let mut headers = vec![("accept", ACCEPT.to_owned())];
        if self.if_match {
            headers.push(("if-match", "*".to_owned()));
        }
        if let Some(length) = body {
            headers.push(("content-type", self.content_type.clone()));
            headers.push(("content-length", length.to_string()));
        }
        headers
    }
}

/// The filter for the users of the origins, where only those are to be read. Without an origin everybody would be read, so that is refused.
fn origins(settings: &Settings) -> Result<Option<String>, Failure> {
    for prefix in ["uaa", "xsuaa"] {
        if settings.flag(&format!("{prefix}.origin.filter.enabled")) {
            let name = format!("{prefix}.origin");
            let filter = settings.text(&name).and_then(profile::origin_filter);
            let missing = || Failure::invalid_settings(format!("property {name} is missing: {name}.filter.enabled asks for it"));
            return filter.map(Some).ok_or_else(missing);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use crate::{resource::Resource, scripted::open};
    use sdk::Kind;

    #[test]
    fn defaults_and_empty_values() {
        let connection = open(&[("URL", "http://h"), ("scim.user.filter", " "), ("scim.group.filter", " x pr ")]).unwrap();
        assert_eq!((connection.filter(Resource::User), connection.filter(Resource::Group)), (None, Some("x pr")));
        assert_eq!((connection.page_size, connection.content_type.as_str(), connection.patch), (100, "application/scim+json", false));
    }

    #[test]
    fn origins_narrow_what_is_read() {
        let filter = |origin| {
            let properties =
                [("URL", "http://h"), ("scim.user.filter", "a pr or b pr"), ("uaa.origin", origin), ("uaa.origin.filter.enabled", "true")];
            open(&properties).map(|connection| connection.filter(Resource::User).map(str::to_owned))
        };
        assert_eq!(filter("idp").unwrap().unwrap(), r#"(a pr or b pr) and origin eq "idp""#);
        assert_eq!(filter("x;y").unwrap().unwrap(), r#"(a pr or b pr) and (origin eq "x" or origin eq "y")"#);
        assert!(filter(" ; ").unwrap_err().message.contains("uaa.origin is missing"));
    }

    #[test]
    fn what_cannot_be_names_its_property() {
        for (properties, name) in [
            (&[][..], "URL"),
            (&[("URL", "h")], "URL"),
            (&[("URL", "http://h"), ("scim.page.size", "0")], "scim.page.size"),
            (&[("URL", "http://h"), ("scim.page.size", "x")], "scim.page.size"),
            (&[("URL", "http://h"), ("scim.content.type", "json")], "scim.content.type"),
            (&[("URL", "http://h"), ("scim.patch.group.members.above.threshold", "0")], "scim.patch.group.members.above.threshold"),
            (&[("URL", "http://h"), ("scim.profile", "x")], "scim.profile"),
            (&[("URL", "http://h"), ("scim.api.csrf.protection", "enabled")], "scim.csrf.token.path"),
            (&[("URL", "http://h"), ("scim.api.csrf.protection", "enabled"), ("scim.csrf.token.path", "/x y")], "scim.csrf.token.path"),
            (&[("URL", "http://h"), ("scim.content.type", "a/b\r\nx: y")], "scim.content.type"),
        ] {
            let failure = open(properties).unwrap_err();
            assert!(matches!(failure.kind, Kind::InvalidSettings) && failure.message.contains(name), "{}", failure.message);
        }
    }
}
