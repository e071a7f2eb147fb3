//! Words about faults: what is open, and one with its timeline.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum FaultCommand {
    /// Fault reports; those that are open, the worst first, unless something else is asked
    #[command(after_help = "Examples:\n  bramka fault list\n  bramka fault list --all --state \
                            closed --json")]
    List {
        /// Those that are over too, the newest first
        #[arg(long)]
        all: bool,
        /// Only those in one state
        #[arg(long, value_parser = ["acknowledged", "in_progress", "pending", "resolved", "closed", "rejected", "cancelled"])]
        state: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// One fault with what it names and what happened to it
    #[command(after_help = "Example:\n  bramka fault show 12")]
    Show {
        /// Its number, with or without `F-`
        id: String,
    },
}
