//! Words about complaints: what is open, and one with its timeline.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum ComplaintCommand {
    /// Complaints; those that are open, the least time left first, unless something else is asked
    #[command(after_help = "Examples:\n  bramka complaint list\n  bramka complaint list --all \
                            --state refused --json")]
    List {
        /// Those that are decided too, the newest first
        #[arg(long)]
        all: bool,
        /// Only those in one state
        #[arg(long, value_parser = ["received", "asked_partner", "answered", "accepted", "refused", "closed"])]
        state: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// One complaint with its messages, its charges and what happened to it
    #[command(after_help = "Example:\n  bramka complaint show 12")]
    Show {
        /// Its number, with or without `R-`
        id: String,
    },
}
