//! Makes the message of a letter: headers, both bodies, attachments.
//!
//! What surprises: the Message-ID is made from the letter's id, so that a copy that is sent after
//! a lost answer has the same one, and mailboxes that compare them show it once.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use lettre::{
    Address, Message,
    message::{
        Attachment as Part, Mailbox, MultiPart,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
};

use super::render::Rendered;
use crate::{config, store::Letter};

/// A file that goes with a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    pub media_type: String,
    pub octets: Vec<u8>,
}

/// Why a file cannot go with its letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAttachment {
    /// It will not be there later either.
    #[error("the file is gone")]
    Gone,
    /// The store does not answer now.
    #[error("{0}")]
    Later(String),
}

/// Fetches a file by its id.
pub type Attachments =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<Attachment, NoAttachment>> + Send + Sync>;

/// More files than this go with no letter.
pub(super) const ATTACHMENTS_MAX: usize = 20;
/// Stands in for the sender where only the sink takes letters.
const NOBODY: &str = "portal@bramka.invalid";
const NAME_MAX: usize = 120;

/// What stands at the head of all letters.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

/// A message, ready to be sent.
pub(super) struct Composed {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) octets: Vec<u8>,
}

/// `Auto-Submitted`: no machine shall answer, and none that keeps to it does. [RFC 3834 s5]
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Sender {
    pub(super) fn new(settings: &config::Mail, brand: &str) -> anyhow::Result<Self> {
        let mailbox = |text: &str| -> anyhow::Result<Mailbox> {
            let mut mailbox: Mailbox = text
                .parse()
                .map_err(|error| anyhow::anyhow!("`{text}` is no mail address: {error}"))?;
            if mailbox.name.is_none() {
                mailbox.name = Some(brand.to_owned());
            }
            Ok(mailbox)
        };
        let from = if settings.from.is_empty() { NOBODY } else { &settings.from };
        let reply_to = (!settings.reply_to.is_empty()).then(|| mailbox(&settings.reply_to));
        Ok(Self { from: mailbox(from)?, reply_to: reply_to.transpose()? })
    }

    /// The same id for the same letter, whenever and by whichever node it is made.
    pub(super) fn message_id(&self, letter: &Letter) -> String {
        format!("<letter.{}.{}@{}>", letter.id, letter.queued_at, self.from.email.domain())
    }

    /// Puts the message together. The error is about the letter, and no later try would help.
    pub(super) fn compose(
        &self,
        letter: &Letter,
        rendered: Rendered,
        attachments: Vec<Attachment>,
    ) -> Result<Composed, String> {
        let to: Address =
            letter.recipient.parse().map_err(|error| format!("no mail address: {error}"))?;
        if !letter.recipient.is_ascii() {
            return Err("the address has letters that not every server takes (SMTPUTF8)".into());
        }
        let name = clean(&letter.recipient_name);
        let name = (!name.is_empty()).then_some(name);
        let written = Duration::from_micros(u64::try_from(letter.queued_at).unwrap_or(0));
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(name, to.clone()))
            .subject(rendered.subject)
            .date(std::time::UNIX_EPOCH + written)
            .message_id(Some(self.message_id(letter)))
            .header(AutoSubmitted);
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        let bodies = MultiPart::alternative_plain_html(rendered.text, rendered.html);
        let whole = if attachments.is_empty() {
            bodies
        } else {
            let mixed = MultiPart::mixed().multipart(bodies);
            attachments.into_iter().fold(mixed, |mixed, one| {
                // Whatever is not known is handed over as octets.
                let media_type = ContentType::parse(&one.media_type)
                    .or_else(|_| ContentType::parse("application/octet-stream"))
                    .expect("octets are a media type");
                mixed.singlepart(Part::new(file_name(&one.name)).body(one.octets, media_type))
            })
        };
        let message = message.multipart(whole).map_err(|error| error.to_string())?;
        let from = self.from.email.clone();
        Ok(Composed { from, to, octets: message.formatted() })
    }
}

fn clean(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace());
    let joined = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    joined.chars().take(NAME_MAX).collect()
}

/// A name without a folder and without what no file system takes.
fn file_name(name: &str) -> String {
    let bare = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let bare: String = bare.chars().filter(|c| !"<>:\"|?*".contains(*c)).collect();
    let bare = clean(&bare);
    if bare.trim_matches('.').is_empty() { "file".to_owned() } else { bare }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::mail) fn letter() -> Letter {
        Letter {
            id: 7,
            recipient: "anna@zolw.example".into(),
            recipient_name: "Żaneta\r\nBcc: all@example.com".into(),
            language: "pl".into(),
            template: "account_disabled".into(),
            data: "{}".into(),
            attachments: String::new(),
            subject: "person:5".into(),
            attempt: 0,
            queued_at: 1_795_262_400_000_000,
            tried_from: 1_795_262_400_000_000,
        }
    }

    fn rendered() -> Rendered {
        Rendered {
            subject: "Zażółć gęślą jaźń".into(),
            text: ".\r\nZażółć\n".into(),
            html: "<p>Zażółć</p>".into(),
        }
    }

    fn sender(from: &str) -> Sender {
        Sender::new(&config::Mail { from: from.into(), ..config::Mail::default() }, "Bramka")
            .unwrap()
    }

    fn head(composed: &Composed) -> String {
        let text = String::from_utf8(composed.octets.clone()).unwrap();
        text.split_once("\r\n\r\n").unwrap().0.to_owned()
    }

    #[test]
    fn a_repeat_has_the_same_id_and_date_and_no_name_adds_a_header() {
        let sender = sender("portal@operator.example");
        let first = sender.compose(&letter(), rendered(), Vec::new()).unwrap();
        let again = Letter { attempt: 3, ..letter() };
        let again = sender.compose(&again, rendered(), Vec::new()).unwrap();
        let id = "Message-ID: <letter.7.1795262400000000@operator.example>\r\n";
        for message in [&first, &again] {
            let head = head(message);
            assert!(head.contains(id), "{head}");
            assert!(head.contains("Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"), "{head}");
            assert!(head.contains("Auto-Submitted: auto-generated\r\n"), "{head}");
            assert!(!head.to_lowercase().contains("\nbcc"), "{head}");
            assert!(head.is_ascii(), "{head}");
        }
    }

    #[test]
    fn the_sender_has_its_own_name_or_that_of_the_operator() {
        for (from, shown) in [
            ("portal@operator.example", "From: Bramka <portal@operator.example>\r\n"),
            ("Portal <portal@operator.example>", "From: Portal <portal@operator.example>\r\n"),
        ] {
            let composed = sender(from).compose(&letter(), rendered(), Vec::new()).unwrap();
            assert!(head(&composed).contains(shown), "{}", head(&composed));
        }
        let settings = config::Mail { from: "nobody".into(), ..config::Mail::default() };
        assert!(Sender::new(&settings, "Bramka").is_err());
    }

    #[test]
    fn an_address_that_is_none_ends_the_letter() {
        let sender = sender("portal@operator.example");
        for bad in ["", "anna", "a@b, c@d", "a@b.example\r\nRCPT TO:<c@d>", "żółw@zolw.example"]
        {
            let letter = Letter { recipient: bad.into(), ..letter() };
            assert!(sender.compose(&letter, rendered(), Vec::new()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_files_name_keeps_to_itself() {
        for (name, shown) in [
            ("Umowa ramowa.pdf", "Umowa ramowa.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.pdf", "a.pdf"),
            ("a\r\nContent-Type: text/html.pdf", "html.pdf"),
            ("a\"b.pdf", "ab.pdf"),
            ("..", "file"),
            ("", "file"),
        ] {
            assert_eq!(file_name(name), shown);
        }
    }
}
