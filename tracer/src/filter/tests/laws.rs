//! Logic, by random: programs of joined conditions say what the conditions say one by one, whatever was reordered, shared
//! or left out on the way.

use std::collections::HashMap;

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tracer_common::predicate::Verdict;

use super::keys::Machine;
use super::samples::{events, probes};
use crate::filter::{EventSource, Problem, Request, compile};
use crate::model::Event;

const CONDITIONS: &[&str] = &[
    "ip",
    "ip6",
    "arp",
    "tcp",
    "udp",
    "port 80",
    "src port 1024",
    "host 10.0.0.1",
    "host fd00::1",
    "net 192.0.2.0/24",
    "ip proto 17",
    "len > 60",
    "ip[8] = 64",
    "tcp[13] & 2 != 0",
    "udp[0:2] = 1234",
    "ether src 2:0:0:0:0:1",
    "netns web",
    "netns 5",
    "ifname veth12",
    "ifname veth*",
    "ifname != lo",
    "comm curl",
    "comm ksoft*",
    "pid 4711",
    "pid 0",
    "mark 0x105",
    "mark & 0xff == 5",
    "mark 5/0xff",
    "drop",
    "drop NO_SOCKET",
    "drop != 3",
    "func ip_rcv",
    "func .*_rcv",
    "func kfree_skb",
    "inner(ip)",
    "inner(tcp)",
    "inner(tcp port 80)",
    "inner(ip6)",
    "inner(udp port 53 or tcp)",
    "inner(inner(ip))",
    "inner(pid 4711 or tcp)",
    "inner(not vlan)",
    "inner(host 10.0.0.2 and not udp)",
    "inner(len > 60)",
];

/// Conditions joined.
#[derive(Clone, Debug)]
enum Logic {
    One(&'static str),
    Not(Box<Logic>),
    And(Vec<Logic>),
    Or(Vec<Logic>),
}

impl Logic {
    fn text(&self) -> String {
        let join = |members: &[Self], word: &str| {
            let texts: Vec<String> = members.iter().map(Self::text).collect();
            format!("({})", texts.join(word))
        };
        match self {
            Self::One(condition) => (*condition).to_owned(),
            Self::Not(inner) => format!("not {}", inner.text()),
            Self::And(members) => join(members, " and "),
            Self::Or(members) => join(members, " or "),
        }
    }

    /// What its conditions make of each event; none where one of them cannot be answered for it.
    fn holds(&self, known: &Known) -> Vec<Option<bool>> {
        let join = |members: &[Self], join: fn(bool, bool) -> bool| {
            let each = members.iter().map(|member| member.holds(known));
            let both = |(left, right): (Option<bool>, Option<bool>)| Some(join(left?, right?));
            each.reduce(|left, right| left.into_iter().zip(right).map(both).collect()).unwrap_or_default()
        };
        match self {
            Self::One(condition) => known[condition].clone(),
            Self::Not(inner) => inner.holds(known).into_iter().map(|holds| holds.map(|holds| !holds)).collect(),
            Self::And(members) => join(members, |left, right| left && right),
            Self::Or(members) => join(members, |left, right| left || right),
        }
    }
}

/// By condition: what it says of each event.
type Known = HashMap<&'static str, Vec<Option<bool>>>;

/// A condition that neither holds nor does not is one that cannot be answered.
fn known(events: &[Event]) -> Known {
    let answer = |condition: &&'static str| {
        let (yes, no) = (matches(events, condition), matches(events, &format!("not {condition}")));
        let answers = yes.into_iter().zip(no).map(|(yes, no)| (yes != no).then_some(yes));
        (*condition, answers.collect())
    };
    CONDITIONS.iter().map(answer).collect()
}

fn matches(events: &[Event], expression: &str) -> Vec<bool> {
    let request = Request { expression, environment: &Machine, ..Request::default() };
    let mut compiled = match compile(&request) {
        Ok(compiled) => compiled,
        Err(error) if error.problem == Problem::NeverMatches => return vec![false; events.len()],
        Err(error) => panic!("{expression}: {error}"),
    };
    compiled.bind(&probes()).expect("few probes");
    let program = &compiled.program;
    let judge = |event| program.evaluate(&mut EventSource::new(event, program)) == Verdict::Match;
    events.iter().map(judge).collect()
}

fn logic() -> impl Strategy<Value = Logic> {
    select(CONDITIONS).prop_map(Logic::One).prop_recursive(4, 14, 4, |inner| {
        let members = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            2 => members.clone().prop_map(Logic::And),
            2 => members.prop_map(Logic::Or),
            1 => inner.prop_map(|inner| Logic::Not(Box::new(inner))),
        ]
    })
}

/// Runs a law over conditions at random.
fn law<S: Strategy>(strategy: S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { failure_persistence: None, cases: 200, ..Config::default() };
    let tried = TestRunner::new(config).run(&strategy, law);
    tried.unwrap_or_else(|fault| panic!("{fault}"));
}

#[test]
fn a_whole_says_what_its_parts_say() {
    let events = events();
    let known = known(&events);
    law(logic(), |logic| {
        let text = logic.text();
        for (number, (found, holds)) in matches(&events, &text).into_iter().zip(logic.holds(&known)).enumerate() {
            prop_assert_eq!(found, holds.unwrap_or(found), "{} of event {}", text, number);
        }
        Ok(())
    });
}

#[test]
fn negation_goes_inside() {
    let events = events();
    law((logic(), logic()), |(left, right)| {
        let (left, right) = (left.text(), right.text());
        let same = |one: String, other: String| {
            prop_assert_eq!(matches(&events, &one), matches(&events, &other), "{} against {}", one, other);
            Ok(())
        };
        same(format!("not ({left} and {right})"), format!("not {left} or not {right}"))?;
        same(format!("not ({left} or {right})"), format!("not {left} and not {right}"))?;
        same(format!("not (not {left})"), left)
    });
}

/// The list is worth something only where most of it can be answered, and not always the same way.
#[test]
fn conditions_say_yes_and_no() {
    let answers: Vec<Option<bool>> = known(&events()).into_values().flatten().collect();
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    let (yes, no, neither) = (count(Some(true)), count(Some(false)), count(None));
    assert!(yes > 100 && no > 200 && neither > 10 && neither < 150, "{yes} yes, {no} no, {neither} neither");
}
