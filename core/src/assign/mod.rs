//! Which executor gets what.
//!
//! The decision is made from brief rows and a count of what each executor and each tenant already holds, and touches
//! nothing. Three rules, in this order:
//!
//! 1. The tenant that holds the fewest slots is served first, task run by task run. So a tenant with 100,000 waiting gets
//!    what others leave, and another's one does not stand behind them.
//! 2. Within a tenant the highest priority is served first, then what has been ready longest.
//! 3. Of the executors that may take it (the tenant, the labels, free slots) the one with the smallest share of its slots
//!    in use gets it.
//!
//! What no executor can take is passed over, with everything that asks for the same labels, and holds up nothing else.

mod deal;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::id::{ExecutorId, TaskRunId, TenantId};

pub use deal::deal;

/// A ready task run, in brief.
#[derive(Clone, Debug)]
pub struct Head {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which it is.
    pub task_run_id: TaskRunId,
    /// 0 (last) to 9 (first).
    pub priority: i16,
    /// How many slots it takes.
    pub cost: u32,
    /// What an executor must offer, sorted.
    pub labels: Vec<String>,
    /// Since when it could run.
    pub ready_at: DateTime<Utc>,
}

/// An executor that may be given work.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Which it is.
    pub executor_id: ExecutorId,
    /// The only tenant it works for; `None` for all.
    pub tenant_id: Option<TenantId>,
    /// What it offers.
    pub labels: Vec<String>,
    /// The cost it carries at once.
    pub slots: u32,
    /// The cost it carries now.
    pub used: u32,
}

impl Candidate {
    /// How much more cost it can carry.
    #[must_use]
    pub fn free(&self) -> u32 {
        self.slots.saturating_sub(self.used)
    }

    /// Why it may not be given `head` now; `None` when it may.
    #[must_use]
    pub fn obstacle(&self, head: &Head) -> Option<Obstacle> {
        if self.tenant_id.is_some_and(|tenant| tenant != head.tenant_id) {
            return Some(Obstacle::Tenant);
        }
        if !head.labels.iter().all(|label| self.labels.contains(label)) {
            return Some(Obstacle::Labels);
        }
        if self.slots < head.cost {
            return Some(Obstacle::Size);
        }
        (self.free() < head.cost).then_some(Obstacle::Full)
    }

    fn may_take(&self, head: &Head) -> bool {
        self.obstacle(head).is_none()
    }

    /// The share of its slots in use, in parts of 2^32 so that shares compare exactly.
    fn load(&self) -> u64 {
        (u64::from(self.used) << 32) / u64::from(self.slots.max(1))
    }
}

/// Why an executor may not be given a task run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It works for another tenant only.
    Tenant,
    /// It does not offer every label.
    Labels,
    /// It has fewer slots than the task run takes, whatever else it carries.
    Size,
    /// It carries too much.
    Full,
}

/// A task run and the executor that was chosen for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which it is.
    pub task_run_id: TaskRunId,
    /// Who gets it.
    pub executor_id: ExecutorId,
}

/// Chooses executors for as many of `heads` as there are slots for. `running` is how many slots each tenant holds.
#[must_use]
#[expect(
    clippy::implicit_hasher,
    reason = "the counts come from one place, and are a map of the usual kind"
)]
pub fn assign(
    heads: Vec<Head>,
    mut candidates: Vec<Candidate>,
    running: &HashMap<TenantId, i64>,
) -> Vec<Choice> {
    let mut queues: HashMap<TenantId, Vec<Head>> = HashMap::new();
    for head in heads {
        queues.entry(head.tenant_id).or_default().push(head);
    }
    for queue in queues.values_mut() {
        // Sorted backwards, so that the next one is taken from the end.
        queue.sort_by_key(|head| (head.priority, Reverse((head.ready_at, head.task_run_id))));
    }
    let mut turns: BinaryHeap<Reverse<(i64, TenantId)>> = queues
        .keys()
        .map(|&tenant| Reverse((running.get(&tenant).copied().unwrap_or(0), tenant)))
        .collect();
    let mut stuck: HashSet<(TenantId, Vec<String>)> = HashSet::new();
    let mut choices = Vec::new();
    while let Some(Reverse((held, tenant))) = turns.pop() {
        let Some(head) = queues.get_mut(&tenant).and_then(Vec::pop) else {
            continue;
        };
        if candidates.iter().all(|candidate| candidate.free() == 0) {
            break;
        }
        let mut now_held = held;
        let queue = (tenant, head.labels.clone());
        if !stuck.contains(&queue) {
            match least_loaded(&mut candidates, &head) {
                Some(candidate) => {
                    candidate.used += head.cost;
                    now_held += i64::from(head.cost);
                    choices.push(Choice {
                        tenant_id: tenant,
                        task_run_id: head.task_run_id,
                        executor_id: candidate.executor_id,
                    });
                }
                None => {
                    stuck.insert(queue);
                }
            }
        }
        turns.push(Reverse((now_held, tenant)));
    }
    choices
}

fn least_loaded<'a>(candidates: &'a mut [Candidate], head: &Head) -> Option<&'a mut Candidate> {
    candidates
        .iter_mut()
        .filter(|candidate| candidate.may_take(head))
        .min_by_key(|candidate| candidate.load())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(n: u128) -> TenantId {
        TenantId(uuid::Uuid::from_u128(n))
    }

    fn head(tenant_id: TenantId, n: u128, priority: i16, labels: &[&str]) -> Head {
        Head {
            tenant_id,
            task_run_id: TaskRunId(uuid::Uuid::from_u128(n)),
            priority,
            cost: 1,
            labels: labels.iter().map(ToString::to_string).collect(),
            ready_at: DateTime::UNIX_EPOCH,
        }
    }

    fn candidate(n: u128, slots: u32, used: u32, labels: &[&str]) -> Candidate {
        Candidate {
            executor_id: ExecutorId(uuid::Uuid::from_u128(n)),
            tenant_id: None,
            labels: labels.iter().map(ToString::to_string).collect(),
            slots,
            used,
        }
    }

    fn given(choices: &[Choice]) -> Vec<(u128, u128)> {
        choices
            .iter()
            .map(|c| (c.task_run_id.0.as_u128(), c.executor_id.0.as_u128()))
            .collect()
    }

    #[test]
    fn the_least_loaded_executor_is_given_work_first() {
        let heads = (1..=4).map(|n| head(tenant(1), n, 5, &[])).collect();
        let choices = assign(
            heads,
            vec![candidate(1, 4, 2, &[]), candidate(2, 8, 2, &[])],
            &HashMap::new(),
        );
        assert_eq!(given(&choices), [(1, 2), (2, 2), (3, 1), (4, 2)]);
    }

    #[test]
    fn higher_priority_goes_first_within_a_tenant() {
        let heads = vec![
            head(tenant(1), 1, 0, &[]),
            head(tenant(1), 2, 9, &[]),
            head(tenant(1), 3, 5, &[]),
        ];
        let choices = assign(heads, vec![candidate(1, 2, 0, &[])], &HashMap::new());
        assert_eq!(given(&choices), [(2, 1), (3, 1)]);
    }

    #[test]
    fn a_tenant_with_much_waiting_does_not_hold_up_the_other() {
        let mut heads: Vec<_> = (1..=100).map(|n| head(tenant(1), n, 9, &[])).collect();
        heads.push(head(tenant(2), 1000, 0, &[]));
        let running = HashMap::from([(tenant(1), 3)]);
        let choices = assign(heads, vec![candidate(1, 2, 0, &[])], &running);
        assert_eq!(given(&choices), [(1000, 1), (1, 1)]);
    }

    #[test]
    fn labels_that_nobody_offers_hold_up_nothing_else() {
        let heads = vec![
            head(tenant(1), 1, 9, &["gpu"]),
            head(tenant(1), 2, 1, &[]),
            head(tenant(1), 3, 0, &["eu"]),
        ];
        let choices = assign(heads, vec![candidate(1, 9, 0, &["eu"])], &HashMap::new());
        assert_eq!(given(&choices), [(2, 1), (3, 1)]);
    }

    #[test]
    fn an_executor_of_one_tenant_takes_nothing_of_another() {
        let mut own = candidate(1, 5, 0, &[]);
        own.tenant_id = Some(tenant(2));
        let choices = assign(
            vec![head(tenant(1), 1, 5, &[]), head(tenant(2), 2, 5, &[])],
            vec![own],
            &HashMap::new(),
        );
        assert_eq!(given(&choices), [(2, 1)]);
    }

    #[test]
    fn no_executor_is_given_more_than_its_free_slots() {
        let mut heads: Vec<_> = (1..=10).map(|n| head(tenant(1), n, 5, &[])).collect();
        heads[0].cost = 3;
        let choices = assign(heads, vec![candidate(1, 4, 0, &[])], &HashMap::new());
        assert_eq!(given(&choices), [(1, 1), (2, 1)]);
    }
}
