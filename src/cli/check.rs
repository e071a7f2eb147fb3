//! `check`, `config`, `migrate`: the configuration and the schema.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    Failure, Output,
    args::ConfigCommand,
    desk::Desk,
    failure::{Exit, Outcome},
};
use crate::{
    config::Config, daemon, documents::Texts, mail::Templates, partnership::Contract, store::Store,
};

/// Every mistake at once; exit code 2 if there is one.
pub(crate) fn check(file: &Path, out: &mut Output) -> Outcome {
    match Config::load(file) {
        Ok(config) => {
            // Texts are no part of the configuration proper, but as easily spoilt.
            if let Err(wrong) = Templates::load(config.resolved_mail().templates.as_deref()) {
                return Err(many("mail.templates", &wrong, out));
            }
            if let Err(wrong) = daemon::order_plan(&config) {
                return Err(many("partnership.orders_file", &wrong, out));
            }
            // An empty setting is no mistake: a gateway of traffic alone never writes a contract.
            let unset = match unset(&config) {
                Ok(unset) => unset,
                Err(wrong) => return Err(many("operator", &wrong, out)),
            };
            let insecure = config.insecure();
            let mut text = format!("{}: no mistakes", file.display());
            for path in &insecure {
                text = format!("{text}\nwarning: `{path}` is on");
            }
            for key in &unset {
                text = format!("{text}\nwarning: `{key}` is not set; agreements need it");
            }
            let files: Vec<String> =
                config.files.iter().map(|file| file.display().to_string()).collect();
            out.show(
                &json!({
                    "mistakes": [], "insecure": insecure, "unset": unset, "files": files,
                }),
                &text,
            );
            Ok(())
        }
        Err(mistakes) => {
            if out.is_json() {
                let list: Vec<Value> = mistakes
                    .iter()
                    .map(|mistake| {
                        json!({
                            "source": mistake.source, "line": mistake.line, "path": mistake.path,
                            "value": mistake.value, "text": mistake.text,
                        })
                    })
                    .collect();
                let count = list.len();
                out.document(&json!({ "mistakes": list }));
                return Err(Failure::new(Exit::Usage, format!("{count} mistakes")));
            }
            Err(mistakes.into())
        }
    }
}

pub(crate) fn show(desk: &mut Desk<'_>, command: &ConfigCommand) {
    let ConfigCommand::Show { origin } = command else { return };
    if desk.out.is_json() {
        let values = desk.config.values().into_iter().map(|(path, value)| {
            let said = desk.config.origin(&path).map(|origin| match origin.line {
                Some(line) => format!("{}:{line}", origin.source),
                None => origin.source.clone(),
            });
            (path, if *origin { json!({ "value": value, "origin": said }) } else { value.into() })
        });
        let values: serde_json::Map<String, Value> = values.collect();
        desk.out.document(&values);
    } else {
        let text =
            if *origin { desk.config.effective_with_origin() } else { desk.config.effective() };
        desk.out.raw(&text);
    }
}

/// Settings that texts of agreements need and that nobody gave.
pub(super) fn unset(config: &Config) -> Result<Vec<String>, Vec<String>> {
    let texts = match &config.documents.texts_folder {
        None => Texts::shipped(),
        Some(folder) => Texts::with_folder(&config.file(folder))
            .map_err(|error| vec![format!("documents.texts_folder: {error}")])?,
    };
    Ok(Contract::from_settings(config)?.unset(&texts))
}

/// Mistakes beyond the configuration proper.
fn many(path: &str, wrong: &[String], out: &mut Output) -> Failure {
    if out.is_json() {
        let list: Vec<Value> =
            wrong.iter().map(|text| json!({ "path": path, "text": text })).collect();
        out.document(&json!({ "mistakes": list }));
        return Failure::new(Exit::Usage, format!("{} mistakes", list.len()));
    }
    Failure::usage(format!("{path}:\n  {}", wrong.join("\n  ")))
}

/// Makes the schema, or takes it on to the newest step; a second run does nothing.
pub(crate) async fn migrate(desk: &mut Desk<'_>) -> Outcome {
    let place = desk.place();
    let before = Store::inspect(&place).await?.and_then(|found| found.schema);
    Store::migrate(&place).await?;
    let after = Store::inspect(&place).await?.and_then(|found| found.schema);
    let text = match (before, after) {
        (None, Some(step)) => format!("a new database with schema step {step}"),
        (Some(old), Some(new)) if old < new => format!("from schema step {old} to {new}"),
        (_, step) => format!("nothing to do, schema step {}", step.unwrap_or_default()),
    };
    desk.out.show(&json!({ "before": before, "after": after }), &text);
    Ok(())
}
