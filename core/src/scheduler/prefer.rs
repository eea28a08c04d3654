//! Which scheduler looks at a partition first.
//!
//! Rendezvous hashing (Thaler and Ravishankar 1998): each scheduler works out a weight for every pair of scheduler and
//! partition, and the heaviest is preferred. All that see the same living agree without a word, and when one comes or
//! goes only its own partitions change hands.

use std::collections::BTreeSet;

use crate::id::SchedulerId;
use crate::tenant::PARTITIONS;

/// The partitions that one scheduler looks at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Preference {
    partitions: BTreeSet<i16>,
}

impl Default for Preference {
    /// Until it knows the others, a scheduler prefers every partition.
    fn default() -> Self {
        Self {
            partitions: partitions().collect(),
        }
    }
}

impl Preference {
    /// What `own` prefers when `living` are alive.
    pub(super) fn among(own: SchedulerId, living: &[SchedulerId]) -> Self {
        let heaviest = |partition: i16| {
            living
                .iter()
                .copied()
                .max_by_key(|&id| (weight(id, partition), id))
        };
        Self {
            partitions: partitions()
                .filter(|&partition| heaviest(partition).is_none_or(|id| id == own))
                .collect(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = i16> + '_ {
        self.partitions.iter().copied()
    }

    pub(super) fn prefers(&self, partition: i16) -> bool {
        self.partitions.contains(&partition)
    }
}

/// All partitions.
pub(super) fn partitions() -> impl Iterator<Item = i16> {
    0..i16::try_from(PARTITIONS).expect("there are 64 partitions")
}

/// A hash that is the same in every process: the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
fn weight(scheduler: SchedulerId, partition: i16) -> u64 {
    let (high, low) = scheduler.0.as_u64_pair();
    let mut mixed =
        high ^ low.rotate_left(32) ^ u64::from(partition.unsigned_abs()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_is_preferred_by_exactly_one_of_the_living() {
        let living: Vec<_> = (0..5).map(|_| SchedulerId::generate()).collect();
        let preferences: Vec<_> = living.iter().map(|&id| Preference::among(id, &living)).collect();
        for partition in partitions() {
            assert_eq!(
                preferences
                    .iter()
                    .filter(|preference| preference.prefers(partition))
                    .count(),
                1
            );
        }
        assert!(
            preferences
                .iter()
                .all(|preference| preference.partitions.len() >= 4),
            "{preferences:?}"
        );
    }

    #[test]
    fn when_one_dies_only_its_partitions_change_hands() {
        let living: Vec<_> = (0..4).map(|_| SchedulerId::generate()).collect();
        let before = Preference::among(living[0], &living);
        let after = Preference::among(living[0], &living[..3]);
        assert!(before.partitions.is_subset(&after.partitions));
    }
}
