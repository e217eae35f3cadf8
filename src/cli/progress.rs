//! Progress on a terminal, and Ctrl-C as the switch that stops the work.

use crate::account::Stage;
use crate::progress::{Progress, Switch};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// Stage, how far it is, how fast, how long everything has taken and how long the stage will take.
const TEMPLATE: &str = "{msg:<10} {bar:32} {percent:>3} %  {rate:>9}  {elapsed} so far, {left} left";

/// A bar on standard error; nothing where that is no terminal.
pub struct Bar {
    bar: ProgressBar,
    switch: Arc<Switch>,
}

/// How fast a stage goes: hundredths of it a second, since its steps are of no unit that people know.
fn rate(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        _ if !percent.is_finite() || percent <= 0.0 => "–".into(),
        _ if percent >= 100.0 => format!("{percent:.0} %/s"),
        _ if percent >= 1.0 => format!("{percent:.1} %/s"),
        _ => format!("{percent:.2} %/s"),
    }
}

/// The time that is left, as people say it; nothing is foretold before a stage has moved.
fn left(time: Duration, moved: bool) -> String {
    let seconds = time.as_secs();
    match (moved, seconds) {
        (false, _) => "–".into(),
        (true, 0..60) => format!("{seconds} s"),
        (true, 60..3_600) => format!("{} min {} s", seconds / 60, seconds % 60),
        (true, _) => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

impl Bar {
    /// Shows a bar and listens for Ctrl-C.
    pub fn new() -> Self {
        let switch = Arc::new(Switch::default());
        let stop = Arc::clone(&switch);
        // Where no handler can be set, Ctrl-C ends the process, which leaves no half-written file under its name either.
        let _ = ctrlc::set_handler(move || stop.cancel());
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
            let share = state.per_sec() / state.len().unwrap_or(1).max(1) as f64;
            let _ = text.write_str(&rate(share));
        });
        bar.set_style(style.with_key("left", |state: &ProgressState, text: &mut dyn Write| {
            let _ = text.write_str(&left(state.eta(), state.pos() > 0));
        }));
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
            // How fast the stage before went says nothing of this one.
            self.bar.set_position(0);
            self.bar.reset_eta();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_are_as_people_say_them() {
        let rates = [0.0, f64::NAN, 0.00123, 0.0456, 3.0].map(rate);
        assert_eq!(rates, ["–", "–", "0.12 %/s", "4.6 %/s", "300 %/s"]);
        let times = [0, 59, 61, 7_325].map(|seconds| left(Duration::from_secs(seconds), true));
        assert_eq!(times, ["0 s", "59 s", "1 min 1 s", "2 h 2 min"]);
        assert_eq!(left(Duration::from_secs(9), false), "–");
    }
}
