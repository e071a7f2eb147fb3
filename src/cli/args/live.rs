//! Words about what happens now: links, binds, queues, messages.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bramka top\n  bramka top --once --json")]
pub struct Top {
    /// Seconds between two looks
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
    /// Look once and end; what a pipe gets in any case
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Every lane: what waits, what is on its way, how old, and what holds it back
    #[command(after_help = "`limit` is what binds now: absent (nobody connected), window, rate, \
                            smsc_throttle, store, paused or none.\n\nExample:\n  bramka queue summary --json \
                            | jq 'map(select(.oldest_age_seconds > 60))'")]
    Summary {
        /// Empty lanes too
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// One message: state, parties, price; never its text
    #[command(after_help = "Example:\n  bramka message show 884930212345856")]
    Show {
        /// Our id of it, as receipts and the partner's answers have it
        id: i64,
        /// Show the subscriber's number whole; leaves a row in the audit trail
        #[arg(long)]
        reveal: bool,
    },
    /// Messages by what they are called, or by number, partner, state and time; the newest first
    #[command(after_help = "Examples:\n  bramka message find order-17\n  \
        bramka message find --number 48600100200 --from 2026-11-20T00:00:00Z\n  \
        bramka message find --partner acme --state expired --limit 200 --json")]
    Find(FindArgs),
    /// Everything that happened to one message, oldest first
    #[command(after_help = "Example:\n  bramka message trace 884930212345856")]
    Trace {
        /// Our id of it, as receipts and the partner's answers have it
        id: i64,
    },
    /// Hand a text or a receipt over to its partner once more
    ///
    /// For a partner that lost what it had answered with yes. It carries the same id, its
    /// `redelivery` is counted on, and nothing is charged again.
    #[command(after_help = "Example:\n  bramka message redeliver 884930212345856")]
    Redeliver {
        /// Our id of it, as receipts and the partner's answers have it
        id: i64,
    },
}

/// Which messages.
#[derive(Debug, clap::Args)]
pub struct FindArgs {
    /// An id of ours or of an SMSC, or the partner's own reference; no option counts beside it
    pub name: Option<String>,
    /// Subscriber's number, whole or with stars: 48600***200; it is shown masked
    #[arg(long)]
    pub number: Option<String>,
    /// Name of the partner
    #[arg(long)]
    pub partner: Option<String>,
    /// One state, such as submitted or expired
    #[arg(long)]
    pub state: Option<String>,
    /// To subscribers (mt) or from them (mo)
    #[arg(long, value_parser = ["mt", "mo"])]
    pub direction: Option<String>,
    /// Accepted at or after this moment, such as 2026-11-21T08:00:00Z
    #[arg(long)]
    pub from: Option<jiff::Timestamp>,
    /// Accepted before this moment
    #[arg(long)]
    pub until: Option<jiff::Timestamp>,
    /// Older than this message: the last id of the page before
    #[arg(long)]
    pub before: Option<i64>,
    /// Messages at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

#[derive(Debug, Subcommand)]
pub enum LinkCommand {
    /// All links and how they are
    #[command(after_help = "Example:\n  bramka link list --json | jq '.[] | {name, limit}'")]
    List,
    /// Let a link dial again
    #[command(after_help = "Example:\n  bramka link up north")]
    Up {
        /// Its name in the configuration
        name: String,
    },
    /// Take a link down in order; it stays down until told otherwise or restarted
    #[command(after_help = "Example:\n  bramka link down north")]
    Down {
        /// Its name in the configuration
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum BindCommand {
    /// All sessions of partners
    #[command(after_help = "Example:\n  bramka bind list --partner acme")]
    List {
        /// Only those of one partner
        #[arg(long)]
        partner: Option<String>,
    },
    /// Unbind one session; the partner may bind again at once
    #[command(after_help = "Example:\n  bramka bind kick 17 --reason 'asked by acme, ticket 4711'")]
    Kick {
        /// Number from `bramka bind list`
        id: u64,
        /// Goes to the log and to the audit trail
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum TraceCommand {
    /// A partner's session, until Ctrl-C
    #[command(after_help = "Example:\n  bramka trace session 17 --json | jq 'select(.status != \
                            \"ESME_ROK\")'")]
    Session {
        /// Number from `bramka bind list`
        id: u64,
    },
    /// A link, until Ctrl-C
    #[command(after_help = "Example:\n  bramka trace link north")]
    Link {
        /// Its name in the configuration
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum UnknownCommand {
    /// What needs a person, oldest first
    #[command(after_help = "Example:\n  bramka unknown list --state unknown")]
    List {
        /// unknown, held or quarantined
        #[arg(long, value_parser = ["unknown", "held", "quarantined"])]
        state: Option<String>,
        /// Messages shown at most
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
        limit: i64,
    },
    /// Say what became of a message; two people must say the same
    #[command(
        after_help = "The first person proposes, the second one runs the same command and it \
                            is done.\n`release` may charge the subscriber twice; `write-off` is \
                            final without a charge; `sent` means\nthat the operator's records show \
                            it. What is in quarantine is released\nor written off; an MO that was charged and is written off has its charge reversed.\n\nExample:\n  bramka unknown resolve 884930212345856 write-off \
                            --reason 'not in the CDRs of 21 November'"
    )]
    Resolve {
        /// Its id, as `bramka unknown list` shows it
        id: i64,
        /// What became of it, or is to become of it
        #[arg(value_enum)]
        outcome: Fate,
        /// What you know, and from where
        #[arg(long)]
        reason: String,
        /// On whose behalf, where several people share this account
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum ReceiptCommand {
    /// Orphans (no message is known under their id) and receipts in quarantine (they ended their
    /// partner's sessions), oldest first of each
    #[command(after_help = "Example:\n  bramka receipt list --json | jq 'map(select(.link == \
                            \"north\"))'")]
    List {
        /// How many of each at most
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
        limit: i64,
    },
    /// Try one again: match an orphan, or send one in quarantine to its partner
    #[command(after_help = "Example:\n  bramka receipt release 884930212345856")]
    Release {
        /// From `bramka receipt list`
        id: i64,
    },
    /// Give one up; its message stays as it is
    #[command(
        after_help = "Example:\n  bramka receipt drop 884930212345856 --reason 'a test of the \
                            operator, 21 November'"
    )]
    Drop {
        /// From `bramka receipt list`
        id: i64,
        /// Goes to the audit trail
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Fate {
    /// Send it (again)
    Release,
    /// Give it up, without a charge
    WriteOff,
    /// It was sent
    Sent,
}

impl Fate {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::WriteOff => "write-off",
            Self::Sent => "sent",
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Walk the whole chain; exit code 1 if a record was changed or removed
    #[command(after_help = "Example:\n  bramka audit verify")]
    Verify,
    /// The newest records
    #[command(after_help = "Example:\n  bramka audit list --limit 10")]
    List {
        /// Records shown at most
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
}

#[derive(Debug, Subcommand)]
pub enum PrivacyCommand {
    /// Everything that is known of a number, as one JSON document; leaves a row in the audit trail
    #[command(after_help = "Example:\n  bramka privacy export --msisdn 48600100200 > subject.json")]
    Export {
        /// The subscriber's number, with the country code
        #[arg(long)]
        msisdn: String,
    },
    /// Put a pseudonym in the place of a number everywhere, and erase its texts
    #[command(
        after_help = "Charges stay in the books, under the pseudonym. What is on its way, or \
                            younger than an hour, is left for a second run.\n\nExamples:\n  bramka \
                            privacy erase --msisdn 48600100200 --dry-run\n  bramka privacy erase \
                            --msisdn 48600100200 --confirm 48600100200"
    )]
    Erase {
        /// The subscriber's number, with the country code
        #[arg(long)]
        msisdn: String,
        /// The number once more: this cannot be undone
        #[arg(long, value_name = "MSISDN")]
        confirm: Option<String>,
        /// Only count what would be erased
        #[arg(long, conflicts_with = "confirm")]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum ClockCommand {
    /// Say that the clock is right: what waited after it jumped forward goes on at once
    #[command(after_help = "After a jump of more than five minutes forward nothing expires, is \
                            erased or sent at a planned time for ten minutes.\n\nExample:\n  \
                            timedatectl && bramka clock confirm")]
    Confirm,
}

#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Change what the daemon logs until it is reloaded or restarted
    #[command(after_help = "Example:\n  bramka log level info,bramka::smpp_server=debug")]
    Level {
        /// error, warn, info, debug or trace; perhaps for one module beside it
        level: String,
    },
}

/// Whose traffic, and how fine.
#[derive(Debug, clap::Args)]
pub struct TrafficArgs {
    /// How fine: minutes of the last hour, quarters of the last day, or the last 30 days
    #[arg(long, default_value = "quarter", value_parser = ["minute", "quarter", "day"])]
    pub step: String,
    /// Name of the partner
    #[arg(long)]
    pub partner: Option<String>,
    /// Name of a service: shows it step by step, and not the sums of all
    #[arg(long, requires = "partner")]
    pub service: Option<String>,
}
