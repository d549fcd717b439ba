//! Which pages of an area a process has ever touched.
//!
//! Allocators reserve far more than they use. To read a page that was never touched would make the kernel give the process a page table for
//! it: memory that it pays for, because we looked.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::Area;

/// One entry of `/proc/PID/pagemap` for each page.
const ENTRY: usize = 8;
/// Entries that are read at once.
const STRIDE: usize = 8192;
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;

/// The stretches of `area` that are in memory or swapped out, as `pagemap` has it: start and end. All of it, if that cannot be read.
pub(super) fn stretches(pagemap: &File, area: &Area) -> Vec<(u64, u64)> {
    let page = rustix::param::page_size() as u64;
    let mut found = Vec::new();
    let mut entries = vec![0; STRIDE * ENTRY];
    let mut at = area.start;
    while at < area.end {
        let pages = (area.end - at).div_ceil(page).min(STRIDE as u64);
        let wanted = &mut entries[..usize::try_from(pages).unwrap_or(STRIDE) * ENTRY];
        let Some(offset) = (at / page).checked_mul(ENTRY as u64) else {
            return vec![(area.start, area.end)];
        };
        if pagemap.read_exact_at(wanted, offset).is_err() {
            return vec![(area.start, area.end)];
        }
        add(&mut found, at, page, wanted);
        at = at.saturating_add(pages.saturating_mul(page));
    }
    if let Some(last) = found.last_mut() {
        last.1 = last.1.min(area.end);
    }
    found
}

/// Append the touched pages of those that begin at `start`; neighbours are joined.
fn add(found: &mut Vec<(u64, u64)>, start: u64, page: u64, entries: &[u8]) {
    for (number, entry) in entries.chunks_exact(ENTRY).enumerate() {
        let entry = u64::from_le_bytes(entry.try_into().unwrap_or_default());
        if entry & (PRESENT | SWAPPED) == 0 {
            continue;
        }
        let from = start.saturating_add(page.saturating_mul(number as u64));
        let to = from.saturating_add(page);
        match found.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ => found.push((from, to)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_pages_are_one_stretch_and_untouched_ones_are_left_out() {
        let entries: Vec<u8> = [PRESENT, SWAPPED | 7, 0, PRESENT | 1]
            .iter()
            .flat_map(|entry| entry.to_le_bytes())
            .collect();
        let mut found = Vec::new();
        add(&mut found, 0x10000, 0x1000, &entries);
        add(&mut found, 0x14000, 0x1000, &entries[..8]);
        assert_eq!(found, [(0x10000, 0x12000), (0x13000, 0x15000)]);
    }

    #[test]
    fn what_cannot_be_read_may_be_anywhere() {
        let nothing = tempfile::tempfile().expect("a file");
        let area = Area {
            start: 0x1000,
            end: 0x5000,
            ..Area::default()
        };
        assert_eq!(stretches(&nothing, &area), [(0x1000, 0x5000)]);
    }
}
