//! Headers and spellings that are no token.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gathering_tests::{CLUSTER, exchange};
use serde_json::json;

use super::{Target, check_refusal, still_works};

#[test]
fn headers_that_are_no_single_token() {
    let target = Target::start();
    let good = target.signed(&Target::claims());
    let second = target.signed(&Target::with("org_id", json!(43)));
    let bytes = |lines: &str| lines.as_bytes().to_vec();
    for (row, lines, part) in [
        ("no header", Vec::new(), "an Authorization header with a bearer token is required"),
        (
            "two of them",
            bytes(&format!("Authorization: Bearer {good}\r\nAuthorization: Bearer {good}\r\n")),
            "more than one",
        ),
        (
            "two organizations",
            bytes(&format!("Authorization: Bearer {good}\r\nauthorization: Bearer {second}\r\n")),
            "more than one",
        ),
        (
            "one empty",
            bytes(&format!("Authorization: \r\nAuthorization: Bearer {good}\r\n")),
            "more than one",
        ),
        ("two in one", bytes(&format!("Authorization: Bearer {good}, Bearer {second}\r\n")), "the token"),
        ("an empty one", bytes("Authorization:\r\n"), "no bearer token"),
        ("no scheme", bytes(&format!("Authorization: {good}\r\n")), "no bearer token"),
        ("no token", bytes("Authorization: Bearer\r\n"), "no bearer token"),
        ("Basic", bytes("Authorization: Basic dXNlcjpwYXNz\r\n"), "no bearer token"),
        ("Basic with a token", bytes(&format!("Authorization: Basic {good}\r\n")), "no bearer token"),
        ("Digest", bytes("Authorization: Digest username=\"x\"\r\n"), "no bearer token"),
        ("DPoP", bytes(&format!("Authorization: DPoP {good}\r\n")), "no bearer token"),
        ("Negotiate", bytes("Authorization: Negotiate YIIB\r\n"), "no bearer token"),
        ("JWT", bytes(&format!("Authorization: JWT {good}\r\n")), "no bearer token"),
        ("Bearer:", bytes(&format!("Authorization: Bearer: {good}\r\n")), "no bearer token"),
        ("BearerX", bytes(&format!("Authorization: BearerX {good}\r\n")), "no bearer token"),
        ("a tab", bytes(&format!("Authorization: Bearer\t{good}\r\n")), "no bearer token"),
        ("another header", bytes(&format!("X-Authorization: Bearer {good}\r\n")), "is required"),
        ("a cookie", bytes(&format!("Cookie: Authorization=Bearer {good}; token={good}\r\n")), "is required"),
        ("a proxy's", bytes(&format!("Proxy-Authorization: Bearer {good}\r\n")), "is required"),
        (
            "the gateway's",
            bytes(&format!("x-rh-identity: {}\r\n", STANDARD.encode(r#"{"identity":{"org_id":"42"}}"#))),
            "is required",
        ),
        (
            "bytes that are no UTF-8",
            b"Authorization: Bearer \xff\xfe.\xc3\x28.\xa0\xa1\r\n".to_vec(),
            "no bearer token",
        ),
        ("a scheme that is no UTF-8", b"Authorization: B\xe9arer abc\r\n".to_vec(), "no bearer token"),
        (
            "an opaque token",
            bytes("Authorization: Bearer 2YotnFZFEjr1zCsicMWpAA\r\n"),
            "not a JSON Web Token",
        ),
        (
            "17000 characters",
            bytes(&format!("Authorization: Bearer {}\r\n", "x".repeat(17_000))),
            "longer than 16384",
        ),
    ] {
        let answer = target.ask(CLUSTER, "r", &lines);
        assert_eq!(answer.status, 401, "{row}: {answer:?}");
        check_refusal(row, &answer, part);
    }
    let in_query = exchange(
        target.server.address(),
        format!("GET /cluster/{CLUSTER}/request/r/status?access_token={good} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    );
    assert_eq!(in_query.unwrap().status, 401, "a token in the query ends up in logs");
    // A head of a mebibyte never reaches our code: the web server refuses it, or breaks the connection off.
    let huge = format!("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", "x".repeat(1 << 20));
    match exchange(target.server.address(), huge.as_bytes()) {
        Ok(answer) => assert!((400..500).contains(&answer.status), "{answer:?}"),
        Err(error) => assert!(
            [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::UnexpectedEof].contains(&error.kind()),
            "{error}"
        ),
    }
    still_works(&target);
}

#[test]
fn tokens_may_be_as_long_as_is_configured() {
    let of_length = |target: &Target, about: usize| {
        // A letter of a claim takes 4/3 letters of the token.
        let without = target.signed(&Target::with("sub", json!(""))).len();
        let roles = "r".repeat((about - without) * 3 / 4);
        let token = target.signed(&Target::with("sub", json!(roles)));
        assert!((about - 3..=about).contains(&token.len()), "{}", token.len());
        token
    };
    let target = Target::start();
    assert_eq!(target.try_token(&of_length(&target, 16 * 1024)).status, 200);
    target.refuses("longer", &of_length(&target, 16 * 1024 + 4), "longer than 16384");
    let target = Target::with_settings(&["auth.max_token=64 KiB"]);
    assert_eq!(
        target.try_token(&of_length(&target, 64 * 1024)).status,
        200,
        "the HTTP server lets it through"
    );
    target.refuses("longer", &of_length(&target, 64 * 1024 + 4), "longer than 65536");
    let target = Target::with_settings(&["auth.max_token=1024"]);
    target.refuses("longer", &of_length(&target, 1028), "longer than 1024");
    still_works(&target);
}

#[test]
fn other_spellings_of_base64() {
    let target = Target::start();
    // A token whose parts have letters that the alphabets write in different ways.
    let claims = Target::with("sub", json!("\u{fbff}?>~\u{ffff}???>>>~~~"));
    let good = target.signed(&claims);
    assert_eq!(target.try_token(&good).status, 200);
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let standard = |part: &str| part.replace('-', "+").replace('_', "/");
    assert_ne!(standard(payload), payload);
    let mut last = signature.to_owned();
    // The last letter of 256 bytes has bits that mean nothing: 'A', 'Q', 'g' and 'w' have none of them set.
    let end = last.pop().unwrap();
    last.push(char::from(end as u8 + 1));
    for (row, token) in [
        ("padded header", format!("{header}=.{payload}.{signature}")),
        ("padded payload", format!("{header}.{payload}==.{signature}")),
        ("padded signature", format!("{header}.{payload}.{signature}==")),
        ("the standard alphabet", format!("{header}.{}.{signature}", standard(payload))),
        ("the standard alphabet in the signature", format!("{header}.{payload}.{}", standard(signature))),
        ("bits that mean nothing", format!("{header}.{payload}.{last}")),
        ("a space inside", format!("{header}.{payload} .{signature}")),
        ("percent signs", format!("{header}%2E{payload}%2E{signature}")),
        ("a fourth part", format!("{good}.")),
        ("an empty first part", format!(".{good}")),
        ("five parts", format!("{good}.{signature}.{signature}")),
        ("hexadecimal", "7b7d.7b7d.7b7d".to_owned()),
        ("no JSON", format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode("alg: RS256"))),
        (
            "no UTF-8 in JSON",
            format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(b"{\"alg\":\"\xff\"}")),
        ),
        ("deep JSON", format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode("[".repeat(5000)))),
    ] {
        if row == "the standard alphabet in the signature" && standard(signature) == signature {
            continue;
        }
        target.refuses(row, &token, "the token");
    }
    still_works(&target);
}
