//! Tokens with the right signature that say something wrong, or allow too little.

use gathering_auth::Algorithm;
use gathering_auth::testing::token_of_parts;
use serde_json::{Value, json};

use super::{ISSUER, Target, still_works};
use gathering_tests::{CLUSTER, OTHER_CLUSTER};

use crate::fixture::{NOW, RSA};

#[test]
fn times_that_are_over_or_yet_to_come_or_none() {
    let target = Target::start();
    for (row, claims, part) in [
        ("expired", Target::with("exp", json!(NOW - 60)), "has expired"),
        ("expired, with a fraction", Target::with("exp", json!(1_772_369_939.999)), "has expired"),
        ("expired long ago", Target::with("exp", json!(0)), "has expired"),
        ("expired before 1970", Target::with("exp", json!(-1)), "has expired"),
        ("no expiry", Target::without("exp"), "claim 'exp'"),
        ("expiry null", Target::with("exp", Value::Null), "claim 'exp'"),
        ("expiry as text", Target::with("exp", json!((NOW + 3600).to_string())), "claim 'exp'"),
        ("expiry as a date", Target::with("exp", json!("2099-01-01T00:00:00Z")), "claim 'exp'"),
        ("expiry as a list", Target::with("exp", json!([NOW + 3600])), "claim 'exp'"),
        ("expiry as an object", Target::with("exp", json!({"time": NOW + 3600})), "claim 'exp'"),
        ("expiry true", Target::with("exp", json!(true)), "claim 'exp'"),
        ("expiry in milliseconds", Target::with("exp", json!((NOW + 3600) * 1000)), "claim 'exp'"),
        ("expiry at the end of days", Target::with("exp", json!(u64::MAX)), "claim 'exp'"),
        ("expiry beyond", Target::with("exp", json!(1e308)), "claim 'exp'"),
        ("not yet valid", Target::with("nbf", json!(NOW + 61)), "not valid yet"),
        ("not yet valid, with a fraction", Target::with("nbf", json!(1_772_370_060.001)), "not valid yet"),
        ("not valid for long", Target::with("nbf", json!(NOW * 2)), "not valid yet"),
        ("start as text", Target::with("nbf", json!("0")), "claim 'nbf'"),
        ("start in milliseconds", Target::with("nbf", json!(NOW * 1000)), "claim 'nbf'"),
        ("of the future", Target::with("iat", json!(NOW + 61)), "not valid yet"),
        ("of the far future", Target::with("iat", json!(NOW * 1000)), "claim 'iat'"),
        ("issued as text", Target::with("iat", json!("0")), "claim 'iat'"),
    ] {
        target.refuses(row, &target.signed(&claims), part);
    }
    for payload in [r#"{"exp":1e400}"#, r#"{"exp":NaN}"#, r#"{"exp":Infinity}"#, r#"{"exp":0x7fffffff}"#] {
        let token = token_of_parts(r#"{"alg":"RS256","kid":"r1"}"#, payload.as_bytes(), |text| {
            RSA[0].sign(Algorithm::RS256, text)
        });
        target.refuses(payload, &token, "not a JSON Web Token");
    }
    still_works(&target);
}

#[test]
fn claims_that_are_of_another_or_none() {
    let target = Target::start();
    let mut rows = vec![
        ("iss of another", Target::with("iss", json!("https://evil.example.com")), "of another issuer"),
        ("iss, almost", Target::with("iss", json!("https://sso.example.com/")), "of another issuer"),
        ("iss in capitals", Target::with("iss", json!("HTTPS://SSO.EXAMPLE.COM")), "of another issuer"),
        ("no iss", Target::without("iss"), "of another issuer"),
        ("iss as a list", Target::with("iss", json!([ISSUER])), "claim 'iss'"),
        ("iss null", Target::with("iss", Value::Null), "of another issuer"),
        ("aud of another", Target::with("aud", json!("other")), "for another audience"),
        ("no aud", Target::without("aud"), "for another audience"),
        ("aud empty", Target::with("aud", json!([])), "for another audience"),
        ("aud with a space", Target::with("aud", json!("gathering ")), "for another audience"),
        ("aud as an object", Target::with("aud", json!({"gathering": true})), "claim 'aud'"),
        ("aud in a list of lists", Target::with("aud", json!([["gathering"]])), "claim 'aud'"),
        ("aud null", Target::with("aud", Value::Null), "for another audience"),
        ("aud of null", Target::with("aud", json!([null])), "for another audience"),
        ("no org_id", Target::without("org_id"), "token's organization"),
        ("sub as a number", Target::with("sub", json!(7)), "claim 'sub'"),
        ("scope as an object", Target::with("scope", json!({"read": true})), "token's scopes"),
        ("scope true", Target::with("scope", json!(true)), "token's scopes"),
        ("scopes in a list of lists", Target::with("scope", json!([["read"]])), "token's scopes"),
        ("scopes and a number", Target::with("scope", json!(["read", 7])), "token's scopes"),
        ("cluster empty", Target::with("cluster_id", json!("")), "token's cluster"),
        ("cluster \"null\"", Target::with("cluster_id", json!("null")), "token's cluster"),
        ("cluster with a wildcard", Target::with("cluster_id", json!("*")), "token's cluster"),
        ("clusters", Target::with("cluster_id", json!([CLUSTER])), "token's cluster"),
    ];
    for organization in [
        json!(0),
        json!(-1),
        json!(-42),
        json!(42.0),
        json!(42.5),
        json!(4_294_967_296_u64),
        json!(4_294_967_338_u64),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("0"),
        json!("-42"),
        json!("+42"),
        json!(" 42"),
        json!("42 "),
        json!("4 2"),
        json!("42\n"),
        json!("42\0"),
        json!("0x2a"),
        json!("4e1"),
        json!("4294967338"),
        json!("\u{664}\u{662}"),
        json!("*"),
        json!("42 OR 1=1"),
        json!(true),
        json!([42]),
        json!({"id": 42}),
        Value::Null,
    ] {
        rows.push(("org_id", Target::with("org_id", organization), "token's organization"));
    }
    for (row, claims, part) in rows {
        target.refuses(&format!("{row}: {claims}"), &target.signed(&claims), part);
    }
    let twice = Target::claims().to_string().replacen('{', r#"{"org_id":43,"#, 1);
    let token = token_of_parts(r#"{"alg":"RS256","kid":"r1"}"#, twice.as_bytes(), |text| {
        RSA[0].sign(Algorithm::RS256, text)
    });
    target.refuses("org_id twice", &token, "not a JSON Web Token");
    let list = json!([42, NOW + 3600]);
    target.refuses("a list of claims", &target.signed(&list), "not a JSON Web Token");
    still_works(&target);
}

#[test]
fn what_a_token_does_not_allow() {
    let target = Target::start();
    let token = |claims: &Value| format!("Authorization: Bearer {}\r\n", target.signed(claims));
    for scope in [
        "",
        " ",
        "READ",
        "Read",
        "read,write",
        "read\twrite",
        "\"read\"",
        "reader",
        "re ad",
        "write",
        "write:any",
        "read:any",
        "*",
        "admin",
    ] {
        let answer = target.ask(CLUSTER, "r", token(&Target::with("scope", json!(scope))).as_bytes());
        let sentence = answer.sentence();
        assert_eq!(
            (answer.status, sentence.as_str()),
            (403, "Forbidden: the caller lacks the scope 'read'"),
            "{scope}"
        );
        let list = target.ask(CLUSTER, "r", token(&Target::with("scope", json!([scope, null]))).as_bytes());
        assert_eq!((list.status, list.sentence()), (403, sentence), "[{scope}]");
    }
    let answer =
        target.ask(CLUSTER, "r", token(&Target::with("cluster_id", json!(OTHER_CLUSTER))).as_bytes());
    assert_eq!(
        (answer.status, answer.sentence().as_str()),
        (403, "Forbidden: the caller is bound to another cluster")
    );
    // What another organization has is as unknown as what nobody has.
    let own = token(&Target::claims());
    let theirs = target.ask(CLUSTER, "theirs", own.as_bytes());
    let nobodys = target.ask(CLUSTER, "nobodys", own.as_bytes());
    assert_eq!((theirs.status, theirs.body), (404, nobodys.body));
    let elsewhere = token(&Target::with("org_id", json!(43)));
    assert_eq!(target.ask(CLUSTER, "theirs", elsewhere.as_bytes()).status, 200);
    assert_eq!(target.ask(CLUSTER, "r", elsewhere.as_bytes()).status, 404);
    let post = |scope: &str| {
        let token = target.signed(&Target::with("scope", json!(scope)));
        let call = target.server.post("/ingest/results", "{}").header("Content-Type", "application/json");
        call.bearer(&token).send().status
    };
    assert_eq!([post("read"), post("write:"), post("write:any:more"), post("WRITE")], [403; 4]);
    assert_eq!([post("write"), post("write:any")], [200; 2]);
    still_works(&target);
}
