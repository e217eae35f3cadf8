//! Every layout: recognised, read, and written back unchanged.

use netdpsyn_formats::{
    CsvWriter, Limits, ReadOptions, Steward, ToldBy, bind, read, read_synthetic, recognise,
};
use netdpsyn_privacy::Raw;
use netdpsyn_trace::layouts::{Layout, layouts};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::{Field, Notation, Reading, Schema, Trace, layout};
use std::io::Write;
use tempfile::NamedTempFile;

fn file(text: impl AsRef<[u8]>) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    file
}

/// The layout's schema with all declared.
fn declared(layout: &Layout) -> Schema {
    let mut schema = layout.schema.clone();
    schema.window = Some("2000-01-01T00:00:00Z/2027-01-01T00:00:00Z".parse().unwrap());
    for column in &mut schema.columns {
        if column.field == Field::Categorical(None) {
            column.field = Field::Categorical(Some(vec!["benign".into(), "attack".into()]));
        }
        if matches!(column.field, Field::Timestamp { .. }) && schema.reading.times.is_none() {
            column.notation = column.notation.or(Some(Notation::Rfc3339));
        }
        column.notation = column.notation.or(Notation::canonical(&column.field));
    }
    schema
}

/// What is read of a file in a layout: the names of the columns, and the values of every record.
fn through(text: impl AsRef<[u8]>, schema: &Schema) -> (Schema, Vec<Vec<u64>>) {
    let file = file(text);
    let bound = bind(file.path(), schema.clone(), Limits::NONE, &Quiet).unwrap();
    let (trace, _) =
        read(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap_or_else(|error| match error {
            netdpsyn_formats::ReadError::BadRecords(report) => {
                panic!("{}: {:?}", schema.name, report.for_steward(&Steward::local()))
            }
            error => panic!("{}: {error}", schema.name),
        });
    let trace = trace.privately(|trace| trace.clone()).for_steward(&Steward::local());
    let rows =
        (0..trace.rows()).map(|row| (0..trace.columns().len()).map(|c| trace.column(c).get(row)).collect());
    (bound.schema, rows.collect())
}

/// Two records of a schema.
fn trace(schema: &Schema) -> Trace {
    let mut trace = Trace::empty(schema);
    let second = 1_000_000_000;
    for row in 0..2u64 {
        let value = |field: &Field| match field {
            Field::Ip { .. } => 0x0a00_0001 + row,
            Field::Port | Field::PortTree { .. } => 443 + row,
            Field::Protocol => 6 + 11 * row,
            Field::Categorical(_) => row,
            // Whole minutes, which every format of times keeps.
            Field::Timestamp { .. } => (1_500_000_000 / 60 * 60 + 60 * row) * second,
            Field::Integer { min, .. } => min + row,
            _ => 1 + row,
        };
        trace.push(&schema.columns.iter().map(|column| value(&column.field)).collect::<Vec<_>>());
    }
    trace
}

fn written(schema: &Schema) -> Vec<u8> {
    let (trace, places) = (trace(schema), (0..schema.columns.len()).collect::<Vec<_>>());
    let mut text = Vec::new();
    let mut writer = CsvWriter::laid_out(schema, &places, &mut text, 2).unwrap();
    writer.write(&trace, &Quiet).unwrap();
    writer.finish().unwrap();
    text
}

#[test]
fn a_written_layout_is_recognised_and_read_back() {
    for layout in layouts() {
        let schema = declared(layout);
        let text = written(&schema);
        let shown = String::from_utf8_lossy(&text).into_owned();
        let (name, names) = (layout.name(), |schema: &Schema| -> Vec<String> {
            schema.columns.iter().map(|column| column.name.clone()).collect()
        });
        let looks = recognise(file(&text).path(), &Reading::default(), &Quiet).unwrap();
        let first = looks.near.first().unwrap_or_else(|| panic!("{name}: {shown}"));
        // Data sets that were brought into one layout before differ in their classes alone.
        assert!(
            first.missing.is_empty() && names(&first.layout.schema) == names(&schema),
            "{name} is taken for {} without {:?}:\n{shown}",
            first.layout.name(),
            first.missing
        );
        let headless = layout.is_json() || !schema.reading.names().is_empty();
        assert_eq!(first.told_by == ToldBy::Records, headless, "{name}");
        let (bound, rows) = through(&text, &schema);
        let expected = trace(&schema);
        for (row, values) in rows.iter().enumerate() {
            for (column, value) in bound.columns.iter().zip(values) {
                let place = schema.position(&column.name).unwrap();
                assert_eq!(*value, expected.column(place).get(row), "{name}, {}:\n{shown}", column.name);
            }
        }
        assert_eq!((rows.len(), bound.columns.len()), (2, schema.columns.len()), "{name}:\n{shown}");
        // As a synthetic trace it is read beside its raw one.
        let synthetic = file(&text);
        let raw = bind(synthetic.path(), schema.clone(), Limits::NONE, &Quiet).unwrap();
        let like = netdpsyn_formats::bind_like(synthetic.path(), &raw, &Quiet).unwrap();
        assert_eq!(read_synthetic(synthetic.path(), &like, &Quiet).unwrap().rows(), 2, "{name}");
    }
}

/// A layout, text of it, and values of its first record by column.
type Case = (&'static str, &'static str, &'static [(&'static str, u64)]);

/// As the programs and data sets have them.
#[test]
fn published_files_are_read() {
    let cases: [Case; 14] = [
        (
            "ugr16-published",
            "2016-07-27 13:43:30,0.250,42.219.154.107,143.72.8.137,59212,53,UDP,.A....,0,0,1,72,background\n",
            &[
                ("te", 1_469_627_010_000_000_000),
                ("td", 250),
                ("sp", 59_212),
                ("pr", 17),
                ("byt", 72),
                ("type", 0),
            ],
        ),
        (
            "cidds-001",
            "Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,Dst Pt,Packets,Bytes,Flows,Flags,Tos,class,attackType,attackID,attackDescription\n\
             2017-03-15 00:01:16.632,0.179,TCP  ,192.168.100.5,445,192.168.220.16,58844,11,     1.2 M,1,.AP...,0,attacker,portScan,1,x\n",
            &[("Bytes", 1_200_000), ("Packets", 11), ("class", 1), ("attackType", 4), ("Flags", 0b01_1000)],
        ),
        (
            "argus-binetflow",
            "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n\
             2018/09/27 22:40:52.362768,193.831726,tcp,192.168.2.1,0x0050,  <?>,192.168.2.12,22,CON,16,,35,3766,1224,benign\n",
            &[("Sport", 80), ("Dir", 4), ("TotPkts", 35), ("Label", 0)],
        ),
        (
            "nfdump-csv-1.7",
            "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n\
             2024-06-01 00:00:00.496,11.662,TCP,10.0.1.21,48464,192.0.2.53,443,3,1536,1\nSummary\nflows,bytes\n1,1536\n",
            &[("firstSeen", 1_717_200_000_496_000_000), ("duration", 11_662), ("bytes", 1_536)],
        ),
        (
            "nfdump-extended",
            "Date first seen             Duration     Proto      Src IP Addr:Port          Dst IP Addr:Port     Flags Tos  Packets    Bytes      pps      bps    Bpp Flows\n\
             2018-01-12 15:37:30.942     00:01:00.500 TCP      147.32.80.119:52324 ->     147.32.82.62:902   ......S.   0        1    1.2 M        0        0     60     1\n\
             Summary: total flows: 1\n",
            &[("td", 60_500), ("sp", 52_324), ("dp", 902), ("flg", 2), ("byt", 1_200_000)],
        ),
        (
            "nfdump-pipe",
            "2|1515771450942|1515771450943|6|0|0|0|2468368503|52324|0|0|0|2468368958|902|2852|2852|0|0|2|0|1|60\n\
             10|1515771450942|1515771450943|6|1|2|3|2468368503|52324|0|0|0|2468368958|902|2852|2852|0|0|2|0|1|60\n",
            &[("first", 1_515_771_450_942_000_000), ("sa", 2_468_368_503), ("dp", 902), ("flg", 2)],
        ),
        (
            "zeek-conn",
            "#separator \\x09\n#set_separator\t,\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\n\
             #types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\n\
             1227729908.705789\tCUot\t127.0.0.1\t42942\t127.0.0.1\t20000\ttcp\tdns\t0.000222\t18\t1\tRSTO\n#close\t2016\n",
            &[("ts", 1_227_729_908_705_789_000), ("service", 3), ("duration", 222), ("conn_state", 2)],
        ),
        (
            "zeek-conn-labelled",
            "#separator \\x09\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\ttunnel_parents   label   detailed-label\n\
             1545403816.962094\t192.168.1.195\t41040\t185.244.25.235\t80\ttcp\t3.139211\t-   Malicious   DDoS\n",
            &[("duration", 3_139_211), ("label", 1), ("detailed-label", 10)],
        ),
        (
            "zeek-conn-json",
            "{\"ts\":1700828217.314165,\"uid\":\"C\",\"id.orig_h\":\"192.168.1.9\",\"id.orig_p\":50820,\"id.resp_h\":\"45.33.32.156\",\"id.resp_p\":443,\"proto\":\"tcp\",\"service\":\"ssl\",\"duration\":0.5,\"orig_bytes\":0,\"resp_bytes\":0,\"conn_state\":\"REJ\",\"orig_pkts\":1,\"orig_ip_bytes\":60,\"resp_pkts\":1,\"resp_ip_bytes\":40}\n",
            &[("id.orig_p", 50_820), ("conn_state", 1), ("duration", 500_000)],
        ),
        (
            "aws-vpc",
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n\
             2 123456789010 eni-1 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n\
             2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - NODATA\n",
            &[("srcport", 20_641), ("bytes", 4_249), ("action", 0), ("start", 1_418_530_010_000_000_000)],
        ),
        (
            "suricata-flow",
            "{\"timestamp\":\"2021-06-06T15:57:37.272281+0200\",\"event_type\":\"flow\",\"src_ip\":\"192.168.1.132\",\"src_port\":1900,\"dest_ip\":\"192.168.1.129\",\"dest_port\":44232,\"proto\":\"UDP\",\"flow\":{\"pkts_toserver\":12,\"pkts_toclient\":0,\"bytes_toserver\":4056,\"bytes_toclient\":0,\"start\":\"2021-06-06T16:38:55.855844+0200\",\"age\":1,\"state\":\"new\"}}\n\
             {\"timestamp\":\"2021-06-06T15:57:37.272281+0200\",\"event_type\":\"dns\",\"src_ip\":\"fe80::1\",\"dns\":{\"rrname\":\"x\"}}\n",
            &[("flow.start", 1_622_990_335_855_844_000), ("flow.pkts_toserver", 12), ("flow.state", 0)],
        ),
        (
            "gcp-vpc",
            "{\"insertId\":\"x\",\"jsonPayload\":{\"bytes_sent\":\"1776\",\"packets_sent\":\"7\",\"connection\":{\"src_ip\":\"10.0.0.1\",\"dest_ip\":\"10.0.0.2\",\"src_port\":5601,\"dest_port\":443,\"protocol\":6},\"start_time\":\"2024-06-01T00:00:00.5Z\",\"end_time\":\"2024-06-01T00:00:02Z\",\"reporter\":\"DEST\"}}\n",
            &[
                ("jsonPayload.bytes_sent", 1_776),
                ("jsonPayload.connection.src_port", 5_601),
                ("jsonPayload.reporter", 1),
            ],
        ),
        (
            "goflow2-json",
            "{\"type\":\"IPFIX\",\"time_flow_start_ns\":1767324720000000000,\"time_flow_end_ns\":1767324721000000000,\"bytes\":143,\"packets\":1,\"src_addr\":\"192.168.89.2\",\"dst_addr\":\"192.168.88.30\",\"etype\":\"IPv4\",\"proto\":\"UDP\",\"src_port\":53,\"dst_port\":55743,\"tcp_flags\":0,\"ip_tos\":0}\n",
            &[("time_flow_start_ns", 1_767_324_720_000_000_000), ("proto", 17), ("bytes", 143)],
        ),
        (
            "cic-ids2017",
            "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets, Label\n\
             x,192.168.10.5,49188,104.16.207.165,443,6,3/7/2017 8:55,-1,2,0,12,0,DDoS\n",
            &[("Timestamp", 1_499_072_100_000_000_000), ("Flow Duration", 0), ("Label", 2)],
        ),
    ];
    for (name, text, values) in cases {
        let layout = layout(name).unwrap();
        let looks = recognise(file(text).path(), &Reading::default(), &Quiet).unwrap();
        let first = looks.near.first().unwrap();
        assert_eq!((first.layout.name(), &first.missing), (name, &vec![]), "{text}");
        let (schema, rows) = through(text, &declared(layout));
        assert_eq!(rows.len(), 1, "{name}");
        for (column, value) in values {
            let place = schema.position(column).unwrap_or_else(|| panic!("{name}: {column}"));
            assert_eq!(rows[0][place], *value, "{name}: {column}");
        }
    }
}

#[test]
fn programs_of_a_format_find_what_they_need() {
    let text = |name: &str| String::from_utf8(written(&declared(layout(name).unwrap()))).unwrap();
    let zeek = text("zeek-conn");
    let lines: Vec<&str> = zeek.lines().collect();
    assert!(lines[0] == "#separator \\x09" && lines[5].starts_with("#fields\tts\tid.orig_h"), "{zeek}");
    assert!(lines[6].starts_with("#types\ttime\taddr\tport\taddr\tport\tenum"), "{zeek}");
    // Columns that are not read keep their place where nothing names them.
    assert!(
        text("ugr16-published")
            .starts_with("2017-07-14 02:40:00,0.001,10.0.0.1,10.0.0.1,443,443,TCP,......,,0,")
    );
    assert!(
        text("aws-vpc-no-header")
            .starts_with("- - - 10.0.0.1 10.0.0.1 443 443 6 1 1 1500000000 1500000001 ACCEPT OK\n")
    );
    assert!(text("nfdump-pipe").starts_with("2|1500000000000|1500000000001|6||||167772161|443|"));
    assert!(
        text("nfdump-line")
            .starts_with("2017-07-14 02:40:00.000 0.001 TCP 10.0.0.1:443 -> 10.0.0.1:443 1 1 -\n")
    );
    let eve = text("suricata-flow");
    let first: serde_json::Value = serde_json::from_str(eve.lines().next().unwrap()).unwrap();
    assert_eq!((&first["flow"]["pkts_toserver"], &first["event_type"]), (&1.into(), &"flow".into()));
    assert_eq!(first["flow"]["start"], "2017-07-14T02:40:00.000000+0000");
    assert_eq!(first["proto"], "TCP");
}

#[test]
fn a_header_of_one_field_is_told() {
    let odd = file("Date first seen (raw)        Bytes\n1717200000.037,4495\n1717200004.579,2592\n");
    let looks = recognise(odd.path(), &Reading::default(), &Quiet).unwrap();
    assert_eq!(
        (looks.header_of_one, looks.near.iter().any(|near| near.missing.is_empty())),
        (Some(2), false)
    );
    let proposed = netdpsyn_formats::propose(odd.path(), &Reading::default(), &Quiet).unwrap();
    let proposed = proposed.for_steward(&Steward::local());
    assert_eq!((proposed.schema.reading.skip, proposed.schema.columns.len()), (1, 2));
    let (_, rows) = through(std::fs::read(odd.path()).unwrap(), &proposed.schema);
    assert_eq!(rows.len(), 2);
}

#[test]
fn an_array_of_objects_is_read_as_lines_of_objects_are() {
    let schema = declared(layout("nfdump-json").unwrap());
    let lines = String::from_utf8(written(&schema)).unwrap();
    let array = format!("[\n{}\n]\n", lines.trim_end().replace('\n', ",\n").replace(",\"", ",\n\t\""));
    assert_eq!(through(&array, &schema), through(&lines, &schema));
    let looks = recognise(file(&array).path(), &Reading::default(), &Quiet).unwrap();
    assert_eq!(looks.near.first().map(|near| near.layout.name()), Some("nfdump-json"));
}
