//! The view over a running trace: it is there before all is attached, and its threads have each the rights that they need.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
};

use anyhow::Context as _;

use super::{Flags, config::Config, files, filters::LiveFilters, machine::Machine, show, spawn, tapes::Tapes, theme};
use crate::{
    cli::{Failure, args::Trace, caller::Caller, group, progress::Progress, recorder, say::say, settings},
    collect::{
        Session, privileges,
        session::{Backend, RunTime},
    },
    feed::{Live, Plan, Planned, System},
    filter,
    inspect::lookup,
    kernel::Root,
    symbol::Cache,
    tui::{
        engine::{Batch, Gather, LiveEngine, Order, Outbox, Running, Sink, Status, Watch},
        node::Node,
        run::{DropBox, Mailbox, mailbox},
        state::{Known, Mode, State},
        store::{Bounds, Store},
        watched::Watched,
    },
    view::Clock,
};

/// The ring between the kernel and whoever counts the drops of the machine.
const DROPS_RING: u32 = 4 << 20;

/// Shows a running trace. All that can be wrong with the arguments is found before the terminal is taken.
pub(crate) fn live(mut args: Trace, flags: &Flags) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let mut config = Config::read();
    let theme = theme(flags, &config).map_err(Failure::Usage)?;
    default_filter(&root, &mut args, &mut config);
    let filter = settings::portable_filter(&args.filter, &args.what).map_err(Failure::Usage)?;
    let extra = settings::extra(&args.output).map_err(Failure::Usage)?;
    let mut options = settings::options(&args.what, extra.clone(), filter).map_err(Failure::Usage)?;
    options.swaps = true;
    options.filter = settings::filter(&root, &args.filter, &args.what)?;
    privileges::require()?;
    let looking = Progress::about("looking for what can be traced …");
    let Planned { plan, mut names, backend, mut notes } = Planned::new(&root, options)?;
    // Threads that write files come later.
    let caller = Caller::adopt();
    // What sits at devices takes privileges to see, and a thread of its own that keeps them.
    match lookup::Live::start(root.clone()).and_then(lookup::Soon::start) {
        Ok(facts) => names.facts = Some(Box::new(facts)),
        Err(error) => notes.push(format!("programs at devices are not shown: {error}")),
    }
    drop(looking);
    // The kernel asks for a privilege that is dropped below.
    let run_time = if flags.cost { Some(RunTime::count()?) } else { None };
    let start = recorder::start(backend, plan.probes().len(), &args.filter, &extra);
    let mail = mailbox();
    // It looks at what this thread may not any more in a moment.
    let node =
        Node::start(Box::new(Machine::new(root.clone())?), mail.0.clone()).context("failed to start a thread")?;
    let facts =
        vec![("host", start.host.clone()), ("kernel", start.kernel.clone()), ("attached by", start.backend.clone())];
    let headline = format!("{} {} {}", start.host, start.kernel, start.backend);
    let names = Arc::new(names);
    let typed = args.filter.join(" ");
    let symbols = Cache::new(&names.symbols);
    let system = System::new(&root);
    let known = Known {
        names: &names,
        symbols: &symbols,
        clock: Clock::new(Live::clock_offset(), jiff::tz::TimeZone::system()),
        facts,
        headline,
        files: Vec::new(),
        filters: Box::new(LiveFilters { root: &root, system: &system, what: &args.what, names: &names }),
    };
    let (orders, ordered) = channel();
    let bounds = Bounds::default();
    let mut state = State::new(known, Store::new(bounds), Mode::Live { held: None }, theme, orders.clone());
    state.filter.clone_from(&typed);
    state.status.attaching = Some((0, plan.probes().len()));
    state.node = Some(node);
    state.watched = Some(Watched::default());
    // Two that load programs at a time would only wait for each other, and this one is short.
    let _watching = watch_drops(root.clone(), flags.cost, mail.0.clone()).context("failed to start a thread")?;
    let tapes = Box::new(Tapes { caller, start, settings: recorder::settings(&extra) });
    let gather = Gather::new(group::limits(backend), bounds.hops);
    let first = args.run.record.map(Order::Record);
    let settled = Arc::new(AtomicBool::new(false));
    let attaching = Arc::clone(&settled);
    let shared = Arc::clone(&names);
    let mailbox = mail.0.clone();
    let engine = move || {
        let attached = attach(plan, &mailbox);
        attaching.store(true, Ordering::SeqCst);
        let session = attached.inspect_err(|_| mailbox.end())?;
        let running = Running { session, names: shared, filter: typed, tapes, run_time };
        Ok::<_, Failure>(LiveEngine::new(running, gather, Outbox::new(mailbox), ordered).run(first))
    };
    let engine = spawn(engine, mail.0.clone())?;
    // The threads so far have what they need, and give it up when they have used it.
    privileges::drop_all_but_needed()?;
    let (files, writer) = files::start(caller, mail.0.clone()).context("failed to start a thread")?;
    state.files = Some(files);
    let ended = show(state, mail, &notes, config, flags, &orders, engine, &|| settled.load(Ordering::SeqCst))?;
    // What was asked for last is still to be written.
    let _ = writer.join();
    match ended.transpose()? {
        Some(Some(counts)) => say(counts),
        Some(None) => {}
        // What it has in hand the kernel lets go of when this process ends.
        None => say("ended before all was attached; nothing was traced"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Attaches, tells the view how far that has got, and gives up what a running trace does not need.
fn attach(plan: Plan, mailbox: &Mailbox) -> Result<Session, Failure> {
    let mut mailbox = mailbox.clone();
    let mut told = |done, all| {
        let status = Status { attaching: Some((done, all)), ..Status::default() };
        // Where there is no room for it, the next one will do.
        let _ = mailbox.offer(Batch::news(Some(status), Vec::new()));
    };
    let (session, notes) = plan.attach(&mut told)?;
    privileges::drop_all_but_needed()?;
    if !notes.is_empty() {
        let _ = mailbox.offer(Batch::news(None, notes));
    }
    Ok(session)
}

/// Starts the thread that has every drop of the machine, whatever the filter. It ends with what is returned.
fn watch_drops(root: Root, counted: bool, mailbox: Mailbox) -> std::io::Result<Sender<()>> {
    let (ends, ended) = channel();
    let work = move || {
        let mut messages = DropBox(mailbox);
        match drops(&root) {
            Ok(session) => {
                let gather = Gather::new(group::limits(Backend::Tracepoint), 1 << 14);
                Watch::new(session, gather, Outbox::new(messages), ended, counted).run();
            }
            Err(error) => {
                let sentence = format!("drops of the whole machine are not counted: {error:#}");
                let status = Status { ended: Some(sentence.clone()), ..Status::default() };
                let batch = Batch::news(Some(status), vec![sentence]);
                // Nobody may be there to hear of it.
                let _ = messages.offer(batch);
            }
        }
    };
    thread::Builder::new().name("drops".to_owned()).spawn(work)?;
    Ok(ends)
}

fn drops(root: &Root) -> anyhow::Result<Session> {
    let all = filter::compile(&filter::Request { environment: &filter::Anywhere, ..filter::Request::default() })?;
    let planned = Planned::new(root, settings::only_drops(all, true, DROPS_RING)?)?;
    let (session, _) = planned.plan.attach(&mut |_, _| {})?;
    privileges::drop_all_but_needed()?;
    Ok(session)
}

/// Where no filter is given, that of the settings is in force, if it can be.
fn default_filter(root: &Root, args: &mut Trace, config: &mut Config) {
    let Some((line, filter)) = config.filter.clone().filter(|_| args.filter.is_empty()) else { return };
    let typed = vec![filter];
    match settings::filter(root, &typed, &args.what) {
        Ok(_) => args.filter = typed,
        Err(Failure::Usage(error) | Failure::Run(error)) => {
            let text = error.to_string();
            config.fault(line, text.lines().next().unwrap_or_default());
        }
    }
}
