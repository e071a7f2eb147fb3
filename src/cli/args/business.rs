//! Words about partners and what is agreed with them; all of it is in the database.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;

use super::changes::{CredentialSet, PartnerHabit, ServiceCallback};

#[derive(Debug, Subcommand)]
pub enum PartnerCommand {
    /// Add a partner; it can do nothing before it has a credential or a key
    #[command(after_help = "Example:\n  bramka partner add acme --rate 50")]
    Add(PartnerAdd),
    /// All partners
    #[command(after_help = "Example:\n  bramka partner list --json | jq -r '.[].name'")]
    List,
    /// One partner with its limits, credentials, keys and services
    #[command(after_help = "Example:\n  bramka partner show acme --json")]
    Show {
        /// Its name, as `bramka partner list` shows it
        name: String,
    },
    /// Keep a partner out; what it sent already stays where it is
    #[command(after_help = "Sessions that are bound stay bound: see `bramka bind kick`.\n\n\
                            Example:\n  bramka partner disable acme")]
    Disable {
        /// Its name, as `bramka partner list` shows it
        name: String,
    },
    /// Let a partner in again
    #[command(after_help = "Example:\n  bramka partner enable acme")]
    Enable {
        /// Its name, as `bramka partner list` shows it
        name: String,
    },
    /// Change limits and habits of a partner; what is not named stays
    #[command(after_help = "Example:\n  bramka partner limits acme --rate 100 --burst 200")]
    Limits(PartnerLimits),
    /// Change how a partner's software likes things; what is not named stays
    #[command(after_help = "Bound sessions keep what they were bound with.\n\nExamples:\n  \
                            bramka partner habit acme --hex-ids true\n  bramka partner habit acme \
                            --receipt-zone UTC --receipt-seconds true --alphabet latin1")]
    Habit(PartnerHabit),
    /// Let a partner send under a name
    #[command(after_help = "Example:\n  bramka partner sender acme ACME")]
    Sender {
        /// Its name, as `bramka partner list` shows it
        name: String,
        /// At most 11 letters and digits, as a telephone shows it
        text: String,
    },
}

#[derive(Debug, Args)]
pub struct PartnerAdd {
    /// Short and stable: it stands in metrics and commands
    pub name: String,
    /// Messages a second it may submit; 0 is no limit [default: `limits.partner_rate`]
    #[arg(long)]
    pub rate: Option<u32>,
    /// Messages it may send at once after a pause [default: twice the rate]
    #[arg(long)]
    pub burst: Option<u32>,
    /// Messages accepted and not yet final; above it submits are refused [default:
    /// `limits.backlog_partner`]
    #[arg(long)]
    pub backlog_max: Option<u64>,
    /// Texts and receipts that may wait for it [default: `limits.backlog_mo`]
    #[arg(long)]
    pub waiting_max: Option<u64>,
}

#[derive(Debug, Args)]
pub struct PartnerLimits {
    /// Its name, as `bramka partner list` shows it
    pub name: String,
    /// Messages a second it may submit; 0 is no limit
    #[arg(long)]
    pub rate: Option<u32>,
    /// Messages it may send at once after a pause
    #[arg(long)]
    pub burst: Option<u32>,
    /// Messages accepted and not yet final
    #[arg(long)]
    pub backlog_max: Option<u64>,
    /// Texts and receipts that may wait for it
    #[arg(long)]
    pub waiting_max: Option<u64>,
    /// How it likes message ids
    #[arg(long, value_enum)]
    pub message_ids: Option<MessageIds>,
    /// Whether the gateway splits its long texts
    #[arg(long, value_name = "BOOL")]
    pub splits_long: Option<bool>,
    /// Whether it knows TLVs of our own on sessions below 5.0, as reasons of refusals are
    #[arg(long, value_name = "BOOL")]
    pub vendor_tlvs: Option<bool>,
    /// What `data_coding` 0 means to it
    #[arg(long, value_enum)]
    pub default_alphabet: Option<Alphabet>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum MessageIds {
    /// Digits only, as most software expects
    Decimal,
    /// Digits and `a` to `f`
    Hex,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Alphabet {
    /// GSM 03.38, one octet for each septet
    Gsm7,
    /// ISO 8859-1
    Latin1,
    /// ASCII
    Ia5,
}

impl Alphabet {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Latin1 => "latin1",
            Self::Ia5 => "ia5",
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum CredentialCommand {
    /// Add a `system_id`; its password is generated and shown once, or read
    #[command(after_help = "SMPP passwords have at most 8 octets. Without --address the account \
                            binds over TLS only.\n\nExamples:\n  bramka credential add acme1 \
                            --partner acme --address 192.0.2.0/24\n  pass show acme1 | bramka \
                            credential add acme1 --partner acme --password-file -")]
    Add(CredentialAdd),
    /// Give a `system_id` a new password; the old one works until the next rotation
    #[command(after_help = "Example:\n  bramka credential rotate acme1")]
    Rotate {
        /// Its name, as `bramka credential list` shows it
        system_id: String,
        /// File with the password, `-` for standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Change what a `system_id` may do; what is not named stays
    #[command(after_help = "Bound sessions keep what they were bound with.\n\nExamples:\n  \
                            bramka credential set acme1 --outbind esme.example.com:2775\n  bramka \
                            credential set acme1 --kinds transmitter,receiver --service-types \
                            CMT,VMN --window 20\n  bramka credential set acme1 --outbind none")]
    Set(CredentialSet),
    /// All of them; never a password
    #[command(after_help = "Example:\n  bramka credential list --partner acme")]
    List {
        /// Only those of one partner
        #[arg(long)]
        partner: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct CredentialAdd {
    /// At most 15 characters
    pub system_id: String,
    /// Whose account it is
    #[arg(long)]
    pub partner: String,
    /// Network from which it may bind; may be repeated
    #[arg(long = "address", value_name = "NETWORK")]
    pub addresses: Vec<ipnet::IpNet>,
    /// Never without TLS, whatever the address
    #[arg(long)]
    pub tls_only: bool,
    /// Sessions at once, of each kind of bind [default: `limits.partner_binds`]
    #[arg(long)]
    pub binds_max: Option<u32>,
    /// Requests of ours before its first answer
    #[arg(long, default_value_t = 10)]
    pub window: u32,
    /// Sender of a message that names none
    #[arg(long)]
    pub default_sender: Option<String>,
    /// File with the password, `-` for standard input; generated without it
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make an API key; it is shown once
    #[command(after_help = "Example:\n  bramka key add --partner acme --days 365")]
    Add {
        /// Whose key it is
        #[arg(long)]
        partner: String,
        /// Days until it expires; 0 is never
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(0..=36_500))]
        days: u32,
    },
    /// All keys by their public first part
    #[command(after_help = "Example:\n  bramka key list --partner acme")]
    List {
        /// Only those of one partner
        #[arg(long)]
        partner: Option<String>,
    },
    /// End a key at once
    #[command(after_help = "Example:\n  bramka key revoke bk_3f9a02c4d1")]
    Revoke {
        /// The first part of the key, as `bramka key list` shows it
        prefix: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum TariffCommand {
    /// Add a tariff, or a version of one that holds from a later date
    #[command(after_help = "The published gross is said, not computed: it is not always net with \
                            VAT, rounded.\n\nExample:\n  bramka tariff add T4 --net 4.00 --vat 23 \
                            --gross 4.92 --from 2026-01-01T00:00:00+01:00")]
    Add(TariffAdd),
    /// All versions of all tariffs
    #[command(after_help = "Example:\n  bramka tariff list")]
    List,
}

#[derive(Debug, Args)]
pub struct TariffAdd {
    /// What partners and links call it
    pub code: String,
    /// What the partner's share is computed from, such as 4.00
    #[arg(long)]
    pub net: String,
    /// VAT in percent, such as 23
    #[arg(long, default_value = "23")]
    pub vat: String,
    /// What the subscriber pays, such as 4.92
    #[arg(long)]
    pub gross: String,
    /// Moment from which it holds; now without it
    #[arg(long, value_name = "TIMESTAMP")]
    pub from: Option<jiff::Timestamp>,
    /// ISO 4217
    #[arg(long, default_value = "PLN")]
    pub currency: String,
}

#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Add a service with its keywords
    #[command(after_help = "Examples:\n  bramka service add win --partner acme --number 7455 \
                            --keyword WIN --billing mt --tariff T4 --link-group main\n  bramka \
                            service add chat --partner acme --number 7455 --keyword CHAT \
                            --billing mo --tariff T4 --link-group main --callback-url \
                            https://example.com/mo\n  bramka service add horo --partner acme \
                            --number 7455 --keyword HORO --billing mt --tariff T4 --link-group \
                            main --help-text \"Horoskop codziennie, 4,92 zl za SMS.\" --stop-text \
                            \"Usluga wylaczona.\" --contact \"225554433, pomoc@acme.pl\" \
                            --rules-url https://acme.pl/horo")]
    Add(Box<ServiceAdd>),
    /// All services
    #[command(after_help = "Example:\n  bramka service list --partner acme")]
    List {
        /// Only those of one partner
        #[arg(long)]
        partner: Option<String>,
    },
    /// Set the state of a service
    #[command(after_help = "Example:\n  bramka service state win live --partner acme")]
    State {
        /// Its name, as `bramka service list` shows it
        name: String,
        /// testing serves test numbers only; closed is for good
        #[arg(value_parser = ["testing", "live", "suspended", "closed"])]
        state: String,
        /// Whose service it is
        #[arg(long)]
        partner: String,
    },
    /// Change the callback of a service; what is not named stays
    #[command(after_help = "Examples:\n  bramka service callback chat --url \
                            https://example.com/mo\n  bramka service callback chat --new-secret\n  \
                            bramka service callback chat --enable")]
    Callback(ServiceCallback),
    /// The last 100 tries to reach the callback of a service, newest first
    #[command(after_help = "Example:\n  bramka service attempts chat --json | jq \
                            'map(select(.outcome != \"ok\"))'")]
    Attempts {
        /// Its name, as `bramka service list` shows it
        name: String,
        /// Needed where two partners have a service of this name
        #[arg(long)]
        partner: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct ServiceAdd {
    /// Short and stable; one partner has it once
    pub name: String,
    /// Whose service it is
    #[arg(long)]
    pub partner: String,
    /// Short code
    #[arg(long)]
    pub number: String,
    /// First word of a text; `*` takes every other text; may be repeated
    #[arg(long = "keyword")]
    pub keywords: Vec<String>,
    /// Which direction carries the price
    #[arg(long, value_parser = ["free", "mo", "mt"])]
    pub billing: String,
    /// Tariff of this service
    #[arg(long)]
    pub tariff: Option<String>,
    /// Tariffs that a submit may name instead; may be repeated
    #[arg(long = "tariff-allowed")]
    pub tariffs_allowed: Vec<String>,
    /// Links that carry its messages
    #[arg(long)]
    pub link_group: String,
    /// testing serves test numbers only
    #[arg(long, default_value = "testing", value_parser = ["testing", "live", "suspended", "closed"])]
    pub state: String,
    /// Texts go to this address over HTTPS instead of SMPP; its secret is shown once
    #[arg(long, value_name = "URL")]
    pub callback_url: Option<String>,
    /// What happens to an uncharged message whose outcome is unknown
    #[arg(long, default_value = "resend", value_parser = ["resend", "park"])]
    pub on_unknown: String,
    /// Which move leaves the charge
    #[arg(long, default_value = "delivered", value_parser = ["submitted", "delivered"])]
    pub charge_at: String,
    /// Charged messages for one subscriber in a minute; 0 is no limit [default:
    /// `limits.subscriber_charges_minute`]
    #[arg(long)]
    pub charges_per_minute: Option<u32>,
    /// Charged messages for one subscriber in a day; 0 is no limit [default:
    /// `limits.subscriber_charges_day`]
    #[arg(long)]
    pub charges_per_day: Option<u32>,
    /// Money of one subscriber in a day, such as 30.00
    #[arg(long, default_value = "0")]
    pub spend_per_day: String,
    /// Longest life of a message in seconds; 0 is the gateway's own limit
    #[arg(long, default_value_t = 0)]
    pub validity_max_seconds: u32,
    /// Subscriber served while in limited production; may be repeated
    #[arg(long = "test-number")]
    pub test_numbers: Vec<String>,
    #[command(flatten)]
    pub standard: StandardArgs,
}

/// What the gateway answers by itself to POMOC, INFO and STOP; all of them or none.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StandardArgs {
    /// Answer to POMOC and HELP, in one message; a subscription needs it and the next three
    #[arg(long, value_name = "TEXT")]
    pub help_text: Option<String>,
    /// Answer to STOP, in one message; after it nothing is sent to that subscriber
    #[arg(long, value_name = "TEXT")]
    pub stop_text: Option<String>,
    /// Telephone number and mail address for subscribers, as INFO tells them
    #[arg(long, value_name = "TEXT")]
    pub contact: Option<String>,
    /// Address of the rules, as INFO tells it
    #[arg(long, value_name = "URL")]
    pub rules_url: Option<String>,
}
