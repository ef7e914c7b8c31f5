//! `skbtrail merbridge redirects`: who was led where.

use std::{fmt::Write as _, net::IpAddr, process::ExitCode};

use crate::{
    cli::{
        dataplane::{Where, newest, print_row, rows, taken},
        failure::Failure,
        show::{Paper, show_long},
    },
    inspect::{
        dataplane::Found,
        maps::decode::merbridge::{
            pods::{PROCESSES, read_process},
            redirects::{PAIRS, SOCKETS, read_pair, read_socket},
        },
        merbridge::{How, Names, Redirect, Tables},
    },
    kernel::Root,
    model::Decoded,
    view::escape,
};

pub(super) fn run(address: Option<IpAddr>, at: &Where) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let mut shown = 0_u64;
    let code = show_long(&at.show, |_, paper| {
        let tables = read(&newest(&PAIRS, at, None)?, at, paper)?;
        let mut names = Names::new(&root, &tables.processes);
        let all = tables.redirects();
        let wanted = all.iter().filter(|one| address.is_none_or(|address| one.concerns(address)));
        shown = 0;
        for one in wanted {
            shown += 1;
            let sentence = one.sentence(&mut names);
            if at.show.json {
                let row = object(one, &sentence, &mut names);
                print_row(&row, &at.show, paper)?;
                continue;
            }
            escape(sentence.as_bytes(), &mut paper.text);
            let spliced = if one.spliced { ", data goes from socket to socket" } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(paper.text, "\n    from {}{spliced}", one.pair.source);
            paper.turn()?;
        }
        if shown == 0 && !at.show.json {
            paper.text.push_str("no connection is like that\n");
        }
        Ok(())
    })?;
    Ok(if shown > 0 || address.is_none() { code } else { ExitCode::FAILURE })
}

fn read(pairs: &Found, at: &Where, paper: &mut Paper) -> Result<Tables, Failure> {
    Ok(Tables {
        pairs: taken(pairs, pairs.rows(read_pair)?, paper),
        sockets: rows(&SOCKETS, at, read_socket, paper)?,
        processes: rows(&PROCESSES, at, read_process, paper)?.into_iter().collect(),
    })
}

fn object(one: &Redirect, sentence: &str, names: &mut Names<'_>) -> Decoded {
    let how = match one.how {
        How::ToOwnSidecar => "own-sidecar",
        How::ToOtherSidecar => "other-sidecar",
        How::FromElsewhere => "from-elsewhere",
        How::Direct => "direct",
    };
    let who = names.process(one.origin.pid);
    let process = (!who.comm.is_empty()).then(|| String::from_utf8_lossy(&who.comm).into_owned());
    Decoded::new([])
        .with("how", how)
        .with("source", one.pair.source.to_string())
        .with("destination", one.pair.destination.to_string())
        .with("wanted", one.origin.address.to_string())
        .with("service", names.service(one.origin.address.ip(), one.origin.pid))
        .with("pod", names.pod(one.origin.address.ip()))
        .with("pid", (one.origin.pid != 0).then_some(one.origin.pid))
        .with("process", process)
        .with("container", who.container)
        .with("spliced", one.spliced)
        .with("sentence", sentence.to_owned())
}
