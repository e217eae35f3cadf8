//! The compression of a file, recognised by its first bytes: gzip, zstd, xz, bzip2, or a zip archive of one
//! member.
//!
//! A decoder allocates what the file claims: the window of zstd and the dictionary of xz are limited to 128
//! MiB, more than their own programs use by default.

use super::zip;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, Read};
use thiserror::Error;

/// Largest memory of a decoder, as a power of two.
const WINDOW_LOG: u32 = 27;

/// A compression format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    /// gzip
    Gzip,
    /// zstd
    Zstd,
    /// xz
    Xz,
    /// bzip2
    Bzip2,
    /// zip, with one member
    Zip,
}

impl std::fmt::Display for Packing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
            Packing::Xz => "xz",
            Packing::Bzip2 => "bzip2",
            Packing::Zip => "zip",
        })
    }
}

impl Packing {
    /// Recognises the compression by the first bytes of a file; `None` where it is not compressed.
    pub fn of(head: &[u8]) -> Option<Packing> {
        // Its name, a digit, and π: text may begin with the first three.
        let bzip2 = |head: &[u8]| head.starts_with(b"BZh") && head.get(4..10) == Some(b"1AY&SY");
        match head {
            [0x1f, 0x8b, ..] => Some(Packing::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Packing::Xz),
            // With or without a member.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Packing::Zip),
            head if bzip2(head) => Some(Packing::Bzip2),
            _ => None,
        }
    }

    /// The decompressed content of `packed`, all members together. Archives have their directory at the end,
    /// so `file` is the same file again.
    pub(super) fn open<'a>(
        self,
        mut packed: impl BufRead + Send + 'a,
        file: &mut File,
    ) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Packing::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Packing::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(packed)?;
                decoder.window_log_max(WINDOW_LOG)?;
                Box::new(decoder)
            }
            Packing::Xz => {
                let flags = liblzma::stream::CONCATENATED;
                let stream = liblzma::stream::Stream::new_stream_decoder(1 << WINDOW_LOG, flags)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(packed, stream))
            }
            Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
            Packing::Zip => {
                let member = zip::only_member(file)?;
                io::copy(&mut packed.by_ref().take(member.start), &mut io::sink())?;
                let content = packed.take(member.packed);
                let content: Box<dyn Read + Send + 'a> = match member.deflated {
                    true => Box::new(DeflateDecoder::new(content)),
                    false => Box::new(content),
                };
                Box::new(member.checked(content))
            }
        })
    }
}

/// A decoder's own error, with the format. Errors that pass through the decoder (of the file, and of limits)
/// are unchanged.
#[derive(Debug, Error)]
#[error("{reason}")]
pub(super) struct Broken {
    pub packing: Packing,
    pub reason: String,
}

/// A decoder whose errors are marked as such.
pub(super) struct Unpacker<R> {
    pub inner: R,
    pub packing: Packing,
}

impl<R: Read> Read for Unpacker<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| self.packing.complaint(error))
    }
}

impl Packing {
    pub(super) fn complaint(self, error: io::Error) -> io::Error {
        use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
        let own = matches!(error.kind(), UnexpectedEof | InvalidInput | InvalidData | Other)
            && error.raw_os_error().is_none()
            && !error.get_ref().is_some_and(|inner| inner.is::<super::input::Ended>());
        match own {
            true => io::Error::new(InvalidData, Broken { packing: self, reason: error.to_string() }),
            false => error,
        }
    }
}
