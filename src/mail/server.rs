//! The mail server: a connection to it, and what its answers mean.
//!
//! Steps are taken one by one, because the same code means another thing at another step. What
//! surprises: a 535 to our password is a trouble of ours and puts letters off; only what the
//! server says of a recipient or of the letter itself ends a letter.

use std::{borrow::Cow, time::Duration};

use anyhow::Context as _;
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
    commands::{Data, Mail, Rcpt},
    extension::ClientId,
    response::Response,
};
use tokio::time::timeout;

use super::letter::Composed;
use crate::config::{self, MailSecurity};

/// Contents take longer than a command. [RFC 5321 s4.5.3.2.6]
const CONTENTS: u32 = 5;

/// How to reach the server.
#[derive(Clone)]
pub struct Server {
    settings: config::Mail,
    tls: Option<TlsParameters>,
    hello: ClientId,
}

/// What became of one letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The server has it; these are its words.
    Sent(String),
    /// The server wants neither it nor a repeat.
    Bounced(String),
    Later(String),
}

/// A connection that is ready for letters.
pub(super) struct Line {
    connection: AsyncSmtpConnection,
    step: Duration,
}

impl Server {
    /// Reads the certificates; `settings` name files where they really are.
    pub fn new(settings: config::Mail) -> anyhow::Result<Self> {
        let tls = if settings.security == MailSecurity::InsecurePlain {
            None
        } else {
            let mut builder = TlsParameters::builder(settings.server.clone());
            if let Some(file) = &settings.ca_file {
                let pem = std::fs::read(file)
                    .with_context(|| format!("mail.ca_file `{}`", file.display()))?;
                let authority = Certificate::from_pem(&pem)
                    .with_context(|| format!("mail.ca_file `{}`", file.display()))?;
                // Only this one: the system's list would make it pointless.
                builder = builder
                    .certificate_store(CertificateStore::None)
                    .add_root_certificate(authority);
            }
            Some(builder.build_rustls().context("TLS of the mail server")?)
        };
        Ok(Self { settings, tls, hello: ClientId::default() })
    }

    /// Connects, protects the connection and logs in. The error says what did not work.
    pub(super) async fn connect(&self) -> Result<Line, String> {
        let step = self.settings.timeout;
        // Several exchanges, each of which the server may take its time for.
        let whole = step.saturating_mul(3);
        match timeout(whole, self.try_connect(step)).await {
            Ok(Ok(connection)) => Ok(Line { connection, step }),
            Ok(Err(error)) => Err(words(&error)),
            Err(_) => Err(format!("no answer in {} s", whole.as_secs())),
        }
    }

    async fn try_connect(&self, step: Duration) -> Result<AsyncSmtpConnection, Error> {
        let address = (self.settings.server.as_str(), self.settings.port);
        let at_once = (self.settings.security == MailSecurity::Tls).then(|| self.tls.clone());
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            address,
            Some(step),
            &self.hello,
            at_once.flatten(),
            None,
        )
        .await?;
        if self.settings.security == MailSecurity::StartTls
            && let Some(tls) = &self.tls
        {
            // Fails where the server does not offer it: nothing is ever sent in the clear instead.
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if !self.settings.user.is_empty() {
            let password = self.settings.password_file.fresh();
            let account =
                Credentials::new(self.settings.user.clone(), password.reveal().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &account).await?;
        }
        Ok(connection)
    }

    /// Connects and goes away again, for `doctor`.
    pub async fn try_out(&self) -> Result<(), String> {
        let line = self.connect().await?;
        line.hang_up().await;
        Ok(())
    }
}

/// Where a refusal came.
#[derive(Clone, Copy)]
enum Step {
    /// About us or about the server.
    Ours,
    /// About the recipient or the letter.
    Letters,
}

impl Line {
    /// Hands one letter over. Afterwards the line is good for another one only if it is given back.
    pub(super) async fn send(mut self, letter: &Composed) -> (Outcome, Option<Self>) {
        let outcome = match self.exchange(letter).await {
            Ok(words) => Outcome::Sent(words),
            Err(outcome) => {
                // What was refused leaves a transaction open: the next letter gets another line.
                self.hang_up().await;
                return (outcome, None);
            }
        };
        (outcome, Some(self))
    }

    async fn exchange(&mut self, letter: &Composed) -> Result<String, Outcome> {
        let step = self.step;
        let mail = Mail::new(Some(letter.from.clone()), Vec::new());
        settled(timeout(step, self.connection.command(mail)).await, Step::Ours)?;
        let rcpt = Rcpt::new(letter.to.clone(), Vec::new());
        settled(timeout(step, self.connection.command(rcpt)).await, Step::Letters)?;
        settled(timeout(step, self.connection.command(Data)).await, Step::Letters)?;
        let contents = timeout(step * CONTENTS, self.connection.message(&letter.octets)).await;
        let response = settled(contents, Step::Letters)?;
        Ok(said(&response))
    }

    /// Whether the server is still there.
    pub(super) async fn is_alive(&mut self) -> bool {
        timeout(self.step, self.connection.test_connected()).await.unwrap_or(false)
    }

    pub(super) async fn hang_up(mut self) {
        // Whatever the server says to that is of no interest.
        drop(timeout(Duration::from_secs(2), self.connection.abort()).await);
    }
}

fn settled(
    answer: Result<Result<Response, Error>, tokio::time::error::Elapsed>,
    step: Step,
) -> Result<Response, Outcome> {
    match answer {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) if matches!(step, Step::Letters) && ends_a_letter(&error) => {
            Err(Outcome::Bounced(words(&error)))
        }
        Ok(Err(error)) => Err(Outcome::Later(words(&error))),
        // Perhaps it was taken all the same: then the repeat has the same Message-ID.
        Err(_) => Err(Outcome::Later("the server did not answer in time".into())),
    }
}

/// 5yz, but for what says that we were misunderstood or are not logged in.
fn ends_a_letter(error: &Error) -> bool {
    let code = error.status().map_or(0, u16::from);
    error.is_permanent() && !matches!(code, 500..=504 | 530 | 534 | 535 | 538)
}

fn said(response: &Response) -> String {
    let words: Vec<Cow<'_, str>> = response.message().map(Cow::from).collect();
    format!("{} {}", response.code(), words.join(" "))
}

/// The error with its causes, which lettre keeps to itself otherwise.
fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
