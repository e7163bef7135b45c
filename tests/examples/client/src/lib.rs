//! A client that waits for the report of a request.

use std::time::Duration;

use gathering_domain::answer::{ReportBody, StatusBody};
use gathering_domain::ids::{ClusterId, RequestId};
use gathering_domain::request::RequestState;
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

/// How long to wait before asking again.
const REST: Duration = Duration::from_millis(50);

/// Asks a service for requests of one organization.
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The analysis found nothing usable.
    #[error("the analysis failed")]
    Failed,
    /// The service refuses the call.
    #[error("the service answers {0}")]
    Refused(StatusCode),
    /// The service cannot be reached, or answers something else than it should.
    #[error("the service does not answer as it should")]
    Http(#[from] reqwest::Error),
}

impl Client {
    /// A client of the service at `url`, with a token of the organization.
    pub fn new(url: &str, token: &str) -> Self {
        Self { http: reqwest::Client::new(), url: url.to_owned(), token: token.to_owned() }
    }

    /// Waits until the request is processed, and returns its report.
    pub async fn report(
        &self,
        cluster: ClusterId,
        request: &RequestId,
    ) -> Result<ReportBody<'static>, ClientError> {
        let path = format!("/cluster/{cluster}/request/{request}");
        loop {
            let status: Option<StatusBody<'static>> = self.get(&format!("{path}/status")).await?;
            match status.map(|body| body.status) {
                Some(RequestState::Failed) => return Err(ClientError::Failed),
                Some(RequestState::Processed) => {
                    if let Some(report) = self.get(&format!("{path}/report")).await? {
                        return Ok(report);
                    }
                }
                Some(RequestState::Received) | None => {}
            }
            tokio::time::sleep(REST).await;
        }
    }

    /// What is at this path; `None` if nothing is yet, or the service asks for another try.
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ClientError> {
        let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token).send().await?;
        match answer.status() {
            StatusCode::OK => Ok(Some(answer.json().await?)),
            StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE => Ok(None),
            status => Err(ClientError::Refused(status)),
        }
    }
}
