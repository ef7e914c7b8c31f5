//! Plain data that every other layer speaks of. No I/O, nothing that knows how an event was obtained.

pub mod attachment;
pub mod balancing;
pub mod calico;
pub mod cgroup;
pub mod counter;
pub mod decoded;
pub mod event;
pub mod facts;
pub mod finding;
pub mod holder;
pub mod journey;
pub mod map;
pub mod merbridge;
pub mod packet;
pub mod program;
pub mod typed;

pub use attachment::{Attachment, Device, Interface, NetnsRow};
pub use cgroup::{CgroupRow, SockMapRow};
pub use counter::{Counter, Keeper, Moved};
pub use decoded::{Datum, Decoded, Form};
pub use event::{Details, Event, EventKind, Name, Probe, ProbeId, Value};
pub use facts::{AddressFacts, ProgramAt, ServiceFacts};
pub use holder::{Container, Pod, Process};
pub use journey::{Branch, Change, ChangeKind, JourneyId, Record};
pub use map::{MapInfo, MapKind, MapRow, MapTypes};
pub use packet::{Arp, Flow, Headers, Origin, Transport};
pub use program::{ProgramInfo, ProgramKind, ProgramRow};
pub use typed::Typed;
