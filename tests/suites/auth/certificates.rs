//! Mode `client-certificate`: the certificate of the connection says who calls, and nothing else does.

mod connections;

use gathering_tests::{
    Answer, Authority, CLUSTER, Call, Certificate, Message, OTHER_CLUSTER, Program, TestDatabase, TestServer,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::version::{TLS12, TLS13};

use self::connections::{Connection, client_config};
use crate::fixture::{Folder, record, status};
use crate::tls::{trust, write};

/// A server of organization 42 that takes certificates of one authority, and what calls it.
struct Hub {
    server: TestServer,
    /// The authority of the server's own certificate.
    own: Authority,
    callers: Authority,
    folder: Folder,
}

impl Hub {
    fn new(settings: &[&str]) -> Self {
        let (folder, own, callers) = (Folder::new(), Authority::new(), Authority::new());
        let mut builder = TestServer::builder(TestDatabase::sqlite());
        for setting in
            tls_settings(&folder, &own, &callers).iter().map(String::as_str).chain(settings.iter().copied())
        {
            builder = builder.set(setting);
        }
        let server = builder.start();
        record(&server);
        Self { server, own, callers, folder }
    }

    fn call(&self, call: Call, certificate: Option<&Certificate>) -> Option<Answer> {
        call.tls(&trust(&self.own, certificate)).try_send().ok()
    }

    /// The answer to a status poll; `None` if there was none, since the handshake failed.
    fn ask(&self, certificate: &Certificate) -> Option<u16> {
        self.call(self.server.get(&status()), Some(certificate)).map(|answer| answer.status)
    }

    /// What becomes of a result of an organization that a caller posts.
    fn post(&self, certificate: &Certificate, organization: u32) -> Answer {
        let message = Message::new(organization, OTHER_CLUSTER, "posted").to_string();
        let call = self.server.post("/ingest/results", message).header("Content-Type", "application/json");
        self.call(call, Some(certificate)).unwrap()
    }
}

fn tls_settings(folder: &Folder, own: &Authority, callers: &Authority) -> [String; 5] {
    let [key, cert] = write(folder, "server", &own.sign());
    let authority = folder.write("callers.pem", callers.pem());
    [
        "auth.mode=client-certificate".to_owned(),
        "auth.certificate.organization=42".to_owned(),
        format!("http.tls.cert={cert}"),
        format!("http.tls.key={key}"),
        format!("http.tls.client_ca={authority}"),
    ]
}

#[test]
fn every_certificate_of_the_authority_reads_for_the_organization() {
    let hub = Hub::new(&[]);
    let agent = "system:open-cluster-management:cluster:one:addon:insights-operator:agent:a";
    for name in ["", "one", CLUSTER, OTHER_CLUSTER, agent, "a\nb", &"n".repeat(1001)] {
        assert_eq!(hub.ask(&hub.callers.sign_client(name)), Some(200), "{name:?}");
    }
    let operator = hub.callers.sign_client(agent);
    let call = |path: &str| hub.server.get(path);
    let theirs = call(&format!("/cluster/{CLUSTER}/request/theirs/status"));
    assert_eq!(hub.call(theirs, Some(&operator)).unwrap().status, 404, "of organization 43");
    // {"identity":{"org_id":"43"}}, and a pull secret: neither is read.
    let others = [
        ("Authorization", "Bearer b3BlbnNoaWZ0LXJlbGVhc2UtZGV2K29jbV9hY2Nlc3M6cHVsbC1zZWNyZXQ="),
        ("x-rh-identity", "eyJpZGVudGl0eSI6eyJvcmdfaWQiOiI0MyJ9fQ=="),
        ("x-gateway-secret", "nonsense"),
        ("x-forwarded-client-cert", "Subject=\"CN=pipeline\""),
    ];
    let report =
        others.iter().fold(call(&format!("/cluster/{CLUSTER}/request/r/report")), |call, (name, value)| {
            call.header(name, value).header(name, "another")
        });
    assert_eq!(hub.call(report, Some(&operator)).unwrap().status, 200);
    let refused = hub.post(&operator, 42);
    assert_eq!(
        (refused.status, &*refused.sentence()),
        (403, "Forbidden: the caller lacks the scope 'write'")
    );
}

#[test]
fn without_a_certificate_the_document_is_there_and_nothing_else() {
    let hub = Hub::new(&[]);
    let document = hub.call(hub.server.get("/openapi.json"), None).unwrap();
    assert_eq!(document.status, 200);
    let scheme = &document.json()["components"]["securitySchemes"]["clientCertificate"];
    assert_eq!(scheme["type"], "mutualTLS");
    assert_eq!(hub.call(hub.server.get("/info"), None).unwrap().status, 200);
    let token = hub.server.token(42);
    for call in [
        hub.server.get(&status()),
        hub.server.get(&status()).bearer(&token),
        hub.server.get(&status()).header("x-rh-identity", "eyJpZGVudGl0eSI6eyJvcmdfaWQiOiI0MiJ9fQ=="),
        hub.server.get(&format!("/cluster/{CLUSTER}/requests")),
        hub.server.post(&format!("/cluster/{CLUSTER}/requests"), "[]"),
        hub.server.post("/ingest/results", "{}").header("Content-Type", "application/json"),
    ] {
        let refused = hub.call(call, None).unwrap();
        assert_eq!(refused.status, 401, "{refused:?}");
        assert_eq!(refused.sentence(), "Unauthorized: a client certificate is required");
        assert_eq!(refused.header("www-authenticate"), "Certificate realm=\"gathering\"");
    }
    assert_eq!(hub.server.metric("gathering_auth_refused_total{reason=\"missing_certificate\"}"), 6);
}

#[test]
fn writers_write_for_every_organization() {
    for cluster in ["none", "common-name"] {
        let binding = format!("auth.certificate.cluster={cluster}");
        let hub = Hub::new(&[&binding, "auth.certificate.writers=[\"other\",\"pipeline\"]"]);
        let pipeline = hub.callers.sign_client("pipeline");
        for organization in [42, 43] {
            let stored = hub.post(&pipeline, organization);
            assert_eq!((stored.status, &stored.json()["stored"]), (200, &1.into()), "{stored:?}");
        }
        assert_eq!(hub.ask(&pipeline), Some(200), "a writer reads, too");
        let refused = if cluster == "none" { 403 } else { 401 };
        let two = hub.callers.sign_with(|params| {
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, "pipeline");
            params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 3]), "other");
        });
        let organized = hub.callers.sign_with(|params| {
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::OrganizationName, "pipeline");
        });
        for other in
            ["Pipeline", "pipeline ", " pipeline", "pipeline\0", "pipelin\u{435}", "", "pipeline,CN=x"]
        {
            assert_eq!(hub.post(&hub.callers.sign_client(other), 42).status, refused, "{other:?}");
        }
        assert_eq!([hub.post(&two, 42).status, hub.post(&organized, 42).status], [refused; 2]);
    }
}

#[test]
fn a_bound_caller_reads_the_cluster_of_its_name() {
    let hub = Hub::new(&["auth.certificate.cluster=common-name", "auth.certificate.writers=[\"pipeline\"]"]);
    let elsewhere = || hub.server.get(&format!("/cluster/{OTHER_CLUSTER}/requests"));
    for name in [CLUSTER.to_owned(), CLUSTER.to_uppercase()] {
        let cluster = hub.callers.sign_client(&name);
        assert_eq!(hub.ask(&cluster), Some(200), "{name}");
        let other = hub.call(elsewhere(), Some(&cluster)).unwrap();
        assert_eq!(
            (other.status, &*other.sentence()),
            (403, "Forbidden: the caller is bound to another cluster")
        );
        assert_eq!(hub.post(&cluster, 42).status, 403);
    }
    let long = "5".repeat(1001);
    let braces = format!("{{{CLUSTER}}}");
    for name in ["", "one", &CLUSTER.replace('-', ""), &braces, &long, "one\ntwo", &format!("{CLUSTER}\0")] {
        let refused = hub.call(hub.server.get(&status()), Some(&hub.callers.sign_client(name))).unwrap();
        assert_eq!(refused.status, 401, "{name:?}");
        assert!(
            refused.sentence().contains("no single common name that is the UUID of a cluster"),
            "{refused:?}"
        );
        assert_eq!(refused.header("www-authenticate"), "Certificate realm=\"gathering\"");
    }
    let twice = hub.callers.sign_with(|params| {
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, CLUSTER);
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 3]), CLUSTER);
    });
    assert_eq!(hub.ask(&twice), Some(401));
    // A name beside the subject is none of it.
    let beside = hub.callers.sign_with(|params| {
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![rcgen::SanType::DnsName(CLUSTER.try_into().unwrap())];
    });
    assert_eq!(hub.ask(&beside), Some(401));
}

#[test]
fn certificates_that_nobody_vouches_for_end_the_handshake() {
    let hub = Hub::new(&["auth.certificate.writers=[\"pipeline\"]"]);
    let named = |params: &mut CertificateParams| {
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "pipeline");
    };
    let good = hub.callers.sign_with(named);
    assert_eq!(hub.ask(&good), Some(200));
    let mut self_signed = CertificateParams::default();
    named(&mut self_signed);
    self_signed.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let self_signed =
        Certificate { cert: self_signed.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
    let sign = |change: fn(&mut CertificateParams)| {
        hub.callers.sign_with(|params| {
            named(params);
            change(params);
        })
    };
    for (why, certificate) in [
        ("another authority of the same name", Authority::new().sign_client("pipeline")),
        ("the authority of the server", hub.own.sign_client("pipeline")),
        ("self-signed", self_signed),
        ("expired", sign(|params| params.not_after = date_time_ymd(2020, 1, 1))),
        ("not yet valid", sign(|params| params.not_before = date_time_ymd(3000, 1, 1))),
        (
            "for servers",
            sign(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
        ),
    ] {
        assert_eq!(hub.ask(&certificate), None, "{why}");
        assert!(hub.call(hub.server.get("/openapi.json"), Some(&certificate)).is_none(), "{why}");
    }
    // Who shows a certificate has to have its key.
    let stolen = Certificate { key: KeyPair::generate().unwrap().serialize_pem(), ..good.clone() };
    for version in [&TLS12, &TLS13] {
        assert_eq!(Connection::open(&hub, &client_config(&hub, &good, version)).ask(), Some(200));
        assert_eq!(Connection::open(&hub, &client_config(&hub, &stolen, version)).ask(), None);
    }
}

#[test]
fn limits_for_a_caller_are_for_its_subject() {
    let hub = Hub::new(&["auth.rate_limit.per_identity=1"]);
    let ask = |name: &str| hub.ask(&hub.callers.sign_client(name));
    assert_eq!([ask("one"), ask("one")], [Some(200), Some(429)], "a renewed certificate");
    assert_eq!([ask("two"), ask("two")], [Some(200), Some(429)]);
    let nameless = || hub.callers.sign_with(|params| params.distinguished_name = DistinguishedName::new());
    let (one, other) = (nameless(), nameless());
    assert_eq!([hub.ask(&one), hub.ask(&other), hub.ask(&one)], [Some(200), Some(200), Some(429)]);
}

#[test]
fn the_program_tells_no_names_and_is_probed_as_ever() {
    let (program, folder, own, callers) = (Program::new(), Folder::new(), Authority::new(), Authority::new());
    let mut settings = tls_settings(&folder, &own, &callers).to_vec();
    settings.push("auth.certificate.cluster=common-name".to_owned());
    let all: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting.as_str()]).collect();
    program.run(&[&["config", "--check"][..], &all].concat()).ok();
    let running = program.serve(&[&["serve"][..], &all].concat());
    program.run(&["health", &format!("http://{}", running.admin_address())]).ok();
    let name = "a-name\n2026-01-01 ERROR forged";
    let call = running.call("GET", &status()).tls(&trust(&own, Some(&callers.sign_client(name))));
    assert_eq!(call.send().status, 401);
    running.signal("TERM");
    let log = running.wait().stderr;
    assert!(log.contains("refused a call of 127.0.0.1") && log.contains("reason=certificate_name"), "{log}");
    assert!(!log.contains("a-name") && !log.contains("forged"), "{log}");
}
