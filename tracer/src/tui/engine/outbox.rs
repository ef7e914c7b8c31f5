//! The way to the drawing thread: bounded, and never waited for.

use super::Batch;

/// Who takes batches.
pub trait Sink: Send {
    /// Takes the batch, or gives it back where there is no room now. An error: nobody listens any more.
    fn offer(&mut self, batch: Batch) -> Result<Option<Batch>, Closed>;
}

/// Nobody listens any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// The batch in the making.
pub struct Outbox<S> {
    /// What has not been handed on.
    pub batch: Batch,
    sink: S,
}

impl<S: Sink> Outbox<S> {
    /// An empty one before `sink`.
    pub fn new(sink: S) -> Self {
        Self { batch: Batch::default(), sink }
    }

    /// Whoever took the batches.
    pub fn into_sink(self) -> S {
        self.sink
    }

    /// Hands on what there is, if there is room.
    pub fn send(&mut self) -> Result<(), Closed> {
        if !self.batch.is_empty()
            && let Some(back) = self.sink.offer(self.batch.take())?
        {
            self.batch = back;
        }
        Ok(())
    }
}
