//! Answers for whoever must not wait: what is not known yet is asked for, and is there the next time.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Facts, Live};
use crate::{
    collect::privileges,
    model::{AddressFacts, ProgramAt, ServiceFacts},
};

/// What is older is asked for anew.
const STALE: Duration = Duration::from_secs(5);
/// Questions that may wait; more are put again by whoever draws next.
const WAITING: usize = 256;
/// Answers that are kept.
const KEPT: usize = 16_384;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Question {
    Address(IpAddr),
    Service(IpAddr, u16, u8),
}

#[derive(Clone, Debug)]
enum Answer {
    Address(AddressFacts),
    Service(Option<ServiceFacts>),
}

type Answers = Mutex<HashMap<Question, (Instant, Answer)>>;

/// The running machine, for the thread that draws.
#[derive(Debug)]
pub struct Soon {
    live: Arc<Live>,
    answers: Arc<Answers>,
    questions: SyncSender<Question>,
}

impl Soon {
    /// Starts the thread that waits for answers. It needs no privileges, and ends when this is dropped.
    pub fn start(live: Live) -> io::Result<Self> {
        let (live, answers) = (Arc::new(live), Arc::<Answers>::default());
        let (questions, asked) = sync_channel(WAITING);
        let (source, kept) = (Arc::clone(&live), Arc::clone(&answers));
        thread::Builder::new().name("facts".to_owned()).spawn(move || {
            // Where they cannot be given up the thread has more than it needs, which does no harm to the answers.
            let _ = privileges::drop_all();
            for question in asked {
                let answer = match question {
                    Question::Address(address) => Answer::Address(source.address(address)),
                    Question::Service(address, port, protocol) => {
                        Answer::Service(source.service(address, port, protocol))
                    }
                };
                keep(&kept, question, answer);
            }
        })?;
        Ok(Self { live, answers, questions })
    }

    fn known(&self, question: Question) -> Option<Answer> {
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&question).cloned();
        if known.as_ref().is_none_or(|(time, _)| time.elapsed() > STALE) {
            // Where too many wait it is asked for again soon enough.
            let _ = self.questions.try_send(question);
        }
        known.map(|(_, answer)| answer)
    }
}

fn keep(answers: &Answers, question: Question, answer: Answer) {
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    if answers.len() >= KEPT {
        answers.clear();
    }
    answers.insert(question, (Instant::now(), answer));
}

impl Facts for Soon {
    fn address(&self, address: IpAddr) -> AddressFacts {
        match self.known(Question::Address(address)) {
            Some(Answer::Address(facts)) => facts,
            _ => AddressFacts::default(),
        }
    }

    fn service(&self, address: IpAddr, port: u16, protocol: u8) -> Option<ServiceFacts> {
        match self.known(Question::Service(address, port, protocol)) {
            Some(Answer::Service(facts)) => facts,
            _ => None,
        }
    }

    fn netns(&self, inode: u32) -> Option<String> {
        // Known already, or asked for: nobody waits.
        self.live.netns(inode)
    }

    fn programs(&self, netns: Option<u32>, ifindex: u32) -> Vec<ProgramAt> {
        self.live.programs(netns, ifindex)
    }

    fn trouble(&self) -> Option<String> {
        self.live.trouble()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_within_bounds() {
        let answers = Answers::default();
        for number in 0..=KEPT as u32 {
            keep(&answers, Question::Address(IpAddr::from(number.to_be_bytes())), Answer::Service(None));
        }
        assert_eq!(answers.into_inner().unwrap().len(), 1);
    }
}
