//! What the flags ask of records that have been made, and what could not be judged.

use super::{args::What, say::say};
pub(crate) use crate::feed::judge::{Flags, Judge, Question};

impl<'a> From<&'a What> for Flags<'a> {
    fn from(what: &'a What) -> Self {
        Self {
            netns: what.filter_netns.as_deref(),
            ifname: what.filter_ifname.as_deref(),
            mark: what.filter_mark.as_deref(),
            skb: what.filter_skb_expr.as_deref(),
            inside: [what.filter_tunnel_pcap_l2.as_deref(), what.filter_tunnel_pcap_l3.as_deref()],
            func: what.filter_func.as_deref(),
            no_track: what.no_track,
        }
    }
}

/// Says how many hits could not be judged.
pub(crate) fn report(judge: &Judge) {
    match judge.undecidable() {
        0 => {}
        1 => say("1 hit could not be judged: what the filter asks for was not recorded with it"),
        many => {
            say(format_args!("{many} hits could not be judged: what the filter asks for was not recorded with them"));
        }
    }
}
