//! Releases to describe: three of a series, of which one has two versions and one was withdrawn.

use netdpsyn_catalogue::dcat::{Catalogue, Page};
use netdpsyn_catalogue::describe::{
    Access, Agent, CellType, Column, Contact, Document, File, Kept, Licence, Period, Place, Promise, Release,
    Series, Versions, Withdrawn,
};

pub const BASE: &str = "https://data.example.org";

pub fn page(id: &str) -> String {
    format!("{BASE}/p/{id}")
}

/// A release with everything that can be said of one.
pub fn full(id: &str, version: &str, previous: Option<&str>) -> Release {
    let column = |name: &str, kind| Column { name: name.into(), kind, about: None };
    let own = page(id);
    Release {
        id: id.into(),
        page: own.clone(),
        title: "Campus uplink".into(),
        description:
            "Flows of the uplink of a campus, synthetic. It has \"quotes\", <b>tags</b> & ampersands.".into(),
        publisher: Agent { name: "Example University".into(), url: Some("https://example.org/".into()) },
        contact: Some(Contact {
            name: Some("Network desk".into()),
            email: Some("desk@example.org".into()),
            url: None,
        }),
        licence: Some(Licence("CC-BY-4.0".into())),
        keywords: vec!["netflow".into(), "campus".into()],
        spatial: Some(Place {
            name: "Leipzig".into(),
            url: Some("https://sws.geonames.org/2879139/".into()),
        }),
        temporal: Some(Period { start: "2026-01-05".into(), end: "2026-01-06".into() }),
        version: version.into(),
        number: 3,
        series: Some(Series {
            url: format!("{BASE}/p/series/uplink"),
            title: "Campus uplink".into(),
            previous: previous.map(page),
        }),
        versions: None,
        issued: "2026-02-01".into(),
        access: Access::Public,
        files: vec![
            File {
                name: "flows.csv".into(),
                url: format!("{own}/content"),
                media_type: "text/csv".into(),
                known: Some((120, "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".into())),
            },
            File {
                name: "flows.parquet".into(),
                url: format!("{own}/content?format=parquet"),
                media_type: "application/vnd.apache.parquet".into(),
                known: None,
            },
        ],
        columns: vec![
            column("srcip", CellType::Text),
            column("srcport", CellType::Integer),
            column("ts", CellType::Time),
            column("td", CellType::Number),
        ],
        promise: Promise {
            text: "(2, 1e-9)-differential privacy for one flow, added or removed".into(),
            url: format!("{own}/statement"),
            epsilon: 2.0,
            delta: 1e-9,
        },
        documents: vec![Document { title: "Release report".into(), url: format!("{own}/report") }],
        kept: vec![Kept {
            identifier: Some("10.5072/zenodo.1".into()),
            page: "https://zenodo.example/records/1".into(),
        }],
        withdrawn: None,
    }
}

/// Of a release only what must be said.
pub fn bare(id: &str) -> Release {
    Release {
        publisher: Agent { name: "Example University".into(), url: None },
        contact: None,
        kept: Vec::new(),
        licence: None,
        keywords: vec![],
        spatial: None,
        temporal: None,
        series: None,
        access: Access::Restricted,
        documents: vec![],
        ..full(id, "1", None)
    }
}

pub fn all() -> Vec<Release> {
    let whole = Versions {
        url: format!("{BASE}/p/of/d2"),
        title: "Campus uplink".into(),
        pages: vec![page("b"), page("b2")],
    };
    let withdrawn = Withdrawn { on: "2026-03-01".into(), reason: "the window was declared wrongly".into() };
    vec![
        Release { withdrawn: Some(withdrawn), ..full("a", "day 1", None) },
        Release { versions: Some(whole.clone()), ..full("b", "day 2", Some("a")) },
        Release { versions: Some(whole), ..full("b2", "day 2, again", Some("b")) },
        bare("c"),
    ]
}

pub fn catalogue() -> (Catalogue, Page) {
    let url = format!("{BASE}/v1/catalog");
    let about = Catalogue {
        url: url.clone(),
        title: "Synthetic traces".into(),
        description: "Differentially private synthetic network traces.".into(),
        publisher: Agent { name: "Example University".into(), url: Some("https://example.org/".into()) },
    };
    let page = Page {
        url: format!("{url}?limit=4"),
        first: format!("{url}?limit=4"),
        next: Some(format!("{url}?limit=4&after=c")),
    };
    (about, page)
}
