//! `%property%` in the texts of a transformation (section 4.3 of the provisioning rules).

/// The text with every `%name%` replaced by the property's value, once, from left to right. Whatever stands between two percent signs is a name; a property nobody
/// set reads as `null`. The names of those are handed to `unset`.
pub fn substitute(text: &str, properties: &[(String, String)], mut unset: impl FnMut(&str)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('%') {
        let Some(length) = rest[open + 1..].find('%') else { break };
        let name = &rest[open + 1..open + 1 + length];
        out.push_str(&rest[..open]);
        match properties.iter().find(|(known, _)| known == name) {
            Some((_, value)) => out.push_str(value),
            // Two signs in a row name nothing.
            None if name.is_empty() => out.push_str("%%"),
            None => {
                unset(name);
                out.push_str("null");
            }
        }
        rest = &rest[open + length + 2..];
    }
    out.push_str(rest);
    out
}
