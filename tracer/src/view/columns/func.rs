//! What was hit: a function, a tracepoint with the reason where it was given one, or a BPF program with its verdict.

use super::{Column, Context, Object, Row, program};
use crate::model::EventKind;
use crate::view::Tone;

pub(super) struct Func;

impl Column for Func {
    fn name(&self) -> &'static str {
        "func"
    }

    fn help(&self) -> &'static str {
        "function, tracepoint or BPF program that was hit, with what it tells of a drop or its verdict"
    }

    fn header(&self) -> &'static str {
        "FUNC"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        36
    }

    fn tone(&self, row: &Row<'_>) -> Tone {
        if row.event.kind == EventKind::Drop { Tone::Drop } else { program::tone(row) }
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        write_name(row, out);
        if row.program_id().is_some() {
            out.push('(');
            row.write_program(out);
            out.push_str(")=");
            row.write_verdict(out);
        }
        if row.event.reason.is_some() || row.drop_place().is_some() {
            out.push('(');
            row.write_drop(out);
            out.push(')');
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        object.text("func", |out| write_name(row, out));
        let module = row.probe().and_then(|probe| probe.module.as_ref());
        if let Some(module) = module.filter(|_| row.program_id().is_none()) {
            object.foreign("module", module.as_bytes());
        }
    }
}

fn write_name(row: &Row<'_>, out: &mut String) {
    row.context.write_probe(row.event.probe, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProbeId;
    use crate::view::tests::{DROP, MODULE_FUNCTION, REASON_FUNCTION, check, make_drop, make_program_hit};

    #[test]
    fn functions() {
        check(&Func, |_, _| (), "ip_rcv", r#"{"func":"ip_rcv"}"#);
        check(
            &Func,
            |event, _| event.probe = MODULE_FUNCTION,
            "nft_do_chain",
            r#"{"func":"nft_do_chain","module":"nf_tables"}"#,
        );
        check(&Func, |event, _| event.probe = ProbeId(99), "probe#99", r#"{"func":"probe#99"}"#);
    }

    #[test]
    fn programs_tell_their_verdict() {
        check(
            &Func,
            |event, _| make_program_hit(event),
            "cil_from_netdev(tc:123)=TC_ACT_SHOT",
            r#"{"func":"cil_from_netdev"}"#,
        );
    }

    #[test]
    fn reasons_stand_beside_the_name() {
        let given = |reason| {
            move |event: &mut crate::model::Event, _: &mut Context<'_>| {
                event.probe = REASON_FUNCTION;
                event.reason = reason;
            }
        };
        let json = r#"{"func":"sk_skb_reason_drop"}"#;
        check(&Func, given(Some(6)), "sk_skb_reason_drop(NETFILTER_DROP)", json);
        check(&Func, given(Some(77)), "sk_skb_reason_drop(77)", json);
        check(&Func, given(None), "sk_skb_reason_drop", json);
    }

    #[test]
    fn drops_tell_their_place() {
        let json = r#"{"func":"skb:kfree_skb"}"#;
        check(&Func, |event, _| make_drop(event), "skb:kfree_skb(NETFILTER_DROP at nft_do_chain+0x1c2)", json);
        check(
            &Func,
            |event, _| {
                make_drop(event);
                event.reason = None;
            },
            "skb:kfree_skb(at nft_do_chain+0x1c2)",
            json,
        );
        check(&Func, |event, _| (event.probe, event.kind) = (DROP, EventKind::Drop), "skb:kfree_skb", json);
    }
}
