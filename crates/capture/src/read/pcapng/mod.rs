//! The blocks of pcapng: sections, each in its own byte order, with the interfaces that its packets refer to.

mod interface;

use super::input::Input;
use super::pcap::word;
use super::{BUFFER, Broken, LONGEST, Next, Record};
use interface::Interface;
use std::io::{self, Read};

/// Block types that are read.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Largest number of interfaces of a section; packets of further ones are skipped.
const INTERFACES: usize = 1 << 12;

/// The current section.
#[derive(Default)]
pub(super) struct Section {
    big: bool,
    interfaces: Vec<Interface>,
}

impl Section {
    /// Skips blocks up to the next packet.
    pub fn next<R: Read>(&mut self, input: &mut Input<R>) -> io::Result<Next> {
        loop {
            if !input.have(12)? {
                return Ok(if input.bytes().is_empty() { Next::End } else { Next::Cut });
            }
            let kind = word(input.bytes(), 0, self.big);
            if kind == SECTION
                && let Err(broken) = self.order(input.bytes())
            {
                return Ok(Next::Broken(broken));
            }
            let total = word(input.bytes(), 4, self.big);
            let smallest = match kind {
                SECTION => 28,
                INTERFACE => 20,
                SIMPLE_PACKET => 16,
                OLD_PACKET | ENHANCED_PACKET => 32,
                _ => 12,
            };
            if total < smallest || !total.is_multiple_of(4) {
                return Ok(Next::Broken(Broken::Block("a length that cannot be")));
            }
            // The length is at both ends of a block. A block larger than the buffer is skipped in pieces, and
            // the length at its end is not checked.
            let total = total as usize;
            let fits = total <= BUFFER;
            if fits {
                if !input.have(total)? {
                    return Ok(Next::Cut);
                }
                if word(input.bytes(), total - 4, self.big) as usize != total {
                    return Ok(Next::Broken(Broken::Block("different lengths at its ends")));
                }
            }
            match kind {
                SECTION => {
                    if !input.have(28)? {
                        return Ok(Next::Cut);
                    }
                    let version = (half(input.bytes(), 12, self.big), half(input.bytes(), 14, self.big));
                    if version.0 != 1 {
                        return Ok(Next::Broken(Broken::Version(version.0, version.1)));
                    }
                    self.interfaces.clear();
                }
                INTERFACE if !fits => return Ok(Next::Broken(Broken::Block("more options than fit"))),
                INTERFACE if self.interfaces.len() < INTERFACES => {
                    self.interfaces.push(Interface::read(&input.bytes()[8..total - 4], self.big));
                }
                OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET => return self.packet(kind, total, input),
                _ => {}
            }
            if !input.pass(total as u64)? {
                return Ok(Next::Cut);
            }
        }
    }

    /// The byte order of a section, by its magic number.
    fn order(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        match word(bytes, 8, true) {
            0x1a2b_3c4d => self.big = true,
            0x4d3c_2b1a => self.big = false,
            _ => return Err(Broken::Block("no byte order")),
        }
        Ok(())
    }

    /// Reads a packet block, at least the first bytes of which are in the buffer.
    fn packet<R: Read>(&self, kind: u32, total: usize, input: &mut Input<R>) -> io::Result<Next> {
        let at = if kind == SIMPLE_PACKET { 12 } else { 28 };
        if !input.have(at)? {
            return Ok(Next::Cut);
        }
        let bytes = input.bytes();
        let word = |at| word(bytes, at, self.big);
        let number = match kind {
            SIMPLE_PACKET => 0,
            OLD_PACKET => usize::from(half(bytes, 8, self.big)),
            _ => word(8) as usize,
        };
        let interface = self.interfaces.get(number);
        let room = total - at - 4;
        let (captured, original) = match kind {
            // The captured length is the original one, up to the interface's snap length and without padding.
            SIMPLE_PACKET => {
                let snap = interface.map_or(0, |interface| interface.snap);
                let length = word(8).min(if snap == 0 { u32::MAX } else { snap });
                (length.min(u32::try_from(room).unwrap_or(u32::MAX)), word(8))
            }
            _ => (word(20), word(24)),
        };
        if captured > LONGEST {
            return Ok(Next::Broken(Broken::Length(captured)));
        }
        let (captured, length) = (captured as usize, total as u64);
        if captured > room {
            return Ok(Next::Broken(Broken::Block("more captured bytes than it has room for")));
        }
        let Some(interface) = interface else {
            return Ok(Next::Stray { length });
        };
        let ticks = || u64::from(word(12)) << 32 | u64::from(word(16));
        let time = (kind != SIMPLE_PACKET).then(|| interface.time(ticks()));
        if !input.have(at + captured)? {
            return Ok(Next::Cut);
        }
        Ok(Next::Record(Record { link: interface.link, time, original, at, captured, length }))
    }
}

/// Two bytes in the byte order of the section; zero where there are none.
fn half(bytes: &[u8], at: usize, big: bool) -> u16 {
    let two = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>());
    two.map_or(0, |two| if big { u16::from_be_bytes(*two) } else { u16::from_le_bytes(*two) })
}
