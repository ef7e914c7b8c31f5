//! The command line: arguments as typed, what they mean, and a file for each command.
//!
//! Exit codes are decided here: 0 fine, 1 the run failed, 2 bad usage.

pub mod args;
mod caller;
mod capture;
pub mod cmd;
mod colour;
mod dataplane;
mod failure;
mod gather;
mod group;
mod judge;
mod lines;
mod opened;
mod output;
mod packets;
mod progress;
mod recorder;
mod rows;
mod say;
mod screen;
mod settings;
pub mod show;
mod signals;
mod status;
mod stream;

use std::{io, process::ExitCode};

use clap::Parser as _;

use crate::collect::attach::holder;
use args::{Args, Command};
pub use failure::Failure;

/// Runs the program; the exit code says how it went.
pub fn main() -> ExitCode {
    // The hidden helper comes first: it must not depend on anything that the arguments could say.
    if std::env::args_os().nth(1).is_some_and(|first| first == holder::COMMAND) {
        let programs: Vec<i32> =
            std::env::args_os().skip(2).filter_map(|descriptor| descriptor.to_str()?.parse().ok()).collect();
        return match holder::run(&programs) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let args = Args::parse_from(args::with_command(std::env::args_os()));
    let verbose = args.verbose;
    match run(args) {
        Ok(code) => code,
        Err(failure) => {
            failure.print(verbose);
            failure.exit_code()
        }
    }
}

fn run(args: Args) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    match args.command {
        Command::Tui(tui) => {
            drop(out);
            cmd::tui::run(*tui, args.verbose)
        }
        Command::Trace(trace) => {
            drop(out);
            cmd::trace::run(*trace, args.verbose)
        }
        Command::Paths(paths) => {
            drop(out);
            cmd::paths::run(&paths, args.verbose)
        }
        Command::Drops(drops) => {
            drop(out);
            cmd::drops::run(&drops, args.verbose)
        }
        Command::Diff(diff) => quiet_if_closed(cmd::diff::run(&diff, &mut out)),
        Command::Record(record) => {
            drop(out);
            cmd::record::run(*record, args.verbose)
        }
        Command::Replay(replay) => {
            drop(out);
            cmd::replay::run(&replay)
        }
        Command::Export(export) => {
            drop(out);
            cmd::export::run(&export)
        }
        Command::Info(info) => quiet_if_closed(cmd::info::run(&info, &mut out)),
        Command::Demo(demo) => {
            drop(out);
            cmd::demo::run(&demo)
        }
        Command::Functions(functions) => quiet_if_closed(cmd::functions::run(functions, &mut out)),
        Command::Filter(filter) => quiet_if_closed(cmd::filter::run(&filter, &mut out)),
        Command::Cilium(cilium) => {
            drop(out);
            quiet_if_closed(cmd::cilium::run(&cilium))
        }
        Command::Net(net) => {
            drop(out);
            quiet_if_closed(cmd::net::run(&net))
        }
        Command::Cgroups(cgroups) => {
            drop(out);
            quiet_if_closed(cmd::cgroups::run(&cgroups))
        }
        Command::Progs(progs) => {
            drop(out);
            quiet_if_closed(cmd::progs::run(&progs))
        }
        Command::Maps(maps) => {
            drop(out);
            quiet_if_closed(cmd::maps::run(&maps))
        }
        Command::Calico(calico) => {
            drop(out);
            quiet_if_closed(cmd::calico::run(&calico))
        }
        Command::Merbridge(merbridge) => {
            drop(out);
            quiet_if_closed(cmd::merbridge::run(&merbridge))
        }
        Command::Balancing(balancing) => {
            drop(out);
            quiet_if_closed(cmd::balancing::run(&balancing))
        }
        Command::Doctor(doctor) => quiet_if_closed(cmd::doctor::run(doctor, &mut out)),
        Command::Completions { shell } => quiet_if_closed(cmd::completions::completions(shell, &mut out)),
        Command::Man => quiet_if_closed(cmd::completions::man(&mut out)),
    }
}

/// A reader that has seen enough (`| head -1`) is no failure.
fn quiet_if_closed<E: Into<Failure>>(result: Result<ExitCode, E>) -> Result<ExitCode, Failure> {
    match result.map_err(Into::into) {
        Err(Failure::Run(error)) if output::is_closed(&error) => Ok(ExitCode::SUCCESS),
        other => other,
    }
}
