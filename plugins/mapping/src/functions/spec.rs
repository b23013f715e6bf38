//! Which functions there are and what they take.

/// A function's name and parameters.
pub(super) struct Spec {
    pub name: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
    /// It is documented, but this version cannot do it.
    pub supported: bool,
}

/// What every function takes besides its own parameters.
pub(super) const COMMON: [&str; 7] =
    ["function", "type", "condition", "applyOnElements", "applyOnAttribute", "applyOnJsonAttribute", "assignToAttribute"];

const fn spec(name: &'static str, required: &'static [&'static str], optional: &'static [&'static str]) -> Spec {
    Spec { name, required, optional, supported: true }
}

const fn later(name: &'static str) -> Spec {
    Spec { name, required: &[], optional: &[], supported: false }
}

pub(super) const ALL: [Spec; 28] = [
    spec("concatString", &[], &["prefix", "suffix"]),
    spec("compositeId", &["subId"], &["separator"]),
    spec("copyMapEntry", &["sourceKey", "targetKey"], &[]),
    spec("renameMapEntry", &["sourceKey", "targetKey"], &[]),
    spec("elementAt", &["index"], &[]),
    spec("putIfAbsent", &["key", "defaultValue"], &[]),
    spec("putIfPresent", &["key", "defaultValue"], &[]),
    spec("replaceString", &["target", "replacement"], &[]),
    spec("replaceFirstString", &["regex", "replacement"], &[]),
    spec("replaceLastString", &["regex", "replacement"], &[]),
    spec("replaceAllString", &["regex", "replacement"], &[]),
    spec("matchRegex", &["regex"], &[]),
    spec("getMatchedRegexGroup", &["regex", "groupIndex"], &[]),
    spec("resolveEntityIds", &[], &["entityType", "sourceSystemName", "targetSystemName"]),
    spec("splitStringToArray", &["separator"], &[]),
    spec("substring", &["beginIndex"], &["endIndex"]),
    spec("toUpperCaseString", &[], &["locale"]),
    spec("toLowerCaseString", &[], &["locale"]),
    spec("toString", &[], &[]),
    later("convertCountryCode"),
    later("convertCountryRegion"),
    later("convertLocaleCode"),
    later("convertTimezoneCode"),
    later("decode"),
    later("encode"),
    later("manipulateDate"),
    later("randomPassword"),
    later("isValidEmail"),
];
