//! Pictures, walked from the first octet to the last: nothing may stand beside the picture.

use super::UploadFault;

/// More than a scanner of any office makes of one page.
const SIDE_MAX: u32 = 30_000;

const fn damaged(why: &'static str) -> UploadFault {
    UploadFault::Damaged(why)
}

/// Chunks from `IHDR` to `IEND`, and nothing after it.
pub(super) fn png(octets: &[u8]) -> Result<(), UploadFault> {
    let mut rest = octets.get(8..).unwrap_or_default();
    let mut is_first = true;
    loop {
        let (head, after) = rest.split_at_checked(8).ok_or(damaged("the PNG ends too early"))?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = &head[4..8];
        let data = after.get(..length).ok_or(damaged("the PNG ends too early"))?;
        // Data is followed by four octets of checksum.
        rest = after.get(length + 4..).ok_or(damaged("the PNG ends too early"))?;
        if is_first {
            if kind != b"IHDR" || length != 13 {
                return Err(damaged("the PNG has no head"));
            }
            let side = |at: usize| {
                u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]])
            };
            sides(side(0), side(4))?;
            is_first = false;
        }
        if kind == b"IEND" {
            return if rest.is_empty() { Ok(()) } else { Err(UploadFault::Polyglot) };
        }
    }
}

fn sides(width: u32, height: u32) -> Result<(), UploadFault> {
    let is_right = |side: u32| (1..=SIDE_MAX).contains(&side);
    if is_right(width) && is_right(height) {
        Ok(())
    } else {
        Err(damaged("the picture is too wide, too high or nothing at all"))
    }
}

/// Segments up to the picture itself; the file ends where a picture ends.
pub(super) fn jpeg(octets: &[u8]) -> Result<(), UploadFault> {
    let mut at = 2;
    let mut has_frame = false;
    loop {
        let marker = match octets.get(at..at + 2) {
            // Any number of 0xFF may stand before a marker.
            Some([0xff, 0xff]) => {
                at += 1;
                continue;
            }
            Some([0xff, marker]) => *marker,
            _ => return Err(damaged("the JPEG has a hole")),
        };
        let Some([high, low]) = octets.get(at + 2..at + 4) else {
            return Err(damaged("the JPEG ends too early"));
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let segment = octets.get(at + 4..at + 2 + length);
        let segment = segment.ok_or(damaged("the JPEG ends too early"))?;
        match marker {
            // Start of frame; C4, C8 and CC are tables.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let Some([_, h1, h2, w1, w2, ..]) = segment.get(..6) else {
                    return Err(damaged("the JPEG has no size"));
                };
                sides(
                    u32::from(u16::from_be_bytes([*w1, *w2])),
                    u32::from(u16::from_be_bytes([*h1, *h2])),
                )?;
                has_frame = true;
            }
            0xda if has_frame => break,
            0xda | 0xd9 => return Err(damaged("the JPEG has no picture")),
            _ => {}
        }
        at += 2 + length;
    }
    if octets.ends_with(&[0xff, 0xd9]) { Ok(()) } else { Err(damaged("the JPEG ends too early")) }
}

/// Directories that lead to each other within the file, no more than pages of a contract.
pub(super) fn tiff(octets: &[u8]) -> Result<(), UploadFault> {
    const PAGES_MAX: usize = 500;
    let is_little = octets.starts_with(b"II");
    let short = |at: usize| -> Option<usize> {
        let two: [u8; 2] = octets.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(usize::from(if is_little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) }))
    };
    let long = |at: usize| -> Option<u32> {
        let four: [u8; 4] = octets.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if is_little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    };
    let early = || damaged("the TIFF ends too early");
    let mut at = long(4).ok_or_else(early)? as usize;
    for _ in 0..PAGES_MAX {
        if at < 8 {
            return Err(damaged("the TIFF has no picture"));
        }
        let count = short(at).ok_or_else(early)?;
        if count == 0 {
            return Err(damaged("the TIFF has no picture"));
        }
        for entry in 0..count {
            let place = at + 2 + entry * 12;
            let tag = short(place).ok_or_else(early)?;
            let is_short = short(place + 2) == Some(3);
            let value = if is_short {
                short(place + 8).and_then(|value| u32::try_from(value).ok())
            } else {
                long(place + 8)
            };
            let value = value.ok_or_else(early)?;
            // 256 and 257 are width and height.
            if tag == 256 || tag == 257 {
                sides(value, 1)?;
            }
        }
        at = long(at + 2 + count * 12).ok_or_else(early)? as usize;
        if at == 0 {
            return Ok(());
        }
    }
    Err(damaged("the TIFF has too many pages or goes in a circle"))
}
