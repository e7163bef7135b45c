//! Which programs call, by the product that they name in `User-Agent`: a small set, whatever callers send.

use std::sync::{Arc, OnceLock};

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::operator;

/// The minor versions of operators that are told apart, for each major one.
const MINORS: [(u32, u32, u32); 2] = [(4, 10, 39), (5, 0, 9)];

/// How many versions these are.
const VERSIONS: usize = 40;

/// Beginnings of agents in lower case, and what they are counted as.
const PRODUCTS: [(&[u8], Product); 17] = [
    (b"curl/", Product::Curl),
    (b"mozilla/", Product::Browser),
    (b"go-http-client/", Product::Go),
    (b"python", Product::Python),
    (b"aiohttp/", Product::Python),
    (b"java/", Product::Java),
    (b"java-http-client/", Product::Java),
    (b"apache-httpclient/", Product::Java),
    (b"okhttp/", Product::Java),
    (b"node", Product::Node),
    (b"axios/", Product::Node),
    (b"undici", Product::Node),
    (b"kube-probe/", Product::Probe),
    (b"haproxy", Product::Probe),
    (b"prometheus/", Product::Prometheus),
    (b"blackbox exporter/", Product::Prometheus),
    (b"gathering/", Product::Gathering),
];

/// Clients that are no operators of a version that is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Product {
    Operator,
    Curl,
    Browser,
    Go,
    Python,
    Java,
    Node,
    Probe,
    Prometheus,
    Gathering,
    Other,
    None,
}

impl Product {
    const COUNT: usize = 12;

    const fn label(self) -> &'static str {
        match self {
            Self::Operator => "insights-operator/other",
            Self::Curl => "curl",
            Self::Browser => "browser",
            Self::Go => "go",
            Self::Python => "python",
            Self::Java => "java",
            Self::Node => "node",
            Self::Probe => "probe",
            Self::Prometheus => "prometheus",
            Self::Gathering => "gathering",
            Self::Other => "other",
            Self::None => "none",
        }
    }
}

/// A client that is counted on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    /// An operator of this version.
    Operator {
        major: u32,
        minor: u32,
        /// Its place among those that are told apart.
        place: usize,
    },
    Product(Product),
}

impl Client {
    fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
        if let Some(version) = operator::version(agent) {
            let release = operator::release(version);
            return release.and_then(Self::operator).unwrap_or(Self::Product(Product::Operator));
        }
        let begins = |product: &[u8]| {
            agent.get(..product.len()).is_some_and(|start| start.eq_ignore_ascii_case(product))
        };
        let known = PRODUCTS.iter().find(|(product, _)| begins(product)).map(|(_, client)| *client);
        let unknown = if agent.trim_ascii().is_empty() { Product::None } else { Product::Other };
        Self::Product(known.unwrap_or(unknown))
    }

    fn operator((major, minor): (u32, u32)) -> Option<Self> {
        let mut before = 0;
        for (known, first, last) in MINORS {
            if known == major && (first..=last).contains(&minor) {
                let place = usize::try_from(before + minor - first).ok()?;
                return Some(Self::Operator { major, minor, place });
            }
            before += last - first + 1;
        }
        None
    }

    fn place(self) -> usize {
        match self {
            Self::Operator { place, .. } => place,
            Self::Product(product) => VERSIONS + product as usize,
        }
    }
}

/// Counts calls by client. Clones share the counters.
#[derive(Debug, Clone)]
pub(crate) struct ClientCounters {
    counters: IntCounterVec,
    /// Those that have called, so that none is looked up at each call.
    known: Arc<[OnceLock<IntCounter>; VERSIONS + Product::COUNT]>,
}

impl ClientCounters {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counters = IntCounterVec::new(
            Opts::new(
                "gathering_http_clients_total",
                "Calls by the product in User-Agent; operators of each minor version apart.",
            ),
            &["client"],
        )?;
        registry.register(Box::new(counters.clone()))?;
        Ok(Self { counters, known: Arc::new(std::array::from_fn(|_| OnceLock::new())) })
    }

    pub(crate) fn count(&self, headers: &HeaderMap) {
        let client = Client::of(headers);
        if let Some(counter) = self.known.get(client.place()) {
            counter.get_or_init(|| self.counter(client)).inc();
        }
    }

    fn counter(&self, client: Client) -> IntCounter {
        match client {
            Client::Operator { major, minor, .. } => {
                self.counters.with_label_values(&[format!("insights-operator/{major}.{minor}").as_str()])
            }
            Client::Product(product) => self.counters.with_label_values(&[product.label()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(agent: Option<&[u8]>) -> String {
        let registry = Registry::new();
        let counters = ClientCounters::register(&registry).unwrap();
        let mut headers = HeaderMap::new();
        if let Some(agent) = agent {
            headers.insert(header::USER_AGENT, HeaderValue::from_bytes(agent).unwrap());
        }
        counters.count(&headers);
        registry.gather()[0].get_metric()[0].get_label()[0].value().to_owned()
    }

    #[test]
    fn clients_are_told_apart_by_their_product() {
        for (agent, client) in [
            (
                "insights-operator/4.17.3-abc cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa",
                "insights-operator/4.17",
            ),
            ("insights-operator/v4.10.0", "insights-operator/4.10"),
            ("insights-operator/4.39.0", "insights-operator/4.39"),
            ("insights-operator/5.9.1", "insights-operator/5.9"),
            ("insights-operator/4.40.0", "insights-operator/other"),
            ("insights-operator/4.9.0", "insights-operator/other"),
            ("insights-operator/6.0.0", "insights-operator/other"),
            ("insights-operator/4.99999999999", "insights-operator/other"),
            ("insights-operator/$Format:%H$ cluster/x", "insights-operator/other"),
            ("curl/8.5.0", "curl"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "browser"),
            ("Go-http-client/2.0", "go"),
            ("python-requests/2.32", "python"),
            ("Python/3.12 aiohttp/3.9", "python"),
            ("Java/21.0.1", "java"),
            ("node-fetch", "node"),
            ("kube-probe/1.30", "probe"),
            ("Prometheus/3.1.0", "prometheus"),
            ("Wget/1.2", "other"),
            ("", "none"),
            ("  ", "none"),
        ] {
            assert_eq!(label(Some(agent.as_bytes())), client, "{agent}");
        }
        assert_eq!(label(None), "none");
        assert_eq!(label(Some(b"\xff\xfe")), "other");
    }

    #[test]
    fn whatever_callers_send_there_are_few_series() {
        let registry = Registry::new();
        let counters = ClientCounters::register(&registry).unwrap();
        for number in 0..20_000 {
            let mut headers = HeaderMap::new();
            let agent = format!("insights-operator/{}.{}", number / 200, number % 200);
            headers.insert(header::USER_AGENT, HeaderValue::try_from(agent).unwrap());
            counters.count(&headers);
        }
        assert_eq!(registry.gather()[0].get_metric().len(), VERSIONS + 1);
    }

    #[test]
    fn each_client_has_a_place_of_its_own() {
        let all: u32 = MINORS.iter().map(|(_, first, last)| last - first + 1).sum();
        assert_eq!(all as usize, VERSIONS);
        assert_eq!(Product::None as usize + 1, Product::COUNT);
    }
}
