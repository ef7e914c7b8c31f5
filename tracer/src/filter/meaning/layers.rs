//! Where the headers lie that the text speaks of, and the primitives that move them.

use tracer_common::predicate::{base, field};

use super::ethertype;
use crate::filter::error::Problem;
use crate::filter::graph::set::Set;
use crate::filter::graph::subject::{Condition, Place};

/// TPIDs all have the topmost bit; [`field::VLAN`] is 0 without a tag.
const TAGGED: u32 = 0x8000_0000;
const MOST_TAGS: u8 = 15;

/// What tells the protocol of the network header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Carrier {
    /// The EtherType.
    #[default]
    Ethernet,
    /// Two bytes of PPP, right before the network header.
    Ppp,
    /// Nothing but the first four bits of the network header, and that the last label is the last.
    Mpls,
}

/// How far the text has got into the packet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layers {
    /// VLAN tags passed.
    tags: u8,
    /// Bytes of MPLS labels and PPPoE headers passed behind them.
    shift: u32,
    carrier: Carrier,
    /// Where the last PPP header starts, as `shift`: it takes the place of the Ethernet header.
    ppp: Option<u32>,
    /// How many packets the one at hand lies inside of.
    depth: u8,
}

impl Layers {
    /// At the start of the packet inside of the one at hand.
    pub(super) fn inside(&self) -> Self {
        Self { depth: self.depth + 1, ..Self::default() }
    }

    /// Bytes of the network header.
    pub(super) fn network(&self, offset: u32, width: u8) -> Place {
        let base = base::after_tags(base::NETWORK, self.tags);
        Place { base, offset: self.shift.wrapping_add(offset), width, layer: self.depth }
    }

    /// Bytes behind an IPv4 or IPv6 header; none where only a calculation finds them.
    pub(super) fn transport(&self, offset: u32, width: u8) -> Option<Place> {
        let base = base::after_tags(base::TRANSPORT, self.tags);
        (self.shift == 0).then_some(Place { base, offset, width, layer: self.depth })
    }

    /// Bytes of the link-layer header. Inside of PPPoE that is the PPP header.
    pub(super) fn link(&self, offset: u32, width: u8) -> Place {
        match self.ppp {
            Some(start) => Self { shift: start, ..*self }.network(offset, width),
            None => Place { base: base::LINK, offset, width, layer: self.depth },
        }
    }

    /// Fails where there are no Ethernet addresses any more.
    pub(super) fn require_link(&self, word: &str) -> Result<(), Problem> {
        match self.ppp {
            Some(_) => Err(Problem::Senseless(format!("`{word}` has no meaning behind `pppoes`"))),
            None => Ok(()),
        }
    }

    /// Bytes between an 802.2 header and an OSI one.
    pub(super) fn osi(&self, offset: u32) -> Place {
        let llc = if self.carrier == Carrier::Ppp { 0 } else { 3 };
        self.network(llc + offset, 1)
    }

    /// Whether the network header can be anything but IP, at all.
    pub(super) fn names_protocols(&self) -> bool {
        self.carrier != Carrier::Mpls
    }

    /// The network header is of this EtherType, or for numbers up to 1500, has this 802.2 access point.
    pub(super) fn ethertype(&self, ethertype: u32) -> Result<Condition, Problem> {
        match self.carrier {
            Carrier::Ethernet => Ok(self.in_ethernet(ethertype)),
            Carrier::Ppp => Ok(Condition::equals(self.network(u32::MAX - 1, 2), ethertype::in_ppp(ethertype))),
            Carrier::Mpls => {
                let version = match ethertype {
                    ethertype::IP => 4,
                    ethertype::IP6 => 6,
                    _ => {
                        return Err(Problem::Senseless(
                            "MPLS does not tell which protocol it carries, only IPv4 and \
                        IPv6 can be recognized behind `mpls`"
                                .to_owned(),
                        ));
                    }
                };
                let first = self.network(0, 1);
                Ok(self.last_label(true).and(Condition::masked(first, 0xf0, Set::one(version << 4))))
            }
        }
    }

    fn in_ethernet(&self, ethertype: u32) -> Condition {
        let equals = Condition::equals(self.protocol(), ethertype);
        let length = self.is_length();
        let point = |value| Condition::equals(self.network(0, 2), value * 0x101);
        match ethertype {
            ethertype::SAP_ISO | ethertype::SAP_NETBEUI => length.and(point(ethertype)),
            ethertype::SAP_IPX => {
                let raw = Condition::equals(self.network(0, 2), 0xffff);
                let frames = vec![self.snap(0, ethertype::IPX), Condition::equals(self.network(0, 1), ethertype), raw];
                Condition::equals(self.protocol(), ethertype::IPX).or(length.and(Condition::Any(frames)))
            }
            ethertype::ATALK => equals.or(length.and(self.snap(0x08_0007, ethertype))),
            ethertype::AARP => equals.or(length.and(self.snap(0, ethertype))),
            0..=ethertype::LARGEST_LENGTH => length.and(Condition::equals(self.network(0, 1), ethertype)),
            _ => equals,
        }
    }

    /// An 802.2 frame with a SNAP header: organization and protocol.
    fn snap(&self, organization: u32, protocol: u32) -> Condition {
        let second = Condition::equals(self.network(4, 4), organization << 16 | protocol);
        second.and(Condition::equals(self.network(0, 4), 0xaaaa_0300 | organization >> 16))
    }

    fn protocol(&self) -> Place {
        self.field(field::PROTOCOL)
    }

    /// A field that is of the packet, rather than of the hit.
    fn field(&self, field: u32) -> Place {
        Place { base: base::after_tags(base::FIELD, self.tags), layer: self.depth, ..Place::field(field) }
    }

    fn is_length(&self) -> Condition {
        Condition::within(self.protocol(), Set::range(0, ethertype::LARGEST_LENGTH))
    }

    /// Whether the label before the network header is the last one.
    fn last_label(&self, last: bool) -> Condition {
        Condition::masked(self.network(0u32.wrapping_sub(2), 1), 1, Set::one(u32::from(last)))
    }

    /// `vlan [number]`
    pub(super) fn vlan(&mut self, number: Option<u32>) -> Result<Condition, Problem> {
        let number = in_range(number, 4095, "VLAN numbers")?;
        if self.carrier != Carrier::Ethernet {
            return Err(Problem::Senseless("no VLAN tag can follow `mpls` or `pppoes`".to_owned()));
        }
        if self.tags == MOST_TAGS {
            return Err(Problem::TooLarge(format!("more than {MOST_TAGS} VLAN tags")));
        }
        let tag = self.field(field::VLAN);
        self.tags += 1;
        Ok(match number {
            Some(number) => Condition::masked(tag, TAGGED | 0xfff, Set::one(TAGGED | number)),
            None => Condition::masked(Place { width: 2, ..tag }, TAGGED, Set::one(TAGGED)),
        })
    }

    /// `mpls [label]`
    pub(super) fn mpls(&mut self, label: Option<u32>) -> Result<Condition, Problem> {
        let label = in_range(label, 0xf_ffff, "MPLS labels")?;
        let carried = match self.carrier {
            Carrier::Mpls => self.last_label(false),
            Carrier::Ethernet | Carrier::Ppp => self.ethertype(ethertype::MPLS)?,
        };
        let entry = self.network(0, 4);
        self.carrier = Carrier::Mpls;
        self.shift += 4;
        Ok(match label {
            Some(label) => carried.and(Condition::masked(entry, 0xffff_f000, Set::one(label << 12))),
            None => carried,
        })
    }

    /// `pppoes [session]`
    pub(super) fn pppoe_session(&mut self, session: Option<u32>) -> Result<Condition, Problem> {
        let session = in_range(session, 0xffff, "PPPoE sessions")?;
        let carried = self.ethertype(ethertype::PPPOE_SESSION)?;
        let identifier = self.network(2, 2);
        self.carrier = Carrier::Ppp;
        self.ppp = Some(self.shift + 6);
        self.shift += 8;
        Ok(match session {
            Some(session) => carried.and(Condition::equals(identifier, session)),
            None => carried,
        })
    }

    /// `llc [kind]`
    pub(super) fn llc(&self, kind: Option<&str>) -> Result<Condition, Problem> {
        self.require_link("llc")?;
        // It speaks of the frame, so labels do not move it.
        let header = Self { shift: 0, ..*self };
        let frame = self.is_length().and(Condition::equals(header.network(0, 2), 0xffff).not());
        let control = |mask, value| Condition::masked(header.network(2, 1), mask, Set::one(value));
        let control = match kind {
            None => return Ok(frame),
            Some("i") => control(1, 0),
            Some("s") => control(3, 1),
            Some("u") => control(3, 3),
            Some("rr") => control(0x0f, 0x01),
            Some("rnr") => control(0x0f, 0x05),
            Some("rej") => control(0x0f, 0x09),
            Some("ui") => control(0xef, 0x03),
            Some("ua") => control(0xef, 0x63),
            Some("disc") => control(0xef, 0x43),
            Some("sabme") => control(0xef, 0x6f),
            Some("test") => control(0xef, 0xe3),
            Some("xid") => control(0xef, 0xaf),
            Some("frmr") => control(0xef, 0x87),
            Some(name) => return Err(Problem::UnknownName { what: "kind of 802.2 frame", name: name.to_owned() }),
        };
        Ok(frame.and(control))
    }
}

fn in_range(number: Option<u32>, largest: u32, what: &str) -> Result<Option<u32>, Problem> {
    match number {
        Some(number) if number > largest => Err(Problem::Number(format!("{what} go up to {largest}"))),
        _ => Ok(number),
    }
}
