use std::time::{Duration, Instant};

use super::*;

fn html(markdown: &str) -> String {
    let mut out = String::new();
    write_html(&mut out, markdown, 3).unwrap();
    out
}

/// The names of elements and the attributes that are in the HTML, which has to be whole: each element ends in the order that
/// elements have to.
fn markup(html: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some((text, tag)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{html}");
        let (tag, after) = tag.split_once('>').unwrap_or_else(|| panic!("a tag without an end: {html}"));
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{html}");
        } else {
            let name = tag.split(' ').next().unwrap();
            if !["br", "hr"].contains(&name) {
                open.push(name);
            }
            found.push(tag.to_owned());
        }
        rest = after;
    }
    assert_eq!(open, [] as [&str; 0], "{html}");
    found
}

/// Fails for what is not listed.
fn check_harmless(markdown: &str) -> String {
    const ELEMENTS: [&str; 19] = [
        "p",
        "pre",
        "code",
        "blockquote",
        "ul",
        "ol",
        "li",
        "em",
        "strong",
        "del",
        "br",
        "hr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "a",
    ];
    let html = html(markdown);
    for tag in markup(&html) {
        let (name, attributes) = tag.split_once(' ').unwrap_or((&tag, ""));
        assert!(ELEMENTS.contains(&name), "{tag} of {markdown:?}");
        let address = attributes
            .strip_prefix("rel=\"noopener noreferrer nofollow\" href=\"")
            .and_then(|rest| rest.strip_suffix('"'));
        match (name, address) {
            ("a", Some(address)) => {
                let address = address.to_lowercase();
                let is_known =
                    ["http://", "https://", "mailto:"].iter().any(|scheme| address.starts_with(scheme));
                assert!(is_known && !address.contains(['"', '\'', '<', '>', ' ']), "{tag} of {markdown:?}");
            }
            ("pre" | "code", _) => assert_eq!(attributes, "dir=\"ltr\"", "{tag} of {markdown:?}"),
            ("ol", _) => assert!(attributes.is_empty() || attributes.starts_with("start=\""), "{tag}"),
            _ => assert_eq!(attributes, "", "{tag} of {markdown:?}"),
        }
    }
    html
}

#[test]
fn markdown_is_rendered() {
    for (markdown, expected) in [
        ("one\ntwo  \nthree", "<p>one\ntwo<br>\nthree</p>\n"),
        ("# A\n###### B", "<h3>A</h3>\n<h6>B</h6>\n"),
        ("- a\n- b\n\n3. c", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<ol start=\"3\">\n<li>c</li>\n</ol>\n"),
        ("1. c", "<ol>\n<li>c</li>\n</ol>\n"),
        (
            "`x<y` *a* **b** ~~c~~",
            "<p><code dir=\"ltr\">x&lt;y</code> <em>a</em> <strong>b</strong> <del>c</del></p>\n",
        ),
        ("```sh\noc get <pod>\n```", "<pre dir=\"ltr\">oc get &lt;pod&gt;\n</pre>\n"),
        ("    indented", "<pre dir=\"ltr\">indented</pre>\n"),
        ("> quoted\n\n---", "<blockquote><p>quoted</p>\n</blockquote>\n<hr>\n"),
        (
            "[KCS](https://example.com/a?b=1&c=2 \"a title\")",
            "<p><a rel=\"noopener noreferrer nofollow\" href=\"https://example.com/a?b=1&amp;c=2\">KCS</a></p>\n",
        ),
        (
            "<https://example.com>",
            "<p><a rel=\"noopener noreferrer nofollow\" href=\"https://example.com\">https://example.com</a></p>\n",
        ),
        (
            "<a@example.com>",
            "<p><a rel=\"noopener noreferrer nofollow\" href=\"mailto:a@example.com\">a@example.com</a></p>\n",
        ),
        (
            "[x][r]\n\n[r]: HTTP://example.com",
            "<p><a rel=\"noopener noreferrer nofollow\" href=\"HTTP://example.com\">x</a></p>\n",
        ),
        ("a | b\n--|--\n1 | 2", "<p>a | b\n--|--\n1 | 2</p>\n"),
    ] {
        assert_eq!(check_harmless(markdown), expected, "{markdown}");
    }
}

#[test]
fn html_is_shown_as_it_is_written() {
    for markdown in [
        "<script>alert(1)</script>",
        "text <img src=x onerror=alert(1)> text",
        "<svg onload=alert(1)>",
        "<iframe src=javascript:alert(1)>",
        "<!-- comment --> <style>*{display:none}</style>",
        "<a href=\"javascript:alert(1)\" onclick=alert(1)>x</a>",
        "<div\nonmouseover=alert(1)>\n\n*text*",
        "<?php x ?> <![CDATA[ x ]]> <!DOCTYPE x>",
        "`<b>` and\n\n    <script>",
        "</div></section></article><h1>x",
    ] {
        let html = check_harmless(markdown);
        let shown = html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        let first = markdown.split([' ', '\n', '`']).find(|word| word.starts_with('<')).unwrap();
        assert!(shown.contains(first), "{markdown}: {html}");
    }
}

#[test]
fn links_that_could_do_something_are_text() {
    for address in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#115;cript:alert(1)",
        "java&Tab;script:alert(1)",
        "&#106;avascript:alert(1)",
        "\\javascript:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://example.com/x",
        "//example.com",
        "/ui",
        "ui",
        "#/cluster/x",
        "?x",
        "",
        "https:example.com",
        "\u{1}http://example.com",
    ] {
        for markdown in [
            format!("[text]({address})"),
            format!("![text](<{address}>)"),
            format!("[text][r]\n\n[r]: <{address}>"),
            format!("[text]\n\n[text]: {address}"),
            format!("<{address}>"),
        ] {
            assert!(!check_harmless(&markdown).contains("<a "), "{markdown:?}");
        }
    }
}

#[test]
fn images_are_links_and_nothing_is_loaded() {
    let link = |text: &str, address: &str| {
        format!("<p><a rel=\"noopener noreferrer nofollow\" href=\"{address}\">{text}</a></p>\n")
    };
    let image = "![a *chart*](https://example.com/i.png)";
    assert_eq!(check_harmless(image), link("a <em>chart</em>", "https://example.com/i.png"));
    assert_eq!(
        check_harmless("![](https://example.com/i.png)"),
        link("https://example.com/i.png", "https://example.com/i.png")
    );
    assert_eq!(
        check_harmless("[](https://example.com/?a&b)"),
        link("https://example.com/?a&amp;b", "https://example.com/?a&amp;b")
    );
    assert_eq!(check_harmless("![alt](data:image/png;base64,AAAA)"), "<p>alt</p>\n");
    assert_eq!(
        check_harmless(&format!("[{image} x](https://example.com)")),
        link("a <em>chart</em> x", "https://example.com")
    );
    assert_eq!(
        check_harmless("[![](https://example.com/i.png)](https://example.com)"),
        link("https://example.com", "https://example.com")
    );
}

#[test]
fn attributes_cannot_be_left() {
    for markdown in [
        "[x](<https://example.com/\"onclick=alert(1)>)",
        "[x](https://example.com/'onclick='alert(1))",
        "[x](https://example.com/&quot;onclick=alert(1))",
        "[x](https://example.com \"t\\\" onclick=alert(1) \")",
        "```\"><script>\nx\n```",
        "<https://example.com/\"><script>alert(1)</script>",
    ] {
        check_harmless(markdown);
    }
}

#[test]
fn a_text_may_end_anywhere() {
    let text = "# A [link](https://example.com \"title\") <b>bold</b> &amp; ![i](https://example.com/i)\n\n```sh\ncode `x`\n```\n\
                > - **deep *nested* `code`** <https://example.com>\n\n1. a\n   - b\n\n[r]: https://example.com 'x'\n\u{202e}rtl \u{5d0} <!-- c -->\n";
    for (end, _) in text.char_indices() {
        check_harmless(&text[..end]);
        check_harmless(&format!("{}\u{2026}", &text[..end]));
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let started = Instant::now();
    for part in [
        "[",
        "![",
        "> ",
        "*",
        "**a ",
        "_",
        "`",
        "``` ",
        "- ",
        "1. ",
        "<",
        "</",
        "<!--",
        "&",
        "&#",
        "(",
        "[a](",
        "[a](<",
        "\\",
        "~~",
        "| ",
        "[x]: a\n",
        "\u{202e}",
        "  - a\n",
        "<a href=\"",
        "*_",
        "[]()",
        "# ",
        "a@b.",
        "https://",
    ] {
        for count in [700, 10_000] {
            let text = part.repeat(count);
            let html = check_harmless(&text);
            assert!(html.len() <= MAX_GROWTH * text.len() + SOME_BYTES, "{part:?}: {}", html.len());
            let deepest = html.match_indices("<blockquote>").count() + html.match_indices("<ul>").count();
            assert!(deepest <= MAX_DEPTH || !["> ", "- "].contains(&part), "{part:?}");
        }
    }
    // They take a second where nothing is optimized. What takes time with the square of the length would take hours.
    assert!(started.elapsed() < Duration::from_secs(120));
}

#[test]
fn nothing_turns_the_direction_of_writing() {
    for mark in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
        assert_eq!(check_harmless(&format!("`rm {mark}x`{mark}")), "<p><code dir=\"ltr\">rm x</code></p>\n");
        assert_eq!(check_harmless(&format!("rm &#{};x", mark as u32)), "<p>rm x</p>\n");
        assert!(!check_harmless(&format!("[](https://example.com/{mark}x)")).contains(mark));
        assert!(!check_harmless(&format!("{mark}{}", "x".repeat(MAX_LENGTH))).contains(mark));
    }
    for unseen in [
        '\u{61c}',
        '\u{200e}',
        '\u{200f}',
        '\u{200b}',
        '\u{ad}',
        '\u{2060}',
        '\u{feff}',
        '\u{3164}',
        '\u{e0041}',
    ] {
        for code in
            [format!("`rm {unseen}x`"), format!("```\nrm {unseen}x\n```"), format!("    rm {unseen}x")]
        {
            let html = check_harmless(&code);
            assert!(html.contains("rm x"), "{code:?} {html:?}");
        }
    }
    let arabic = "\u{645}\u{631}\u{62d}\u{628}\u{627}\u{200f}";
    assert_eq!(
        check_harmless(arabic),
        format!("<p>{arabic}</p>\n"),
        "what is written from right to left stays"
    );
}

#[test]
fn a_text_that_would_grow_is_shown_as_it_is_written() {
    let address = format!("https://example.com/{}", "x".repeat(1000));
    let text = format!("{}\n\n[a]: {address}\n", "[a]".repeat(300));
    let html = check_harmless(&text);
    assert_eq!(markup(&html), ["pre dir=\"ltr\""]);
    assert!(html.contains(&address));
    let huge = "*a* ".repeat(MAX_LENGTH / 4 + 1);
    assert_eq!(check_harmless(&huge), format!("<pre dir=\"ltr\">{huge}</pre>"));
}
