//! Specifications: Markdown in, HTML out, as developers read it on a page.
//!
//! Unlike an agreement one has code, and neither numbers nor a PDF. What surprises: HTML inside
//! the text is refused with its line and not passed through, because whoever publishes a text
//! could run a script on the pages of all partners.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{DocumentFault, Language, template::front, tree::is_safe_link};

macro_rules! shipped {
    ($( $name:literal ),+ $(,)?) => {
        /// Names and texts (Polish, English) of what ships with the program.
        pub const SHIPPED: &[(&str, [&str; 2])] = &[$( (
            $name,
            [
                include_str!(concat!("../../config/specifications/", $name, ".pl.md")),
                include_str!(concat!("../../config/specifications/", $name, ".en.md")),
            ],
        ) ),+];
    };
}

shipped!["integration-guide", "smpp-profile", "api-reference"];

/// A text is a manual at most, not a book.
pub const TEXT_OCTETS_MAX: usize = 256 * 1024;

/// A shipped text without its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippedText {
    pub label: &'static str,
    pub title: &'static str,
    pub text: &'static str,
}

/// What ships under a name, in one language.
pub fn shipped(name: &str, language: Language) -> Option<ShippedText> {
    let (_, texts) = SHIPPED.iter().find(|(known, _)| *known == name)?;
    let source = texts[usize::from(language == Language::English)];
    let front = front(source).ok()?;
    Some(ShippedText { label: front.version, title: front.title, text: front.body })
}

/// The text as the inside of a page. The title is the page's own: headings begin at the second
/// level. Addresses of this portal (`/docs`) and of elsewhere by TLS can be linked to.
pub fn html(markdown: &str) -> Result<String, DocumentFault> {
    if markdown.len() > TEXT_OCTETS_MAX {
        return Err(DocumentFault::TooLong(TEXT_OCTETS_MAX));
    }
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut events = Vec::new();
    for (event, place) in Parser::new_ext(markdown, options).into_offset_iter() {
        if let Some(what) = foreign(&event) {
            let line = markdown[..place.start].matches('\n').count() + 1;
            return Err(DocumentFault::Unsupported { line, what });
        }
        // What is wider than a phone is scrolled by itself, by keyboard as well.
        match event {
            Event::Start(Tag::CodeBlock(_)) => {
                events.push(Event::Html("<pre tabindex=\"0\"><code>".into()));
            }
            Event::End(TagEnd::CodeBlock) => events.push(Event::Html("</code></pre>\n".into())),
            Event::Start(Tag::Table(_)) => {
                events.push(Event::Html("<div class=\"scrolled\" tabindex=\"0\">\n".into()));
                events.push(event);
            }
            Event::End(TagEnd::Table) => events.extend([event, Event::Html("</div>\n".into())]),
            event => events.push(event),
        }
    }
    let mut out = String::with_capacity(markdown.len() * 2);
    pulldown_cmark::html::push_html(&mut out, events.into_iter());
    Ok(out)
}

/// What does not belong into a specification.
fn foreign(event: &Event<'_>) -> Option<&'static str> {
    match event {
        Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => Some("HTML"),
        Event::Start(Tag::Image { .. }) => Some("a picture"),
        Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => {
            Some("a heading of the first level, which is the title,")
        }
        Event::Start(Tag::Link { dest_url, .. }) if !may_lead_to(dest_url) => {
            Some("a link that is neither of this portal nor `https:`")
        }
        _ => None,
    }
}

fn may_lead_to(address: &str) -> bool {
    let is_here = address.starts_with('/') && !address.starts_with("//");
    let is_plain = address.chars().all(|letter| letter.is_ascii_graphic() && letter != '\\');
    is_safe_link(address) || (is_here && is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_tables_and_links_of_this_portal_become_html_and_text_stays_text() {
        let html = html("## A & B {#ab}\n\n`a<b`\n\n| x |\n|---|\n| [doc](/docs) |\n").unwrap();
        assert!(
            super::html("    a<b\n").unwrap().contains("<pre tabindex=\"0\"><code>a&lt;b\n</code>")
        );
        for piece in ["<h2 id=\"ab\">A &amp; B</h2>", "<code>a&lt;b</code>", "href=\"/docs\""] {
            assert!(html.contains(piece), "{piece}: {html}");
        }
    }

    #[test]
    fn what_could_run_or_load_something_is_refused_with_its_line() {
        let wrong = [
            ("a\n\n<script>x</script>", 3, "HTML"),
            ("a <b>c</b>", 1, "HTML"),
            ("a\n\n\n![x](https://x.example/x.png)", 4, "a picture"),
            ("# Title", 1, "a heading of the first level, which is the title,"),
            ("[x](javascript:alert(1))", 1, "a link that is neither of this portal nor `https:`"),
            ("[x](//evil.example)", 1, "a link that is neither of this portal nor `https:`"),
            ("[x](/\\evil.example)", 1, "a link that is neither of this portal nor `https:`"),
        ];
        for (text, line, what) in wrong {
            assert_eq!(html(text), Err(DocumentFault::Unsupported { line, what }), "{text}");
        }
        let long = "a".repeat(TEXT_OCTETS_MAX + 1);
        assert_eq!(html(&long), Err(DocumentFault::TooLong(TEXT_OCTETS_MAX)));
    }

    #[test]
    fn what_ships_is_read_in_both_languages_and_has_the_same_headings() {
        for (name, _) in SHIPPED {
            let mut shapes = Vec::new();
            let mut labels = Vec::new();
            for language in Language::ALL {
                let shipped = shipped(name, language).unwrap();
                let html = html(shipped.text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
                assert!(!shipped.title.is_empty());
                labels.push(shipped.label);
                let ids = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next());
                shapes.push(ids.map(str::to_owned).collect::<Vec<_>>());
            }
            assert!(!shapes[0].is_empty() && shapes[0] == shapes[1], "{name}: {shapes:?}");
            assert_eq!(labels[0], labels[1], "{name}");
        }
    }
}
