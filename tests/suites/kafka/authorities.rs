//! Which authorities are believed in: those of the system unless something says otherwise.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use gathering_tests::{Authority, Program, TestDatabase, until};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

/// A listener with a certificate of this authority. It tells of each handshake whether it came to its end.
fn listener(authority: &Authority) -> (SocketAddr, Receiver<Result<usize, String>>) {
    let certificate = authority.sign();
    let chain = vec![CertificateDer::from_pem_slice(certificate.cert.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // With TLS 1.3 a client that refuses says so after the server is done: what counts is that it speaks.
            let spoken = rustls::Stream::new(&mut connection, &mut socket).read(&mut [0]);
            // Nobody listens once the test is over.
            let _ = tell.send(spoken.map_err(|error| error.to_string()));
        }
    });
    (address, told)
}

fn arguments(database: &TestDatabase, address: SocketAddr) -> Vec<String> {
    let mut arguments: Vec<String> = ["serve", "--role", "ingest"].map(str::to_owned).into();
    for setting in [
        "ingest.kafka.enabled=true".to_owned(),
        format!("ingest.kafka.brokers=localhost:{}", address.port()),
        "ingest.kafka.properties.broker.address.family=v4".to_owned(),
        "ingest.kafka.properties.debug=security".to_owned(),
        "ingest.kafka.security.protocol=ssl".to_owned(),
        format!("storage.url={}", database.url()),
    ] {
        arguments.extend(["--set".to_owned(), setting]);
    }
    arguments
}

const TELLS: (&str, &str) = ("RUST_LOG", "info,librdkafka=debug");

/// A test cannot add an authority to the system: it can only see that the system's are the ones that are asked.
#[test]
fn the_systems_authorities_are_found() {
    let authority = Authority::new();
    let (address, told) = listener(&authority);
    let database = TestDatabase::sqlite();
    let arguments = arguments(&database, address);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let running = Program::new().serve_with(&arguments, &[TELLS]);
    until(|| running.stderr().contains("certificate could not be verified"));
    let refused = told.recv().unwrap().unwrap_err();
    assert!(refused.contains("UnknownCA"), "{refused}");
    let stderr = running.stderr();
    let begin = "Setting default CA certificate location for kafka to \"";
    let found = stderr.split_once(begin).and_then(|(_, rest)| rest.split_once('"'));
    let is_there = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
        "/etc/ssl/ca-bundle.pem",
    ]
    .iter()
    .any(|path| Path::new(path).exists());
    if let Some((path, _)) = found {
        let path = Path::new(path);
        assert!(path.is_dir() || std::fs::read_to_string(path).unwrap().contains("BEGIN CERTIFICATE"));
    }
    assert_eq!(found.is_some(), is_there, "{stderr}");
}

#[test]
fn the_environment_and_properties_say_otherwise() {
    let authority = Authority::new();
    let program = Program::new();
    let file = program.file("authority.pem", authority.pem());
    let file = file.to_str().unwrap();
    let property = format!("ingest.kafka.properties.ssl.ca.location={file}");
    let setting = format!("ingest.kafka.security.ca_file={file}");
    for (variables, settings) in [
        (&[TELLS, ("SSL_CERT_FILE", file)][..], &[][..]),
        (&[TELLS], &["--set", property.as_str()]),
        (&[TELLS], &["--set", setting.as_str()]),
    ] {
        let (address, told) = listener(&authority);
        let database = TestDatabase::sqlite();
        let arguments = arguments(&database, address);
        let arguments: Vec<&str> =
            arguments.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        let running = program.serve_with(&arguments, variables);
        assert_eq!(told.recv().unwrap(), Ok(1), "{variables:?} {settings:?}: {}", running.stderr());
    }
    let both = ["config", "--check", "--set", "auth.mode=disabled", "--set", "ingest.kafka.enabled=true"];
    let both =
        both.into_iter().chain(["--set", "ingest.kafka.brokers=b:1", "--set", &property, "--set", &setting]);
    let run = program.run(&both.collect::<Vec<_>>());
    assert!(run.code == Some(2) && run.stderr.contains("ssl.ca.location cannot be set"), "{run:?}");
}
