//! Rows to a tracker, without an event in between: what hops of a frame share is looked at once for all of them.

use super::hops::{self, Hops};
use crate::{
    model::{EventKind, Name, ProbeId},
    record::format::rows::{Device, HeaderBytes, Part, Task, flags},
    track::{self, DeviceId, Hop, NetnsId, Said, Sight, Tables, TaskId, Tracker},
};

/// The dictionaries of a frame, in the tracker's numbers.
pub(super) struct Shared {
    tasks: Vec<(TaskId, u32)>,
    devices: Vec<(NetnsId, DeviceId)>,
    headers: Vec<Option<Said>>,
    /// Number of the frame's first headers among all that were handed out.
    first: u64,
}

impl Shared {
    /// `numbered` counts the headers that were numbered so far.
    pub(super) fn new(hops: &Hops, tables: &mut Tables, numbered: &mut u64) -> Self {
        let task = |task: Task| (tables.task(Name(task.comm)), task.pid);
        let tasks = hops.all(Part::Tasks).map(task).collect();
        let device = |device: Device| {
            let netns = (device.known & 1 == 1).then_some(device.netns);
            let known = (device.known & 2 == 2).then_some(device.ifindex);
            let known = known.map(|ifindex| track::Device { netns, ifindex, name: Name(device.ifname) });
            (tables.netns(netns), tables.device(known))
        };
        let devices = hops.all(Part::Devices).map(device).collect();
        let said = |bytes: HeaderBytes| hops::headers(&bytes).map(|headers| Said::of(&headers));
        let headers: Vec<_> = hops.all(Part::Headers).map(said).collect();
        // 0 stands for none.
        let first = *numbered + 1;
        *numbered += headers.len() as u64;
        Self { tasks, devices, headers, first }
    }

    /// Hands a row over; `None` where it refers to what is not there.
    pub(super) fn hand(&self, hops: &Hops, number: usize, tracker: &mut Tracker) -> Option<()> {
        let (row, packet) = hops.row(number)?;
        if let Some(kind) = hops::change_kind(row.kind) {
            tracker.change(&hops.change(&row, &packet, kind)?);
            return Some(());
        }
        let kind = hops::hit_kind(row.kind)?;
        let (task, pid) = *self.tasks.get(usize::from(row.task))?;
        let (netns, device) = *self.devices.get(usize::from(row.device))?;
        let said = self.headers.get(usize::from(row.headers))?.as_ref()?;
        let caller = hops.address(row.address)?;
        let vlan = (row.flags & flags::VLAN != 0).then_some((row.vlan_tci, row.vlan_proto));
        let sight = Sight { said, number: self.first + u64::from(row.headers), mark: row.mark, vlan };
        let branch = hops::branch(&packet);
        let flag = |bit: u16, flag: u8| if row.flags & bit == 0 { 0 } else { flag };
        let hop = Hop {
            time: row.time,
            place: caller.filter(|_| kind == EventKind::Drop).unwrap_or(0),
            probe: ProbeId(row.probe),
            branch: branch.map_or(0, |branch| branch.number),
            value: if row.flags & flags::VALUE == 0 { 0 } else { row.value },
            pid,
            len: row.len,
            netns,
            device,
            task,
            cpu: row.cpu,
            look: Hop::NO_LOOK,
            kind,
            flags: flag(flags::VALUE, Hop::VALUE)
                | flag(flags::FIRST, Hop::FIRST)
                | flag(flags::BY_STACK, Hop::BY_STACK),
        };
        tracker.hop(branch, packet.skb, hop, Some(sight));
        Some(())
    }
}
