//! What others send: looked at before anything keeps it (S-51).
//!
//! Allowed are PDF, PNG, JPEG and TIFF whose octets say the same as their name. It repairs nothing
//! and renders nothing. What surprises: it is no full PDF reader. It looks for what must not be
//! there in every way a reader could be led to it, and refuses what it cannot look into; a
//! signature inside a PDF is seen, never verified.

mod image;
mod name;
mod scan;
#[cfg(test)]
mod tests;

pub use name::clean_name;

/// Of one file (S-51).
pub const OCTETS_MAX: usize = 10 * 1024 * 1024;

/// Of everything that belongs to one subject (S-51).
pub const SUBJECT_OCTETS_MAX: usize = 50 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    Pdf,
    Png,
    Jpeg,
    Tiff,
}

impl MediaType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Tiff => "image/tiff",
        }
    }

    fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "pdf" => Some(Self::Pdf),
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "tif" | "tiff" => Some(Self::Tiff),
            _ => None,
        }
    }
}

/// A file that may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Cleaned: fit for a header, a page and any file system.
    pub name: String,
    pub media_type: MediaType,
    /// There is an electronic signature inside. Whose it is and whether it holds, nobody checked.
    pub has_signature: bool,
}

/// Why a file is not taken; the text is for whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UploadFault {
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than 10 MiB")]
    TooLarge,
    #[error("only PDF, PNG, JPEG and TIFF files are taken")]
    WrongKind,
    #[error("the contents of the file are not what its name says")]
    NotWhatItSays,
    #[error("the file is damaged or not whole: {0}")]
    Damaged(&'static str),
    #[error("the PDF is encrypted; save it without a password and send it again")]
    Encrypted,
    #[error("the PDF holds {0}, which is not taken; print it to a new PDF and send that")]
    ActiveContent(&'static str),
    #[error(
        "the PDF is written in a way that cannot be looked into; print it to a new PDF and send that"
    )]
    Opaque,
    #[error("the file is two kinds of file at once")]
    Polyglot,
}

impl UploadFault {
    /// The stable machine word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "file_empty",
            Self::TooLarge => "file_too_large",
            Self::WrongKind => "file_kind",
            Self::NotWhatItSays => "file_mismatch",
            Self::Damaged(_) => "file_damaged",
            Self::Encrypted => "file_encrypted",
            Self::ActiveContent(_) => "file_active_content",
            Self::Opaque => "file_opaque",
            Self::Polyglot => "file_polyglot",
        }
    }
}

/// Looks at a file. `name` is as its sender gave it.
pub fn check(name: &str, octets: &[u8]) -> Result<Upload, UploadFault> {
    let name = clean_name(name);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let media_type = MediaType::from_extension(extension).ok_or(UploadFault::WrongKind)?;
    if octets.is_empty() {
        return Err(UploadFault::Empty);
    }
    if octets.len() > OCTETS_MAX {
        return Err(UploadFault::TooLarge);
    }
    if kind_of(octets) != Some(media_type) {
        return Err(UploadFault::NotWhatItSays);
    }
    if is_polyglot(octets, media_type) {
        return Err(UploadFault::Polyglot);
    }
    let has_signature = match media_type {
        MediaType::Pdf => scan::pdf(octets)?,
        MediaType::Png => image::png(octets).map(|()| false)?,
        MediaType::Jpeg => image::jpeg(octets).map(|()| false)?,
        MediaType::Tiff => image::tiff(octets).map(|()| false)?,
    };
    Ok(Upload { name, media_type, has_signature })
}

/// By the first octets.
fn kind_of(octets: &[u8]) -> Option<MediaType> {
    let starts: [(&[u8], MediaType); 6] = [
        (b"%PDF-1.", MediaType::Pdf),
        (b"%PDF-2.", MediaType::Pdf),
        (b"\x89PNG\r\n\x1a\n", MediaType::Png),
        (b"\xff\xd8\xff", MediaType::Jpeg),
        (b"II*\0", MediaType::Tiff),
        (b"MM\0*", MediaType::Tiff),
    ];
    starts.into_iter().find(|(start, _)| octets.starts_with(start)).map(|(_, kind)| kind)
}

/// Programs that look for their own kind inside: PDF readers in the first KiB, archive programs at
/// the end, browsers for tags at the start.
fn is_polyglot(octets: &[u8], media_type: MediaType) -> bool {
    let first = &octets[..octets.len().min(1024)];
    let last = &octets[octets.len().saturating_sub(65_557)..];
    let lower = first.to_ascii_lowercase();
    let tags: [&[u8]; 4] = [b"<script", b"<html", b"<svg", b"<!doctype"];
    let is_page = tags.iter().any(|tag| memchr::memmem::find(&lower, tag).is_some());
    let is_archive = memchr::memmem::find(last, b"PK\x05\x06").is_some();
    let is_pdf = media_type != MediaType::Pdf && memchr::memmem::find(first, b"%PDF-").is_some();
    is_page || is_archive || is_pdf
}
