//! `document`: lawyers see and check the texts of agreements without a daemon.
//!
//! It never opens the store, so nothing it writes was agreed by anybody. What surprises: without
//! values it invents them, because wording and breaks can only be judged on a full page.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    Failure,
    args::{DocumentCommand, Render},
    desk::Desk,
    failure::{Exit, Outcome},
};
use crate::documents::{DocumentFault, KINDS, Language, Texts, Values, html, pdf};

pub(crate) fn document(desk: &mut Desk<'_>, command: DocumentCommand) -> Outcome {
    let texts = texts(desk)?;
    match command {
        DocumentCommand::List => {
            let rows: Vec<Value> = KINDS
                .iter()
                .flat_map(|kind| Language::ALL.map(|language| (kind, language)))
                .map(|(kind, language)| {
                    let version = texts.version(kind, language).unwrap_or_default();
                    json!({ "kind": kind, "language": language.code(), "version": version })
                })
                .collect();
            desk.out.rows(&rows, &["kind", "language", "version"]);
            Ok(())
        }
        DocumentCommand::Check => check(desk, &texts),
        DocumentCommand::Source { kind, language } => {
            let language = spoken(&language)?;
            let source = texts.source(&kind, language).ok_or_else(|| no_text(&kind, language))?;
            if desk.out.is_json() {
                desk.out.document(&json!({ "kind": kind, "source": source }));
            } else {
                desk.out.raw(source);
            }
            Ok(())
        }
        DocumentCommand::Render(wish) => render(desk, &texts, &wish),
    }
}

fn texts(desk: &Desk<'_>) -> Result<Texts, Failure> {
    match &desk.config.documents.texts_folder {
        None => Ok(Texts::shipped()),
        Some(folder) => Texts::with_folder(&desk.config.file(folder))
            .map_err(|error| Failure::failed(format!("reading texts: {error}"))),
    }
}

fn check(desk: &mut Desk<'_>, texts: &Texts) -> Outcome {
    let mistakes = texts.check();
    if desk.out.is_json() {
        let list: Vec<Value> = mistakes
            .iter()
            .map(|mistake| json!({ "file": mistake.file, "text": mistake.text }))
            .collect();
        desk.out.document(&json!({ "mistakes": list }));
    } else if mistakes.is_empty() {
        desk.out.line(&format!("{} texts: no mistakes", KINDS.len() * Language::ALL.len()));
    } else {
        for mistake in &mistakes {
            desk.out.line(&mistake.to_string());
        }
    }
    // The same code as for a mistake in the configuration: texts are part of it.
    match mistakes.len() {
        0 => Ok(()),
        count => Err(Failure::new(Exit::Usage, format!("{count} mistakes"))),
    }
}

fn render(desk: &mut Desk<'_>, texts: &Texts, wish: &Render) -> Outcome {
    let language = spoken(&wish.language)?;
    if texts.source(&wish.kind, language).is_none() {
        return Err(no_text(&wish.kind, language));
    }
    // JSON and not the type: a text may use less than an agreement has.
    let values = match &wish.values {
        Some(file) => read_values(file)?,
        None => serde_json::to_value(Values::sample(language))
            .map_err(|error| Failure::failed(error.to_string()))?,
    };
    let document = texts.render(&wish.kind, language, &values);
    let document = document.map_err(|fault| Failure::new(Exit::Usage, fault.to_string()))?;
    // The name decides, so that nobody mails HTML that is called PDF.
    let octets = match wish.out.extension().and_then(|extension| extension.to_str()) {
        Some("pdf") => pdf(&document).map_err(|fault| Failure::failed(fault.to_string()))?,
        Some("html") => html::html(&document).into_bytes(),
        _ => {
            let text = "--out must end with .pdf or .html".to_owned();
            return Err(Failure::new(Exit::Usage, text));
        }
    };
    let out = wish.out.display().to_string();
    fs::write(&wish.out, &octets).map_err(|error| Failure::failed(format!("{out}: {error}")))?;
    let text = format!("{out}: {}, {} octets", document.title, octets.len());
    let told = json!({
        "file": out, "kind": document.kind, "title": document.title,
        "version": document.version, "language": language.code(), "octets": octets.len(),
    });
    desk.out.show(&told, &text);
    Ok(())
}

fn read_values(file: &Path) -> Result<Value, Failure> {
    let name = file.display();
    let octets = fs::read(file).map_err(|error| Failure::failed(format!("{name}: {error}")))?;
    serde_json::from_slice(&octets)
        .map_err(|error| Failure::new(Exit::Usage, format!("{name}: {error}")))
}

fn spoken(code: &str) -> Result<Language, Failure> {
    let language = Language::from_code(code);
    language.ok_or_else(|| Failure::new(Exit::Usage, format!("no language `{code}`")))
}

fn no_text(kind: &str, language: Language) -> Failure {
    let fault = DocumentFault::NoText { kind: kind.to_owned(), language: language.code() };
    Failure::new(Exit::NotFound, format!("{fault}; `bramka document list` shows what there is"))
}
