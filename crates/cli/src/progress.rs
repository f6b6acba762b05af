//! Progress on stderr: a bar for work over a second on a terminal, nothing elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use specialist_core::Observer;

/// Bars appear once a stage has taken this long.
const PATIENCE: Duration = Duration::from_secs(1);

/// The observer that draws.
pub struct Progress {
    on: bool,
    state: Mutex<Option<(ProgressBar, Instant)>>,
}

impl Progress {
    /// Draws when `on`.
    pub fn new(on: bool) -> Self {
        Self { on, state: Mutex::new(None) }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some((bar, _)) = self.lock().take() {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(ProgressBar, Instant)>> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn begin(&self, stage: &str, total: usize) {
        self.clear();
        if !self.on {
            return;
        }
        let bar = if total > 0 { ProgressBar::new(total as u64) } else { ProgressBar::new_spinner() };
        let template =
            if total > 0 { "{prefix:>12} [{bar:30}] {pos}/{len} {msg} {eta}" } else { "{prefix:>12} {spinner} {pos}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_draw_target(ProgressDrawTarget::hidden());
        bar.set_prefix(stage.to_string());
        *self.lock() = Some((bar, Instant::now()));
    }

    fn step(&self, note: Option<&str>) {
        if let Some((bar, since)) = self.lock().as_ref() {
            if bar.is_hidden() && since.elapsed() > PATIENCE {
                bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
            }
            if let Some(note) = note {
                bar.set_message(note.to_string());
            }
            bar.inc(1);
        }
    }

    fn end(&self) {
        self.clear();
    }
}
