//! The binning map alone, without noise: what the first step of the method costs before anything is paid for. Its address networks are those that
//! the records have, so it is as raw as they are.

use crate::domain::{self, Attribute};
use crate::privacy::{Private, Sensitive};
use crate::trace::{Field, Schema, Trace};
use ipnet::Ipv4Net;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The bins of every measured column: fixed ones from the schema; for addresses the networks of length `prefix` that occur, unless networks are
/// declared; for ports the paper's.
pub fn binning(trace: &Sensitive<Trace>, schema: &Schema, prefix: u8) -> Private<Vec<Attribute>> {
    trace.privately(|trace| {
        let measured = schema.columns.iter().enumerate().filter(|(_, column)| column.is_measured());
        let cut = |(index, column): (usize, &crate::trace::Column)| {
            let field = match &column.field {
                Field::Ip { levels, networks: None } => {
                    Field::Ip { levels: levels.clone(), networks: Some(occurring(trace, index, prefix)) }
                }
                Field::PortTree { .. } => Field::Port,
                other => other.clone(),
            };
            let partition = domain::fixed::partition(&field, schema.window)?;
            Some(Attribute { column: index, name: column.name.clone(), partition })
        };
        measured.filter_map(cut).collect()
    })
}

/// The networks of one length that a column has.
fn occurring(trace: &Trace, column: usize, prefix: u8) -> Vec<Ipv4Net> {
    let mut networks = BTreeSet::new();
    trace.column(column).for_each(|address| {
        if let Ok(net) = Ipv4Net::new(Ipv4Addr::from(address as u32), prefix.min(32)) {
            networks.insert(net.trunc());
        }
    });
    networks.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::Steward;
    use crate::simulate::flows;

    #[test]
    fn every_occurring_network_has_a_bin_of_its_own() {
        let (schema, trace) = (flows::schema(), flows::simulate(500, 1));
        let sources: BTreeSet<u64> = trace.column(0).iter().map(|address| address >> 2).collect();
        let bins = binning(&Sensitive::new(trace), &schema, 30).for_steward(&Steward::local());
        assert_eq!(bins.len(), schema.columns.len());
        assert_eq!(bins[0].bins(), sources.len() + 1, "and one for all others");
    }
}
