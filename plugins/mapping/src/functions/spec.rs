//! Which functions there are and what they take.

/// A function's name and parameters.
pub(crate) struct Spec {
    pub name: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
}

/// What every function takes besides its own parameters.
pub(crate) const COMMON: [&str; 7] =
    ["function", "type", "condition", "applyOnElements", "applyOnAttribute", "applyOnJsonAttribute", "assignToAttribute"];

const fn spec(name: &'static str, required: &'static [&'static str], optional: &'static [&'static str]) -> Spec {
    Spec { name, required, optional }
}

pub(crate) const ALL: [Spec; 27] = [
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
    spec("convertCountryCode", &["outputFormat", "inputAttributes", "outputAttribute"], &[]),
    spec("convertCountryRegion", &["outputFormat", "inputAttributes", "outputAttribute"], &[]),
    spec("convertLocaleCode", &["outputFormat"], &[]),
    spec("convertTimezoneCode", &["outputFormat"], &[]),
    spec("encode", &["algorithm"], &["skipPadding"]),
    spec("decode", &["algorithm"], &["skipPadding"]),
    spec("manipulateDate", &[], &["sourceDateFormat", "targetDateFormat", "years", "months", "days", "hours", "minutes", "seconds"]),
    spec("randomPassword", &PASSWORD, &["specialSymbols"]),
];

/// What `randomPassword` needs: the length, and how many of each kind there are at least.
pub(super) const PASSWORD: [&str; 5] = [
    "passwordLength",
    "minimumNumberOfLowercaseLetters",
    "minimumNumberOfUppercaseLetters",
    "minimumNumberOfDigits",
    "minimumNumberOfSpecialSymbols",
];
