//! What authentication reads of a call, whatever the transport.

use std::net::IpAddr;

/// A header that a caller may prove itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialHeader {
    /// `Authorization`: the bearer token of mode `jwt`.
    Authorization,
    /// `x-rh-identity`: what the gateway says of the caller, in mode `identity-header`.
    Identity,
    /// `x-gateway-secret`: what the gateway proves itself with, in mode `identity-header`.
    GatewaySecret,
}

impl CredentialHeader {
    /// The name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Identity => "x-rh-identity",
            Self::GatewaySecret => "x-gateway-secret",
        }
    }
}

/// The values that came with a header. More than one is never read: which of them counts would be a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent<'a> {
    /// The header did not come.
    Nothing,
    /// It came once.
    One(&'a [u8]),
    /// It came more than once.
    Several,
}

impl<'a> Sent<'a> {
    /// What these values are.
    pub fn from_values(mut values: impl Iterator<Item = &'a [u8]>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::Nothing,
            (Some(one), None) => Self::One(one),
            (Some(_), Some(_)) => Self::Several,
        }
    }
}

/// A call, as far as authentication looks at it.
pub trait Credentials {
    /// What came with this header.
    fn header(&self, header: CredentialHeader) -> Sent<'_>;

    /// The address of the machine at the other end of the connection: never one that a header claims.
    fn peer(&self) -> Option<IpAddr>;
}
