//! Free space: less than the soft limit takes no new MT, less than the hard one no MO either (P35).
//!
//! What surprises: a file is kept whose only purpose is to be deleted. At the hard limit its space
//! lets receipts, state changes and the audit trail of what was promised come to their end.

use std::{io, path::Path, sync::atomic::Ordering};

use super::Gateway;
use crate::metrics;

const RESERVE: &str = "reserve";

/// Octets of free space, and of the reserve.
#[derive(Debug, Clone, Copy)]
pub struct DiskLimits {
    pub soft: u64,
    pub hard: u64,
    pub reserve: u64,
}

/// What is taken at some amount of free space.
fn level(free: u64, limits: &DiskLimits) -> u8 {
    match free {
        free if free < limits.hard => 2,
        free if free < limits.soft => 1,
        _ => 0,
    }
}

impl Gateway {
    /// Looks how much is free in `folder`, and acts on it.
    pub fn look_at_disk(&self, folder: &Path, limits: &DiskLimits) {
        let free = match free_in(folder) {
            Ok(free) => free,
            Err(error) => {
                tracing::warn!(%error, "free space cannot be looked up");
                return;
            }
        };
        metrics::disk_free(free);
        self.set_disk_level(level(free, limits), free);
        let file = folder.join(RESERVE);
        let outcome = match (level(free, limits), file.exists()) {
            (2, true) => std::fs::remove_file(&file),
            (0, false) if free > limits.soft.saturating_add(limits.reserve) => {
                make_reserve(&file, limits.reserve)
            }
            _ => Ok(()),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "the reserve of disk space cannot be kept");
        }
    }

    fn set_disk_level(&self, level: u8, free: u64) {
        let before = self.inner.disk.swap(level, Ordering::AcqRel);
        match level {
            _ if level == before => {}
            0 => tracing::info!(free, "there is space again; everything is taken"),
            1 => tracing::error!(free, "the disk is nearly full; no new MT is taken"),
            _ => tracing::error!(free, "the disk is full; neither MT nor MO is taken"),
        }
    }
}

fn free_in(folder: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(folder)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Really allocated: a file with holes would give nothing back.
fn make_reserve(file: &Path, octets: u64) -> io::Result<()> {
    let made = std::fs::File::create(file)?;
    rustix::fs::fallocate(&made, rustix::fs::FallocateFlags::empty(), 0, octets)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: DiskLimits = DiskLimits { soft: 1000, hard: 100, reserve: 10 };

    #[test]
    fn what_is_taken_shrinks_with_the_free_space() {
        assert_eq!([1000, 999, 100, 99, 0].map(|free| level(free, &LIMITS)), [0, 1, 1, 2, 2]);
    }

    #[test]
    fn a_reserve_has_its_size_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(RESERVE);
        make_reserve(&file, 1 << 20).unwrap();
        let blocks = std::os::unix::fs::MetadataExt::blocks(&file.metadata().unwrap());
        assert!(blocks * 512 >= 1 << 20);
        assert!(free_in(folder.path()).unwrap() > 0);
    }
}
