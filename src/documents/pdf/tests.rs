//! Documents as octets: the same each time, whole, and divided where a reader would divide them.

use super::super::{KINDS, Language, Texts, Values, template::read};
use super::{pages::Placed, rows::Mark, *};

fn one(kind: &str, language: Language) -> Document {
    Texts::shipped().render(kind, language, &Values::sample(language)).unwrap()
}

fn document(body: &str) -> Document {
    let source = format!("---\nkind: nda\ntitle: T\nversion: 1\nlanguage: pl\n---\n{body}");
    read(&source, &serde_json::json!({})).unwrap()
}

fn placed(body: &str) -> Vec<Vec<Placed>> {
    pages::pages(rows::rows(&document(body)).unwrap()).unwrap()
}

/// What a page says, row by row.
fn said(page: &[Placed]) -> Vec<String> {
    let texts = |placed: &Placed| -> Vec<String> {
        let texts = placed.row.marks.iter().filter_map(|mark| match mark {
            Mark::Text { run, .. } => Some(run.text.clone()),
            _ => None,
        });
        texts.collect()
    };
    page.iter().map(|placed| texts(placed).join(" ")).collect()
}

#[test]
fn the_same_document_is_the_same_octets_in_every_run_and_thread() {
    for language in Language::ALL {
        let first = pdf(&one("framework", language)).unwrap();
        let again = std::thread::spawn(move || pdf(&one("framework", language)).unwrap());
        assert!(first == again.join().unwrap());
        assert!(first == pdf(&one("framework", language)).unwrap());
        let text = String::from_utf8_lossy(&first);
        assert!(!text.contains("CreationDate") && !text.contains("ModDate"));
    }
}

/// A sentence of some lines.
fn sentence(number: usize) -> String {
    let words = "Zażółć gęślą jaźń i w nocy o ósmej z pluskiem a potem u źródła";
    format!("N{number} {words} {words} {words} {words} {words} {words} koniec{number}.")
}

#[test]
fn a_long_document_is_divided_without_loss_and_within_its_page() {
    let mut body = String::from("# Tytuł\n");
    for section in 0..40 {
        body += &["\n## Rozdział ", &section.to_string(), "\n\n"].concat();
        for clause in 0..=section % 7 {
            body += &["1. ", &sentence(section * 10 + clause), "\n"].concat();
        }
    }
    let pages = placed(&body);
    assert!(pages.len() > 5, "{}", pages.len());
    let mut whole = String::new();
    for page in &pages {
        let last = page.last().unwrap();
        assert!(last.top + last.row.height <= sheet::TEXT_HEIGHT);
        assert!(last.row.outline.is_none(), "a heading at the foot of a page");
        for pair in page.windows(2) {
            assert!(pair[0].top + pair[0].row.height <= pair[1].top + 0.01, "rows overlap");
        }
        whole.push_str(&said(page).join(" "));
    }
    for section in 0..40 {
        for clause in 0..=section % 7 {
            assert!(whole.contains(&format!("koniec{}.", section * 10 + clause)));
        }
    }
}

#[test]
fn no_line_of_a_paragraph_is_alone_on_its_page() {
    // Each number of rules above moves the paragraph by one line.
    for above in 30..56 {
        let list: Vec<String> = (0..above).map(|_| "- x".to_owned()).collect();
        let pages = placed(&format!("{}\n\n{}\n", list.join("\n"), sentence(7)));
        let lines =
            |page: &[Placed]| said(page).iter().filter(|text| !text.starts_with('–')).count();
        let counts: Vec<usize> = pages.iter().map(|page| lines(page)).collect();
        assert!(counts.iter().sum::<usize>() >= 4, "{counts:?}");
        assert!(counts.iter().all(|count| *count != 1), "{above}: {counts:?}");
    }
}

#[test]
fn a_long_table_shows_its_head_on_every_page() {
    let rows: Vec<String> =
        (0..150).map(|row| format!("| numer {row} | {row},00 zł |\n")).collect();
    let rows = rows.concat();
    let pages = placed(&format!("| Numer | Cena |\n|---|--:|\n{rows}"));
    assert!(pages.len() > 2);
    for page in &pages {
        assert_eq!(said(page)[0], "Numer Cena");
        assert!(page.len() > 2, "a row alone beneath its head");
    }
}

#[test]
fn signatures_are_whole_and_never_without_words_above() {
    for above in 30..50 {
        let list: Vec<String> = (0..above).map(|_| "- x".to_owned()).collect();
        let body = "::: signatures\nZa Operatora | A | data\nZa Partnera | B | data\n:::\n";
        let pages = placed(&format!("{}\n\n{body}", list.join("\n")));
        let page = pages.last().unwrap();
        let texts = said(page);
        let [.., before, both] = texts.as_slice() else { panic!("{above}: {texts:?}") };
        assert!(both.contains("Za Operatora") && both.contains("Za Partnera"), "{both}");
        assert!(before.contains('x'), "{above}: {before}");
    }
}

#[test]
fn a_page_break_begins_a_page() {
    let pages = placed("a\n\n::: pagebreak\n\nb\n");
    let texts: Vec<Vec<String>> = pages.iter().map(|page| said(page)).collect();
    assert_eq!(texts, [["a"], ["b"]]);
}

#[test]
fn nothing_stands_beyond_the_margins() {
    let long = "https://example.org/".to_owned() + &"bardzo".repeat(40);
    let table = format!("| a | b |\n|---|---|\n| {long} | {} |\n", sentence(1));
    let mut documents = vec![document(&format!("{long}\n\n1. {long}\n\n{table}"))];
    for kind in KINDS {
        documents.extend(Language::ALL.map(|language| one(kind, language)));
    }
    for document in documents {
        for row in rows::rows(&document).unwrap() {
            for mark in &row.marks {
                if let Mark::Text { x, size, run, .. } = mark {
                    let right = x + run.width * size;
                    assert!(*x >= 0.0 && right <= sheet::TEXT_WIDTH + 1.0, "{}", run.text);
                }
            }
        }
    }
}

#[test]
fn a_polish_line_never_ends_with_a_word_of_one_letter() {
    for row in rows::rows(&one("framework", Language::Polish)).unwrap() {
        let texts = row.marks.iter().filter_map(|mark| match mark {
            Mark::Text { run, .. } => Some(run.text.as_str()),
            _ => None,
        });
        let line: String = texts.collect();
        let last = line.rsplit([' ', '\u{a0}']).next().unwrap_or_default();
        let is_word = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
        assert!(!is_word || line.trim() == "a", "{line}");
    }
}

#[test]
fn a_letter_that_the_fonts_lack_is_a_fault_and_not_a_box() {
    assert_eq!(pdf(&document("Firma 漢字")), Err(PdfFault::NoLetter('漢')));
    assert!(pdf(&document("ĄĆĘŁŃÓŚŹŻ ąćęłńóśźż „” – § € àéîõü ß Кириця")).is_ok());
}
