//! `[portal]`: how the portal is called, where it is found, how long people stay logged in.

use std::time::Duration;

use super::machine::secs;
use super::range::lasting;
use super::walk::section;

section! {
    /// What people see, and how long they stay logged in.
    pub struct Portal {
        /// Where people reach the portal, as in `https://partners.example.com`; stands in letters. Not set: links in letters are paths only.
        fixed address: String = String::new(), |text| is_address(text);
        /// The brand that pages and letters carry (R4.37).
        fixed brand_name: String = "Bramka".into(), |text| named(text);
        /// The company that signs; it may have another name than its brand (R4.37).
        fixed legal_name: String = "Bramka".into(), |text| named(text);
        /// A partner's person who does nothing for so long is logged out (S-09).
        fixed partner_idle: Duration = secs(1800), lasting(secs(60), secs(86_400));
        /// The longest session of a partner's person (S-09).
        fixed partner_session: Duration = secs(43_200), lasting(secs(300), secs(604_800));
        /// The operator's staff that does nothing for so long is logged out (S-09).
        fixed staff_idle: Duration = secs(900), lasting(secs(60), secs(86_400));
        /// The longest session of the operator's staff (S-09).
        fixed staff_session: Duration = secs(28_800), lasting(secs(300), secs(604_800));
        /// A fresh code opens what is sensitive for so long (S-10).
        fixed step_up: Duration = secs(300), lasting(secs(30), secs(3600));
        /// The link of an invitation works once, and so long (Q4.6).
        fixed invitation_valid: Duration = secs(604_800), lasting(secs(3600), secs(2_592_000));
        /// The link to a new password works once, and so long (S-06).
        fixed reset_valid: Duration = secs(1800), lasting(secs(300), secs(86_400));
    }
}

fn named(text: &str) -> Result<(), String> {
    let fits = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then_some(()).ok_or_else(|| "must be 1 to 100 characters on one line".to_owned())
}

/// Passwords travel there, so it is TLS, or this machine for a trial.
fn is_address(text: &str) -> Result<(), String> {
    let host = text.strip_prefix("https://").or_else(|| {
        let rest = text.strip_prefix("http://")?;
        let name = rest.split(':').next().unwrap_or_default();
        ["localhost", "127.0.0.1"].contains(&name).then_some(rest)
    });
    let is_good = |host: &str| {
        (1..=253).contains(&host.len())
            && host.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".-:[]".contains(&octet))
    };
    if text.is_empty() || host.is_some_and(is_good) {
        return Ok(());
    }
    Err("must be `https://` and a host, without a path".to_owned())
}

impl Portal {
    /// A path of the portal as it stands in a letter.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_in_letters_is_tls_or_this_machine() {
        for (text, is_good) in [
            ("", true),
            ("https://partners.example.com", true),
            ("https://partners.example.com:8443", true),
            ("http://127.0.0.1:8080", true),
            ("http://localhost", true),
            ("http://partners.example.com", false),
            ("https://partners.example.com/portal", false),
            ("https://a@b.example", false),
            ("https://", false),
            ("partners.example.com", false),
        ] {
            assert_eq!(is_address(text).is_ok(), is_good, "{text}");
        }
    }
}
