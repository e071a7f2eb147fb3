//! Language and colours, as people chose them.
//!
//! The surprise: a GET keeps a choice, so that the switch is a plain link. It is kept in cookies
//! of the browser alone: nothing of ours changes.

use axum::{
    extract::{Query, State},
    http::header,
    response::Response,
};
use smol_str::SmolStr;

use super::{
    address::{safe_back, see_other},
    cookies,
    texts::Language,
};
use crate::http::App;

/// A year, for choices that nobody wants to make twice.
const CHOICE_SECONDS: u32 = 31_536_000;

/// Light or dark; `Auto` follows the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub fn tag(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Auto => "frame-theme-auto",
            Self::Light => "frame-theme-light",
            Self::Dark => "frame-theme-dark",
        }
    }

    pub(super) fn from_tag(tag: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.tag() == tag).unwrap_or(Self::Auto)
    }
}

/// `GET /preferences?language=pl&theme=dark&back=/somewhere`: keeps a choice and goes back.
///
/// A GET that sets a cookie, but nothing of ours: a foreign page could at most change the colours.
pub(super) async fn prefer(
    State(app): State<App>,
    Query(asked): Query<Vec<(SmolStr, String)>>,
) -> Response {
    let of =
        |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut back = safe_back(of("back")).to_owned();
    let language = of("language").and_then(Language::from_tag);
    if language.is_some() {
        back = without_language(&back);
    }
    let mut response = see_other(&back);
    let theme = of("theme").map(Theme::from_tag);
    let chosen = [
        language
            .map(|language| cookies::write(&app, "language", language.tag(), Some(CHOICE_SECONDS))),
        theme.map(|theme| cookies::write(&app, "theme", theme.tag(), Some(CHOICE_SECONDS))),
    ];
    for cookie in chosen.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The address without `lang=`, which would overrule the choice.
fn without_language(back: &str) -> String {
    let Some((path, query)) = back.split_once('?') else { return back.to_owned() };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("lang=")).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}
