//! Templates: the layout of records, reduced to the fields that matter for flows.

use crate::fields::Meaning;
use crate::wire::Bytes;

/// The length of a field whose length precedes each value (RFC 7011, 7); some exporters use it in NetFlow v9
/// too.
const VARIABLE: u16 = u16::MAX;

/// Enterprise number of NetScaler, whose exporters put microseconds in the place of the fraction of an NTP
/// time.
const NETSCALER: u32 = 5951;

/// A field, or several neighbouring fields without a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub meaning: Meaning,
    length: u16,
}

impl Field {
    /// Its length, unless each value states its own.
    #[inline]
    pub fn fixed(self) -> Option<usize> {
        (self.length != VARIABLE).then_some(usize::from(self.length))
    }
}

/// How records are read. A field takes four bytes of memory, and the limit bounds their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub fields: Box<[Field]>,
    /// Whether its records describe the exporter.
    pub options: bool,
    /// Whether fractions of times are plain microseconds, as NetScaler sends them, instead of NTP fractions.
    pub plain_micros: bool,
    /// Length of the shortest record in bytes, never 0.
    pub shortest: usize,
}

/// A template record of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Defines a template.
    Template(u16, Template),
    /// An unusable template; a previous template with this id is removed.
    Bad(u16),
    /// Withdraws a template.
    Withdrawn(u16),
    /// Withdraws all templates.
    AllWithdrawn,
}

/// The next template record of a set. `None`: only padding remains. `Err`: the remainder is not a template
/// record.
pub(crate) fn next(
    bytes: &mut Bytes<'_>,
    version: u16,
    options: bool,
    most: usize,
) -> Option<Result<Told, Malformed>> {
    if bytes.len() < 4 || bytes.blank() {
        return None;
    }
    Some(record(bytes, version, options, most).ok_or(Malformed))
}

/// A malformed set of templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

fn record(bytes: &mut Bytes<'_>, version: u16, options: bool, most: usize) -> Option<Told> {
    let (id, first) = (bytes.u16()?, bytes.u16()?);
    if version == 10 && first == 0 {
        let all = if options { 3 } else { 2 };
        return (id == all || id > 255).then_some(if id == all {
            Told::AllWithdrawn
        } else {
            Told::Withdrawn(id)
        });
    }
    if id < 256 {
        return None;
    }
    let count = match (options, version) {
        (false, _) => usize::from(first),
        // Number of bytes of the scope's fields, and of the others.
        (true, 9) => (usize::from(first) + usize::from(bytes.u16()?)) / 4,
        (true, _) => {
            bytes.u16()?;
            usize::from(first)
        }
    };
    let mut fields: Vec<Field> = Vec::with_capacity(count.min(most).min(bytes.len() / 4));
    let (mut shortest, mut plain_micros) = (0usize, false);
    for place in 0..count {
        let (mut number, length) = (bytes.u16()?, bytes.u16()?);
        let mut enterprise = 0;
        if version == 10 && number & 0x8000 != 0 {
            number &= 0x7fff;
            enterprise = bytes.u32()?;
            plain_micros |= enterprise == NETSCALER;
        }
        // The scope of NetFlow v9 has a field numbering of its own.
        let scope = options && version == 9 && place < usize::from(first) / 4;
        let mut meaning = if scope { Meaning::Other } else { Meaning::of(version, enterprise, number) };
        if length != VARIABLE && !meaning.fits(usize::from(length)) {
            meaning = Meaning::Other;
        }
        shortest += if length == VARIABLE { 1 } else { usize::from(length) };
        if fields.len() < most {
            add(&mut fields, Field { meaning, length });
        }
    }
    if shortest == 0 || count > most {
        return Some(Told::Bad(id));
    }
    Some(Told::Template(id, Template { fields: fields.into(), options, plain_micros, shortest }))
}

/// Neighbouring fields without a meaning are skipped in one step, and fields without bytes are dropped: so a
/// record takes at most as many steps as it has bytes.
fn add(fields: &mut Vec<Field>, field: Field) {
    if field.length == 0 {
        return;
    }
    if let Some(last) = fields.last_mut()
        && (last.meaning, field.meaning) == (Meaning::Other, Meaning::Other)
        && last.length != VARIABLE
        && field.length != VARIABLE
        && let Some(sum) = last.length.checked_add(field.length)
        && sum != VARIABLE
    {
        last.length = sum;
        return;
    }
    fields.push(field);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn one(version: u16, options: bool, bytes: &[u8]) -> Option<Result<Told, Malformed>> {
        next(&mut Bytes(bytes), version, options, 8)
    }

    #[test]
    fn neighbours_without_meaning_are_one_step() {
        let bytes = words(&[256, 6, 10, 4, 14, 4, 8, 4, 12, 3, 99, 0, 15, 4]);
        let Some(Ok(Told::Template(256, template))) = one(9, false, &bytes) else { panic!("a template") };
        let steps: Vec<_> = template.fields.iter().map(|field| (field.meaning, field.length)).collect();
        assert_eq!(steps, [(Meaning::Other, 8), (Meaning::Source4, 4), (Meaning::Other, 7)]);
        assert_eq!(template.shortest, 19);
    }

    #[test]
    fn ipfix_has_enterprises_and_netflow_has_not() {
        let bytes = words(&[256, 1, 0x8001, 8, 0, 29305]);
        let Some(Ok(Told::Template(256, template))) = one(10, false, &bytes) else { panic!("a template") };
        assert_eq!(template.fields[0].meaning, Meaning::ReverseBytes);
        let Some(Ok(Told::Template(256, template))) = one(9, false, &bytes) else { panic!("a template") };
        assert_eq!(template.fields[0].meaning, Meaning::Other);
    }

    #[test]
    fn an_unusable_template_says_why() {
        assert_eq!(one(9, false, &words(&[256, 2, 8, 0, 12, 0])), Some(Ok(Told::Bad(256))));
        assert_eq!(one(9, false, &words(&[256, 0])), Some(Ok(Told::Bad(256))));
        let many: Vec<u16> = [256, 9].into_iter().chain((0..9).flat_map(|number| [number, 1])).collect();
        assert_eq!(one(9, false, &words(&many)), Some(Ok(Told::Bad(256))));
        assert_eq!(one(9, false, &words(&[255, 1, 8, 4])), Some(Err(Malformed)));
        assert_eq!(one(9, false, &words(&[256, 2, 8, 4])), Some(Err(Malformed)));
        assert_eq!(one(9, false, &[0; 12]), None);
    }

    #[test]
    fn ipfix_withdraws() {
        assert_eq!(one(10, false, &words(&[300, 0])), Some(Ok(Told::Withdrawn(300))));
        assert_eq!(one(10, false, &words(&[2, 0])), Some(Ok(Told::AllWithdrawn)));
        assert_eq!(one(10, true, &words(&[3, 0])), Some(Ok(Told::AllWithdrawn)));
        assert_eq!(one(10, true, &words(&[2, 0])), Some(Err(Malformed)));
    }

    #[test]
    fn options_are_counted_in_bytes_by_netflow_and_in_fields_by_ipfix() {
        let netflow = words(&[256, 4, 8, 1, 4, 34, 4, 35, 1]);
        let Some(Ok(Told::Template(256, template))) = one(9, true, &netflow) else { panic!("a template") };
        assert_eq!((template.options, template.shortest), (true, 9));
        assert_eq!(template.fields[1].meaning, Meaning::Sampling);
        // Field 1 of the scope is the whole exporter, not a byte counter.
        assert_eq!(template.fields[0].meaning, Meaning::Other);
        let ipfix = words(&[256, 2, 1, 144, 4, 160, 8]);
        let Some(Ok(Told::Template(256, template))) = one(10, true, &ipfix) else { panic!("a template") };
        assert_eq!((template.fields[1].meaning, template.shortest), (Meaning::Boot, 12));
    }
}
