//! Whose certificates the program trusts where nothing names authorities: those of the system, which `SSL_CERT_FILE` names here.

use gathering_tests::{Authority, CLUSTER, Message, Program, TestDatabase, TestServer};

use crate::secret;

/// A server with TLS, whose certificate the authority signed.
fn server_of(program: &Program, authority: &Authority) -> TestServer {
    let certificate = authority.sign();
    let cert = program.file("server.crt", &certificate.cert).display().to_string();
    let key = program.file("server.key", &certificate.key).display().to_string();
    TestServer::builder(TestDatabase::sqlite())
        .set(&format!("http.tls.cert={cert}"))
        .set(&format!("http.tls.key={key}"))
        .start()
}

#[test]
fn the_aggregator_is_asked_only_where_its_certificate_is_good() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (trusted, gets_there) in [(&authority, true), (&stranger, false)] {
        let program = Program::new();
        // It knows no such path, so the report is not filtered: what matters is how far the call gets.
        let aggregator = server_of(&program, &authority);
        let (secret, ca) = (secret(&program), program.file("ca.pem", trusted.pem()).display().to_string());
        let token = program.run(&["token", "--org", "42", "--set", &secret]).ok().stdout;
        let message = Message::new(42, CLUSTER, "r").hit("rules.disk|FULL").to_string();
        program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
        let filter = format!("report.filter.aggregator=https://localhost:{}", aggregator.address().port());
        let include = "report.unknown_content=include";
        let arguments = [
            "serve",
            "--set",
            &secret,
            "--set",
            &filter,
            "--set",
            include,
            "--set",
            "report.filter.timeout=30s",
        ];
        let running = program.serve_with(&arguments, &[("SSL_CERT_FILE", &ca)]);
        let report =
            running.call("GET", &format!("/cluster/{CLUSTER}/request/r/report")).bearer(token.trim());
        assert_eq!(report.send().json()["report"].as_array().unwrap().len(), 1);
        let calls = "gathering_http_requests_total{endpoint=\"none\",method=\"GET\",status=\"404\"}";
        assert_eq!(aggregator.metric(calls) > 0, gets_there, "{}", running.stderr());
    }
}

#[test]
fn a_token_is_shown_only_to_a_server_whose_certificate_is_good() {
    let (program, authority, stranger) = (Program::new(), Authority::new(), Authority::new());
    let server = server_of(&program, &authority);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let url = format!("https://localhost:{}", server.address().port());
    for (trusted, code, said) in
        [(&authority, 0, "The analysis found nothing."), (&stranger, 1, "certificate")]
    {
        let ca = program.file("ca.pem", trusted.pem());
        let watching = program
            .command(&["watch", CLUSTER, "r", "--server", &url])
            .env("SSL_CERT_FILE", ca)
            .env("GATHERING_TOKEN", server.token(42))
            .output()
            .unwrap();
        let all = String::from_utf8([watching.stdout, watching.stderr].concat()).unwrap();
        assert_eq!((watching.status.code(), all.contains(said)), (Some(code), true), "{all}");
    }
}
