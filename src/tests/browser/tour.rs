//! Every page behind the log-in that needs no story of its own, looked at once.

use super::driver::Human;

/// What an administrator of a partner can open.
pub(super) async fn of_partner(admin: &Human<'_>) {
    let pages = [
        ("partner-home", "/home"),
        ("partner-people", "/people"),
        ("partner-people-none", "/people?q=nobody"),
        ("partner-new-person", "/people/new"),
        ("partner-person", "/people/3"),
        ("partner-company", "/company"),
        ("partner-agreements", "/agreements"),
        ("partner-agreement", "/agreements/2"),
        ("partner-terms", "/terms"),
        ("partner-credentials", "/credentials"),
        ("partner-keys", "/keys"),
        ("partner-account", "/account"),
        ("partner-password", "/account/password"),
        ("partner-confirm", "/account/confirm"),
        ("partner-second-factor", "/account/second-factor"),
        ("partner-recovery-codes", "/account/recovery-codes"),
        ("partner-sessions", "/sessions"),
    ];
    for (name, path) in pages {
        admin.look_at(name, path).await;
    }
}

/// What an administrator of the operator can open.
pub(super) async fn of_operator(desk: &Human<'_>) {
    let pages = [
        ("operator-home", "/home"),
        ("operator-desk", "/desk"),
        ("operator-applications", "/applications"),
        ("operator-partners", "/partners"),
        ("operator-agreements", "/agreements"),
        ("operator-terms", "/terms"),
        ("operator-people", "/people"),
        ("operator-new-person", "/people/new"),
        ("operator-audit", "/audit"),
        ("operator-letters", "/mails"),
        ("operator-letter", "/mails/1"),
        ("operator-account", "/account"),
        ("operator-sessions", "/sessions"),
    ];
    for (name, path) in pages {
        desk.look_at(name, path).await;
    }
}
