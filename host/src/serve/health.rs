//! `/health/live` and `/health/ready`, for whatever starts and watches the process. They need no token and tell nothing but yes and no.

use std::sync::atomic::Ordering;

use super::{Process, Shared};

/// Whether requests can be answered: it is not stopping, and every service says it is there.
pub(super) async fn ready(process: &Process, shared: &Shared) -> bool {
    if process.stopping.load(Ordering::Relaxed) {
        return false;
    }
    for (name, service) in &shared.services {
        if let Err(error) = service.ready().await {
            tracing::warn!(service = %name, code = "serve.not-ready", "{error}");
            return false;
        }
    }
    true
}
