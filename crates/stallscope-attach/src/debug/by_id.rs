//! Maps by a place in the debug information. They are asked several times for each value that is looked at.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by something that is one number.
pub(crate) type ById<K, V> = HashMap<K, V, BuildHasherDefault<Spread>>;

/// Spreads a number over all bits by one multiplication. Whoever made the debug information could make all of them collide, and would
/// only slow down who reads it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut wide = [0; 8];
            wide[..part.len()].copy_from_slice(part);
            self.write_u64(u64::from_le_bytes(wide));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The map takes its bucket from the low bits, and multiplying moves everything up.
        self.0 = mixed ^ (mixed >> 32);
    }
}
