//! `skbtrail trace`: one line for each function that a matching packet passes, until Ctrl-C.

use std::{io::IsTerminal as _, process::ExitCode};

use crate::{
    cli::{
        Failure,
        args::{self, ColorWhen},
        output::Output,
        settings,
        signals::Stop,
        stream::{self, Look, Stream},
    },
    collect::privileges,
    feed::Live,
    kernel::Root,
    view::Style,
};

/// Runs the command. All that can be wrong with the arguments is found before anything is attached.
pub fn run(args: args::Trace, verbose: bool) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let filter = settings::filter(&root, &args.filter, &args.what).map_err(Failure::Usage)?;
    let options = settings::options(&args.what, &args.output, filter).map_err(Failure::Usage)?;
    let selection = settings::selection(&args.output).map_err(Failure::Usage)?;
    let columns = if args.output.output_json { selection.json() } else { selection.text() }.map_err(Failure::usage)?;
    let look = Look {
        columns,
        json: args.output.output_json,
        timestamp: settings::timestamp(&args.output).map_err(Failure::Usage)?,
        tcp_flags: args.output.output_tcp_flags,
        metadata: options.metadata.clone(),
        style: style(&args.output),
    };
    privileges::require()?;
    let stop = Stop::install()?;
    let output = Output::open(
        args.output.output_file.as_deref(),
        args.output.output_file_max_size,
        args.output.output_file_max_backups,
    )?;
    let live = Live::start(&root, options)?;
    privileges::drop_all_but_needed()?;
    for note in &live.notes {
        eprintln!("skbtrail: {note}");
    }
    let limit = args.output.output_limit_lines;
    Ok(stream::run(live, Stream { look, output, limit, ready_file: args.output.ready_file, stop, verbose })?)
}

fn style(output: &args::Output) -> Style {
    let wanted = match output.color {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            !refused && output.output_file.is_none() && std::io::stdout().is_terminal()
        }
    };
    if wanted { Style::Colour } else { Style::Plain }
}
