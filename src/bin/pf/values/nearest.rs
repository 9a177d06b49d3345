//! Suggestions for a misspelled name.

/// Returns the known name that is most similar to `name`, if one is similar enough.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::normalized_damerau_levenshtein(name, known), known))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

/// Names that are searched for a similar one.
const SEARCHED: usize = 10_000;

/// Returns the most similar name of a listing that is read page by page until `next_page` returns `None`.
pub async fn nearest_in_pages(
    name: &str,
    mut next_page: impl AsyncFnMut() -> Option<Vec<String>>,
) -> Option<String> {
    let mut best: Option<String> = None;
    let mut searched = 0;
    while searched < SEARCHED
        && let Some(page) = next_page().await
    {
        searched += page.len();
        let known = page.iter().map(String::as_str);
        if let Some(found) = nearest(name, known.chain(best.as_deref())) {
            best = Some(found.to_owned());
        }
    }
    best
}
