//! Ctrl-C and its kin: they ask a run to end in good order.

use std::{
    io,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

/// The signal that has asked the run to end, 0 before.
#[derive(Clone)]
pub(crate) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Catches SIGINT, SIGTERM and SIGHUP from now on. A second one ends the program at once.
    pub(crate) fn install() -> io::Result<Self> {
        let (first, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&first))?;
            flag::register(signal, Arc::clone(&first))?;
            flag::register_usize(signal, Arc::clone(&stop), signal as usize)?;
        }
        Ok(Self(stop))
    }

    /// A signal has come.
    pub(crate) fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// How a run ends that the signal cut short: as if it had not been caught. Fine without one.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.0.load(Ordering::Relaxed) {
            0 => ExitCode::SUCCESS,
            signal => ExitCode::from(128 + signal as u8),
        }
    }
}
