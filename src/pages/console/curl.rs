//! The line of curl that does what a page does. The key is a variable in it: none is ever on a page.

use maud::{Markup, html};
use serde_json::Value;

/// A request of the API.
pub struct Curl {
    method: &'static str,
    path: String,
    body: Option<Value>,
    file: Option<&'static str>,
}

impl Curl {
    /// One that asks.
    pub fn get(path: impl Into<String>) -> Self {
        Curl { method: "GET", path: path.into(), body: None, file: None }
    }

    /// One that does something.
    pub fn of(method: &'static str, path: impl Into<String>) -> Self {
        Curl { method, ..Curl::get(path) }
    }

    /// With this body.
    pub fn with(self, body: Value) -> Self {
        Curl { body: Some(body), ..self }
    }

    /// With this file as its body.
    pub fn file(self, name: &'static str) -> Self {
        Curl { file: Some(name), ..self }
    }

    /// The line.
    pub fn line(&self) -> String {
        let mut line = "curl -sS".to_string();
        match (self.method, self.file) {
            ("GET", _) => {}
            (_, Some(file)) => line += &format!(" -T {file}"),
            (method, None) if method != "POST" || self.body.is_none() => line += &format!(" -X {method}"),
            _ => {}
        }
        line += &format!(" \"$URL{}\" -H \"Authorization: Bearer $KEY\"", self.path);
        if let Some(body) = &self.body {
            line += &format!(" --json '{}'", body.to_string().replace('\'', "'\\''"));
        }
        line
    }

    fn shown(&self, what: &str) -> Markup {
        html! {
            section.screen {
                h2 { (what) }
                pre tabindex="0" { (self.line()) }
            }
        }
    }

    /// Below a page that shows something.
    pub fn same(&self) -> Markup {
        self.shown("The same by the API")
    }

    /// Below a page that did something.
    pub fn done(&self) -> Markup {
        self.shown("The request as a curl command")
    }

    /// Beside a form: what it will do.
    pub fn hint(&self) -> Markup {
        html! { details { summary { "As a line of curl" } pre tabindex="0" { (self.line()) } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_does_what_the_page_does_and_holds_no_key() {
        let key = "-H \"Authorization: Bearer $KEY\"";
        for (curl, line) in [
            (Curl::get("/v1/budget"), format!("curl -sS \"$URL/v1/budget\" {key}")),
            (
                Curl::of("POST", "/v1/releases/1/publish"),
                format!("curl -sS -X POST \"$URL/v1/releases/1/publish\" {key}"),
            ),
            (
                Curl::of("PATCH", "/a").with(json!({"name": "it's"})),
                format!("curl -sS -X PATCH \"$URL/a\" {key} --json '{{\"name\":\"it'\\''s\"}}'"),
            ),
            (Curl::of("POST", "/a").with(json!({})), format!("curl -sS \"$URL/a\" {key} --json '{{}}'")),
            (Curl::of("PUT", "/a").file("trace.csv"), format!("curl -sS -T trace.csv \"$URL/a\" {key}")),
            (Curl::of("DELETE", "/a"), format!("curl -sS -X DELETE \"$URL/a\" {key}")),
        ] {
            assert_eq!(curl.line(), line);
        }
    }
}
