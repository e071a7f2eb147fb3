//! `mail`: letters that wait, went or came back.
//!
//! These read the store itself, so they work while the daemon is down. What surprises: the button
//! of a letter is shown without its key, because whoever has that can act in another's name.

use serde_json::{Value, json};

use super::{
    Failure,
    args::{LetterLanguage, MailCommand},
    desk::Desk,
    failure::Outcome,
};
use crate::{
    config::Config,
    control::view,
    mail::{Kind, Language, Renderer, Templates, Type},
    store::{LetterLine, Store},
};

pub(crate) async fn mail(desk: &mut Desk<'_>, command: MailCommand) -> Outcome {
    if let MailCommand::Preview { template, language } = &command {
        return preview(desk, template, *language);
    }
    let store = desk.store().await?;
    let done = match command {
        MailCommand::List { state, about, limit } => {
            let lines = match about {
                Some(about) => store.letters_about(&about, limit).await?,
                None => store.letters(state.as_deref().unwrap_or_default(), limit).await?,
            };
            let rows: Vec<Value> = lines.iter().map(row).collect();
            let columns =
                ["id", "state", "queued_at", "recipient", "template", "about", "attempt", "error"];
            desk.out.rows(&rows, &columns);
            Ok(())
        }
        MailCommand::Show { id } => show(desk, &store, id).await,
        MailCommand::Retry { id } => retry(desk, &store, id).await,
        MailCommand::Bounced { id, reason } => {
            if !store.bounce_letter(&desk.by(), desk.now(), id, &reason).await? {
                return Err(Failure::not_found(format!("no letter {id} was sent or waits")));
            }
            desk.out.show(&json!({ "id": id, "state": "bounced" }), &format!("{id} bounced"));
            Ok(())
        }
        // Ended above.
        MailCommand::Preview { .. } => Ok(()),
    };
    store.close().await;
    done
}

fn row(line: &LetterLine) -> Value {
    json!({
        "id": line.id,
        "state": line.state,
        "queued_at": view::moment(line.queued_at),
        "due_at": view::moment(line.due_at),
        "sent_at": view::moment(line.sent_at.unwrap_or_default()),
        "recipient": line.recipient,
        "language": line.language,
        "template": line.template,
        "about": line.subject,
        "attempt": line.attempt,
        "error": line.error,
        "answer": line.answer,
    })
}

async fn show(desk: &mut Desk<'_>, store: &Store, id: i64) -> Outcome {
    let Some(line) = store.letter_line(id).await? else {
        return Err(Failure::not_found(format!("no letter has the number {id}")));
    };
    let mut value = row(&line);
    let data = store.letter(id).await?.map(|letter| letter.data).unwrap_or_default();
    if let (Some(kind), Ok(mut data)) =
        (Kind::named(&line.template), serde_json::from_str::<Value>(&data))
    {
        mask(kind, &mut data);
        let letter =
            renderer(&desk.config)?.render(&line.template, Language::of(&line.language), &data);
        match letter {
            Ok(letter) => {
                value["subject"] = letter.subject.into();
                value["text"] = letter.text.into();
            }
            Err(why) => value["text"] = format!("cannot be made: {why}").into(),
        }
    }
    let text = value.as_object_mut().and_then(|fields| fields.remove("text"));
    match (text, desk.out.is_json()) {
        (Some(text), true) => {
            value["text"] = text;
            desk.out.card(&value);
        }
        (text, _) => {
            desk.out.card(&value);
            if let Some(text) = text.as_ref().and_then(Value::as_str) {
                // A renderer's text has no control characters but line ends.
                desk.out.raw(&format!("\n{text}"));
            }
        }
    }
    Ok(())
}

/// Takes the keys out of links, and everything that no letter of this kind is told.
fn mask(kind: &Kind, data: &mut Value) {
    for variable in kind.variables.iter().filter(|variable| variable.holds == Type::Link) {
        if let Some(link) = data.get(variable.name).and_then(Value::as_str) {
            let end = link.find(['?', '#']).unwrap_or(link.len());
            // A key may also be the last part of a path.
            let path = link[..end].rsplit_once('/').map_or("", |(folder, _)| folder);
            data[variable.name] = format!("{path}/****").into();
        }
    }
}

async fn retry(desk: &mut Desk<'_>, store: &Store, id: i64) -> Outcome {
    if store.retry_letter(&desk.by(), desk.now(), id).await? {
        desk.out.show(&json!({ "id": id, "state": "queued" }), &format!("{id} goes again"));
        return Ok(());
    }
    let line = store.letter_line(id).await?;
    Err(match line {
        None => Failure::not_found(format!("no letter has the number {id}")),
        Some(line) if line.state == "queued" => Failure::failed(format!("{id} goes as it is")),
        Some(line) => {
            let text = format!("letter {id} is {} and its contents are gone", line.state);
            Failure::failed(text)
        }
    })
}

fn preview(desk: &mut Desk<'_>, template: &str, language: LetterLanguage) -> Outcome {
    let Some(kind) = Kind::named(template) else {
        let names: Vec<&str> = crate::mail::KINDS.iter().map(|kind| kind.name).collect();
        let text = format!("no letter is called `{template}`; there are {}", names.join(", "));
        return Err(Failure::not_found(text));
    };
    let language = match language {
        LetterLanguage::Pl => Language::Polish,
        LetterLanguage::En => Language::English,
    };
    let letter = renderer(&desk.config)?.render(kind.name, language, &kind.sample());
    let letter = letter.map_err(Failure::failed)?;
    let value = json!({ "subject": letter.subject, "text": letter.text, "html": letter.html });
    desk.out.show(&value, &format!("{}\n\n{}", letter.subject, letter.text.trim_end()));
    Ok(())
}

fn renderer(config: &Config) -> Result<Renderer, Failure> {
    let mail = config.resolved_mail();
    let templates = Templates::load(mail.templates.as_deref())
        .map_err(|wrong| Failure::usage(format!("mail.templates:\n  {}", wrong.join("\n  "))))?;
    Ok(Renderer::of_portal(templates, &config.portal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_shown_without_its_key() {
        let kind = Kind::named("password_reset").unwrap();
        for (link, shown) in [
            ("/reset?key=canary", "/****"),
            ("/portal/reset/canary", "/portal/reset/****"),
            ("https://p.example/reset#canary", "https://p.example/****"),
            ("canary", "/****"),
        ] {
            let mut data = kind.sample();
            data["link"] = link.into();
            mask(kind, &mut data);
            assert_eq!(data["link"], shown);
        }
    }
}
