//! What becomes of entities that are gone from the source or left the scope, and when deletions are held back (spec section 2.6).

use wildmatch::WildMatch;

use super::fields::Fields;
use super::keys;
use super::problem::{Place, Problems};
use super::properties::Sorted;
use super::reference;
use crate::registry::description::Description;

/// What becomes of an entity, from the mildest to the severest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    Keep,
    /// One attribute is changed, see [`Disable`].
    Disable,
    Delete,
}

/// One policy for each way an entity is no longer met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// The source does not have it any more.
    pub gone: Policy,
    /// The source has it, and a transformation leaves it out.
    pub left_scope: Policy,
}

/// The change that disables a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disable {
    /// The path of a SCIM patch.
    pub attribute: String,
    /// What it is in a disabled user; in an enabled one it is the opposite.
    pub value: bool,
}

/// Ids that are never deleted nor disabled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    text: String,
    /// Absent: exactly this id.
    glob: Option<WildMatch>,
}

impl Pattern {
    fn new(text: &str) -> Self {
        match text.strip_prefix("id:") {
            Some(id) => Self { text: id.to_owned(), glob: None },
            None => Self { text: text.to_owned(), glob: Some(WildMatch::new_case_insensitive(text)) },
        }
    }

    fn matches(&self, id: &str) -> bool {
        self.glob.as_ref().map_or(self.text == id, |glob| glob.matches(id))
    }
}

/// When deletions are held back, and what becomes of whom. Every limit is for one run, one target and one entity type.
#[derive(Clone, Debug, PartialEq)]
pub struct Deletions {
    /// More than this: nothing is deleted nor disabled.
    pub max_count: u64,
    /// More than this part of the known entities, and more than [`Deletions::PERCENT_FROM`] of them: nothing is deleted nor disabled.
    pub max_percent: u8,
    /// Whether entities that were in the target before are deleted too (`ips.delete.existedbefore.entities`).
    pub delete_existed_before: bool,
    /// `ips.delete.threshold.users`.
    pub threshold_users: Threshold,
    /// `ips.delete.threshold.groups`.
    pub threshold_groups: Threshold,
    /// `ips.delete.threshold.roles`.
    pub threshold_roles: Threshold,
    /// Of users.
    pub users: Policies,
    /// Of all other entity types, which cannot be disabled.
    pub others: Policies,
    pub disable: Disable,
    pub(super) protected: Vec<Pattern>,
}

impl Deletions {
    /// Up to this many deletions are never held back by their percentage: one leaver of three is a third.
    pub const PERCENT_FROM: u64 = 10;

    /// The threshold the operator set for this entity type. Only users, groups and roles can have one.
    pub fn threshold(&self, entity_type: &str) -> Option<u64> {
        let threshold = match entity_type {
            "user" => self.threshold_users,
            "group" => self.threshold_groups,
            "role" => self.threshold_roles,
            _ => Threshold::Off,
        };
        match threshold {
            Threshold::Off => None,
            Threshold::Above(count) => Some(count),
        }
    }

    /// The policies for this entity type.
    pub fn policies(&self, entity_type: &str) -> Policies {
        if entity_type == USER { self.users } else { self.others }
    }

    /// Whether an entity with one of these ids is never deleted nor disabled.
    pub fn protects(&self, source_id: &str, target_id: &str) -> bool {
        self.protected.iter().any(|pattern| pattern.matches(source_id) || pattern.matches(target_id))
    }

    /// Protect these ids and patterns.
    #[must_use]
    pub fn protecting<'t>(mut self, patterns: impl IntoIterator<Item = &'t str>) -> Self {
        self.protected = patterns.into_iter().map(Pattern::new).collect();
        self
    }
}

impl Default for Deletions {
    /// What holds where the manifest says nothing.
    fn default() -> Self {
        written(&Fields::absent(&keys::DELETIONS, Place::START))
    }
}

/// A threshold of the reference (spec/provisioning.md section 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    Off,
    /// More than this: none is deleted, all count as failed.
    Above(u64),
}

const USER: &str = "user";

/// The deletions of a system. What the plugin cannot do is a problem here and not in the night it is needed.
pub(super) fn resolve(fields: &Fields, sorted: &Sorted, plugin: Option<&Description>, problems: &mut Problems) -> Deletions {
    let absent = Fields::absent(&keys::DELETIONS, fields.at);
    let table = fields.table("deletions").unwrap_or(&absent);
    let threshold = |name| sorted.host.get(name).and_then(|text| text.parse().ok()).map_or(Threshold::Off, Threshold::Above);
    let can_patch = plugin.is_some_and(|plugin| plugin.entity_type(USER).is_some_and(|known| known.abilities.patch));
    let at = ["gone", "left-scope"].into_iter().find(|name| table.text(name) == Some("disable"));
    if let (Some(name), Some(plugin), false) = (at, plugin, can_patch) {
        let message =
            format!("the plugin \"{}\" cannot disable a user: it does not say that it can change a single attribute (patch)", plugin.id);
        let help = "write \"delete\" and give the write transformation mappings with \"scope\": \"deleteEntity\", which make an update of a deletion; or write \"keep\"";
        problems.error("manifest.cannot-disable", table.place(name), message, help);
    }
    Deletions {
        delete_existed_before: sorted.host.get(reference::EXISTED_BEFORE).is_some_and(|text| text == "true"),
        threshold_users: threshold(reference::THRESHOLD_USERS),
        threshold_groups: threshold(reference::THRESHOLD_GROUPS),
        threshold_roles: threshold(reference::THRESHOLD_ROLES),
        ..written(table)
    }
}

/// What the table says, defaults included.
fn written(table: &Fields) -> Deletions {
    let users = Policies {
        gone: policy(table, "gone").unwrap_or(Policy::Delete),
        left_scope: policy(table, "left-scope").unwrap_or(Policy::Delete),
    };
    let groups = table.table("groups");
    let other = |name, of_users| match groups.and_then(|groups| policy(groups, name)).unwrap_or(of_users) {
        // There is nothing in a group that could be disabled, and deleting is not what was asked for.
        Policy::Disable => Policy::Keep,
        policy => policy,
    };
    let absent = Fields::absent(&keys::DISABLE, table.at);
    let disable = table.table("disable").unwrap_or(&absent);
    Deletions {
        max_count: table.integer("max-count"),
        max_percent: table.integer("max-percent"),
        delete_existed_before: false,
        threshold_users: Threshold::Off,
        threshold_groups: Threshold::Off,
        threshold_roles: Threshold::Off,
        users,
        others: Policies { gone: other("gone", users.gone), left_scope: other("left-scope", users.left_scope) },
        disable: Disable { attribute: disable.text("attribute").unwrap_or("active").to_owned(), value: disable.boolean("value") },
        protected: table.texts("protected").iter().map(|item| Pattern::new(&item.text)).collect(),
    }
}

fn policy(table: &Fields, name: &str) -> Option<Policy> {
    Some(match table.text(name)? {
        "keep" => Policy::Keep,
        "disable" => Policy::Disable,
        _ => Policy::Delete,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_protected() {
        let deletions = Deletions::default().protecting(["admin*", "id:a*b", "svc-??"]);
        for (source, target, protected) in [
            ("Admin-7", "x", true),
            ("x", "ADMIN", true),
            ("a*b", "x", true),
            ("aXb", "x", false),
            ("A*B", "x", false),
            ("svc-01", "x", true),
            ("svc-1", "x", false),
            ("xadmin", "y", false),
        ] {
            assert_eq!(deletions.protects(source, target), protected, "{source} {target}");
        }
        assert!(!Deletions::default().protects("admin", "admin"));
    }

    #[test]
    fn policies_are_ordered_from_mild_to_severe() {
        assert!(Policy::Keep < Policy::Disable && Policy::Disable < Policy::Delete);
    }
}
