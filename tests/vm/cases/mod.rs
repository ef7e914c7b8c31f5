//! The cases, one file each. A case is a function that returns an error when the kernel and the program did not
//! do what they should; it starts from a bare machine and leaves one.

mod attachments;
mod backends;
mod bad_input;
mod beyond_linear;
mod bpf_programs;
mod cilium_maps;
mod context;
mod dataplane_lists;
mod dataplanes;
mod demo;
mod doctor;
mod drop_counts;
mod drops;
mod failing_reads;
mod files;
mod filters;
mod fixture;
mod flood_counts;
mod follow_bridge;
mod follow_connect;
mod follow_copies;
mod follow_fragments;
mod follow_iperf;
mod follow_nat;
mod follow_router;
mod follow_segments;
mod follow_tunnels;
mod follow_xdp;
mod functions;
mod hot_swap;
mod inspect_lists;
mod inspect_maps;
mod inspect_net;
mod inspect_rates;
mod kprobe_backend;
mod leaves_nothing;
mod limits;
mod member_chains;
mod own_traffic;
mod packet_bytes;
mod privileges;
mod protocols;
mod pwru_ci;
mod pwru_witness;
mod record_flood;
mod record_replay;
mod record_ways;
mod smoke_boot;
mod stack_and_caller;
mod stale_memory;
mod terminal;
mod trace_ping;
mod vanished_device;
mod without_skb;
mod witness_order;

use anyhow::Result;

use crate::guest::Guest;

pub(crate) struct Case {
    /// The file's name.
    pub(crate) name: &'static str,
    /// What it shows, for `vm list`.
    pub(crate) about: &'static str,
    /// The oldest kernel that has what the case is about; only an older one may skip it.
    pub(crate) min_kernel: (u32, u32),
    /// How long it may take in the guest, seconds.
    pub(crate) seconds: u64,
    pub(crate) run: fn(&Guest) -> Result<()>,
}

pub(crate) const CASES: &[Case] = &[
    smoke_boot::CASE,
    pwru_witness::CASE,
    doctor::CASE,
    functions::CASE,
    trace_ping::CASE,
    backends::CASE,
    protocols::CASE,
    filters::CASE,
    pwru_ci::CASE,
    drops::CASE,
    drop_counts::CASE,
    follow_router::CASE,
    follow_connect::CASE,
    stale_memory::CASE,
    follow_nat::CASE,
    follow_bridge::CASE,
    follow_tunnels::CASE,
    follow_fragments::CASE,
    follow_segments::CASE,
    follow_xdp::CASE,
    follow_copies::CASE,
    follow_iperf::CASE,
    limits::CASE,
    hot_swap::CASE,
    without_skb::CASE,
    stack_and_caller::CASE,
    packet_bytes::CASE,
    beyond_linear::CASE,
    member_chains::CASE,
    vanished_device::CASE,
    own_traffic::CASE,
    witness_order::CASE,
    privileges::CASE,
    files::CASE,
    bpf_programs::CASE,
    bad_input::CASE,
    cilium_maps::CASE,
    inspect_net::CASE,
    inspect_lists::CASE,
    inspect_maps::CASE,
    failing_reads::CASE,
    inspect_rates::CASE,
    context::CASE,
    demo::CASE,
    kprobe_backend::CASE,
    flood_counts::CASE,
    record_replay::CASE,
    record_flood::CASE,
    record_ways::CASE,
    fixture::CASE,
    dataplanes::CASE,
    dataplane_lists::CASE,
    attachments::CASE,
    terminal::CASE,
    leaves_nothing::CASE,
];
