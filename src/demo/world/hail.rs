//! How a second terminal reaches the demo: a socket in its folder that takes one word.
//!
//! A socket and no file with a process id: an id may belong to somebody else by now, and a socket
//! that answers is a demo that runs.

use std::{
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::folder::Folder;

const SOCKET: &str = "demo.sock";
const PULL: &[u8] = b"pull the plug\n";
const PATIENCE: Duration = Duration::from_secs(2);
const ANSWER_MAX: u64 = 1024;

pub(super) fn listen(folder: &Path) -> anyhow::Result<UnixListener> {
    let path = folder.join(SOCKET);
    if std::os::unix::net::UnixStream::connect(&path).is_ok() {
        anyhow::bail!("a demo runs in {} already", folder.display());
    }
    // What a killed demo left.
    if path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket()) {
        std::fs::remove_file(&path).context("removing an old socket")?;
    }
    UnixListener::bind(&path).with_context(|| format!("listening on {}", path.display()))
}

/// Reads what a second terminal wants; true if it is the plug.
pub(super) async fn asks_for_plug(stream: &mut UnixStream) -> bool {
    let mut word = [0; PULL.len()];
    let read = timeout(PATIENCE / 10, stream.read_exact(&mut word)).await;
    matches!(read, Ok(Ok(_))) && word == PULL
}

pub(super) async fn answer(mut stream: UnixStream, text: &str) {
    // Who asked and went away needs no answer.
    drop(timeout(PATIENCE / 10, stream.write_all(text.as_bytes())).await);
}

/// The second terminal's side: what the demo said.
pub(super) async fn pull_plug(chosen: Option<PathBuf>) -> anyhow::Result<String> {
    let folders = chosen.map_or_else(Folder::candidates, |folder| vec![folder]);
    let mut running = Vec::new();
    for folder in folders {
        if let Ok(Ok(stream)) = timeout(PATIENCE, UnixStream::connect(folder.join(SOCKET))).await {
            running.push((folder, stream));
        }
    }
    let names = || {
        let names = running.iter().map(|(folder, _)| folder.display().to_string());
        names.collect::<Vec<_>>().join(", ")
    };
    anyhow::ensure!(running.len() < 2, "several demos run; choose by --folder: {}", names());
    let (_, mut stream) = running.pop().context("no demo is running")?;
    let mut text = String::new();
    timeout(PATIENCE, async {
        stream.write_all(PULL).await?;
        stream.take(ANSWER_MAX).read_to_string(&mut text).await
    })
    .await
    .context("the demo does not answer")??;
    Ok(text)
}
