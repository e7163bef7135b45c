//! What the Insights Operator makes of an answer, by its version.

use actix_web::http::header::{self, HeaderMap};

/// The first version that polls on after a 200 that is not `processed`. Measured with the operator's own code, 4.14 to 5.1.
const PATIENT: (u32, u32) = (4, 21);

/// Whether the caller is an operator that gives up at the first 200 that is not `processed`, and polls on after a 404. One whose
/// version cannot be read counts as such.
///
/// The operator sends `User-Agent: insights-operator/<version>-<commit> cluster/<uuid>`.
pub(crate) fn gives_up_on_pending(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).map(header::HeaderValue::as_bytes).unwrap_or_default();
    version(agent).is_some_and(|version| release(version).is_none_or(|release| release < PATIENT))
}

/// What an operator says of its version; `None` if this is the agent of something else.
pub(crate) fn version(agent: &[u8]) -> Option<&[u8]> {
    let mut products = agent.split(|byte| *byte == b' ');
    let version = products.find_map(|product| product.strip_prefix(OPERATOR))?;
    // Not the operator, but a tool for agents that calls itself after it.
    (version != b"mcp-server").then_some(version)
}

const OPERATOR: &[u8] = b"insights-operator/";

/// The first two numbers of a version such as `4.21.0-0.nightly-2026-01-01-abc123` or `v5.1.0`.
pub(crate) fn release(version: &[u8]) -> Option<(u32, u32)> {
    let version = std::str::from_utf8(version).ok()?;
    let mut numbers = version.strip_prefix('v').unwrap_or(version).split('.');
    let major = number(numbers.next()?)?;
    // What follows a minor number may be a pre-release, without a patch number in between.
    let minor = numbers.next()?.split(['-', '+']).next()?;
    Some((major, number(minor)?))
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn gives_up(agent: &[u8]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_bytes(agent).unwrap());
        gives_up_on_pending(&headers)
    }

    #[test]
    fn operators_up_to_4_20_give_up() {
        for version in [
            "4.12.0-abc123",
            "4.14",
            "4.20.99-1234567",
            "v4.20.0",
            "4.2-abc",
            "3.99.0",
            "0.0.0",
            "4.20-rc.1",
            // Versions that cannot be read.
            "",
            "unknown",
            "$Format:%H$",
            "-abc",
            "4",
            "4.",
            ".21",
            "4.x",
            "4.-21",
            "+4.21",
            "4.+21",
            "4.21000000000000000000",
            "MCP-server",
        ] {
            let agent = format!("insights-operator/{version} cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa");
            assert!(gives_up(agent.as_bytes()), "{agent}");
        }
        assert!(gives_up(b"insights-operator/\xff4.21"));
        assert!(gives_up(b"proxy/1.0 insights-operator/4.20.0-abc"));
    }

    #[test]
    fn later_operators_and_all_others_do_not() {
        for agent in [
            "insights-operator/4.21.0-abc123 cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa",
            "insights-operator/4.21.0-0.nightly-2026-01-01-000000-abc123",
            "insights-operator/4.21-rc.1",
            "insights-operator/v5.1.0+abc cluster/x",
            "insights-operator/4.100.0",
            "insights-operator/10.0.0",
            "insights-operator/mcp-server",
            "curl/8.5.0",
            "my-insights-operator/4.14.0",
            "insights-operator",
            "Insights-Operator/4.14.0",
            "",
        ] {
            assert!(!gives_up(agent.as_bytes()), "{agent}");
        }
        assert!(!gives_up_on_pending(&HeaderMap::new()));
    }
}
