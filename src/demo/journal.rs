//! What the two peers of the gateway saw, as lines that can be counted afterwards.
//!
//! One JSON object per line, appended to a file by the peer that saw it. The gateway never writes
//! here: that is the point, its own counters cannot be wrong about themselves. What surprises: a
//! text is found again by the tag at its end (`#k3-17`), not by any identifier of SMPP, because a
//! tag passes the gateway, its store and a restart unchanged.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Seek, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::smpp::ShortMessage;

/// A line longer than this is not one of ours.
const LINE_MAX: usize = 16 * 1024;

/// One line: when, in microseconds since 1970 UTC, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: i64,
    #[serde(flatten)]
    pub event: Event,
}

/// What a peer saw or did. A `tag` is the word after the last `#` of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The SMSC got a `submit_sm`; `id` only if it took it.
    Submit {
        id: Option<String>,
        status: u32,
        system_id: String,
        sender: String,
        recipient: String,
        body_hash: String,
        tag: Option<String>,
        tariff: Option<String>,
    },
    /// The SMSC has an MO for the gateway.
    Mo {
        number: u64,
        tag: Option<String>,
        from: String,
        to: String,
    },
    MoAcked {
        number: u64,
        tag: Option<String>,
        status: u32,
    },
    ReceiptSent {
        id: String,
    },
    ReceiptAcked {
        id: String,
        status: u32,
    },
    /// The partner got an MO; `repeated` if it had this one before.
    MoSeen {
        tag: Option<String>,
        gateway_id: Option<String>,
        from: String,
        to: String,
        repeated: bool,
    },
    /// The partner sent an MT; `attempt` counts from 1.
    MtSent {
        tag: String,
        attempt: u32,
    },
    MtAccepted {
        tag: String,
        id: String,
    },
    MtRefused {
        tag: String,
        status: u32,
    },
    /// The partner got a receipt for its MT.
    Receipt {
        id: String,
        state: u8,
    },
}

/// A journal file that is being written.
#[derive(Debug)]
pub struct JournalFile {
    writer: BufWriter<File>,
    failure: Option<io::Error>,
}

impl JournalFile {
    pub fn append_to(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self { writer: BufWriter::with_capacity(64 * 1024, file), failure: None })
    }

    /// Adds a line. It is with the kernel after `flush`, once for a batch.
    pub fn add(&mut self, entry: &Entry) {
        if self.failure.is_some() {
            return;
        }
        let written = serde_json::to_writer(&mut self.writer, entry)
            .map_err(io::Error::from)
            .and_then(|()| self.writer.write_all(b"\n"));
        self.note(written);
    }

    pub fn flush(&mut self) {
        if self.failure.is_none() {
            let flushed = self.writer.flush();
            self.note(flushed);
        }
    }

    /// The fault that ended the journal. A count made from such a file is worth nothing.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            tracing::error!(%error, "the journal of a demo peer cannot be written");
            self.failure = Some(error);
        }
    }
}

/// Hands every whole line of a journal to `take`. An unfinished last line is left out: its
/// writer may still be at work.
pub fn read(path: &Path, take: impl FnMut(Entry)) -> io::Result<()> {
    Tail::of(path).read(take)
}

/// A journal that is read while it grows.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    /// Octets of the lines that were handed out.
    offset: u64,
}

impl Tail {
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), offset: 0 }
    }

    /// Hands out the whole lines that were added since the last time.
    pub fn read(&mut self, mut take: impl FnMut(Entry)) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(io::SeekFrom::Start(self.offset))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let size = io::Read::take(&mut reader, LINE_MAX as u64).read_until(b'\n', &mut line)?;
            if size == 0 || line.last() != Some(&b'\n') && size < LINE_MAX {
                return Ok(());
            }
            let entry = serde_json::from_slice(&line).map_err(|error| {
                let text = format!("the line at octet {}: {error}", self.offset);
                io::Error::new(io::ErrorKind::InvalidData, text)
            })?;
            self.offset += size as u64;
            take(entry);
        }
    }
}

/// FNV-1a, 64 bits, as hexadecimal: enough to see that two bodies are the same.
pub fn body_hash(body: &[u8]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for octet in body {
        hash = (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// The text of a message as far as a peer of the demo needs it: ASCII, or UCS-2 by
/// `data_coding` 8. Letters, digits and `#` are the same octets in GSM 7 bit and ASCII.
pub fn text_of(message: &ShortMessage) -> String {
    let content = message.content();
    if message.data_coding & 0x0c == 0x08 && message.data_coding < 0xf0 {
        let units = content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        return char::decode_utf16(units).map(|unit| unit.unwrap_or('?')).collect();
    }
    String::from_utf8_lossy(content).into_owned()
}

/// The tag at the end of a text: letters, digits and `-` after the last `#`.
pub fn tag_of(text: &str) -> Option<&str> {
    let (_, tag) = text.rsplit_once('#')?;
    let tag = tag.trim_end();
    let is_tag = !tag.is_empty()
        && tag.len() <= 32
        && tag.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    is_tag.then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_word_after_the_last_hash() {
        let texts = [
            ("WIN #k1-7", Some("k1-7")),
            ("a #x b #y9 ", Some("y9")),
            ("WIN", None),
            ("C# is nice", None),
            ("#", None),
        ];
        for (text, tag) in texts {
            assert_eq!(tag_of(text), tag, "{text}");
        }
    }

    #[test]
    fn a_text_in_ucs_2_is_read_too() {
        // "Ż #1"
        let octets: &[u8] = &[0x01, 0x7b, 0x00, 0x20, 0x00, 0x23, 0x00, 0x31];
        let message =
            ShortMessage { data_coding: 8, short_message: octets.into(), ..Default::default() };
        assert_eq!(text_of(&message), "Ż #1");
    }

    #[test]
    fn lines_come_back_and_an_unfinished_one_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("smsc.jsonl");
        let entry = Entry {
            at: 7,
            event: Event::MoAcked { number: 1, tag: Some("k1-1".to_owned()), status: 0 },
        };
        let mut journal = JournalFile::append_to(&path).unwrap();
        journal.add(&entry);
        journal.writer.write_all(b"{\"at\":8,\"ev").unwrap();
        journal.flush();
        assert!(journal.failure().is_none());

        let mut entries = Vec::new();
        let mut tail = Tail::of(&path);
        tail.read(|entry| entries.push(entry)).unwrap();
        assert_eq!(entries, std::slice::from_ref(&entry));

        journal.writer.write_all(b"ent\":\"receipt_sent\",\"id\":\"7\"}\n").unwrap();
        journal.flush();
        tail.read(|entry| entries.push(entry)).unwrap();
        let later = Entry { at: 8, event: Event::ReceiptSent { id: "7".to_owned() } };
        assert_eq!(entries, [entry, later]);
    }
}
