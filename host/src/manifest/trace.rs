//! What is logged of single entities: the switches `ips.trace.*` of a source (spec/provisioning.md section 2.15).

use std::collections::BTreeMap;

/// Rows for entities that did not fail.
pub(super) const SKIPPED: &str = "ips.trace.skipped.entity";
pub(super) const CREATED: &str = "ips.trace.created.entity";
pub(super) const UPDATED: &str = "ips.trace.updated.entity";
pub(super) const DELETED: &str = "ips.trace.deleted.entity";
/// Contents in the rows of one run.
pub(super) const FAILED_CONTENT: &str = "ips.trace.failed.entity.content";
pub(super) const SKIPPED_CONTENT: &str = "ips.trace.skipped.entity.content";
pub(super) const CREATED_CONTENT: &str = "ips.trace.created.entity.content";
pub(super) const UPDATED_CONTENT: &str = "ips.trace.updated.entity.content";
pub(super) const UNLIMITED: &str = "ips.trace.entity.content.unlimited";

/// The switches of one source as the manifest has them. Failed and deleted entities are logged whatever they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the switches of the reference, one by one")]
pub struct Trace {
    pub skipped: bool,
    pub created: bool,
    pub updated: bool,
    /// Contents of failed entities. Like the other three, this works for one run; see [`Trace::once`].
    pub failed_content: bool,
    pub skipped_content: bool,
    pub created_content: bool,
    pub updated_content: bool,
    /// Contents are not cut.
    pub unlimited: bool,
}

impl Trace {
    pub(super) fn of(host: &BTreeMap<&'static str, String>) -> Self {
        let on = |name| host.get(name).is_some_and(|text| text == "true");
        Self {
            skipped: on(SKIPPED),
            created: on(CREATED),
            updated: on(UPDATED),
            failed_content: on(FAILED_CONTENT),
            skipped_content: on(SKIPPED_CONTENT),
            created_content: on(CREATED_CONTENT),
            updated_content: on(UPDATED_CONTENT),
            unlimited: on(UNLIMITED),
        }
    }

    /// The switches that work for one run and then stay without effect until they have been off once: name, and whether it is on. One whose rows are not logged
    /// counts as off, so that it is not used up by a run that has no use for it.
    pub fn once(&self) -> [(&'static str, bool); 4] {
        [
            (FAILED_CONTENT, self.failed_content),
            (SKIPPED_CONTENT, self.skipped_content && self.skipped),
            (CREATED_CONTENT, self.created_content && self.created),
            (UPDATED_CONTENT, self.updated_content && self.updated),
        ]
    }

    /// The same switches, of those that work for one run only the ones `still` says yes to.
    #[must_use]
    pub fn only(self, still: impl Fn(&str) -> bool) -> Self {
        let [failed, skipped, created, updated] = self.once().map(|(name, on)| on && still(name));
        Self { failed_content: failed, skipped_content: skipped, created_content: created, updated_content: updated, ..self }
    }
}
