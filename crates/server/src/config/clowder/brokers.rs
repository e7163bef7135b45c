//! Kafka's brokers in the platform's file, and how one logs in to them.

use super::document::{Problem, Section};
use super::settings::Settings;
use super::values::{authorities, host};

/// How one broker wants to be talked to.
#[derive(PartialEq, Eq)]
struct Security {
    protocol: String,
    mechanism: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// Puts addresses and login. There is one client for all brokers, so all of them have to be talked to in the same way; their
/// authorities may differ, and each of them counts.
pub(super) fn put(kafka: &Section<'_>, settings: &mut Settings<'_>) -> Result<(), Problem> {
    let brokers = kafka.list("brokers")?;
    let Some(first) = brokers.first() else { return Ok(()) };
    let wanted = security(first)?;
    let (mut addresses, mut known) = (Vec::new(), Vec::new());
    for (number, broker) in brokers.iter().enumerate() {
        if security(broker)? != wanted {
            let key = format!("brokers[{number}]");
            return Err(kafka.problem(&key, "protocol and login have to be those of the first broker"));
        }
        addresses.push(address(broker)?);
        known.extend(authorities(broker, "cacert")?.filter(|pem| !known.contains(pem)));
    }
    settings.text("ingest.kafka.brokers", addresses.join(","));
    settings.text("ingest.kafka.security.protocol", wanted.protocol);
    for (key, value) in
        [("mechanism", wanted.mechanism), ("username", wanted.username), ("password", wanted.password)]
    {
        if let Some(value) = value {
            settings.text(&format!("ingest.kafka.security.{key}"), value);
        }
    }
    if !known.is_empty() {
        settings.text("ingest.kafka.properties.ssl.ca.pem", known.join("\n"));
    }
    Ok(())
}

fn address(broker: &Section<'_>) -> Result<String, Problem> {
    let host = host(broker)?;
    Ok(broker.port("port")?.map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

/// Where no protocol is named, as in files of older platforms, a password is not sent without encryption.
fn security(broker: &Section<'_>) -> Result<Security, Problem> {
    let sasl = broker.section("sasl")?;
    let of_login = |key| sasl.as_ref().map_or(Ok(None), |sasl| sasl.text(key));
    let authentication = broker.text("authtype")?;
    let named = match broker.text("securityProtocol")? {
        Some(protocol) => Some(protocol),
        None => of_login("securityProtocol")?,
    };
    let username = of_login("username")?;
    let has_login = authentication.as_deref() == Some("sasl") || username.is_some();
    let has_tls = authentication.as_deref() == Some("mtls") || broker.text("cacert")?.is_some();
    let protocol = named.unwrap_or_else(|| {
        let protocol = match (has_login, has_tls) {
            (true, _) => "sasl_ssl",
            (false, true) => "ssl",
            (false, false) => "plaintext",
        };
        protocol.to_owned()
    });
    Ok(Security {
        protocol,
        mechanism: of_login("saslMechanism")?,
        username,
        password: of_login("password")?,
    })
}
