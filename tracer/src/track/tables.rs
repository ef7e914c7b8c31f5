//! What hops share: namespaces, devices and names of tasks, each kept once and referred to by a small number.

use std::{collections::HashMap, hash::Hash};

use super::Hop;
use crate::model::{Event, EventKind, Name};

/// Index of a namespace in [`Tables`]; 0 is "not known".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetnsId(pub u16);

/// Index of a device in [`Tables`]; 0 is "no device".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u16);

/// Index of a task's name in [`Tables`]; 0 is "no name".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u16);

/// A device as it was at a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// Inode of its namespace.
    pub netns: Option<u32>,
    /// Its index there.
    pub ifindex: u32,
    /// Its name at the time.
    pub name: Name,
}

/// How far [`Tables`] had grown at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark([usize; 3]);

/// What has joined [`Tables`] since a time, for a copy of them on another thread.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    namespaces: Vec<u32>,
    devices: Vec<Device>,
    tasks: Vec<Name>,
}

/// The tables that hops of a run refer to.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    namespaces: Interned<u32>,
    devices: Interned<Device>,
    tasks: Interned<Name>,
}

impl Tables {
    /// How far they have grown, for [`Tables::since`].
    pub fn mark(&self) -> Mark {
        Mark([self.namespaces.values.len(), self.devices.values.len(), self.tasks.values.len()])
    }

    /// What has joined them since.
    pub fn since(&self, mark: Mark) -> Growth {
        let Mark([namespaces, devices, tasks]) = mark;
        Growth {
            namespaces: self.namespaces.since(namespaces),
            devices: self.devices.since(devices),
            tasks: self.tasks.since(tasks),
        }
    }

    /// Takes what has joined those that these are a copy of: the same numbers then mean the same.
    pub fn grow(&mut self, growth: &Growth) {
        for namespace in &growth.namespaces {
            self.namespaces.index(*namespace);
        }
        for device in &growth.devices {
            self.devices.index(*device);
        }
        for task in &growth.tasks {
            self.tasks.index(*task);
        }
    }

    /// Number of a namespace, by inode.
    pub fn netns(&mut self, inode: Option<u32>) -> NetnsId {
        NetnsId(inode.map_or(0, |inode| self.namespaces.index(inode)))
    }

    /// Number of a device.
    pub fn device(&mut self, device: Option<Device>) -> DeviceId {
        DeviceId(device.map_or(0, |device| self.devices.index(device)))
    }

    /// Number of a task's name.
    pub fn task(&mut self, comm: Name) -> TaskId {
        TaskId(if comm.is_empty() { 0 } else { self.tasks.index(comm) })
    }

    /// Inode of a namespace.
    pub fn netns_of(&self, id: NetnsId) -> Option<u32> {
        self.namespaces.get(id.0).copied()
    }

    /// The device.
    pub fn device_of(&self, id: DeviceId) -> Option<&Device> {
        self.devices.get(id.0)
    }

    /// All devices seen so far.
    pub fn devices(&self) -> &[Device] {
        &self.devices.values
    }

    /// Names of all tasks seen so far.
    pub fn tasks(&self) -> &[Name] {
        &self.tasks.values
    }

    /// Name of a task.
    pub fn task_of(&self, id: TaskId) -> Option<Name> {
        self.tasks.get(id.0).copied()
    }

    /// The small form of an event.
    pub fn hop(&mut self, event: &Event) -> Hop {
        let value = event.reason.or(event.returned);
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let device = event.ifindex.map(|ifindex| Device { netns: event.netns, ifindex, name: event.ifname });
        Hop {
            time: event.time,
            place: event.caller.filter(|_| event.kind == EventKind::Drop).unwrap_or(0),
            probe: event.probe,
            branch: event.branch.map_or(0, |branch| branch.number),
            value: value.unwrap_or(0),
            pid: event.pid,
            len: event.len,
            netns: self.netns(event.netns),
            device: self.device(device),
            task: self.task(event.comm),
            cpu: event.cpu,
            look: Hop::NO_LOOK,
            kind: event.kind,
            flags: flag(value.is_some(), Hop::VALUE)
                | flag(event.first, Hop::FIRST)
                | flag(event.by_stack, Hop::BY_STACK),
        }
    }
}

/// Values with numbers from 1 on. When all numbers are given away, further values are 0: not known.
#[derive(Clone, Debug)]
struct Interned<T> {
    values: Vec<T>,
    numbers: HashMap<T, u16>,
    /// Most hits are at the same device as the one before.
    last: Option<(T, u16)>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new(), last: None }
    }
}

impl<T: Copy + Eq + Hash> Interned<T> {
    fn index(&mut self, value: T) -> u16 {
        if let Some((last, number)) = self.last
            && last == value
        {
            return number;
        }
        let number = match self.numbers.get(&value) {
            Some(&number) => number,
            None if self.values.len() < usize::from(u16::MAX) => {
                self.values.push(value);
                let number = self.values.len() as u16;
                self.numbers.insert(value, number);
                number
            }
            None => 0,
        };
        self.last = Some((value, number));
        number
    }

    fn since(&self, mark: usize) -> Vec<T> {
        self.values.get(mark..).unwrap_or_default().to_vec()
    }

    fn get(&self, number: u16) -> Option<&T> {
        self.values.get(usize::from(number).checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_grows_alike() {
        let (mut tables, mut copy) = (Tables::default(), Tables::default());
        let mut mark = Mark::default();
        for round in 0..3_u32 {
            let device = Device { netns: Some(round), ifindex: round, name: Name::default() };
            let number = (tables.netns(Some(7 + round)), tables.device(Some(device)));
            copy.grow(&tables.since(mark));
            mark = tables.mark();
            assert_eq!((copy.netns_of(number.0), copy.device_of(number.1)), (Some(7 + round), Some(&device)));
        }
        assert_eq!(copy.mark(), tables.mark());
    }

    #[test]
    fn values_keep_their_numbers_and_room_is_bounded() {
        let mut table = Interned::default();
        assert_eq!([7_u32, 9, 7, 9].map(|value| table.index(value)), [1, 2, 1, 2]);
        assert_eq!((table.get(0), table.get(1), table.get(3)), (None, Some(&7), None));
        for value in 0..70_000_u32 {
            table.index(value);
        }
        assert_eq!(table.values.len(), usize::from(u16::MAX));
        assert_eq!((table.index(69_999), table.index(9)), (0, 2));
    }
}
