//! Where records come from, as seen by whoever tracks them.

use crate::{
    collect::Session,
    model::{Probe, Record},
};

/// What a look at a source gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// So many records; fewer than asked for mean that no more wait.
    Taken(usize),
    /// There will be no more.
    End,
}

/// A running trace or a recording.
pub trait Source {
    /// Hands the records that wait to `sink`, at most `limit`, in the order in which they arrived. The sink gets the table
    /// of probes too, which may have grown.
    fn poll(&mut self, limit: usize, sink: &mut dyn FnMut(Record, &[Probe])) -> Poll;

    /// Functions and tracepoints by `ProbeId`.
    fn probes(&self) -> &[Probe];

    /// Kernel time at present, where it goes on without records, nanoseconds.
    fn now(&self) -> Option<u64>;
}

impl Source for Session {
    fn poll(&mut self, limit: usize, sink: &mut dyn FnMut(Record, &[Probe])) -> Poll {
        Poll::Taken(Session::poll(self, limit, sink))
    }

    fn probes(&self) -> &[Probe] {
        Session::probes(self)
    }

    fn now(&self) -> Option<u64> {
        let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).ok()?;
        u64::try_from(std::time::Duration::from(time).as_nanos()).ok()
    }
}
