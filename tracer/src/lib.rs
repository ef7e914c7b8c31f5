//! # The code map
//!
//! skbtrail's layers, lowest first. A module imports only modules above it in this list (`tests/tidy.rs` checks it).
//!
//! | layer | what it is for | invariant |
//! |---|---|---|
//! | [`model`] | plain data: event, packet, names | no I/O, no dependency on any other layer |
//! | [`kernel`] | facts of a kernel: BTF, symbols, features, offsets | reads below a given root, changes nothing |
//! | [`probe`] | which functions can be probed, and in which order | kernel facts in, plan out; reads only through [`kernel`] |
//! | [`filter`] | filter expressions to predicate programs | pure; the evaluator itself is `tracer-common`'s |
//! | [`collect`] | load, attach, read the ring, decode, count losses | it alone uses `aya`, beside `inspect`; but for one ioctl in `kernel::netns` and the calls of `inspect::sys`, all `unsafe` is here |
//! | [`track`] | records to journeys and paths, and how two sets of them differ | pure: time comes from the records; memory is bounded, and what it cost is counted |
//! | [`symbol`] | addresses to names | an unknown address is shown as a number |
//! | [`record`] | recordings and foreign captures | a file that is read is foreign: lengths are checked, memory is bounded |
//! | [`inspect`] | what is attached, loaded and kept in a running kernel: hooks, programs, maps and what their entries mean | reads, changes nothing; memory is bounded whatever a map holds; foreign bytes are never guessed at |
//! | [`feed`] | a running kernel (or a recording) as one stream, with what names its numbers | behind it nothing needs privileges |
//! | [`view`] | columns, text, JSON | foreign bytes are escaped here, before any terminal sees them |
//! | [`tui`] | the view on a terminal: packets, paths, what decides them | the only user of `ratatui`; neither its engine nor its store know a terminal, and the drawing thread reads no file and asks no kernel |
//! | [`cli`] | arguments, settings, commands | the only user of `clap`; exit codes are decided here |

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!(
    "skbtrail reads registers and finds arguments as Linux on x86-64 passes them; other machines are not done yet"
);

pub mod cli;
pub mod collect;
pub mod feed;
pub mod filter;
pub mod inspect;
pub mod kernel;
pub mod model;
pub mod probe;
pub mod record;
pub mod symbol;
pub mod track;
pub mod tui;
pub mod view;
