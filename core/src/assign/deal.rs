//! Which executor gets which shards.
//!
//! Shards are dealt once, when their node starts, to the executors that live then, in the order of their keys. The strategies
//! and their results are those of Apache `ElasticJob`, whose users expect them.

use crate::workflow::ShardingStrategy;

/// The place of the executor that each of `shards` shards goes to, by shard; `executors` is at least 1.
///
/// `key` is the node's: `ROTATE` and `ODEVITY` deal the shards of different nodes to different executors by it.
#[must_use]
pub fn deal(strategy: ShardingStrategy, shards: usize, executors: usize, key: &str) -> Vec<usize> {
    let average = |place: usize| {
        let share = shards / executors;
        if place < share * executors {
            place / share
        } else {
            place - share * executors
        }
    };
    let hash = string_hash(key);
    (0..shards)
        .map(|shard| match strategy {
            ShardingStrategy::RoundRobin => shard % executors,
            ShardingStrategy::Rotate => {
                let offset = hash.unsigned_abs() as usize % executors;
                (average(shard) + offset) % executors
            }
            ShardingStrategy::Odevity if hash % 2 == 0 => executors - 1 - average(shard),
            ShardingStrategy::Average | ShardingStrategy::Odevity => average(shard),
        })
        .collect()
}

/// The hash by which `ElasticJob` rotates and reverses: that of Java's strings, over UTF-16.
fn string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dealt(strategy: ShardingStrategy, shards: usize, executors: usize, key: &str) -> Vec<Vec<usize>> {
        let mut hands = vec![Vec::new(); executors];
        for (shard, executor) in deal(strategy, shards, executors, key).into_iter().enumerate() {
            hands[executor].push(shard);
        }
        hands
    }

    #[test]
    fn the_average_keeps_neighbours_together_and_deals_the_rest() {
        use ShardingStrategy::Average;
        assert_eq!(
            dealt(Average, 8, 3, "n"),
            [vec![0, 1, 6], vec![2, 3, 7], vec![4, 5]]
        );
        assert_eq!(
            dealt(Average, 10, 3, "n"),
            [vec![0, 1, 2, 9], vec![3, 4, 5], vec![6, 7, 8]]
        );
        assert_eq!(
            dealt(Average, 9, 3, "n"),
            [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7, 8]]
        );
        assert_eq!(dealt(Average, 2, 3, "n"), [vec![0], vec![1], vec![]]);
        assert_eq!(
            dealt(Average, 0, 3, "n"),
            [vec![], vec![], vec![]] as [Vec<usize>; 3]
        );
    }

    #[test]
    fn round_robin_deals_one_after_the_other() {
        assert_eq!(
            dealt(ShardingStrategy::RoundRobin, 8, 3, "n"),
            [vec![0, 3, 6], vec![1, 4, 7], vec![2, 5]]
        );
    }

    #[test]
    fn rotation_moves_the_average_by_the_hash_of_the_key() {
        // "a" hashes to 97, and 97 mod 3 is 1.
        assert_eq!(
            dealt(ShardingStrategy::Rotate, 8, 3, "a"),
            [vec![4, 5], vec![0, 1, 6], vec![2, 3, 7]]
        );
    }

    #[test]
    fn an_even_hash_reverses_the_executors() {
        // "a" hashes to 97, "b" to 98.
        assert_eq!(
            dealt(ShardingStrategy::Odevity, 8, 3, "a"),
            [vec![0, 1, 6], vec![2, 3, 7], vec![4, 5]]
        );
        assert_eq!(
            dealt(ShardingStrategy::Odevity, 8, 3, "b"),
            [vec![4, 5], vec![2, 3, 7], vec![0, 1, 6]]
        );
    }

    #[test]
    fn the_hash_is_that_of_java() {
        assert_eq!(string_hash("hello"), 99_162_322);
        assert_eq!(string_hash("polygenelubricants"), i32::MIN);
    }
}
