//! What a connection is doing, and until when it may. A client that keeps a connection and does nothing with it is let go.

use super::bare;
use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Time limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a request's header, from its first byte.
    pub header: Duration,
    /// Between two requests; and while the client takes nothing of an answer.
    pub idle: Duration,
}

/// Reason of a connection's wait.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// A request, since then.
    Request(Instant),
    /// The rest of a request's header, since then.
    Header(Instant),
    /// Its answer; how long it may take is the handler's matter.
    Answer,
    /// The last bytes of an answer on their way to the socket.
    End,
}

/// State of a connection.
#[derive(Debug)]
struct State {
    phase: Phase,
    /// Since when the socket has taken nothing.
    blocked: Option<Instant>,
}

/// What a connection is doing, as its socket, its service and its clock see it.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<Mutex<State>>);

impl Pulse {
    /// A new connection: it waits for a request.
    pub fn begin() -> Self {
        let state = State { phase: Phase::Request(Instant::now()), blocked: None };
        Pulse(Arc::new(Mutex::new(state)))
    }

    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Deadline of the connection.
    pub fn deadline(&self, limits: Limits) -> Option<Instant> {
        self.with(|state| match (state.phase, state.blocked) {
            (_, Some(since)) => Some(since + limits.idle),
            (Phase::Request(since), _) => Some(since + limits.idle),
            (Phase::Header(since), _) => Some(since + limits.header),
            (Phase::Answer | Phase::End, _) => None,
        })
    }

    /// Whether a header is half there.
    pub fn is_in_header(&self) -> bool {
        self.with(|state| matches!(state.phase, Phase::Header(_)))
    }

    /// A request's header is complete.
    pub fn begun(&self) {
        self.with(|state| state.phase = Phase::Answer);
    }

    /// The answer's body, which tells when it ends.
    pub fn answer(&self, body: Body) -> Answer {
        Answer { body, pulse: self.clone() }
    }

    fn received(&self) {
        self.with(|state| {
            if let Phase::Request(_) = state.phase {
                state.phase = Phase::Header(Instant::now());
            }
        });
    }

    fn wrote(&self, did: bool) {
        self.with(|state| match did {
            true => state.blocked = None,
            false => _ = state.blocked.get_or_insert_with(Instant::now),
        });
    }

    fn flushed(&self) {
        self.with(|state| {
            if state.phase == Phase::End {
                state.phase = Phase::Request(Instant::now());
            }
        });
    }

    /// Whether no handler answers: what is written then are the HTTP library's own words.
    fn is_without_answer(&self) -> bool {
        self.with(|state| matches!(state.phase, Phase::Request(_) | Phase::Header(_)))
    }
}

/// The body of an answer.
pub struct Answer {
    body: Body,
    pulse: Pulse,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pulse.with(|state| state.phase = Phase::End);
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that tells its pulse what comes and goes, and says refusals of the HTTP library (a header that cannot be read) as problem documents.
pub struct Socket {
    stream: TcpStream,
    pulse: Pulse,
    /// A refusal on its way, and how much of it has gone.
    refusal: Option<(Vec<u8>, usize)>,
}

impl Socket {
    /// A socket under this pulse.
    pub fn new(stream: TcpStream, pulse: Pulse) -> Self {
        Socket { stream, pulse, refusal: None }
    }

    /// The socket alone.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Notes what a write did.
    fn told(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.pulse.wrote(written.is_ready());
        written
    }

    /// Writes the problem document instead of the library's own refusal, if it is one.
    fn poll_refusal(
        &mut self,
        cx: &mut Context<'_>,
        head: &[u8],
        bytes: usize,
    ) -> Option<Poll<io::Result<usize>>> {
        if self.refusal.is_none() {
            let said = if self.pulse.is_without_answer() { bare::instead_of(head) } else { None };
            self.refusal = Some((said?, 0));
        }
        let (said, gone) = self.refusal.as_mut()?;
        while *gone < said.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &said[*gone..]) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(more)) => *gone += more,
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => return Some(Poll::Pending),
            }
        }
        // The library believes that its own words went out.
        self.refusal = None;
        Some(Poll::Ready(Ok(bytes)))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.pulse.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match self.poll_refusal(cx, bytes, bytes.len()) {
            Some(written) => written,
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
        };
        self.told(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (head, bytes) = (parts.first().map_or(&[][..], |part| part), parts.iter().map(|p| p.len()).sum());
        let written = match self.poll_refusal(cx, head, bytes) {
            Some(written) => written,
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, parts),
        };
        self.told(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pulse.flushed();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
