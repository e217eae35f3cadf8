//! Writes the capture file around the frames.

use super::{Container, Link, Resolution, WriteError, WriteOptions};
use crate::packet::Packet;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;

/// Longer than any payload.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
/// The snap length of the file.
const SNAP: u32 = 256 << 10;

/// The output file.
pub(super) struct Out<W: Write> {
    to: BufWriter<W>,
    container: Container,
    resolution: Resolution,
}

impl<W: Write> Out<W> {
    pub fn new(to: W, options: WriteOptions) -> io::Result<Out<W>> {
        let WriteOptions { container, resolution, link, .. } = options;
        let mut to = BufWriter::with_capacity(1 << 17, to);
        let link: u16 = match link {
            Link::Ethernet => 1,
            Link::Ip => 101,
        };
        let nanoseconds = resolution == Resolution::Nanoseconds;
        match container {
            Container::Pcap => {
                let magic = if nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
                words(&mut to, [magic, 0x0004_0002, 0, 0, SNAP, link.into()])?;
            }
            Container::Pcapng => {
                words(&mut to, [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28])?;
                // The resolution is an option of one byte; the end of options is an empty option.
                let resolution = if nanoseconds { 9 } else { 6 };
                words(&mut to, [1, 32, link.into(), SNAP, 0x0001_0009, resolution, 0, 32])?;
            }
        }
        Ok(Out { to, container, resolution })
    }

    /// Checks that a timestamp exists for this time.
    pub fn check(&self, time: u64) -> Result<(), WriteError> {
        let late = self.container == Container::Pcap && time / 1_000_000_000 > u64::from(u32::MAX);
        if late { Err(WriteError::TooLate) } else { Ok(()) }
    }

    /// Writes a frame with these bytes followed by `zeros` zeros, at most 65,535. The zeros are written if
    /// `held`, otherwise only counted in the original length.
    pub fn record(&mut self, time: u64, frame: &[u8], zeros: usize, held: bool) -> io::Result<()> {
        let original = (frame.len() + zeros) as u32;
        let zeros = if held { zeros } else { 0 };
        let captured = (frame.len() + zeros) as u32;
        let unit = if self.resolution == Resolution::Nanoseconds { 1 } else { 1000 };
        match self.container {
            Container::Pcap => {
                let (seconds, fraction) = (time / 1_000_000_000, time % 1_000_000_000 / unit);
                words(&mut self.to, [seconds as u32, fraction as u32, captured, original])?;
            }
            Container::Pcapng => {
                let ticks = time / unit;
                let block = 32 + captured.next_multiple_of(4);
                let (high, low) = ((ticks >> 32) as u32, ticks as u32);
                words(&mut self.to, [6, block, 0, high, low, captured, original])?;
            }
        }
        self.to.write_all(frame)?;
        self.to.write_all(&ZEROS[..zeros])?;
        if self.container == Container::Pcapng {
            let padded = captured.next_multiple_of(4);
            self.to.write_all(&ZEROS[..(padded - captured) as usize])?;
            words(&mut self.to, [32 + padded])?;
        }
        Ok(())
    }

    pub fn finish(self) -> io::Result<W> {
        self.to.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

/// Writes words in little-endian order, as used here for both formats.
fn words<const N: usize>(to: &mut impl Write, words: [u32; N]) -> io::Result<()> {
    words.iter().try_for_each(|word| to.write_all(&word.to_le_bytes()))
}

/// Appends an Ethernet header, with hardware addresses derived from the IP addresses.
pub(super) fn ethernet(packet: &Packet, to: &mut Vec<u8>) {
    for address in [packet.destination, packet.source] {
        // A locally administered unicast address.
        match address {
            IpAddr::V4(four) => {
                to.extend([2, 0]);
                to.extend(four.octets());
            }
            IpAddr::V6(six) => {
                let mut folded = [2, 6, 0, 0, 0, 0];
                for (at, byte) in six.octets().iter().enumerate() {
                    // Bytes four apart share a position, and are rotated so that equal ones do not cancel.
                    folded[2 + at % 4] ^= byte.rotate_left((at / 4) as u32 * 2);
                }
                to.extend(folded);
            }
        }
    }
    to.extend(if packet.source.is_ipv4() { [0x08, 0x00] } else { [0x86, 0xdd] });
}
