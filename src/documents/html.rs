//! The tree as HTML, for the portal: everything escaped, nothing but plain elements.
//!
//! It brings no styles; the page around it has classes for `document`, `clause`, `number` and
//! `signatures`. What surprises: clauses are paragraphs with their number as text, no `<ol>`: a
//! browser must not number what a lawyer numbered.

use super::tree::{Align, Block, Document, Item, Signature, Span, Table};

/// The whole document as one `<article>`.
pub fn html(document: &Document) -> String {
    let mut out = String::with_capacity(16 * 1024);
    let language = document.language.code();
    put(&mut out, &format!("<article class=\"document\" lang=\"{language}\">\n"));
    blocks(&mut out, &document.blocks);
    out.push_str("</article>\n");
    out
}

fn put(out: &mut String, text: &str) {
    out.push_str(text);
}

/// Text that no browser takes for anything else.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

fn blocks(out: &mut String, list: &[Block]) {
    for block in list {
        match block {
            Block::Heading { level, anchor, number, spans } => {
                let id = match anchor.as_str() {
                    "" => String::new(),
                    anchor => format!(" id=\"{}\"", escape(anchor)),
                };
                put(out, &format!("<h{level}{id}>"));
                if !number.is_empty() {
                    put(out, &format!("<span class=\"number\">{}</span> ", escape(number)));
                }
                inline(out, spans);
                put(out, &format!("</h{level}>\n"));
            }
            Block::Paragraph(spans) => {
                out.push_str("<p>");
                inline(out, spans);
                out.push_str("</p>\n");
            }
            Block::Items(list) => items(out, list),
            Block::Table(rows) => table(out, rows),
            Block::Signatures(boxes) => signatures(out, boxes),
            Block::PageBreak => out.push_str("<hr class=\"page-break\">\n"),
        }
    }
}

fn items(out: &mut String, list: &[Item]) {
    if list.iter().all(|item| item.label.is_empty()) {
        out.push_str("<ul>\n");
        for item in list {
            out.push_str("<li>");
            blocks(out, &item.blocks);
            out.push_str("</li>\n");
        }
        out.push_str("</ul>\n");
        return;
    }
    for item in list {
        put(out, &format!("<div class=\"clause depth-{}\">", item.depth));
        put(out, &format!("<span class=\"number\">{}</span>\n<div>", escape(&item.label)));
        blocks(out, &item.blocks);
        out.push_str("</div></div>\n");
    }
}

fn table(out: &mut String, table: &Table) {
    let class = |place: usize| match table.columns.get(place) {
        Some(Align::Right) => " class=\"right\"",
        Some(Align::Centre) => " class=\"centre\"",
        _ => "",
    };
    out.push_str("<table>\n");
    if !table.head.is_empty() {
        out.push_str("<thead><tr>");
        for (place, cell) in table.head.iter().enumerate() {
            put(out, &format!("<th scope=\"col\"{}>", class(place)));
            inline(out, cell);
            out.push_str("</th>");
        }
        out.push_str("</tr></thead>\n");
    }
    out.push_str("<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            put(out, &format!("<td{}>", class(place)));
            inline(out, cell);
            out.push_str("</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table>\n");
}

fn signatures(out: &mut String, boxes: &[Signature]) {
    out.push_str("<div class=\"signatures\">\n");
    for Signature { side, name, note } in boxes {
        let parts = [("side", side), ("name", name), ("note", note)];
        out.push_str("<div>");
        for (class, text) in parts.into_iter().filter(|(_, text)| !text.is_empty()) {
            put(out, &format!("<p class=\"{class}\">{}</p>", escape(text)));
        }
        out.push_str("</div>\n");
    }
    out.push_str("</div>\n");
}

fn inline(out: &mut String, spans: &[Span]) {
    for span in spans {
        let text = escape(&span.text).replace('\n', "<br>\n");
        let mut close = Vec::new();
        if let Some(link) = &span.link {
            put(out, &format!("<a href=\"{}\" rel=\"noreferrer\">", escape(link)));
            close.push("</a>");
        }
        if span.is_bold {
            out.push_str("<strong>");
            close.push("</strong>");
        }
        if span.is_italic {
            out.push_str("<em>");
            close.push("</em>");
        }
        out.push_str(&text);
        out.extend(close.into_iter().rev());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::template::read;
    use super::*;

    fn shown(body: &str) -> String {
        let source = format!("---\nkind: nda\ntitle: T\nversion: 1\nlanguage: pl\n---\n{body}");
        let values = json!({ "evil": "<script>alert('x')</script>\" onload=\"& <b>" });
        html(&read(&source, &values).unwrap())
    }

    #[test]
    fn values_are_escaped_wherever_they_stand() {
        let bodies = [
            "{{ evil }}",
            "## {{ evil }} {#a}",
            "1. **{{ evil }}**",
            "| {{ evil }} | b |\n|---|---|\n| {{ evil }} | d |",
            "::: signatures\n{{ evil }} | {{ evil }} | {{ evil }}\n:::",
        ];
        for body in bodies {
            let html = shown(body);
            assert!(
                html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;"),
                "{html}"
            );
            assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
            assert!(!html.contains("\" onload"), "{html}");
        }
    }

    #[test]
    fn markdown_that_is_html_or_leads_elsewhere_is_refused() {
        let source =
            |body: &str| format!("---\nkind: nda\ntitle: T\nversion: 1\nlanguage: pl\n---\n{body}");
        for body in [
            "<script>1</script>",
            "a <b>b</b>",
            "[x](javascript:alert(1))",
            "[x](http://example.org)",
            "![x](https://example.org/x.png)",
            "`code`",
            "> quote",
            "::: unknown",
            "::: signatures\na",
            "---",
        ] {
            assert!(read(&source(body), &json!({})).is_err(), "{body}");
        }
    }

    #[test]
    fn clauses_keep_the_numbers_of_the_text() {
        let html = shown("## Cel {#cel}\n\n1. A\n   1. B\n\n- dot\n");
        let expected = "<h2 id=\"cel\"><span class=\"number\">§\u{a0}1.</span> Cel</h2>\n\
             <div class=\"clause depth-0\"><span class=\"number\">1.</span>\n<div><p>A</p>\n\
             <div class=\"clause depth-1\"><span class=\"number\">1)</span>\n<div><p>B</p>\n\
             </div></div>\n</div></div>\n<ul>\n<li><p>dot</p>\n</li>\n</ul>\n";
        assert!(html.contains(expected), "{html}");
    }
}
