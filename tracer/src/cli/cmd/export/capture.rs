//! Plain captures.

use super::frames::{Choice, Frames};
use crate::{
    cli::output::Output,
    feed::{Poll, Replay, Source as _},
    record::{Start, writer::Plain},
};

/// Records taken before frames are written.
const BATCH: usize = 4096;

/// Writes the chosen hops as frames; returns what could not be read.
pub(super) fn write(mut replay: Replay, choice: Choice, output: &mut Output) -> anyhow::Result<Vec<String>> {
    let start = Start { clock_offset: replay.clock_offset(), ..replay.start().cloned().unwrap_or_default() };
    let mut out = Vec::new();
    let mut plain = Plain::new(&start, &mut out);
    let mut frames = Frames::new(choice);
    while replay.poll(BATCH, &mut |record, probes| frames.add(record, probes, Plain::has_bytes)) != Poll::End {
        let naming = replay.names.naming(replay.probes());
        while let Some(event) = frames.take() {
            plain.add(&event, &naming);
        }
        plain.flush(&mut out);
        output.write(&out)?;
        out.clear();
    }
    let naming = replay.names.naming(replay.probes());
    for event in frames.finish() {
        plain.add(&event, &naming);
    }
    plain.end(&mut out);
    output.write(&out)?;
    Ok(replay.finish()?)
}
