//! Markdown of rule content as HTML, which can do nothing.
//!
//! Whoever writes rule content may be hostile, and the text may be cut off anywhere. So this writes the few elements that are listed
//! here, and makes text of everything else: what is written as HTML is shown as it is written; links lead to `http`, `https` and
//! `mailto` only, and images are links, so that nothing is loaded. Tables are left out: a few lines of text could have a
//! hundred thousand cells. Marks that turn the direction of writing are left out, and in code whatever cannot be seen: a command reads
//! as it is copied.

use std::fmt;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};
use pulldown_cmark_escape::{escape_href, escape_html_body_text};

/// Elements within each other; what is deeper is not marked up.
const MAX_DEPTH: usize = 12;

/// Longer texts are shown as they are written, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// How much longer than the text its HTML may be, some bytes aside: a link to one long address can be repeated with three characters.
const MAX_GROWTH: usize = 16;
const SOME_BYTES: usize = 1024;

/// Writes a text as HTML. Headings begin at `first_heading`, from 1 to 6.
pub(super) fn write_html(out: &mut String, markdown: &str, first_heading: u8) -> fmt::Result {
    let before = out.len();
    let limit = before + MAX_GROWTH * markdown.len() + SOME_BYTES;
    if markdown.len() <= MAX_LENGTH {
        let mut writer = Writer { out, open: Vec::new(), link: None, is_in_code: false, first_heading };
        for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
            writer.write(event)?;
            if writer.out.len() > limit {
                break;
            }
        }
        if writer.out.len() <= limit {
            return Ok(());
        }
        out.truncate(before);
    }
    out.push_str(PRE);
    write_code(out, markdown)?;
    out.push_str("</pre>");
    Ok(())
}

/// Code runs from left to right, whatever the text around it does.
const PRE: &str = "<pre dir=\"ltr\">";

/// Writes a text, without marks that turn the direction of writing. Texts from right to left need none.
fn write_text(out: &mut String, text: &str) -> fmt::Result {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    write_without(turns, out, text)
}

/// Writes code, without anything that cannot be seen: what is shown has to be what is copied.
fn write_code(out: &mut String, text: &str) -> fmt::Result {
    // The characters of format of Unicode 16 (category Cf), those for scripts of the past aside, and fillers without a shape.
    let is_unseen = |c: char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    write_without(is_unseen, out, text)
}

fn write_without(left_out: impl Fn(char) -> bool, out: &mut String, text: &str) -> fmt::Result {
    text.split(left_out).try_for_each(|part| escape_html_body_text(&mut *out, part))
}

struct Writer<'a> {
    out: &'a mut String,
    /// How each element that is open ends; an empty text for those that are not marked up.
    open: Vec<&'static str>,
    link: Option<OpenLink>,
    /// Whether a block of code is open.
    is_in_code: bool,
    first_heading: u8,
}

/// A link is open.
struct OpenLink {
    /// Which of the open elements it is.
    depth: usize,
    /// Where its text begins.
    text: usize,
    /// What is shown where it has no text.
    address: String,
}

impl Writer<'_> {
    fn write(&mut self, event: Event<'_>) -> fmt::Result {
        match event {
            Event::Start(Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. }) => {
                self.begin_link(link_type, &dest_url)?;
            }
            Event::Start(Tag::List(Some(first))) if first != 1 => {
                self.begin(&format!("<ol start=\"{first}\">\n"), "</ol>\n");
            }
            Event::Start(Tag::Heading { level, .. }) => self.begin_heading(level),
            Event::Start(tag) => {
                self.is_in_code = is_code(&tag);
                let (start, end) = element(&tag);
                self.begin(start, end);
            }
            Event::End(TagEnd::Link | TagEnd::Image) => self.end_link()?,
            Event::End(_) => {
                self.is_in_code = false;
                self.end();
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                if self.is_in_code {
                    write_code(self.out, &text)?;
                } else {
                    write_text(self.out, &text)?;
                }
            }
            Event::Code(text) => {
                self.out.push_str("<code dir=\"ltr\">");
                write_code(self.out, &text)?;
                self.out.push_str("</code>");
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            // Of extensions that are not switched on.
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
        Ok(())
    }

    fn begin(&mut self, start: &str, end: &'static str) {
        let is_shown = self.open.len() < MAX_DEPTH;
        if is_shown {
            self.out.push_str(start);
        }
        self.open.push(if is_shown { end } else { "" });
    }

    fn end(&mut self) {
        let end = self.open.pop().unwrap_or_default();
        self.out.push_str(end);
    }

    fn begin_heading(&mut self, level: HeadingLevel) {
        const HEADINGS: [(&str, &str); 6] = [
            ("<h1>", "</h1>\n"),
            ("<h2>", "</h2>\n"),
            ("<h3>", "</h3>\n"),
            ("<h4>", "</h4>\n"),
            ("<h5>", "</h5>\n"),
            ("<h6>", "</h6>\n"),
        ];
        let level = usize::from(self.first_heading) + level as usize - 2;
        let (start, end) = HEADINGS.get(level).copied().unwrap_or(("<h6>", "</h6>\n"));
        self.begin(start, end);
    }

    fn begin_link(&mut self, kind: LinkType, url: &str) -> fmt::Result {
        let url = if kind == LinkType::Email { format!("mailto:{url}") } else { url.to_owned() };
        // A link within a link is text, such as an image with a link.
        let is_shown = self.link.is_none() && self.open.len() < MAX_DEPTH && is_harmless(&url);
        if is_shown {
            self.out.push_str("<a rel=\"noopener noreferrer nofollow\" href=\"");
            escape_href(&mut *self.out, &url)?;
            self.out.push_str("\">");
            self.link = Some(OpenLink { depth: self.open.len(), text: self.out.len(), address: url });
        }
        self.open.push(if is_shown { "</a>" } else { "" });
        Ok(())
    }

    fn end_link(&mut self) -> fmt::Result {
        if let Some(link) = self.link.take_if(|link| link.depth + 1 == self.open.len())
            && self.out.get(link.text..).is_some_and(|text| text.trim().is_empty())
        {
            write_text(self.out, &link.address)?;
        }
        self.end();
        Ok(())
    }
}

/// Whether following a link runs nothing in a page. Addresses that are relative would lead to pages of this service.
fn is_harmless(url: &str) -> bool {
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Whether it is shown as it is written.
fn is_code(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::HtmlBlock | Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented))
}

/// How an element begins and ends; empty for what is not marked up.
fn element(tag: &Tag<'_>) -> (&'static str, &'static str) {
    match tag {
        Tag::Paragraph => ("<p>", "</p>\n"),
        tag if is_code(tag) => (PRE, "</pre>\n"),
        Tag::BlockQuote(_) => ("<blockquote>", "</blockquote>\n"),
        Tag::List(None) => ("<ul>\n", "</ul>\n"),
        Tag::List(Some(_)) => ("<ol>\n", "</ol>\n"),
        Tag::Item => ("<li>", "</li>\n"),
        Tag::Emphasis => ("<em>", "</em>"),
        Tag::Strong => ("<strong>", "</strong>"),
        Tag::Strikethrough => ("<del>", "</del>"),
        _ => ("", ""),
    }
}

#[cfg(test)]
mod tests;
