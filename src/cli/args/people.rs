//! Words about people who log in to the portal.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a person; prints the link under which it sets its password, once
    #[command(
        after_help = "A fresh gateway has nobody: the first administrator is made here. The \
                            link is shown once and not mailed, unless --send is given.\n\n\
                            Examples:\n  bramka user add --name \"Anna Nowak\" --mail \
                            anna@operator.example --role admin\n  bramka user add --name \"Jan \
                            Lis\" --mail jan@acme.example --role developer --partner acme --send"
    )]
    Add(UserAdd),
    /// The operator's staff, or a partner's people
    #[command(after_help = "Example:\n  bramka user list --partner acme")]
    List {
        /// People of this partner
        #[arg(long)]
        partner: Option<String>,
    },
    /// Keep a person out at once; all its sessions end
    #[command(after_help = "Example:\n  bramka user disable anna@operator.example")]
    Disable {
        /// The person's mail address
        mail: String,
    },
    /// Let a person in again
    #[command(after_help = "Example:\n  bramka user enable anna@operator.example")]
    Enable {
        /// The person's mail address
        mail: String,
    },
    /// Make a new link to set the password; prints it once
    #[command(
        after_help = "With --second-factor the lost authenticator is forgotten too: the next \
                            log-in sets a new one.\n\nExamples:\n  bramka user reset \
                            anna@operator.example\n  bramka user reset anna@operator.example \
                            --second-factor"
    )]
    Reset {
        /// The person's mail address
        mail: String,
        /// Forget the second factor and its recovery codes
        #[arg(long)]
        second_factor: bool,
    },
}

#[derive(Debug, Args)]
pub struct UserAdd {
    /// As it stands in the portal
    #[arg(long)]
    pub name: String,
    /// Where letters go, and the name at log-in
    #[arg(long)]
    pub mail: String,
    /// Staff: support, provisioning, finance, auditor, admin; with --partner: admin, developer,
    /// finance, viewer
    #[arg(long)]
    pub role: String,
    /// The partner the person belongs to; without it the person is the operator's staff
    #[arg(long)]
    pub partner: Option<String>,
    /// Language of pages and letters
    #[arg(long, default_value = "pl", value_parser = ["pl", "en"])]
    pub language: String,
    /// Mail the link instead of showing it
    #[arg(long)]
    pub send: bool,
}
