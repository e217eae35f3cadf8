//! The signed-in visitor, by a cookie; and forms, which are accepted only from the visitor that they were issued to.

use super::super::connection::Peer;
use super::super::extract::arriving;
use crate::pages::console::Frame;
use crate::service::app::{App, Caller};
use crate::service::limits;
use crate::service::problem::Problem;
use crate::service::sessions::{self, Session};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::StreamExt;
use std::pin::pin;
use std::time::Duration;

/// The cookie of a session.
pub const SESSION: &str = "netdpsyn-session";
/// The cookie of a visitor who is shown the form to sign in.
pub const ENTRY: &str = "netdpsyn-entry";

/// A cookie that was sent; none where two of one name were.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut own = pairs.filter(|(own, _)| *own == name).map(|(_, value)| value);
    match (own.next(), own.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

/// Has a browser keep a cookie for so many seconds, 0 to forget it: no script reads it, and no other site's request carries it.
pub fn kept(name: &str, value: &str, seconds: i64, secure: bool) -> Result<HeaderValue, Problem> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).map_err(|_| Problem::internal())
}

/// Whether a request came over TLS: a proxy that is trusted says so, as this server speaks none itself.
pub fn is_secure(app: &App, parts: &Parts) -> bool {
    let trusted = parts.extensions.get().is_some_and(|Peer(peer)| app.config.trusted_proxies.contain(*peer));
    let told = parts.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    // The one nearest to us speaks last.
    trusted
        && told
            .and_then(|told| told.rsplit(',').next())
            .is_some_and(|last| last.trim().eq_ignore_ascii_case("https"))
}

/// Who is signed in by the cookie of a request that only asks: also where the API is asked by a page of the console.
pub async fn asking(app: &App, parts: &Parts) -> Option<Result<Caller, Problem>> {
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let kept = cookie(&parts.headers, SESSION).filter(|_| reads)?;
    Some(sessions::find(app, kept).await.map(|(caller, _)| caller))
}

/// Somebody who is signed in.
pub struct Visitor {
    /// The key that they signed in with: tenant and role.
    pub caller: Caller,
    /// Their session.
    pub session: Session,
    /// What their forms send along.
    token: String,
}

impl Visitor {
    /// What pages need to know of them.
    pub fn frame(&self) -> Frame<'_> {
        Frame { caller: &self.caller, token: &self.token }
    }

    async fn of(app: &App, headers: &HeaderMap) -> Result<Visitor, Problem> {
        let kept = cookie(headers, SESSION).ok_or_else(Problem::unauthorised)?;
        let (caller, session) = sessions::find(app, kept).await?;
        limits::count_request(app, caller.tenant)?;
        let token = app.sessions.form(session.name())?;
        Ok(Visitor { caller, session, token })
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        Visitor::of(app, &parts.headers).await.map_err(|problem| match problem.status {
            // Whoever asks for a page is asked to sign in; what a form wanted is refused.
            401 if parts.method == Method::GET => Redirect::to("/").into_response(),
            _ => problem.into_response(),
        })
    }
}

/// The fields of a form.
#[derive(Debug, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// What stands in a field, if anything does.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// What stands in a field that must be filled in.
    pub fn text(&self, name: &str) -> Result<&str, Problem> {
        self.get(name).ok_or_else(|| Problem::invalid(name, "fill this in"))
    }

    /// A number in a field that must be filled in.
    pub fn number(&self, name: &str) -> Result<f64, Problem> {
        let number = self.text(name)?.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| Problem::invalid(name, "this is a number, as 0.5 or 2"))
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Refuses a form one of whose boxes is not ticked.
    pub fn confirmed(&self, name: &str) -> Result<(), Problem> {
        if self.ticked(name) { Ok(()) } else { Err(Problem::invalid(name, "this must be ticked")) }
    }

    /// Reads a form that was sent.
    pub async fn read(request: Request, app: &App) -> Result<Fields, Problem> {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        if request.headers().get(header::CONTENT_TYPE) != Some(&form) {
            return Err(Problem::unsupported("this takes the form that its page shows"));
        }
        let mut text = Vec::new();
        let mut body = pin!(arriving(request.into_body(), Duration::from_secs(app.config.header_seconds)));
        while let Some(bytes) = body.next().await {
            text.extend_from_slice(&bytes?);
            if text.len() > super::super::MAX_JSON {
                return Err(Problem::too_large(super::super::MAX_JSON as u64));
            }
        }
        Ok(Fields(form_urlencoded::parse(&text).into_owned().collect()))
    }
}

/// A form of somebody who is signed in, which was shown to them.
pub struct Form {
    /// Who sent it.
    pub visitor: Visitor,
    /// What it says.
    pub fields: Fields,
}

impl FromRequest<App> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let visitor = Visitor::of(app, request.headers()).await?;
        let fields = Fields::read(request, app).await?;
        app.sessions.check_form(visitor.session.name(), fields.get("token"))?;
        Ok(Form { visitor, fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_two_of_a_name_are_none() {
        let of = |sent: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for sent in sent {
                headers.append(header::COOKIE, HeaderValue::from_static(sent));
            }
            cookie(&headers, "a").map(str::to_owned)
        };
        assert_eq!(of(&["b=1; a=x.y=z;c"]).as_deref(), Some("x.y=z"));
        assert_eq!(of(&["b=1", "a=2"]).as_deref(), Some("2"));
        for none in [&[][..], &["aa=1"], &["a=1; a=2"], &["a=1", "a=1"], &["a"]] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }

    #[test]
    fn fields_are_read_without_the_space_around_them() {
        let fields =
            Fields(vec![("a".into(), " 2 ".into()), ("b".into(), "  ".into()), ("n".into(), "NaN".into())]);
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("c")), (Some("2"), None, None));
        assert_eq!(fields.number("a").unwrap(), 2.0);
        for wrong in ["b", "c", "n"] {
            assert_eq!(fields.number(wrong).unwrap_err().field.as_deref(), Some(wrong));
        }
        assert!(fields.confirmed("a").is_ok() && fields.confirmed("b").is_err());
    }
}
