//! What one tenant may take of a shared server, requests a second and disk; and what one address may fill of its log.

use super::app::App;
use super::problem::Problem;
use crate::storage::{Clock, Tx, datasets};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::{IpNet, Ipv6Net};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// The service's clock, as limiters read it.
#[derive(Clone)]
pub struct Handed(Arc<dyn Clock>);

impl governor::clock::Clock for Handed {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.instant()
    }
}

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, Handed, NoOpMiddleware<Instant>>;

/// Requests by tenant; administrators share one place.
pub type Rates = Keyed<Option<Uuid>>;

/// Requests without a key, by address.
pub type Strangers = Keyed<IpNet>;

/// Lines of the log by what they tell and by the address that makes them.
pub type Lines = Keyed<(Line, IpNet)>;

/// Log lines that addresses can repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// A connection too many.
    Connection,
    /// A key that is not valid, or a request too many.
    Refusal,
}

/// One line a minute.
pub fn lines(clock: &Arc<dyn Clock>) -> Lines {
    RateLimiter::dashmap_with_clock(Quota::per_minute(NonZeroU32::MIN), Handed(Arc::clone(clock)))
}

/// Whom an address stands for: of IPv6 the /64 that one client has.
pub fn network(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Net::new_assert(address, 64).trunc().into(),
        address => address.into(),
    }
}

/// Seconds' worth of requests that may come at once.
const BURST: u32 = 5;

fn quota(a_second: NonZeroU32) -> Quota {
    let burst = a_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1));
    Quota::per_second(a_second).allow_burst(burst)
}

/// Room for `a_second` requests a second, and five times that at once.
pub fn rates(a_second: NonZeroU32, clock: &Arc<dyn Clock>) -> Rates {
    RateLimiter::dashmap_with_clock(quota(a_second), Handed(Arc::clone(clock)))
}

/// The same for each address that sends no key.
pub fn strangers(a_second: NonZeroU32, clock: &Arc<dyn Clock>) -> Strangers {
    RateLimiter::dashmap_with_clock(quota(a_second), Handed(Arc::clone(clock)))
}

/// Counts a request without a key; refuses one too many.
pub fn count_stranger(app: &App, from: IpNet) -> Result<(), Problem> {
    app.strangers.check_key(&from).map_err(|_| {
        Problem::too_many(format!(
            "an address may send {} requests a second without a key (NETDPSYN_MAX_REQUESTS_PER_SECOND); wait a moment",
            app.config.max_requests
        ))
    })
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
    use crate::storage::clock::Plain;

    #[test]
    fn one_client_is_one_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1:2:3"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn one_tenant_at_its_limit_leaves_the_others_alone() {
        let clock: Arc<dyn Clock> = Arc::new(Plain);
        let rates = rates(NonZeroU32::MIN, &clock);
        let (one, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        let passed = (0..20).filter(|_| rates.check_key(&one).is_ok()).count();
        assert_eq!(passed, BURST as usize);
        assert!(rates.check_key(&other).is_ok());
    }
}
