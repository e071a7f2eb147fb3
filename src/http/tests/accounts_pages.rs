//! The pages of accounts, the whole way of two people through them.

use super::*;
use crate::partnership::{NewPerson, code_of};

const PASSWORD: &str = "mosty nad rzeka o swicie";

/// A browser: cookies and the page that it shows.
struct Browser<'w> {
    world: &'w World,
    cookies: Vec<(String, String)>,
    page: Reply,
}

impl<'w> Browser<'w> {
    fn new(world: &'w World) -> Self {
        let page = Reply { status: 0, headers: HeaderMap::new(), text: String::new() };
        Self { world, cookies: Vec::new(), page }
    }

    async fn send(&mut self, method: Method, path: &str, body: String) {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let headers = [
            ("accept", "text/html"),
            ("accept-language", "en"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", &cookies),
        ];
        let request = request(method, path, &headers).map(|_| Body::from(body));
        self.page = self.world.send(request).await;
        for line in self.page.headers.get_all("set-cookie") {
            let (pair, rest) = line.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !rest.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    async fn go(&mut self, path: &str) -> &Reply {
        self.send(Method::GET, path, String::new()).await;
        &self.page
    }

    /// Sends a form of the page shown now.
    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> &Reply {
        let token = self.hidden("token");
        let mut body = format!("token={token}");
        for (name, value) in fields {
            body.extend(["&", name, "=", &crate::http::portal::address::encoded(value)]);
        }
        self.send(Method::POST, path, body).await;
        &self.page
    }

    /// The value of a hidden field on the page.
    fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.page.text.split(&start).nth(1).expect(&self.page.text);
        rest.split('"').next().unwrap().replace("&#38;", "&")
    }

    fn secret(&self) -> String {
        let rest = self.page.text.split("id=\"secret\">").nth(1).expect(&self.page.text);
        rest.split('<').next().unwrap().replace(' ', "")
    }

    fn code(&self, secret: &str) -> String {
        self.world.clock.advance(Duration::from_secs(30));
        code_of(secret, self.world.app.partnership.now())
    }

    #[track_caller]
    fn is_at(&self, status: u16, place: &str) {
        let found = (self.page.status, self.page.header("location"));
        assert_eq!(found, (status, place), "{}", self.page.text);
    }

    /// From the link of an invitation to the start after log-in; gives the secret.
    async fn enrol(&mut self, path: &str) -> String {
        assert_eq!(self.go(path).await.status, 200);
        self.submit(path, &[("password", PASSWORD)]).await;
        self.is_at(303, "/account/second-factor");
        assert_eq!(self.go("/home").await.header("location"), "/login?back=/home");
        let page = self.go("/account/second-factor").await;
        assert!(page.text.contains("<svg") && page.text.contains("M4 4h7v1h-7z"), "{}", page.text);
        let (secret, uri) = (self.secret(), self.hidden("uri"));
        let wrong = [("uri", &*uri), ("code", "12")];
        assert_eq!(self.submit("/account/second-factor", &wrong).await.status, 422);
        assert_eq!(self.secret(), secret, "the same picture is shown after a wrong code");
        let code = self.code(&secret);
        let page = self.submit("/account/second-factor", &[("uri", &uri), ("code", &code)]).await;
        assert_eq!((page.status, page.header("cache-control")), (200, "no-store"), "{}", page.text);
        let codes = page.text.split("<pre id=\"codes\">").nth(1).unwrap().split("</pre>").next();
        assert_eq!(codes.unwrap().trim().lines().count(), 10);
        secret
    }
}

impl World {
    async fn invited(&self, partner: Option<&str>, role: &str) -> String {
        let catalog = self.app.gateway.catalog();
        let new = NewPerson {
            partner: partner.map(|name| catalog.partner_named(name).unwrap().id),
            mail: format!("{role}@acme.example"),
            name: format!("Anna {role}"),
            role: role.to_owned(),
            language: "en".to_owned(),
            company: String::new(),
        };
        let by = Caller::Operator { name: "root".into() };
        self.app.partnership.invite_by(&by, &new, true).await.unwrap().path.to_string()
    }
}

#[tokio::test]
async fn an_invited_administrator_gets_in_invites_a_colleague_and_shuts_it_out_at_once() {
    let world = world().await;
    let path = world.invited(Some("acme"), "admin").await;
    let mut anna = Browser::new(&world);
    anna.go(&path).await;
    let weak = anna.submit(&path, &[("password", "short")]).await;
    assert_eq!(weak.status, 422);
    assert!(weak.text.contains("at least 8 characters"), "{}", weak.text);
    anna.enrol(&path).await;
    let home = anna.go("/home").await;
    assert!(home.text.contains("Hello, Anna admin") && home.text.contains("href=\"/keys\""));
    assert_eq!(anna.go(&path).await.status, 410, "a link works once");

    anna.go("/people/new").await;
    let colleague =
        [("name", "Jan"), ("mail", "jan@acme.example"), ("role", "developer"), ("language", "pl")];
    let wrong = anna.submit("/people/new", &[&colleague[..1], &[("mail", "jan")]].concat()).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("value=\"Jan\"") && wrong.text.contains("href=\"#role\""));
    anna.submit("/people/new", &colleague).await;
    assert_eq!(anna.page.status, 303, "{}", anna.page.text);
    let place = anna.page.header("location").to_owned();
    let shown = anna.go(&place).await;
    assert!(shown.text.contains("jan@acme.example") && shown.text.contains("Invited"));
    let taken = anna.go("/people/new").await.status;
    assert_eq!(taken, 200);
    let taken = anna.submit("/people/new", &colleague).await;
    assert!(taken.status == 422 && taken.text.contains("has an account already"));

    let by = Caller::Operator { name: "root".into() };
    let id = crate::domain::UserId(place.rsplit('/').next().unwrap().parse().unwrap());
    let person = world.app.gateway.store().person(id).await.unwrap().unwrap();
    let link = world.app.partnership.send_link_by(&by, &person, false).await.unwrap().path;
    let mut jan = Browser::new(&world);
    jan.enrol(&link).await;
    assert_eq!(jan.go("/credentials").await.status, 200);
    assert_eq!(jan.go("/people").await.status, 403);

    let list = anna.go("/people").await;
    assert!(list.text.contains("jan@acme.example"), "{}", list.text);
    anna.go(&place).await;
    let version = anna.hidden("version");
    anna.submit(&format!("{place}/disable"), &[("version", &version)]).await;
    anna.is_at(303, &place);
    assert_eq!(jan.go("/credentials").await.header("location"), "/login?back=/credentials");
    anna.go(&place).await;
    anna.submit(&format!("{place}/enable"), &[("version", &version)]).await;
    assert_eq!(anna.page.status, 412, "somebody changed it since: {}", anna.page.text);
}

#[tokio::test]
async fn a_log_in_has_one_word_for_everything_wrong_and_leads_back_to_a_page_of_ours() {
    let world = world().await;
    let mut anna = Browser::new(&world);
    let path = world.invited(Some("acme"), "developer").await;
    let secret = anna.enrol(&path).await;
    anna.go("/home").await;
    anna.submit("/logout", &[]).await;
    anna.is_at(303, "/");
    assert_eq!(anna.go("/home").await.header("location"), "/login?back=/home");
    let mut said = Vec::new();
    for (mail, password) in [("developer@acme.example", "wrong"), ("nobody@acme.example", PASSWORD)]
    {
        anna.go("/login?back=/keys").await;
        assert_eq!(anna.hidden("back"), "/keys");
        let fields = [("mail", mail), ("password", password), ("back", "/keys")];
        let page = anna.submit("/login", &fields).await;
        assert_eq!(page.status, 422);
        assert!(!page.text.contains(&format!("value=\"{password}")));
        said.push(page.text.split("id=\"mail-error\"").nth(1).unwrap()[..120].to_owned());
    }
    assert_eq!(said[0], said[1]);
    for (back, goes) in [("//evil.example", "/home"), ("/keys", "/keys")] {
        let code = anna.code(&secret);
        anna.go("/login").await;
        let fields = [
            ("mail", "developer@acme.example"),
            ("password", PASSWORD),
            ("code", &code),
            ("back", back),
        ];
        anna.submit("/login", &fields).await;
        anna.is_at(303, goes);
        anna.go("/account").await;
        anna.submit("/logout", &[]).await;
    }
}

#[tokio::test]
async fn too_many_tries_are_told_when_to_come_back() {
    let world = world().await;
    let mut anna = Browser::new(&world);
    for _ in 0..30 {
        anna.go("/login").await;
        let page = anna.submit("/login", &[("mail", "a@b.example"), ("password", "x")]).await;
        if page.status == 429 {
            let seconds: u64 = page.header("retry-after").parse().unwrap();
            assert!(seconds > 0 && page.text.contains("Too many wrong tries. Try again in"));
            return;
        }
        assert_eq!(page.status, 422);
    }
    panic!("nobody was ever told to wait");
}

#[tokio::test]
async fn what_is_sensitive_asks_for_a_code_first_and_shows_a_secret_once() {
    let world = world().await;
    let mut anna = Browser::new(&world);
    let path = world.invited(Some("acme"), "developer").await;
    let secret = anna.enrol(&path).await;
    world.clock.advance(Duration::from_mins(10));
    let list = anna.go("/credentials").await;
    assert!(!list.text.contains("id=\"system_id\""), "nothing is typed in vain");
    anna.submit("/credentials", &[("system_id", "acme9")]).await;
    anna.is_at(303, "/account/confirm?again=1&back=/credentials");
    let ask = anna.go("/account/confirm?again=1&back=/credentials").await;
    assert!(ask.text.contains("Nothing was changed yet"));
    let code = anna.code(&secret);
    let old = anna.cookies.iter().find(|(name, _)| name == "__Host-session").unwrap().clone();
    anna.submit("/account/confirm", &[("code", &code), ("back", "/credentials"), ("again", "1")])
        .await;
    anna.is_at(303, "/credentials");
    assert!(!anna.cookies.contains(&old), "the session goes on under a new token");
    anna.go("/credentials").await;
    let wrong = anna.submit("/credentials", &[("system_id", "a b")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("href=\"#system_id\""), "{}", wrong.text);
    let made = anna.submit("/credentials", &[("system_id", "acme9"), ("addresses", "")]).await;
    assert_eq!((made.status, made.header("cache-control")), (200, "no-store"), "{}", made.text);
    assert_eq!(anna.secret().len(), 8);
    assert!(world.app.gateway.catalog().credential("acme9").is_some(), "it may bind at once");
    assert!(anna.go("/credentials").await.text.contains("acme9"));

    anna.go("/keys").await;
    assert_eq!(anna.submit("/keys", &[("days", "9999")]).await.status, 422);
    anna.submit("/keys", &[("days", "30")]).await;
    let key = anna.secret();
    assert_eq!(world.send(post(&key, &hello(), &[])).await.status, 202);
    let list = anna.go("/keys").await.text.clone();
    let prefixes: Vec<&str> = list.split("href=\"/keys/").skip(1).collect();
    let name = prefixes.iter().map(|rest| rest.split('"').next().unwrap());
    let name = name.max_by_key(|name| usize::from(key.contains(name))).unwrap();
    assert_eq!(anna.go(&format!("/keys/{name}")).await.status, 200);
    let rotated = anna.submit(&format!("/keys/{name}/rotate"), &[]).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    let newer = anna.secret();
    assert_ne!(newer, key);
    assert_eq!(world.send(post(&key, &hello(), &[])).await.status, 202, "both work for a while");
    anna.go(&format!("/keys/{name}")).await;
    anna.submit(&format!("/keys/{name}/revoke"), &[]).await;
    anna.is_at(303, "/keys");
    assert_eq!(world.send(post(&key, &hello(), &[])).await.status, 401);
    assert_eq!(world.send(post(&newer, &hello(), &[])).await.status, 202);
}

#[tokio::test]
async fn a_forgotten_password_is_answered_alike_for_everybody() {
    let world = world().await;
    let mut anna = Browser::new(&world);
    let path = world.invited(Some("acme"), "viewer").await;
    anna.enrol(&path).await;
    let mut visitor = Browser::new(&world);
    let mut answers = Vec::new();
    for mail in ["viewer@acme.example", "nobody@acme.example"] {
        visitor.go("/reset").await;
        let page = visitor.submit("/reset", &[("mail", mail)]).await;
        assert_eq!(page.status, 200);
        answers.push(
            page.text.split("<main").nth(1).unwrap().split("</main>").next().unwrap().to_owned(),
        );
    }
    assert_eq!(answers[0], answers[1]);
    for path in ["/reset/none", "/invitation/none"] {
        let dead = visitor.go(path).await;
        assert!(dead.status == 410 && dead.text.contains("This link does not work"));
    }
}

#[tokio::test]
async fn the_page_of_an_smpp_account_hides_no_limit() {
    let world = world().await;
    let mut anna = Browser::new(&world);
    let path = world.invited(Some("acme"), "developer").await;
    anna.enrol(&path).await;
    let limits = world.app.gateway.catalog().partner_named("acme").unwrap().limits.clone();
    anna.go("/credentials").await;
    anna.submit("/credentials", &[("system_id", "acme9"), ("addresses", "")]).await;
    let page = anna.go("/credentials/acme9").await.text.clone();
    for (name, limit) in [
        ("Messages not yet final", limits.backlog_max),
        ("Texts and receipts that may wait", limits.waiting_max),
        ("At once after a pause", u64::from(limits.burst)),
    ] {
        let row = page.split(name).nth(1).unwrap_or_else(|| panic!("no {name}: {page}"));
        assert!(row[..200.min(row.len())].contains(&limit.to_string()), "{name}: {row}");
    }
    assert!(page.contains("Messages a second"), "{page}");
}

#[tokio::test]
async fn no_form_of_accounts_is_taken_without_its_token() {
    let world = world().await;
    let mut anna = Browser::new(&world);
    let path = world.invited(Some("acme"), "admin").await;
    anna.enrol(&path).await;
    for path in [
        "/login",
        "/logout",
        "/invitation/x",
        "/reset",
        "/reset/x",
        "/account",
        "/account/confirm",
        "/account/password",
        "/account/second-factor",
        "/account/recovery-codes",
        "/sessions/end",
        "/sessions/end-others",
        "/people/new",
        "/people/1/role",
        "/people/1/disable",
        "/people/1/enable",
        "/people/1/unlock",
        "/people/1/send-link",
        "/people/1/remove-second-factor",
        "/people/1/end-sessions",
        "/credentials",
        "/credentials/acme1/rotate",
        "/credentials/acme1/revoke",
        "/keys",
        "/keys/bk_1/rotate",
        "/keys/bk_1/revoke",
    ] {
        anna.send(Method::POST, path, "code=123456".to_owned()).await;
        assert_eq!(anna.page.status, 403, "{path}");
        assert!(anna.page.text.contains("foreign_page"), "{path}");
    }
    assert_eq!(anna.go("/home").await.status, 200, "nothing of it happened");
}

#[tokio::test]
async fn everybody_changes_the_own_account() {
    let world = world().await;
    let mut anna = Browser::new(&world);
    let path = world.invited(None, "support").await;
    anna.enrol(&path).await;
    let page = anna.go("/account").await;
    assert!(page.text.contains("support@acme.example") && page.text.contains("href=\"/sessions\""));
    anna.submit("/account", &[("language", "pl"), ("theme", "dark")]).await;
    anna.is_at(303, "/account");
    let page = anna.go("/account").await;
    assert!(page.text.contains("<html lang=\"pl\" data-theme=\"dark\">"), "{}", page.text);
    anna.go("/account/password").await;
    let new = [("old_password", "no"), ("password", "jeziora tramwaj o swicie")];
    assert_eq!(anna.submit("/account/password", &new).await.status, 422);
    let new = [("old_password", PASSWORD), ("password", "jeziora tramwaj o swicie")];
    anna.submit("/account/password", &new).await;
    anna.is_at(303, "/account");
    assert_eq!(anna.go("/sessions").await.status, 200, "this session goes on");
    anna.go("/account/recovery-codes").await;
    let codes = anna.submit("/account/recovery-codes", &[]).await;
    assert_eq!(codes.status, 200);
    assert!(codes.text.contains("id=\"codes\""));
}
