//! The HTML body of a letter, made from the blocks of the plain one.
//!
//! Everything from outside is escaped here and nowhere else. What surprises: the styles stand in
//! the elements, because many mail programs throw style sheets away.

use std::fmt::Write as _;

use super::{render::Block, words::Language};

/// How a link begins; the checks count these.
pub(super) const ANCHOR: &str = "<a href=\"";

pub(super) fn html(
    language: Language,
    brand: &str,
    subject: &str,
    blocks: &[Block],
    footer: &str,
) -> String {
    let mut out = String::with_capacity(4096);
    put(
        &mut out,
        format_args!(
            "<!doctype html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title></head>\n\
             <body style=\"margin:0;background:#f4f4f5\">\n\
             <div style=\"max-width:36em;margin:0 auto;padding:1.5em;background:#ffffff;\
             color:#18181b;font-family:sans-serif;font-size:16px;line-height:1.5\">\n\
             <p style=\"margin:0 0 1.5em;font-weight:bold;font-size:18px\">{}</p>\n",
            language.code(),
            escaped(subject),
            escaped(brand),
        ),
    );
    let joined = |lines: &[String]| {
        lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br>\n")
    };
    for block in blocks {
        match block {
            Block::Paragraph(lines) => put(&mut out, format_args!("<p>{}</p>\n", joined(lines))),
            Block::Quote(lines) => put(
                &mut out,
                format_args!(
                    "<blockquote style=\"margin:1em 0;padding:0 0 0 1em;border-left:4px solid \
                     #d4d4d8\">{}</blockquote>\n",
                    joined(lines)
                ),
            ),
            Block::Button { label, link } => put(
                &mut out,
                format_args!(
                    "<p style=\"margin:1.5em 0\">{ANCHOR}{}\" style=\"display:inline-block;\
                     padding:0.75em 1.5em;background:#1d4ed8;color:#ffffff;text-decoration:none;\
                     border-radius:6px\">{}</a></p>\n",
                    escaped(link),
                    escaped(label)
                ),
            ),
        }
    }
    let footer: Vec<String> = footer.trim().lines().map(escaped).collect();
    put(
        &mut out,
        format_args!(
            "<p style=\"margin:2em 0 0;color:#52525b;font-size:14px\">{}</p>\n</div>\n</body>\n\
             </html>\n",
            footer.join("<br>\n")
        ),
    );
    out
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes every text");
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
