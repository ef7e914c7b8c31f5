//! `skbtrail trace`: one line for each function that a matching packet passes, until Ctrl-C.

use std::process::ExitCode;

use crate::{
    cli::{
        Failure,
        args::{self, ColorWhen},
        caller::Caller,
        colour, group, lines,
        output::Output,
        recorder::{self, Recorder},
        rows::Look,
        say::say,
        settings,
        signals::Stop,
        stream::{self, Stream},
    },
    collect::privileges,
    feed::Live,
    inspect::lookup,
    kernel::Root,
    view::{Style, columns},
};

/// The column of what is known beside the packets.
const CONTEXT: &str = "context";

/// Runs the command. All that can be wrong with the arguments is found before anything is attached.
pub fn run(args: args::Trace, verbose: bool) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let filter = settings::portable_filter(&args.filter, &args.what).map_err(Failure::Usage)?;
    let extra = settings::extra(&args.output).map_err(Failure::Usage)?;
    let mut options = settings::options(&args.what, extra.clone(), filter).map_err(Failure::Usage)?;
    let mut look = look(&args.output)?;
    let context = args.run.output_context || settings::wants(&args.output, CONTEXT);
    if args.run.output_context && !look.columns.iter().any(|column| column.name() == CONTEXT) {
        look.columns.extend(columns::find(CONTEXT));
    }
    options.swaps = args.run.filter_stdin;
    options.filter = settings::filter(&root, &args.filter, &args.what)?;
    privileges::require()?;
    let stop = Stop::install()?;
    let mut live = Live::start(&root, options)?;
    if context {
        live.names.facts = Some(Box::new(lookup::Live::start(root.clone())?));
    }
    let caller = Caller::adopt();
    // An older file is not emptied before it is certain that there is something to put into it.
    let output = output(caller, &args.output)?;
    let plan = args.run.record.map(|path| recorder::Plan {
        path,
        rotation: recorder::Rotation::default(),
        flight: None,
        settings: recorder::settings(&extra),
        start: recorder::start(live.backend, live.session.probes().len(), &args.filter, &extra),
    });
    let recorder =
        plan.map(|plan| Recorder::start(plan, caller, &live.names.naming(live.session.probes()))).transpose()?;
    privileges::drop_all_but_needed()?;
    for note in &live.notes {
        say(note);
    }
    let limit = limit(&args.output);
    let ready_file = args.run.ready_file;
    let most_packets = args.what.limit_packets;
    let commands = if args.run.filter_stdin { lines::filters(args.what) } else { lines::none() };
    let stream = Stream { look, output, recorder, commands, most_packets, limit, ready_file, caller, stop, verbose };
    Ok(if args.output.group { group::run(live, stream)? } else { stream::run(live, stream)? })
}

/// Where rows go.
pub(super) fn output(caller: Caller, output: &args::Output) -> anyhow::Result<Output> {
    Output::open(caller, output.output_file.as_deref(), output.output_file_max_size, output.output_file_max_backups)
}

/// Rows after which to end.
pub(super) fn limit(output: &args::Output) -> Option<u64> {
    output.output_limit_lines.filter(|&lines| lines > 0)
}

/// How rows look.
pub(super) fn look(output: &args::Output) -> Result<Look, Failure> {
    let selection = settings::selection(output).map_err(Failure::Usage)?;
    let columns = if output.output_json { selection.json() } else { selection.text() }.map_err(Failure::usage)?;
    Ok(Look {
        columns,
        json: output.output_json,
        timestamp: settings::timestamp(output).map_err(Failure::Usage)?,
        tcp_flags: output.output_tcp_flags,
        metadata: output.output_skb_metadata.clone(),
        style: match output.color {
            ColorWhen::Auto if output.output_file.is_some() => Style::Plain,
            when => colour::style(when),
        },
    })
}
