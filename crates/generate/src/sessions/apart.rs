//! Separates sessions: two with the same five-tuple would be one session with more packets.

use super::hosts::Leaves;
use super::sizes::Sizes;
use netdpsyn_model::sessions::{Part, Sessions};
use rand::{Rng, RngExt};
use std::collections::BTreeMap;

/// Number of high ports tried in a session's own bin, then overall; and of sessions tried for exchanging
/// servers.
const TRIES: usize = 24;

/// The identity of a session: client, server, ports, protocol.
type Tuple = ([u64; 2], [u64; 2], u32);

/// Gives sessions that share a tuple with another one a different high port or, where that does not help,
/// another session's server.
pub fn apart(
    model: &Sessions,
    sizes: &Sizes,
    codes: &[Vec<u32>],
    addresses: &mut [Vec<u64>; 2],
    ports: &mut [Vec<u64>; 2],
    rng: &mut impl Rng,
) {
    let high = Leaves::of(model.axis(Part::High));
    let protocol = |session: usize| model.classes.protocols[sizes.class[session] as usize];
    let tuple = |addresses: &[Vec<u64>; 2], ports: &[Vec<u64>; 2], session: usize| -> Tuple {
        let of = |sides: &[Vec<u64>; 2]| [sides[0][session], sides[1][session]];
        (of(addresses), of(ports), protocol(session))
    };
    let mut known: BTreeMap<Tuple, u32> = BTreeMap::new();
    (0..sizes.len()).for_each(|session| *known.entry(tuple(addresses, ports, session)).or_default() += 1);
    let mut by_class: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    (0..sizes.len()).for_each(|session| by_class.entry(sizes.class[session]).or_default().push(session));
    for session in 0..sizes.len() {
        let own = tuple(addresses, ports, session);
        if known.get(&own).is_none_or(|&many| many < 2) {
            continue;
        }
        let service = own.1[0];
        // Protocols without ports, and fragments, have no port to change.
        let found = (0..2 * TRIES).filter(|_| own.1[1] > 0).find_map(|attempt| {
            let port = match attempt < TRIES {
                true => {
                    let leaf = high.draw(&codes[3][session..=session], rng)[0];
                    Some(high.value(leaf, rng)).filter(|&port| port >= service)
                }
                false => high.value_from(service, rng),
            };
            port.filter(|&port| !known.contains_key(&(own.0, [service, port], own.2)))
        });
        if let Some(port) = found {
            ports[1][session] = port;
        } else {
            let others = &by_class[&sizes.class[session]];
            let other = (0..TRIES).map(|_| others[rng.random_range(0..others.len())]).find(|&other| {
                let theirs = tuple(addresses, ports, other);
                let mine = ([own.0[0], theirs.0[1]], own.1, own.2);
                let turned = ([theirs.0[0], own.0[1]], theirs.1, theirs.2);
                mine != turned && !known.contains_key(&mine) && !known.contains_key(&turned)
            });
            let Some(other) = other else { continue };
            let theirs = tuple(addresses, ports, other);
            addresses[1].swap(session, other);
            known.entry(theirs).and_modify(|many| *many -= 1);
            known.insert(tuple(addresses, ports, other), 1);
        }
        known.entry(own).and_modify(|many| *many -= 1);
        known.insert(tuple(addresses, ports, session), 1);
    }
}
