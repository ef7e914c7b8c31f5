//! A filter over records that have been made: by replay, or by a flight recorder that waits for an event.

use std::{collections::HashSet, mem};

use tracer_common::predicate::Verdict;

use super::Recorded;
use crate::{
    filter::{self, Compiled, Environment, EventSource},
    model::{Event, JourneyId, Probe, Record},
    probe::Selection,
};

/// Packets that are remembered to match. A packet is forgotten when as many others have matched since its last hit.
const MOST: usize = 1 << 19;

/// Which hits are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// In the language of filters.
    pub expression: &'a str,
    /// The flags beside it.
    pub flags: Flags<'a>,
}

/// pwru's flags, as typed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags<'a> {
    /// Namespace.
    pub netns: Option<&'a str>,
    /// Interface.
    pub ifname: Option<&'a str>,
    /// Mark, with a mask if it has one.
    pub mark: Option<&'a str>,
    /// Members of the `sk_buff`.
    pub skb: Option<&'a str>,
    /// What holds for the packet inside.
    pub inside: [Option<&'a str>; 2],
    /// Functions, a regular expression.
    pub func: Option<&'a str>,
    /// Show only hits that match by themselves.
    pub no_track: bool,
}

/// What is wrong with a question.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The expression, or a flag that is a spelling of one.
    #[error(transparent)]
    Filter(#[from] filter::Error),
    /// The namespace.
    #[error("{0}")]
    Namespace(String),
    /// The functions.
    #[error("bad --filter-func `{expression}`")]
    Functions {
        /// As typed.
        expression: String,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// It asks for functions, of which there are too many.
    #[error(transparent)]
    TooManyProbes(#[from] filter::TooManyProbes),
}

/// Tells which records are wanted.
#[derive(Debug)]
pub struct Judge {
    compiled: Compiled,
    /// The functions that are looked at; empty for all.
    functions: Option<Selection>,
    selected: Vec<bool>,
    /// Probes that the filter and the selection know.
    bound: usize,
    follows: bool,
    wants_all: bool,
    matched: Recent,
    /// Packets whose first hit was not wanted; so another one is, for who asks here, the first.
    begun: Recent,
    /// Those of them whose first hit could not be judged. Of all others it was rejected, which says what later hits cannot tell.
    untold: Recent,
    undecidable: u64,
}

impl Judge {
    /// Compiles a question about a recording with these tables.
    pub fn recorded(question: &Question<'_>, names: &Recorded<'_>, probes: &[Probe]) -> Result<Self, Error> {
        let Flags { netns, ifname, mark, skb, inside, func, no_track } = question.flags;
        let netns = netns.map(|name| namespace(name, names)).transpose()?;
        let also: Vec<&str> = skb.into_iter().collect();
        let compiled = filter::compile(&filter::Request {
            expression: question.expression,
            also: &also,
            inside: &inside.into_iter().flatten().collect::<Vec<_>>(),
            netns,
            ifname,
            mark: mark.map(filter::parse_mark).transpose()?,
            environment: names,
        })?;
        let beside = netns.is_some() || [ifname, mark, skb, func].iter().chain(&inside).any(Option::is_some);
        let mut judge = Self::new(compiled, !no_track);
        judge.wants_all = !beside && question.expression.trim().is_empty();
        if let Some(expression) = func {
            let bad = |source| Error::Functions { expression: expression.to_owned(), source };
            judge.functions = Some(Selection::new(func).map_err(bad)?);
        }
        judge.bind(probes)?;
        Ok(judge)
    }

    /// A judge of single hits.
    pub fn of_hits(compiled: Compiled, probes: &[Probe]) -> Result<Self, Error> {
        let mut judge = Self::new(compiled, false);
        judge.bind(probes)?;
        Ok(judge)
    }

    fn new(compiled: Compiled, follows: bool) -> Self {
        Self {
            compiled,
            functions: None,
            selected: Vec::new(),
            bound: 0,
            follows,
            wants_all: false,
            matched: Recent::default(),
            begun: Recent::default(),
            untold: Recent::default(),
            undecidable: 0,
        }
    }

    fn bind(&mut self, probes: &[Probe]) -> Result<(), filter::TooManyProbes> {
        self.bound = probes.len();
        if let Some(functions) = &self.functions {
            self.selected = probes.iter().map(|probe| functions.matches(&probe.name)).collect();
        }
        self.compiled.bind(probes)
    }

    /// There is nothing to judge.
    pub fn wants_all(&self) -> bool {
        self.wants_all
    }

    /// Whether a record is wanted: a hit that matches, and what comes after it of the same packet. As in the kernel, the hit with
    /// which that begins is marked as the packet's first.
    pub fn wants(&mut self, record: &mut Record, probes: &[Probe]) -> bool {
        if self.wants_all {
            return true;
        }
        match record {
            Record::Change(change) => self.matched.holds(change.branch.journey),
            Record::Hit(event) => {
                let journey = event.branch.map(|branch| branch.journey).filter(|_| self.follows);
                let wanted = self.wants_hit(event, journey, probes);
                match journey {
                    Some(journey) if event.first && !wanted => self.begun.add(journey),
                    Some(journey) if wanted && !event.first => event.first = self.begun.take(journey),
                    _ => {}
                }
                wanted
            }
        }
    }

    fn wants_hit(&mut self, event: &Event, journey: Option<JourneyId>, probes: &[Probe]) -> bool {
        let function = event.probe.0 as usize;
        if self.functions.is_some() && !self.selected.get(function).is_some_and(|selected| *selected) {
            return false;
        }
        if journey.is_some_and(|journey| self.matched.holds(journey)) {
            return true;
        }
        let verdict = self.verdict(event, probes);
        match (verdict, journey) {
            (Verdict::Match, Some(journey)) => self.matched.add(journey),
            (Verdict::Undecidable, Some(journey)) if event.first => {
                self.untold.add(journey);
                self.undecidable += 1;
            }
            (Verdict::Undecidable, journey) => {
                let rejected = |journey| self.begun.holds(journey) && !self.untold.holds(journey);
                self.undecidable += u64::from(!journey.is_some_and(rejected));
            }
            _ => {}
        }
        verdict == Verdict::Match
    }

    /// Whether a hit matches by itself.
    pub fn matches(&mut self, event: &Event, probes: &[Probe]) -> bool {
        let verdict = self.verdict(event, probes);
        self.undecidable += u64::from(verdict == Verdict::Undecidable);
        verdict == Verdict::Match
    }

    fn verdict(&mut self, event: &Event, probes: &[Probe]) -> Verdict {
        // A table that has grown beyond what a filter can tell apart is known from the first: see `bind`.
        if probes.len() != self.bound && self.bind(probes).is_err() {
            return Verdict::Undecidable;
        }
        self.compiled.program.evaluate(&mut EventSource::new(event, &self.compiled.program))
    }

    /// Hits that could not be judged: what the filter asks for was not recorded with them.
    pub fn undecidable(&self) -> u64 {
        self.undecidable
    }
}

/// Inode of a namespace as `--filter-netns` names it.
fn namespace(name: &str, names: &Recorded<'_>) -> Result<u32, Error> {
    let digits = name.strip_prefix("inode:").unwrap_or(name);
    if let Ok(inode) = digits.parse() {
        return Ok(inode);
    }
    let inode = names.netns(name).map_err(|unanswered| Error::Namespace(unanswered.sentence))?;
    inode.ok_or_else(|| Error::Namespace(format!("the recording has no network namespace called `{name}`")))
}

/// Journeys in bounded memory: those of the present and of the past generation.
#[derive(Debug, Default)]
struct Recent {
    present: HashSet<JourneyId>,
    past: HashSet<JourneyId>,
    /// Hits of one packet come in a row most of the time.
    last: Option<JourneyId>,
}

impl Recent {
    fn holds(&mut self, journey: JourneyId) -> bool {
        if self.last == Some(journey) || self.present.contains(&journey) {
            self.last = Some(journey);
            return true;
        }
        let known = self.past.contains(&journey);
        if known {
            self.add(journey);
        }
        known
    }

    /// Forgets it; whether it was there.
    fn take(&mut self, journey: JourneyId) -> bool {
        self.last = self.last.filter(|last| *last != journey);
        let present = self.present.remove(&journey);
        self.past.remove(&journey) || present
    }

    fn add(&mut self, journey: JourneyId) {
        if self.present.len() >= MOST {
            self.past = mem::take(&mut self.present);
        }
        self.present.insert(journey);
        self.last = Some(journey);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{
        model::Origin,
        record::tests::sample::{Run, journeys},
    };

    /// Of the hits that are wanted: numbers of their journeys, and whether they begin these.
    fn hits(expression: &str, flags: Flags<'_>) -> Vec<(u64, bool)> {
        let run = Run::new();
        let probes = run.naming().probes.to_vec();
        let (namespaces, reasons) = (HashMap::new(), HashMap::new());
        let names = Recorded { namespaces: &namespaces, reasons: &reasons };
        let mut judge = Judge::recorded(&Question { expression, flags }, &names, &probes).unwrap();
        let mut hits = Vec::new();
        for mut record in journeys(3000) {
            if judge.wants(&mut record, &probes)
                && let Record::Hit(event) = record
            {
                hits.push((event.branch.unwrap().journey.0, event.first));
            }
        }
        hits
    }

    fn wanted(expression: &str, flags: Flags<'_>) -> Vec<u64> {
        hits(expression, flags).into_iter().map(|(journey, _)| journey).collect()
    }

    /// Its hits before are not shown, so it begins there; else it would seem that its beginning had been lost.
    #[test]
    fn a_packet_begins_with_the_first_hit_that_is_wanted() {
        let third = Run::new().naming().probes[2].name.clone();
        let by_filter = format!("func {third}");
        for (expression, func) in [("", None), (by_filter.as_str(), None), ("", Some(third.as_str()))] {
            let hits = hits(expression, Flags { func, ..Flags::default() });
            let mut seen = HashSet::new();
            assert!(hits.iter().all(|(journey, first)| *first == seen.insert(*journey)), "`{expression}`, {func:?}");
            assert_eq!(seen.len(), 150);
        }
    }

    #[test]
    fn a_packet_that_matched_is_wanted_from_then_on() {
        let all = wanted("", Flags::default());
        let third = format!("func {}", Run::new().naming().probes[2].name);
        let followed = wanted(&third, Flags::default());
        let alone = wanted(&third, Flags { no_track: true, ..Flags::default() });
        assert!(!alone.is_empty() && alone.len() < followed.len() && followed.len() <= all.len());
        assert!(followed.iter().all(|journey| alone.contains(journey)));
        assert!(wanted("host 192.0.2.77", Flags::default()).is_empty());
    }

    /// Hits without headers of packets that were rejected before say nothing new; of others they are counted.
    #[test]
    fn what_cannot_be_judged_is_counted_once_it_matters() {
        let run = Run::new();
        let probes = run.naming().probes.to_vec();
        let (namespaces, reasons) = (HashMap::new(), HashMap::new());
        let names = Recorded { namespaces: &namespaces, reasons: &reasons };
        let question = Question { expression: "host 192.0.2.77", flags: Flags::default() };
        for from_the_first_on in [false, true] {
            let mut judge = Judge::recorded(&question, &names, &probes).unwrap();
            let mut bare = 0;
            for mut record in journeys(3000) {
                if let Record::Hit(event) = &mut record
                    && (from_the_first_on || !event.first)
                {
                    event.headers.origin = Origin::Unknown;
                    bare += 1;
                }
                assert!(!judge.wants(&mut record, &probes));
            }
            assert_eq!(judge.undecidable(), if from_the_first_on { bare } else { 0 });
        }
    }

    #[test]
    fn generations_pass_and_what_is_heard_of_stays() {
        let mut recent = Recent::default();
        for number in 0..3 * MOST as u64 {
            recent.add(JourneyId(number));
            if number % 1000 == 0 {
                assert!(recent.holds(JourneyId(0)), "{number}");
            }
        }
        assert!(recent.present.len() + recent.past.len() <= 2 * MOST);
        assert!(!recent.holds(JourneyId(1)));
    }
}
