//! Addresses of any family through the service: what a cell of IPv6 says in a column of IPv4, what is declared then, and what comes out.

use crate::both;
use crate::harness::*;
use netdpsyn::formats;
use netdpsyn::progress::Quiet;
use netdpsyn::simulate::flows;
use serde_json::json;

both!(flows_of_ipv6_come_in_once_they_are_declared);

/// Simulated flows, of which every fifth is between hosts of IPv6: those of its own that stand for its hosts of IPv4.
fn mixed() -> String {
    let mut bytes = Vec::new();
    formats::write(&flows::simulate(6_000, 3), &flows::schema(), &mut bytes, &Quiet).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let ends = ["srcip", "dstip"].map(|name| names.iter().position(|own| *own == name).unwrap());
    let row = |(at, line): (usize, &str)| {
        let mut cells: Vec<String> = line.split(',').map(String::from).collect();
        for end in ends.into_iter().filter(|_| at % 5 == 1) {
            cells[end] = format!("2001:db8::{}", cells[end].replace('.', ":"));
        }
        cells.join(",")
    };
    text.lines().enumerate().map(row).collect::<Vec<_>>().join("\n")
}

fn flows_of_ipv6_come_in_once_they_are_declared(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let steward = tenant.steward.as_str();
    let dataset = server.dataset(steward);
    let text = mixed();
    assert_eq!(server.upload(&dataset, steward, text.clone().into_bytes()).status(), 202);
    let parsed = server.parsed(&dataset, steward);
    assert_eq!(parsed["state"], "rejected", "{parsed:#}");
    assert!(parsed["problem"].to_string().contains("declare the column as `address`"), "{parsed:#}");

    let url = format!("{}/v1/datasets/{dataset}", server.url);
    let patch =
        |body: serde_json::Value| server.client.patch(&url).bearer_auth(steward).json(&body).send().unwrap();
    assert_eq!(patch(json!({"addresses": "ipv6"})).status(), 422);
    assert_eq!(patch(json!({"addresses": "any"})).status(), 200);
    let parsed = server.parsed_again(&dataset, steward, text.into_bytes());
    assert_eq!(parsed["state"], "ready", "{parsed:#}");
    assert_eq!(
        (&parsed["schema"]["version"], &parsed["parse_report"]["records"]),
        (&json!(4), &json!(6_000))
    );

    // A method without a tree for them refuses before anything is reserved.
    let fit = |method: &str| json!({"kind": "fit", "dataset_id": dataset, "epsilon": 4.0, "method": method, "accept_noise": true, "hold_out": true, "evaluate": true});
    let refused = server.post("/v1/jobs", steward, &fit("netdpsyn"));
    assert_eq!(refused.status(), 422);
    assert!(refused.text().unwrap().contains("only the method adaptive"));
    assert_eq!(server.json("/v1/budget", steward)["tenant"]["reserved"]["rho"], 0.0);

    server.made("/v1/jobs", steward, &fit("adaptive"));
    let jobs = server.idle(steward);
    assert!(jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:#?}");
    let release = jobs.iter().find_map(|job| job["release_id"].as_str().map(String::from)).unwrap();
    let content = format!("{}/v1/releases/{release}/content", server.url);
    let content = server.client.get(content).bearer_auth(steward).send().unwrap().text().unwrap();
    let sources = content.lines().skip(1).map(|line| line.split(',').next().unwrap());
    let (six, four): (Vec<&str>, Vec<&str>) = sources.partition(|source| source.contains(':'));
    let share = six.len() as f64 / (six.len() + four.len()) as f64;
    // A fifth, as far as the noise of so few records tells; each run has its own.
    assert!((0.08..0.35).contains(&share), "{share}");
    assert!(six.iter().all(|source| source.parse::<std::net::Ipv6Addr>().is_ok()));
}
