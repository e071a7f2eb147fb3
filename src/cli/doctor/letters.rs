//! Whether letters can leave, and agreements be written.

use super::Finding;
use crate::{
    cli::check,
    config::Config,
    mail::{Server, Templates},
};

/// The texts, and a connection to the mail server; no letter is sent.
pub(super) async fn of_mail(config: &Config) -> Vec<Finding> {
    let mail = config.resolved_mail();
    let texts = match Templates::load(mail.templates.as_deref()) {
        Ok(_) => Finding::ok("letters", "all texts are whole"),
        Err(wrong) => {
            let advice = "correct the files in `mail.templates`, or remove them to use the shipped";
            Finding::fail("letters", wrong.join("; "), advice)
        }
    };
    let shown = format!("{}:{}", mail.server, mail.port);
    let way = if mail.sink {
        let advice = "fine for tests; nobody gets a letter";
        Finding::warn("mail server", "the sink keeps letters in memory", advice)
    } else if mail.server.is_empty() {
        Finding::ok("mail server", "none is set; letters wait in the outbox")
    } else {
        let tried = match Server::new(mail) {
            Ok(server) => server.try_out().await,
            Err(error) => Err(format!("{error:#}")),
        };
        match tried {
            Ok(()) => Finding::ok("mail server", format!("{shown} takes us; no letter is sent")),
            Err(why) => Finding::fail(
                "mail server",
                format!("{shown}: {why}"),
                "see `mail.server`, `port`, `security`, `ca_file`, and the account",
            ),
        }
    };
    vec![texts, way]
}

/// Whether agreements have what they need of the settings.
pub(super) fn of_agreements(config: &Config) -> Finding {
    match check::unset(config) {
        Ok(unset) if unset.is_empty() => {
            Finding::ok("agreements", "every setting of theirs is set")
        }
        Ok(unset) => Finding::warn(
            "agreements",
            format!("not set: {}", unset.join(", ")),
            "set them before companies apply; a text that needs one makes no document",
        ),
        Err(wrong) => {
            let advice = "correct these settings; `bramka run` refuses them";
            Finding::fail("agreements", wrong.join("; "), advice)
        }
    }
}
