//! File names of strangers, made harmless.

const LETTERS_MAX: usize = 100;

/// The last part of a path without anything that a header, a page, a shell or a file system could
/// take for more than a name. Never empty.
pub fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut clean = String::new();
    for letter in last.chars().take(1000) {
        match letter {
            letter if letter.is_control() || is_invisible(letter) => {}
            '<' | '>' | ':' | '"' | '|' | '?' | '*' | '%' | '$' | '`' | '\'' | ';' | '&' => {
                clean.push('_');
            }
            letter if letter.is_whitespace() => {
                if !clean.ends_with(' ') {
                    clean.push(' ');
                }
            }
            letter => clean.push(letter),
        }
    }
    let clean = clean.trim_matches([' ', '.', '-', '~']);
    let (stem, extension) = match clean.rsplit_once('.') {
        Some((stem, extension)) if extension.chars().count() <= 8 => (stem, Some(extension)),
        _ => (clean, None),
    };
    let room = LETTERS_MAX - extension.map_or(0, |extension| extension.chars().count() + 1);
    let mut stem: String = stem.chars().take(room).collect();
    stem.truncate(stem.trim_end_matches([' ', '.']).len());
    let is_device = ["con", "prn", "aux", "nul", "com1", "lpt1"]
        .contains(&stem.split('.').next().unwrap_or_default().to_ascii_lowercase().as_str());
    if stem.is_empty() || is_device {
        stem.insert_str(0, "file");
    }
    match extension {
        Some(extension) => format!("{stem}.{extension}"),
        None => stem,
    }
}

/// Signs that turn the direction of writing make `fdp.exe` look like `exe.pdf`.
const fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_what_is_more_than_a_name() {
        for (given, expected) in [
            ("Umowa ramowa – Źdźbło.pdf", "Umowa ramowa – Źdźbło.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\skan.PDF", "skan.PDF"),
            ("a\r\nSet-Cookie: b.pdf", "aSet-Cookie_ b.pdf"),
            ("umowa\u{202e}fdp.exe", "umowafdp.exe"),
            ("<img src=x>.png", "_img src=x_.png"),
            ("\"; rm.pdf", "__ rm.pdf"),
            (".htaccess", "htaccess"),
            ("con.pdf", "filecon.pdf"),
            ("", "file"),
            ("...", "file"),
            ("   .pdf", "pdf"),
            ("a\u{0}.pdf", "a.pdf"),
        ] {
            assert_eq!(clean_name(given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_before_its_extension() {
        let name = clean_name(&format!("{}.pdf", "ż".repeat(5000)));
        assert_eq!(name.chars().count(), 100);
        assert_eq!(
            clean_name(&format!("{}.pdf", "ż".repeat(150))).rsplit_once('.').unwrap().1,
            "pdf"
        );
    }
}
