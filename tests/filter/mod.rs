//! Filters against tcpdump: the same expressions over the same packets.

mod coverage;
mod generated;
mod inside;
pub(crate) mod links;
mod packets;
mod short;
mod tcpdump;

use std::{collections::BTreeSet, path::PathBuf};

use packets::Packet;
use proptest::{
    prop_assert,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use skbtrail::{
    filter::{self, Error, PacketSource, Problem},
    record::capture::LinkType,
};
use tcpdump::Answer;
use tracer_common::predicate::Verdict;

/// Expressions written for coverage, one a line.
const EXPRESSIONS: &str = include_str!("expressions.txt");

/// Complaints of libpcap that its check of constant operands also makes about `ip[0] / ip[0]`, whose index is constant.
const MISTAKEN: &[&str] = &["division by zero", "modulus by zero", "shift by more than 31 bits"];

/// Link types of the comparison.
const LINKS: [LinkType; 6] =
    [LinkType::ETHERNET, LinkType::RAW, LinkType::SLL, LinkType::SLL2, LinkType::NULL, LinkType::LOOP];

/// A capture and both ways to judge it.
struct Capture {
    link: LinkType,
    packets: Vec<Packet>,
    file: PathBuf,
}

/// What a comparison found.
#[derive(Debug, Default)]
struct Tally {
    expressions: usize,
    judged: usize,
    /// Of these, by the short form of the program too, which said the same.
    decided: usize,
    matched: usize,
    refused_by_both: usize,
    faults: Vec<String>,
}

impl Capture {
    fn new(folder: &tempfile::TempDir, link: LinkType) -> Self {
        let packets = links::packets(link);
        let file = folder.path().join(format!("{}.pcap", link.0));
        tcpdump::write(&file, link, &packets).expect("failed to write the capture");
        Self { link, packets, file }
    }

    fn judge(&self, filter: &filter::Compiled, packet: &Packet, tally: &mut Tally) -> Verdict {
        let Ok((framing, bytes)) = self.link.framing(&packet.bytes) else { return Verdict::Undecidable };
        let verdict = filter.program.evaluate(&mut PacketSource::new(framing, bytes, packet.length));
        match short::look(&filter.program, framing, bytes) {
            Some(matches) if matches == (verdict == Verdict::Match) => tally.decided += 1,
            Some(matches) => {
                tally.faults.push(format!("{} `{}`: short {matches}, {bytes:02x?}", self.link, filter.text));
            }
            None => {}
        }
        verdict
    }

    fn ours(&self, filter: &filter::Compiled, tally: &mut Tally) -> Vec<usize> {
        let packets = self.packets.iter().enumerate();
        let matching = packets.filter(|(_, packet)| self.judge(filter, packet, tally) == Verdict::Match);
        matching.map(|(number, _)| number).collect()
    }

    /// Compares one expression. tcpdump's answer is the one that its unoptimized program (`-O`) gives. Where bytes are asked
    /// for that a packet does not have, the optimized program's answer, which may differ, is right too.
    fn compare(&self, expression: &str, tally: &mut Tally) {
        if self.link != LinkType::ETHERNET && (expression.contains("ether[") || expression.contains("link[")) {
            return;
        }
        tally.expressions += 1;
        let ours = match filter::compile(&filter::Request { expression, ..filter::Request::default() }) {
            Ok(compiled) => Ok(self.ours(&compiled, tally)),
            Err(error) if error.problem == Problem::NeverMatches => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        let optimized = tcpdump::run(&self.file, expression, true);
        let (ours, optimized) = match (ours, optimized) {
            (Ok(ours), Answer::Packets(optimized)) => (ours, optimized),
            (Err(_), Answer::Refused(_)) => return tally.refused_by_both += 1,
            (Ok(_), Answer::Refused(reason)) if self.may_refuse(&reason) => return,
            (Err(Error { problem: Problem::Number(_), .. }), _) if expression.contains("proto") => return,
            (ours, theirs) => {
                let ours = ours.map_or_else(|error| error.to_string(), |_| "compiles".to_owned());
                return tally.faults.push(format!("{} `{expression}`: ours {ours}, theirs {theirs:?}", self.link));
            }
        };
        tally.judged += self.packets.len();
        tally.matched += ours.len();
        if ours == optimized {
            return;
        }
        let plain = match tcpdump::run(&self.file, expression, false) {
            Answer::Packets(packets) => packets,
            Answer::Refused(_) => optimized.clone(),
        };
        self.find_fault(expression, [&ours, &optimized, &plain], tally);
    }

    /// Complaints of tcpdump that are not ours on purpose.
    fn may_refuse(&self, reason: &str) -> bool {
        self.link != LinkType::ETHERNET || MISTAKEN.contains(&reason)
    }

    /// Finds packets that tcpdump judges otherwise.
    fn find_fault(&self, expression: &str, answers: [&Vec<usize>; 3], tally: &mut Tally) {
        let [ours, optimized, plain] = answers.map(|list| list.iter().copied().collect::<BTreeSet<usize>>());
        let wrong = |number: &usize| {
            let [ours, optimized, plain] = [&ours, &optimized, &plain].map(|set| set.contains(number));
            let all_is_there = self.packets[*number].sound && !expression.contains('[');
            ours != plain && (ours != optimized || all_is_there)
        };
        let Some(first) = (0..self.packets.len()).find(wrong) else { return };
        let verdict = if ours.contains(&first) { "only ours matches" } else { "only theirs matches" };
        let bytes = &self.packets[first].bytes;
        tally.faults.push(format!("{} `{expression}`: packet {first}, {verdict}: {bytes:02x?}", self.link));
    }
}

#[test]
fn the_written_expressions_match_the_same_packets() {
    let folder = tempfile::tempdir().expect("failed to make a folder");
    let expressions: Vec<&str> =
        EXPRESSIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(expressions.len() >= 500, "only {} expressions", expressions.len());
    let mut tally = Tally::default();
    for link in LINKS {
        let capture = Capture::new(&folder, link);
        for expression in &expressions {
            capture.compare(expression, &mut tally);
        }
    }
    let Tally { expressions, judged, decided, matched, refused_by_both, faults } = tally;
    let counts = format!(
        "{expressions} comparisons, {judged} verdicts, {decided} of them by the short form, {matched} matches, {refused_by_both} \
         refused by both"
    );
    assert!(decided > judged / 8, "{counts}");
    assert!(faults.is_empty(), "{counts}\n{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Expressions tried at random; PROPTEST_CASES asks for more, and for other ones in every run.
const GENERATED: u32 = 2000;
/// Texts tried that are hardly ever expressions.
const NONSENSE: u32 = 1000;

#[test]
fn generated_expressions_match_the_same_packets() {
    let folder = tempfile::tempdir().expect("failed to make a folder");
    let captures = [LinkType::ETHERNET, LinkType::RAW, LinkType::SLL2].map(|link| Capture::new(&folder, link));
    let mut runner = runner(GENERATED);
    let tried = runner.run(&generated::expression(), |expression| {
        let mut tally = Tally::default();
        for capture in &captures {
            capture.compare(&expression, &mut tally);
        }
        prop_assert!(tally.faults.is_empty(), "{}", tally.faults.join("\n"));
        Ok(())
    });
    if let Err(fault) = tried {
        panic!("{fault}");
    }
}

/// A text that tcpdump takes must not be refused here; most of these neither takes, and nothing must panic or hang.
#[test]
fn nonsense_is_refused() {
    let folder = tempfile::tempdir().expect("failed to make a folder");
    let capture = Capture::new(&folder, LinkType::ETHERNET);
    let tried = runner(NONSENSE).run(&generated::nonsense(), |text| {
        let mut tally = Tally::default();
        let ours = filter::compile(&filter::Request { expression: &text, ..filter::Request::default() });
        if ours.is_err() {
            capture.compare(&text, &mut tally);
        }
        prop_assert!(tally.faults.is_empty(), "{}", tally.faults.join("\n"));
        Ok(())
    });
    if let Err(fault) = tried {
        panic!("{fault}");
    }
}

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    match std::env::var("PROPTEST_CASES") {
        Ok(cases) => TestRunner::new(Config { cases: cases.parse().expect("PROPTEST_CASES is a number"), ..config }),
        Err(_) => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    }
}
