//! The set of texts as it ships, and as an operator may spoil it.

use super::*;

fn complaints(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Templates::load(Some(folder.path())).err().unwrap_or_default()
}

#[test]
fn every_shipped_letter_is_whole_in_both_languages() {
    let templates = Templates::shipped().unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    let renderer = Renderer::new(templates, "Operator S.A.", "https://portal.example/");
    for kind in KINDS {
        for language in Language::ALL {
            let letter = renderer.render(kind.name, language, &kind.sample()).unwrap();
            let all = format!("{}\n{}\n{}", letter.subject, letter.text, letter.html);
            assert!(letter.text.contains("Operator S.A."), "{}", kind.name);
            assert!(!letter.text.contains("none"), "{}", letter.text);
            for part in ["{{", "{%", "\u{e000}", "undefined"] {
                assert!(!all.contains(part), "{}: {part}\n{all}", kind.name);
            }
            let is_polish = |c: char| "ąćęłńóśźż".contains(c);
            assert!(language == Language::English || letter.text.contains(is_polish));
            assert!(letter.text.lines().all(|line| line.chars().count() <= 76), "{}", letter.text);
        }
    }
}

#[test]
fn every_shipped_letter_says_everything_that_it_is_told() {
    for kind in KINDS {
        for (place, text) in kind.texts.iter().enumerate() {
            // The title says what the kind is, and the label which terms.
            let silent = ["kind", "terms"];
            for variable in kind.variables.iter().filter(|one| !silent.contains(&one.name)) {
                assert!(text.contains(variable.name), "{} {place}: {}", kind.name, variable.name);
            }
        }
    }
}

#[test]
fn no_letter_promises_a_password() {
    let renderer = Renderer::new(Templates::shipped().unwrap(), "B", "https://p.example");
    let kind = Kind::named("invitation").unwrap();
    let polish = renderer.render(kind.name, Language::Polish, &kind.sample()).unwrap();
    assert!(polish.text.replace('\n', " ").contains("Haseł nigdy nie wysyłamy"), "{}", polish.text);
    let english = renderer.render(kind.name, Language::English, &kind.sample()).unwrap();
    assert!(english.text.contains("never send passwords"), "{}", english.text);
}

#[test]
fn what_is_wrong_with_an_operators_text_is_said_with_its_file() {
    let good = include_str!("../../config/letters/password_reset.en.txt");
    for (text, part) in [
        ("", "the first line must be the subject"),
        ("Only a subject\n", "must follow the subject"),
        ("Subject\nno empty line", "must follow the subject"),
        ("Subject\n\n{{ button(\"x\", link) }}\n{{ password }}", "`password` is not known"),
        ("Subject {{ nobody }}\n\n{{ button(\"x\", link) }}", "`nobody` is not known"),
        ("Subject\n\nno link here", "`{{ button(\"...\", link) }}`"),
        ("Subject\n\n{{ button(\"x\", link) }} and more", "`{{ button(\"...\", link) }}`"),
        ("Subject\n\n{% if x", "line 3: syntax error"),
        ("Subject\n\n{{ login | date }}\n{{ button(\"x\", link) }}", "invalid operation"),
    ] {
        let wrong = complaints(&[("password_reset.pl.txt", text), ("password_reset.en.txt", good)]);
        assert_eq!(wrong.len(), 1, "{text}: {wrong:?}");
        assert!(wrong[0].starts_with("password_reset.pl.txt: "), "{wrong:?}");
        assert!(wrong[0].contains(part), "{text}: {wrong:?}");
    }
}

#[test]
fn a_folder_with_one_language_or_a_stranger_is_refused() {
    let good = include_str!("../../config/letters/password_reset.en.txt");
    let wrong = complaints(&[("password_reset.en.txt", good)]);
    assert_eq!(wrong, ["password_reset.pl.txt: missing beside password_reset.en.txt"]);
    let wrong = complaints(&[("pasword_reset.en.txt", good)]);
    assert_eq!(wrong, ["pasword_reset.en.txt: no letter is called so"]);
    assert!(complaints(&[("README.md", "")]).is_empty());
    assert!(!Templates::load(Some(Path::new("/nonexistent"))).unwrap_err().is_empty());
}

#[test]
fn an_operators_text_stands_before_the_shipped_one() {
    let folder = tempfile::tempdir().unwrap();
    for code in ["pl", "en"] {
        let text = "\u{feff}Own {{ login }}\r\n\r\n{{ valid_until | date }}\r\n\
                    {{ button(\"Go\", link) }}\r\n";
        std::fs::write(folder.path().join(format!("password_reset.{code}.txt")), text).unwrap();
        std::fs::write(folder.path().join(format!("footer.{code}.txt")), "Kind regards\n").unwrap();
    }
    let templates = Templates::load(Some(folder.path())).unwrap();
    let renderer = Renderer::new(templates, "B", "https://p.example");
    let kind = Kind::named("password_reset").unwrap();
    let letter = renderer.render(kind.name, Language::Polish, &kind.sample()).unwrap();
    assert_eq!(letter.subject, "Own anna@zolw.example");
    assert_eq!(
        letter.text,
        "21 listopada 2026\n\nGo:\nhttps://p.example/reset?key=abc\n\n-- \nKind regards\n"
    );
}

#[test]
fn data_that_does_not_fit_is_refused_before_it_is_written() {
    let kind = Kind::named("application_question").unwrap();
    let full = kind.sample();
    assert_eq!(kind.accepts(&full), Ok(()));
    let mut least = full.clone();
    least.as_object_mut().unwrap().remove("answer_by");
    assert_eq!(kind.accepts(&least), Ok(()));
    for (name, value, part) in [
        ("link", Value::Null, "`link`"),
        ("answer_by", json!("tomorrow"), "`answer_by`"),
        ("question", json!(7), "`question`"),
        ("password", json!("x"), "`password` is not known"),
    ] {
        let mut data = full.clone();
        data[name] = value;
        assert!(kind.accepts(&data).unwrap_err().contains(part), "{name}");
    }
    assert!(kind.accepts(&json!("no object")).is_err());
}
