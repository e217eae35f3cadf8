//! What one tenant may take of a shared server: requests a second, and disk.

use super::app::App;
use super::problem::Problem;
use crate::storage::{Tx, datasets};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use uuid::Uuid;

/// Requests by tenant; administrators share one place.
pub type Rates = DefaultKeyedRateLimiter<Option<Uuid>>;

/// Seconds' worth of requests that may come at once.
const BURST: u32 = 5;

/// Room for `a_second` requests a second, and five times that at once.
pub fn rates(a_second: NonZeroU32) -> Rates {
    let burst = a_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1));
    RateLimiter::keyed(Quota::per_second(a_second).allow_burst(burst))
}

/// Counts a request; refuses one too many.
pub fn count_request(app: &App, tenant: Option<Uuid>) -> Result<(), Problem> {
    app.rates.check_key(&tenant).map_err(|_| {
        Problem::too_many(format!(
            "a tenant may send {} requests a second (NETDPSYN_MAX_REQUESTS_PER_SECOND); wait a moment",
            app.config.max_requests
        ))
    })
}

/// Bytes that a tenant may still store.
pub async fn room(app: &App, tx: &mut Tx, tenant: Uuid) -> Result<u64, Problem> {
    let used = datasets::bytes_of_tenant(tx, tenant).await?;
    Ok(app.config.max_tenant_bytes.saturating_sub(used as u64))
}

/// Refuses to store `bytes` more than there is room for.
pub async fn check_room(app: &App, tx: &mut Tx, tenant: Uuid, bytes: u64) -> Result<(), Problem> {
    if bytes > room(app, tx, tenant).await? {
        return Err(Problem::storage_full(app.config.max_tenant_bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tenant_at_its_limit_leaves_the_others_alone() {
        let rates = rates(NonZeroU32::MIN);
        let (one, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        let passed = (0..20).filter(|_| rates.check_key(&one).is_ok()).count();
        assert_eq!(passed, BURST as usize);
        assert!(rates.check_key(&other).is_ok());
    }
}
