//! A journey in pieces: hops of one layer at one device are one.

use crate::{
    model::EventKind,
    track::{Hop, Item, Journey, Layer},
    view::Context,
};

/// A piece, in reading order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A branch begins.
    Begin {
        /// Index into the strands.
        strand: usize,
        /// How deep it is nested.
        depth: usize,
    },
    /// Hops of one layer.
    Group(Group),
    /// A branch has ended.
    End {
        /// Index into the strands.
        strand: usize,
        /// How deep it is nested.
        depth: usize,
    },
}

/// Hops of one layer at one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The layer.
    pub(super) layer: Layer,
    /// Indices into the hops; there is at least one.
    pub(super) hops: Vec<usize>,
    /// How deep its branch is nested.
    pub(super) depth: usize,
}

/// The pieces of a journey.
pub(super) fn pieces(journey: &Journey, context: &Context<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // The layer at hand of each branch on the way down.
    let mut layers: Vec<Option<Layer>> = Vec::new();
    for item in journey.outline() {
        match item {
            Item::Begin { strand, depth } => {
                // A copy is made by the layer that its original is in.
                layers.push(layers.last().copied().flatten());
                pieces.push(Piece::Begin { strand, depth });
            }
            Item::End { strand, depth } => {
                layers.pop();
                pieces.push(Piece::End { strand, depth });
            }
            Item::Hop { hop } => {
                let depth = layers.len().saturating_sub(1);
                let own = layer(&journey.hops[hop], context);
                let now = own.or(layers.last().copied().flatten()).or_else(|| next_layer(journey, hop, context));
                let now = now.unwrap_or(Layer::Other);
                if let Some(last) = layers.last_mut() {
                    *last = Some(now);
                }
                add(&mut pieces, journey, hop, now, depth);
            }
        }
    }
    pieces
}

fn layer(hop: &Hop, context: &Context<'_>) -> Option<Layer> {
    let probe = context.probes.get(hop.probe.0 as usize);
    probe.map_or(Some(Layer::Other), |probe| Layer::of(hop.kind, &probe.name, probe.module.as_deref()))
}

/// The layer that the branch of a hop gets to first: what all layers call belongs to it.
fn next_layer(journey: &Journey, hop: usize, context: &Context<'_>) -> Option<Layer> {
    let branch = journey.hops[hop].branch;
    journey.hops[hop..].iter().filter(|hop| hop.branch == branch).find_map(|hop| layer(hop, context))
}

/// Adds a hop to the group before it, if it belongs there. Drops and programs stand for themselves.
fn add(pieces: &mut Vec<Piece>, journey: &Journey, hop: usize, layer: Layer, depth: usize) {
    let alone = |kind: EventKind| !matches!(kind, EventKind::Call | EventKind::Tracepoint);
    let this = &journey.hops[hop];
    if let Some(Piece::Group(group)) = pieces.last_mut()
        && let Some(last) = group.hops.last().and_then(|last| journey.hops.get(*last))
    {
        let same = (last.netns, last.device) == (this.netns, this.device) && group.layer == layer;
        if same && !alone(this.kind) && !alone(last.kind) {
            group.hops.push(hop);
            return;
        }
    }
    pieces.push(Piece::Group(Group { layer, hops: vec![hop], depth }));
}
