//! Words that change what exists: a partner's habits, a credential's rights, a callback.

use clap::{ArgAction, Args, ValueEnum};

use super::business::Alphabet;

#[derive(Debug, Args)]
pub struct PartnerHabit {
    /// Its name, as `bramka partner list` shows it
    pub name: String,
    /// Message ids in hexadecimal instead of decimal
    #[arg(long, value_name = "BOOL")]
    pub hex_ids: Option<bool>,
    /// Texts longer than one part are split by the gateway
    #[arg(long, value_name = "BOOL")]
    pub splits_long: Option<bool>,
    /// Deliveries come as `data_sm` instead of `deliver_sm`
    #[arg(long, value_name = "BOOL")]
    pub takes_data_sm: Option<bool>,
    /// `ESME_RX_T_APPN` instead of `ESME_RSYSERR` while the gateway cannot work
    #[arg(long, value_name = "BOOL")]
    pub prefers_rx_t_appn: Option<bool>,
    /// A NUL at the end of its texts is no part of them
    #[arg(long, value_name = "BOOL")]
    pub strips_trailing_nul: Option<bool>,
    /// It knows TLVs of ours on sessions below 5.0: reasons of refusals, ids of MO
    #[arg(long, value_name = "BOOL")]
    pub vendor_tlvs: Option<bool>,
    /// Time zone of the dates in receipts, such as `Europe/Warsaw` or `UTC`
    #[arg(long, value_name = "ZONE")]
    pub receipt_zone: Option<String>,
    /// Dates in receipts have seconds: 12 digits instead of 10
    #[arg(long, value_name = "BOOL")]
    pub receipt_seconds: Option<bool>,
    /// What `data_coding` 0 means to it
    #[arg(long, value_enum)]
    pub alphabet: Option<Alphabet>,
}

#[derive(Debug, Args)]
pub struct CredentialSet {
    /// Its name, as `bramka credential list` shows it
    pub system_id: String,
    /// Where it is called while something waits for it: `HOST:PORT`, or `none`
    #[arg(long, value_name = "HOST:PORT")]
    pub outbind: Option<String>,
    /// Whether it may ask for receipts
    #[arg(long, value_name = "BOOL")]
    pub receipts: Option<bool>,
    /// `service_type` values it may use, with commas; empty allows all
    #[arg(long, value_name = "WORDS", action = ArgAction::Set, value_delimiter = ',', num_args = 0..=1)]
    pub service_types: Option<Vec<String>>,
    /// What it may bind as, with commas
    #[arg(long, value_enum, value_delimiter = ',')]
    pub kinds: Option<Vec<Kind>>,
    /// Requests of ours before its first answer
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub window: Option<u32>,
    /// Octets of its largest PDU
    #[arg(long, value_parser = clap::value_parser!(u32).range(1024..=1_000_000))]
    pub pdu_octets: Option<u32>,
    /// Sessions at once, of each kind of bind
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub binds_max: Option<u32>,
}

/// Both make a transceiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// It submits
    Transmitter,
    /// It takes deliveries
    Receiver,
}

#[derive(Debug, Args)]
pub struct ServiceCallback {
    /// Its name, as `bramka service list` shows it
    pub name: String,
    /// Needed where two partners have a service of this name
    #[arg(long)]
    pub partner: Option<String>,
    /// Deliveries go to this address from the next try on
    #[arg(long)]
    pub url: Option<String>,
    /// Let deliveries flow again
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
    /// Hold deliveries back
    #[arg(long)]
    pub disable: bool,
    /// Sign with a new secret, shown once; the one before it signs too until the next change
    #[arg(long)]
    pub new_secret: bool,
}
