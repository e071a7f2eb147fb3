//! Words about numbers: short codes, barred subscribers, the base and its reservations.
//!
//! What surprises: `list` shows what services use, `find` what the base has; a short code that was
//! added by hand is in the first only.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum NumberCommand {
    /// Add short codes
    #[command(after_help = "Example:\n  bramka number add 7455 92505")]
    Add {
        /// 3 to 8 digits each
        #[arg(required = true)]
        digits: Vec<String>,
    },
    /// Send nothing more to a subscriber, whichever partner asks
    #[command(after_help = "Example:\n  bramka number bar 48600100200 --reason 'premium barred, \
                            ticket 4711'")]
    Bar {
        /// In international form, without a plus
        msisdn: String,
        /// What you know, and from where
        #[arg(long, default_value = "barred at the command line")]
        reason: String,
    },
    /// All short codes and how much uses them
    #[command(after_help = "Example:\n  bramka number list")]
    List,
    /// Take a pool of numbers into the base, and name every row that is refused
    #[command(after_help = "The first line names the columns: digits, and if wanted to, class, \
                            shared, pool, net. The same file may be read again.\n\nExample:\n  \
                            bramka number import pool.csv --trial")]
    Import {
        /// A CSV file
        file: PathBuf,
        /// Only say what would become of each row
        #[arg(long)]
        trial: bool,
    },
    /// Look for numbers of the base by digits, pattern, class and state
    #[command(after_help = "Example:\n  bramka number find --pattern '*77' --state free")]
    Find(NumberFind),
    /// Who holds or orders which number or keyword
    #[command(after_help = "Example:\n  bramka number reservations --state ordered")]
    Reservations {
        /// One state; without it all that are live
        #[arg(long, value_parser = ["reserved", "ordered", "active", "suspended", "quarantined", "free"])]
        state: Option<String>,
        /// Only those of this partner, by its name
        #[arg(long)]
        partner: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct NumberFind {
    /// Digits that it has, or a pattern such as *77 or 7?7?
    #[arg(long)]
    pub pattern: Option<String>,
    /// A class of the plan, such as `premium_sms`
    #[arg(long)]
    pub class: Option<String>,
    /// Where it stands in its life
    #[arg(long, value_parser = ["free", "reserved", "ordered", "active", "suspended", "quarantined", "withdrawn"])]
    pub state: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
}
