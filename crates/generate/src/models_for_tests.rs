//! Models of one resolution for tests.

use netdpsyn_model::domain::{Attribute, Partition};
use netdpsyn_model::rules::Follower;
use netdpsyn_model::{Cells, Model, Rules, Table, reconcile::Reconciliation, table::Variance};
use netdpsyn_trace::{Schema, Window, presets};

/// A model of these tables, without looks across records.
fn plain(
    schema: Schema,
    attributes: Vec<Attribute>,
    one_ways: Vec<Table>,
    tables: Vec<Table>,
    rules: Rules,
    records: f64,
) -> Model {
    Model {
        schema,
        attributes,
        tables,
        one_ways,
        layers: None,
        profiles: Vec::new(),
        sessions: None,
        looks: Vec::new(),
        rhythm: None,
        addresses: None,
        rules,
        records,
        reconciled: Reconciliation { rounds: 0, disagreement: 0.0 },
    }
}

/// Three ports and sizes with a table for every pair; the tables do not quite agree, as with noisy ones.
pub fn ports() -> Model {
    let mut schema = presets::preset("flow").unwrap();
    schema.columns.retain(|c| ["srcport", "dstport", "pkt"].contains(&c.name.as_str()));
    let attribute = |(column, bins): (usize, u64)| Attribute {
        column,
        name: schema.columns[column].name.clone(),
        partition: Partition::from_starts((0..bins).collect(), bins),
    };
    // Bins that take one byte, and bins that take two.
    let attributes: Vec<Attribute> = [(0, 300), (1, 7), (2, 5)].map(attribute).into();
    let table = |axes: &[usize]| {
        let cells = Cells::of(axes, &attributes);
        let values = (0..cells.count()).map(|cell| (cell * 7 % 11 * (cell % 3)) as f64).collect();
        Table { cells, values, variance: Variance::Even(1.0) }
    };
    let one_ways = (0..3).map(|a| table(&[a])).collect();
    let tables = [[0, 1], [0, 2], [1, 2]].map(|axes| table(&axes)).into();
    plain(schema, attributes, one_ways, tables, Rules::default(), 4_000.0)
}

/// Flows with gaps at few times, so that many records share one; some two-way tables whose counts are
/// inconsistent.
pub fn flows() -> Model {
    let mut schema = presets::preset("flow").unwrap();
    let names = ["srcip", "dstip", "srcport", "dstport", "proto", "ts", "pkt"];
    schema.columns.retain(|c| names.contains(&c.name.as_str()));
    schema.window = Window::new(1_000, 3_000);
    let time = schema.time_column().unwrap();
    let attribute = |(column, starts, end): (usize, Vec<u64>, u64)| Attribute {
        column,
        name: schema.columns.get(column).map_or("tsdiff".into(), |c| c.name.clone()),
        partition: Partition::from_starts(starts, end),
    };
    let attributes: Vec<Attribute> = (0..=schema.columns.len())
        .map(|column| match column {
            column if column == time => (column, vec![1_000, 1_010, 1_020, 2_990], 3_000),
            column if column == schema.columns.len() => (column, vec![0, 1, 2], 3),
            column => (column, vec![0, 1, 2], 5 + column as u64),
        })
        .map(attribute)
        .collect();
    let table = |axes: &[usize]| {
        let cells = Cells::of(axes, &attributes);
        let values = (0..cells.count()).map(|cell| (1 + cell * 7 % 11 * (cell % 3)) as f64).collect();
        Table { cells, values, variance: Variance::Even(1.0) }
    };
    let one_ways = (0..attributes.len()).map(|a| table(&[a])).collect();
    let tables = [[0, 1], [1, 2], [0, 2], [2, 3], [3, 4], [4, 5], [3, 5], [5, 6], [6, 7]]
        .map(|axes| table(&axes))
        .into();
    plain(schema, attributes, one_ways, tables, Rules::default(), 5_000.0)
}

/// Ports, protocols, labels and types. Types b and c share one code, d is lost in the noise; the label is
/// 1 for b and c; of protocols TCP and UDP are drawn. Ports depend on the type.
pub fn labelled() -> Model {
    let mut schema = presets::preset("flow").unwrap();
    schema.columns.retain(|c| ["srcport", "proto", "label", "type"].contains(&c.name.as_str()));
    schema.declare_categories("type", ["a", "b", "c", "d"].map(String::from).into()).unwrap();
    let cuts = [
        Partition::from_starts((0..8).map(|bin| bin * 1_000).collect(), 65_536),
        Partition::with_undeclared(vec![0, 6, 7, 17, 18, 256], 257)
            .relabel(&[0, 0, 0, 1, 0, 0], &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0]),
        Partition::with_undeclared(vec![0, 1, 2], 3).relabel(&[0, 1, 0], &[1.0, 1.0, 0.0]),
        Partition::with_undeclared(vec![0, 1, 2, 3, 4], 5)
            .relabel(&[0, 1, 1, 2, 0], &[1.0, 3.0, 1.0, 1.0, 0.0]),
    ];
    let attribute = |(column, partition): (usize, Partition)| Attribute {
        column,
        name: schema.columns[column].name.clone(),
        partition,
    };
    let attributes: Vec<Attribute> = cuts.into_iter().enumerate().map(attribute).collect();
    let table = |axes: &[usize], values: Vec<f64>| Table {
        cells: Cells::of(axes, &attributes),
        values,
        variance: Variance::Even(1.0),
    };
    // By port: those of a become fewer, those of b and c become more.
    let by_type: Vec<f64> =
        (0..8).flat_map(|port| [f64::from(8 - port) * 100.0, f64::from(port) * 10.0, 0.0]).collect();
    let (a, bc) = (3_600.0, 280.0);
    let ports = by_type.chunks(3).map(|row| row.iter().sum()).collect();
    let one_ways = vec![
        table(&[0], ports),
        table(&[1], vec![3_000.0, 880.0]),
        table(&[2], vec![a, bc]),
        table(&[3], vec![a, bc, 0.0]),
    ];
    let tables = vec![
        table(&[0, 3], by_type),
        table(&[1, 3], vec![2_900.0, 100.0, 0.0, 700.0, 180.0, 0.0]),
        table(&[2, 3], vec![a, 0.0, 0.0, 0.0, bc, 0.0]),
    ];
    let rules = Rules {
        ports: Vec::new(),
        followers: vec![Follower { column: 2, key: 3, values: vec![0, 1, 0] }],
        ..Rules::default()
    };
    plain(schema, attributes, one_ways, tables, rules, a + bc)
}
