//! What every request meets first: its id, where it comes from, its line in the log, its time; and that every refusal is a problem document.

use super::connection::Peer;
use super::console::Paged;
use crate::service::app::App;
use crate::service::limits::{Line, network};
use crate::service::problem::Problem;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use tracing::Instrument;
use uuid::Uuid;

const ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Letters of a request's id that a client gives.
const ID_LETTERS: usize = 128;

/// Whom a request comes from: what is counted by address goes by it.
#[derive(Clone, Copy, Debug)]
pub struct From(pub IpNet);

/// Gives the request its id and origin, and the log its line: method, path and id; never a body, a query's values or a key.
pub async fn meet(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get().map_or(Ipv4Addr::UNSPECIFIED.into(), |Peer(peer)| *peer);
    let trusted = |hop| app.config.trusted_proxies.contain(hop);
    let from = network(origin(peer, request.headers(), trusted));
    let id = id(request.headers());
    request.extensions_mut().insert(From(from));
    let (method, path) = (request.method(), request.uri().path());
    let span = tracing::info_span!("http", %method, path, id = id.to_str().unwrap_or(""));
    let start = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), start.elapsed().as_millis());
    span.in_scope(|| match status {
        // Whoever guesses keys must not fill the log.
        401 | 429 => {
            if app.lines.check_key(&(Line::Refusal, from)).is_ok() {
                tracing::warn!(status, ms = took, %from, "refused; more of these within a minute are not logged");
            }
        }
        500.. => tracing::error!(status, ms = took, "answered"),
        _ => tracing::info!(status, ms = took, "answered"),
    });
    response.headers_mut().insert(ID, id);
    response
}

/// The client's id of the request where it is fit to be kept, else a fresh one.
fn id(headers: &HeaderMap) -> HeaderValue {
    let mut given = headers.get_all(ID).iter();
    let fit = |id: &&HeaderValue| {
        (1..=ID_LETTERS).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    match (given.next().filter(fit), given.next()) {
        (Some(id), None) => id.clone(),
        _ => HeaderValue::from_str(&Uuid::new_v4().to_string()).unwrap_or(HeaderValue::from_static("none")),
    }
}

/// The client's address: the peer's, unless that is a proxy that is trusted to tell whose request it passes on.
fn origin(peer: IpAddr, headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut from = peer;
    let told: Vec<&str> = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok()).collect();
    // Each hop adds the one that it heard from at the end; what stands before the last untrusted one anybody may have written.
    for hop in told.iter().rev().flat_map(|value| value.rsplit(',')) {
        match hop.trim().parse::<IpAddr>() {
            Ok(hop) if trusted(from) => from = hop.to_canonical(),
            _ => break,
        }
    }
    from
}

/// Gives a request up that takes too long.
pub async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let seconds = app.config.request_seconds;
    let answer = tokio::time::timeout(Duration::from_secs(seconds), next.run(request)).await;
    answer.unwrap_or_else(|_| Problem::timed_out(seconds).into_response())
}

/// Turns every refusal that is not yet a problem document into one, whatever its source.
pub async fn documented(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let document = HeaderValue::from_static("application/problem+json");
    if !(status.is_client_error() || status.is_server_error())
        || response.headers().get(header::CONTENT_TYPE) == Some(&document)
        || response.extensions().get::<Paged>().is_some()
    {
        return response;
    }
    let mut answer = Problem::of_status(status.as_u16()).into_response();
    if let Some(allow) =
        response.headers().get(header::ALLOW).filter(|_| status == StatusCode::METHOD_NOT_ALLOWED)
    {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Networks;

    #[test]
    fn an_id_is_short_and_visible_or_made() {
        let of = |given: &[&str]| {
            let mut headers = HeaderMap::new();
            for id in given {
                headers.append(ID, HeaderValue::from_bytes(id.as_bytes()).unwrap());
            }
            id(&headers).to_str().unwrap().to_string()
        };
        let long = "x".repeat(ID_LETTERS);
        assert_eq!((of(&["build-7/3"]), of(&[&long])), ("build-7/3".into(), long.clone()));
        for given in [&[][..], &[""], &[&(long + "x")], &["a b"], &["ä"], &["a", "b"]] {
            assert!(of(given).parse::<Uuid>().is_ok(), "{given:?}");
        }
    }

    #[test]
    fn only_trusted_proxies_tell_whom_they_forward() {
        let trusted: Networks = "10.0.0.0/8".parse().unwrap();
        let of = |peer: &str, told: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for told in told {
                headers.append(FORWARDED, HeaderValue::from_static(told));
            }
            origin(peer.parse().unwrap(), &headers, |hop| trusted.contain(hop)).to_string()
        };
        assert_eq!(of("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(of("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(of("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(of("10.0.0.1", &["203.0.113.9", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(of("10.0.0.1", &["nobody"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
    }
}
