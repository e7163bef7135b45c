//! Mode `identity-header`: a gateway in front verifies callers and says in a header who they are. Anybody can send that
//! header, so a call has to prove first that it comes from the gateway.

mod identity_header;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use gathering_domain::time::Clock;
use ipnet::IpNet;

use self::identity_header::HeaderIdentity;
use crate::credentials::{AuthHeader, AuthHeaderName, Credentials};
use crate::error::AuthError;
use crate::identity::Identity;
use crate::keys::error::KeyError;
use crate::keys::pem::{MIN_SECRET, read};
use crate::metrics::AuthMetrics;
use crate::permissions::{Identified, Permissions};
use crate::rejection::AuthRejection;
use crate::settings::GatewaySettings;

/// What proves that a call comes from the gateway. Everything that is set has to hold.
pub(crate) struct Gateway {
    proxies: Vec<IpNet>,
    secrets: Option<Secrets>,
    any_cluster: bool,
    /// What service accounts may do; `None` if nobody is asked.
    permissions: Option<Permissions>,
}

struct Secrets {
    path: PathBuf,
    current: ArcSwap<Vec<Vec<u8>>>,
}

impl Gateway {
    /// Reads and checks the secrets, and starts to ask for permissions.
    pub(crate) fn start(
        settings: &GatewaySettings,
        clock: &Arc<dyn Clock>,
        metrics: &AuthMetrics,
    ) -> Result<Self, AuthError> {
        let rbac = settings.rbac.as_ref();
        let permissions = rbac.map(|rbac| Permissions::start(rbac, Arc::clone(clock), metrics.permissions()));
        Ok(Self { permissions: permissions.transpose()?, ..Self::open(settings)? })
    }

    /// Reads and checks the secrets. Nobody is asked for permissions.
    pub(crate) fn open(settings: &GatewaySettings) -> Result<Self, AuthError> {
        let GatewaySettings { trusted_proxies, secret_file, client_certificates, any_cluster, rbac: _ } =
            settings;
        if trusted_proxies.is_empty() && secret_file.is_none() && !client_certificates {
            return Err(AuthError::AnybodyIsTheGateway);
        }
        if let Some(network) = trusted_proxies.iter().find(|network| network.prefix_len() == 0) {
            return Err(AuthError::EveryNetwork { network: *network });
        }
        let secrets = secret_file.as_ref().map(|path| -> Result<_, AuthError> {
            Ok(Secrets { path: path.clone(), current: ArcSwap::from_pointee(secrets(path)?) })
        });
        let (proxies, any_cluster) = (trusted_proxies.clone(), *any_cluster);
        Ok(Self { proxies, secrets: secrets.transpose()?, any_cluster, permissions: None })
    }

    /// Reads the file of secrets again.
    ///
    /// # Errors
    /// When it cannot be used. The secrets of before stay in force.
    pub(crate) fn reload(&self) -> Result<(), AuthError> {
        if let Some(own) = &self.secrets {
            own.current.store(secrets(&own.path)?.into());
        }
        Ok(())
    }

    /// The caller that the gateway names. Nobody is asked for the permission of one whom `admit` rejects. Without `may_wait`, a
    /// permission that is not there yet is not waited for.
    pub(crate) fn identify(
        &self,
        call: &impl Credentials,
        may_wait: bool,
        admit: impl FnOnce(&Identity) -> Result<(), AuthRejection>,
    ) -> Result<Identified, AuthRejection> {
        if !self.is_peer_trusted(call) || !self.is_secret_right(call) {
            return Err(AuthRejection::Untrusted);
        }
        match call.header(AuthHeaderName::Identity) {
            AuthHeader::Absent | AuthHeader::Single(b"") => Err(AuthRejection::MissingIdentity),
            AuthHeader::Repeated => Err(AuthRejection::SeveralIdentities),
            AuthHeader::Single(header) => {
                let parsed = identity_header::parse(header, self.any_cluster)?;
                let HeaderIdentity { identity, is_service_account } = parsed;
                admit(&identity)?;
                match &self.permissions {
                    Some(permissions) if is_service_account => permissions.judge(identity, header, may_wait),
                    _ => Ok(Identified::Known(identity)),
                }
            }
        }
    }

    fn is_peer_trusted(&self, call: &impl Credentials) -> bool {
        if self.proxies.is_empty() {
            return true;
        }
        // On a socket for both, a peer of IPv4 has an address of IPv6.
        let peer = call.peer().map(|peer| peer.to_canonical());
        peer.is_some_and(|peer| self.proxies.iter().any(|network| network.contains(&peer)))
    }

    fn is_secret_right(&self, call: &impl Credentials) -> bool {
        let Some(secrets) = &self.secrets else { return true };
        let AuthHeader::Single(sent) = call.header(AuthHeaderName::GatewaySecret) else { return false };
        // All are compared, so that the time does not say which one was nearly right.
        secrets
            .current
            .load()
            .iter()
            .fold(false, |is_right, secret| is_right | verify_slices_are_equal(secret, sent).is_ok())
    }
}

/// One secret a line, so that a new one can be accepted before the old one goes.
fn secrets(path: &Path) -> Result<Vec<Vec<u8>>, AuthError> {
    let content = read(path)?;
    let lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let secrets: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
    let is_usable = |secret: &Vec<u8>| secret.len() >= MIN_SECRET && secret.iter().all(u8::is_ascii_graphic);
    if secrets.is_empty() || !secrets.iter().all(is_usable) {
        return Err(AuthError::Key { path: path.to_owned(), error: KeyError::GatewaySecret });
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::testing::file;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "another-secret-of-32-characters!";

    struct Call {
        peer: Option<IpAddr>,
        secret: Option<&'static str>,
        identity: String,
    }

    impl Credentials for Call {
        fn header(&self, name: AuthHeaderName) -> AuthHeader<'_> {
            match name {
                AuthHeaderName::Authorization => AuthHeader::Single(b"Bearer pull-secret"),
                AuthHeaderName::Identity => AuthHeader::Single(self.identity.as_bytes()),
                AuthHeaderName::GatewaySecret => {
                    self.secret.map_or(AuthHeader::Absent, |secret| AuthHeader::Single(secret.as_bytes()))
                }
            }
        }

        fn peer(&self) -> Option<IpAddr> {
            self.peer
        }
    }

    fn call(peer: &str, secret: Option<&'static str>) -> Call {
        let identity = STANDARD.encode(r#"{"identity":{"org_id":"42"}}"#);
        Call { peer: peer.parse().ok(), secret, identity }
    }

    fn is_let_in(gateway: &Gateway, call: &Call) -> bool {
        match gateway.identify(call, false, |_| Ok(())) {
            Ok(Identified::Known(identity)) => identity.organization().get() == 42,
            Ok(Identified::Waiting(_)) => panic!("nobody is asked"),
            Err(rejection) => {
                assert_eq!(rejection, AuthRejection::Untrusted);
                false
            }
        }
    }

    #[test]
    fn networks_are_those_of_the_peer() {
        let trusted_proxies = vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let settings = GatewaySettings { trusted_proxies, ..GatewaySettings::default() };
        let gateway = Gateway::open(&settings).unwrap();
        for peer in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"] {
            assert!(is_let_in(&gateway, &call(peer, None)), "{peer}");
        }
        for peer in ["10.2.0.1", "127.0.0.1", "::1", "::ffff:10.2.0.1", "unknown"] {
            assert!(!is_let_in(&gateway, &call(peer, None)), "{peer}");
        }
    }

    #[test]
    fn a_secret_may_have_a_successor() {
        let secrets = file(SECRET.as_bytes());
        let settings =
            GatewaySettings { secret_file: Some(secrets.path().to_owned()), ..GatewaySettings::default() };
        let gateway = Gateway::open(&settings).unwrap();
        let is_right = |secret| is_let_in(&gateway, &call("127.0.0.1", secret));
        assert!(is_right(Some(SECRET)));
        for wrong in [None, Some(""), Some(OTHER), Some("0123456789abcdef0123456789abcdeF")] {
            assert!(!is_right(wrong), "{wrong:?}");
        }
        std::fs::write(secrets.path(), format!("{SECRET}\n\n{OTHER}\r\n")).unwrap();
        gateway.reload().unwrap();
        assert!(is_right(Some(SECRET)) && is_right(Some(OTHER)));
        std::fs::write(secrets.path(), "short\n").unwrap();
        assert!(gateway.reload().is_err());
        assert!(is_right(Some(SECRET)), "the secrets of before stay");
    }

    #[test]
    fn everything_that_is_set_has_to_hold() {
        let secrets = file(SECRET.as_bytes());
        let gateway = Gateway::open(&GatewaySettings {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            secret_file: Some(secrets.path().to_owned()),
            client_certificates: true,
            any_cluster: false,
            rbac: None,
        })
        .unwrap();
        assert!(is_let_in(&gateway, &call("10.0.0.1", Some(SECRET))));
        assert!(!is_let_in(&gateway, &call("10.0.0.1", None)));
        assert!(!is_let_in(&gateway, &call("11.0.0.1", Some(SECRET))));
    }

    #[test]
    fn without_anything_set_it_does_not_start() {
        let open = |settings: GatewaySettings| Gateway::open(&settings).err();
        assert!(matches!(open(GatewaySettings::default()), Some(AuthError::AnybodyIsTheGateway)));
        for network in ["0.0.0.0/0", "::/0"] {
            let trusted_proxies = vec![network.parse().unwrap()];
            let refused = open(GatewaySettings { trusted_proxies, ..GatewaySettings::default() });
            assert!(matches!(refused, Some(AuthError::EveryNetwork { .. })));
        }
        for content in ["", "\n", "short", "0123456789abcdef 123456789abcdef0123"] {
            let secrets = file(content.as_bytes());
            let secret_file = Some(secrets.path().to_owned());
            let refused = open(GatewaySettings { secret_file, ..GatewaySettings::default() });
            assert!(matches!(refused, Some(AuthError::Key { .. })), "{content}");
        }
        assert!(open(GatewaySettings { client_certificates: true, ..GatewaySettings::default() }).is_none());
    }
}
