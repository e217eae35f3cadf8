//! Arguments of handlers: every fault becomes a problem document.

use super::console::visitor;
use super::front::From;
use crate::service::app::{App, Caller};
use crate::service::problem::Problem;
use crate::service::{keys, limits, reading};
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use headers::authorization::Bearer;
use headers::{Authorization, HeaderMapExt};
use serde::de::DeserializeOwned;
use std::pin::pin;
use std::time::Duration;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        // For whoever shows it otherwise.
        response.extensions_mut().insert(self.clone());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.status {
            401 => headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            // The rest of the body is still to come: the connection cannot carry another request.
            408 | 413 => headers.insert(header::CONNECTION, HeaderValue::from_static("close")),
            _ => None,
        };
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // A page of the console asks for reports, traces and events by its cookie; what changes anything takes a key.
        if parts.headers.get(header::AUTHORIZATION).is_none()
            && let Some(caller) = visitor::asking(app, parts).await
        {
            let caller = caller?;
            limits::count_request(app, caller.tenant)?;
            return Ok(caller);
        }
        let sent = parts.headers.typed_get::<Authorization<Bearer>>().ok_or_else(Problem::unauthorised)?;
        let From(from) = parts.extensions.get().copied().ok_or_else(Problem::internal)?;
        let caller = keys::authenticate(app, from, sent.token().trim()).await?;
        limits::count_request(app, caller.tenant)?;
        Ok(caller)
    }
}

/// A body as it arrives: one that ends too early, or is silent longer than this, is a problem.
pub fn arriving(body: axum::body::Body, silence: Duration) -> impl Stream<Item = Result<Bytes, Problem>> {
    futures_util::stream::try_unfold(body.into_data_stream(), move |mut body| async move {
        match tokio::time::timeout(silence, body.next()).await {
            Err(_) => Err(Problem::timed_out_reading("the body")),
            Ok(None) => Ok(None),
            Ok(Some(Ok(bytes))) => Ok(Some((bytes, body))),
            Ok(Some(Err(_))) => Err(Problem::malformed("the body ended before it was complete")),
        }
    })
}

/// The text of a JSON body.
pub struct Text(pub Vec<u8>);

impl FromRequest<App> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if !request.headers().get(header::CONTENT_TYPE).is_some_and(is_json) {
            return Err(Problem::unsupported("send JSON with Content-Type: application/json"));
        }
        let mut text = Vec::new();
        let mut body = pin!(arriving(request.into_body(), Duration::from_secs(app.config.header_seconds)));
        while let Some(bytes) = body.next().await {
            text.extend_from_slice(&bytes?);
            if text.len() > super::MAX_JSON {
                return Err(Problem::too_large(super::MAX_JSON as u64));
            }
        }
        Ok(Text(text))
    }
}

fn is_json(value: &HeaderValue) -> bool {
    let named = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    named == "application/json" || (named.starts_with("application/") && named.ends_with("+json"))
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let Text(text) = Text::from_request(request, app).await?;
        reading::json(&text).map(Body)
    }
}

/// A JSON body, or none at all.
pub struct Perhaps<T>(pub Option<T>);

impl<T: DeserializeOwned> FromRequest<App> for Perhaps<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        // What has neither type nor length has no body.
        let empty = axum::body::HttpBody::is_end_stream(request.body());
        if empty {
            return Ok(Perhaps(None));
        }
        Body::from_request(request, app).await.map(|Body(body)| Perhaps(Some(body)))
    }
}

/// Parts of the path. One that is no id names nothing.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path: Result<axum::extract::Path<T>, PathRejection> =
            axum::extract::Path::from_request_parts(parts, app).await;
        path.map(|axum::extract::Path(path)| Path(path)).map_err(|_| Problem::not_found("thing"))
    }
}

/// The query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        reading::query(parts.uri.query().unwrap_or_default()).map(Query)
    }
}
