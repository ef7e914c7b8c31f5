//! The view over recordings.

use std::{
    process::ExitCode,
    sync::{Arc, mpsc::channel},
};

use anyhow::Context as _;

use super::{Flags, config::Config, files, filters::RecordedFilters, show, spawn, theme};
use crate::{
    cli::{Failure, caller::Caller, opened::Opened},
    feed::Replay,
    record::reader::Wanted,
    symbol::Cache,
    tui::{
        engine::{Loading, Outbox, ReplayEngine},
        playback::Playback,
        run::mailbox,
        state::{Known, Mode, State},
        store::{Bounds, Store},
    },
    view::Clock,
};

/// Shows what is wanted of recordings, by time and by a filter.
pub(crate) fn replay(
    opened: Opened,
    wanted: Wanted,
    files: Vec<String>,
    filter: &str,
    flags: &Flags,
) -> Result<ExitCode, Failure> {
    let config = Config::read();
    let theme = theme(flags, &config).map_err(Failure::Usage)?;
    let limits = opened.limits();
    let Opened { replay, names, judge } = opened;
    let names = Arc::new(names);
    let symbols = Cache::new(&names.symbols);
    let (facts, headline) = recorded_facts(&replay);
    let known = Known {
        names: &names,
        symbols: &symbols,
        clock: Clock::new(replay.clock_offset(), jiff::tz::TimeZone::system()),
        facts,
        headline,
        files,
        filters: Box::new(RecordedFilters { names: &names }),
    };
    let (orders, ordered) = channel();
    let bounds = Bounds::default();
    let (begins, ends) = (replay.begins(), replay.ends());
    let begins = wanted.from.map_or(begins, |from| from.max(begins));
    let ends = wanted.to.into_iter().chain(ends).min();
    let mode = Mode::Replay(Playback::new(begins, ends.unwrap_or(begins)));
    let mut state = State::new(known, Store::new(bounds), mode, theme, orders.clone());
    filter.clone_into(&mut state.filter);
    let loading = Loading::new(replay, judge, limits, bounds.hops, wanted);
    let mail = mailbox();
    let (files, writer) = files::start(Caller::default(), mail.0.clone()).context("failed to start a thread")?;
    state.files = Some(files);
    let engine = ReplayEngine::new(loading, Outbox::new(mail.0.clone()), ordered);
    let engine = spawn(move || engine.run(), mail.0.clone())?;
    show(state, mail, &[], config, flags, &orders, engine, &|| true)?;
    // What was asked for last is still to be written.
    let _ = writer.join();
    Ok(ExitCode::SUCCESS)
}

fn recorded_facts(replay: &Replay) -> (Vec<(&'static str, String)>, String) {
    let Some(start) = replay.start() else { return (Vec::new(), String::new()) };
    let mut facts = vec![("host", start.host.clone()), ("kernel", start.kernel.clone())];
    facts.push(("attached by", start.backend.clone()));
    facts.push(("command", start.command.join(" ")));
    facts.push(("filter", start.filter.clone()));
    facts.retain(|(_, value)| !value.is_empty());
    let headline = [&start.host, &start.kernel, &start.backend].map(String::as_str).join(" ");
    (facts, headline)
}
