//! The tabs of the machine: tables as they come from its thread, here in the thread's place.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

use skbtrail::{
    tui::{
        message::Message,
        node::{Node, Page, Part, Told},
    },
    view::{
        Table,
        table::{Cell, Column},
    },
};

use super::machine::{maps, network};
use super::view::{View, fixture, view};

/// A view whose questions to the machine come out of the receiver.
fn with_node(size: (u16, u16), test: impl FnOnce(&mut View<'_>, &Receiver<Part>)) {
    view(&[fixture("6.12-path.pcapng")], size, |view| {
        let (questions, asked) = sync_channel(1);
        view.app.state.node = Some(Node::new(questions));
        test(view, &asked);
    });
}

fn tell(view: &mut View<'_>, part: Part, page: Result<Page, String>) {
    view.app.handle(Message::Node(Box::new(Told { part, page, took: Duration::from_millis(13) })));
}

fn page(tables: Vec<Table>) -> Page {
    Page { tables, notes: vec!["a sentence".to_owned()] }
}

#[test]
fn network_and_programs_of_the_machine() {
    for size in [(80, 24), (160, 50)] {
        with_node(size, |view, asked| {
            view.press("5");
            assert!(view.screen().contains("reading …") && asked.try_recv() == Ok(Part::Net));
            tell(view, Part::Net, Ok(page(network())));
            let screen = view.screen();
            insta::assert_snapshot!(format!("net-{}x{}", size.0, size.1), screen);
            assert!(view.press("<right>").line("▶").contains("eth0(2) in client"));
            assert!(view.press("<enter>").line("tc_drops").contains("not counted"), "{}", view.screen());
            assert!(view.press("<esc>n").press("veth<enter>").line("no other line").contains("`veth`"));
        });
    }
}

#[test]
fn a_map_opens_its_entries() {
    with_node((100, 24), |view, asked| {
        view.press("7");
        assert_eq!(asked.try_recv(), Ok(Part::Maps));
        tell(view, Part::Maps, Ok(page(maps())));
        // Foreign names are escaped, sorting turns round, and the row at hand stays.
        assert!(view.press("j").line("▶").contains("beta\\x1b"));
        assert!(view.press("s").line("▶").contains("beta\\x1b"));
        view.press("<enter>");
        assert_eq!(asked.try_recv(), Ok(Part::Entries(8)));
        let mut entries = Table::new("entries", [Column::words("KEY"), Column::words("VALUE")]).titled("beta (8)");
        entries.push([Cell::text("10.0.0.1"), Cell::text("identity 7")]);
        tell(view, Part::Entries(8), Ok(page(vec![entries])));
        assert!(view.line("10.0.0.1").contains("identity 7"));
        assert!(view.press("<esc>").line("▶").contains("beta\\x1b"));
        // What cannot be read says why, and is asked for again.
        view.press("<ctrl-r>");
        assert_eq!(asked.try_recv(), Ok(Part::Maps));
        tell(view, Part::Maps, Err("listing maps takes CAP_SYS_ADMIN".to_owned()));
        assert!(view.line("CAP_SYS_ADMIN").contains("listing maps"));
    });
}

#[test]
fn losses_that_no_packet_tells_of() {
    with_node((120, 30), |view, asked| {
        view.press("4");
        assert_eq!(asked.try_recv(), Ok(Part::Counters));
        let columns = [Column::number("by", "MOVED"), Column::text("counter", "COUNTER"), Column::text("at", "AT")];
        let mut table = Table::new("counter", columns);
        tell(view, Part::Counters, Ok(page(vec![table.clone()])));
        assert!(view.screen().contains("stand still"));
        table.push([Cell::number(3_u64).shown("+3"), Cell::text("rx_missed"), Cell::text("ens5")]);
        tell(view, Part::Counters, Ok(page(vec![table])));
        assert!(view.line("meanwhile").contains("ens5 rx_missed +3"), "{}", view.screen());
    });
}

#[test]
fn a_recording_says_what_it_has_not() {
    view(&[fixture("6.12-path.pcapng")], (100, 24), |view| {
        for tab in ["5", "6", "7", "8"] {
            assert!(view.press(tab).screen().contains("A recording has packets alone"));
        }
    });
}
