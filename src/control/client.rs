//! A command's end of the socket.
//!
//! One connection for each request: a command makes few. What surprises: nothing is spawned; the
//! connection is driven beside the request that it carries.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

/// What an answer may be at most; a list of ten thousand lanes fits.
const ANSWER_OCTETS_MAX: usize = 16 * 1024 * 1024;
const LINE_OCTETS_MAX: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// In this header a shared account says on whose behalf it acts.
pub(crate) const WHO: &str = "bramka-who";

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("no daemon answers at {}; is `bramka run` running? ({why})", path.display())]
    NoDaemon { path: PathBuf, why: String },
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    #[error("the daemon's answer broke off: {0}")]
    Broken(String),
}

/// Speaks with the daemon of one data folder.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
    who: String,
}

impl Client {
    pub fn new(path: &Path, who: &str) -> Self {
        Self { path: path.to_owned(), who: who.to_owned() }
    }

    pub async fn get(&self, target: &str) -> Result<Value, ClientError> {
        self.ask(Method::GET, target, None).await
    }

    pub async fn post(&self, target: &str, body: &Value) -> Result<Value, ClientError> {
        self.ask(Method::POST, target, Some(body)).await
    }

    async fn ask(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let request = self.request(method, target, body)?;
        let whole = self.exchange(request, async |answer| {
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_OCTETS_MAX).collect().await;
            let body = body.map_err(|error| ClientError::Broken(error.to_string()))?;
            read(status, body.aggregate().reader())
        });
        tokio::time::timeout(PATIENCE, whole)
            .await
            .unwrap_or_else(|_| Err(ClientError::Broken("no answer in 30 seconds".into())))
    }

    /// Hands every line of an endless answer to `take`, until it breaks or the daemon ends it.
    pub async fn lines(
        &self,
        target: &str,
        mut take: impl FnMut(Value) -> ControlFlow<()>,
    ) -> Result<(), ClientError> {
        let request = self.request(Method::GET, target, None)?;
        self.exchange(request, async |answer| {
            let status = answer.status();
            let mut body = answer.into_body();
            if !status.is_success() {
                let whole = Limited::new(body, ANSWER_OCTETS_MAX).collect().await;
                let whole = whole.map_err(|error| ClientError::Broken(error.to_string()))?;
                return read(status, whole.aggregate().reader()).map(drop);
            }
            let mut rest: Vec<u8> = Vec::new();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| ClientError::Broken(error.to_string()))?;
                let Ok(data) = frame.into_data() else { continue };
                rest.extend_from_slice(&data);
                while let Some(end) = memchr::memchr(b'\n', &rest) {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    let Ok(value) = serde_json::from_slice(&line) else { continue };
                    if take(value).is_break() {
                        return Ok(());
                    }
                }
                if rest.len() > LINE_OCTETS_MAX {
                    return Err(ClientError::Broken("a line has no end".into()));
                }
            }
            Ok(())
        })
        .await
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let octets = body.map(|body| body.to_string().into()).unwrap_or_default();
        Request::builder()
            .method(method)
            .uri(target)
            .header("host", "bramka")
            .header("content-type", "application/json")
            .header(WHO, &self.who)
            .body(Full::new(octets))
            .map_err(|error| ClientError::Refused(format!("`{target}`: {error}")))
    }

    async fn exchange<T>(
        &self,
        request: Request<Full<Bytes>>,
        then: impl AsyncFnOnce(Response<Incoming>) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let no_daemon = |why: String| ClientError::NoDaemon { path: self.path.clone(), why };
        let stream =
            UnixStream::connect(&self.path).await.map_err(|error| no_daemon(error.to_string()))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| no_daemon(error.to_string()))?;
        let mut connection = std::pin::pin!(connection);
        let mut talk = std::pin::pin!(async {
            let answer = sender
                .send_request(request)
                .await
                .map_err(|error| ClientError::Broken(error.to_string()))?;
            then(answer).await
        });
        tokio::select! {
            biased;
            done = talk.as_mut() => done,
            // The connection is over when its last octet is here, which may be still unread.
            _ended = connection.as_mut() => talk.await,
        }
    }
}

fn read(status: StatusCode, mut body: impl std::io::Read) -> Result<Value, ClientError> {
    let mut octets = Vec::new();
    body.read_to_end(&mut octets).map_err(|error| ClientError::Broken(error.to_string()))?;
    let value = serde_json::from_slice::<Value>(&octets);
    if status.is_success() {
        return value.map_err(|error| ClientError::Broken(format!("{status}: {error}")));
    }
    // What the framework refuses by itself comes as plain text.
    let text = match value {
        Ok(value) => value["error"].as_str().unwrap_or("no reason given").to_owned(),
        Err(_) => String::from_utf8_lossy(&octets).into_owned(),
    };
    match status {
        StatusCode::NOT_FOUND => Err(ClientError::NotFound(text)),
        _ => Err(ClientError::Refused(text)),
    }
}
