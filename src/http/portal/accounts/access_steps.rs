//! What the pages of `/credentials` and `/keys` change: made, rotated with an overlap, revoked.
//!
//! A secret is on the answer to the form that made it and nowhere else. The surprise: each change
//! loads the routing snapshot again, or a new account could not bind and an ended one still could.

use axum::{extract::Path, response::Response};

use super::{
    super::{address::encoded, form::Form, list::Ask, page::Page, secret::SecretPage},
    access::{CREDENTIALS, KEYS, Kind, Whose, list_credentials, list_keys},
    explain, or_confirm,
};
use crate::{
    domain::Mode,
    gateway,
    http::{App, error::Problem},
    partnership::{CredentialWish, Error, NewSecret},
};

const SANDBOX: &str = "/sandbox";

/// What partners bind with is read from the snapshot, never from the store.
async fn reload(app: &App) -> Result<(), Problem> {
    Ok(app.gateway.reload_catalog().await.map_err(gateway::Error::from)?)
}

pub(super) async fn add_credential(
    page: Page,
    ask: Ask,
    mut form: Form,
) -> Result<Response, Problem> {
    let whose = Whose::of(&ask);
    let here = format!("/credentials{}", whose.query());
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&here)) };
    let networks = form.text("addresses").split(|c: char| c.is_whitespace() || c == ',');
    let (partnership, pepper) = (&page.app().partnership, &page.app().pepper);
    let mode = mode(&form);
    // The sandbox asks for no name: one of the partner's own is made.
    let system_id = match (form.text("system_id"), mode) {
        ("", Mode::Test) => match partnership.test_system_id(&person.signed, whose.0).await {
            Ok(name) => name,
            Err(error) => return or_confirm(SANDBOX, error),
        },
        (name, _) => name.to_owned(),
    };
    let wish = CredentialWish {
        system_id,
        addresses: networks.filter(|one| !one.is_empty()).map(str::to_owned).collect(),
        mode,
    };
    let added = partnership.add_credential(&person.signed, pepper, whose.0, &wish).await;
    match added {
        Ok(secret) => secret_page(page, &secret, &CREDENTIALS, back(here, mode)).await,
        Err(error) => match explain(&page, &mut form, error) {
            Ok(()) => list_credentials(page, &person, &ask, &form).await,
            Err(error) => or_confirm(&here, error),
        },
    }
}

pub(super) async fn add_key(page: Page, ask: Ask, mut form: Form) -> Result<Response, Problem> {
    let whose = Whose::of(&ask);
    let here = format!("/keys{}", whose.query());
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&here)) };
    // What is no number of days is 0 days, which the verb refuses beside the field.
    let days = Some(form.text("days")).filter(|days| !days.is_empty());
    let days = days.map(|days| days.parse().unwrap_or(0));
    let mode = mode(&form);
    let (partnership, pepper) = (&page.app().partnership, &page.app().pepper);
    match partnership.add_api_key(&person.signed, pepper, whose.0, (days, mode)).await {
        Ok(secret) => secret_page(page, &secret, &KEYS, back(here, mode)).await,
        Err(error) => match explain(&page, &mut form, error) {
            Ok(()) => list_keys(page, &person, &ask, &form).await,
            Err(error) => or_confirm(&here, error),
        },
    }
}

/// The form of the sandbox says `test`; that of these pages says nothing.
fn mode(form: &Form) -> Mode {
    Mode::parse(form.text("mode")).unwrap_or_default()
}

/// Who made something for the sandbox goes back there.
fn back(here: String, mode: Mode) -> String {
    if mode == Mode::Test { SANDBOX.to_owned() } else { here }
}

/// The one answer with the secret. It is drawn only when the snapshot is new, so that whoever reads
/// it can use it at once.
async fn secret_page(
    page: Page,
    secret: &NewSecret,
    kind: &Kind,
    back: String,
) -> Result<Response, Problem> {
    reload(page.app()).await?;
    let title = "accounts-secret-title";
    let page = page.titled(title).under(back.clone(), kind.title);
    let (name, label) = if kind.path == KEYS.path {
        ("accounts-key", "accounts-whole-key")
    } else {
        ("accounts-system-id", "accounts-password")
    };
    let body = SecretPage {
        title: page.t(title),
        of: Some((page.t(name), &secret.name)),
        label: page.t(label),
        secret: secret.secret.as_str(),
        ends: Some(secret.expires_at).filter(|at| *at > 0).map(|at| page.time(at)),
        back: &back,
        page: &page,
    };
    Ok(page.show(&body))
}

pub(super) async fn rotate_credential(
    page: Page,
    Path(name): Path<String>,
    ask: Ask,
    _form: Form,
) -> Result<Response, Problem> {
    rotate(page, &name, &Whose::of(&ask), &CREDENTIALS).await
}

pub(super) async fn rotate_key(
    page: Page,
    Path(name): Path<String>,
    ask: Ask,
    _form: Form,
) -> Result<Response, Problem> {
    rotate(page, &name, &Whose::of(&ask), &KEYS).await
}

/// The old secret stays good for a while, so that no bind is refused in between (D6).
async fn rotate(page: Page, name: &str, whose: &Whose, kind: &Kind) -> Result<Response, Problem> {
    let here = format!("{}/{}{}", kind.path, encoded(name), whose.query());
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&here)) };
    let (partnership, pepper) = (&page.app().partnership, &page.app().pepper);
    let rotated = if kind.path == KEYS.path {
        partnership.rotate_api_key(&person.signed, pepper, whose.0, name).await
    } else {
        partnership.rotate_credential(&person.signed, pepper, whose.0, name).await
    };
    match rotated {
        Ok(secret) => {
            let back = format!("{}{}", kind.path, whose.query());
            secret_page(page, &secret, kind, back).await
        }
        Err(error) => or_confirm(&here, error),
    }
}

pub(super) async fn revoke_credential(
    page: Page,
    Path(name): Path<String>,
    ask: Ask,
    _form: Form,
) -> Result<Response, Problem> {
    revoke(page, &name, &Whose::of(&ask), &CREDENTIALS).await
}

pub(super) async fn revoke_key(
    page: Page,
    Path(name): Path<String>,
    ask: Ask,
    _form: Form,
) -> Result<Response, Problem> {
    revoke(page, &name, &Whose::of(&ask), &KEYS).await
}

/// From here on it is refused, and nothing brings it back.
async fn revoke(page: Page, name: &str, whose: &Whose, kind: &Kind) -> Result<Response, Problem> {
    let here = format!("{}/{}{}", kind.path, encoded(name), whose.query());
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&here)) };
    let partnership = &page.app().partnership;
    let revoked: Result<(), Error> = if kind.path == KEYS.path {
        partnership.revoke_api_key(&person.signed, whose.0, name).await
    } else {
        partnership.revoke_credential(&person.signed, whose.0, name).await
    };
    if let Err(error) = revoked {
        return or_confirm(&here, error);
    }
    reload(page.app()).await?;
    Ok(page.done(&format!("{}{}", kind.path, whose.query()), "accounts-notice-revoked"))
}
