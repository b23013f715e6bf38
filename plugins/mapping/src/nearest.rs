//! The nearest known name, for messages.

/// The name that a mistyped one was probably meant to be: the closest of those that differ in at most a third of their letters.
pub(crate) fn nearest<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    known
        .into_iter()
        .map(|name| (distance(&typed.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= name.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters have to be put in, taken out or exchanged (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    // Beyond this nobody meant the other name, and the table would grow with the text.
    if a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != *y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found_and_far_ones_not() {
        let known = ["sourcePath", "targetPath", "constant"];
        assert_eq!(nearest("sourcepath", known), Some("sourcePath"));
        assert_eq!(nearest("sourcPaht", known), Some("sourcePath"));
        assert_eq!(nearest("tragetPath", known), Some("targetPath"));
        assert_eq!(nearest("whatever", known), None);
        assert_eq!(nearest(&"x".repeat(1000), known), None);
    }
}
