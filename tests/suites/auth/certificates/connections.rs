//! Certificates of connections that stay open or are resumed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gathering_tests::{Authority, CLUSTER, Certificate};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use super::Hub;
use crate::fixture::status;

/// A connection that a test keeps open.
pub(super) struct Connection(StreamOwned<ClientConnection, TcpStream>);

pub(super) fn client_config(
    hub: &Hub,
    own: &Certificate,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(hub.own.pem().as_bytes()).unwrap()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(own.cert.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    // Whether certificate and key go together is not checked here, but by the server.
    let key = CertifiedKey::new(chain, provider.key_provider.load_private_key(key).unwrap());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.resumption = Resumption::in_memory_sessions(8);
    Arc::new(config)
}

impl Connection {
    pub(super) fn open(hub: &Hub, config: &Arc<ClientConfig>) -> Self {
        let socket = TcpStream::connect(hub.server.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let connection = ClientConnection::new(Arc::clone(config), "localhost".try_into().unwrap()).unwrap();
        Self(StreamOwned::new(connection, socket))
    }

    /// The status of an answer on this connection; `None` if it is closed.
    pub(super) fn ask(&mut self) -> Option<u16> {
        let head = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", status());
        self.0.write_all(head.as_bytes()).ok()?;
        let mut answer = Vec::new();
        // The body is the end of the answer.
        while !answer.ends_with(b"}\n") && !answer.ends_with(b"}") {
            let mut part = [0; 4096];
            let count = self.0.read(&mut part).ok().filter(|count| *count > 0)?;
            answer.extend_from_slice(&part[..count]);
        }
        std::str::from_utf8(&answer).unwrap().split(' ').nth(1)?.parse().ok()
    }
}

#[test]
fn open_connections_are_trusted_as_long_as_their_authority_is() {
    // The server closes a connection that is silent for five seconds. On a machine that is busy for so long, another round tells.
    let patience = Duration::from_secs(4);
    let is_told = |_: usize| {
        let (hub, next) = (Hub::new(&[]), Authority::new());
        let (operator, successor) = (hub.callers.sign_client("one"), next.sign_client("one"));
        let mut open = Connection::open(&hub, &client_config(&hub, &operator, &TLS13));
        let mut asked = Instant::now();
        let mut ask = || {
            let pause = asked.elapsed();
            let answer = open.ask();
            asked = Instant::now();
            (answer, pause < patience)
        };
        assert_eq!(ask().0, Some(200));

        hub.folder.write("callers.pem", format!("{}{}", hub.callers.pem(), next.pem()));
        let mut was_silent = false;
        hub.server.until(|_| {
            let (answer, is_in_time) = ask();
            assert!(answer == Some(200) || !is_in_time, "both authorities count");
            was_silent |= !is_in_time;
            (was_silent || hub.ask(&successor) == Some(200)).then_some(())
        });
        hub.folder.write("callers.pem", next.pem());
        let mut is_in_time = true;
        hub.server.until(|_| {
            let answer;
            (answer, is_in_time) = ask();
            assert!(matches!(answer, None | Some(200)), "it is closed, and not told anything else");
            answer.is_none().then_some(())
        });
        assert_eq!(hub.ask(&successor), Some(200));
        assert_eq!(hub.ask(&operator), None);
        is_in_time && !was_silent
    };
    assert!((0..5).any(is_told));
}

#[test]
fn no_session_is_resumed_so_that_each_connection_shows_its_certificate() {
    let hub = Hub::new(&["auth.certificate.cluster=common-name"]);
    for version in [&TLS12, &TLS13] {
        let config = client_config(&hub, &hub.callers.sign_client(CLUSTER), version);
        for _ in 0..3 {
            let mut connection = Connection::open(&hub, &config);
            assert_eq!(connection.ask(), Some(200));
            let kind = connection.0.conn.handshake_kind();
            // TLS 1.3 may need another round for the curve, which is a full handshake as well.
            assert!(kind.is_some_and(|kind| kind != HandshakeKind::Resumed), "{kind:?}");
        }
    }
}
