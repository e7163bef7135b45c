//! Mode `client-certificate`: the listener checks callers' certificates, and their subjects say who calls.

mod client_certificate;

pub use client_certificate::{ClientCertificate, MAX_COMMON_NAME};

use gathering_domain::ids::OrganizationId;

use crate::credentials::Credentials;
use crate::error::AuthError;
use crate::identity::Identity;
use crate::rejection::AuthRejection;
use crate::settings::{CertificateSettings, ClusterBinding};

/// What callers with a certificate may do.
pub(crate) struct CertificatePolicy {
    organization: OrganizationId,
    cluster: ClusterBinding,
    writers: Vec<String>,
}

impl CertificatePolicy {
    pub(crate) fn new(settings: &CertificateSettings) -> Result<Self, AuthError> {
        let CertificateSettings { organization, cluster, writers } = settings.clone();
        let organization = organization.ok_or(AuthError::CertificatesWithoutOrganization)?;
        Ok(Self { organization, cluster, writers })
    }

    /// The caller that the connection's certificate names.
    pub(crate) fn identify(&self, call: &impl Credentials) -> Result<Identity, AuthRejection> {
        let certificate = call.certificate().ok_or(AuthRejection::MissingCertificate)?;
        let name = certificate.common_name();
        let is_writer = name.is_some_and(|name| self.writers.iter().any(|writer| writer == name));
        let bound_to = match self.cluster {
            ClusterBinding::CommonName if !is_writer => {
                let cluster = name.and_then(|name| name.parse().ok());
                Some(cluster.ok_or(AuthRejection::CertificateName)?)
            }
            ClusterBinding::CommonName | ClusterBinding::None => None,
        };
        Ok(Identity::from_certificate(
            self.organization,
            bound_to,
            certificate.subject_hash(),
            name,
            is_writer,
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;
    use crate::credentials::{AuthHeader, AuthHeaderName};
    use crate::identity::Denied;
    use crate::scope::Scope;

    const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

    struct Call(Option<ClientCertificate>);

    impl Credentials for Call {
        /// Nobody reads a header in this mode.
        fn header(&self, name: AuthHeaderName) -> AuthHeader<'_> {
            panic!("{name:?}")
        }

        fn peer(&self) -> Option<IpAddr> {
            None
        }

        fn certificate(&self) -> Option<&ClientCertificate> {
            self.0.as_ref()
        }
    }

    fn named(name: &str) -> Call {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if !name.is_empty() {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Call(Some(ClientCertificate::parse(certificate.der())))
    }

    fn identify(cluster: ClusterBinding, call: &Call) -> Result<Identity, AuthRejection> {
        let writers = vec!["pipeline".to_owned(), "other-pipeline".to_owned()];
        let organization = Some(7.try_into().unwrap());
        CertificatePolicy::new(&CertificateSettings { organization, cluster, writers })
            .unwrap()
            .identify(call)
    }

    #[test]
    fn without_a_certificate_nobody_is_let_in() {
        for cluster in [ClusterBinding::None, ClusterBinding::CommonName] {
            assert_eq!(identify(cluster, &Call(None)), Err(AuthRejection::MissingCertificate));
        }
    }

    #[test]
    fn every_name_reads_where_none_is_bound_and_writers_write_for_everybody() {
        let cluster = CLUSTER.parse().unwrap();
        let agent = "system:open-cluster-management:cluster:one:addon:insights:agent:a";
        let long = "n".repeat(1001);
        for name in ["", "one", CLUSTER, agent, "Pipeline", "pipeline ", "pipelin", &long] {
            let caller = identify(ClusterBinding::None, &named(name)).unwrap();
            assert_eq!(caller.read(cluster).unwrap().organization().get(), 7, "{name}");
            assert_eq!(caller.write(), Err(Denied::MissingScope(Scope::Write)), "{name}");
        }
        for binding in [ClusterBinding::None, ClusterBinding::CommonName] {
            let writer = identify(binding, &named("pipeline")).unwrap();
            assert!(writer.read(cluster).is_ok());
            let grant = writer.write().unwrap();
            assert!(grant.check(8.try_into().unwrap(), cluster).is_ok(), "another organization");
        }
    }

    #[test]
    fn a_bound_caller_is_the_cluster_of_its_name() {
        let (own, other) =
            (CLUSTER.parse().unwrap(), "00000000-0000-0000-0000-000000000001".parse().unwrap());
        for name in [CLUSTER.to_owned(), CLUSTER.to_uppercase()] {
            let caller = identify(ClusterBinding::CommonName, &named(&name)).unwrap();
            assert!(caller.read(own).is_ok(), "{name}");
            assert_eq!(caller.read(other), Err(Denied::OtherCluster));
            assert_eq!(caller.write(), Err(Denied::MissingScope(Scope::Write)));
        }
        for name in [
            "",
            "one",
            "Pipeline",
            &CLUSTER.replace('-', ""),
            &format!("{{{CLUSTER}}}"),
            &format!("{CLUSTER} "),
        ] {
            let refused = identify(ClusterBinding::CommonName, &named(name));
            assert_eq!(refused, Err(AuthRejection::CertificateName), "{name}");
        }
    }
}
