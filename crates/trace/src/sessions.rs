//! Packets as parts of sessions: client, server, service port and direction instead of source and
//! destination.
//!
//! A session is all packets of one unordered five-tuple. By source and destination, what the packets of a
//! session share changes sides with every answer. In this view a packet has a *client* and a *server*, the
//! client's *high* port and the server's *service* port, and a *direction*. Everything but the direction is
//! the same in the whole session, and requests and answers share one space of hosts. The server is the side
//! with the lower port or, for equal ports, with the lower address. This is a function of the packet alone.
//! Who sent first is not: a single packet can change it for all packets of the session.
//!
//! An ICMP echo request and its reply belong to one session, and their types differ. Where a trace has types
//! in the ports (8/0 one way, 0/0 or 0/8 the other), the ports become 0, and the [`Echo`] keeps what they
//! were. Other protocols without ports, and fragments, keep their ports.

use crate::progress::{Cancelled, Progress, par_blocks};
use crate::{Column, Field, RecordKind, Role, Schema, Trace, Values, protocols};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The columns of sessions, by index; those of the view are at the same indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// Source address; the client in the view.
    pub client: usize,
    /// Destination address; the server in the view.
    pub server: usize,
    /// Source port; that of the client in the view.
    pub high: usize,
    /// Destination port; that of the server in the view.
    pub service: usize,
    /// Protocol.
    pub protocol: usize,
    /// Time.
    pub time: usize,
    /// Length, where there is one.
    pub length: Option<usize>,
    /// Time to live, where there is one.
    pub ttl: Option<usize>,
    /// TCP flags, where there are any and their values can be enumerated.
    pub flags: Option<usize>,
    /// Only in the view: 1 where the server sends.
    pub direction: usize,
    /// Only in the view: the [`Echo`].
    pub echo: usize,
}

/// What the ports of an ICMP packet were before they became 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Echo {
    /// Unchanged.
    None = 0,
    /// 8 and 0: a request.
    Request = 1,
    /// 0 and 8: a reply of an exporter that mirrors the request.
    Mirrored = 2,
}

/// Number of values of the echo.
pub const ECHOES: u64 = 3;

/// Why the packets of a schema cannot be viewed as sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoSessions {
    /// The records are not packets.
    NotPackets,
    /// No column has this role, or it is not measured.
    Lacks(Role),
    /// Networks are declared for this address column, so its hosts are not distinguished.
    Networks(Role),
    /// The columns of these two roles have different special values, so packets of both directions cannot
    /// share one notation.
    Special(Role, Role),
    /// Noise leaves too little information about sessions.
    TooFew,
}

impl fmt::Display for NoSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoSessions::NotPackets => f.write_str("the records are not packets"),
            NoSessions::Lacks(role) => write!(f, "no measured column has the role {role}"),
            NoSessions::Networks(role) => write!(f, "networks are declared for the column of role {role}"),
            NoSessions::Special(one, other) => {
                write!(
                    f,
                    "the columns of roles {one} and {other} have different special values: declare the same for both"
                )
            }
            NoSessions::TooFew => f.write_str("the number of sessions does not stand out of the noise"),
        }
    }
}

/// Largest number of enumerated values of flags: nine flags have that many sets.
const MOST_LISTED: u64 = 512;

/// Whether the values of flags are few enough to be enumerated.
fn can_be_listed(flags: &Field) -> bool {
    match flags {
        Field::Categorical(values) => values.is_some(),
        Field::Integer { min, max, .. } => max - min < MOST_LISTED,
        _ => false,
    }
}

impl Sessions {
    /// The session columns of a schema.
    ///
    /// # Errors
    /// [`NoSessions`] when the schema lacks a column or its records are not packets.
    pub fn of(schema: &Schema) -> Result<Sessions, NoSessions> {
        if schema.kind != RecordKind::Packet {
            return Err(NoSessions::NotPackets);
        }
        let measured = |role: Role| {
            schema.column_of(role).filter(|&c| schema.columns[c].is_measured()).ok_or(NoSessions::Lacks(role))
        };
        let address = |role: Role| match measured(role) {
            Ok(column) if matches!(schema.columns[column].field, Field::Ip { networks: Some(_), .. }) => {
                Err(NoSessions::Networks(role))
            }
            other => other,
        };
        let sessions = Sessions {
            client: address(Role::SourceAddress)?,
            server: address(Role::DestinationAddress)?,
            high: measured(Role::SourcePort)?,
            service: measured(Role::DestinationPort)?,
            protocol: measured(Role::Protocol)?,
            time: measured(Role::Start)?,
            length: measured(Role::Length).ok(),
            ttl: measured(Role::Ttl).ok(),
            flags: measured(Role::TcpFlags).ok().filter(|&c| can_be_listed(&schema.columns[c].field)),
            direction: schema.columns.len(),
            echo: schema.columns.len() + 1,
        };
        let special = |column: usize| &schema.columns[column].special;
        let Sessions { client, server, high, service, .. } = sessions;
        if special(client) != special(server) {
            return Err(NoSessions::Special(Role::SourceAddress, Role::DestinationAddress));
        }
        if special(high) != special(service) {
            return Err(NoSessions::Special(Role::SourcePort, Role::DestinationPort));
        }
        Ok(sessions)
    }

    /// The schema of the view: the same columns at the same indices, with the four endpoint columns renamed,
    /// and direction and echo appended.
    pub fn schema(&self, schema: &Schema) -> Schema {
        let mut view = schema.clone();
        // Names appear in the labels of charges, where each is unique. A column that already has such a name
        // keeps it, and the endpoint's name gets a prime.
        let free = |name: &str| {
            let mut name = name.to_string();
            while schema.position(&name).is_some() {
                name.push('′');
            }
            name
        };
        for (column, name) in [
            (self.client, "client"),
            (self.server, "server"),
            (self.high, "client port"),
            (self.service, "service"),
        ] {
            view.columns[column].name = free(name);
        }
        let flag = |name: &str, max| {
            Column::new(&free(name), Field::Integer { min: 0, max, width: 1, exact_below: 0 })
        };
        view.columns.extend([flag("direction", 1), flag("echo", ECHOES - 1)]);
        view
    }

    /// The columns by which packets are grouped into sessions, in the view.
    pub fn tuple(&self) -> [usize; 5] {
        [self.client, self.server, self.high, self.service, self.protocol]
    }

    /// Converts a packet to the view in place; `record` has room for direction and echo.
    pub fn turn(&self, record: &mut [u64]) {
        let (mut source, mut destination) = (record[self.high], record[self.service]);
        let mut echo = Echo::None;
        if record[self.protocol] == protocols::ICMP {
            echo = match (source, destination) {
                (8, 0) => Echo::Request,
                (0, 8) => Echo::Mirrored,
                _ => Echo::None,
            };
            if echo != Echo::None {
                (source, destination) = (0, 0);
            }
        }
        let (from, to) = (record[self.client], record[self.server]);
        let serves = (source, from) < (destination, to);
        let ends = if serves { (to, from, destination, source) } else { (from, to, source, destination) };
        (record[self.client], record[self.server], record[self.high], record[self.service]) = ends;
        record[self.direction] = u64::from(serves);
        record[self.echo] = echo as u64;
    }

    /// Converts a packet of the view back in place.
    pub fn back(&self, record: &mut [u64]) {
        if record[self.direction] == 1 {
            record.swap(self.client, self.server);
            record.swap(self.high, self.service);
        }
        let ports = match record[self.echo] {
            1 => (8, 0),
            2 => (0, 8),
            _ => return,
        };
        (record[self.high], record[self.service]) = ports;
    }

    /// Converts all packets of a trace to the view.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn view(&self, trace: Trace, schema: &Schema, progress: &dyn Progress) -> Result<Trace, Cancelled> {
        let changed = [self.client, self.server, self.high, self.service, self.direction, self.echo];
        let turned = par_blocks(0..trace.rows(), progress).map(|rows| {
            let rows = rows?;
            let mut record = vec![0; schema.columns.len()];
            let mut turned = changed.map(|_| Vec::with_capacity(rows.len()));
            for row in rows {
                for column in self.tuple() {
                    record[column] = trace.column(column).get(row);
                }
                self.turn(&mut record);
                turned.iter_mut().zip(changed).for_each(|(to, column)| to.push(record[column]));
            }
            Ok(turned)
        });
        let blocks = turned.collect::<Result<Vec<_>, Cancelled>>()?;
        let addresses = trace.addresses().cloned();
        let mut columns = trace.into_columns();
        for (at, column) in changed.into_iter().enumerate() {
            let values = blocks.iter().flat_map(|turned| turned[at].iter().copied());
            let values = Values::collect(schema.columns[column].storage_max(), values);
            if column < columns.len() { columns[column] = values } else { columns.push(values) }
        }
        Ok(Trace::new(columns).with_addresses(addresses))
    }

    /// The identity of a packet's session: the unordered five-tuple, as in the view.
    pub fn key(&self, trace: &Trace, row: usize) -> [u64; 5] {
        let mut record = vec![0; self.echo + 1];
        for column in self.tuple() {
            record[column] = trace.column(column).get(row);
        }
        self.turn(&mut record);
        self.tuple().map(|column| record[column])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;
    use crate::progress::Quiet;
    use proptest::prelude::*;

    fn packets(tuples: &[(u64, u64, u64, u64, u64)]) -> (Schema, Trace) {
        let schema = presets::preset("packet").unwrap();
        let mut trace = Trace::empty(&schema);
        for &(from, to, source, destination, protocol) in tuples {
            let mut record = vec![7; schema.columns.len()];
            record[..5].copy_from_slice(&[from, to, source, destination, protocol]);
            trace.push(&record);
        }
        (schema, trace)
    }

    fn any_tuple() -> impl Strategy<Value = (u64, u64, u64, u64, u64)> {
        let port = || prop_oneof![Just(0u64), Just(8), Just(80), 0u64..65_536];
        (0u64..3, 0u64..3, port(), port(), prop::sample::select(vec![1u64, 6, 17, 47]))
    }

    proptest! {
        #[test]
        fn the_view_and_back_is_the_packet(tuples in prop::collection::vec(any_tuple(), 1..40)) {
            let (schema, trace) = packets(&tuples);
            let sessions = Sessions::of(&schema).unwrap();
            let of_view = sessions.schema(&schema);
            let view = sessions.view(trace.clone(), &of_view, &Quiet).unwrap();
            for row in 0..trace.rows() {
                let mut record: Vec<u64> = view.columns().iter().map(|c| c.get(row)).collect();
                prop_assert!(record[sessions.service] <= record[sessions.high]);
                let key = sessions.tuple().map(|column| record[column]);
                prop_assert_eq!(sessions.key(&trace, row), key);
                sessions.back(&mut record);
                let packet: Vec<u64> = trace.columns().iter().map(|c| c.get(row)).collect();
                prop_assert_eq!(&record[..packet.len()], &packet[..]);
            }
        }

        #[test]
        fn an_answer_is_of_the_session_of_its_request((from, to, source, destination, protocol) in any_tuple()) {
            let (schema, trace) = packets(&[(from, to, source, destination, protocol), (to, from, destination, source, protocol)]);
            let sessions = Sessions::of(&schema).unwrap();
            prop_assert_eq!(sessions.key(&trace, 0), sessions.key(&trace, 1));
        }
    }

    #[test]
    fn echoes_are_of_one_session() {
        let (schema, trace) = packets(&[(5, 9, 8, 0, 1), (9, 5, 0, 0, 1), (9, 5, 0, 8, 1), (5, 9, 3, 1, 1)]);
        let sessions = Sessions::of(&schema).unwrap();
        let keys = [0, 1, 2, 3].map(|row| sessions.key(&trace, row));
        assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[3] != keys[0]);
    }

    #[test]
    fn a_schema_says_why_it_has_none() {
        let mut schema = presets::preset("dc").unwrap();
        assert!(Sessions::of(&schema).is_ok());
        schema.columns[1].field = Field::Ip { levels: vec![8], networks: Some(Vec::new()) };
        assert_eq!(Sessions::of(&schema), Err(NoSessions::Networks(Role::DestinationAddress)));
        schema.columns.remove(2);
        schema.columns.remove(1);
        assert_eq!(Sessions::of(&schema), Err(NoSessions::Lacks(Role::DestinationAddress)));
        assert_eq!(Sessions::of(&presets::preset("flow").unwrap()), Err(NoSessions::NotPackets));
    }
}
