//! The progress bar: rate and remaining time on a terminal, nothing elsewhere.

use std::{fmt::Write, io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Progress of a run; cheap to call from every stage.
#[derive(Clone, Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar on standard error where that is a terminal.
    pub fn new() -> Self {
        let bar = ProgressBar::no_length();
        let target = if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        bar.set_draw_target(target);
        Self(bar)
    }

    /// No bar at all.
    pub fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// A new entity type begins; `total` entities are expected, if anybody knows.
    pub fn begin(&self, entity_type: &str, total: Option<u64>) {
        self.0.reset();
        let template = match total {
            Some(total) => {
                self.0.set_length(total);
                "{msg} [{bar:30}] {human_pos}/{human_len} {rate} {eta} left"
            }
            None => "{spinner} {msg} {human_pos} {rate} {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
                let _ = write!(out, "{:.0}/s", state.per_sec());
            }));
        }
        self.0.set_message(format!("{entity_type}s"));
        self.0.enable_steady_tick(Duration::from_millis(250));
    }

    /// How many entities the source says there are, once it says so.
    pub fn expect(&self, entity_type: &str, total: u64) {
        if self.0.length() != Some(total) {
            let position = self.0.position();
            self.begin(entity_type, Some(total));
            self.0.set_position(position);
        }
    }

    /// So many entities more are done.
    pub fn advance(&self, entities: u64) {
        self.0.inc(entities);
    }

    /// Take the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}
