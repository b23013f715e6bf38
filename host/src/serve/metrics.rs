//! What can be counted about requests, for Prometheus (`/metrics`, in the text format of `OpenMetrics`).
//!
//! Labels have few values whatever clients send: a service is one that is there, a method one of five or `other`.

use std::{sync::atomic::AtomicU64, time::Duration};

use http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

/// The content type of what [`Metrics::text`] answers.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds; a directory answers in the first, a backend that is far away in the last.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    service: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: String,
}

#[derive(Clone)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BUCKETS)
    }
}

pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Service, Histogram, Seconds>,
    /// Connections that are open.
    pub connections: Gauge,
    reloads: Family<Reload, Counter<u64, AtomicU64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    outcome: &'static str,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("provisor");
        let requests = Family::<Request, Counter>::default();
        let seconds = Family::<Service, Histogram, Seconds>::new_with_constructor(Seconds);
        let (connections, reloads) = (Gauge::default(), Family::<Reload, Counter<u64, AtomicU64>>::default());
        registry.register("requests", "Requests that were answered", requests.clone());
        registry.register_with_unit("request", "How long requests took", Unit::Seconds, seconds.clone());
        registry.register("connections", "Connections that are open", connections.clone());
        registry.register(
            "reloads",
            "Manifests that were read again: taken, or refused because something is wrong with them",
            reloads.clone(),
        );
        Self { registry, requests, seconds, connections, reloads }
    }

    /// A request was answered. `service` is nothing where it was for none that is there.
    pub(super) fn answered(&self, service: Option<&str>, method: &Method, status: StatusCode, took: Duration) {
        let service = service.unwrap_or("-").to_owned();
        let method = match *method {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        self.requests.get_or_create(&Request { service: service.clone(), method, status: status.as_u16() }).inc();
        self.seconds.get_or_create(&Service { service }).observe(took.as_secs_f64());
    }

    pub(super) fn reloaded(&self, taken: bool) {
        self.reloads.get_or_create(&Reload { outcome: if taken { "taken" } else { "refused" } }).inc();
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted() {
        let metrics = Metrics::new();
        metrics.answered(Some("people"), &Method::GET, StatusCode::OK, Duration::from_millis(2));
        metrics.answered(None, &"BREW".parse().unwrap(), StatusCode::UNAUTHORIZED, Duration::ZERO);
        metrics.reloaded(false);
        let text = metrics.text();
        for line in [
            "provisor_requests_total{service=\"people\",method=\"GET\",status=\"200\"} 1",
            "provisor_requests_total{service=\"-\",method=\"other\",status=\"401\"} 1",
            "provisor_request_seconds_count{service=\"people\"} 1",
            "provisor_connections 0",
            "provisor_reloads_total{outcome=\"refused\"} 1",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
