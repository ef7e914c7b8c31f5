//! XDP: a program in a device's driver, in the generic place behind it, or in the hardware.

use std::io;

use super::{Kind, Scene};
use crate::{
    inspect::interfaces::XdpMode,
    model::{
        Attachment,
        attachment::{Details, Section},
    },
};

pub(super) struct Xdp;

impl Kind for Xdp {
    fn name(&self) -> &'static str {
        "XDP"
    }

    fn find(&self, scene: &mut Scene<'_>, out: &mut Vec<Attachment>) -> io::Result<()> {
        for link in scene.interfaces {
            for &(mode, program) in &link.xdp {
                out.push(Attachment {
                    section: Section::Xdp,
                    device: Some(link.device.clone()),
                    hook: named(mode).to_owned(),
                    order: 0,
                    program: Some(program),
                    name: Vec::new(),
                    link: only_link(scene, program, link.device.index),
                    runs: None,
                    details: Details::None,
                });
            }
        }
        Ok(())
    }
}

fn named(mode: XdpMode) -> &'static str {
    match mode {
        XdpMode::Driver => "driver",
        XdpMode::Generic => "generic",
        XdpMode::Offload => "offload",
    }
}

/// The link that attaches it. The kernel tells a link's device by number alone, without the namespace: where two links have
/// the same program and number, which is which is not known.
fn only_link(scene: &Scene<'_>, program: u32, device: u32) -> Option<u32> {
    let mut fitting = scene.links.xdp.iter().filter(|link| link.program == program && link.device == device);
    let found = fitting.next()?;
    fitting.next().is_none().then_some(found.id)
}
