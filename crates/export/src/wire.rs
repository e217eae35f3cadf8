//! Reads numbers in network byte order, none of which is assumed to be present.

/// The remaining bytes of a datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next `count` bytes; `None`, without consuming any, if there are fewer.
    #[inline]
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    #[inline]
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    #[inline]
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether only padding remains.
    pub fn blank(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }
}

/// A number of up to eight bytes; exporters may send fewer than its type has (RFC 7011, 6.2).
#[inline]
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    match *bytes {
        [] => None,
        [a] => Some(u64::from(a)),
        [a, b] => Some(u64::from(u16::from_be_bytes([a, b]))),
        [a, b, c, d] => Some(u64::from(u32::from_be_bytes([a, b, c, d]))),
        [a, b, c, d, e, f, g, h] => Some(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        _ if bytes.len() < 8 => Some(bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        let mut expected = 0;
        for length in 1..=8 {
            expected = expected << 8 | length as u64;
            assert_eq!(number(&bytes[..length]), Some(expected));
        }
        assert_eq!(number(&[]), None);
        assert_eq!(number(&bytes), None);
    }

    #[test]
    fn nothing_is_taken_where_there_is_too_little() {
        let mut bytes = Bytes(&[1, 2, 3]);
        assert_eq!(bytes.u32(), None);
        assert_eq!(bytes.take(4), None);
        assert_eq!(bytes.u16(), Some(258));
        assert_eq!(bytes.len(), 1);
        assert_eq!(bytes.u8(), Some(3));
        assert!(bytes.blank());
    }
}
