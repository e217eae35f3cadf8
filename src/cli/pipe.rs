//! Output that nobody reads any more, as behind `| head`: the command ends in silence, and what it set aside goes with it.
//!
//! The signal that other programs end by would leave files behind, a raw trace from standard input among them; so the panic of a print that fails unwinds as any other, without its message.

use std::any::Any;
use std::panic::{self, UnwindSafe};

/// Does some work; `None` where its output was not wanted to its end.
pub fn quietly<T>(work: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !is_closed(info.payload()) {
            usual(info);
        }
    }));
    match panic::catch_unwind(work) {
        Ok(done) => Some(done),
        Err(payload) if is_closed(payload.as_ref()) => None,
        Err(payload) => panic::resume_unwind(payload),
    }
}

/// Whether a panic is that of a print to a pipe that is closed.
fn is_closed(payload: &(dyn Any + Send)) -> bool {
    let message = payload.downcast_ref::<String>();
    message.is_some_and(|text| text.starts_with("failed printing to std") && text.contains("Broken pipe"))
}
