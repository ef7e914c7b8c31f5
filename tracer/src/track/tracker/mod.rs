//! Records in the order in which they arrive to journeys in the order in which they end.
//!
//! CPUs interleave, and a record may arrive a little after one that is younger. So each journey keeps its hops sorted,
//! and is handed out only when records of its time can no longer come ([`Limits::settle`]). Where the kernel side does
//! not follow packets, all hits at one address are gathered and cut into packets where its release was seen; by then they
//! are in order, so that reuse of an address does not mix two packets. Time comes from the records alone.

mod address;
mod expiry;
mod limits;
mod store;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use self::{
    address::first_packet,
    expiry::{Expiry, Heard},
    store::{Key, Store},
};
use super::{
    Hop, Identity, Journey, Said, Sight, State, Tables,
    rules::{Role, Roles},
    verdict::judge,
};
use crate::model::{Branch, Change, ChangeKind, Probe, Record};
pub use limits::{Limits, Tally};

/// Gathers journeys.
#[derive(Debug, Default)]
pub struct Tracker {
    limits: Limits,
    tables: Tables,
    roles: Roles,
    open: Store,
    expiry: Expiry,
    /// Time of the youngest record.
    now: u64,
    finished: VecDeque<Journey>,
    /// Packets told apart by address.
    counted: u64,
    tally: Tally,
}

impl Tracker {
    /// An empty tracker.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes a record. `probes` is the run's table, which may have grown.
    pub fn record(&mut self, record: &Record, probes: &[Probe]) {
        self.roles.learn(probes);
        match record {
            Record::Hit(event) => {
                let (hop, said) = (self.tables.hop(event), Said::of(&event.headers));
                let sight = Sight { said: &said, number: 0, mark: event.mark, vlan: event.vlan };
                self.hop(event.branch, event.skb, hop, Some(sight));
            }
            Record::Change(change) => self.change(change),
        }
    }

    /// Looks at probes that have joined the table, for [`Tracker::hop`].
    pub fn learn(&mut self, probes: &[Probe]) {
        self.roles.learn(probes);
    }

    /// Takes a hit in its small form, whose numbers are those of [`Tracker::tables_mut`].
    pub fn hop(&mut self, branch: Option<Branch>, skb: u64, mut hop: Hop, sight: Option<Sight<'_>>) {
        self.tally.hops += 1;
        hop.branch = branch.map_or(0, |branch| branch.number);
        let key = branch.map_or(Key::Address(skb), |branch| Key::Followed(branch.journey));
        let role = self.roles.get(hop.probe);
        let slot = self.slot(key, hop.time);
        let parent = branch.and_then(|branch| branch.parent);
        match self.open.add(slot, hop, parent, sight, &self.limits) {
            false => self.tally.left_out += 1,
            true if role == Role::Last && branch.is_some() => self.end(key, slot, hop.branch, hop.time),
            true if matches!(role, Role::Release | Role::Last) => self.expiry.ended(self.now, key),
            true if branch.is_none() && self.open.begins_anew(slot) => self.expiry.ended(self.now, key),
            true => {}
        }
        self.advance();
    }

    /// Takes a change in the life of a followed packet.
    pub fn change(&mut self, change: &Change) {
        let Branch { journey, number, parent } = change.branch;
        let key = Key::Followed(journey);
        if change.kind == ChangeKind::Ended && !self.open.holds(key) {
            // The end of what was let go long ago.
            return self.tick(change.time);
        }
        let slot = self.slot(key, change.time);
        if let Some(strand) = self.open.strand(slot, number, parent, &self.limits) {
            match change.kind {
                ChangeKind::Ended => self.end(key, slot, number, change.time),
                kind => {
                    strand.began.get_or_insert((change.time, kind));
                    if let (ChangeKind::Merged, Some(parent)) = (kind, parent)
                        && let Some(merged) = self.open.strand(slot, parent, None, &self.limits)
                    {
                        merged.merged_into = Some(number);
                    }
                }
            }
        }
        self.advance();
    }

    /// Tells that kernel time has got this far without a record.
    pub fn tick(&mut self, time: u64) {
        self.now = self.now.max(time);
        self.advance();
    }

    /// The next journey that is complete.
    pub fn next_finished(&mut self) -> Option<Journey> {
        self.finished.pop_front()
    }

    /// Takes a journey back that is no longer needed, so that its memory serves the next.
    pub fn recycle(&mut self, journey: Journey) {
        self.open.recycle(journey);
    }

    /// Ends the trace: what is still on its way is handed out as such.
    pub fn finish(&mut self) {
        for key in self.open.keys() {
            self.cut(key, u64::MAX);
            let ended = matches!(key, Key::Followed(_)) && self.open.all_ended(key);
            self.release(key, if ended { State::Ended } else { State::Open });
        }
    }

    /// Journeys that are on their way. Where packets are told apart by address, several that used the same one in the
    /// last [`Limits::settle`] are one here.
    pub fn open(&self) -> impl Iterator<Item = &Journey> {
        self.open.journeys()
    }

    /// What the numbers in hops refer to.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The same, to make numbers for [`Tracker::hop`].
    pub fn tables_mut(&mut self) -> &mut Tables {
        &mut self.tables
    }

    /// What probes say, for [`judge`].
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// What became of what was fed so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The open journey of this key, made where there is none.
    fn slot(&mut self, key: Key, time: u64) -> usize {
        self.now = self.now.max(time);
        let (slot, opened) = self.open.slot(key);
        if let Some(serial) = opened {
            self.expiry.heard(Heard { time: self.now, key, serial });
            let open = &self.open;
            self.expiry.tidy(open.len(), |heard| open.last_heard(heard.key, heard.serial).is_some());
        }
        slot
    }

    fn end(&mut self, key: Key, slot: usize, branch: u32, time: u64) {
        if self.open.end(slot, branch, time) {
            self.expiry.ended(self.now, key);
        }
    }

    /// Hands out what is complete by now, and what there is no room for.
    fn advance(&mut self) {
        let full = self.open.hops() > self.limits.hops || self.open.len() > self.limits.journeys;
        // Nothing is due at most hops.
        if full || self.expiry.is_due(self.now, &self.limits) {
            self.look_after();
        }
    }

    fn look_after(&mut self) {
        while let Some(key) = self.expiry.next_settled(self.now, self.limits.settle) {
            self.settle(key);
        }
        while let Some(key) = self.expiry.next_beyond(self.limits.hops) {
            self.settle_now(key);
        }
        while let Some(heard) = self.expiry.next_idle(self.now, self.limits.idle) {
            self.let_go(heard, State::Idle);
        }
        while self.open.hops() > self.limits.hops || self.open.len() > self.limits.journeys {
            let Some(heard) = self.expiry.next_oldest() else { break };
            self.let_go(heard, State::Evicted);
        }
        self.expiry.plan(&self.limits);
    }

    fn settle(&mut self, key: Key) {
        // An address that is used a lot holds many packets; looking at it for each would copy them again and again.
        let pause = self.limits.settle / 2;
        match (key, self.open.cut_at(key)) {
            (Key::Address(_), Some(time)) if time.saturating_add(pause) > self.now => self.expiry.ended(self.now, key),
            _ => self.settle_now(key),
        }
    }

    fn settle_now(&mut self, key: Key) {
        match key {
            Key::Followed(_) if self.open.all_ended(key) => self.release(key, State::Ended),
            Key::Followed(_) => {}
            Key::Address(_) => {
                self.cut(key, self.now.saturating_sub(self.limits.settle));
                if self.open.is_empty(key) {
                    self.open.remove(key);
                }
            }
        }
    }

    /// Hands out the packets at an address that were released before `until`.
    fn cut(&mut self, key: Key, until: u64) {
        let (Key::Address(_), Some(lane)) = (key, self.open.get(key)) else { return };
        let mut counts = Vec::new();
        let mut rest = lane.hops.as_slice();
        while let Some(count) = first_packet(rest, &self.roles, until) {
            counts.push(count);
            rest = rest.get(count..).unwrap_or_default();
        }
        if !counts.is_empty() {
            for journey in self.open.cut(key, &counts, self.now) {
                self.hand_out(journey, State::Ended);
            }
        }
    }

    /// Lets a journey go unless it has been heard of since.
    fn let_go(&mut self, known: Heard, state: State) {
        let key = known.key;
        match self.open.last_heard(key, known.serial) {
            Some(time) if time > known.time => self.expiry.heard(Heard { time, ..known }),
            Some(_) => {
                self.cut(key, u64::MAX);
                self.release(key, state);
            }
            None => {}
        }
    }

    fn release(&mut self, key: Key, state: State) {
        if let Some(journey) = self.open.remove(key)
            && !journey.is_blank()
        {
            self.hand_out(journey, state);
        }
    }

    fn hand_out(&mut self, mut journey: Journey, state: State) {
        journey.state = state;
        if let Identity::Address { number, .. } = &mut journey.identity {
            self.counted += 1;
            *number = self.counted;
        }
        judge(&mut journey, &self.roles);
        self.tally.journeys += 1;
        self.tally.evicted += u64::from(state == State::Evicted);
        self.tally.idle += u64::from(state == State::Idle);
        self.finished.push_back(journey);
    }
}
