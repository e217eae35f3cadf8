//! Population: how many hosts, pairs and services there are, how records are spread over them, and who answers whom.
//!
//! Counts are of the traces as they are: a trace of more records has more of everything. Numbers of hosts and the like have no floor, because fewer records
//! are held out than fitted.

mod counted;

use super::ends::{Ends, Tuple};
use super::profile::{Amount, Profile, USUAL};
use super::sides::{Share, Sides, ratio};
use super::skipped::{NotTaken, Skipped};
use super::Traces;
use counted::{Hosts, Services};
use netdpsyn_trace::progress::{Cancelled, Progress};
use serde::Serialize;

/// Who is in a trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Population {
    /// Distinct hosts, pairs and so on.
    pub counts: Vec<Count>,
    /// How records, peers and ports are spread over them.
    pub profiles: Vec<Profile>,
    /// Share of the pairs of two different hosts, either way round, that are seen in both directions.
    pub mutual_pairs: Share,
    /// Share of the records between two different hosts or ports whose reverse occurs.
    pub answered: Answered,
    /// Why there are no services, five-tuples and ports, where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_services: Option<Skipped>,
}

/// A number of distinct things.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = CountOf))]
pub struct Count {
    /// What is counted.
    pub of: Thing,
    /// In the fitted records.
    pub real: u64,
    /// In the synthetic records.
    pub synthetic: u64,
    /// The synthetic number, divided by the raw one. Good is near 1.
    pub ratio: f64,
}

impl Count {
    /// Two numbers.
    pub fn new(of: Thing, real: u64, synthetic: u64) -> Count {
        Count { of, real, synthetic, ratio: ratio(real, synthetic) }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Thing {
    /// Source addresses.
    Sources,
    /// Destination addresses.
    Destinations,
    /// Addresses of either column.
    Hosts,
    /// Addresses of both columns.
    HostsOnBothSides,
    /// Source and destination together.
    Pairs,
    /// Destination address, port and protocol; of packets, those of the end with the lower port.
    Services,
    /// Addresses, ports and protocol.
    FiveTuples,
    /// Five-tuples without their direction.
    Sessions,
}

impl Thing {
    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Thing::Sources => "sources",
            Thing::Destinations => "destinations",
            Thing::Hosts => "hosts",
            Thing::HostsOnBothSides => "hosts on both sides",
            Thing::Pairs => "pairs",
            Thing::Services => "services",
            Thing::FiveTuples => "five-tuples",
            Thing::Sessions => "sessions",
        }
    }
}

/// Share of the records whose reverse occurs; a record from an end to itself is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answered {
    /// Records from a host to another one that occur the other way round, too.
    pub pair: Share,
    /// The same of five-tuples: addresses and ports change places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub five_tuple: Option<Share>,
}

/// Compares who is there.
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
    let count = |of, number: fn(&Hosts) -> u64| Count::new(of, number(&hosts.real), number(&hosts.synthetic));
    let profile = |of, amounts: fn(&Hosts) -> &[u64]| Profile::of(of, &hosts.each(amounts), &USUAL, progress);
    Ok(Population {
        counts: vec![
            count(Thing::Sources, |hosts| hosts.fan_out.len() as u64),
            count(Thing::Destinations, |hosts| hosts.fan_in.len() as u64),
            count(Thing::Hosts, |hosts| hosts.records.len() as u64),
            count(Thing::HostsOnBothSides, |hosts| hosts.on_both_sides),
            count(Thing::Pairs, |hosts| hosts.pairs.len() as u64),
        ],
        profiles: vec![
            profile(Amount::RecordsAHost, |hosts| &hosts.records)?,
            profile(Amount::RecordsAPair, |hosts| &hosts.pairs)?,
            profile(Amount::FanOut, |hosts| &hosts.fan_out)?,
            profile(Amount::FanIn, |hosts| &hosts.fan_in)?,
        ],
        mutual_pairs: Share::of(&hosts.each(|hosts| hosts.mutual)),
        answered: Answered { pair: Share::of(&hosts.each(|hosts| hosts.answered)), five_tuple: None },
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
        Count::new(of, number(&services.real), number(&services.synthetic))
    };
    let profile =
        |of, amounts: fn(&Services) -> &[u64]| Profile::of(of, &services.each(amounts), &USUAL, progress);
    found.counts.extend([
        count(Thing::Services, |services| &services.records),
        count(Thing::FiveTuples, |services| &services.tuples),
    ]);
    found.profiles.extend([
        profile(Amount::RecordsAService, |services| &services.records)?,
        profile(Amount::RecordsAFiveTuple, |services| &services.tuples)?,
        profile(Amount::PortsAHost, |services| &services.ports)?,
    ]);
    found.answered.five_tuple = Some(Share::of(&services.each(|services| services.answered)));
    Ok(())
}
