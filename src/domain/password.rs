//! Which passwords are good enough: long, and not guessed early. No rules of composition, no
//! forced change, every character allowed (S-01, S-02).
//!
//! It hashes nothing. The surprise: there is no list to look a password up in; an estimator with
//! 30,000 common passwords, names, words, keyboard rows, repeats and dates counts the guesses an
//! attacker would need, and words of the context (mail, name, partner, brand) count as known.

use zxcvbn::Score;

use super::refusal::FieldFault;

/// Every account has a second factor, which is why this is enough. [NIST 800-63B-4 s3.1.1.2]
pub const CHARACTERS_MIN: usize = 8;
/// What pages recommend.
pub const CHARACTERS_RECOMMENDED: usize = 15;
/// The hash takes any length; the field does not.
pub const OCTETS_MAX: usize = 1024;
/// Words of the context that are looked at, and characters of each.
const WORDS_MAX: usize = 64;
const WORD_MAX: usize = 64;

/// Common in Poland, and in no list of English passwords.
const POLISH: &[&str] = &[
    "polska",
    "haslo",
    "kochanie",
    "zaq12wsx",
    "misiek",
    "matrix",
    "marcin",
    "monika",
    "mateusz",
    "agnieszka",
    "karolina",
    "bartek",
    "kasia",
    "damian",
    "lolek",
    "myszka",
    "kacper",
    "natalia",
    "piotrek",
    "sloneczko",
    "kwiatek",
    "dupa",
    "dupadupa",
    "kurwa",
    "lukasz",
    "krystian",
    "katarzyna",
    "justyna",
    "paulina",
    "aleksandra",
    "malgorzata",
    "wojtek",
    "przemek",
    "tomek",
    "skarbie",
    "kocham",
    "kochamcie",
    "warszawa",
    "krakow",
    "gdansk",
    "poznan",
    "wroclaw",
    "legia",
    "barcelona",
    "komputer",
    "samsung",
    "niunia",
    "kotek",
    "piesek",
    "rodzina",
];

/// Says what is wrong with a new password; `context` holds words an attacker tries first.
pub fn check(password: &str, context: &[&str]) -> Result<(), FieldFault> {
    let fault = |code, detail: String| Err(FieldFault::new("password", code, detail));
    if password.len() > OCTETS_MAX {
        return fault("too_long", format!("must have at most {OCTETS_MAX} octets"));
    }
    if password.chars().take(CHARACTERS_MIN).count() < CHARACTERS_MIN {
        return fault(
            "too_short",
            format!(
                "must have at least {CHARACTERS_MIN} characters; \
                 {CHARACTERS_RECOMMENDED} or more are better"
            ),
        );
    }
    let words = words(context);
    let known: Vec<&str> = words.iter().map(String::as_str).chain(POLISH.iter().copied()).collect();
    if is_little_else(password, &words) || zxcvbn::zxcvbn(password, &known).score() < Score::Two {
        return fault(
            "too_common",
            "is among the first that an attacker tries; \
             several unrelated words are easy to keep in mind"
                .to_owned(),
        );
    }
    Ok(())
}

/// Whether nearly nothing is left without the words of the context, digits and signs. The estimator
/// takes `anna.nowak` for three pieces, which it is not for whoever knows the name.
fn is_little_else(password: &str, words: &[String]) -> bool {
    const LEFT_MIN: usize = 4;
    let whole = password.to_lowercase();
    let mut words: Vec<&String> = words.iter().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let left = words.iter().fold(whole.clone(), |left, word| left.replace(word.as_str(), ""));
    left != whole && left.chars().filter(|letter| letter.is_alphabetic()).count() < LEFT_MIN
}

/// The context as whole texts and as single words; short pieces say nothing.
fn words(context: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let pieces = context.iter().flat_map(|text| {
        let single = text.split(|c: char| !c.is_alphanumeric());
        std::iter::once(*text).chain(single).collect::<Vec<_>>()
    });
    for piece in pieces {
        let word: String = piece.chars().take(WORD_MAX).flat_map(char::to_lowercase).collect();
        if word.chars().count() > 2 && !words.contains(&word) && words.len() < WORDS_MAX {
            words.push(word);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(password: &str) -> Option<&'static str> {
        let context = [
            "anna.nowak@muzyka.example",
            "Anna Nowak",
            "acme",
            "Muzyka Sp. z o.o.",
            "7455",
            "Bramka",
        ];
        check(password, &context).err().map(|fault| fault.code)
    }

    #[test]
    fn length_is_counted_in_characters_and_nothing_is_forbidden() {
        for (password, said) in [
            ("", Some("too_short")),
            ("xK#9fTq", Some("too_short")),
            ("xK#9fTq!", None),
            ("\u{17c}\u{f3}\u{142}\u{107}\u{17c}\u{f3}\u{142}", Some("too_short")),
            ("g\u{119}\u{15b}l\u{105} ja\u{17a}\u{144}", None),
            ("\u{1f980}\u{1f41d}\u{1f422}\u{1f995}\u{1f9a6}\u{1f433}\u{1f98b}\u{1f987}", None),
            ("nul\0is a character too", None),
            ("correct horse battery staple", None),
            ("                    spaces between", None),
        ] {
            assert_eq!(code(password), said, "{password}");
        }
        let long = "mosty tramwaj jeziora ".repeat(47);
        for length in [64, 65, 128, 1024] {
            assert_eq!(code(&long[..length]), None, "{length}");
        }
        assert_eq!(code(&long[..1025]), Some("too_long"));
    }

    #[test]
    fn what_everybody_takes_is_refused() {
        for password in [
            "password",
            "password1",
            "P@ssw0rd",
            "12345678",
            "123456789",
            "qwertyuiop",
            "1q2w3e4r",
            "iloveyou1",
            "aaaaaaaa",
            "abcdefgh",
            "abcabcabc",
            "11112222",
            "letmein1",
            "football",
            "zaq12wsx",
            "dupadupa",
            "kochanie1",
            "haslo123",
            "polska12",
            "19840512",
            "superman",
            "trustno1",
            "asdfghjkl",
            "starwars",
            "whatever1",
            "qwerty123",
            "zxcvbnm1",
        ] {
            assert_eq!(code(password), Some("too_common"), "{password}");
        }
    }

    #[test]
    fn words_of_the_context_are_refused_with_digits_and_years_too() {
        for password in [
            "annanowak",
            "anna.nowak",
            "nowak123",
            "Muzyka2026",
            "acmeacme",
            "acme1234",
            "bramka2026",
            "Bramka!1",
            "7455745574",
            "muzyka.example",
        ] {
            assert_eq!(code(password), Some("too_common"), "{password}");
        }
    }
}
