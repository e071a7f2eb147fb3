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

#[test]
fn tmp_write() {
    for kind in KINDS {
        for language in Language::ALL {
            let octets = pdf(&one(kind, language)).unwrap();
            std::fs::write(format!("/tmp/docs/{kind}.{}.pdf", language.code()), octets).unwrap();
        }
    }
}
