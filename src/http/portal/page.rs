//! The frame around every page: whose it is, in which language and theme, with which title,
//! way back, notice and form token.
//!
//! A handler takes a [`Page`], names it, renders its own part with `show` and is done. The
//! surprise: the body is rendered first and put into the layout as a finished text, so that the
//! layout is compiled once and not into every page.

use std::{convert::Infallible, sync::OnceLock};

use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    address::{encoded, see_other},
    assets, cookies,
    form::Form,
    format,
    guard::{self, VISIT},
    person::{self, MENU, Person},
    preferences::Theme,
    texts::{self, Language, Value},
};
use crate::{
    domain::secret::hex,
    http::{
        App,
        error::{Fault, Problem},
    },
};

const NOTICE: &str = "notice";

/// What a page knows before its handler runs.
pub struct Page {
    app: App,
    pub language: Language,
    theme: Theme,
    /// Who is logged in.
    pub person: Option<Person>,
    /// Microseconds UTC; one page tells one time.
    pub now: i64,
    /// Path and query, for switches that come back here.
    here: String,
    title: String,
    is_wrong: bool,
    trail: Vec<(String, String)>,
    notice: Option<String>,
    /// What the token is bound to, and whether the browser has it already.
    bound: OnceLock<(String, bool)>,
}

impl FromRequestParts<App> for Page {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(app, &parts.headers, &parts.uri).await)
    }
}

impl Page {
    pub(crate) async fn of(app: &App, headers: &HeaderMap, uri: &Uri) -> Self {
        let asked = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .find_map(|pair| Language::from_tag(pair.strip_prefix("lang=")?));
        let kept = || cookies::read(app, headers, "language").and_then(Language::from_tag);
        let language = asked.or_else(kept).unwrap_or_else(|| Language::wanted(headers));
        let theme = cookies::read(app, headers, "theme").map_or(Theme::Auto, Theme::from_tag);
        let bound = OnceLock::new();
        if let Some(known) = guard::bound_to(app, headers) {
            let _first = bound.set((known.to_owned(), true));
        }
        // Only our own texts: whoever could set the cookie must not be able to speak for us.
        let notice = cookies::read(app, headers, NOTICE).filter(|key| key.contains("-notice-"));
        Self {
            app: app.clone(),
            language,
            theme,
            person: person::signed(app, headers).await,
            now: app.gateway.clock().now(),
            here: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            title: String::new(),
            is_wrong: false,
            trail: Vec::new(),
            notice: notice.and_then(|key| texts::known(language, key)),
            bound,
        }
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    /// Path and query of this page.
    pub fn here(&self) -> &str {
        &self.here
    }

    /// The page for a session that began with this request: its forms are bound to the new token,
    /// because the old one is dead when they are sent.
    #[must_use]
    pub async fn under_session(mut self, token: &str) -> Self {
        self.person = person::of_token(&self.app, token).await;
        self.bound = OnceLock::from((token.to_owned(), true));
        self
    }

    /// The way to the login page and back here:
    /// `let Some(person) = &page.person else { return page.to_login() };`
    pub fn to_login(&self) -> Response {
        see_other(&format!("/login?back={}", self.back()))
    }

    /// To the log-in, and then to a page that can be looked at. What a form was sent to cannot,
    /// which is why handlers of POST name the page.
    pub fn to_login_for(path: &str) -> Response {
        see_other(&format!("/login?back={}", encoded(path)))
    }

    /// Names the page; the heading is the body's own.
    #[must_use]
    pub fn titled(mut self, key: &str) -> Self {
        self.title = self.t(key);
        self
    }

    /// Names the page after something that has a name, such as a company.
    #[must_use]
    pub fn titled_as(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Adds a step to the way back, from the outermost inwards.
    #[must_use]
    pub fn under(mut self, path: impl Into<String>, key: &str) -> Self {
        self.trail.push((path.into(), self.t(key)));
        self
    }

    /// The same with a name instead of a key.
    #[must_use]
    pub fn under_as(mut self, path: impl Into<String>, name: impl Into<String>) -> Self {
        self.trail.push((path.into(), name.into()));
        self
    }

    /// Marks the title and the status if the form has errors.
    #[must_use]
    pub fn with(mut self, form: &Form) -> Self {
        self.is_wrong = !form.is_right();
        self
    }

    /// The text behind a key.
    pub fn t(&self, key: &str) -> String {
        texts::t(self.language, key, &[])
    }

    /// The text of a word of the code, such as a state.
    pub fn word(&self, prefix: &str, word: &str) -> String {
        self.t(&format!("{prefix}{}", word.replace('_', "-")))
    }

    /// The same with one inserted text.
    pub fn t1(&self, key: &str, name: &str, value: impl std::fmt::Display) -> String {
        texts::t(self.language, key, &[(name, Value::text(value))])
    }

    /// The same with two.
    pub fn t2(
        &self,
        key: &str,
        (first, one): (&str, impl std::fmt::Display),
        (second, two): (&str, impl std::fmt::Display),
    ) -> String {
        let values = [(first, Value::text(one)), (second, Value::text(two))];
        texts::t(self.language, key, &values)
    }

    /// The text with `$count`, in its plural; `count` is a whole number of any type.
    pub fn count(&self, key: &str, count: impl std::fmt::Display) -> String {
        let count = whole(count);
        texts::t(self.language, key, &[("count", Value::Count(count))])
    }

    /// Hint or other attribute of a key.
    pub fn hint(&self, key: &str) -> Option<String> {
        texts::attribute(self.language, key, "hint")
    }

    /// A moment as `<time>`, local to the eye and UTC in its title.
    pub fn time(&self, at_us: i64) -> super::cell::Time {
        super::cell::Time::moment(self.language, at_us)
    }

    /// A moment to the millisecond.
    pub fn exact(&self, at_us: i64) -> super::cell::Time {
        super::cell::Time::exact(self.language, at_us)
    }

    /// Now on the clocks of Warsaw, to fill a form with.
    pub fn local_now(&self) -> jiff::Zoned {
        format::in_warsaw(self.now)
    }

    /// A day as `<time>`.
    pub fn day(&self, at_us: i64) -> super::cell::Time {
        super::cell::Time::day(self.language, at_us)
    }

    /// "zostały 3 dni"
    pub fn left(&self, until_us: i64) -> String {
        format::left(self.language, self.now, until_us)
    }

    /// "1 234,56 zł"
    pub fn money(&self, minor: i64, currency: &str) -> String {
        format::money(self.language, minor, currency)
    }

    /// "1 234"
    pub fn number(&self, number: impl std::fmt::Display) -> String {
        format::number(self.language, whole(number))
    }

    /// What every form carries in its first field, `token`; `form_start` writes it.
    pub fn token(&self) -> String {
        let (bound, _) = self.bound.get_or_init(|| {
            let mut octets = [0_u8; 16];
            // Without randomness nobody can be bound to anything: the form will be refused.
            if let Err(cause) = getrandom::fill(&mut octets) {
                tracing::error!(%cause, "no random octets for a visitor");
            }
            (hex(&octets), false)
        });
        guard::token(&self.app, bound)
    }

    /// The page with its body.
    pub fn show(&self, body: &impl Template) -> Response {
        let status = if self.is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        self.show_as(status, body)
    }

    /// The same with another status.
    pub fn show_as(&self, status: StatusCode, body: &impl Template) -> Response {
        let layout = body.render().and_then(|body| Layout { page: self, body: &body }.render());
        let text = match layout {
            Ok(text) => text,
            Err(cause) => {
                tracing::error!(%cause, "a page could not be rendered");
                return Problem::from(Fault::Internal).into_response();
            }
        };
        let is_personal = self.person.is_some() || self.bound.get().is_some();
        let caching = if is_personal || self.notice.is_some() || status != StatusCode::OK {
            "no-store"
        } else {
            "private, no-cache"
        };
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_LANGUAGE, self.language.tag()),
            (header::VARY, "accept-language, cookie"),
            (header::CACHE_CONTROL, caching),
        ];
        let mut response = (status, headers, text).into_response();
        if let Some((bound, false)) = self.bound.get() {
            let cookie = cookies::write(&self.app, VISIT, bound, None);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        if self.notice.is_some() {
            let gone = cookies::write(&self.app, NOTICE, "", Some(0));
            response.headers_mut().append(header::SET_COOKIE, gone);
        }
        response
    }

    /// Sends a browser on after a form was taken, with a notice on the next page.
    ///
    /// `notice` is a key whose second word is `notice`, such as `apply-notice-sent`.
    pub fn done(&self, path: &str, notice: &str) -> Response {
        let mut response = see_other(path);
        let cookie = cookies::write(&self.app, NOTICE, notice, Some(60));
        response.headers_mut().append(header::SET_COOKIE, cookie);
        response
    }

    // What the layout asks for.

    fn brand(&self) -> &str {
        &self.app.limits.brand
    }

    fn whole_title(&self) -> String {
        let brand = self.brand();
        match (self.is_wrong, self.title.is_empty()) {
            (true, _) => self.t2("frame-title-wrong", ("title", &self.title), ("brand", brand)),
            (false, true) => brand.to_owned(),
            (false, false) => format!("{} \u{b7} {brand}", self.title),
        }
    }

    fn menu(&self) -> Vec<(&'static str, String, bool)> {
        let path = self.here.split('?').next().unwrap_or_default();
        MENU.iter()
            .filter(|entry| (entry.shown)(self.person.as_ref()))
            .map(|entry| {
                let inside = path.strip_prefix(entry.path);
                let is_here = inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                (entry.path, self.t(entry.key), is_here)
            })
            .collect()
    }

    fn themes(&self) -> Vec<(&'static str, String, bool)> {
        Theme::ALL
            .iter()
            .map(|theme| (theme.tag(), self.t(theme.key()), *theme == self.theme))
            .collect()
    }

    /// The address here, as a value in another address.
    fn back(&self) -> String {
        encoded(&self.here)
    }
}

#[derive(Template)]
#[template(path = "layout.html", config = "src/http/portal/askama.toml")]
struct Layout<'p> {
    page: &'p Page,
    body: &'p str,
}

/// Templates pass references, which convert to no number; every number can be written, though.
fn whole(number: impl std::fmt::Display) -> i64 {
    number.to_string().parse().unwrap_or(i64::MAX)
}
