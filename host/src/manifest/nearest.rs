//! "Did you mean": the known name nearest to one that is not.

/// `did you mean "role"?`, or nothing where no candidate is near enough to be a slip of the hand.
pub(super) fn suggestion<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean \"{candidate}\"?"))
}

/// The suggestion, else all candidates: `it is one of "a", "b"`.
pub(super) fn suggestion_or_list<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str> + Clone) -> String {
    suggestion(name, candidates.clone()).unwrap_or_else(|| match list(candidates) {
        all if all.is_empty() => String::new(),
        all => format!("it is one of {all}"),
    })
}

/// `"a", "b", "c"`
pub(super) fn list<'c>(names: impl IntoIterator<Item = &'c str>) -> String {
    names.into_iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// The candidate that is near enough to be what was meant.
pub(super) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = name.to_lowercase().replace('_', "-");
    // One slip in three characters; more than that is another word.
    let most = (wanted.chars().count() / 3).clamp(1, 6);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase().replace('_', "-")), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_slips_and_nothing_else() {
        let keys = ["role", "connector", "page-size"];
        assert_eq!(suggestion("rol", keys).as_deref(), Some("did you mean \"role\"?"));
        assert_eq!(suggestion("Role", keys).as_deref(), Some("did you mean \"role\"?"));
        assert_eq!(suggestion("page_size", keys).as_deref(), Some("did you mean \"page-size\"?"));
        assert_eq!(suggestion("conector", keys).as_deref(), Some("did you mean \"connector\"?"));
        assert_eq!(suggestion("password", keys), None);
        assert_eq!(suggestion_or_list("x", keys), "it is one of \"role\", \"connector\", \"page-size\"");
        assert_eq!(suggestion_or_list("x", []), "");
    }
}
