//! Words about orders: what is open, and one with its steps and timeline.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum OrderCommand {
    /// Orders, the newest first; those that are open unless something else is asked
    #[command(after_help = "Examples:\n  bramka order list\n  bramka order list --all --kind \
                            service_launch --json")]
    List {
        /// Those that are over too
        #[arg(long)]
        all: bool,
        /// Only those of one kind
        #[arg(long, value_parser = ["number_activation", "number_release", "service_launch", "service_change", "service_closure"])]
        kind: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// One order with its items, its steps and what happened to it
    #[command(after_help = "Example:\n  bramka order show 12")]
    Show {
        /// Its number, with or without `Z-`
        id: String,
    },
}
