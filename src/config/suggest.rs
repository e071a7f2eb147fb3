//! "Did you mean": the known word nearest to a mistyped one.
//!
//! It never decides anything; a suggestion is words for a human.

/// The candidate that a typing slip would explain, if there is one.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Hyphens for underscores and wrong case are the commonest slips: they must not count.
    let word = word.to_lowercase().replace('-', "_");
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| {
            let folded = candidate.to_lowercase();
            // `window` for `window_in`, `password` for `password_file`: cut short, not mistyped.
            let cut_short = word.len() >= 4 && folded.starts_with(&word);
            let distance = strsim::damerau_levenshtein(&word, &folded);
            (if cut_short { distance.min(allowed) } else { distance }, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_hand_is_recognised_and_another_word_is_not() {
        let keys = ["listen", "listen_tls", "password_file", "window", "rate"];
        for (typed, meant) in [
            ("lisen", Some("listen")),
            ("listen-tls", Some("listen_tls")),
            ("Window", Some("window")),
            ("widnow", Some("window")),
            ("password", Some("password_file")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed}");
        }
    }
}
