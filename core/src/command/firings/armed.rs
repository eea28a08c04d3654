//! Triggers made ready to be asked, kept in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::expression::{Expression, OccurrenceFacts};
use crate::given::Computed;
use crate::id::{TenantId, TriggerId};
use crate::store::firings::PendingFiring;
use crate::store::triggers::list_triggers_of_all;
use crate::store::{StoreError, Transaction};
use crate::trigger::Trigger;
use crate::trigger::firing::FiringFacts;
use crate::trigger::source::Source;

/// How many triggers are kept; beyond it the whole memory is forgotten and fills again with what is in use.
const KEEP: usize = 20_000;

type Kept = HashMap<(TriggerId, i32), Arc<Armed>>;

/// Triggers that this process has read. Their revision rises with every edit, so none is ever stale.
#[derive(Clone, Default)]
pub(crate) struct ArmedTriggers {
    kept: Arc<Mutex<Kept>>,
}

/// A trigger whose expressions are ready.
pub(crate) struct Armed {
    pub(super) tenant: TenantId,
    pub(super) trigger: Trigger,
    filter: Option<Expression>,
    computed_inputs: Computed,
}

/// What the run of a firing is given.
pub(super) struct Given {
    pub(super) inputs: Map<String, Value>,
    /// The occurrence that it is for as well.
    pub(super) occurrence: Option<OccurrenceFacts>,
}

/// Why a trigger gives a firing nothing.
pub(super) enum Refused {
    /// Its filter was false.
    ByFilter,
    /// Something came to nothing.
    ByFault(String),
}

impl ArmedTriggers {
    /// The triggers of the firings, or why one cannot be asked; those that were deleted are left out. Reads those that were not read
    /// before.
    pub(super) async fn get(
        &self,
        transaction: &mut Transaction,
        pending: &[PendingFiring],
    ) -> Result<HashMap<TriggerId, Result<Arc<Armed>, String>>, StoreError> {
        let mut found = HashMap::new();
        let mut missing = BTreeSet::new();
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for firing in pending {
                let Some(revision) = firing.revision else { continue };
                match kept.get(&(firing.trigger_id, revision)) {
                    Some(armed) => drop(found.insert(firing.trigger_id, Ok(Arc::clone(armed)))),
                    None => drop(missing.insert((firing.tenant_id, firing.trigger_id))),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let missing: Vec<_> = missing.into_iter().collect();
        let triggers = list_triggers_of_all(transaction, &missing).await?;
        for (_, id) in missing {
            found.insert(id, Err("it was written by another release".to_owned()));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + triggers.len() > KEEP {
            kept.clear();
        }
        for (tenant, trigger) in triggers {
            let (id, revision) = (trigger.id, trigger.revision);
            let armed = Armed::new(tenant, trigger).map(Arc::new);
            if let Ok(armed) = &armed {
                kept.insert((id, revision), Arc::clone(armed));
            }
            found.insert(id, armed);
        }
        Ok(found)
    }
}

impl Armed {
    /// Makes a trigger ready, or says why it cannot be asked.
    fn new(tenant: TenantId, trigger: Trigger) -> Result<Self, String> {
        let spec = &trigger.spec;
        let scope = spec.on.scope();
        let filter = spec
            .filter
            .as_ref()
            .map(|text| Expression::condition(text, &scope))
            .transpose();
        Ok(Self {
            filter: filter.map_err(|error| error.to_string())?,
            computed_inputs: Computed::parse(&spec.computed_inputs, &scope)?,
            tenant,
            trigger,
        })
    }

    /// What the run is given if the filter lets the firing through.
    pub(super) fn give(&self, facts: &FiringFacts) -> Result<Given, Refused> {
        let occurrence = self.occurrence(facts).map_err(Refused::ByFault)?;
        if let Some(filter) = &self.filter {
            let holds = filter.evaluate_bool(&facts.bindings());
            let told = |error| Refused::ByFault(format!("the filter cannot be told: {error}"));
            if !holds.map_err(told)? {
                return Err(Refused::ByFilter);
            }
        }
        let inputs = self.trigger.spec.inputs.clone();
        let inputs = self.computed_inputs.give(inputs, || facts.bindings());
        Ok(Given {
            inputs: inputs.map_err(Refused::ByFault)?,
            occurrence,
        })
    }

    /// The occurrence that the run is for, if it is to be for the same as the one that ended.
    fn occurrence(&self, facts: &FiringFacts) -> Result<Option<OccurrenceFacts>, String> {
        match (&self.trigger.spec.on, facts) {
            (
                Source::RunEnded {
                    same_period: true, ..
                },
                FiringFacts::RunEnded { upstream, occurrence },
            ) => match occurrence {
                Some(occurrence) => Ok(Some(occurrence.clone())),
                None => Err(format!(
                    "the run {} was for no occurrence of a schedule, so there is no period that both could be for",
                    upstream.id
                )),
            },
            _ => Ok(None),
        }
    }
}
