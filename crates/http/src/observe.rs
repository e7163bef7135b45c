//! The middleware around every call of the API: its ID, its log lines, its metrics, and the form of its errors.

use std::error::Error;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{HttpRequest, web};
use gathering_support::trace;
use log::Level;

use crate::audit;
use crate::call_id;
use crate::connections::{Call, ResponseBody};
use crate::error::ApiError;
use crate::error::body::accepts_problem_details;
use crate::failure_log::FailureLog;
use crate::gone::{self, Unanswered};
use crate::metrics::{Endpoint, HttpMetrics};
use crate::tracing;

/// The log target of access lines, which can be switched on alone: `log.filter = "info,gathering::access=debug"`.
const ACCESS: &str = "gathering::access";

pub(crate) async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<ResponseBody>, actix_web::Error> {
    let call = Call::begin(&mut request);
    let id = call_id::of(request.headers());
    let metrics = request.app_data::<web::Data<HttpMetrics>>().cloned();
    let tracer = metrics.as_ref().and_then(|metrics| metrics.tracer());
    let span = tracing::begin(tracer, request.headers());
    let current = id.clone();
    let answer = async move {
        let started = Instant::now();
        let unanswered = Unanswered::new(move |request| {
            count_gone(request);
            if let Some(span) = trace::current() {
                tracing::end(span, request, gone::STATUS);
            }
            log_call(request, gone::STATUS, started.elapsed(), "the client has gone");
        });
        let response = next.call(request).await;
        unanswered.answered();
        let mut response = format_error(response?.map_into_boxed_body());
        response.headers_mut().insert(call_id::HEADER, id);

        let (request, status, duration) = (response.request(), response.status(), started.elapsed());
        if let Some(metrics) = metrics {
            metrics.observe_client(request.headers());
            metrics.observe(request.app_data::<Endpoint>(), request.method(), status, duration);
        }
        if let Some(span) = trace::current() {
            tracing::end(span, request, status.as_u16());
        }
        log_call(request, status.as_u16(), duration, "answered");
        Ok(ResponseBody::answer(call, response))
    };
    call_id::CURRENT.scope(current, trace::within(span, gone::scope(answer))).await
}

fn count_gone(request: &HttpRequest) {
    if let Some(metrics) = request.app_data::<web::Data<HttpMetrics>>() {
        metrics.observe_client(request.headers());
        metrics.observe_gone(request.app_data::<Endpoint>(), request.method());
    }
}

fn log_call(request: &HttpRequest, status: u16, duration: Duration, text: &str) {
    audit::answered(request, status);
    log::debug!(
        target: ACCESS,
        method = request.method().as_str(), path = request.path(), status = status,
        micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        "{text}"
    );
}

/// Logs what callers are not told, and gives an error the form that the caller asked for.
fn format_error(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let as_problem_details = accepts_problem_details(response.request().headers());
    let Some(error) = response.response().error() else {
        return response;
    };
    let formatted = if let Some(error) = error.as_error::<ApiError>() {
        if let Some(cause) = error.cause() {
            log_cause(&response, cause);
        }
        // The response has the plain form already.
        as_problem_details.then(|| error.response(true))
    } else {
        let error = ApiError::Library { status: response.status(), text: error.to_string() };
        Some(error.response(as_problem_details))
    };
    match formatted {
        Some(formatted) => response.into_response(formatted),
        None => response,
    }
}

fn log_cause(response: &ServiceResponse<BoxBody>, cause: &(dyn Error + 'static)) {
    let level = if response.status() == StatusCode::SERVICE_UNAVAILABLE { Level::Warn } else { Level::Error };
    let request = response.request();
    if let Some(log) = request.app_data::<web::Data<FailureLog>>() {
        log.log(level, format_args!("{} {}: {}", request.method(), request.path(), chain(cause)));
    }
}

/// The text of an error and of its sources, without sources that it ends with already.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        source = error.source();
    }
    text
}
