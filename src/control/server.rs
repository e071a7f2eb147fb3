//! The daemon's end of the socket: the file, who connects, and a limit on how many.

use std::{
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use axum::Extension;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use smol_str::SmolStr;
use tokio::net::{UnixListener, UnixStream};

use super::{
    routes::{self, Peer, State},
    who,
};
use crate::{
    gateway::Gateway,
    log::LogHandle,
    tasks::{Scope, Stopping},
};

/// Linux keeps 108 octets for the address of a socket; the name used while it is made is longer
/// than the final one.
const PATH_OCTETS_MAX: usize = 80;

/// What the socket shows or turns beside the gateway.
#[derive(Clone, Debug)]
pub struct Extras {
    pub node: SmolStr,
    /// To change the log's level; none in tests.
    pub log: Option<LogHandle>,
    /// Microseconds UTC.
    pub began_at: i64,
}

/// The socket, bound and not yet answering. The file goes when this is dropped.
#[derive(Debug)]
pub struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(error = %error, "the control socket was gone already");
        }
    }
}

/// Makes the socket, readable for its owner only. A file left by a dead daemon is replaced; a
/// living daemon's is not.
pub async fn listen(path: &Path) -> anyhow::Result<Door> {
    if path.as_os_str().len() > PATH_OCTETS_MAX {
        bail!("`{}` is too long for a socket: {PATH_OCTETS_MAX} octets at most", path.display());
    }
    if UnixStream::connect(path).await.is_ok() {
        bail!("another daemon answers at `{}`", path.display());
    }
    let listener =
        make(path).with_context(|| format!("making the control socket `{}`", path.display()))?;
    Ok(Door { listener, path: path.to_owned() })
}

/// Binds inside a private folder and moves the socket out when its mode is right: between `bind`
/// and `chmod` in the final place anybody could connect.
fn make(path: &Path) -> io::Result<UnixListener> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let private = folder.join(format!(".control.{}", std::process::id()));
    match std::fs::remove_dir_all(&private) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::DirBuilder::new().mode(0o700).create(&private)?;
    let made = private.join("s");
    let listener = UnixListener::bind(&made).and_then(|listener| {
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&made, path)?;
        Ok(listener)
    });
    std::fs::remove_dir_all(&private)?;
    listener
}

/// Answers until the stop. Each connection is a task of `scope`, whose limit is their limit.
pub async fn serve(
    door: Door,
    gateway: Gateway,
    extras: Extras,
    scope: Scope,
    stopping: Stopping,
) -> anyhow::Result<()> {
    let app = routes::app(State { gateway, extras, stopping: stopping.clone() });
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.cancelled() => return Ok(()),
            accepted = door.listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: do not spin.
                tracing::warn!(error = %error, "the control socket could not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(peer) = stream.peer_cred() else { continue };
        // The mode of the socket keeps others out; this is the second lock on the same door.
        if peer.uid() != 0 && peer.uid() != who::own_uid() {
            tracing::warn!(user = who::name_of(peer.uid()), "refused at the control socket");
            continue;
        }
        let app = app.clone().layer(Extension(Peer { uid: peer.uid() }));
        let work = answer(stream, app, stopping.clone());
        if scope.spawn(work).is_err() {
            tracing::warn!("too many connections at the control socket");
        }
    }
}

async fn answer(stream: UnixStream, app: axum::Router, stopping: Stopping) {
    let service = TowerToHyperService::new(app);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = done {
        // A trace that is ended with Ctrl-C comes here.
        tracing::debug!(error = %error, "a control connection broke");
    }
}
