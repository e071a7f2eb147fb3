//! `/account/second-factor`: the code to scan, and the first code of it.
//!
//! For whoever has shown a password only, and for whoever changes the authenticator. The surprise:
//! a session is shown one secret however often it looks, and another session never that one, so
//! that nobody confirms what somebody else has seen.

use std::fmt::Write as _;

use askama::Template;
use axum::{http::HeaderMap, response::Response};
use qrcodegen::{QrCode, QrCodeEcc};
use zeroize::Zeroizing;

use super::{
    super::{
        cookies,
        form::Form,
        page::Page,
        person::{Person, SESSION},
    },
    confirm_first, or_confirm, with_session, wrong_try,
};
use crate::{
    domain::Refusal,
    http::{error::Problem, signed::Origin},
    partnership::{Enrolling, Error},
};

/// Modules of white around the code, as readers need them. [ISO/IEC 18004 s9.1]
const QUIET: i32 = 4;
const URI_PREFIX: &str = "otpauth://totp/";
const URI_OCTETS_MAX: usize = 400;

#[derive(Template)]
#[template(path = "second_factor.html", config = "src/http/portal/askama.toml")]
struct Body<'p> {
    page: &'p Page,
    form: &'p Form,
    uri: &'p str,
    secret: String,
    /// The code: modules of a side, and the black ones as an SVG path.
    side: i32,
    modules: String,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "recovery_codes.html", config = "src/http/portal/askama.toml")]
struct NewCodes<'p> {
    page: &'p Page,
    codes: &'p [Zeroizing<String>],
    /// Where to go from here.
    next: &'p str,
}

enum Setter {
    First(Enrolling),
    Another(Box<Person>),
}

async fn setter(page: &Page, headers: &HeaderMap) -> Result<Option<Setter>, Problem> {
    if let Some(person) = page.person.clone() {
        return Ok(Some(Setter::Another(Box::new(person))));
    }
    let Some(token) = cookies::read(page.app(), headers, SESSION) else { return Ok(None) };
    let enrolling = page.app().partnership.enrolling_of(token).await?;
    Ok(enrolling.map(Setter::First))
}

pub(super) async fn show(page: Page, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(setter) = setter(&page, &headers).await? else { return Ok(page.to_login()) };
    let partnership = &page.app().partnership;
    let enrolment = match &setter {
        Setter::First(enrolling) => partnership.begin_enrolment(enrolling).await?,
        Setter::Another(person) => {
            if let Some(first) = confirm_first(&page, person) {
                return Ok(first);
            }
            partnership.begin_new_factor(&person.signed).await?
        }
    };
    let form = Form::of([("uri", enrolment.uri.as_str())]);
    Ok(render(page, &form, matches!(setter, Setter::First(_))))
}

fn render(page: Page, form: &Form, is_first: bool) -> Response {
    let uri = form.text("uri");
    let (side, modules) = drawn(uri).unwrap_or_default();
    let page = page.titled("accounts-factor-title").with(form);
    let body = Body { page: &page, form, uri, secret: secret_in(uri), side, modules, is_first };
    page.show(&body)
}

pub(super) async fn set(
    page: Page,
    headers: HeaderMap,
    origin: Origin,
    mut form: Form,
) -> Result<Response, Problem> {
    const HERE: &str = "/account/second-factor";
    let Some(setter) = setter(&page, &headers).await? else { return Ok(Page::to_login_for(HERE)) };
    if !form.text("uri").starts_with(URI_PREFIX) || form.text("uri").len() > URI_OCTETS_MAX {
        form.set("uri", "");
    }
    form.require(&page, "code", "accounts-code-missing");
    let is_first = matches!(setter, Setter::First(_));
    if !form.is_right() {
        return Ok(render(page, &form, is_first));
    }
    let (partnership, code) = (&page.app().partnership, form.text("code"));
    let enrolled = match &setter {
        Setter::First(enrolling) => {
            partnership.confirm_enrolment(enrolling, code, origin.visitor()).await
        }
        Setter::Another(person) => {
            partnership.confirm_new_factor(&person.signed, code, origin.visitor()).await
        }
    };
    match enrolled {
        Ok(enrolled) => {
            let token = &enrolled.signed_in.token;
            let page = page.titled("accounts-codes-title").under_session(token).await;
            let response = show_codes(&page, &enrolled.recovery_codes, "/home");
            Ok(with_session(&page, response, token))
        }
        Err(error @ Error::Refused(Refusal::StepUpNeeded)) => or_confirm(HERE, error),
        Err(error) => {
            let wait = wrong_try(&page, &mut form, ("code", "accounts-code-wrong"), error)?;
            Ok(wait.on(render(page, &form, is_first)))
        }
    }
}

/// The recovery codes, once.
pub(super) fn show_codes(page: &Page, codes: &[Zeroizing<String>], next: &str) -> Response {
    page.show(&NewCodes { page, codes, next })
}

/// The secret in an address, in groups that can be typed.
fn secret_in(uri: &str) -> String {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    let secret = query.split('&').find_map(|pair| pair.strip_prefix("secret="));
    let letters: Vec<char> = secret.unwrap_or_default().chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// The QR code as modules of a side and a path of its black rows; none if there is nothing to draw.
fn drawn(uri: &str) -> Option<(i32, String)> {
    let code = QrCode::encode_text(uri, QrCodeEcc::Medium).ok().filter(|_| !uri.is_empty())?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|at| code.get_module(*at, y)).count();
            if run > 0 {
                let (x, y) = (x + QUIET, y + QUIET);
                write!(path, "M{x} {y}h{run}v1h-{run}z").expect("a string takes everything");
            }
            // The module after a run is white, or outside.
            x += i32::try_from(run).unwrap_or(code.size()) + 1;
        }
    }
    Some((code.size() + 2 * QUIET, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_has_every_black_module_once_and_a_quiet_zone() {
        let uri = "otpauth://totp/Bramka:anna@acme.example?secret=ABCDEFGHIJKLMNOP&issuer=Bramka";
        let (side, path) = drawn(uri).unwrap();
        let code = QrCode::encode_text(uri, QrCodeEcc::Medium).unwrap();
        assert_eq!(side, code.size() + 8);
        let mut black = vec![];
        for run in path.split('z').filter(|run| !run.is_empty()) {
            let (at, length) = run[1..].split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let length: i32 = length.split_once('v').unwrap().0.parse().unwrap();
            let (x, y): (i32, i32) = (x.parse().unwrap(), y.parse().unwrap());
            black.extend((x..x + length).map(|x| (y - 4, x - 4)));
        }
        let wanted: Vec<(i32, i32)> = (0..code.size())
            .flat_map(|y| (0..code.size()).map(move |x| (y, x)))
            .filter(|(y, x)| code.get_module(*x, *y))
            .collect();
        assert_eq!(black, wanted);
        assert_eq!(secret_in(uri), "ABCD EFGH IJKL MNOP");
        assert_eq!((drawn(""), secret_in("")), (None, String::new()));
    }
}
