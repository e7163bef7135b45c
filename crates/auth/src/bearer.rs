//! The bearer token of a call (RFC 6750 section 2.1).

use crate::credentials::{AuthHeader, AuthHeaderName, Credentials};
use crate::rejection::AuthRejection;

/// The token of the one `Authorization` header.
pub(crate) fn token(call: &impl Credentials) -> Result<&str, AuthRejection> {
    match call.header(AuthHeaderName::Authorization) {
        AuthHeader::Absent => Err(AuthRejection::Missing),
        AuthHeader::Repeated => Err(AuthRejection::Several),
        AuthHeader::Single(header) => parse(header),
    }
}

/// The token of `Bearer <token>`; the scheme's letter case does not matter (RFC 9110 section 11.1).
fn parse(header: &[u8]) -> Result<&str, AuthRejection> {
    let text = std::str::from_utf8(header).map_err(|_| AuthRejection::Scheme)?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(AuthRejection::Scheme)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim_start()) } else { Err(AuthRejection::Scheme) }
}
