//! The binary as its users run it: real files, real exit codes.

#[path = "cli/synthetic_capture.rs"]
mod synthetic_capture;

use proptest::prelude::*;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FLOWS: &[&str] = &[
    "--preset",
    "flow",
    "--categories",
    "type=normal,ddos,portscan,bruteforce",
    "--window",
    "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z",
];
const PACKETS: &[&str] = &["--preset", "packet", "--window", "2026-01-05T08:00:00Z/2026-01-05T08:01:00Z"];
const HEADER: &str = "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,label,type";
const ROW: &str = "10.0.0.1,10.0.0.2,1234,80,tcp,1767600000000000000,0.5,3,300,0,normal";

/// A private folder and the binary run inside it.
struct Lab(tempfile::TempDir);

impl Lab {
    fn new() -> Self {
        Lab(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netdpsyn"));
        command.args(args).current_dir(self.0.path()).env_remove("COLUMNS").output().unwrap()
    }

    /// Runs, expects success, and gives what was printed.
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn synthesize(&self, input: &str, declared: &[&str], more: &[&str]) -> Output {
        self.run(&[&["synthesize", input, "--epsilon", "2", "-o", "out.csv"], declared, more].concat())
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).to_str().unwrap().to_string()
}

fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// The report that `evaluate` prints as JSON, which says null nowhere: that is how a number that is none is written.
fn evaluated(lab: &Lab, args: &[&str]) -> serde_json::Value {
    let text = lab.ok(&[&["evaluate", "--json", "-"], args].concat());
    assert!(!text.contains("null"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["version"], &json["private"]), (&4.into(), &true.into()));
    json
}

/// The mean two-way distance that `evaluate` prints.
fn two_way(lab: &Lab, raw: &str, declared: &[&str], synthetic: &str) -> f64 {
    evaluated(lab, &[&[raw, synthetic, "--only", "two-way"], declared].concat())["two_way"]["mean"]
        .as_f64()
        .unwrap()
}

#[test]
fn flows_from_raw_to_synthetic_and_again_from_the_bundle() {
    let lab = Lab::new();
    let raw = sample("flows.csv.gz");
    let output = lab.synthesize(&raw, FLOWS, &["--bundle", "m", "--seed", "7"]);
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    for part in ["(2, 1e-9)-differential privacy", "trees     ρ", "srcip ×", "N̂ = "] {
        assert!(printed.contains(part), "{part} in {printed}");
    }

    let text = lab.text("out.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(HEADER));
    let mut before = 0;
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let whole = |i: usize| cells[i].parse::<u64>().unwrap();
        assert!(cells[0].parse::<std::net::Ipv4Addr>().is_ok(), "dotted as in the input: {line}");
        assert!(cells[4].starts_with(|c: char| c.is_lowercase() || c.is_numeric()), "{line}");
        assert!((1_767_600_000_000_000_000..1_767_603_600_000_000_000).contains(&whole(5)));
        assert!(whole(5) >= before, "ordered by time");
        before = whole(5);
        let (packets, bytes) = (whole(7), whole(8));
        assert!(20 * packets <= bytes && bytes <= 65_535 * packets, "{line}");
        assert!(packets > 1 || cells[6] == "0.0", "{line}");
    }

    // The same bundle and seed give the same trace; another seed another one.
    lab.ok(&["generate", "m", "--seed", "7", "-o", "again.csv"]);
    assert_eq!(text, lab.text("again.csv"));
    lab.ok(&["generate", "m", "--seed", "8", "--rows", "1234", "-o", "other.csv.gz"]);
    assert_eq!(gunzip(&lab.path("other.csv.gz")).lines().count(), 1_200 + 1);

    // It keeps structure that independent columns lose.
    let kept = two_way(&lab, &raw, FLOWS, "out.csv");
    lab.synthesize(&raw, FLOWS, &["--method", "independent", "--seed", "7"]);
    let lost = two_way(&lab, &raw, FLOWS, "out.csv");
    assert!(kept < 0.75 * lost, "{kept} against {lost}");
}

#[test]
fn a_condition_gives_the_categories_that_are_asked_for() {
    let lab = Lab::new();
    let raw = sample("flows.csv.gz");
    for method in ["netdpsyn", "adaptive"] {
        let asked = ["--method", method, "--bundle", "m", "--condition", "type=ddos"];
        let output = lab.synthesize(&raw, FLOWS, &asked);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("not the raw mix: type = ddos, by hand"));
        assert!(lab.text("out.csv").lines().skip(1).all(|line| line.ends_with(",1,ddos")));
    }
    let shares = "type=normal:.5,ddos:.25,bruteforce:.25";
    let generate =
        |more: &[&str]| lab.ok(&[&["generate", "m", "--rows", "2000", "--seed", "7"], more].concat());
    let printed = generate(&["--condition", shares, "-o", "mixed.csv"]);
    assert!(printed.contains("type: normal 50 %, ddos 25 %, bruteforce 25 %"), "{printed}");
    let text = lab.text("mixed.csv");
    let of = |kind: &str| text.lines().filter(|line| line.ends_with(kind)).count();
    assert_eq!([of(",0,normal"), of(",1,ddos"), of(",1,bruteforce")], [1_000, 500, 500]);
    generate(&["--condition", shares, "-o", "again.csv"]);
    assert_eq!(lab.text("again.csv"), text);
    assert!(!generate(&["-o", "free.csv"]).contains("raw mix"));
    // What cannot be said is refused, before anything is measured.
    let files = lab.files();
    for (condition, told) in [
        ("colour=red", "it may name proto, label, type"),
        ("type=flood", "a condition may say normal, ddos, portscan, bruteforce"),
        ("type=normal,ddos", "write COLUMN=CATEGORY"),
    ] {
        let refused = lab.run(&["generate", "m", "-o", "none.csv", "--condition", condition]);
        let output = lab.synthesize(&raw, FLOWS, &["--bundle", "none", "--condition", condition]);
        for refused in [refused, output] {
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(refused.status.code() == Some(2) && said.contains(told), "{said}");
        }
    }
    let lost = lab.run(&["generate", "m", "-o", "none.csv", "--condition", "proto=gre"]);
    let said = String::from_utf8_lossy(&lost.stderr);
    assert!(
        lost.status.code() == Some(2) && said.contains("lost in the noise") && said.contains("tcp"),
        "{said}"
    );
    assert_eq!(lab.files(), files);
}

#[test]
fn packets_from_raw_to_synthetic() {
    let lab = Lab::new();
    let raw = sample("packets.csv.gz");
    assert!(lab.synthesize(&raw, PACKETS, &[]).status.success());
    let text = lab.text("out.csv");
    let header = text.lines().next().unwrap();
    assert_eq!(
        header,
        "srcip,dstip,srcport,dstport,proto,time,pkt_len,version,ihl,tos,id,flag,off,ttl,chksum"
    );
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        // RFC 1071: the header's 16-bit words with the checksum add up to 0xffff.
        let n = |i: usize| cells[i].parse::<u32>().unwrap();
        let address = |i: usize| u32::from(cells[i].parse::<std::net::Ipv4Addr>().unwrap());
        let proto = match cells[4] {
            "tcp" => 6,
            "udp" => 17,
            "icmp" => 1,
            "other" => 256,
            other => other.parse().unwrap_or(0),
        };
        let words = [
            n(7) << 12 | n(8) << 8 | n(9),
            n(6),
            n(10),
            n(11) << 13 | n(12),
            n(13) << 8 | proto & 255,
            n(14),
            address(0) >> 16,
            address(0) & 0xffff,
            address(1) >> 16,
            address(1) & 0xffff,
        ];
        let sum: u32 = words.iter().sum();
        let named = cells[4].parse::<u32>().is_err() && proto == 0;
        assert!(named || (sum & 0xffff) + (sum >> 16) == 0xffff, "{line}");
    }
    assert!(two_way(&lab, &raw, PACKETS, "out.csv") < 0.3);
}

#[test]
fn column_order_addresses_and_times_are_those_of_the_input() {
    let lab = Lab::new();
    let mut text = String::from("type,proto,ts,srcip,dstip,byt,srcport,dstport,td,pkt\n");
    for i in 0..4_000 {
        let minute = i * 59 / 4_000;
        text += &format!(
            "a,TCP,2026-01-05T08:{minute:02}:07Z,167772161,{},3000,443,40000,1.5,3\n",
            3_232_235_777u32 + i % 2
        );
    }
    lab.write("in.csv", text);
    let declared = [
        "--categories",
        "type=a,b",
        "--window",
        "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z",
        "--epsilon",
        "8",
    ];
    lab.ok(&[&["synthesize", "in.csv", "-o", "out.csv"][..], &declared].concat());
    let out = lab.text("out.csv");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("type,proto,ts,srcip,dstip,byt,srcport,dstport,td,pkt"));
    let first: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert!(first[1] == "tcp" && first[2].ends_with('Z') && first[3].parse::<u32>().is_ok(), "{first:?}");
}

/// What is set aside of standard input goes, too.
#[test]
fn output_that_nobody_reads_ends_a_command_in_silence() {
    let lab = Lab::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_netdpsyn"));
    let aside = lab.path("aside");
    std::fs::create_dir(&aside).unwrap();
    command.args(["inspect", "-"]).env("TMPDIR", &aside).stdin(std::process::Stdio::piped());
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let text = gunzip(Path::new(&sample("flows.csv.gz")));
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
    assert_eq!(std::fs::read_dir(&aside).unwrap().count(), 0);
}

#[test]
fn a_custom_schema_from_inspect_can_be_used() {
    let lab = Lab::new();
    let raw = sample("flows.csv.gz");
    let printed = lab.ok(&["inspect", &raw, "--schema-out", "schema.json"]);
    assert!(printed.contains("--window START/END") && printed.contains("--categories type="), "{printed}");
    assert!(printed.contains("PRIVATE") && printed.contains("40000 records can be read, 0 cannot"));
    let mut schema: serde_json::Value = serde_json::from_str(&lab.text("schema.json")).unwrap();
    assert_eq!(schema["window"], serde_json::Value::Null, "no window is taken from the records");
    schema["window"] = "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z".into();
    schema["columns"][10]["type"] = serde_json::json!({"categorical": ["normal", "ddos"]});
    lab.write("schema.json", schema.to_string());
    let output = lab.synthesize(&raw, &["--schema", "schema.json"], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Undeclared categories become a literal that no raw value supplied.
    let text = lab.text("out.csv");
    assert!(text.lines().any(|line| line.ends_with(",other")) && !text.contains("portscan"));
}

#[test]
fn the_keyed_hold_out_and_the_labs_split() {
    let lab = Lab::new();
    let raw = sample("flows.csv.gz");
    let parts = ["--hold-out", "held.csv", "--fitted", "fitted.csv"];
    assert!(lab.synthesize(&raw, FLOWS, &parts).status.success());
    let held = lab.text("held.csv").lines().count() - 1;
    assert!((7_600..8_400).contains(&held), "about a fifth of 40,000, not {held}");
    // Both parts together are the raw trace.
    let sorted = |texts: &[String]| {
        let mut lines: Vec<String> =
            texts.iter().flat_map(|text| text.lines().skip(1)).map(String::from).collect();
        lines.sort();
        lines
    };
    assert!(sorted(&[lab.text("held.csv"), lab.text("fitted.csv")]) == sorted(&[gunzip(Path::new(&raw))]));
    let alone = lab.synthesize(&raw, FLOWS, &["--fitted", "fitted.csv"]);
    assert_eq!(alone.status.code(), Some(2));

    let rows: Vec<String> = (0..11).map(|i| format!("{i},x")).collect();
    lab.write("t.csv", format!("a,b\n{}\n", rows.join("\n")));
    lab.ok(&["split", "t.csv"]);
    assert_eq!(lab.text("t.test.csv"), "a,b\n4,x\n9,x\n");
    assert_eq!(lab.text("t.fit.csv").lines().count(), 1 + 9);
}

#[test]
fn the_private_report_leads_with_its_verdict_and_shows_floors() {
    let lab = Lab::new();
    lab.ok(&["sample", "flows", "--rows", "3000", "--seed", "1", "-o", "raw.csv"]);
    lab.ok(&["sample", "flows", "--rows", "2000", "--seed", "2", "-o", "syn.csv"]);
    lab.ok(&["split", "raw.csv"]);
    let files = ["raw.fit.csv", "syn.csv", "--test", "raw.test.csv"];
    let written = ["evaluate", "--json", "report.json", "--page", "report.html"];
    let shown = lab.ok(&[&written, &files[..], FLOWS].concat());
    let page = lab.text("report.html");
    assert!(page.contains("PRIVATE") && page.matches("<svg").count() > 10 && !page.contains("<script"));
    let same = lab.run(&[&["evaluate", "--page", "syn.csv"], &files[..], FLOWS].concat());
    assert!(!same.status.success() && lab.text("syn.csv").starts_with("srcip"), "no input is overwritten");
    let json: serde_json::Value = serde_json::from_str(&lab.text("report.json")).unwrap();
    assert_eq!(json["rows"], serde_json::json!({ "fitted": 2400, "held_out": 600, "synthetic": 2000 }));
    assert!(json["two_way"]["floor"].as_f64().unwrap() > 0.0);
    assert!((json["attacks"]["membership"]["auc"].as_f64().unwrap() - 0.5).abs() < 0.1);
    assert_eq!(json["sketches"].as_array().unwrap().len(), 8);
    assert_eq!(json["validity"]["facts"][0]["synthetic"], 0.0);
    let bytes = &json["totals"][2];
    assert_eq!(bytes["column"], "byt");
    assert!(bytes["ratio"].as_f64().unwrap() > 0.3 && bytes["floor"].as_f64().unwrap() > 0.3, "{bytes}");
    let hosts = &json["population"]["counts"][2];
    assert!(hosts["of"] == "hosts" && hosts["real"].as_u64().unwrap() > 100, "{hosts}");
    assert!(json["population"]["answered"]["five_tuple"]["floor"].is_number());
    assert_eq!(json["volumes"]["courses"][0]["seconds"], 60.0);
    assert!(json["sessions"]["profiles"][0]["floor"].as_f64().unwrap() < 0.1, "{}", json["sessions"]);
    assert_eq!(json["top"].as_array().unwrap().len(), 6);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(lab.path("report.json")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600, "a private report is for its owner");
    }

    assert!(shown.starts_with("PRIVATE"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    let grades: Vec<&str> =
        json["verdict"].as_array().unwrap().iter().map(|one| one["grade"].as_str().unwrap()).collect();
    let rank = |grade: &str| ["poor", "fair", "good"].iter().position(|one| *one == grade);
    assert!(grades.is_sorted_by_key(|grade| rank(grade)) && grades[0] != "good", "{grades:?}");
    let at = |part: &str| shown.find(part).unwrap_or_else(|| panic!("{part} in {shown}"));
    assert!(at("two-way distance") < at("Pairs of columns") && at("floor") < at("Attacks"));
    // Raw above synthetic, before the figures; and nothing in a pipe that only a terminal understands.
    assert!(at("At a glance") < at("Pairs of columns"));
    let drawn = shown.lines().skip_while(|line| !line.starts_with("  byt, share at least so large"));
    let sides: Vec<&str> = drawn.take(2).collect();
    assert!(sides[0].contains("raw       █") && sides[1].contains("synthetic █"), "{sides:?}");
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
    let bytes =
        &json["one_way"].as_array().unwrap().iter().find(|one| one["column"] == "byt").unwrap()["spread"];
    let all: f64 = bytes["real"].as_array().unwrap().iter().map(|share| share.as_f64().unwrap()).sum();
    assert!((all - 1.0).abs() < 1e-9, "{bytes}");

    // Without held-out records there are no floors, and the attack that needs them says so.
    let alone = evaluated(&lab, &[&["raw.fit.csv", "syn.csv"], FLOWS].concat());
    assert!(alone["two_way"].get("floor").is_none());
    assert!(alone["attacks"]["membership"]["skipped"].as_str().unwrap().contains("held-out"));
    // The same again, without what was not asked for.
    let validity = evaluated(&lab, &[&["raw.fit.csv", "syn.csv", "--only", "validity"], FLOWS].concat());
    assert_eq!(validity["validity"], alone["validity"]);
    assert_eq!(validity["seconds"].as_object().unwrap().len(), 1);
    let totals = evaluated(&lab, &[&["raw.fit.csv", "syn.csv", "--only", "totals"], FLOWS].concat());
    assert_eq!(totals["totals"], alone["totals"]);
    assert!(totals["verdict"][0]["text"].as_str().unwrap().starts_with("totals: "), "{totals}");
}

#[test]
fn packets_have_sessions_of_both_directions_and_no_minutes() {
    let lab = Lab::new();
    lab.ok(&["sample", "packets", "--rows", "3000", "--seed", "1", "-o", "raw.csv"]);
    let only = ["--only", "volumes,population,sessions,top"];
    let json = evaluated(&lab, &[&["raw.csv", "raw.csv"], &only[..], PACKETS].concat());
    assert_eq!(json["volumes"]["courses"].as_array().unwrap().len(), 1, "twentieths of one minute alone");
    assert!(json["population"]["counts"].as_array().unwrap().iter().all(|count| count["ratio"] == 1.0));
    let turning = &json["sessions"]["alternation"];
    assert!(turning["difference"] == 0.0 && turning["real"].as_f64().unwrap() > 0.05, "{turning}");
    assert!(json["verdict"].as_array().unwrap().iter().all(|finding| finding["grade"] == "good"));
}

#[test]
fn odd_traces_are_compared_without_a_number_that_is_none() {
    let lab = Lab::new();
    lab.ok(&["sample", "flows", "--rows", "400", "--seed", "1", "-o", "raw.csv"]);
    lab.write("header.csv", format!("{HEADER}\n"));
    lab.write("constant.csv", format!("{HEADER}\n{}", format!("{ROW}\n").repeat(30)));
    lab.write("idle.csv", format!("{HEADER}\n{}\n", ROW.replace("0.5,3,300", "0,0,0")));
    for real in ["raw.csv", "constant.csv", "idle.csv"] {
        for synthetic in ["header.csv", "constant.csv", "idle.csv", "raw.csv"] {
            for held_out in ["header.csv", "idle.csv", "raw.csv"] {
                let args = [&[real, synthetic, "--test", held_out], FLOWS].concat();
                let json = evaluated(&lab, &args);
                let mean = &json["two_way"]["mean"];
                assert!(real != synthetic || mean == 0.0, "{args:?}");
                if synthetic == "header.csv" {
                    assert!(mean == 1.0 && json["verdict"][0]["grade"] == "poor", "{args:?}");
                }
            }
        }
    }
}

#[test]
fn an_evaluation_that_fails_is_explained() {
    let lab = Lab::new();
    lab.write("raw.csv", format!("{HEADER}\n{ROW}\n"));
    lab.write("short.csv", "srcip,dstip\n10.0.0.1,10.0.0.2\n");
    lab.write("header.csv", format!("{HEADER}\n"));
    lab.write("bad.csv", format!("{HEADER}\n{}\n", ROW.replace("1234", "70000")));
    let refused = |args: &[&str], code: i32, part: &str| {
        let output = lab.run(&[&["evaluate"], args, FLOWS].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(part), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?} prints a report");
    };
    refused(&["raw.csv", "short.csv"], 3, "short.csv: columns srcport, dstport");
    refused(&["raw.csv", "raw.csv", "--test", "short.csv"], 3, "short.csv: columns srcport, dstport");
    refused(&["raw.csv", "raw.csv", "--test", "absent.csv"], 1, "absent.csv");
    refused(&["raw.csv", "bad.csv"], 3, "cannot be read");
    refused(&["raw.csv", "raw.csv", "--test", "bad.csv"], 3, "cannot be read");
    refused(&["header.csv", "raw.csv"], 3, "no records");
    refused(&["raw.csv", "raw.csv", "--only", "two-way,beauty"], 2, "measures are: one-way, two-way");
    refused(&["raw.csv", "raw.csv", "--json", "raw.csv"], 2, "two different files");
    refused(&["raw.csv", "raw.csv", "--json", "nowhere/out.json"], 1, "no such folder");
    let undeclared = lab.run(&["evaluate", "raw.csv", "raw.csv", "--preset", "flow"]);
    assert_eq!(undeclared.status.code(), Some(2));
    assert!(String::from_utf8(undeclared.stderr).unwrap().contains("--categories type="));
}

#[test]
fn samples_are_what_their_readme_says() {
    let lab = Lab::new();
    for (kind, rows) in [("flows", "40000"), ("packets", "30000")] {
        lab.ok(&["sample", kind, "--rows", rows, "--seed", "1", "-o", "made.csv"]);
        assert_eq!(lab.text("made.csv"), gunzip(Path::new(&sample(&format!("{kind}.csv.gz")))), "{kind}");
    }
}

/// Bad input, what it is answered with, and that nothing is left behind.
#[test]
fn bad_input_is_explained() {
    let lab = Lab::new();
    let row = |from: &str, to: &str| format!("{HEADER}\n{ROW}\n{}\n", ROW.replacen(from, to, 1));
    lab.write("not_csv.bin", [0x89, b'P', b'N', b'G', 0, 1, 2, 3]);
    lab.write("prose.txt", "Dear all,\nthe trace will follow.\n");
    lab.write("missing.csv", "srcip,dstip,srcport,dstport,proto,ts,td,pkt\n");
    lab.write("address.csv", row("10.0.0.1", "300.1.1.1"));
    lab.write("ipv6.csv", row("10.0.0.1", "2001:db8::1"));
    lab.write("port.csv", row("1234", "70000"));
    lab.write("bytes.csv", row(",300,", ",-300,"));
    lab.write("mixture.csv", row("10.0.0.1", "167772161"));
    lab.write("times.csv", row("1767600000000000000", "1767600000"));
    lab.write("fields.csv", row(",normal", ""));
    lab.write("twice.csv", "srcip,srcip\n1,2\n");
    let whole = gzip(&format!("{HEADER}\n{}", format!("{ROW}\n").repeat(5_000)));
    lab.write("truncated.csv.gz", &whole[..whole.len() / 2]);
    lab.write("empty.csv", "");
    lab.write("header.csv", format!("{HEADER}\n"));
    lab.write("good.csv", format!("{HEADER}\n{ROW}\n"));
    lab.write("bundle", gzip(r#"{"version":99}"#));
    lab.write("schema.json", r#"{"name":"x","kind":"flow","columns":[],"colour":"red"}"#);

    let mut shown = String::new();
    let mut note = |what: &str, output: Output| {
        assert!(
            !lab.files().iter().any(|f| f == "out.csv" || f.starts_with(".netdpsyn")),
            "{what} leaves a file"
        );
        let code = output.status.code().unwrap();
        shown += &format!("{what} → exit {code}\n{}\n", String::from_utf8_lossy(&output.stderr));
    };
    for input in [
        "not_csv.bin",
        "prose.txt",
        "missing.csv",
        "address.csv",
        "ipv6.csv",
        "port.csv",
        "bytes.csv",
        "mixture.csv",
        "times.csv",
        "fields.csv",
        "twice.csv",
        "truncated.csv.gz",
        "empty.csv",
        "header.csv",
        "absent.csv",
    ] {
        note(input, lab.synthesize(input, FLOWS, &["--seed", "1"]));
    }
    let window = &FLOWS[4..];
    note("no window", lab.synthesize("good.csv", &FLOWS[..4], &["--seed", "1"]));
    note("no categories", lab.synthesize("good.csv", window, &["--seed", "1"]));
    note("odd window", lab.synthesize("good.csv", &["--window", "9/5"], &[]));
    note("unknown preset", lab.synthesize("good.csv", &["--preset", "netflow"], &["--seed", "1"]));
    note("unknown schema field", lab.synthesize("good.csv", &["--schema", "schema.json"], &["--seed", "1"]));
    let epsilon = |e: &str| {
        lab.run(
            &[&["synthesize", "good.csv", "-o", "out.csv", "--seed", "1", "--epsilon", e], FLOWS].concat(),
        )
    };
    note("epsilon 0", epsilon("0"));
    note("epsilon nan", epsilon("NaN"));
    note("epsilon too small", epsilon("1e-9"));
    note("foreign bundle", lab.run(&["generate", "bundle", "--seed", "1", "-o", "out.csv"]));
    note("no bundle", lab.run(&["generate", "good.csv", "--seed", "1", "-o", "out.csv"]));
    note("no folder", lab.run(&["sample", "flows", "--rows", "9", "-o", "nowhere/out.csv"]));
    insta::assert_snapshot!(shown);
}

#[test]
fn bad_records_within_the_tolerance_are_skipped_and_told() {
    let lab = Lab::new();
    let good = format!("{ROW}\n").repeat(99);
    lab.write("in.csv", format!("{HEADER}\n{good}{}\n", ROW.replace("10.0.0.1", "fe80::1")));
    let output = lab.synthesize("in.csv", FLOWS, &["--tolerance", "0.02", "--accept-noise"]);
    assert!(output.status.success());
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(
        notes.contains("private: 1 of 100 records skipped") && notes.contains("line 101, column srcip"),
        "{notes}"
    );
    assert!(
        !String::from_utf8(output.stdout).unwrap().contains("skipped"),
        "private notes go to standard error"
    );
}

#[test]
fn a_mixture_of_notations_is_refused_at_any_tolerance() {
    let lab = Lab::new();
    let mixtures = [
        ("10.0.0.1", "167772161"),
        ("1767600000000000000", "1767600000"),
        ("1767600000000000000", "2026-01-05T08:00:00Z"),
    ];
    for (from, to) in mixtures {
        lab.write("in.csv", format!("{HEADER}\n{ROW}\n{}\n", ROW.replace(from, to)));
        let fitted = lab.synthesize("in.csv", FLOWS, &["--tolerance", "1"]);
        for output in [fitted, lab.run(&[&["inspect", "in.csv"], FLOWS].concat())] {
            assert_eq!(output.status.code(), Some(3), "{to}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains("line 3") && !said.contains("--tolerance"), "{said}");
        }
    }
}

#[test]
fn how_the_output_is_written_hangs_on_no_record() {
    let lab = Lab::new();
    lab.ok(&["sample", "flows", "--rows", "8000", "-o", "raw.csv"]);
    let raw = lab.text("raw.csv");
    let (header, rows) = raw.split_once('\n').unwrap();
    let odd = "10.20.1.9,10.20.1.8,80.0,443,TCP,1767600000027143869,1e0,3.0,3e2,0,normal\n";
    lab.ok(&["inspect", "raw.csv", "--schema-out", "plain.json"]);
    for (name, text) in
        [("head", format!("{header}\n{odd}{rows}")), ("end", format!("{header}\n{rows}{odd}"))]
    {
        let file = format!("{name}.csv");
        lab.write(&file, text);
        lab.ok(&["inspect", &file, "--schema-out", "odd.json"]);
        assert_eq!(lab.text("odd.json"), lab.text("plain.json"), "{name}");
        assert!(lab.synthesize(&file, FLOWS, &["--hold-out", "held.csv"]).status.success());
        for output in ["out.csv", "held.csv"] {
            for line in lab.text(output).lines().skip(1) {
                let cells: Vec<&str> = line.split(',').collect();
                let whole = [2, 3, 5, 7, 8].iter().all(|&i| cells[i].parse::<u64>().is_ok());
                assert!(whole && cells[4].to_lowercase() == cells[4] && cells[6].contains('.'), "{line}");
            }
        }
        fs::remove_file(lab.path("held.csv")).unwrap();
    }
}

#[test]
fn too_little_is_measured_only_if_it_is_accepted() {
    let lab = Lab::new();
    lab.ok(&["sample", "flows", "--rows", "10", "-o", "ten.csv"]);
    let refused = lab.synthesize("ten.csv", FLOWS, &["--bundle", "b", "--hold-out", "h.csv"]);
    assert_eq!((refused.status.code(), lab.files()), (Some(3), vec!["ten.csv".to_string()]));
    let said = String::from_utf8(refused.stderr).unwrap();
    for part in ["private: too little to measure", "% of the number of records", "would do", "--accept-noise"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let accepted = lab.synthesize("ten.csv", FLOWS, &["--bundle", "b", "--accept-noise"]);
    let printed = String::from_utf8(accepted.stdout).unwrap();
    assert!(accepted.status.success() && printed.contains("to expect"), "{printed}");
    assert!(!printed.contains("accept") && !gunzip(&lab.path("b")).contains("accept"), "{printed}");
    let bundle: serde_json::Value = serde_json::from_str(&gunzip(&lab.path("b"))).unwrap();
    assert!(bundle["statement"]["expected"]["records_error"].as_f64().unwrap() > 0.05);
    // The sample is enough, with a fifth held out, too.
    assert!(lab.synthesize(&sample("flows.csv.gz"), FLOWS, &["--hold-out", "h.csv"]).status.success());
}

#[test]
fn declarations_beyond_the_trace_must_be_accepted() {
    let lab = Lab::new();
    let raw = sample("flows.csv.gz");
    let past = [
        "--preset",
        "flow",
        "--categories",
        "type=a,b",
        "--window",
        "2000-01-01T00:00:00Z/2001-01-01T00:00:00Z",
    ];
    let seen = lab.ok(&[&["inspect", &raw][..], &past].concat());
    for part in
        ["40000 of 40000 values of ts (100.0 %) lie outside the capture window", "declare its categories"]
    {
        assert!(seen.contains(part), "{part} in {seen}");
    }
    let refused = lab.synthesize(&raw, &past, &[]);
    assert_eq!((refused.status.code(), lab.files()), (Some(3), Vec::new()));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("private: 100 % of ts and 100 % of type") && said.contains("--accept-outside"),
        "{said}"
    );
    // None of them lies in the window, so that there is no record to tell of.
    let refused = lab.synthesize(&raw, &past, &["--accept-outside"]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("--accept-noise"));
    assert!(lab.synthesize(&raw, &past, &["--accept-outside", "--accept-noise"]).status.success());
}

#[test]
fn one_file_is_not_named_twice() {
    let lab = Lab::new();
    lab.write("in.csv", format!("{HEADER}\n{ROW}\n"));
    for more in [&["--hold-out", "out.csv"], &["--bundle", "in.csv"]] {
        assert_eq!(lab.synthesize("in.csv", FLOWS, more).status.code(), Some(2));
    }
    assert_eq!(lab.files(), ["in.csv"]);
}

#[test]
fn help_is_worth_reading() {
    let lab = Lab::new();
    let mut shown = lab.ok(&["--help"]);
    shown += &lab.ok(&["synthesize", "--help"]);
    insta::assert_snapshot!(shown);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    let lab = Lab::new();
    let raw = sample("flows.csv.gz");
    let args = [&["synthesize", &raw, "--epsilon", "2", "-o", "out.csv"], FLOWS].concat();
    let mut child = Command::new(env!("CARGO_BIN_EXE_netdpsyn"))
        .args(&args)
        .current_dir(lab.0.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(150));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let code = child.wait().unwrap().code();
    // The machine may have been fast enough to finish.
    match code {
        Some(0) => assert_eq!(lab.files(), ["out.csv"]),
        other => {
            // Without a code the signal came before the program listened to it.
            assert!(matches!(other, Some(130) | None), "{other:?}");
            assert!(lab.files().is_empty(), "{:?}", lab.files());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// A damaged file gives an answer, never a panic (exit code 101) and never a signal.
    #[test]
    fn a_damaged_file_never_panics(zipped: bool, at in 0.0f64..1.0, bytes in prop::collection::vec(any::<u8>(), 0..30), cut: bool) {
        let lab = Lab::new();
        let text = format!("{HEADER}\n{}", format!("{ROW}\n").repeat(40));
        let mut content = if zipped { gzip(&text) } else { text.into_bytes() };
        let at = (at * content.len() as f64) as usize;
        if cut {
            content.truncate(at);
        }
        content.splice(at.min(content.len())..at.min(content.len()), bytes);
        lab.write("in.csv", content);
        for output in [lab.synthesize("in.csv", FLOWS, &["--seed", "1"]), lab.run(&["inspect", "in.csv"])] {
            let code = output.status.code();
            prop_assert!(matches!(code, Some(0..=4)), "{:?}: {}", code, String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn binning_alone_is_private_and_keeps_every_record() {
    let lab = Lab::new();
    lab.ok(&["sample", "flows", "--rows", "500", "-o", "raw.csv"]);
    let args = ["discretize", "raw.csv", "--decode", "binned.csv", "--map", "map.json"];
    lab.ok(&[&args, FLOWS].concat());
    assert_eq!(lab.text("binned.csv").lines().count(), 501);
    let map: serde_json::Value = serde_json::from_str(&lab.text("map.json")).unwrap();
    assert_eq!(map["private"], true);
    assert_eq!(map["attributes"].as_array().unwrap().len(), 11);
    // Addresses stay in their /30, categories are what they were.
    let network = |line: &str| line.split(',').next().unwrap().rsplit_once('.').unwrap().0.to_string();
    for (raw, binned) in lab.text("raw.csv").lines().zip(lab.text("binned.csv").lines()).skip(1) {
        assert_eq!(network(raw), network(binned));
        assert_eq!(raw.rsplit(',').next(), binned.rsplit(',').next());
    }
    #[cfg(unix)]
    for name in ["binned.csv", "map.json"] {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(lab.path(name)).unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "{name} is for its owner alone");
    }
    let twice =
        lab.run(&[&["discretize", "raw.csv", "--decode", "raw.csv", "--map", "m.json"], FLOWS].concat());
    assert_eq!(twice.status.code(), Some(2));
}

#[test]
fn gaps_are_measured_and_never_written() {
    let lab = Lab::new();
    lab.ok(&["sample", "packets", "--rows", "3000", "-o", "raw.csv"]);
    let paper = ["--accept-noise", "--method", "netdpsyn"];
    let output = lab.synthesize("raw.csv", PACKETS, &[&paper[..], &["--bundle", "b.json.gz"]].concat());
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && stdout.contains("one-way tsdiff"), "{stdout}");
    assert_eq!(lab.text("out.csv").lines().next(), lab.text("raw.csv").lines().next());
    lab.ok(&["generate", "b.json.gz", "-o", "more.csv", "--rows", "1000"]);
    assert_eq!(lab.text("more.csv").lines().count(), 1_001);
    let without = lab.synthesize("raw.csv", PACKETS, &[&paper[..], &["--gaps", "false"]].concat());
    assert!(without.status.success() && !String::from_utf8_lossy(&without.stdout).contains("tsdiff"));
}

#[test]
fn a_declared_grain_and_mtu_hold_in_every_record() {
    let lab = Lab::new();
    lab.ok(&["sample", "flows", "--rows", "4000", "-o", "raw.csv"]);
    let column = |line: &str, at: usize| line.split(',').nth(at).unwrap().parse::<u64>().unwrap();
    // Whole seconds, as a collector of such has them.
    let whole = |line: &str| {
        let mut cells: Vec<String> = line.split(',').map(String::from).collect();
        cells[5] = format!("{}", column(line, 5) / 1_000_000_000 * 1_000_000_000);
        cells.join(",")
    };
    let raw = lab.text("raw.csv");
    let (header, records) = raw.split_once('\n').unwrap();
    let records: Vec<String> = records.lines().map(whole).collect();
    lab.write("raw.csv", format!("{header}\n{}\n", records.join("\n")));
    let printed = lab.ok(&[&["inspect", "raw.csv"][..], FLOWS].concat());
    assert!(printed.contains("ts holds multiples of 1s") && !printed.contains("\"grain\""), "{printed}");

    for method in ["adaptive", "netdpsyn"] {
        let declared =
            ["--grain", "1s", "--mtu", "300", "--accept-noise", "--bundle", "bundle", "--method", method];
        let output = lab.synthesize("raw.csv", FLOWS, &declared);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        lab.ok(&["generate", "bundle", "-o", "more.csv", "--rows", "2000"]);
        for name in ["out.csv", "more.csv"] {
            let text = lab.text(name);
            let times = text.lines().skip(1).map(|line| column(line, 5) / 1_000_000);
            assert!(
                times.clone().all(|ms| ms % 1_000 == 0 && ms / 3_600_000 == 1_767_600_000 / 3_600),
                "{method}"
            );
            // Spread over the window, and not only where bins begin.
            assert!(times.collect::<std::collections::BTreeSet<u64>>().len() > 400, "{method}");
            let fits = |line: &str| column(line, 8) <= 300 * column(line, 7);
            assert!(text.lines().skip(1).all(fits), "{method}");
        }
        for made in ["out.csv", "more.csv", "bundle"] {
            fs::remove_file(lab.path(made)).unwrap();
        }
    }
    // The raw records break it, and validity says so where it is declared.
    let validity = |more: &[&str]| {
        let measured = ["evaluate", "raw.csv", "raw.csv", "--only", "validity", "--json", "-"];
        let report = lab.ok(&[&measured[..], FLOWS, more].concat());
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let facts = report["validity"]["facts"].as_array().unwrap();
        let fit = facts.iter().find(|fact| fact["fact"] == "bytes-fit-packets").unwrap();
        fit["synthetic"].as_f64().unwrap()
    };
    assert!(validity(&["--mtu", "300"]) > 0.1 && validity(&[]) == 0.0);

    for (declared, said) in [
        (["--grain", "7s"], "does not begin and end at multiples of the grain 7s"),
        (["--grain", "1500ns"], "a grain divides a microsecond"),
        (["--mtu", "67"], "mtu must be 68 to 65,535 bytes, not 67"),
    ] {
        let refused = lab.synthesize("raw.csv", FLOWS, &declared);
        let stderr = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(2) && stderr.contains(said), "{stderr}");
    }
    let refused = lab.synthesize("raw.csv", PACKETS, &["--mtu", "1500"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("mtu bounds the bytes of flows"));
}

#[test]
fn declared_networks_stand_in_place_of_trees() {
    let lab = Lab::new();
    lab.ok(&["sample", "flows", "--rows", "2000", "-o", "raw.csv"]);
    lab.write("nets.txt", "# ours\n10.20.0.0/16\n\n8.8.8.8\n");
    let networks = ["--networks", "srcip=nets.txt", "--networks", "dstip=nets.txt", "--accept-noise"];
    let output = lab.synthesize("raw.csv", FLOWS, &networks);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && !stdout.contains("tree srcip") && stdout.contains("tree srcport"),
        "{stdout}"
    );
    lab.write("bad.txt", "10.0.0.0/33\n");
    let refused = lab.synthesize("raw.csv", FLOWS, &["--networks", "srcip=bad.txt"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("10.0.0.0/33"));
}

/// The SHA-256 of a file, in hex.
fn sha256(path: &Path) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bundles and schemas of the version before, where names were what columns meant. The traces are those that it made of the bundles.
#[test]
fn files_of_version_1_are_read() {
    let before = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/version_1").join(name);
    for (name, made) in [
        ("flows", "0fd1703921ed25dbc3faf9c456d990c0da870e9afe5a8623dbb9afc8ed4a4e82"),
        ("packets", "53db85dfdff9aaceb20c661f40b84178f80c6fced78beb0f5797c227698db35f"),
        // Names of the five-tuple and of bytes, of other types than the presets have.
        ("hashed", "fec7a4438151ca40790ea697d2d82d15586357e87256267004a451e4fe71c6af"),
    ] {
        let lab = Lab::new();
        let (bundle, schema) = (before(&format!("{name}.bundle")), before(&format!("{name}.json")));
        let (bundle, schema) = (bundle.to_str().unwrap(), schema.to_str().unwrap());
        lab.ok(&["generate", bundle, "--rows", "500", "--seed", "1", "-o", "out.csv"]);
        assert_eq!(sha256(&lab.path("out.csv")), made, "{name}");
        // The schema, with the roles that its names have, where there are such.
        lab.ok(&["inspect", "out.csv", "--schema", schema, "--schema-out", "shown.json"]);
        let shown: serde_json::Value = serde_json::from_str(&lab.text("shown.json")).unwrap();
        let role = |name: &str| {
            let columns = shown["columns"].as_array().unwrap();
            columns.iter().find(|column| column["name"] == name).unwrap()["role"].clone()
        };
        if name == "hashed" {
            assert_eq!(
                (&shown["version"], &shown["key"], role("dstport")),
                (&1.into(), &"type".into(), ().into())
            );
            lab.ok(&["inspect", "out.csv", "--schema", "shown.json", "--schema-out", "again.json"]);
            assert_eq!(lab.text("again.json"), lab.text("shown.json"));
            let only = ["out.csv", "out.csv", "--schema", "shown.json", "--only", "validity"];
            let facts = evaluated(&lab, &only)["validity"]["facts"].to_string();
            assert!(facts.contains("bytes-fit-packets"), "{facts}");
            continue;
        }
        assert_eq!((&shown["version"], role("dstport")), (&2.into(), "destination-port".into()));
        match name {
            "flows" => assert_eq!((role("type"), role("byt")), ("key".into(), "bytes".into())),
            _ => assert_eq!(role("flag"), serde_json::json!(["ip-flags", "key"])),
        }
    }
}

/// Columns of other names, in the roles that those of the preset have, are fitted with gaps, facts and key like them.
#[test]
fn a_schema_with_roles_may_name_its_columns_as_it_likes() {
    let lab = Lab::new();
    lab.ok(&["sample", "packets", "--rows", "3000", "--seed", "2", "-o", "raw.csv"]);
    lab.ok(&["inspect", "raw.csv", "--window", PACKETS[3], "--schema-out", "schema.json"]);
    let mut schema: serde_json::Value = serde_json::from_str(&lab.text("schema.json")).unwrap();
    let names: Vec<String> = (0..15).map(|i| format!("column {i}")).collect();
    for (column, name) in schema["columns"].as_array_mut().unwrap().iter_mut().zip(&names) {
        column["name"] = name.as_str().into();
    }
    // The key goes by its new name, too, or by its role alone.
    let key = std::mem::take(&mut schema["key"]);
    assert_eq!(key, "flag");
    schema.as_object_mut().unwrap().remove("key");
    lab.write("schema.json", schema.to_string());
    let raw = lab.text("raw.csv");
    lab.write("raw.csv", format!("{}\n{}", names.join(","), raw.split_once('\n').unwrap().1));
    let declared = ["--schema", "schema.json"];
    let output = lab.synthesize(
        "raw.csv",
        &declared,
        &["--bundle", "out.bundle", "--accept-noise", "--method", "netdpsyn"],
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bundle: serde_json::Value = serde_json::from_str(&gunzip(&lab.path("out.bundle"))).unwrap();
    assert_eq!((&bundle["version"], &bundle["schema"]["version"]), (&2.into(), &2.into()));
    assert!(bundle["attributes"].as_array().unwrap().iter().any(|a| a["name"] == "tsdiff"));
    // Noise may leave too few synthetic flows to compare, so the trace is held against itself.
    lab.write("same.csv", lab.text("raw.csv"));
    let report = evaluated(&lab, &["raw.csv", "same.csv", "--schema", "schema.json", "--only", "anomaly"]);
    assert!(report["anomaly"]["flows_real"].as_u64().is_some(), "{report}");
    let report = evaluated(&lab, &["raw.csv", "out.csv", "--schema", "schema.json", "--only", "validity"]);
    let facts = report["validity"]["facts"].as_array().unwrap();
    assert!(facts.iter().any(|fact| fact["fact"] == "header-checksum" && fact["synthetic"] == 0.0));
}

#[test]
fn flags_say_how_text_is_read() {
    let lab = Lab::new();
    let record = |second: u32| {
        format!("10.0.0.1;10.0.0.2;1234;80;tcp;05/01/2026 08:00:{second:02};0,5;3;1.5 k;0;normal")
    };
    let rows: Vec<String> = (0..60).map(record).collect();
    lab.write("export.txt", format!("# exported\n{}\nTotal;60\n", rows.join("\n")));
    let flags = [
        "--columns",
        HEADER,
        "--separator",
        "semicolon",
        "--comment",
        "#",
        "--end",
        "Total",
        "--decimal",
        "comma",
        "--time-format",
        "%d/%m/%Y %H:%M:%S",
    ];
    let read = |more: &[&str]| lab.run(&[&["inspect", "export.txt"], FLOWS, &flags[..], more].concat());
    // 1.5 has the other mark, and is no number.
    let refused = read(&[]);
    assert!(String::from_utf8(refused.stdout).unwrap().contains("60 of 60 records skipped"));
    let text = rows.join("\n").replace("1.5 k", "1,5 k");
    lab.write("export.txt", format!("# exported\n{text}\nTotal;60\n"));
    let shown = read(&["--scales", "--schema-out", "schema.json"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("60 records can be read, 0 cannot"), "{shown}");
    assert!(
        shown.contains("1 lines are comments") && shown.contains("60 values of byt have a factor"),
        "{shown}"
    );
    // What the flags said stands in the schema that is written, and is enough by itself.
    let schema: serde_json::Value = serde_json::from_str(&lab.text("schema.json")).unwrap();
    assert_eq!(
        (&schema["version"], &schema["reading"]["times"]["format"]),
        (&3.into(), &"%d/%m/%Y %H:%M:%S".into())
    );
    let again = lab.ok(&["inspect", "export.txt", "--schema", "schema.json"]);
    assert!(again.contains("60 records can be read, 0 cannot"), "{again}");
    let wrong = lab.run(&[&["inspect", "export.txt"], FLOWS, &["--time-format", "%H"]].concat());
    assert!(!wrong.status.success() && String::from_utf8(wrong.stderr).unwrap().contains("no format"));
}

/// A published layout is read by its name, written as it is read, and read again; what cannot be used ends with 3 and leaves a schema.
#[test]
fn layouts_go_in_and_out() {
    let lab = Lab::new();
    let record = |second: u32| {
        format!(
            "2016-07-27 13:43:{second:02},0.250,42.219.154.107,143.72.8.{second},592{second:02},53,UDP,......,0,0,1,72,background"
        )
    };
    let rows: Vec<String> = (0..60).map(record).collect();
    lab.write("raw.csv", rows.join("\n"));
    let shown = lab.ok(&["inspect", "raw.csv"]);
    assert!(shown.contains("no header") && shown.contains("Schema of layout ugr16-published"), "{shown}");
    assert!(shown.contains("left out: fwd: it is 0 in every record"), "{shown}");
    let window = ["--window", "2016-07-27T13:00:00Z/2016-07-27T14:00:00Z"];
    let paid = [&window[..], &["--epsilon", "8", "--accept-noise", "--seed", "1"]].concat();
    // No record says how it is read.
    let unnamed = lab.run(&[&["synthesize", "raw.csv", "-o", "out.csv"], &paid[..]].concat());
    assert_eq!(unnamed.status.code(), Some(2));
    assert!(String::from_utf8(unnamed.stderr).unwrap().contains("--layout ugr16-published"));
    let layout = ["--layout", "ugr16-published"];
    lab.ok(
        &[&["synthesize", "raw.csv", "-o", "out.csv", "--bundle", "bundle"], &paid[..], &layout[..]].concat()
    );
    assert!(
        lab.text("out.csv")
            .lines()
            .all(|line| line.split(',').count() == 13 && line.starts_with("2016-07-27 "))
    );
    let evaluate =
        [&["evaluate", "raw.csv", "out.csv", "--only", "one-way"], &window[..], &layout[..]].concat();
    lab.ok(&evaluate);
    let made = lab.ok(&["generate", "bundle", "-o", "conn.log", "--as", "zeek-conn", "--seed", "1"]);
    assert!(made.contains("follow from none: service,"), "{made}");
    assert!(lab.text("conn.log").starts_with("#separator \\x09\n"));
    assert!(lab.ok(&["inspect", "conn.log"]).contains("Schema of layout zeek-conn "));
    lab.ok(&["generate", "bundle", "-o", "plain.csv", "--format", "csv", "--seed", "1"]);
    assert!(lab.text("plain.csv").starts_with("te,td,sa,da,"));

    lab.write("bad.csv", format!("{}\n{}\n", rows[0], rows[1].replace("143.72.8.1", "EXT_SERVER")));
    let bad = lab.run(&["inspect", "bad.csv", "--schema-out", "schema.json"]);
    assert_eq!(bad.status.code(), Some(3));
    assert!(lab.text("schema.json").contains("\"ugr16-published\""));
    lab.write("capture", [0x0a, 0x0d, 0x0d, 0x0a, 0x1c, 0, 0, 0]);
    let foreign = lab.run(&["inspect", "capture"]);
    assert_eq!(foreign.status.code(), Some(3));
    assert!(String::from_utf8(foreign.stderr).unwrap().contains("a pcapng capture that is cut short"));
}

/// Packets in and out, flows that they make in any order, and what one record is then.
#[test]
fn captures_go_in_and_out() {
    use netdpsyn_capture::write::{WriteOptions, Writer};
    use netdpsyn_capture::{Packet, Reader, Step, Tunnels};
    let lab = Lab::new();
    lab.ok(&["sample", "packets", "--tcp-flags", "--rows", "4000", "-o", "raw.pcap"]);
    let inspected = lab.ok(&["inspect", "raw.pcap"]);
    assert!(
        inspected.contains("File: a pcap capture of link type Ethernet; its columns are srcip,"),
        "{inspected}"
    );
    assert!(inspected.contains("Schema of layout packet-flags "), "{inspected}");
    assert!(inspected.contains("4000 records can be read, 0 cannot"), "{inspected}");
    assert!(inspected.contains("to declare: column time needs the capture window"), "{inspected}");
    let window =
        ["--window", "2026-01-05T08:00:00Z/2026-01-05T08:01:00Z", "--epsilon", "8", "--accept-noise"];
    for name in ["out.pcap", "out.pcapng", "out.pcap.gz"] {
        let arguments =
            [&["synthesize", "raw.pcap", "-o", name, "--bundle", "packets"], &window[..]].concat();
        lab.ok(&arguments);
        assert!(lab.ok(&["inspect", name]).contains(" capture of link type Ethernet"), "{name}");
    }
    lab.ok(&[
        "generate",
        "packets",
        "-o",
        "zeros",
        "--format",
        "pcapng",
        "--payload",
        "zeros",
        "--seed",
        "1",
    ]);
    lab.ok(&["generate", "packets", "-o", "absent", "--format", "pcapng", "--seed", "1"]);
    let size = |name: &str| fs::metadata(lab.path(name)).unwrap().len();
    assert!(size("zeros") > 2 * size("absent"));
    let refused = lab.run(&["generate", "packets", "-o", "out.csv", "--payload", "zeros"]);
    assert_eq!(refused.status.code(), Some(2));

    // The same packets in another order are the same flows.
    let bytes = fs::read(lab.path("raw.pcap")).unwrap();
    let mut reader = Reader::new(&bytes[..], Tunnels::Outer).unwrap();
    let (mut packet, mut packets) = (Packet::default(), Vec::new());
    while reader.next(&mut packet).unwrap() != Step::End {
        packets.push(packet);
    }
    let mut writer = Writer::new(Vec::new(), WriteOptions::default()).unwrap();
    (0..packets.len()).for_each(|at| writer.write(&packets[at * 2_711 % packets.len()]).unwrap());
    lab.write("shuffled.pcap", writer.finish().unwrap().0);
    let flows = [
        "--layout",
        "flow",
        "--idle",
        "10s",
        "--directions",
        "2",
        "--window",
        "2026-01-05T08:00:00Z/2026-01-05T08:01:00Z",
    ];
    let [one, other] = ["raw.pcap", "shuffled.pcap"].map(|name| {
        let inspected = lab.ok(&[&["inspect", name], &flows[..]].concat());
        lab.ok(&[&["discretize", name, "--decode", "decoded.csv", "--map", "map.json"], &flows[..]].concat());
        (inspected, lab.text("decoded.csv"), lab.text("map.json"))
    });
    assert_eq!(one, other);
    let unit = "a flow is a record made from packets of both directions between the same ends, which ends after 10s without a packet and after 300s in any case";
    assert!(one.0.contains(unit), "{}", one.0);
    let made = lab.ok(&[
        &[
            "synthesize",
            "raw.pcap",
            "-o",
            "flows.csv",
            "--epsilon",
            "8",
            "--accept-noise",
            "--bundle",
            "flows",
        ],
        &flows[..],
    ]
    .concat());
    let words = made.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(unit) && words.contains("for one flow record of the trace"), "{made}");
    for (name, bundle) in [("no.pcap", "flows"), ("no.pcapng", "flows")] {
        let refused = lab.run(&["generate", bundle, "-o", name]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8(refused.stderr).unwrap().contains("this is a trace of flows"));
    }
    lab.write("few.csv", format!("{HEADER}\n{ROW}\n"));
    let refused = lab.run(&["inspect", "few.csv", "--layout", "flow", "--records", "flows"]);
    assert_eq!(refused.status.code(), Some(3));
}

/// The error of a fit is foretold for the records that there are; without any there is nothing to foretell.
#[test]
fn nothing_is_foretold_of_no_record() {
    let lab = Lab::new();
    for (rows, foretold) in [(format!("{HEADER}\n{ROW}\n"), true), (format!("{HEADER}\n"), false)] {
        lab.write("raw.csv", rows);
        let shown = String::from_utf8(lab.run(&["inspect", "raw.csv"]).stdout).unwrap();
        assert!(shown.contains("PRIVATE") && shown.contains("Foretold") == foretold, "{shown}");
    }
}

/// A class column of another name is the key where it is said, and a column means what a flag says.
#[test]
fn flags_say_what_columns_mean() {
    let lab = Lab::new();
    let header = HEADER.replace("srcip", "from").replace("type", "Attack");
    lab.write("raw.csv", format!("{header}\n{ROW}\n"));
    let unknown = lab.run(&["synthesize", "raw.csv", "--epsilon", "1", "-o", "out.csv"]);
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("the nearest is flow, which needs srcip"));
    let flags = ["inspect", "raw.csv", "--preset", "flow", "--role", "from=source-address"];
    let refused = lab.run(&flags);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("srcip is missing"));
    lab.write("raw.csv", format!("{}\n{ROW}\n", HEADER.replace("type", "Attack")));
    assert!(lab.ok(&["inspect", "raw.csv"]).contains("Attack is left out: name the class column with --key"));
    let keyed = lab.ok(&["inspect", "raw.csv", "--key", "Attack", "--schema-out", "schema.json"]);
    assert!(keyed.contains("--categories Attack="), "{keyed}");
    let schema: serde_json::Value = serde_json::from_str(&lab.text("schema.json")).unwrap();
    assert_eq!(schema["key"], "Attack");
}
