//! Single keys from a terminal, without Enter.
//!
//! What surprises: Ctrl-C stays a signal; only line editing and echo are off. They come back when
//! this is dropped, also after an error.

use std::io::{IsTerminal as _, Read as _};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use tokio::sync::mpsc;

#[derive(Debug)]
pub(super) struct Keys {
    pressed: mpsc::Receiver<u8>,
    before: Option<Termios>,
}

impl Keys {
    /// No key is ever pressed where there is no terminal.
    pub(super) fn listen(is_wanted: bool) -> Self {
        let (sender, pressed) = mpsc::channel(16);
        if !is_wanted || !std::io::stdin().is_terminal() {
            return Self { pressed, before: None };
        }
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(mut now) = before.clone() {
            now.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            now.special_codes[SpecialCodeIndex::VMIN] = 1;
            now.special_codes[SpecialCodeIndex::VTIME] = 0;
            // Without it, keys count after Enter.
            let _line_mode = tcsetattr(std::io::stdin(), OptionalActions::Now, &now);
        }
        // A thread: a read of a terminal cannot be cancelled. It ends with the process.
        std::thread::spawn(move || {
            let mut key = [0];
            while matches!(std::io::stdin().lock().read(&mut key), Ok(1)) {
                if sender.blocking_send(key[0]).is_err() {
                    return;
                }
            }
        });
        Self { pressed, before }
    }

    pub(super) const fn are_there(&self) -> bool {
        self.before.is_some()
    }

    /// Cancel-safe.
    pub(super) async fn next(&mut self) -> u8 {
        match self.pressed.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _terminal_gone = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
