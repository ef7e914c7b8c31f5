//! Under which circumstances a run is recorded.

use std::time::{SystemTime, UNIX_EPOCH};

use tracer_common::event::{HEADER_BYTES, PACKET_BYTES};

use crate::{
    cli::settings::Extra,
    collect::session::Backend,
    feed::Live,
    record::{Settings, Start},
};

/// How to record a run that reads this much of each packet: all of it.
pub(crate) fn settings(extra: &Extra) -> Settings {
    Settings { compress: false, snaplen: extra.packet_bytes.clamp(HEADER_BYTES as u32, PACKET_BYTES as u32) }
}

/// The circumstances of a run that is attached in this way to so many functions and tracepoints.
pub(crate) fn start(backend: Backend, probes: usize, filter: &[String], extra: &Extra) -> Start {
    let machine = nix::sys::utsname::uname();
    let name = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Start {
        application: format!("skbtrail {}", env!("CARGO_PKG_VERSION")),
        host: machine.as_ref().map_or_else(|_| String::new(), |machine| name(machine.nodename())),
        kernel: machine.as_ref().map_or_else(|_| String::new(), |machine| name(machine.release())),
        command: std::env::args_os().map(|argument| name(&argument)).collect(),
        filter: filter.join(" "),
        backend: backend.name().to_owned(),
        // Two runs on a machine begin at different times, and two machines have different names.
        run: now.as_nanos() as u64,
        clock_offset: Live::clock_offset(),
        snaplen: settings(extra).snaplen,
        metadata: extra.metadata.clone(),
        probes: probes as u64,
        part: 0,
    }
}
