//! Documents as another program reads them: the command writes PDFs, poppler looks inside.

use std::{path::Path, process::Command};

use bramka::cli::{Output, main_with};

use crate::tools::{debian, program};

const KINDS: [&str; 6] = [
    "nda",
    "framework",
    "annex_special_sms_mms",
    "annex_special_wap",
    "annex_special_number",
    "data_processing",
];

/// Runs a command of the program in this process.
fn bramka(folder: &Path, words: &[&str]) -> i32 {
    let config = folder.join("bramka.toml");
    if !config.exists() {
        std::fs::write(&config, "").unwrap();
    }
    let mut out = Output::new(Box::new(std::io::sink()), Box::new(std::io::stderr()));
    let config = config.display().to_string();
    let first = ["bramka", "--config", &config];
    let words: Vec<String> = first.iter().chain(words).map(ToString::to_string).collect();
    main_with(words, &mut out)
}

fn asked(tool: &str, words: &[&str]) -> String {
    let output = Command::new(program(tool).unwrap()).args(words).output().unwrap();
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_document_reads_well_with_its_fonts_inside() {
    debian(&[
        ("pdftotext", "poppler-utils"),
        ("pdffonts", "poppler-utils"),
        ("pdftoppm", "poppler-utils"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        for (language, page_of, side) in
            [("pl", "strona 1 z ", "Za "), ("en", "page 1 of ", "For the ")]
        {
            let file = folder.path().join(format!("{kind}.{language}.pdf"));
            let path = file.display().to_string();
            let words = ["document", "render", kind, "--language", language, "--out", &path];
            assert_eq!(bramka(folder.path(), &words), 0, "{kind} {language}");

            let text = asked("pdftotext", &["-layout", &path, "-"]).replace('\u{a0}', " ");
            // The words of a table's cell may be on several lines.
            let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in ["Źródło Gęśli & Jaźń sp. z o.o.", "6760000007", page_of, side] {
                assert!(joined.contains(part), "{kind} {language} lacks `{part}`:\n{text}");
            }
            let fonts = asked("pdffonts", &[&path]);
            let lines: Vec<&str> = fonts.lines().skip(2).collect();
            assert!(!lines.is_empty(), "{fonts}");
            for line in lines {
                // The columns are: embedded, subset, with a table back to Unicode.
                assert!(line.contains("yes yes yes"), "{fonts}");
            }
            let picture = folder.path().join("page").display().to_string();
            asked("pdftoppm", &["-r", "40", "-png", &path, &picture]);
            let first = std::fs::read_dir(folder.path())
                .unwrap()
                .filter_map(Result::ok)
                .any(|entry| entry.file_name().to_string_lossy().ends_with(".png"));
            assert!(first, "there are pages");
        }
    }
}

#[test]
fn two_runs_of_the_command_write_the_same_octets() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name);
        let words = ["document", "render", "framework", "--out", path.to_str().unwrap()];
        assert_eq!(bramka(folder.path(), &words), 0);
        std::fs::read(path).unwrap()
    };
    assert!(write("a.pdf") == write("b.pdf"));
    assert!(write("a.html") == write("b.html"));
}

#[test]
fn the_command_tells_what_is_wrong_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pdf").display().to_string();
    let values = folder.path().join("values.json");
    std::fs::write(&values, "{}").unwrap();
    let values = values.display().to_string();
    for (words, exit) in [
        (vec!["document", "list"], 0),
        (vec!["document", "check"], 0),
        (vec!["document", "source", "nda"], 0),
        (vec!["document", "render", "letter", "--out", &path], 3),
        (vec!["document", "render", "nda", "--out", "x.doc"], 2),
        (vec!["document", "render", "nda", "--language", "de", "--out", &path], 2),
        (vec!["document", "render", "nda", "--values", &values, "--out", &path], 2),
    ] {
        assert_eq!(bramka(folder.path(), &words), exit, "{words:?}");
    }
    let texts = folder.path().join("texts");
    std::fs::create_dir(&texts).unwrap();
    std::fs::write(texts.join("nda.pl.md"), "no head").unwrap();
    let config = format!("[documents]\ntexts_folder = \"{}\"\n", texts.display());
    std::fs::write(folder.path().join("bramka.toml"), config).unwrap();
    assert_eq!(bramka(folder.path(), &["document", "check"]), 2);
}
