//! Words about letters.

use clap::{Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Letters, newest first
    #[command(after_help = "Example:\n  bramka mail list --state failed")]
    List {
        /// queued, sent, bounced or failed
        #[arg(long, value_parser = ["queued", "sent", "bounced", "failed"])]
        state: Option<String>,
        /// Only those about one thing, like application:12
        #[arg(long, conflicts_with = "state")]
        about: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// One letter; the text as long as it was not sent, one-time links masked
    #[command(after_help = "Example:\n  bramka mail show 12")]
    Show {
        /// From `bramka mail list`
        id: i64,
    },
    /// Send a letter again that failed or bounced, or at once one that waits
    #[command(after_help = "Example:\n  bramka mail retry 12")]
    Retry {
        /// From `bramka mail list`
        id: i64,
    },
    /// Say that a letter came back after the server had taken it
    #[command(after_help = "Example:\n  bramka mail bounced 12 --reason 'no such mailbox'")]
    Bounced {
        /// From `bramka mail list`
        id: i64,
        /// What the notice said
        #[arg(long)]
        reason: String,
    },
    /// Show what a letter looks like, made with pretended data
    #[command(after_help = "Example:\n  bramka mail preview application_accepted --language pl")]
    Preview {
        /// Name of the letter, as the files in `config/letters` are called
        template: String,
        /// Of the letter
        #[arg(long, value_enum, default_value_t = LetterLanguage::Pl)]
        language: LetterLanguage,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LetterLanguage {
    Pl,
    En,
}
