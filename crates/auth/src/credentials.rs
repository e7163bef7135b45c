//! What authentication reads of a call, whatever the transport.

use std::net::IpAddr;

use crate::certificate::ClientCertificate;

/// A header that a caller may prove itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthHeaderName {
    /// `Authorization`, with the bearer token of mode `jwt`.
    Authorization,
    /// `x-rh-identity`, in which the gateway says who calls, in mode `identity-header`.
    Identity,
    /// `x-gateway-secret`, with which the gateway proves itself, in mode `identity-header`.
    GatewaySecret,
}

impl AuthHeaderName {
    /// The name of the header, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Identity => "x-rh-identity",
            Self::GatewaySecret => "x-gateway-secret",
        }
    }
}

/// The value of a header of a call. A header that came more than once is never read, since nobody could say which of its
/// values counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthHeader<'a> {
    /// The call has no such header.
    Absent,
    /// The call has the header once, with these bytes. They may be empty, and need not be UTF-8.
    Single(&'a [u8]),
    /// The call has the header more than once.
    Repeated,
}

impl<'a> AuthHeader<'a> {
    /// The header with these values, one for each time that it came.
    pub fn from_values(mut values: impl Iterator<Item = &'a [u8]>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => Self::Single(value),
            (Some(_), Some(_)) => Self::Repeated,
        }
    }
}

/// A call, as far as authentication looks at it. The transport implements this.
pub trait Credentials {
    /// The header of this name, without regard to letter case.
    fn header(&self, name: AuthHeaderName) -> AuthHeader<'_>;

    /// The address at the other end of the connection, never one that a header claims; `None` where there is none, such
    /// as on a Unix socket. A caller without an address is in no network of `trusted_proxies`.
    fn peer(&self) -> Option<IpAddr>;

    /// The certificate of the connection, which the listener checked; never one that a header brings. A transport that knows
    /// none lets nobody in by it.
    fn certificate(&self) -> Option<&ClientCertificate> {
        None
    }
}
