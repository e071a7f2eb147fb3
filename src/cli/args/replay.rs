//! Words about replays: what a partner was given, handed over to it again.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    /// Hand a window of texts and receipts over to their partner again, or count them first
    ///
    /// For a partner that lost what it had taken. Ids are the same, each is marked as a repeat, and
    /// nothing is charged again. A running daemon carries it out.
    #[command(after_help = "Examples:\n  bramka replay start --partner acme \
        --from 2026-11-22T10:00:00Z --until 2026-11-22T11:00:00Z --dry-run\n  \
        bramka replay start --partner acme --from 2026-11-22T10:00:00Z --kind mo --json")]
    Start(ReplayStartArgs),
    /// Replays, the newest first
    #[command(after_help = "Example:\n  bramka replay list --state running")]
    List {
        /// Only those of one partner
        #[arg(long)]
        partner: Option<String>,
        /// Only those in one state
        #[arg(long, value_parser = ["waiting", "running", "done", "stopped", "failed"])]
        state: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// One replay: its window, how far it is, and what it waits for
    #[command(after_help = "Example:\n  bramka replay show 17")]
    Show {
        /// Its number
        id: i64,
    },
    /// Stop one; what was handed over stays handed over
    #[command(after_help = "Example:\n  bramka replay stop 17")]
    Stop {
        /// Its number
        id: i64,
    },
}

/// Which messages.
#[derive(Debug, Args)]
pub struct ReplayStartArgs {
    /// Name of the partner
    #[arg(long)]
    pub partner: String,
    /// Accepted at or after this moment, such as 2026-11-22T10:00:00Z
    #[arg(long)]
    pub from: jiff::Timestamp,
    /// Accepted before this moment; until now if not given
    #[arg(long)]
    pub until: Option<jiff::Timestamp>,
    /// Name of one of its services; all of them if not given
    #[arg(long)]
    pub service: Option<String>,
    /// Texts of subscribers (mo) or receipts (receipt); both if not given
    #[arg(long, value_parser = ["mo", "receipt"])]
    pub kind: Vec<String>,
    /// Count, and start nothing
    #[arg(long)]
    pub dry_run: bool,
}
