//! Writer and reader together: whatever goes in comes out, and what is done to the bytes in between does no harm.

mod damage;
mod round_trip;
pub(crate) mod sample;
