//! Population: the number of hosts, pairs and services, the distribution of records over them, and who
//! answers whom.
//!
//! Counts are of the traces as they are: a trace with more records has more of everything. Numbers of hosts
//! and the like have no floor, because fewer records are held out than fitted.

mod counted;

use super::Traces;
use super::ends::{Ends, Tuple};
use super::profile::{Profile, ProfiledAmount, USUAL};
use super::sides::{ComparedShare, Sides, ratio};
use super::skipped::{NotTaken, Skipped};
use counted::{Hosts, Services};
use netdpsyn_trace::progress::{Cancelled, Progress};
use serde::{Deserialize, Serialize};

/// The population of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Population {
    /// Numbers of distinct hosts, pairs and so on.
    pub counts: Vec<CountOf>,
    /// Distributions of records, peers and ports over them.
    pub profiles: Vec<Profile>,
    /// Share of the unordered pairs of two different hosts that are seen in both directions.
    pub mutual_pairs: ComparedShare,
    /// Share of the records between two different hosts or ports whose reverse occurs.
    pub answered: Answered,
    /// The reason why there are no services, five-tuples and ports, if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_services: Option<Skipped>,
}

/// A number of distinct things.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CountOf {
    /// What is counted.
    pub of: CountedThing,
    /// In the fitted records.
    pub real: u64,
    /// In the synthetic records.
    pub synthetic: u64,
    /// The synthetic number, divided by the raw one. Good is near 1.
    pub ratio: f64,
}

impl CountOf {
    /// The count of two numbers.
    pub fn new(of: CountedThing, real: u64, synthetic: u64) -> CountOf {
        CountOf { of, real, synthetic, ratio: ratio(real, synthetic) }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CountedThing {
    /// Source addresses.
    Sources,
    /// Destination addresses.
    Destinations,
    /// Addresses in either column.
    Hosts,
    /// Addresses in both columns.
    HostsOnBothSides,
    /// Source and destination together.
    Pairs,
    /// Destination address, port and protocol; for packets, those of the end with the lower port.
    Services,
    /// Addresses, ports and protocol.
    FiveTuples,
    /// Five-tuples without their direction.
    Sessions,
}

impl CountedThing {
    /// A description for people.
    pub fn words(self) -> &'static str {
        match self {
            CountedThing::Sources => "sources",
            CountedThing::Destinations => "destinations",
            CountedThing::Hosts => "hosts",
            CountedThing::HostsOnBothSides => "hosts on both sides",
            CountedThing::Pairs => "pairs",
            CountedThing::Services => "services",
            CountedThing::FiveTuples => "five-tuples",
            CountedThing::Sessions => "sessions",
        }
    }
}

/// Share of the records whose reverse occurs; a record from an end to itself is not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answered {
    /// Records between two different hosts that also occur in reverse.
    pub pair: ComparedShare,
    /// The same for five-tuples: addresses and ports are swapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub five_tuple: Option<ComparedShare>,
}

/// Compares the populations.
///
/// # Errors
/// [`NotTaken`] when the schema has no source or destination, or `progress` asks to stop.
pub fn population(traces: &Traces, progress: &dyn Progress) -> Result<Population, NotTaken> {
    let ends = Ends::of(traces.schema)?;
    let hosts = Sides::evened(traces, progress, |trace| Hosts::of(trace, &ends, progress))?;
    let mut found = of_hosts(&hosts, progress)?;
    drop(hosts);
    match Tuple::of(traces.schema) {
        Ok(tuple) => {
            let services = Sides::evened(traces, progress, |trace| Services::of(trace, &tuple, progress))?;
            add_services(&mut found, &services, progress)?;
        }
        Err(skipped) => found.no_services = Some(skipped),
    }
    Ok(found)
}

fn of_hosts(hosts: &Sides<Hosts>, progress: &dyn Progress) -> Result<Population, Cancelled> {
    let count =
        |of, number: fn(&Hosts) -> u64| CountOf::new(of, number(&hosts.real), number(&hosts.synthetic));
    let profile = |of, amounts: fn(&Hosts) -> &[u64]| Profile::of(of, &hosts.each(amounts), &USUAL, progress);
    Ok(Population {
        counts: vec![
            count(CountedThing::Sources, |hosts| hosts.fan_out.len() as u64),
            count(CountedThing::Destinations, |hosts| hosts.fan_in.len() as u64),
            count(CountedThing::Hosts, |hosts| hosts.records.len() as u64),
            count(CountedThing::HostsOnBothSides, |hosts| hosts.on_both_sides),
            count(CountedThing::Pairs, |hosts| hosts.pairs.len() as u64),
        ],
        profiles: vec![
            profile(ProfiledAmount::RecordsAHost, |hosts| &hosts.records)?,
            profile(ProfiledAmount::RecordsAPair, |hosts| &hosts.pairs)?,
            profile(ProfiledAmount::FanOut, |hosts| &hosts.fan_out)?,
            profile(ProfiledAmount::FanIn, |hosts| &hosts.fan_in)?,
        ],
        mutual_pairs: ComparedShare::of(&hosts.each(|hosts| hosts.mutual)),
        answered: Answered { pair: ComparedShare::of(&hosts.each(|hosts| hosts.answered)), five_tuple: None },
        no_services: None,
    })
}

fn add_services(
    found: &mut Population,
    services: &Sides<Services>,
    progress: &dyn Progress,
) -> Result<(), Cancelled> {
    let count = |of, amounts: fn(&Services) -> &[u64]| {
        let number = |services| amounts(services).len() as u64;
        CountOf::new(of, number(&services.real), number(&services.synthetic))
    };
    let profile =
        |of, amounts: fn(&Services) -> &[u64]| Profile::of(of, &services.each(amounts), &USUAL, progress);
    found.counts.extend([
        count(CountedThing::Services, |services| &services.records),
        count(CountedThing::FiveTuples, |services| &services.tuples),
    ]);
    found.profiles.extend([
        profile(ProfiledAmount::RecordsAService, |services| &services.records)?,
        profile(ProfiledAmount::RecordsAFiveTuple, |services| &services.tuples)?,
        profile(ProfiledAmount::PortsAHost, |services| &services.ports)?,
    ]);
    found.answered.five_tuple = Some(ComparedShare::of(&services.each(|services| services.answered)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::{Schema, Trace, presets};

    /// Flows of these addresses, ports and protocols.
    fn trace(schema: &Schema, tuples: &[[u64; 5]]) -> Trace {
        let mut trace = Trace::empty(schema);
        let rest = vec![0; schema.columns.len() - 5];
        tuples.iter().for_each(|tuple| trace.push(&[&tuple[..], &rest].concat()));
        trace
    }

    /// A client asks twice and is answered once, asks a host that does not answer, and another host talks to
    /// itself.
    const RECORDS: [[u64; 5]; 5] = [
        [1, 2, 1_000, 80, 6],
        [1, 2, 1_000, 80, 6],
        [2, 1, 80, 1_000, 6],
        [1, 3, 1_000, 80, 6],
        [4, 4, 5, 5, 6],
    ];

    #[test]
    fn five_records_by_hand() {
        let schema = presets::preset("flow").unwrap();
        let trace = trace(&schema, &RECORDS);
        let hosts = Hosts::of(&trace, &Ends::of(&schema).unwrap(), &Quiet).unwrap();
        assert_eq!((hosts.records, hosts.pairs), (vec![1, 2, 3, 4], vec![1, 1, 1, 2]));
        assert_eq!((hosts.fan_out, hosts.fan_in), (vec![1, 1, 2], vec![1, 1, 1, 1]));
        assert_eq!((hosts.on_both_sides, hosts.mutual, hosts.answered), (3, 0.5, 0.75));
        let services = Services::of(&trace, &Tuple::of(&schema).unwrap(), &Quiet).unwrap();
        assert_eq!((services.records, services.tuples), (vec![1, 1, 1, 2], vec![1, 1, 1, 2]));
        assert_eq!((services.ports, services.answered), (vec![1, 1, 1, 1], 0.75));
    }

    #[test]
    fn lost_and_invented_structure_shows() {
        let schema = presets::preset("flow").unwrap();
        let real = trace(&schema, &RECORDS);
        // Nobody answers, and every record has a client of its own.
        let synthetic = trace(&schema, &[[1, 9, 7, 80, 6], [2, 9, 7, 80, 6], [3, 9, 7, 80, 6]]);
        let traces = Traces { real: &real, held_out: Some(&real), synthetic: &synthetic, schema: &schema };
        let found = population(&traces, &Quiet).unwrap();
        let counts: Vec<_> = found.counts.iter().map(|count| (count.real, count.synthetic)).collect();
        assert_eq!(counts, [(3, 3), (4, 1), (4, 4), (3, 0), (4, 3), (4, 1), (4, 3)]);
        assert_eq!((found.mutual_pairs.difference, found.mutual_pairs.floor), (0.5, Some(0.0)));
        let answered = [found.answered.pair, found.answered.five_tuple.unwrap()];
        assert!(answered.iter().all(|share| (share.real, share.synthetic) == (0.75, 0.0)));
        // Hosts with 1, 2, 3 and 4 records against three with 1 and one with 3.
        assert_eq!((found.profiles[0].distance, found.profiles[0].floor), (0.5, Some(0.0)));
    }

    #[test]
    fn packets_are_of_the_service_at_their_lower_port() {
        let schema = presets::preset("packet").unwrap();
        let trace = trace(&schema, &[[1, 2, 40_000, 443, 6], [2, 1, 443, 40_000, 6]]);
        let services = Services::of(&trace, &Tuple::of(&schema).unwrap(), &Quiet).unwrap();
        assert_eq!((services.records, services.answered), (vec![2], 1.0));
    }

    #[test]
    fn without_ports_there_are_hosts_and_without_addresses_a_reason() {
        let mut schema = presets::preset("flow").unwrap();
        schema.columns.drain(2..5);
        let empty = Trace::empty(&schema);
        let compared = |schema: &Schema| {
            population(&Traces { real: &empty, held_out: None, synthetic: &empty, schema }, &Quiet)
        };
        let found = compared(&schema).unwrap();
        assert!(found.counts.len() == 5 && found.answered.five_tuple.is_none());
        assert!(found.no_services.unwrap().0.contains("source-port"));
        schema.columns.drain(..2);
        let Err(NotTaken::Skipped(reason)) = compared(&schema) else { panic!("there are no addresses") };
        assert!(reason.0.contains("source-address"), "{reason}");
    }
}
