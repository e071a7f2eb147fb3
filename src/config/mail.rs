//! `[mail]`: how letters leave.
//!
//! With neither a server nor the sink, letters wait in the outbox. The surprise: that is a valid
//! configuration, because a node that only carries traffic writes none.

use std::path::PathBuf;
use std::time::Duration;

use super::machine::{days, secs};
use super::range::{between, lasting, sized};
use super::scalar::words;
use super::secret::SecretFile;
use super::units::Size;
use super::walk::section;

words! {
    /// How the connection to the mail server is protected.
    pub enum MailSecurity {
        /// TLS from the first octet; port 465. [RFC 8314 s3.3]
        Tls = "tls",
        /// TLS after a greeting in the clear; a server that does not offer it gets no letter.
        StartTls = "starttls",
        /// Everything in the clear, the password too.
        InsecurePlain = "insecure_plain",
    }
}

section! {
    /// Letters to applicants, partners and staff.
    pub struct Mail {
        /// Host that takes letters; not set, they wait in the outbox.
        fixed server: String = String::new();
        /// 465 is for `"tls"`, 587 for `"starttls"`.
        fixed port: u16 = 587, between(1, 65_535);
        /// `"tls"`, `"starttls"` or, on a wire that nobody else can reach, `"insecure_plain"`.
        fixed security: MailSecurity = MailSecurity::StartTls;
        /// Authority for the server's certificate; empty trusts those of the system.
        fixed ca_file: Option<PathBuf> = None;
        /// Account at the server; empty logs in to none.
        fixed user: String = String::new();
        /// File with the account's password.
        fixed password_file: SecretFile = SecretFile::default();
        /// Sender of every letter: `portal@operator.example` or `Portal <portal@operator.example>`.
        fixed from: String = String::new();
        /// Where answers go; empty is the sender.
        fixed reply_to: String = String::new();
        /// Folder with texts of your own, named as in `config/letters`; what it lacks is as shipped.
        fixed templates: Option<PathBuf> = None;
        /// Time for the server to answer each step.
        fixed timeout: Duration = secs(60), lasting(secs(1), secs(600));
        /// Letters in a second at most.
        fixed rate: u32 = 5, between(1, 1000);
        /// Connections to the server at once.
        fixed connections: u32 = 2, between(1, 32);
        /// First pause after a failed try; each next one doubles, jittered.
        fixed retry_min: Duration = secs(30), lasting(secs(1), secs(3600));
        /// Longest pause between two tries.
        fixed retry_max: Duration = secs(4 * 3600), lasting(secs(1), secs(86_400));
        /// How long a letter is tried, by RFC 5321 4 to 5 days; one that waits longer has failed.
        fixed give_up_after: Duration = days(4), lasting(secs(60), days(30));
        /// How long the contents of a letter that failed are kept, so that it can be sent again.
        fixed keep_failed: Duration = days(14), lasting(secs(60), days(90));
        /// Octets of a letter's attachments.
        fixed attachment_octets_max: Size = Size::mib(15), sized(Size::kib(64), Size::mib(64));
        /// Keeps letters in memory instead of sending them, for tests and the demo.
        fixed sink: bool = false;
        /// Letters that the sink keeps; the oldest go first.
        fixed sink_letters: u32 = 200, between(1, 10_000);
    }
}

impl Mail {
    /// The address without the name, where it has one: `Portal <a@b>` and `a@b` are both `a@b`.
    pub(crate) fn bare(address: &str) -> &str {
        let inside = address.rsplit_once('<').map(|(_, rest)| rest.trim_end());
        inside.and_then(|rest| rest.strip_suffix('>')).unwrap_or(address).trim()
    }

    /// Roughly an address; the mail server is the judge of the rest.
    pub(crate) fn is_address(text: &str) -> bool {
        let is_clean = |part: &str| {
            !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "<>@,;\"".contains(c))
        };
        Self::bare(text)
            .rsplit_once('@')
            .is_some_and(|(user, host)| is_clean(user) && is_clean(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_name_before_it() {
        for (text, fits) in [
            ("portal@operator.example", true),
            ("Portal <portal@operator.example>", true),
            ("portal", false),
            ("portal@", false),
            ("@operator.example", false),
            ("a b@operator.example", false),
            ("a@x.example, b@x.example", false),
        ] {
            assert_eq!(Mail::is_address(text), fits, "{text}");
        }
        assert_eq!(Mail::bare("Portal <a@b.example> "), "a@b.example");
    }
}
