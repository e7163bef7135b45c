//! TLS on both listeners, with certificates that change, and callers that need one.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use gathering_tests::{Authority, Call, Certificate, Program, TestDatabase, TestServer, Trust};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::fixture::{Folder, record, status};

pub(crate) fn trust(authority: &Authority, own: Option<&Certificate>) -> Trust {
    let own = own.map(|own| (own.cert.clone(), own.key.clone()));
    Trust { authority: authority.pem().to_owned(), own }
}

pub(crate) fn write(folder: &Folder, name: &str, certificate: &Certificate) -> [String; 2] {
    [
        folder.write(&format!("{name}.key"), &certificate.key),
        folder.write(&format!("{name}.crt"), &certificate.cert),
    ]
}

#[test]
fn both_listeners_speak_tls_and_take_new_certificates() {
    let (folder, first, second) = (Folder::new(), Authority::new(), Authority::new());
    let [key, cert] = write(&folder, "server", &first.sign());
    let server = TestServer::builder(TestDatabase::sqlite())
        .set(&format!("http.tls.cert={cert}"))
        .set(&format!("http.tls.key={key}"))
        .set(&format!("admin.tls.cert={cert}"))
        .set(&format!("admin.tls.key={key}"))
        .start();
    record(&server);
    let call = |call: Call, authority: &Authority| call.tls(&trust(authority, None)).try_send().ok();
    let api = |authority| call(server.get(&status()).bearer(&server.token(42)), authority);
    let admin = |authority| call(server.admin("/livez"), authority);
    assert_eq!(api(&first).unwrap().status, 200);
    assert_eq!(admin(&first).unwrap().status, 200);
    assert!(api(&second).is_none(), "its certificate is of another authority");
    let plain = server.get(&status()).bearer(&server.token(42)).try_send();
    assert!(plain.map_or(true, |answer| answer.status != 200), "plain HTTP is not answered");

    // A key without its certificate is one of a change that is half done.
    let next = second.sign();
    folder.write("server.key", &next.key);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(api(&first).unwrap().status, 200);
    folder.write("server.crt", &next.cert);
    server.until(|_| api(&second));
    server.until(|_| admin(&second));
    assert!(api(&first).is_none());
}

#[test]
fn callers_need_a_certificate_where_it_is_asked_for() {
    let (folder, servers, callers, next) =
        (Folder::new(), Authority::new(), Authority::new(), Authority::new());
    let [key, cert] = write(&folder, "server", &servers.sign());
    let authority = folder.write("callers.pem", callers.pem());
    let server = TestServer::builder(TestDatabase::sqlite())
        .set("auth.mode=identity-header")
        .set(&format!("http.tls.cert={cert}"))
        .set(&format!("http.tls.key={key}"))
        .set(&format!("http.tls.client_ca={authority}"))
        .start();
    record(&server);
    // {"identity":{"org_id":"42"}}
    let identity = "eyJpZGVudGl0eSI6eyJvcmdfaWQiOiI0MiJ9fQ==";
    let ask = |own: Option<&Certificate>| {
        let call = server.get(&status()).header("x-rh-identity", identity).tls(&trust(&servers, own));
        call.try_send().ok().map(|answer| answer.status)
    };
    let (gateway, stranger, successor) = (callers.sign(), servers.sign(), next.sign());
    assert_eq!(ask(Some(&gateway)), Some(200));
    assert_eq!(ask(None), None);
    assert_eq!(ask(Some(&stranger)), None);
    assert_eq!(ask(Some(&successor)), None);

    folder.write("callers.pem", format!("{}{}", callers.pem(), next.pem()));
    server.until(|_| ask(Some(&successor)));
    assert_eq!(ask(Some(&gateway)), Some(200), "both authorities count");
    folder.write("callers.pem", next.pem());
    server.until(|_| ask(Some(&gateway)).is_none().then_some(()));
    assert_eq!(ask(Some(&successor)), Some(200));
}

#[test]
fn the_programs_own_probe_speaks_tls() {
    let (program, folder, authority) = (Program::new(), Folder::new(), Authority::new());
    let [key, cert] = write(&folder, "server", &authority.sign());
    program.file("hmac.key", "a secret of more than thirty-two bytes");
    let settings = [
        "auth.keys.hmac_secret_file=hmac.key".to_owned(),
        format!("admin.tls.cert={cert}"),
        format!("admin.tls.key={key}"),
    ];
    let all: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting.as_str()]).collect();
    let running = program.serve(&[&["serve"][..], &all].concat());
    let bind = format!("admin.bind={}", running.admin_address());
    program.run(&[&["health", "--set", &bind][..], &all].concat()).ok();
    program.run(&["health", &format!("https://{}", running.admin_address())]).ok();
    let plain = program.run(&["health", &format!("http://{}", running.admin_address())]);
    assert_eq!(plain.code, Some(1), "{plain:?}");
    drop(running);

    let (monitoring, stranger) = (Authority::new(), Authority::new());
    let client_ca = format!("admin.tls.client_ca={}", folder.write("monitoring.pem", monitoring.pem()));
    let running = program.serve(&[&["serve", "--set", &client_ca][..], &all].concat());
    let url = format!("https://{}", running.admin_address());
    let [key, cert] = write(&folder, "probe", &monitoring.sign());
    let [other_key, other_cert] = write(&folder, "stranger", &stranger.sign());
    let probe = |cert: &str, key: &str| program.run(&["health", &url, "--cert", cert, "--key", key]);
    probe(&cert, &key).ok();
    assert_eq!(probe(&other_cert, &other_key).code, Some(1));
    assert_eq!(program.run(&["health", &url]).code, Some(1));
    let mixed = probe(&cert, &other_key);
    assert!(mixed.code == Some(2) && mixed.stderr.contains("cannot be used together"), "{mixed:?}");
}

#[test]
fn clients_that_say_nothing_keep_nobody_out() {
    let (program, folder, authority) = (Program::new(), Folder::new(), Authority::new());
    let [key, cert] = write(&folder, "server", &authority.sign());
    let settings = [
        "auth.mode=disabled".to_owned(),
        "http.workers=1".to_owned(),
        format!("http.tls.cert={cert}"),
        format!("http.tls.key={key}"),
    ];
    let all: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting.as_str()]).collect();
    let running = program.serve(&[&["serve"][..], &all].concat());
    // More than the 256 handshakes that the web server's library allows a worker by itself. The service gives each up after
    // some seconds; who is answered only then was kept out. On a machine that is busy for so long, another round tells.
    let is_answered_before_they_are_given_up = |_: usize| {
        let silent: Vec<_> = (0..300).map(|_| TcpStream::connect(running.api_address()).unwrap()).collect();
        let answer = running.call("GET", "/openapi.json").tls(&trust(&authority, None)).send();
        assert_eq!(answer.status, 200);
        silent[0].set_nonblocking(true).unwrap();
        silent[0].peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    };
    assert!((0..5).any(is_answered_before_they_are_given_up));
}

/// A connection with TLS to a server whose certificate is of this authority.
fn connect(server: &TestServer, authority: &Authority) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    StreamOwned::new(client, TcpStream::connect(server.address()).unwrap())
}

#[test]
fn a_client_that_has_gone_waits_no_more_whatever_it_sent() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let [key, cert] = write(&folder, "server", &authority.sign());
    let server = TestServer::builder(TestDatabase::sqlite())
        .set(&format!("http.tls.cert={cert}"))
        .set(&format!("http.tls.key={key}"))
        .set("wait.recheck=1h")
        .start();
    let until_waiting = |count| {
        server.until(|server| (server.metric("gathering_waiting_calls") == count).then_some(()));
    };
    let pipelined = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (headers, rest) in [
        ("", String::new()),
        ("", "\r\n".to_owned()),
        ("", pipelined.to_owned()),
        ("", pipelined.repeat(2000)),
        ("Content-Length: 4\r\n", "body".to_owned()),
        ("Content-Length: 40000\r\n", "x".repeat(40_000)),
    ] {
        for says_goodbye in [false, true] {
            let mut stream = connect(&server, &authority);
            let head = format!(
                "GET {} HTTP/1.1\r\nHost: x\r\nPrefer: wait=20\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
                status(),
                server.token(42)
            );
            stream.write_all(head.as_bytes()).unwrap();
            until_waiting(1);
            stream.write_all(rest.as_bytes()).unwrap();
            if says_goodbye {
                stream.conn.send_close_notify();
            }
            stream.flush().unwrap();
            drop(stream);
            until_waiting(0);
        }
    }
}
