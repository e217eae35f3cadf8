//! How the records of a synthetic trace will be related, as far as plan and schema determine it beforehand.

use super::plan::{Method, Plan, Structure};
use super::{sessions, structure::Sides};
use netdpsyn_trace::{RecordKind, Role, Schema};
use serde::Serialize;

/// How the records of a synthetic trace are related.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Across {
    /// Packets are generated as sessions. Where noise leaves too little information about sessions, which
    /// their noisy number decides, packets are generated one by one.
    Sessions,
    /// Flows have hosts and pairs in the number and sizes that noisy looks give.
    Hosts,
    /// Records are generated independently of each other.
    Single,
}

/// How the records will be related, with the reason if they will be independent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForeseenStructure {
    /// How the records are related.
    pub across: Across,
    /// Why records are independent, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What plan and schema determine.
pub fn foreseen(plan: &Plan, schema: &Schema) -> ForeseenStructure {
    let of = |across| ForeseenStructure { across, because: None };
    let single = |because: String| ForeseenStructure { across: Across::Single, because: Some(because) };
    if plan.method != Method::Adaptive {
        return single("only the adaptive method looks across records".into());
    }
    if plan.options.structure == Structure::None {
        return single("single records were asked for".into());
    }
    match (schema.kind, sessions::why_not(schema)) {
        (RecordKind::Packet, None) => of(Across::Sessions),
        // Without sessions, packets still have hosts.
        (RecordKind::Packet, Some(reason)) if Sides::of(plan, schema).is_none() => single(reason.to_string()),
        _ if Sides::of(plan, schema).is_some() => of(Across::Hosts),
        _ => single(format!(
            "no measured columns of addresses have the roles {} and {}, or networks are declared for one of them",
            Role::SourceAddress,
            Role::DestinationAddress
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_privacy::Guarantee;
    use netdpsyn_trace::simulate::{flows, packets};

    fn plan(method: Method) -> Plan {
        Plan::new(Guarantee::new(2.0, 1e-9).unwrap(), method)
    }

    #[test]
    fn the_forecast_of_structure_says_what_it_lacks() {
        let adaptive = plan(Method::Adaptive);
        assert_eq!(foreseen(&adaptive, &packets::schema()).across, Across::Sessions);
        assert_eq!(foreseen(&adaptive, &flows::schema()).across, Across::Hosts);

        let mut lacks = packets::schema();
        lacks.columns.retain(|column| !column.roles.has(Role::SourcePort));
        assert_eq!(foreseen(&adaptive, &lacks).across, Across::Hosts);
        lacks.columns.retain(|column| !column.roles.has(Role::SourceAddress));
        let found = foreseen(&adaptive, &lacks);
        assert_eq!(found.across, Across::Single);
        assert!(found.because.unwrap().contains("source-address"));

        let mut single = plan(Method::Adaptive);
        single.options.structure = Structure::None;
        for plan in [single, plan(Method::Netdpsyn), plan(Method::Independent)] {
            for schema in [packets::schema(), flows::schema()] {
                let found = foreseen(&plan, &schema);
                assert!(found.across == Across::Single && found.because.is_some());
            }
        }
    }
}
