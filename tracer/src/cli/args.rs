//! Arguments as typed. What they mean is worked out in `settings`.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, CommandFactory as _, Parser, Subcommand, ValueEnum};

use super::cmd;
use crate::{filter, kernel::nearest::nearest};

const AFTER_HELP: &str = "\
Exit codes:
  0  fine
  1  the run failed (no permission, no BTF, output that cannot be written, …)
  2  bad usage (unknown flag, filter syntax, namespace or interface that does not exist, …)

Examples:
  skbtrail                                           packets and their paths as they come, in a view with keys; ? is help
  skbtrail host 10.0.0.7 and tcp port 443            the same with a filter; `/` changes it while it runs
  skbtrail demo                                      what it does, on packets of its own
  skbtrail doctor                                    what works on this machine
  skbtrail trace host 10.0.0.7 and tcp port 443      one line for each function that a matching packet passes
  skbtrail trace --filter-netns web --filter-ifname eth0 --output-json icmp
  skbtrail paths --duration 10 tcp port 443          which ways packets take, and how long each hop takes
  skbtrail drops                                     what is dropped, why and where, and what usually helps
  skbtrail record -o web.pcapng tcp port 443         the same into a file, for `skbtrail replay` and for Wireshark
  skbtrail replay web.pcapng                         what was recorded, in the same view; no privileges needed
  skbtrail diff good.pcapng bad.pcapng               where the packets of two recordings part";

/// Follows every packet through the Linux kernel of this machine.
#[derive(Debug, Parser)]
#[command(name = "skbtrail", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Args {
    /// Say more about failures: the verifier's whole log
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// Arguments that begin with no command ask for the view: `skbtrail [FILTER]`.
pub(super) fn with_command(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let command = Args::command();
    let names = |word: &str| {
        let known = command.get_subcommands().any(|known| known.get_name() == word);
        known || ["help", "-h", "--help", "-V", "--version"].contains(&word)
    };
    let verbose = |word: &str| word == "-v" || word == "--verbose";
    let is_typo = |word: &str| {
        let commands = command.get_subcommands().map(clap::Command::get_name);
        let request =
            filter::Request { expression: word, environment: &filter::Anywhere, ..filter::Request::default() };
        nearest(word, commands).is_some() && filter::compile(&request).is_err()
    };
    let place = 1 + args.iter().skip(1).take_while(|arg| arg.to_str().is_some_and(verbose)).count();
    let first = args.get(place).and_then(|first| first.to_str());
    if !first.is_some_and(|first| names(first) || is_typo(first)) {
        args.insert(place.min(args.len()), "tui".into());
    }
    args
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show packets and their paths as they come, in a view with keys; what `skbtrail [FILTER]` does. Into a pipe it is `trace`
    Tui(Box<cmd::tui::Args>),
    /// Print a line for each kernel function that a matching packet passes
    Trace(Box<Trace>),
    /// Count packets by the path they take: the functions they pass, how many packets, how long each hop takes
    Paths(Box<cmd::paths::Args>),
    /// Count what the kernel drops by reason and place, with what it means, beside its own counters of losses
    Drops(Box<cmd::drops::Args>),
    /// Say where the packets of two recordings, or of two filters over one, go different ways
    Diff(cmd::diff::Args),
    /// Write the hits to a file that skbtrail replays and Wireshark opens
    Record(Box<cmd::record::Args>),
    /// Print what was recorded, as `trace` would have printed it
    Replay(Box<cmd::replay::Args>),
    /// Say what is in a recording
    Info(cmd::info::Args),
    /// Write what was recorded as rows for databases, or as a plain capture
    Export(cmd::export::Args),
    /// Show what skbtrail does, on packets that it sends itself in namespaces of its own
    Demo(cmd::demo::Args),
    /// List the functions that can be probed
    Functions(cmd::functions::Args),
    /// Show what a filter compiles to, or which packets of a capture match
    Filter(cmd::filter::Args),
    /// List what is attached to the network: XDP, tc, tcx, netkit, flow dissector, netfilter; and how interfaces are joined
    Net(cmd::net::Args),
    /// List the BPF programs of this kernel
    Progs(cmd::progs::Args),
    /// List the BPF maps of this kernel, or the entries of one
    Maps(cmd::maps::Args),
    /// Calico's eBPF dataplane: its maps, its log, and whether it is at work
    Calico(cmd::calico::Args),
    /// List Cilium's maps as its own tool does
    Cilium(Box<cmd::cilium::Args>),
    /// List the BPF programs at control groups, and at maps of sockets
    Cgroups(cmd::cgroups::Args),
    /// Merbridge and OSM Edge's interceptor: their maps, and who was redirected where
    Merbridge(cmd::merbridge::Args),
    /// Balancing: its maps, and what belongs to an address
    Balancing(cmd::balancing::Args),
    /// Say what this kernel and this user can do
    Doctor(cmd::doctor::Args),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

const TRACE_EXAMPLES: &str = "\
The language of FILTER is that of pcap-filter(7), and beside it has these keys, to be joined by and, or, not, ( ):
{keys}
Examples:
  skbtrail trace host 10.0.0.7 and tcp port 443
  skbtrail trace --filter-netns /run/netns/web --filter-ifname eth0 icmp
  skbtrail trace 'ifname eth0 and (drop or func tcp_v4_rcv) and inner(tcp port 443)'
  skbtrail trace --output-stack --filter-func 'kfree_skb.*|sk_skb_reason_drop' 'udp port 53'
  skbtrail trace --filter-trace-tc --filter-trace-xdp host 10.0.0.7      with the BPF programs on the way
  skbtrail trace --output-json --output-limit-lines 100 | jq .func
  skbtrail trace --group --output-limit-lines 3 icmp
  skbtrail trace --group --output-context tcp port 443      with pods, services and BPF programs

The run ends with Ctrl-C: what is in the ring is still printed, and stderr says how many hits were seen, shown and lost.
Flags that pwru has too mean what they mean there.";

/// The examples, with the list of keys.
fn trace_help() -> String {
    let line = |(_, about, examples): (_, &str, &[&str])| format!("  {}\n      {about}\n", examples.join("   "));
    TRACE_EXAMPLES.replace("{keys}", &filter::keys().map(line).collect::<String>())
}

/// Arguments of `trace`.
#[derive(Debug, clap::Args)]
#[command(after_help = trace_help())]
pub struct Trace {
    /// Packets to show, in the language of pcap-filter(7) with the keys below; all without
    #[arg(value_name = "FILTER", allow_negative_numbers = true)]
    pub filter: Vec<String>,
    /// What to trace
    #[command(flatten)]
    pub what: What,
    /// How to print it
    #[command(flatten)]
    pub output: Output,
    /// What only a running trace has
    #[command(flatten)]
    pub run: Run,
}

/// What only a running trace has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Run {
    /// Record the run too, into a new file (see `skbtrail record`)
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// What is known beside the packets: pod, identity and endpoint of their addresses, backends of a service, BPF
    /// programs at their devices
    #[arg(long)]
    pub output_context: bool,
    /// A file to create once everything is attached
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Take each line of standard input as a new filter, in force at once
    #[arg(long, conflicts_with = "group")]
    pub filter_stdin: bool,
}

/// Which functions and packets.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What to trace")]
#[expect(clippy::doc_markdown, reason = "this is help text")]
pub struct What {
    /// Network namespace: a path (with a `/`), a name of /run/netns, `inode:N` or `pid:N`
    #[arg(long, value_name = "NETNS")]
    pub filter_netns: Option<String>,
    /// Interface, in the namespace of --filter-netns or in this one (`*` and `?` as for the key ifname)
    #[arg(long, value_name = "NAME")]
    pub filter_ifname: Option<String>,
    /// skb->mark, decimal or 0x…, with an optional mask
    #[arg(long, value_name = "MARK[/MASK]")]
    pub filter_mark: Option<String>,
    /// Members of the sk_buff: `skb->dev->ifindex == 2`, also several joined by and, or, not
    #[arg(long, value_name = "EXPR")]
    pub filter_skb_expr: Option<String>,
    /// The packet inside (VXLAN, Geneve, GRE, IPIP, behind VLAN tags) matches: `inner(FILTER)`. Unlike with pwru, a packet
    /// with nothing inside does not pass
    #[arg(long, value_name = "FILTER")]
    pub filter_tunnel_pcap_l2: Option<String>,
    /// The same; where both are given, both must match
    #[arg(long, value_name = "FILTER")]
    pub filter_tunnel_pcap_l3: Option<String>,
    /// Functions to probe: a regular expression that matches the whole name
    #[arg(long, value_name = "REGEX")]
    pub filter_func: Option<String>,
    /// Do not follow packets: show only hits that match by themselves
    #[arg(long)]
    pub no_track: bool,
    /// Follow packets that matched wherever they go (which is what happens without --no-track)
    #[arg(long, conflicts_with = "no_track")]
    pub filter_track_skb: bool,
    /// Functions without an sk_buff to show too, where they are called in the work on a followed packet (`*` and `?` stand for
    /// any letters and any letter)
    #[arg(long, value_name = "GLOB,…", value_delimiter = ',', conflicts_with = "no_track")]
    pub filter_non_skb_funcs: Vec<String>,
    /// Follow packets too that appear on a stack which works on a followed one
    #[arg(long, conflicts_with = "no_track")]
    pub filter_track_skb_by_stackid: bool,
    /// Follow one in N of the packets that match
    #[arg(long, value_name = "1/N", conflicts_with = "no_track")]
    pub sample: Option<String>,
    /// Follow only the first N packets that match (0 all); but for the view, the run ends when they are through
    #[arg(long, value_name = "N", conflicts_with = "no_track")]
    pub limit_packets: Option<u32>,
    /// Show the BPF programs of tc, tcx and netkit that a followed packet passes, with their verdicts
    ///
    /// Programs that are loaded later are found within a fifth of a second. A program that cannot be traced (loaded without
    /// BTF, for instance) is named and skipped; one that is reached by a tail call shows with the program that called it.
    /// A program that is traced stays loaded until the run ends, even when it is detached meanwhile: the kernel does not tell
    /// whether anybody else still holds it.
    #[arg(long, conflicts_with = "no_track")]
    pub filter_trace_tc: bool,
    /// Show the BPF programs of XDP that a packet passes, with their verdicts
    ///
    /// At XDP the packet itself is judged, as it came from the wire; what belongs to an sk_buff or a process (mark, pid, …) is
    /// not known there. A packet that matches stays followed when a program has changed it. The journey ends where a driver
    /// copies the packet before it makes an sk_buff. What is said at --filter-trace-tc holds here too.
    #[arg(long, conflicts_with = "no_track")]
    pub filter_trace_xdp: bool,
    /// Modules to look into, beside the kernel itself; all that are loaded without
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub kmods: Vec<String>,
    /// Look into all loaded modules (which is what happens without --kmods)
    #[arg(long)]
    pub all_kmods: bool,
    /// How to attach: kprobe-multi, kprobe or tracepoint; the best that works without
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<String>,
    /// Size of the ring between kernel and skbtrail, MiB (a power of two)
    #[arg(long, value_name = "MIB", default_value_t = 128)]
    pub ring_size: u32,
}

/// What to print, and where.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::doc_markdown, reason = "this is help text")]
pub struct Output {
    /// Print JSON, an object a line (see assets/output-json.md)
    #[arg(long)]
    pub output_json: bool,
    /// Print a block for each packet when it has reached its end: its hops, what changed, what became of it
    #[arg(long, conflicts_with_all = ["columns", "output_caller", "output_stack", "output_packet", "output_skb_metadata"])]
    pub group: bool,
    /// Columns to print, for text and JSON
    #[arg(long, value_name = "NAME,…")]
    pub columns: Option<String>,
    /// Namespace, mark, interface, protocol, MTU and length
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub output_meta: bool,
    /// Addresses and ports
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub output_tuple: bool,
    /// TCP flags with the addresses
    #[arg(long)]
    pub output_tcp_flags: bool,
    /// Who called the function
    #[arg(long)]
    pub output_caller: bool,
    /// The kernel's stack below each line
    #[arg(long)]
    pub output_stack: bool,
    /// First bytes of the packet below each line (1 to 256; 64 without a number)
    #[arg(long, value_name = "BYTES", num_args = 0..=1, require_equals = true, default_missing_value = "64")]
    pub output_packet: Option<u32>,
    /// A member chain of the packet's sk_buff (skb->dev->ifindex); may be given several times
    #[arg(long, value_name = "EXPR", value_delimiter = ',')]
    pub output_skb_metadata: Vec<String>,
    /// Names of network namespaces
    #[arg(long)]
    pub output_netns_names: bool,
    /// When: none, current (time of day), absolute (date and time), relative (since the packet's last line)
    #[arg(long, value_name = "STYLE", default_value = "none")]
    pub timestamp: String,
    /// Write to a file, of this user alone (under sudo, of the one who called), instead of stdout
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Begin a new file at this size, MB; 0 never
    #[arg(long, value_name = "MB", default_value_t = 100)]
    pub output_file_max_size: u64,
    /// Older files to keep; 0 all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub output_file_max_backups: usize,
    /// End after this many lines (with --group: packets); 0 never
    #[arg(long, value_name = "N")]
    pub output_limit_lines: Option<u64>,
    /// Colours: auto, always or never (NO_COLOR is respected)
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
}

impl Output {
    /// Rows, blocks or a file are asked for, rather than a view.
    pub(super) fn is_asked_for(&self) -> bool {
        let Self { output_json, group, columns, output_file, output_limit_lines, timestamp, .. } = self;
        let rows = columns.is_some() || !self.output_meta || !self.output_tuple || self.output_tcp_flags;
        let more = self.output_caller || self.output_netns_names || timestamp != "none";
        *output_json || *group || rows || more || output_file.is_some() || output_limit_lines.is_some()
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// In a pipe too.
    Always,
    /// Not at all.
    Never,
}
