//! Drops of the whole machine beside a trace that has other packets, as their engine hands them over.

use skbtrail::{
    collect::counts::Counts,
    feed::{Poll, Replay, Source as _},
    model::{Branch, Change, ChangeKind, Details, EventKind, JourneyId, Record},
    track::Limits,
    tui::{
        engine::{Batch, Gather, Status},
        message::Message,
        watched::Watched,
    },
};

use super::view::{View, fixture, view};

/// The drops of a recording, each a packet of its own, with a stack that ends in its place.
fn drops(file: &str, repeated: u64) -> Batch {
    let mut replay = Replay::open(&[fixture(file)]).unwrap();
    let mut gather = Gather::new(Limits::default(), 1 << 14);
    let mut events = Vec::new();
    while replay.poll(4096, &mut |record, _| {
        if let Record::Hit(event) = record
            && event.kind == EventKind::Drop
        {
            events.push(event);
        }
    }) != Poll::End
    {}
    for number in 0..repeated * events.len() as u64 {
        let mut event = events[number as usize % events.len()].clone();
        let branch = Branch { journey: JourneyId(number + 1), number: 1, parent: None };
        let stack = vec![event.caller.unwrap() + 0x1000, event.caller.unwrap(), 0xffff_ffff_8100_0000];
        event.branch = Some(branch);
        event.details = Some(Box::new(Details { stack: Some(Ok(stack)), ..Details::default() }));
        let (time, skb, cpu) = (event.time, event.skb, event.cpu);
        gather.record(&Record::Hit(event), replay.probes());
        let end = Change { time, kind: ChangeKind::Ended, branch, skb, other: None, cpu };
        gather.record(&Record::Change(end), replay.probes());
    }
    gather.finish();
    let mut batch = Batch::default();
    gather.drain(replay.probes(), &mut batch);
    batch.status = Some(Status { attached: 1, counts: Some(Counts::default()), ..Status::default() });
    batch
}

/// A view of one recording with the drops of another one beside it.
fn watching(file: &str, size: (u16, u16), test: impl FnOnce(&mut View<'_>)) {
    view(&[fixture("6.12-path.pcapng")], size, |view| {
        view.app.state.watched = Some(Watched::default());
        view.app.handle(Message::Drops(Box::new(drops(file, 2))));
        test(view);
    });
}

#[test]
fn all_drops_are_counted_whatever_the_filter() {
    watching("6.12-path.pcapng", (160, 40), |view| {
        assert!(view.press("4").line("6 drops of 3 kinds").contains("all of this machine"), "{}", view.screen());
        // What is shown of the packets is none of theirs.
        view.press("ftcp port 9<enter>");
        assert!(view.line("6 drops of 3 kinds").contains("all of this machine"));
        view.press("1<esc>4");
        // Of these the trace has the packets.
        let row = view.press("g").line("▶");
        view.press("<enter>");
        assert!(view.line("REPLAY").contains("f dropped "), "{row}\n{}", view.screen());
    });
}

/// Where the trace has none of the packets the drops are listed, and each opens with its stack, headers and bytes.
#[test]
fn drops_of_other_packets_open_by_themselves() {
    watching("6.1-path.pcapng", (160, 50), |view| {
        view.press("4");
        view.line("all of this machine");
        view.press("<enter>");
        assert!(view.line("not in the trace").contains("2 drops for "), "{}", view.screen());
        view.press("<enter>");
        let screen = view.screen();
        assert!(screen.contains("0xffffffff81000000"), "the stack from the place on:\n{screen}");
        assert!(view.line("of the stack").contains("x: all 3"));
        assert!(view.line("✗ DROP").contains(" at "));
        assert!(view.line("IPv4").contains("ttl"));
        view.press("<esc>");
        view.line("not in the trace");
        assert!(view.press("<esc>").line("all of this machine").contains("kinds"));
    });
}

/// The stack of a drop that the trace has seen without one comes from whoever watches all of them.
#[test]
fn a_drop_has_its_stack_though_none_was_asked_for() {
    watching("6.12-path.pcapng", (160, 50), |view| {
        view.press("gD<enter>");
        assert!(view.line("of the stack").contains("x: all 3"), "{}", view.screen());
        assert!(view.press("x").screen().contains("0xffffffff81000000"));
    });
    // The drop may come from there later than from the trace.
    view(&[fixture("6.12-path.pcapng")], (160, 24), |view| {
        view.app.state.watched = Some(Watched::default());
        assert!(!view.press("gD<enter>").screen().contains("of the stack"));
        view.app.handle(Message::Drops(Box::new(drops("6.12-path.pcapng", 1))));
        view.line("of the stack");
    });
    watching("6.1-path.pcapng", (160, 50), |view| {
        view.press("gD<enter>x");
        assert!(view.screen().contains("Stacks were not recorded"), "another drop's stack is none of this one's");
    });
}

#[test]
fn why_the_machine_is_not_watched_is_said() {
    view(&[fixture("6.12-path.pcapng")], (160, 30), |view| {
        view.app.state.watched = Some(Watched::default());
        assert!(view.press("4").line("3 drops").contains("about to be counted"));
        let ended = Some("drops of the whole machine are not counted: no tracepoint".to_owned());
        let status = Status { ended, ..Status::default() };
        view.app.handle(Message::Drops(Box::new(Batch::news(Some(status), Vec::new()))));
        assert!(view.line("3 drops").contains("not counted: no tracepoint"), "{}", view.screen());
        let lost = Counts { ring_full: 7, ..Counts::default() };
        let status = Status { attached: 1, counts: Some(lost), ..Status::default() };
        view.app.handle(Message::Drops(Box::new(Batch::news(Some(status), Vec::new()))));
        assert!(view.line("0 drops").contains("7 more lost"), "{}", view.screen());
    });
}
