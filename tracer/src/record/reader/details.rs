//! What only some runs ask for, unpacked.

use bytemuck::pod_read_unaligned;
use tracer_common::event::{METADATA_VALUES, PACKET_BYTES, STACK_FRAMES};

use crate::{
    model::{Details, Value},
    record::format::rows::{Detail, Metadata},
};

/// Where each detail begins.
pub(super) fn offsets(details: &[u8]) -> Vec<usize> {
    let (mut offsets, mut at) = (Vec::new(), 0);
    while let Some(detail) = detail(details, at) {
        offsets.push(at);
        at += size_of::<Detail>() + usize::from(detail.metadata) * size_of::<Metadata>();
    }
    offsets
}

fn detail(details: &[u8], at: usize) -> Option<Detail> {
    Some(pod_read_unaligned(details.get(at..)?.get(..size_of::<Detail>())?))
}

/// Reads the detail at an offset; `None` where it refers to what is not there, or is larger than any that is written.
pub(super) fn read(details: &[u8], offset: usize, blobs: &[u8]) -> Option<Details> {
    let detail = detail(details, offset)?;
    let stack = match detail.stack_state {
        0 => None,
        1 => Some(Ok(stack(blob(blobs, detail.stack)?)?)),
        2 => Some(Err(detail.stack as i32)),
        _ => return None,
    };
    let packet = blob(blobs, detail.packet).filter(|packet| packet.len() <= PACKET_BYTES)?.to_vec();
    let count = usize::from(detail.metadata);
    let values = details.get(offset + size_of::<Detail>()..)?.get(..count * size_of::<Metadata>())?;
    if count > METADATA_VALUES {
        return None;
    }
    let metadata =
        values.chunks_exact(size_of::<Metadata>()).map(|value| value_of(&pod_read_unaligned(value))).collect();
    Some(Details { stack, packet, metadata })
}

fn stack(bytes: &[u8]) -> Option<Vec<u64>> {
    let frames = bytes.as_chunks::<8>().0.iter().map(|frame| u64::from_le_bytes(*frame));
    (bytes.len() <= STACK_FRAMES * 8).then(|| frames.collect())
}

fn blob(blobs: &[u8], offset: u32) -> Option<&[u8]> {
    let (len, rest) = blobs.get(offset as usize..)?.split_first_chunk()?;
    rest.get(..u32::from_le_bytes(*len) as usize)
}

fn value_of(metadata: &Metadata) -> Option<Value> {
    match metadata.state {
        1 => Some(Value::Unsigned(metadata.bits)),
        2 => Some(Value::Signed(metadata.bits as i64)),
        3 => Some(Value::Bool(metadata.bits != 0)),
        4 => Some(Value::Pointer(metadata.bits)),
        _ => None,
    }
}
