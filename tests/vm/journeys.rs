//! Judges what was followed: that a journey is one packet's from its first hit to its last, and passes where it should.
//!
//! What a packet may look like on its way, and where it goes, is data of the cases. Here only the rules stand that hold of
//! every journey: one first hit, branches that come from one another, no flow but the packet's own.

use std::collections::BTreeMap;
use std::mem::offset_of;
use std::net::UdpSocket;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::Value;
use tracer_common::config::counter::NOT_FOLLOWED;
use tracer_common::journey::{Followed, state};

use crate::guest::Guest;
use crate::net::{Namespace, sh};
use crate::tracer::{Hop, Trace, Tracer};

/// What has been sent is freed by then, on a machine that does much else.
const LET_GO_WITHIN: Duration = Duration::from_secs(20);
/// Packets that cannot be told apart by a flow, with what a hop may say of their protocol: nothing yet, IPv4 or IPv6.
const PROTOCOLS: [u64; 3] = [0, 0x0800, 0x86dd];

/// Marks a flow that need not be seen.
const HALF_DONE: char = '?';

/// A run, and what it must show.
pub(crate) struct Expected {
    pub(crate) name: &'static str,
    pub(crate) filter: &'static str,
    /// A shell line in the namespace that sends.
    pub(crate) traffic: &'static str,
    /// Exactly so many journeys; at least one for `None`.
    pub(crate) journeys: Option<usize>,
    /// What hops of a journey may say of the packet's flow ([`Hop::flow`]), a star for any text. Each must be seen in some
    /// journey, but for those behind a question mark: what is seen when a rewrite is half done.
    pub(crate) flows: &'static [&'static str],
    /// Where every journey passes ([`Place`]), in this order, others between them allowed.
    pub(crate) way: &'static [&'static str],
    /// Places that at least so many branches of a journey pass; some journey must do so at all of them.
    pub(crate) branches: &'static [(&'static str, usize)],
}

impl Expected {
    /// One run for all of `expected`, by a filter that is any of theirs, since a start costs more than all the rest: traces
    /// while `sender` sends, waits until the kernel has let go of all that was followed, and judges.
    ///
    /// A journey is of the first one whose flows its first hit fits.
    pub(crate) fn check(expected: &[Self], guest: &Guest, sender: &Namespace) -> Result<Trace> {
        let filters: Vec<String> = expected.iter().map(|expected| format!("({})", expected.filter)).collect();
        let (filter, few) = (filters.join(" or "), functions(expected));
        let how: &[&str] = if guest.has_kprobe_multi() { &[] } else { &["--filter-func", &few] };
        let seen = followed(&[how, &[&filter]].concat(), || {
            expected.iter().try_for_each(|expected| sender.sh(expected.traffic).map(drop))
        })?;
        let mut groups: Vec<Vec<Journey<'_>>> = expected.iter().map(|_| Vec::new()).collect();
        for journey in journeys(&seen)? {
            let first = journey.hops[0].flow().unwrap_or_default();
            let owner = expected.iter().position(|expected| expected.flows.iter().any(|flow| fits(flow, &first)));
            groups[owner.with_context(|| format!("nobody's: {}", journey.story()))?].push(journey);
        }
        for (expected, journeys) in expected.iter().zip(&groups) {
            expected.judge(journeys, guest.has_kprobe_multi()).with_context(|| expected.name)?;
        }
        drop(groups);
        Ok(seen)
    }

    fn judge(&self, journeys: &[Journey<'_>], all_functions: bool) -> Result<()> {
        let found = journeys.len();
        ensure!(
            found > 0 && self.journeys.is_none_or(|wanted| wanted == found),
            "{found} journeys, not {:?}: {}",
            self.journeys,
            listed(journeys)
        );
        for journey in journeys {
            journey.is_one_packet(self.flows)?;
            journey.passes(self.way)?;
            ensure!(!all_functions || journey.parents_are_seen(), "a parent that has no hit: {}", journey.story());
        }
        for flow in self.flows.iter().filter(|flow| !flow.starts_with(HALF_DONE)) {
            let mut told = journeys.iter().flat_map(|journey| &journey.hops).filter_map(|hop| hop.flow());
            ensure!(told.any(|told| fits(flow, &told)), "no hop tells `{flow}`: {}", listed(journeys));
        }
        let branched = journeys.iter().any(|journey| {
            self.branches.iter().all(|(place, least)| journey.branches_at(place).is_ok_and(|found| found >= *least))
        });
        ensure!(branched, "no journey with {:?}: {}", self.branches, listed(journeys));
        Ok(())
    }
}

/// Where packets of the host itself begin, before any copy is made of them.
const BEGINNINGS: [&str; 2] = ["__ip_local_out", "ip6_local_out"];

/// Names of the functions at all places and where packets begin, for kernels that attach one by one.
fn functions(expected: &[Expected]) -> String {
    let places = expected
        .iter()
        .flat_map(|expected| expected.way.iter().chain(expected.branches.iter().map(|(place, _)| place)));
    let mut names: Vec<&str> = places.filter_map(|place| place.split('@').next()).chain(BEGINNINGS).collect();
    names.sort_unstable();
    names.dedup();
    names.join("|")
}

/// Runs `skbtrail trace ARGS` around `traffic`, and waits until no packet is followed any more.
pub(crate) fn followed(args: &[&str], traffic: impl FnOnce() -> Result<()>) -> Result<Trace> {
    let mut running = Tracer::new(args).start()?;
    traffic()?;
    if let Err(error) = all_let_go() {
        let seen = running.stop()?;
        return Err(error.context(listed(&journeys(&seen)?)));
    }
    ensure!(not_followed()? == 0, "packets could not be followed");
    let seen = running.stop()?;
    let counts = seen.check()?;
    ensure!(counts.lost == 0, "{counts:?}: {}", seen.stderr);
    Ok(seen)
}

/// Waits until no `sk_buff` is followed any more, nor a note of one stays that is freed.
pub(crate) fn all_let_go() -> Result<()> {
    let start = Instant::now();
    loop {
        let followed = map("FOLLOWED")?;
        if followed.is_empty() {
            return Ok(());
        }
        if start.elapsed() > LET_GO_WITHIN {
            let noted: Vec<String> = followed.iter().map(noted).collect();
            bail!("still noted after {LET_GO_WITHIN:?}: {}", noted.join(", "));
        }
        on_each_cpu(receive_something)?;
        sleep(Duration::from_millis(50));
    }
}

/// Since 5.19 a CPU that is done with an `sk_buff` of another one leaves it to that one to free, which does so when it next
/// receives something (`skb_attempt_defer_free`).
fn receive_something() -> Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    UdpSocket::bind("127.0.0.1:0")?.send_to(b"wake up", receiver.local_addr()?)?;
    Ok(())
}

fn on_each_cpu(work: fn() -> Result<()>) -> Result<()> {
    for cpu in 0..std::thread::available_parallelism()?.get() {
        let there = std::thread::spawn(move || {
            let mut cpus = CpuSet::new();
            cpus.set(cpu)?;
            sched_setaffinity(Pid::from_raw(0), &cpus)?;
            work()
        });
        there.join().ok().context("the thread of a CPU panicked")??;
    }
    Ok(())
}

/// What a note says, for whoever has to find the fault.
fn noted(entry: &Value) -> String {
    let bytes_at = |place: usize| {
        let value = entry["value"].as_array().and_then(|bytes| bytes.get(place..place + 4));
        value.and_then(little_endian).unwrap_or_default()
    };
    let address = bytes(&entry["key"]).unwrap_or_default();
    let (branch, state) = (bytes_at(offset_of!(Followed, branch)), bytes_at(offset_of!(Followed, state)));
    let word = if state == u64::from(state::RELEASED) { "let go" } else { "alive" };
    format!("branch {branch} at {address:#x}, {word}")
}

/// Packets that should have been followed, had there been room.
pub(crate) fn not_followed() -> Result<u64> {
    counter(u64::from(NOT_FOLLOWED))
}

/// A counter of the running tracer, over all CPUs.
fn counter(index: u64) -> Result<u64> {
    let counters = map("COUNTERS")?;
    let entry = counters.iter().find(|entry| bytes(&entry["key"]) == Some(index));
    let values = entry.and_then(|entry| entry["values"].as_array()).context("no such counter")?;
    values.iter().map(|value| bytes(&value["value"]).context("a counter that is no number")).sum()
}

/// Entries of a map of the running tracer.
fn map(name: &str) -> Result<Vec<Value>> {
    let text = sh(&format!("bpftool -j map dump name {name}"))?;
    serde_json::from_str(&text).with_context(|| format!("not a list of entries: {text}"))
}

/// A little-endian number as bpftool prints one: a list of bytes.
fn bytes(value: &Value) -> Option<u64> {
    little_endian(value.as_array()?)
}

fn little_endian(bytes: &[Value]) -> Option<u64> {
    let bytes = bytes.iter().rev();
    bytes.map(|byte| u64::from_str_radix(byte.as_str()?.strip_prefix("0x")?, 16).ok()).try_fold(0, |number, byte| {
        let byte = byte?;
        Some(number << 8 | byte)
    })
}

/// One packet's story, its hops in the order of their time.
pub(crate) struct Journey<'a> {
    pub(crate) id: u64,
    pub(crate) hops: Vec<&'a Hop>,
}

/// The journeys of a run, in the order of their beginning; an error where they break the rules.
pub(crate) fn journeys(seen: &Trace) -> Result<Vec<Journey<'_>>> {
    let mut found: BTreeMap<u64, Vec<&Hop>> = BTreeMap::new();
    let mut owners: BTreeMap<u64, u64> = BTreeMap::new();
    for hop in &seen.hops {
        let (Some(id), Some(branch)) = (hop.number("/journey"), hop.number("/branch")) else {
            bail!("a hop without a journey: {}", hop.0);
        };
        let owner = *owners.entry(branch).or_insert(id);
        ensure!(owner == id, "branch {branch} is in the journeys {owner} and {id}: {}", hop.0);
        found.entry(id).or_default().push(hop);
    }
    let mut journeys = Vec::new();
    for (id, mut hops) in found {
        hops.sort_by_key(|hop| hop.time());
        let journey = Journey { id, hops };
        journey.is_sound()?;
        journeys.push(journey);
    }
    Ok(journeys)
}

impl Journey<'_> {
    /// It begins with its only first hit, and every branch comes from another one.
    fn is_sound(&self) -> Result<()> {
        let firsts = self.hops.iter().filter(|hop| hop.is_first()).count();
        ensure!(firsts == 1 && self.hops[0].is_first(), "{firsts} first hits: {}", self.story());
        let mut parents: BTreeMap<u64, Option<u64>> = BTreeMap::new();
        for hop in &self.hops {
            let (branch, parent) = (hop.number("/branch").unwrap_or_default(), hop.number("/parent"));
            let known = *parents.entry(branch).or_insert(parent);
            ensure!(known == parent, "branch {branch} has two parents: {}", self.story());
            // The first branch has the journey's number, and a child's is given after its parent's.
            let sound = if branch == self.id { parent.is_none() } else { parent.is_some_and(|parent| parent < branch) };
            ensure!(sound, "branch {branch} of {parent:?}: {}", self.story());
        }
        Ok(())
    }

    /// Every parent has a hit in this journey, which holds where all functions are traced.
    fn parents_are_seen(&self) -> bool {
        let mut parents = self.hops.iter().filter_map(|hop| hop.number("/parent"));
        parents.all(|parent| self.hops.iter().any(|hop| hop.number("/branch") == Some(parent)))
    }

    /// No hop tells of another flow, nor of another echo request.
    pub(crate) fn is_one_packet(&self, flows: &[&str]) -> Result<()> {
        let mut sequence = None;
        for hop in &self.hops {
            match hop.flow() {
                Some(told) => ensure!(
                    flows.iter().any(|flow| fits(flow.trim_start_matches(HALF_DONE), &told)),
                    "`{told}` is foreign: {}",
                    hop.0
                ),
                None => ensure!(
                    hop.number("/proto").is_some_and(|proto| PROTOCOLS.contains(&proto)),
                    "a foreign packet: {}\n{}",
                    hop.0,
                    self.story()
                ),
            }
            if let Some(number) = hop.number("/tuple/icmp_seq") {
                ensure!(*sequence.get_or_insert(number) == number, "two echo requests: {}", self.story());
            }
        }
        Ok(())
    }

    /// Passes all `places` in this order, others between them allowed.
    pub(crate) fn passes(&self, places: &[&str]) -> Result<()> {
        let mut hops = self.hops.iter();
        for place in places {
            let place = Place::parse(place)?;
            ensure!(
                hops.any(|hop| place.holds(hop)),
                "{place:?} is not on the way where it should be: {}",
                self.story()
            );
        }
        Ok(())
    }

    /// Branches with a hit at a place.
    pub(crate) fn branches_at(&self, place: &str) -> Result<usize> {
        let place = Place::parse(place)?;
        let mut branches: Vec<_> =
            self.hops.iter().filter(|hop| place.holds(hop)).map(|hop| hop.number("/branch")).collect();
        branches.sort_unstable();
        branches.dedup();
        Ok(branches.len())
    }

    /// All of it, for whoever has to find the fault.
    pub(crate) fn story(&self) -> String {
        let hops = self.hops.iter().map(|hop| {
            let number = |path| hop.number(path).map_or_else(|| "-".to_owned(), |number| number.to_string());
            let flow = hop.flow().unwrap_or_default();
            let (branch, parent, netns) = (number("/branch"), number("/parent"), number("/netns"));
            format!("  {branch}<{parent} {} {netns}/{} {} [{flow}]", hop.func(), hop.ifname(), number("/len"))
        });
        format!("journey {}:\n{}", self.id, hops.collect::<Vec<_>>().join("\n"))
    }
}

/// So many journeys tell whoever has to find the fault enough.
const MOST_LISTED: usize = 8;

fn listed(journeys: &[Journey<'_>]) -> String {
    let stories = journeys.iter().take(MOST_LISTED).map(Journey::story);
    let rest = journeys.len().saturating_sub(MOST_LISTED);
    stories.chain((rest > 0).then(|| format!("and {rest} more"))).collect::<Vec<_>>().join("\n")
}

/// Where a hop is: `function@namespace/device`, the device or both left out where they do not matter. Several functions
/// are joined by `|`.
#[derive(Debug)]
struct Place<'a> {
    functions: &'a str,
    netns: Option<u64>,
    device: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let (functions, rest) = text.split_once('@').map_or((text, None), |(functions, rest)| (functions, Some(rest)));
        let (name, device) = rest
            .map_or((None, None), |rest| rest.split_once('/').map_or((Some(rest), None), |(n, d)| (Some(n), Some(d))));
        let netns = name.map(Namespace::inode_of).transpose()?;
        Ok(Self { functions, netns, device })
    }

    fn holds(&self, hop: &Hop) -> bool {
        self.functions.split('|').any(|function| hop.func() == function)
            && self.netns.is_none_or(|netns| hop.netns() == Some(netns))
            && self.device.is_none_or(|device| hop.ifname() == device)
    }
}

/// A star stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last_is_open = false;
    for part in parts {
        last_is_open = part.is_empty();
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    last_is_open || rest.is_empty()
}
