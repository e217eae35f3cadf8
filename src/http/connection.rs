//! One connection: requests in, answers out, until the client ends it, is silent too long, or the server stops.

use super::bare;
use super::pulse::{Limits, Pulse, Socket};
use crate::service::problem::Problem;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower::ServiceExt;

/// Largest header of a request, and most that is read ahead of a body.
const HEADER: usize = 64 << 10;

/// The address that a connection comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Whether the server was told to stop: what lasts as long as its client listens ends then.
#[derive(Clone, Debug)]
pub struct Stopping(pub watch::Receiver<bool>);

/// Returns once the server is told to stop.
pub async fn heard(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Serves a connection. Once the server stops it ends after the request that is under way, and at once between two.
pub async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are small and must not wait for one another's acknowledgement.
    let _ = stream.set_nodelay(true);
    let pulse = Pulse::begin();
    let service = {
        let (pulse, told) = (pulse.clone(), Stopping(stopping.clone()));
        service_fn(move |mut request: Request<Incoming>| {
            pulse.begun();
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(told.clone());
            let (router, pulse) = (router.clone(), pulse.clone());
            async move {
                let Ok(answer): Result<Response<Body>, Infallible> =
                    router.oneshot(request.map(Body::new)).await;
                Ok::<_, Infallible>(answer.map(|body| pulse.answer(body)))
            }
        })
    };
    let socket = TokioIo::new(Socket::new(stream, pulse.clone()));
    // The limits on time are the pulse's: the library's own would end a connection between requests as if it were late with a header.
    let http =
        http1::Builder::new().header_read_timeout(None).max_header_size(HEADER).max_buf_size(HEADER).clone();
    let mut connection = http.serve_connection(socket, service);
    let (mut timer, mut told) = (pin!(sleep_until(Instant::now())), false);
    let overdue = loop {
        let step = poll_fn(|cx| {
            if Pin::new(&mut connection).poll(cx).is_ready() {
                return Poll::Ready(false);
            }
            // Whatever changed the deadline happened in this task, within the poll above.
            let Some(deadline) = pulse.deadline(limits) else { return Poll::Pending };
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            timer.as_mut().poll(cx).map(|()| true)
        });
        tokio::select! {
            overdue = step => break overdue,
            () = heard(&mut stopping), if !told => {
                told = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if overdue {
        let late = pulse.is_in_header();
        let stream = connection.into_parts().io.into_inner().into_stream();
        if late {
            let _ = stream.try_write(&bare::wire(&Problem::timed_out_reading("the header")));
        } else {
            // What the client does not take is not kept for it.
            let _ = stream.set_zero_linger();
        }
    }
}
