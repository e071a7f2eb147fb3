//! What can be typed. Only words and their meaning to a person; nothing is done here.
//!
//! What surprises: `--config` and `--json` stand before or after the command, as people expect.

mod business;
mod changes;
mod complaint;
mod document;
mod fault;
mod letters;
mod live;
mod number;
mod order;
mod people;
mod replay;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use business::{
    CredentialAdd, CredentialCommand, KeyCommand, MessageIds, PartnerAdd, PartnerCommand,
    PartnerLimits, ServiceAdd, ServiceCommand, StandardArgs, TariffAdd, TariffCommand,
};
pub use changes::{CredentialSet, Kind, PartnerHabit, ServiceCallback};
pub use complaint::ComplaintCommand;
pub use document::{DocumentCommand, Render};
pub use fault::FaultCommand;
pub use letters::{LetterLanguage, MailCommand};
pub use live::{
    AuditCommand, BindCommand, ClockCommand, FindArgs, LinkCommand, LogCommand, MessageCommand,
    PrivacyCommand, QueueCommand, ReceiptCommand, Top, TraceCommand, TrafficArgs, UnknownCommand,
};
pub use number::{NumberCommand, NumberFind};
pub use order::OrderCommand;
pub use people::{UserAdd, UserCommand};
pub use replay::{ReplayCommand, ReplayStartArgs};

/// Bramka: premium SMS and WAP partner gateway.
///
/// One program is both the daemon (`bramka run`) and every tool around it. Partners, numbers,
/// tariffs and services live in the database and may be changed while the daemon runs or is down;
/// links, binds and traces are asked of the running daemon over its control socket.
#[derive(Debug, Parser)]
#[command(
    name = "bramka",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes:\n  0  done\n  1  failed\n  2  a mistake in the command line or the \
                  configuration\n  3  not found\n  4  no daemon answers\n\nExamples:\n  \
                  bramka demo\n  bramka --config /etc/bramka/bramka.toml check\n  bramka seed \
                  acme.toml\n  bramka top"
)]
pub struct Cli {
    /// The configuration file; drop-ins are read from conf.d beside it
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BRAMKA_CONFIG",
        default_value = "/etc/bramka/bramka.toml"
    )]
    pub config: PathBuf,

    /// Write JSON instead of text: one document, or one a line where there is no end
    #[arg(long, global = true)]
    pub json: bool,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway until it is told to stop
    #[command(after_help = "SIGTERM stops it in order, a second SIGTERM faster; SIGHUP reloads \
                            what can be reloaded.\n\nExample:\n  bramka --config \
                            /etc/bramka/bramka.toml run")]
    Run {
        /// Die at once when standard input closes, for whoever started this and may be killed
        #[arg(long, hide = true)]
        die_with_stdin: bool,
    },
    /// Find every mistake in the configuration; opens nothing
    #[command(after_help = "Example:\n  bramka check --config new.toml && systemctl reload bramka")]
    Check,
    /// Bring the database's schema up to date
    #[command(after_help = "`bramka run` does the same at its start. Run it beforehand to see \
                            how long it takes.\n\nExample:\n  bramka migrate")]
    Migrate,
    /// Test what the gateway needs: store, disk, links and their habits, certificates, ports, clock
    #[command(after_help = "Every line that is not ok says what to do. Exit code 1 if something \
                            is broken.\n\nExample:\n  bramka doctor --json | jq '.[] | \
                            select(.result != \"ok\")'")]
    Doctor,
    /// Run a gateway with a pretended operator and partner, in a temporary folder
    #[command(after_help = "Nothing leaves this machine. Without --folder nothing is kept.\n\n\
                            Examples:\n  bramka demo\n  bramka demo --pull-plug    (from a \
                            second terminal)\n  bramka demo --seconds 20 --kills 10 --rate 200 \
                            --json")]
    Demo(Demo),
    /// One of the demo's processes besides the gateway; told what to do over standard input
    #[command(hide = true, after_help = "Nobody types this; `bramka demo` starts it.")]
    DemoPeer,
    /// The configuration in force, or a sample of every setting
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Companies that send and receive
    #[command(subcommand)]
    Partner(PartnerCommand),
    /// SMPP accounts: `system_id` and password
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// People who log in to the portal
    #[command(subcommand)]
    User(UserCommand),
    /// Short codes
    #[command(subcommand)]
    Number(NumberCommand),
    /// Prices, each with the date from which it holds
    #[command(subcommand)]
    Tariff(TariffCommand),
    /// Partners' products: a number, keywords, a tariff and a way of delivery
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Agreements: their texts, and how they look with values
    #[command(subcommand)]
    Document(DocumentCommand),
    /// Set up partners, numbers, tariffs and services from one file
    #[command(after_help = "What exists already is left as it is, so the same file may be read \
                            again.\n\nExample:\n  bramka seed acme.toml\n\nThe file:\n  numbers = \
                            [\"7455\"]\n\n  [[tariff]]\n  code = \"T4\"\n  net = \"4.00\"\n  gross \
                            = \"4.92\"\n  vat = \"23\"\n\n  [[partner]]\n  name = \"acme\"\n  rate \
                            = 50\n\n  [[partner.credential]]\n  system_id = \"acme1\"\n  \
                            password_file = \"acme1.password\"\n  addresses = \
                            [\"192.0.2.0/24\"]\n\n  [[service]]\n  partner = \"acme\"\n  name = \
                            \"win\"\n  number = \"7455\"\n  keywords = [\"WIN\"]\n  billing = \
                            \"mt\"\n  tariff = \"T4\"\n  link_group = \"main\"")]
    Seed {
        /// TOML file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// How the daemon is: ready, store, links, binds, queues
    #[command(after_help = "Example:\n  bramka status --json | jq .ready")]
    Status,
    /// Links and partners with their rates, refreshed
    Top(Top),
    /// What waits
    #[command(subcommand)]
    Queue(QueueCommand),
    /// One message and its history
    #[command(subcommand)]
    Message(MessageCommand),
    /// Links to SMSCs
    #[command(subcommand)]
    Link(LinkCommand),
    /// Partners' sessions
    #[command(subcommand)]
    Bind(BindCommand),
    /// PDUs of a session or link as they pass, without texts and passwords
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Messages whose fate nobody knows
    #[command(subcommand)]
    Unknown(UnknownCommand),
    /// What a partner was given, handed over to it again
    #[command(subcommand)]
    Replay(ReplayCommand),
    /// Receipts that no message claims, and those that were put aside
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// The trail of who did what
    #[command(subcommand)]
    Audit(AuditCommand),
    /// What a subscriber may ask for: a copy of what is known, and to be forgotten
    #[command(subcommand)]
    Privacy(PrivacyCommand),
    /// How much went through services, from the store; the last minute is not there yet
    #[command(after_help = "Examples:\n  bramka traffic\n  bramka traffic --step minute \
                            --partner acme --service win --json")]
    Traffic(TrafficArgs),
    /// What partners and the operator do together: activations, launches, changes, closures
    #[command(subcommand)]
    Order(OrderCommand),
    /// Fault reports of partners, and those that the gateway filed itself
    #[command(subcommand)]
    Fault(FaultCommand),
    /// Complaints of subscribers, and by when the law wants them answered
    #[command(subcommand)]
    Complaint(ComplaintCommand),
    /// Letters to applicants, partners and staff
    #[command(subcommand)]
    Mail(MailCommand),
    /// The machine's clock, as the daemon sees it
    #[command(subcommand)]
    Clock(ClockCommand),
    /// The daemon's log
    #[command(subcommand)]
    Log(LogCommand),
}

/// How the demo runs.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// Keep the data in this folder instead of a temporary one; it may be used again
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,

    /// Texts that subscribers send in a second
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub rate: u32,

    /// End by itself after so long
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: Option<u32>,

    /// Kill the gateway so often, at random moments of --seconds
    #[arg(long, value_name = "N", default_value_t = 0, requires = "seconds", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub kills: u32,

    /// Kill the gateway of the demo that runs already, and end
    #[arg(long, conflicts_with_all = ["seconds", "kills"])]
    pub pull_plug: bool,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Every value in force; secrets are named by their files, never shown
    #[command(after_help = "Example:\n  bramka config show --origin | grep -v '# default'")]
    Show {
        /// Say for each value where it was said
        #[arg(long)]
        origin: bool,
    },
    /// A file with every setting, its default and why it exists
    #[command(after_help = "Example:\n  bramka config sample > /etc/bramka/bramka.toml")]
    Sample,
}
