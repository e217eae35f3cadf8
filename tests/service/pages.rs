//! Pages: signing in, what each role finds, forms and their tokens, policies; reports as pages; jobs as events.

use crate::both;
use crate::harness::*;
use reqwest::blocking::Response;
use reqwest::blocking::multipart::{Form, Part};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

both!(
    a_tour_by_forms,
    a_job_is_followed_to_its_end,
    side_by_side,
    an_administrator_sees_what_takes_room_and_no_names_of_files
);

/// A browser without scripts that keeps what it is given.
struct Browser<'a> {
    server: &'a Server,
    client: reqwest::blocking::Client,
    session: String,
    token: String,
}

/// What stands in a page between two parts of it.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("{from} in {page}")).1;
    rest.split_once(to).unwrap().0
}

fn token(page: &str) -> String {
    between(page, "name=\"token\" value=\"", "\"").to_string()
}

/// The cookie of this name that an answer sets, with what is said of it.
fn set(response: &Response, name: &str) -> Option<String> {
    let all = response.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    all.map(str::to_string).find(|cookie| cookie.starts_with(&format!("{name}=")))
}

fn value(cookie: &str) -> String {
    between(cookie, "=", ";").to_string()
}

fn client() -> reqwest::blocking::Client {
    reqwest::blocking::Client::builder().redirect(Policy::none()).timeout(None).build().unwrap()
}

/// The form to sign in: the cookie that comes with it and its token.
fn entry(server: &Server) -> (String, String) {
    let response = client().get(format!("{}/", server.url)).send().unwrap();
    let cookie = value(&set(&response, "netdpsyn-entry").unwrap());
    (cookie, token(&response.text().unwrap()))
}

fn sign_in(server: &Server, key: &str, more: &[(&str, &str)]) -> Response {
    let (cookie, token) = entry(server);
    let request = client()
        .post(format!("{}/console/sign-in", server.url))
        .header("cookie", format!("netdpsyn-entry={cookie}"));
    let request = more.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    form(request, &[("token", &token), ("key", key)]).send().unwrap()
}

fn form(
    request: reqwest::blocking::RequestBuilder,
    fields: &[(&str, &str)],
) -> reqwest::blocking::RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

impl<'a> Browser<'a> {
    fn of(server: &'a Server, key: &str) -> Self {
        let response = sign_in(server, key, &[]);
        assert_eq!(response.status(), 303);
        let session = value(&set(&response, "netdpsyn-session").unwrap());
        let mut browser = Browser { server, client: client(), session, token: String::new() };
        let home = browser.get("/").headers()["location"].to_str().unwrap().to_string();
        browser.token = token(&browser.page(&home));
        browser
    }

    fn request(&self, method: &str, path: &str) -> reqwest::blocking::RequestBuilder {
        let url = format!("{}{path}", self.server.url);
        self.client
            .request(method.parse().unwrap(), url)
            .header("cookie", format!("netdpsyn-session={}", self.session))
    }

    fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().unwrap()
    }

    fn page(&self, path: &str) -> String {
        let response = self.get(path);
        assert_eq!(response.status(), 200, "{path}");
        response.text().unwrap()
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let fields: Vec<_> = [("token", &*self.token)].into_iter().chain(fields.iter().copied()).collect();
        form(self.request("POST", path), &fields).send().unwrap()
    }

    /// A form that is taken: the page that comes of it.
    fn did(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let response = self.post(path, fields);
        assert_eq!(response.status(), 200, "{path}: {}", response.text().unwrap());
        response.text().unwrap()
    }
}

/// Refuses a page that is not what every page must be.
fn check_page(what: &str, response: Response, keys: &[&str]) {
    let header =
        |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_string();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{what}: {policy}");
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && policy.contains("base-uri 'none'"),
        "{what}: {policy}"
    );
    assert!(header("content-type").starts_with("text/html"), "{what}");
    assert_eq!(
        (header("x-content-type-options").as_str(), header("cache-control").as_str()),
        ("nosniff", "no-store"),
        "{what}"
    );
    let page = response.text().unwrap();
    for inline in [" style=\"", " onclick", "<script>", "javascript:", "http:", "https:"] {
        assert!(!page.contains(inline), "{what} has {inline}");
    }
    assert!(keys.iter().all(|key| !page.contains(&key[4..])), "{what} shows a key");
    assert!(
        page.contains("<html lang=\"en\">") && page.contains("<title>") && page.contains("<main id=\"main\""),
        "{what}"
    );
}

#[test]
fn a_key_opens_a_session_and_is_nowhere_else() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_TRUSTED_PROXIES", "127.0.0.1")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let response = sign_in(&server, &tenant.steward, &[]);
    let cookie = set(&response, "netdpsyn-session").unwrap();
    assert!(cookie.ends_with("; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict"), "{cookie}");
    assert_eq!(response.headers()["location"], "/");
    assert!(!cookie.contains(&tenant.steward[16..]), "the secret is not in it");
    // Only a proxy that is trusted says that it was TLS, and the nearest one speaks last.
    let told = |value: &str| {
        set(&sign_in(&server, &tenant.steward, &[("x-forwarded-proto", value)]), "netdpsyn-session").unwrap()
    };
    assert!(told("https").ends_with("; Secure") && told("http, HTTPS").ends_with("; Secure"));
    assert!(!told("https, http").contains("Secure"));

    let wrong = sign_in(&server, &tenant.steward.replace("ndp_", "ndp_0"), &[]);
    assert!(wrong.status() == 401 && set(&wrong, "netdpsyn-session").is_none());
    check_page("a wrong key", wrong, &[&tenant.steward]);
    // A form to sign in is taken from the browser that it was shown to.
    let (cookie, token) = entry(&server);
    let (other, _) = entry(&server);
    for (cookie, token) in [(&other, token.as_str()), (&cookie, ""), (&String::new(), &token)] {
        let request = client()
            .post(format!("{}/console/sign-in", server.url))
            .header("cookie", format!("netdpsyn-entry={cookie}"));
        let refused = form(request, &[("token", token), ("key", &tenant.steward)]).send().unwrap();
        assert!(refused.status() == 403 && set(&refused, "netdpsyn-session").is_none());
    }

    let browser = Browser::of(&server, &tenant.steward);
    assert_eq!(browser.get("/console/datasets").status(), 200);
    // Nothing of it can be changed.
    for forged in [
        browser.session.replacen(&browser.session[..16], "ndp_000000000000", 1),
        browser.session.replacen(".1", ".2", 1),
        format!("{}0", browser.session),
        browser.session[..browser.session.len() - 1].to_string(),
        String::new(),
    ] {
        let forged = Browser { session: forged, token: String::new(), server: &server, client: client() };
        let answer = forged.get("/console/datasets");
        assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (303, "/"));
        assert_eq!(forged.get("/v1/datasets").status(), 401);
    }
    // The API takes a cookie for questions alone.
    assert_eq!(browser.get("/v1/datasets").status(), 200);
    let made = browser.request("POST", "/v1/datasets").json(&declared_flows()).send().unwrap();
    assert_eq!(made.status(), 401);
    // Signed out, it opens nothing, wherever it was copied to: not on another server either.
    let other = lab.serve(&[]);
    let there = |session: &str| {
        let copied =
            Browser { session: session.into(), token: String::new(), server: &other, client: client() };
        copied.get("/console/datasets").status().as_u16()
    };
    let stays = Browser::of(&server, &tenant.steward).session;
    assert_eq!((there(&browser.session), there(&stays)), (200, 200));
    let out = browser.post("/console/sign-out", &[]);
    assert!(out.status() == 303 && set(&out, "netdpsyn-session").unwrap().contains("Max-Age=0"));
    assert_eq!(browser.get("/console/datasets").status(), 303);
    assert_eq!((there(&browser.session), there(&stays)), (303, 200));
    other.kill();
    // Nor once its key is revoked.
    let browser = Browser::of(&server, &tenant.reader);
    let keys = server.json(&format!("/v1/tenants/{}/keys", tenant.id), ADMIN);
    let reader = keys["items"].as_array().unwrap().iter().find(|key| key["role"] == "reader").unwrap();
    let path = format!("{}/v1/tenants/{}/keys/{}", server.url, tenant.id, reader["id"].as_str().unwrap());
    assert_eq!(server.client.delete(path).bearer_auth(ADMIN).send().unwrap().status(), 204);
    assert_eq!(browser.get("/console/releases").status(), 303);
    // Another server on the same data takes what this one gave.
    let session = Browser::of(&server, &tenant.steward).session;
    server.kill();
    let server = lab.serve(&[]);
    let browser = Browser { session, token: String::new(), server: &server, client: client() };
    assert_eq!(browser.get("/console/datasets").status(), 200);
    let log = server.log.lock().unwrap().clone();
    assert!(!log.contains(&tenant.steward[16..]) && !log.contains(&browser.session[30..]));
}

/// A release with its private report, and what belongs to it: dataset, job, release.
fn released(server: &Server, steward: &str) -> [String; 3] {
    let dataset = server.flows(steward);
    server.made(
        "/v1/jobs",
        steward,
        &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "evaluate": true}),
    );
    let jobs = server.idle(steward);
    let text = |value: &Value| value.as_str().unwrap().to_string();
    [dataset, text(&jobs[0]["id"]), text(&jobs[1]["release_id"])]
}

#[test]
fn every_page_for_every_role() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let (tenant, foreign) = (server.tenant(json!({"rho": 1.0})), server.tenant(json!({"rho": 1.0})));
    let [dataset, job, release] = released(&server, &tenant.steward);
    let keys = [ADMIN, &tenant.steward, &tenant.reader, &foreign.steward, &foreign.reader];
    let browsers = keys.map(|key| Browser::of(&server, key));
    let mut table = format!("{:<40} none admin steward reader foreign foreign-reader\n", "");
    let pages = [
        ("/console/datasets", "/console/datasets".to_string()),
        ("/console/datasets/{id}", format!("/console/datasets/{dataset}")),
        ("/console/datasets/{id}/compare", format!("/console/datasets/{dataset}/compare?epsilon=1")),
        ("/console/jobs", "/console/jobs".into()),
        ("/console/jobs/{id}", format!("/console/jobs/{job}")),
        ("/console/budget", "/console/budget".into()),
        ("/console/releases", "/console/releases".into()),
        ("/console/releases/{id}", format!("/console/releases/{release}")),
        ("/console/tenants", "/console/tenants".into()),
        ("/console/tenants/{id}", format!("/console/tenants/{}", tenant.id)),
        ("/console/populations", "/console/populations".into()),
        ("/console/storage", "/console/storage".into()),
        ("/console/jobs/no-id", "/console/jobs/no-id".into()),
        ("/console/jobs?limit=0", "/console/jobs?limit=0".into()),
    ];
    let mut shown = 0;
    for (name, path) in &pages {
        let none = client().get(format!("{}{path}", server.url)).send().unwrap().status().as_u16();
        let mut line = format!("GET {name:<36} {none:<4}");
        for browser in &browsers {
            let response = browser.get(path);
            line += &format!(" {:<7}", response.status().as_u16());
            shown += 1;
            check_page(path, response, &keys);
        }
        table += &format!("{}\n", line.trim_end());
    }
    assert_eq!(shown, 5 * pages.len());
    // Forms, with tokens that are right: what refuses is the role.
    /// A form's name, its path, and its fields.
    type Form<'a> = (&'a str, String, &'a [(&'a str, &'a str)]);
    let forms: [Form; 14] = [
        ("datasets", "/console/datasets".into(), &[("name", "n"), ("preset", "flow")]),
        ("declare", format!("/console/datasets/{dataset}/declare"), &[("window", "0/60")]),
        ("quote", format!("/console/datasets/{dataset}/quote"), &[("epsilon", "1")]),
        ("fit", format!("/console/datasets/{dataset}/fit"), &[("epsilon", "1000")]),
        ("cancel", format!("/console/jobs/{job}/cancel"), &[("sure", "yes")]),
        (
            "publish",
            format!("/console/releases/{release}/publish"),
            &[("read_report", "yes"), ("read_cap", "yes"), ("for_ever", "yes")],
        ),
        ("evaluate", format!("/console/releases/{}/evaluate", tenant.id), &[]),
        ("tenants", "/console/tenants".into(), &[("name", "t"), ("epsilon", "1")]),
        ("cap", format!("/console/tenants/{}/cap", tenant.id), &[("epsilon", "9")]),
        ("keys", format!("/console/tenants/{}/keys", tenant.id), &[("name", "k"), ("role", "reader")]),
        (
            "revoke",
            format!("/console/tenants/{}/revoke", tenant.id),
            &[("sure", "yes"), ("key_id", &tenant.id)],
        ),
        (
            "populations",
            "/console/populations".into(),
            &[("name", "p"), ("tenant_id", &tenant.id), ("epsilon", "1")],
        ),
        ("population's cap", format!("/console/populations/{}/cap", tenant.id), &[("epsilon", "1")]),
        ("erase", format!("/console/datasets/{dataset}/erase"), &[("sure", "yes")]),
    ];
    for (name, path, fields) in &forms {
        let none = form(client().post(format!("{}{path}", server.url)), fields).send().unwrap();
        let mut line = format!("POST {name:<35} {:<4}", none.status().as_u16());
        check_page(path, none, &keys);
        for browser in &browsers {
            line += &format!(" {:<7}", browser.post(path, fields).status().as_u16());
        }
        table += &format!("{}\n", line.trim_end());
    }
    insta::assert_snapshot!(table);
    check_page("the form to sign in", client().get(format!("{}/", server.url)).send().unwrap(), &keys);
}

#[test]
fn no_form_is_taken_that_was_not_shown_to_whoever_sends_it() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let [dataset, job, release] = released(&server, &tenant.steward);
    let before = (
        server.json("/v1/jobs", &tenant.steward),
        server.json("/v1/releases", &tenant.steward),
        server.json("/v1/datasets", &tenant.steward),
    );
    let (one, other) = (Browser::of(&server, &tenant.steward), Browser::of(&server, &tenant.steward));
    assert_ne!(one.token, other.token, "a token belongs to a session");
    let all = |name: &str| format!("/console/{name}");
    let forms = [
        all("sign-out"),
        all("datasets"),
        all(&format!("datasets/{dataset}/declare")),
        all(&format!("datasets/{dataset}/quote")),
        all(&format!("datasets/{dataset}/fit")),
        all(&format!("datasets/{dataset}/erase")),
        all(&format!("jobs/{job}/cancel")),
        all(&format!("releases/{release}/publish")),
        all(&format!("releases/{release}/evaluate")),
    ];
    let full = [
        ("sure", "yes"),
        ("epsilon", "2"),
        ("name", "x"),
        ("preset", "flow"),
        ("read_report", "yes"),
        ("read_cap", "yes"),
        ("for_ever", "yes"),
    ];
    for path in &forms {
        for token in [None, Some(""), Some("0"), Some(&*other.token)] {
            let fields: Vec<_> = token.map(|token| ("token", token)).into_iter().chain(full).collect();
            let refused = form(one.request("POST", path), &fields).send().unwrap();
            assert_eq!(refused.status(), 403, "{path} {token:?}");
            check_page(path, refused, &[&tenant.steward]);
        }
        // What another site can send without asking is no form of ours either.
        let plain = one
            .request("POST", path)
            .header("content-type", "text/plain")
            .body(format!("token={}", one.token))
            .send()
            .unwrap();
        assert_eq!(plain.status(), 415, "{path}");
    }
    let upload = |parts: Form| {
        one.request("POST", &all(&format!("datasets/{dataset}/upload"))).multipart(parts).send().unwrap()
    };
    let file = || Part::bytes(b"a\n".to_vec()).file_name("a.csv");
    assert_eq!(upload(Form::new().part("trace", file())).status(), 403);
    assert_eq!(upload(Form::new().text("token", other.token.clone()).part("trace", file())).status(), 403);
    assert_eq!(
        upload(Form::new().part("trace", file()).text("token", one.token.clone())).status(),
        403,
        "the token comes first"
    );
    assert_eq!(upload(Form::new().text("token", one.token.clone())).status(), 422, "and then the file");
    let after = (
        server.json("/v1/jobs", &tenant.steward),
        server.json("/v1/releases", &tenant.steward),
        server.json("/v1/datasets", &tenant.steward),
    );
    assert_eq!(before, after, "nothing was done");
    assert_eq!(one.get("/console/jobs").status(), 200, "not even signing out");
}

fn a_tour_by_forms(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let admin = Browser::of(&server, ADMIN);
    let made = admin.did("/console/tenants", &[("name", "campus"), ("epsilon", "5")]);
    assert!(
        made.contains("--json &#39;{") || made.contains("--json '{"),
        "the line of curl holds what was sent: {made}"
    );
    let tenant = between(&made, "href=\"/console/tenants/", "\"").to_string();
    let key = |role: &str| {
        let issued = admin.did(&format!("/console/tenants/{tenant}/keys"), &[("name", role), ("role", role)]);
        let key = format!("ndp_{}", between(&issued, ">ndp_", "<"));
        assert!(!admin.page(&format!("/console/tenants/{tenant}")).contains(&key), "it is shown once");
        key
    };
    let (steward_key, reader_key) = (key("steward"), key("reader"));
    assert_eq!(
        admin.post(&format!("/console/tenants/{tenant}/keys"), &[("name", "a"), ("role", "admin")]).status(),
        422
    );

    let steward = Browser::of(&server, &steward_key);
    let made = steward.did("/console/datasets", &[("name", "<uplink>"), ("preset", "flow")]);
    let dataset = format!("/console/datasets/{}", between(&made, "href=\"/console/datasets/", "\""));
    let shown = steward.page(&dataset);
    assert!(shown.contains("&lt;uplink&gt;") && !shown.contains("<uplink>"), "names are text");
    assert!(shown.contains("Still to be declared") && shown.contains("categories.type"));
    let declared = [
        ("window", "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z"),
        ("categories.type", "normal\r\nddos\r\nportscan\r\nbruteforce"),
    ];
    steward.did(&format!("{dataset}/declare"), &declared);
    assert!(!steward.page(&dataset).contains("Still to be declared"));
    let file = Part::bytes(sample("flows.csv.gz")).file_name("flows.csv.gz");
    let parts = Form::new().text("token", steward.token.clone()).part("trace", file);
    let received = steward.request("POST", &format!("{dataset}/upload")).multipart(parts).send().unwrap();
    assert_eq!(received.status(), 200, "{}", received.text().unwrap());
    let id = dataset.rsplit('/').next().unwrap();
    assert_eq!(server.parsed(id, &steward_key)["state"], "ready");
    let parsed = steward.page(&dataset);
    assert!(parsed.contains("PRIVATE") && parsed.contains("Parse report"));

    let quoted = steward.did(&format!("{dataset}/quote"), &[("epsilon", "2"), ("hold_out", "yes")]);
    assert!(quoted.contains("The budget pays for it"));
    assert!(
        quoted.contains("data-points=\"[[0.1,")
            && quoted.contains("ε = 2</text>")
            && quoted.contains("data-slides")
    );
    let key = between(&quoted, "name=\"key\" value=\"", "\"").to_string();
    let fit = [("epsilon", "2"), ("hold_out", "yes"), ("evaluate", "yes"), ("key", &*key)];
    let accepted = steward.did(&format!("{dataset}/fit"), &fit);
    let job = format!("/console/jobs/{}", between(&accepted, "href=\"/console/jobs/", "\""));
    assert!(
        steward.did(&format!("{dataset}/fit"), &fit).contains(&job),
        "a form that is sent twice is one fit"
    );
    assert!(steward.post(&format!("{dataset}/quote"), &[("epsilon", "none")]).status() == 422);
    let jobs = server.idle(&steward_key);
    assert_eq!(jobs.iter().filter(|job| job["kind"] == "fit").count(), 1);
    assert!(steward.page(&job).contains("charged") && steward.page("/console/jobs").contains("evaluate"));

    let release = jobs[1]["release_id"].as_str().unwrap();
    let path = format!("/console/releases/{release}");
    let reader = Browser::of(&server, &reader_key);
    assert_eq!(reader.get(&path).status(), 404, "a draft");
    let before = steward.page(&path);
    assert!(!before.contains("format=pcap"), "a capture holds packets alone");
    let looks: Vec<bool> =
        before.split("<strong>looked at</strong>").map(|part| part.contains("draft trace")).collect();
    assert_eq!(looks, [false, false, true], "parse report and quote so far");
    assert!(
        before.contains("records of one host have ε")
            && before.contains("declared before records could be seen")
    );
    assert!(before.contains("Opening it is recorded") && before.contains("Nobody has opened it yet"));
    let opened = steward
        .request("GET", &format!("/v1/releases/{release}/report/private"))
        .header("accept", "text/html,*/*;q=0.8")
        .send()
        .unwrap();
    assert_eq!(opened.headers()["vary"], "accept");
    check_page("the private report", opened, &[&steward_key]);
    assert!(steward.page(&path).contains("It was first opened"));
    let checks = [("read_report", "yes"), ("read_cap", "yes"), ("for_ever", "yes")];
    assert_eq!(steward.post(&format!("{path}/publish"), &checks[..2]).status(), 422);
    assert_eq!(server.json(&format!("/v1/releases/{release}"), &steward_key)["state"], "draft");
    steward.did(&format!("{path}/publish"), &checks);
    assert!(
        reader.page("/console/releases").contains(&path)
            && reader.page(&path).contains("parse report, quote, private report")
    );
    let report = reader.page(&format!("/v1/releases/{release}/report.html"));
    assert!(report.contains("Looked at before publication: parse report, quote, private report"));
    for format in ["csv", "parquet", "arrow"] {
        let link = format!("/v1/releases/{release}/content?format={format}");
        assert!(report.contains(&link) && reader.get(&link).status() == 200, "{link}");
    }
    let budget = steward.page("/console/budget");
    assert!(budget.contains(&path) && budget.contains("spent (full)"));
    let last = steward.page(&dataset);
    assert!(last.contains("Removed permanently") && last.matches("<strong>looked at</strong>").count() == 3);
    assert_eq!(steward.post(&format!("{dataset}/erase"), &[]).status(), 422, "not by accident");
    steward.did(&format!("{dataset}/erase"), &[("sure", "yes")]);
    assert_eq!(steward.get(&format!("/v1/releases/{release}/report/private")).status(), 404);
    assert_eq!(reader.get(&path).status(), 200);
}

/// What is looked at side by side counts as looked at by itself, and what only might be is none.
fn side_by_side(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let (tenant, foreign) = (server.tenant(json!({"rho": 1.0})), server.tenant(json!({"rho": 1.0})));
    let [dataset, job, release] = released(&server, &tenant.steward);
    let model =
        server.json(&format!("/v1/jobs/{job}"), &tenant.steward)["model_id"].as_str().unwrap().to_string();
    let path = format!("/v1/datasets/{dataset}/comparison");
    let opened = || {
        !server.json(&format!("/v1/releases/{release}"), &tenant.steward)["private_report_opened_at"]
            .is_null()
    };
    let looks = || server.json("/v1/budget", &tenant.steward)["populations"][0]["looks"].clone();
    let steward = Browser::of(&server, &tenant.steward);
    // To see what there is to choose is no look.
    let form = steward.page(&format!("/console/datasets/{dataset}/compare"));
    assert!(
        form.contains("Looking is recorded") && form.contains(&model) && !form.contains("class=\"private\"")
    );
    let none = server.json(&path, &tenant.steward);
    assert_eq!((none["private"].clone(), none["items"].clone()), (false.into(), json!([])));
    assert_eq!(none["choices"][0]["compared"], true);
    // Nor is what is refused.
    for (query, key, status) in [
        (format!("?model={model}"), &tenant.reader, 403),
        (format!("?model={model}"), &foreign.steward, 404),
        ("?epsilon=0".into(), &tenant.steward, 422),
        (format!("?model={model}&epsilon=0.001"), &tenant.steward, 422),
        (format!("?model={model}&epsilon=1&epsilon=2&epsilon=3&epsilon=4&epsilon=5"), &tenant.steward, 422),
        (format!("?model={}", foreign.id), &tenant.steward, 404),
        ("?delta=1".into(), &tenant.steward, 422),
    ] {
        assert_eq!(server.get(&format!("{path}{query}"), key).status(), status, "{query}");
    }
    assert!(!opened());
    assert_eq!(looks(), json!(["parse report"]));
    // A quote is one.
    let quoted = server.json(&format!("{path}?epsilon=0.5&hold_out=true"), &tenant.steward);
    let quote = &quoted["items"][0];
    assert!(
        quote["foretold"]["private"] == true && quote["fits"] == true && quote["measured"].is_null(),
        "{quote}"
    );
    assert_eq!(looks(), json!(["parse report", "quote"]));
    assert!(!opened());
    // A private report's figures are another, as opening it is.
    let page = steward
        .page(&format!("/console/datasets/{dataset}/compare?model={model}&epsilon=1&epsilon=&epsilon="));
    assert!(page.contains("<main id=\"main\" class=\"private-page\">") && page.contains("class=\"private\""));
    assert!(page.contains("circle class=\"made\"") && page.contains(&format!("/console/releases/{release}")));
    assert!(
        page.contains(&format!("{path}?model={model}&amp;epsilon=1&quot;")),
        "the line of curl does the same"
    );
    assert!(opened());
    assert_eq!(looks(), json!(["parse report", "quote", "private report"]));
    let both = server.json(&format!("{path}?epsilon=1&model={model}"), &tenant.steward);
    let report = server.json(&format!("/v1/releases/{release}/report/private"), &tenant.steward);
    let fit = &both["items"][0];
    assert_eq!(fit["measured"]["two_way"], report["two_way"]["mean"]);
    assert_eq!((&fit["model_id"], &fit["epsilon"]), (&model.clone().into(), &2.0.into()));
    assert_eq!((&fit["foretold"]["private"], &both["private"]), (&false.into(), &true.into()));
    // What was erased is measured no more, and what stays is foretold.
    steward.did(&format!("/console/datasets/{dataset}/erase"), &[("sure", "yes")]);
    let erased = server.json(&format!("{path}?model={model}"), &tenant.steward);
    let fit = &erased["items"][0];
    assert!(
        fit["measured"].is_null() && fit["not_measured"].is_string() && fit["foretold"].is_object(),
        "{fit}"
    );
}

#[test]
fn a_strict_population_shows_no_draft_side_by_side() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let strict = json!({"tenant_id": tenant.id, "name": "strict", "cap": {"rho": 1.0}, "strict": true});
    let mut declared = declared_flows();
    declared["population_id"] = server.made("/v1/populations", ADMIN, &strict)["id"].clone();
    let dataset = server.made("/v1/datasets", &tenant.steward, &declared)["id"].as_str().unwrap().to_string();
    assert_eq!(server.upload(&dataset, &tenant.steward, sample("flows.csv.gz")).status(), 202);
    server.parsed(&dataset, &tenant.steward);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "evaluate": true});
    server.made("/v1/jobs", &tenant.steward, &fit);
    let jobs = server.idle(&tenant.steward);
    let of = |kind: &str, name: &str| {
        let job = jobs.iter().find(|job| job["kind"] == kind).unwrap();
        job[name].as_str().unwrap().to_string()
    };
    let (model, release) = (of("fit", "model_id"), of("generate", "release_id"));
    let item = || {
        server.json(&format!("/v1/datasets/{dataset}/comparison?model={model}"), &tenant.steward)["items"][0]
            .clone()
    };
    let draft = item();
    assert!(
        draft["measured"].is_null() && draft["not_measured"].as_str().unwrap().contains("strict"),
        "{draft}"
    );
    assert!(
        server.json(&format!("/v1/releases/{release}"), &tenant.steward)["private_report_opened_at"]
            .is_null()
    );
    server.made(&format!("/v1/releases/{release}/publish"), &tenant.steward, &json!({}));
    assert!(item()["measured"]["two_way"].is_f64());
    // What was published and withdrawn is no draft, here as where its private report is opened.
    let withdraw = format!("/v1/releases/{release}/withdraw");
    server.made(&withdraw, &tenant.steward, &json!({"reason": "a test"}));
    assert!(item()["measured"]["two_way"].is_f64());
}

fn an_administrator_sees_what_takes_room_and_no_names_of_files(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let (tenant, empty) = (server.tenant(json!({"rho": 1.0})), server.tenant(json!({"rho": 1.0})));
    let [_, _, release] = released(&server, &tenant.steward);
    assert_eq!(
        server.get(&format!("/v1/releases/{release}/content?format=parquet"), &tenant.steward).status(),
        200
    );
    let view = server.json("/v1/storage", ADMIN);
    let of = |id: &str| {
        view["tenants"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()["sizes"].clone()
    };
    let step = 1u64 << 20;
    for kind in ["traces", "bundles", "releases", "cache", "reports"] {
        assert_eq!(of(&empty.id)[kind], 0, "{kind}");
        let (one, all) = (of(&tenant.id)[kind].as_u64().unwrap(), view["all"][kind].as_u64().unwrap());
        assert!(one >= step && one.is_multiple_of(step) && one == all, "{kind}: {view}");
    }
    assert!(view["free_bytes"].as_u64().unwrap().is_multiple_of(step));
    let page = Browser::of(&server, ADMIN).page("/console/storage");
    for (told, part) in
        [(true, "raw traces"), (true, tenant.id.as_str()), (false, release.as_str()), (false, ".csv")]
    {
        assert_eq!(page.contains(part), told, "{part}");
    }
}

#[test]
fn reports_are_pages_for_whoever_asks_for_one() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let (tenant, foreign) = (server.tenant(json!({"rho": 1.0})), server.tenant(json!({"rho": 1.0})));
    let [_, _, release] = released(&server, &tenant.steward);
    let (report, private) =
        (format!("/v1/releases/{release}/report"), format!("/v1/releases/{release}/report/private"));
    let ask = |path: &str, key: &str| {
        server
            .client
            .get(format!("{}{path}", server.url))
            .bearer_auth(key)
            .header("accept", "text/html")
            .send()
            .unwrap()
    };
    assert_eq!(server.get(&report, &tenant.steward).headers()["content-type"], "application/json");
    check_page("draft", ask(&report, &tenant.steward), &[&tenant.steward]);
    let opened = || {
        server.json(&format!("/v1/releases/{release}"), &tenant.steward)["private_report_opened_at"]
            .is_string()
    };
    // Whoever may not see it does not learn more by asking for a page, and nothing is recorded of them.
    let page = format!("{report}.html");
    for (path, key, status) in [
        (&report, &tenant.reader, 404),
        (&page, &tenant.reader, 404),
        (&private, &tenant.reader, 403),
        (&report, &foreign.steward, 404),
        (&page, &foreign.steward, 404),
        (&private, &foreign.steward, 404),
    ] {
        assert_eq!(ask(path, key).status(), status, "{path}");
    }
    assert!(!opened());
    let shown = ask(&private, &tenant.steward);
    assert_eq!(shown.headers()["vary"], "accept");
    let shown = shown.text().unwrap();
    assert!(shown.contains("PRIVATE") && shown.contains("raw records") && shown.matches("<svg").count() > 10);
    assert!(opened(), "opening it as a page is recorded as well");
    server.made(&format!("/v1/releases/{release}/publish"), &tenant.steward, &json!({}));
    let public = ask(&page, &tenant.reader).text().unwrap();
    let json = server.json(&report, &tenant.reader);
    // Every table of the report, and none of what is the steward's.
    assert!(public.contains(&format!("All {} tables", json["marginals"].as_array().unwrap().len())));
    assert!(public.contains("Statement of privacy") && public.contains("A host is not protected."));
    for private in ["raw records (hollow", "held out (marks", "class=\"private\""] {
        assert!(!public.contains(private), "{private}");
    }
    assert!(public.contains(json["population"]["text"].as_str().unwrap()), "the cap in its own words");
}

/// The lines of a stream until it ends.
fn lines(response: Response) -> Vec<String> {
    BufReader::new(response).lines().map_while(Result::ok).collect()
}

fn a_job_is_followed_to_its_end(kind: Kind) {
    let lab = Lab::new(kind);
    // No request but a stream may take longer than a second.
    let server = lab.serve(&[
        ("NETDPSYN_REQUEST_SECONDS", "1"),
        ("NETDPSYN_WORKERS", "0"),
        ("NETDPSYN_PARSE_WORKERS", "1"),
    ]);
    let (tenant, foreign) = (server.tenant(json!({"rho": 1.0})), server.tenant(json!({"rho": 1.0})));
    let dataset = server.flows(&tenant.steward);
    let job = server.made(
        "/v1/jobs",
        &tenant.steward,
        &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0}),
    );
    let path = format!("/v1/jobs/{}/events", job["id"].as_str().unwrap());
    assert_eq!(server.get(&path, &tenant.reader).status(), 403);
    assert_eq!(server.get(&path, &foreign.steward).status(), 404);
    assert_eq!(server.client.get(format!("{}{path}", server.url)).send().unwrap().status(), 401);
    let mut stream = server.get(&path, &tenant.steward);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"event: progress");
    // It lasts beyond the time that others have, and ends with the server.
    std::thread::sleep(Duration::from_millis(1_500));
    let reading = std::thread::spawn(move || {
        let rest = lines(stream);
        (rest, Instant::now())
    });
    std::thread::sleep(Duration::from_millis(200));
    assert!(!reading.is_finished());
    let told = Instant::now();
    assert!(server.terminate().success());
    let (_, ended) = reading.join().unwrap();
    assert!(ended.saturating_duration_since(told) < Duration::from_secs(3), "a stream keeps no server");

    let server = lab.serve(&[("NETDPSYN_REQUEST_SECONDS", "1")]);
    let all = lines(server.get(&path, &tenant.steward));
    let data: Vec<Value> = all
        .iter()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let names: Vec<&str> = all.iter().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!((names.last(), names.len()), (Some(&"end"), data.len()));
    assert!(names[..names.len() - 1].iter().all(|name| *name == "progress"));
    let last = data.last().unwrap();
    assert!(last["state"] == "succeeded" && last["percent"] == 100 && last["charged"] == true, "{last}");
    // Of a job that has ended the end is told at once; a browser that is signed in may ask as well.
    let browser = Browser::of(&server, &tenant.steward);
    assert_eq!(
        lines(browser.get(&path)).iter().filter(|line| line.starts_with("event: ")).collect::<Vec<_>>(),
        ["event: end"]
    );
}

#[test]
fn a_revoked_key_ends_its_event_stream() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0"), ("NETDPSYN_PARSE_WORKERS", "1")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let job = server.made(
        "/v1/jobs",
        &tenant.steward,
        &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0}),
    );
    let stream = server.get(&format!("/v1/jobs/{}/events", job["id"].as_str().unwrap()), &tenant.steward);
    lab.run(&["admin", "revoke", &tenant.steward[..16]]);
    let all = lines(stream);
    assert!(!all.iter().any(|line| line == "event: end"), "{all:?}");
}
