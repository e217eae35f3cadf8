//! The bins alone, without noise: the error that the first step of the method causes before any noise. The
//! address networks are those of the raw records, so the result is as private as they are.

use ipnet::Ipv4Net;
use netdpsyn_generate::{restore::Restorer, stream};
use netdpsyn_model::Rules;
use netdpsyn_model::domain::{self, Attribute, Partition, codes};
use netdpsyn_privacy::{Private, Raw, Sensitive};
use netdpsyn_trace::directory::{Directory, SPACE};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Column, Field, Schema, Trace, address};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The bins of every measured column: fixed ones from the schema; for addresses the networks of length
/// `prefix` that occur, unless networks are declared; for ports those of the paper.
pub fn binning(trace: &Sensitive<Trace>, schema: &Schema, prefix: u8) -> Private<Vec<Attribute>> {
    trace.privately(|trace| {
        let measured = schema.columns.iter().enumerate().filter(|(_, column)| column.is_measured());
        let cut = |(index, column): (usize, &Column)| {
            let field = match &column.field {
                Field::Ip { levels, networks: None } => {
                    Field::Ip { levels: levels.clone(), networks: Some(occurring(trace, index, prefix)) }
                }
                Field::PortTree { .. } => Field::Port,
                other => other.clone(),
            };
            if let Some(directory) = trace.directory(index) {
                let partition = by_network(directory).beside(column.special.len() as u64);
                return Some(Attribute { column: index, name: column.name.clone(), partition });
            }
            let partition = domain::fixed::partition(&Column { field, ..column.clone() }, schema.window)?;
            Some(Attribute { column: index, name: column.name.clone(), partition })
        };
        measured.filter_map(cut).collect()
    })
}

/// Draws every record anew from its bins.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn redrawn(
    trace: Sensitive<Trace>,
    schema: &Schema,
    attributes: &[Attribute],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Sensitive<Trace>, Cancelled> {
    let drawn = |raw: Trace| {
        let codes = codes::encode(&raw, attributes, None, progress)?;
        let (mut rng, rules) = (stream(seed, 0), Rules::default());
        Restorer::new(schema, attributes, &rules)
            .restore(&codes, &[], &mut rng, &|| progress.check())
            .map(|columns| Trace::new(columns).with_addresses(raw.addresses().cloned()))
    };
    trace.map(drawn).finished_or(Cancelled)
}

/// Bins the addresses of any family that occur by their coarse networks; unused numbers belong to the last
/// bin.
fn by_network(directory: &Directory) -> Partition {
    let network = |number: u64| address::coarse(directory.key(number));
    let begins = |&number: &u64| number == 0 || network(number) != network(number - 1);
    let mut starts: Vec<u64> = (0..directory.len()).filter(begins).collect();
    let drawn = starts.len().max(1);
    // Values are drawn from the first interval of a bin alone.
    let mut labels: Vec<u32> = (0..drawn as u32).collect();
    let mut weights = vec![1.0; drawn];
    if starts.is_empty() {
        starts.push(0);
    } else {
        starts.push(directory.len());
        labels.push(drawn as u32 - 1);
        weights.push(0.0);
    }
    Partition::weighted(starts, labels, weights, SPACE)
}

/// The networks of one length that occur in a column.
fn occurring(trace: &Trace, column: usize, prefix: u8) -> Vec<Ipv4Net> {
    let mut networks = BTreeSet::new();
    trace.column(column).for_each(|address| {
        // A special value is not an address.
        let address = u32::try_from(address).map(Ipv4Addr::from);
        networks
            .extend(address.ok().and_then(|a| Ipv4Net::new(a, prefix.min(32)).ok()).map(|net| net.trunc()));
    });
    networks.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_privacy::Steward;
    use netdpsyn_trace::simulate::flows;

    #[test]
    fn every_occurring_network_has_a_bin_of_its_own() {
        let (schema, trace) = (flows::schema(), flows::simulate(500, 1));
        let sources: BTreeSet<u64> = trace.column(0).iter().map(|address| address >> 2).collect();
        let bins = binning(&Sensitive::new(trace), &schema, 30).for_steward(&Steward::local());
        assert_eq!(bins.len(), schema.columns.len());
        assert_eq!(bins[0].bins(), sources.len() + 1, "and one for all others");
    }
}
