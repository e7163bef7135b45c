//! The pages for people, as browsers get them. What they do in a browser, `tests/browser` tries. No database has a part in it.

use gathering_tests::{Answer, TestDatabase, TestServer};
use serde_json::json;

/// What a browser sends when somebody opens an address.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

fn server(settings: &[&str]) -> TestServer {
    let builder = TestServer::builder(TestDatabase::sqlite());
    settings.iter().fold(builder, |builder, setting| builder.set(setting)).start()
}

fn opened(server: &TestServer, path: &str) -> Answer {
    server.get(path).header("Accept", BROWSER).send()
}

/// The addresses that a document or a script loads, as they are written.
fn loaded(text: &str) -> Vec<&str> {
    let after = |start| text.split(start).skip(1).filter_map(|rest: &str| rest.split(['"', '\'']).next());
    after("src=\"").chain(after("<link rel=\"stylesheet\" href=\"")).chain(after(" from './")).collect()
}

/// What is allowed to a page, apart.
fn directives(answer: &Answer) -> Vec<&str> {
    answer.header("content-security-policy").split(';').map(str::trim).collect()
}

#[test]
fn the_page_and_all_that_it_loads_are_there_and_may_do_nothing_else() {
    let server = server(&[]);
    let page = opened(&server, "/ui");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let mut files = vec!["./ui/icon.svg".to_owned()];
    files.extend(loaded(&page.body).into_iter().map(str::to_owned));
    let mut at = 0;
    while let Some(file) = files.get(at).cloned() {
        at += 1;
        let path = file.strip_prefix('.').unwrap();
        let answer = server.get(path).send();
        let expected = match path.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other}"),
        };
        assert_eq!((answer.status, answer.header("content-type")), (200, expected), "{path}");
        for import in loaded(&answer.body) {
            let import = format!("./ui/{import}");
            if !files.contains(&import) {
                files.push(import);
            }
        }
        assert_eq!(directives(&answer), directives(&page), "{path}");
        hardened(&answer, "no-cache");
    }
    assert!(files.len() > 10, "{files:?}");
    hardened(&page, "no-store");
    assert_eq!(
        directives(&page),
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types report",
        ]
    );
}

fn hardened(answer: &Answer, cache: &str) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(answer.header("cache-control"), cache);
    assert_eq!(answer.header("set-cookie"), "");
}

#[test]
fn what_a_browser_has_is_not_sent_again() {
    let server = server(&[]);
    for path in ["/", "/ui", "/ui/", "/ui/main.js", "/ui/ui.css"] {
        let first = opened(&server, path);
        let tag = first.header("etag");
        assert!(tag.starts_with('"') && tag.len() > 30, "{path}: {tag}");
        let again = server.get(path).header("Accept", BROWSER).header("If-None-Match", tag).send();
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag), "{path}");
        assert_eq!(again.header("vary"), first.header("vary"), "{path}");
        let other = server.get(path).header("Accept", BROWSER).header("If-None-Match", "\"other\"").send();
        assert_eq!((other.status, other.body == first.body), (200, true), "{path}");
    }
    let (plain, with_slash) = (opened(&server, "/ui"), opened(&server, "/ui/"));
    assert_ne!(plain.header("etag"), with_slash.header("etag"));
}

#[test]
fn addresses_are_relative_to_where_the_page_is() {
    let server = server(&["http.base_paths=[\"/api/v2\"]"]);
    for (path, root) in [("/ui", "./"), ("/ui/", "../")] {
        let page = opened(&server, path);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains(&format!(" data-api=\"{root}api/v2/\"")), "{}", page.body);
        assert!(page.body.contains(&format!("<script type=\"module\" src=\"{root}ui/main.js\">")));
        assert!(!page.body.contains("=\"/") && !page.body.contains("{{"), "{}", page.body);
    }
    assert_eq!(server.get("/api/v2/info").send().status, 200, "what is at that address");
    assert_eq!(server.get("/api/v2/ui").send().status, 404, "pages are at one path each");
    let index = opened(&server, "/");
    assert!(index.body.contains("href=\"./api/v2/openapi.json\""), "{}", index.body);
    for path in ["/ui/main.js/", "/ui/ui.css/"] {
        assert_eq!(server.get(path).send().status, 200, "{path}");
    }
}

#[test]
fn a_page_is_told_how_callers_say_who_they_are_and_how_long_requests_are_kept() {
    for (settings, told) in [
        (vec![], " data-auth=\"token\" data-retention=\"86400\""),
        (vec!["auth.mode=disabled", "storage.retention=90m"], " data-auth=\"none\" data-retention=\"5400\""),
        (
            vec!["auth.mode=identity-header", "auth.trusted_proxies=[\"127.0.0.1/32\"]"],
            " data-auth=\"identity-header\" data-retention=\"86400\"",
        ),
    ] {
        let page = opened(&server(&settings), "/ui");
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
}

#[test]
fn methods_are_those_of_every_endpoint() {
    let server = server(&[]);
    for path in ["/ui", "/ui/", "/ui/main.js"] {
        let (get, head) = (server.get(path).send(), server.call("HEAD", path).send());
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        let options = server.call("OPTIONS", path).send();
        assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, OPTIONS"), "{path}");
        for method in ["POST", "DELETE", "BREW"] {
            assert_eq!(server.call(method, path).send().status, 405, "{method} {path}");
        }
    }
    for path in ["/ui/nope.js", "/ui/index.html", "/ui/../ui", "/ui/%2e%2e", "/ui/main.js/x", "/uix", "//ui"]
    {
        let answer = server.get(path).send();
        assert_eq!((answer.status, answer.sentence().as_str()), (404, "No endpoint has this path"), "{path}");
    }
}

#[test]
fn the_root_is_for_people_and_for_load_balancers() {
    let server = server(&[]);
    let page = opened(&server, "/");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    hardened(&page, "no-cache");
    assert_eq!(page.header("vary"), "accept");
    assert!(page.body.contains(&format!("Version {}", env!("CARGO_PKG_VERSION"))), "{}", page.body);
    for link in ["./ui", "./docs", "./openapi.json", "./info"] {
        assert!(page.body.contains(&format!("<a href=\"{link}\">")), "{link}");
    }
    let object = json!({"service": "gathering", "status": "running", "version": env!("CARGO_PKG_VERSION")});
    for accept in ["*/*", "application/json", "application/json, text/html", "text/plain", ""] {
        let answer = server.get("/").header("Accept", accept).send();
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{accept}");
        assert_eq!((answer.status, answer.json(), answer.header("vary")), (200, object.clone(), "accept"));
    }
    for method in ["OPTIONS", "HEAD"] {
        let answer = server.call(method, "/").send();
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{method}");
    }
    assert_eq!(server.call("OPTIONS", "/").send().header("allow"), "GET, HEAD, OPTIONS");
    let post = server.post("/", "x").send();
    assert_eq!((post.status, post.header("allow")), (405, "GET, HEAD, OPTIONS"));
}

#[test]
fn pages_can_be_switched_off() {
    let server = server(&["ui.enabled=false"]);
    for path in ["/ui", "/ui/", "/ui/main.js", "/ui/ui.css", "/docs", "/docs/"] {
        for method in ["GET", "HEAD", "OPTIONS", "POST"] {
            let answer = server.call(method, path).header("Accept", BROWSER).send();
            assert_eq!(answer.status, 404, "{method} {path}");
        }
        assert_eq!(opened(&server, path).sentence(), "No endpoint has this path");
    }
    let index = opened(&server, "/");
    assert_eq!((index.status, index.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(!index.body.contains("/ui") && !index.body.contains("/docs"), "{}", index.body);
    assert!(index.body.contains("<a href=\"./openapi.json\">"));
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_eq!(server.call(method, "/").send().status, 200, "{method}");
    }
}

#[test]
fn pages_have_few_labels_and_none_of_polls() {
    let server = server(&[]);
    for path in ["/", "/ui", "/ui/", "/ui/main.js", "/ui/made-up-1", "/ui/made-up-2"] {
        server.get(path).send();
    }
    server.call("OPTIONS", "/").send();
    let text = server.admin("/metrics").send().body;
    let count = |endpoint: &str, method: &str, status: u16| {
        let labels = format!("{{endpoint=\"{endpoint}\",method=\"{method}\",status=\"{status}\"}} ");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("gathering_http_requests_total{labels}")));
        line.map(|count| count.parse::<u64>().unwrap())
    };
    assert_eq!(count("/", "GET", 200), Some(1));
    assert_eq!(count("/", "OPTIONS", 200), Some(1));
    assert_eq!(count("/ui", "GET", 200), Some(2));
    assert_eq!(count("/ui/{file}", "GET", 200), Some(1));
    assert_eq!(count("/ui/{file}", "GET", 404), Some(2));
    assert!(!text.contains("made-up") && !text.contains("endpoint=\"/cluster"), "{text}");
}

#[test]
fn pages_answer_while_the_database_is_away() {
    let server = server(&[]);
    let outage = server.outage();
    for path in ["/", "/ui", "/ui/main.js"] {
        assert_eq!(opened(&server, path).status, 200, "{path}");
    }
    drop(outage);
}
