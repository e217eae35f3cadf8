//! Signing in and out, and the one script.

use super::super::front::From;
use super::answer::Shown;
use super::visitor::{ENTRY, Fields, Form, SESSION, cookie, is_secure, kept};
use crate::pages::console;
use crate::pages::console::{LIVE, home};
use crate::service::app::App;
use crate::service::problem::Problem;
use crate::service::sessions;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

/// Redirects a signed-in visitor to the start page of the role, and shows everybody else the form to
/// sign in.
pub async fn begin(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    if let Some(kept) = cookie(&parts.headers, SESSION) {
        match sessions::find(&app, kept).await {
            Ok((caller, _)) => return Ok(Redirect::to(home(caller.role)).into_response()),
            Err(problem) if problem.status != 401 => return Err(problem),
            Err(_) => {}
        }
    }
    shown(&app, &parts, None)
}

/// The form to sign in, and what was wrong before.
fn shown(app: &App, parts: &Parts, refused: Option<&Problem>) -> Result<Response, Problem> {
    let name = sessions::fresh_name()?;
    let page = console::sign_in(&app.sessions.form(&name)?, refused);
    let mut response = Shown(page).into_response();
    let hour = 3_600;
    response.headers_mut().append(header::SET_COOKIE, kept(ENTRY, &name, hour, is_secure(app, parts))?);
    Ok(response)
}

/// Signs in with a key.
pub async fn sign_in(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let fields = Fields::read(Request::from_parts(parts.clone(), body), &app).await?;
    let name = cookie(&parts.headers, ENTRY).ok_or_else(Problem::forged)?;
    app.sessions.check_form(name, fields.get("token"))?;
    let From(from) = parts.extensions.get().copied().ok_or_else(Problem::internal)?;
    let key = fields.get("key").unwrap_or_default();
    match sessions::begin(&app, from, key).await {
        Ok((text, seconds)) => {
            let secure = is_secure(&app, &parts);
            let mut response = Redirect::to("/").into_response();
            let headers = response.headers_mut();
            headers.append(header::SET_COOKIE, kept(SESSION, &text, seconds, secure)?);
            headers.append(header::SET_COOKIE, kept(ENTRY, "", 0, secure)?);
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Err(problem) if problem.status == 401 => {
            let said = Problem { detail: "This is no key that is valid now.".into(), ..problem };
            let mut response = shown(&app, &parts, Some(&said))?;
            *response.status_mut() = axum::http::StatusCode::UNAUTHORIZED;
            Ok(response)
        }
        Err(problem) => Err(problem),
    }
}

/// Signs out.
pub async fn sign_out(State(app): State<App>, form: Form) -> Result<Response, Problem> {
    sessions::end(&app, &form.visitor.session).await?;
    let mut response = Redirect::to("/").into_response();
    // A cookie that is forgotten need not be told how it came.
    response.headers_mut().append(header::SET_COOKIE, kept(SESSION, "", 0, false)?);
    Ok(response)
}

/// The script that follows jobs.
pub async fn live() -> Response {
    let about = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (about, Body::from(LIVE)).into_response()
}
