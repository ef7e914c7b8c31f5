//! What only some runs ask for, packed: equal stacks and equal packet bytes of a frame are kept once.

use std::collections::HashMap;

use crate::{
    model::{Details, Value},
    record::format::rows::{Detail, Metadata},
};

/// The details of a frame.
#[derive(Default)]
pub(super) struct Side {
    pub(super) blobs: Vec<u8>,
    pub(super) details: Vec<u8>,
    places: HashMap<Box<[u8]>, u32>,
    count: u16,
    scratch: Vec<u8>,
}

impl Side {
    /// Adds the details of a hit; their place.
    pub(super) fn add(&mut self, details: &Details) -> u16 {
        let (stack_state, stack) = match &details.stack {
            None => (0, 0),
            Some(Ok(frames)) => (1, self.stack(frames)),
            Some(Err(error)) => (2, *error as u32),
        };
        let packet = self.blob(&details.packet);
        let detail = Detail { stack, packet, stack_state, metadata: details.metadata.len() as u16 };
        self.details.extend_from_slice(bytemuck::bytes_of(&detail));
        for value in &details.metadata {
            self.details.extend_from_slice(bytemuck::bytes_of(&metadata(*value)));
        }
        self.count += 1;
        self.count - 1
    }

    fn stack(&mut self, frames: &[u64]) -> u32 {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.extend(frames.iter().flat_map(|frame| frame.to_le_bytes()));
        let place = self.blob(&scratch);
        self.scratch = scratch;
        place
    }

    /// The offset of these bytes among the blobs.
    fn blob(&mut self, bytes: &[u8]) -> u32 {
        if let Some(place) = self.places.get(bytes) {
            return *place;
        }
        let place = self.blobs.len() as u32;
        self.blobs.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.blobs.extend_from_slice(bytes);
        self.places.insert(bytes.into(), place);
        place
    }

    pub(super) fn clear(&mut self) {
        self.blobs.clear();
        self.details.clear();
        self.places.clear();
        self.count = 0;
    }
}

fn metadata(value: Option<Value>) -> Metadata {
    let (state, bits) = match value {
        None => (0, 0),
        Some(Value::Unsigned(number)) => (1, number),
        Some(Value::Signed(number)) => (2, number as u64),
        Some(Value::Bool(truth)) => (3, u64::from(truth)),
        Some(Value::Pointer(address)) => (4, address),
    };
    Metadata { bits, state }
}
