//! A bar on stderr while single kprobes are attached. indicatif draws nothing where stderr is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that appears with the first news.
pub(crate) struct Progress {
    template: &'static str,
    bar: Option<ProgressBar>,
    /// Something else has the terminal.
    hidden: bool,
}

impl Progress {
    /// For a command that waits until all is attached.
    pub(crate) fn waiting() -> Self {
        Self { template: "attaching [{bar:30}] {pos}/{len} functions, {eta} left", bar: None, hidden: false }
    }

    /// For a command that shows events in the meantime.
    pub(crate) fn beside_events() -> Self {
        Self {
            template: "attaching [{bar:30}] {pos}/{len} functions, {eta} left; events flow already",
            bar: None,
            hidden: false,
        }
    }

    /// For a command that has the terminal for itself: neither this bar nor another one is shown.
    pub(crate) fn hidden() -> Self {
        let mut waiting = Self::waiting();
        waiting.hidden = true;
        waiting
    }

    /// For a command that reads a map of many entries.
    pub(crate) fn reading() -> Self {
        Self { template: "reading [{bar:30}] {pos} entries of at most {len}", bar: None, hidden: false }
    }

    /// Says what takes a moment, until it is dropped.
    pub(crate) fn about(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what);
        bar.tick();
        Self { template: "", bar: Some(bar), hidden: false }
    }

    /// So many are done, of so many.
    pub(crate) fn update(&mut self, (done, all): (usize, usize)) {
        self.bar.get_or_insert_with(|| bar(self.template, all)).set_position(done as u64);
    }

    /// Runs `write` with the bar out of the way.
    pub(crate) fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// It is shown, or nothing may be: there is no room for another bar.
    pub(crate) fn is_open(&self) -> bool {
        self.hidden || self.bar.is_some()
    }

    /// Takes the bar away.
    pub(crate) fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(template: &str, all: usize) -> ProgressBar {
    let bar = ProgressBar::new(all as u64);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.close();
    }
}
