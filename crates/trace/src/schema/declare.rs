//! Declarations that complete a schema: networks, grain, categories and families of addresses.

use super::{Field, Schema, SchemaError};
use crate::{Families, Grain};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

impl Schema {
    /// Declares the networks of an address column, each as 192.0.2.0/24 or a single address.
    ///
    /// # Errors
    /// [`SchemaError`] when there is no such address column, or an entry is not a network.
    pub fn declare_networks(&mut self, column: &str, declared: &[String]) -> Result<(), SchemaError> {
        let wrong = |reason: String| SchemaError::Parameter { column: column.into(), reason };
        let known = self.columns.iter_mut().find(|c| c.name == column).map(|c| &mut c.field);
        let Some(Field::Ip { networks, .. }) = known else {
            return Err(wrong(
                "it is no column of IPv4 addresses (type `ip`) of this trace, so it takes no networks".into(),
            ));
        };
        let parse = |text: &String| {
            let net =
                text.parse::<Ipv4Net>().ok().or_else(|| text.parse::<Ipv4Addr>().ok().map(Ipv4Net::from));
            net.map(|net| net.trunc())
                .ok_or_else(|| wrong(format!("{text:?} is no IPv4 network; write 192.0.2.0/24")))
        };
        *networks = Some(declared.iter().map(parse).collect::<Result<_, _>>()?);
        Ok(())
    }

    /// Declares the grain of times.
    ///
    /// # Errors
    /// [`SchemaError`] when the schema has no column of times.
    pub fn declare_grain(&mut self, declared: Grain) -> Result<(), SchemaError> {
        let times = self.columns.iter_mut().find_map(|column| match &mut column.field {
            Field::Timestamp { grain, .. } => Some(grain),
            _ => None,
        });
        let grain = times.ok_or_else(|| {
            SchemaError::Shape("it has no column of times, so it cannot have a grain".into())
        })?;
        *grain = Some(declared);
        Ok(())
    }

    /// Declares the values of a categorical column.
    ///
    /// # Errors
    /// [`SchemaError`] when there is no such categorical column.
    pub fn declare_categories(&mut self, column: &str, values: Vec<String>) -> Result<(), SchemaError> {
        let known = self.columns.iter_mut().find(|c| c.name == column);
        match known.map(|c| &mut c.field) {
            Some(Field::Categorical(declared)) => {
                *declared = Some(values);
                Ok(())
            }
            Some(_) => Err(SchemaError::Parameter {
                column: column.into(),
                reason: "it is not categorical, so it takes no --categories".into(),
            }),
            None => Err(SchemaError::Shape(format!(
                "--categories names {column}, which is no column of this trace"
            ))),
        }
    }

    /// Declares the families of all address columns. With [`Families::Any`] the IPv4 header checksum is
    /// removed, because IPv6 has none.
    ///
    /// # Errors
    /// [`SchemaError`] when a column cannot have the declared families.
    pub fn declare_families(&mut self, families: Families) -> Result<(), SchemaError> {
        if families == Families::Any {
            self.columns.retain(|column| column.field != Field::IpChecksum);
        }
        let mut columns = self.columns.iter_mut().filter(|column| column.field.is_address()).peekable();
        if columns.peek().is_none() {
            return Err(SchemaError::Shape("it has no addresses, so they are of no family".into()));
        }
        for column in columns {
            match (families, &column.field) {
                (Families::Any, _) => (column.field, column.notation) = (Field::Address {}, None),
                (Families::Ipv4, Field::Address {}) => column.field = Field::ip(&[8, 8, 8, 8]),
                (Families::Ipv4, _) => {}
            }
        }
        Ok(())
    }
}
