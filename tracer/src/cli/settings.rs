//! What the arguments of `trace` mean: everything that can be wrong with them is found here, before anything is attached.

use anyhow::{Context as _, anyhow, bail};

use super::{
    args::{Output, What},
    failure::{Failure, is_refusal},
};
use crate::{
    collect::{attach::programs, privileges, session::Backend},
    feed::{Options, System},
    filter::{self, Compiled, Environment, Problem},
    kernel::{Root, nearest::nearest, netns},
    probe::{Modules, Selection, others::Globs},
    view::{self, Timestamp},
};

/// The tracepoint that tells of drops.
const DROPS: &str = "kfree_skb";
/// Smallest and largest ring, MiB.
const RING_MIB: std::ops::RangeInclusive<u32> = 1..=1024;

/// Compiles the filter as far as it is the same on every machine: names that only one machine knows are accepted unseen.
pub(crate) fn portable_filter(expression: &[String], what: &What) -> anyhow::Result<Compiled> {
    Ok(compile(expression, what, None, &filter::Anywhere)??)
}

/// Compiles the filter together with the flags that are spellings of it. That this process may not look at a namespace is
/// no bad usage.
pub(crate) fn filter(root: &Root, expression: &[String], what: &What) -> Result<Compiled, Failure> {
    let netns = place(root, what).map_err(|error| refused_or_usage(error.into()))?;
    let compiled = compile(expression, what, netns, &System::new(root)).map_err(Failure::Usage)?;
    compiled.map_err(|error| match error.problem {
        Problem::Unanswered { denied: true, .. } => refused(error.into()),
        _ => Failure::usage(error),
    })
}

/// The same for a filter that is typed while the trace runs, on a machine whose facts are at hand.
pub(crate) fn other_filter(
    root: &Root,
    system: &System<'_>,
    text: &str,
    what: &What,
) -> Result<Compiled, filter::Error> {
    let failed =
        |sentence: String| filter::Error::new(Problem::Unanswered { sentence, denied: false }, text, 0..text.len());
    let netns = place(root, what).map_err(|error| failed(error.to_string()))?;
    let compiled = compile(std::slice::from_ref(&text.to_owned()), what, netns, system);
    compiled.map_err(|error| failed(format!("{error:#}")))?
}

fn compile(
    expression: &[String],
    what: &What,
    netns: Option<u32>,
    environment: &dyn Environment,
) -> anyhow::Result<Result<Compiled, filter::Error>> {
    let mark = what.filter_mark.as_deref().map(filter::parse_mark).transpose()?;
    let also: Vec<&str> = what.filter_skb_expr.iter().map(String::as_str).collect();
    let inside = [what.filter_tunnel_pcap_l2.as_deref(), what.filter_tunnel_pcap_l3.as_deref()];
    Ok(filter::compile(&filter::Request {
        expression: &expression.join(" "),
        also: &also,
        inside: &inside.into_iter().flatten().collect::<Vec<_>>(),
        netns,
        ifname: what.filter_ifname.as_deref(),
        mark,
        environment,
    }))
}

/// What the kernel refuses to this process; who may not trace at all hears that, which has a remedy.
fn refused(error: anyhow::Error) -> Failure {
    privileges::require().err().map_or(Failure::Run(error), Into::into)
}

/// What may be wrong with the machine's names: typed wrongly, or not for this process to see.
pub(crate) fn refused_or_usage(error: anyhow::Error) -> Failure {
    if is_refusal(&error) { refused(error) } else { Failure::Usage(error) }
}

/// Inode of the namespace. As with pwru, an interface without a namespace is one of this process's own, and one that does
/// not exist is an error; the filter itself goes by the name, so an interface that is made anew is seen too.
fn place(root: &Root, what: &What) -> Result<Option<u32>, netns::Error> {
    let namespace = what.filter_netns.as_deref().map(|name| netns::resolve(root, name)).transpose()?;
    let Some(name) = what.filter_ifname.as_deref() else { return Ok(namespace.map(|namespace| namespace.inode)) };
    if !name.contains(['*', '?']) {
        match netns::interface(root, namespace.as_ref(), name) {
            // Nothing leads there to ask; the kernel's own answer, hit by hit, needs no way.
            Ok(_) | Err(netns::Error::Unreachable(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let namespace = namespace.map_or_else(|| netns::own(root), Ok)?;
    Ok(Some(namespace.inode))
}

/// What to read with each hit beyond what every hit has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    /// Return addresses.
    pub(crate) caller: bool,
    /// Kernel stacks.
    pub(crate) stack: bool,
    /// Packet bytes.
    pub(crate) packet_bytes: u32,
    /// Member chains.
    pub(crate) metadata: Vec<String>,
}

/// What the columns to print need.
pub(crate) fn extra(output: &Output) -> anyhow::Result<Extra> {
    Ok(Extra {
        caller: output.output_caller || wants(output, "caller"),
        stack: output.output_stack || wants(output, "stack"),
        packet_bytes: packet_bytes(output)?,
        metadata: output.output_skb_metadata.clone(),
    })
}

/// What to have the kernel do.
pub(crate) fn options(what: &What, extra: Extra, filter: Compiled) -> anyhow::Result<Options> {
    Ok(Options {
        backend: what.backend.as_deref().map(backend).transpose()?,
        selection: Selection::new(what.filter_func.as_deref())
            .with_context(|| format!("bad --filter-func `{}`", what.filter_func.as_deref().unwrap_or_default()))?,
        all_functions: what.filter_func.is_none(),
        modules: if what.kmods.is_empty() || what.all_kmods { Modules::All } else { Modules::Only(what.kmods.clone()) },
        filter,
        swaps: false,
        follow: !what.no_track,
        sample: sample(what)?,
        most_packets: what.limit_packets.unwrap_or(0),
        others: Globs::new(&what.filter_non_skb_funcs).context("bad --filter-non-skb-funcs")?,
        follow_stacks: what.filter_track_skb_by_stackid,
        caller: extra.caller,
        stack: extra.stack,
        hide_own: true,
        packet_bytes: extra.packet_bytes,
        metadata: extra.metadata,
        programs: programs::Wanted { tc: what.filter_trace_tc, xdp: what.filter_trace_xdp },
        ring_bytes: ring_bytes(what.ring_size)?,
    })
}

/// A trace of drops alone: one tracepoint, which costs nothing where nothing is dropped.
pub(crate) fn only_drops(filter: Compiled, stack: bool, ring_bytes: u32) -> anyhow::Result<Options> {
    Ok(Options {
        backend: Some(Backend::Tracepoint),
        selection: Selection::new(Some(DROPS)).context("failed to choose the tracepoint")?,
        all_functions: false,
        modules: Modules::None,
        filter,
        swaps: false,
        follow: false,
        sample: 1,
        most_packets: 0,
        others: Globs::new(&[]).context("failed to choose no functions")?,
        follow_stacks: false,
        caller: false,
        stack,
        hide_own: true,
        packet_bytes: 0,
        metadata: Vec::new(),
        programs: programs::Wanted::default(),
        ring_bytes,
    })
}

/// Which columns to print.
pub(crate) fn selection(output: &Output) -> anyhow::Result<view::Selection<'_>> {
    Ok(view::Selection {
        columns: output.columns.as_deref(),
        meta: output.output_meta,
        tuple: output.output_tuple,
        netns_names: output.output_netns_names,
        caller: output.output_caller,
        metadata: !output.output_skb_metadata.is_empty(),
        stack: output.output_stack,
        packet: output.output_packet.is_some(),
        timestamp: timestamp(output)?,
    })
}

/// The style of `--timestamp`.
pub(crate) fn timestamp(output: &Output) -> anyhow::Result<Timestamp> {
    Ok(output.timestamp.parse::<Timestamp>()?)
}

/// N of `--sample 1/N`.
fn sample(what: &What) -> anyhow::Result<u32> {
    let Some(text) = &what.sample else { return Ok(1) };
    let number = text.strip_prefix("1/").and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    number.ok_or_else(|| anyhow!("--sample takes 1/N, as in 1/100, not `{text}`"))
}

/// The column is named in `--columns`.
pub(crate) fn wants(output: &Output, column: &str) -> bool {
    output.columns.as_deref().is_some_and(|columns| columns.split(',').any(|name| name.trim() == column))
}

/// The backend that `--backend` names.
pub(crate) fn backend(name: &str) -> anyhow::Result<Backend> {
    if let Some((backend, _)) = Backend::NAMES.iter().find(|(_, known)| *known == name) {
        return Ok(*backend);
    }
    let names = Backend::NAMES.map(|(_, name)| name);
    let hint = nearest(name, names).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Err(anyhow!("unknown backend `{name}`; {hint}there are {}", names.join(", ")))
}

fn packet_bytes(output: &Output) -> anyhow::Result<u32> {
    let limit = tracer_common::event::PACKET_BYTES as u32;
    match output.output_packet {
        Some(bytes) if !(1..=limit).contains(&bytes) => bail!("--output-packet takes 1 to {limit} bytes, not {bytes}"),
        Some(bytes) => Ok(bytes),
        None if wants(output, "packet") => Ok(64),
        None => Ok(0),
    }
}

/// Bytes of a ring of so many MiB.
pub(crate) fn ring_bytes(mib: u32) -> anyhow::Result<u32> {
    if !mib.is_power_of_two() || !RING_MIB.contains(&mib) {
        bail!("--ring-size takes a power of two from {} to {} (MiB), not {mib}", RING_MIB.start(), RING_MIB.end());
    }
    Ok(mib << 20)
}
