//! PDF: what must be there, and what must not be.
//!
//! Readers find objects by a table of places, which may lead into a comment, a text or the data of
//! a stream. So names are looked for in every octet, with their `#xx` undone, wherever they stand.
//! Objects may also be packed (`ObjStm`): those are unpacked, within limits, and looked at too.

use std::io::Read as _;

use memchr::{memchr_iter, memmem};

use super::UploadFault;

/// Of one packed stream of objects; more is a bomb (a real one has some hundred KiB).
const UNPACKED_MAX: u64 = 16 * 1024 * 1024;

/// Of all together.
const UNPACKED_ALL_MAX: u64 = 64 * 1024 * 1024;

/// Of streams that do not say they hold objects. Most are pictures, so their start must do.
const GLANCE_MAX: u64 = 256 * 1024;

/// Before `stream` stands its dictionary; nobody writes a longer one.
const DICTIONARY_MAX: usize = 64 * 1024;

/// No name is longer [ISO 32000-1 annex C], before its `#xx` are undone.
const NAME_MAX: usize = 127 * 3;

/// Gives back whether a signature is inside.
pub(super) fn pdf(octets: &[u8]) -> Result<bool, UploadFault> {
    let last = &octets[octets.len().saturating_sub(1024)..];
    let end = memmem::rfind(last, b"%%EOF");
    let end = end.ok_or(UploadFault::Damaged("the PDF has no end"))?;
    let after = &last[end + b"%%EOF".len()..];
    if !after.iter().all(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | 0)) {
        return Err(UploadFault::Polyglot);
    }
    if memmem::rfind(last, b"startxref").is_none() || memmem::find(octets, b" obj").is_none() {
        return Err(UploadFault::Damaged("the PDF has no table of objects"));
    }
    let mut found = Found::default();
    found.names(octets)?;
    unpack(octets, &mut found)?;
    Ok(found.has_byte_range && found.has_sig)
}

#[derive(Default)]
struct Found {
    has_byte_range: bool,
    has_sig: bool,
}

impl Found {
    fn names(&mut self, octets: &[u8]) -> Result<(), UploadFault> {
        for at in memchr_iter(b'/', octets) {
            let after = &octets[at + 1..];
            let raw = name(after);
            // The shortest that matters has two letters; most slashes in packed data end here.
            if raw.len() < 2 {
                continue;
            }
            let plain = undo(raw);
            match plain.as_slice() {
                b"JavaScript" => return Err(UploadFault::ActiveContent("JavaScript")),
                b"Launch" => {
                    return Err(UploadFault::ActiveContent("an action that starts programs"));
                }
                b"EmbeddedFile" | b"EmbeddedFiles" | b"FileAttachment" | b"GoToE" => {
                    return Err(UploadFault::ActiveContent("other files"));
                }
                b"EF" if is_value(&after[raw.len()..]) => {
                    return Err(UploadFault::ActiveContent("other files"));
                }
                b"RichMedia" | b"Rendition" | b"Movie" => {
                    return Err(UploadFault::ActiveContent("films or sounds"));
                }
                b"XFA" | b"SubmitForm" | b"ImportData" => {
                    return Err(UploadFault::ActiveContent("a form that sends data"));
                }
                b"Encrypt" if is_value(&after[raw.len()..]) => return Err(UploadFault::Encrypted),
                b"ByteRange" => self.has_byte_range = true,
                b"Sig" | b"DocTimeStamp" => self.has_sig = true,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The octets of a name, `#xx` as written.
fn name(after: &[u8]) -> &[u8] {
    let end = after.iter().take(NAME_MAX).position(|octet| {
        octet.is_ascii_whitespace() || *octet == 0 || b"()<>[]{}/%".contains(octet)
    });
    &after[..end.unwrap_or_else(|| after.len().min(NAME_MAX))]
}

/// `J#61vaScript` is `JavaScript` [ISO 32000-1 s7.3.5].
fn undo(raw: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let octet = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, octet) {
            (b'#', Some(octet)) => {
                plain.push(octet);
                rest = &after[2..];
            }
            (first, _) => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

/// A dictionary or a reference follows, so this was a key and not two octets of a picture.
fn is_value(after: &[u8]) -> bool {
    let rest = after.trim_ascii_start();
    if rest.starts_with(b"<<") || rest.starts_with(b"%") {
        return true;
    }
    let head = &rest[..rest.len().min(32)];
    let mut words = head.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut is_number = || words.next().is_some_and(|word| word.iter().all(u8::is_ascii_digit));
    is_number() && is_number() && words.next().is_some_and(|word| word.starts_with(b"R"))
}

/// Looks into packed objects.
fn unpack(octets: &[u8], found: &mut Found) -> Result<(), UploadFault> {
    let mut left = UNPACKED_ALL_MAX;
    for at in memmem::find_iter(octets, b"stream") {
        let ([b'\r', b'\n', data @ ..] | [b'\n' | b'\r', data @ ..]) =
            &octets[at + b"stream".len()..]
        else {
            continue;
        };
        // `endstream` ends the one before.
        if octets[..at].ends_with(b"end") {
            continue;
        }
        let before = &octets[at.saturating_sub(DICTIONARY_MAX)..at];
        let start = memmem::rfind(before, b"obj").unwrap_or(0);
        let dictionary = names_of(&before[start..]);
        let has = |name: &[u8]| dictionary.iter().any(|known| known == name);
        if has(b"ObjStm") || has(b"First") {
            let filters: [&[u8]; 7] = [
                b"ASCIIHexDecode",
                b"ASCII85Decode",
                b"LZWDecode",
                b"RunLengthDecode",
                b"Crypt",
                b"DecodeParms",
                b"AHx",
            ];
            if filters.iter().any(|filter| has(filter)) {
                return Err(UploadFault::Opaque);
            }
            if !has(b"Filter") {
                // Not packed: its names were seen already.
                continue;
            }
            if !has(b"FlateDecode") && !has(b"Fl") {
                return Err(UploadFault::Opaque);
            }
            let most = UNPACKED_MAX.min(left);
            let (text, is_whole) = inflate(data, most);
            if !is_whole || text.is_empty() {
                return Err(UploadFault::Opaque);
            }
            left = left.saturating_sub(text.len() as u64);
            found.names(&text)?;
        } else if is_zlib(data) && left > UNPACKED_MAX {
            let (text, _) = inflate(data, GLANCE_MAX);
            left = left.saturating_sub(text.len() as u64);
            found.names(&text)?;
        }
    }
    Ok(())
}

fn names_of(dictionary: &[u8]) -> Vec<Vec<u8>> {
    let names = memchr_iter(b'/', dictionary).map(|at| undo(name(&dictionary[at + 1..])));
    names.take(1000).collect()
}

/// The two octets at the start of zlib data [RFC 1950 s2.2].
fn is_zlib(data: &[u8]) -> bool {
    match data {
        [first, second, ..] => {
            first & 0x0f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31)
        }
        _ => false,
    }
}

/// What is inside, at most so much of it, and whether that was all.
fn inflate(data: &[u8], most: u64) -> (Vec<u8>, bool) {
    let mut text = Vec::new();
    let decoder = flate2::read::ZlibDecoder::new(data);
    let end = decoder.take(most + 1).read_to_end(&mut text);
    // Damaged data gives what came before the damage: readers are as forgiving.
    let is_whole = end.is_ok() && text.len() as u64 <= most;
    (text, is_whole)
}
