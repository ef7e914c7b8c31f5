//! What to attach, and what first.

use super::{Function, Selection};

/// Functions that nearly every packet passes: attached first, they show traffic while the rest is being attached.
/// In the order of a packet's way in, out, and of its end.
const FIRST: [&str; 24] = [
    "__netif_receive_skb_core",
    "ip_rcv",
    "ip_local_deliver",
    "ip_output",
    "__dev_queue_xmit",
    "tcp_v4_rcv",
    "udp_rcv",
    "icmp_rcv",
    "kfree_skb_reason",
    "sk_skb_reason_drop",
    "consume_skb",
    "ipv6_rcv",
    "ip6_output",
    "tcp_v6_rcv",
    "udpv6_rcv",
    "arp_rcv",
    "ip_forward",
    "ip_rcv_core",
    "ip_rcv_finish",
    "ip_local_deliver_finish",
    "ip_finish_output2",
    "dev_hard_start_xmit",
    "nf_hook_slow",
    "__kfree_skb",
];

/// Traceable and wanted functions, as positions in the slice that the plan was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// All of them, most useful first, for attaching one by one.
    pub order: Vec<usize>,
}

impl Plan {
    /// Plans for the functions selected.
    pub fn new(functions: &[Function], selection: &Selection) -> Self {
        let wanted = |number: &usize| functions[*number].is_traceable() && selection.matches(&functions[*number].name);
        let mut order: Vec<usize> = (0..functions.len()).filter(wanted).collect();
        order.sort_by_key(|&number| rank(&functions[number]));
        Self { order }
    }

    /// Number of functions.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Nothing is left to attach.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// The listed ones, then the kernel's own, then modules'.
fn rank(function: &Function) -> usize {
    let listed = FIRST.iter().position(|name| *name == function.name).filter(|_| function.module.is_none());
    listed.unwrap_or(FIRST.len() + usize::from(function.module.is_some()))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Refusal, Status},
        *,
    };

    fn function(name: &str, module: Option<&str>, position: u8, double: bool, status: Status) -> Function {
        Function {
            name: name.to_owned(),
            module: module.map(str::to_owned),
            address: 0,
            position,
            double,
            takes_reason: false,
            status,
        }
    }

    #[test]
    fn useful_functions_come_first() {
        let functions = [
            function("br_dev", Some("bridge"), 1, false, Status::Traceable),
            function("a_helper", None, 2, false, Status::Traceable),
            function("gone", None, 1, false, Status::Refused(Refusal::Unlisted)),
            function("ip_rcv", None, 1, false, Status::Traceable),
            function("__netif_receive_skb_core", None, 1, true, Status::Traceable),
        ];
        let plan = Plan::new(&functions, &Selection::default());
        assert_eq!(plan.order, [4, 3, 1, 0]);
    }

    #[test]
    fn only_what_is_selected() {
        let functions = [function("ip_rcv", None, 1, false, Status::Traceable)];
        let none = Selection::new(Some("tcp_.*")).unwrap();
        assert!(Plan::new(&functions, &none).is_empty());
        assert_eq!(Plan::new(&functions, &Selection::default()).len(), 1);
    }
}
