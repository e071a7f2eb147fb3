//! The malware scanner: clamd over its socket, if the operator has one (S-53).
//!
//! It speaks `INSTREAM` and nothing else: each file is sent whole, nothing is shared through the
//! file system. What surprises: clamd closes the connection in the middle of a file that is larger
//! than its own limit, so a failed write may still have an answer waiting.

use std::{path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::config::{ScanWay, Uploads};

/// Of one piece; clamd takes any.
const PIECE: usize = 64 * 1024;

/// An answer is one line with a name in it.
const ANSWER_MAX: u64 = 1024;

/// Where the scanner is, and what holds while it is away.
#[derive(Debug, Clone)]
pub struct Scanner {
    place: Place,
    is_closed_without: bool,
    timeout: Duration,
}

#[derive(Debug, Clone)]
enum Place {
    Nowhere,
    Socket(PathBuf),
    Address(String),
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Clean,
    /// The scanner is away; the file is kept shut until it was scanned.
    Later,
    /// With the scanner's own name for it.
    Infected(String),
}

/// The scanner gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the malware scanner does not answer: {0}")]
pub struct ScanFault(pub String);

impl Scanner {
    /// Every file is as good as its looks.
    pub const fn none() -> Self {
        Self { place: Place::Nowhere, is_closed_without: false, timeout: Duration::from_secs(1) }
    }

    pub fn new(settings: &Uploads) -> Self {
        let place = match settings.clamd.as_str() {
            "" => Place::Nowhere,
            path if path.starts_with('/') => Place::Socket(path.into()),
            address => Place::Address(address.to_owned()),
        };
        Self {
            place,
            is_closed_without: settings.scan == ScanWay::FailClosed,
            timeout: settings.scan_timeout,
        }
    }

    pub(super) async fn look(&self, octets: &[u8]) -> Result<Verdict, ScanFault> {
        match self.ask(octets).await {
            Err(fault) if self.is_closed_without => Err(fault),
            Err(fault) => {
                tracing::warn!(error = %fault, "a file waits for the malware scanner");
                Ok(Verdict::Later)
            }
            verdict => verdict,
        }
    }

    /// As [`Self::look`], but a scanner that is away is a fault.
    pub(super) async fn ask(&self, octets: &[u8]) -> Result<Verdict, ScanFault> {
        let answer = async {
            match &self.place {
                Place::Nowhere => Ok("stream: OK".to_owned()),
                Place::Socket(path) => stream(UnixStream::connect(path).await?, octets).await,
                Place::Address(address) => stream(TcpStream::connect(address).await?, octets).await,
            }
        };
        let answer = timeout(self.timeout, answer).await;
        let answer = answer.map_err(|_| ScanFault("it took too long".into()))?;
        verdict(&answer.map_err(|error| ScanFault(error.to_string()))?)
    }
}

/// `zINSTREAM`, pieces with their length before them, a length of nothing; one line comes back.
async fn stream(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    octets: &[u8],
) -> std::io::Result<String> {
    let sent = send(&mut socket, octets).await;
    let mut answer = Vec::new();
    let read = socket.take(ANSWER_MAX).read_to_end(&mut answer).await;
    if answer.is_empty() {
        sent?;
        read?;
    }
    let line = answer.split(|octet| *octet == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).trim().to_owned())
}

async fn send(socket: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> std::io::Result<()> {
    socket.write_all(b"zINSTREAM\0").await?;
    for piece in octets.chunks(PIECE) {
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        socket.write_all(&length.to_be_bytes()).await?;
        socket.write_all(piece).await?;
    }
    socket.write_all(&[0; 4]).await?;
    socket.flush().await
}

/// `stream: OK`, `stream: NAME FOUND`; anything else is no answer.
fn verdict(answer: &str) -> Result<Verdict, ScanFault> {
    let said = answer.strip_prefix("stream: ").unwrap_or(answer);
    if said == "OK" {
        return Ok(Verdict::Clean);
    }
    match said.strip_suffix(" FOUND") {
        Some(name) => Ok(Verdict::Infected(name.chars().take(200).collect())),
        None => Err(ScanFault(format!("it said `{said}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_ok_is_clean() {
        assert_eq!(verdict("stream: OK"), Ok(Verdict::Clean));
        let found = verdict("stream: Win.Test.EICAR_HDB-1 FOUND");
        assert_eq!(found, Ok(Verdict::Infected("Win.Test.EICAR_HDB-1".into())));
        for answer in ["", "stream: ", "INSTREAM size limit exceeded. ERROR", "stream: OK?"] {
            assert!(verdict(answer).is_err(), "{answer}");
        }
    }
}
