//! Progress on a terminal, and Ctrl-C as the switch that stops the work.

use crate::account::Stage;
use crate::progress::{Progress, Switch};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;

/// A bar on standard error; nothing where that is no terminal.
pub struct Bar {
    bar: ProgressBar,
    switch: Arc<Switch>,
}

impl Bar {
    /// Shows a bar and listens for Ctrl-C.
    pub fn new() -> Self {
        let switch = Arc::new(Switch::default());
        let stop = Arc::clone(&switch);
        // Where no handler can be set, Ctrl-C ends the process, which leaves no half-written file under its name either.
        let _ = ctrlc::set_handler(move || stop.cancel());
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg:<10} {bar:32} {percent:>3} %  {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bar { bar, switch }
    }
}

impl Progress for Bar {
    fn report(&self, stage: Stage, done: u64, total: u64) {
        if self.bar.is_hidden() {
            return;
        }
        if self.bar.message() != stage.name() {
            self.bar.set_message(stage.name());
        }
        self.bar.set_length(total.max(1));
        self.bar.set_position(done.min(total));
    }

    fn is_cancelled(&self) -> bool {
        self.switch.is_cancelled()
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
