//! Schedules made ready to be asked, kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use crate::expression::{Bindings, DataInterval, Expression, OccurrenceFacts, WorkingDays};
use crate::given::Computed;
use crate::id::{ScheduleId, TenantId};
use crate::schedule::calendar::Calendar;
use crate::schedule::plan::Plan;
use crate::schedule::spec::{Schedule, ScheduleSpec, seed_of};
use crate::store::schedule_states::DueSchedule;
use crate::store::schedules::{Calendars, list_calendars_of_all, list_schedules_of_all};
use crate::store::{StoreError, Transaction};

/// How many schedules are kept; beyond it the whole memory is forgotten and fills again with what is in use.
const KEEP: usize = 20_000;

type Kept = HashMap<(ScheduleId, i32), Arc<Armed>>;

/// Schedules that this process has read. Their revision rises with whatever they depend on, so none is ever stale.
#[derive(Clone, Default)]
pub(crate) struct Plans {
    kept: Arc<Mutex<Kept>>,
}

/// A schedule as it was last edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edition {
    pub(crate) tenant_id: TenantId,
    pub(crate) schedule_id: ScheduleId,
    pub(crate) plan_revision: i32,
}

impl From<&DueSchedule> for Edition {
    fn from(due: &DueSchedule) -> Self {
        Self {
            tenant_id: due.tenant_id,
            schedule_id: due.schedule_id,
            plan_revision: due.plan_revision,
        }
    }
}

/// A schedule whose rule, calendar and expressions are ready.
pub(crate) struct Armed {
    pub(crate) tenant: TenantId,
    pub(crate) schedule: Schedule,
    pub(crate) plan: Plan,
    calendar: Arc<Calendar>,
    computed_inputs: Computed,
    overlap_key: Option<Expression>,
}

impl WorkingDays for Calendar {
    fn is_working_day(&self, date: NaiveDate) -> bool {
        self.works_on(date)
    }
}

impl Plans {
    /// The schedules as `wanted` has them, or why one cannot be asked; reads those that were not read before.
    pub(crate) async fn get(
        &self,
        transaction: &mut Transaction,
        wanted: &[Edition],
    ) -> Result<HashMap<ScheduleId, Result<Arc<Armed>, String>>, StoreError> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for schedule in wanted {
                match kept.get(&(schedule.schedule_id, schedule.plan_revision)) {
                    Some(armed) => drop(found.insert(schedule.schedule_id, Ok(Arc::clone(armed)))),
                    None => missing.push(schedule),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let unread: Vec<_> = missing
            .iter()
            .map(|schedule| (schedule.tenant_id, schedule.schedule_id))
            .collect();
        let schedules = list_schedules_of_all(transaction, &unread).await?;
        let calendars = read_calendars(transaction, &schedules).await?;
        let revisions: HashMap<ScheduleId, i32> = missing
            .iter()
            .map(|schedule| (schedule.schedule_id, schedule.plan_revision))
            .collect();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + schedules.len() > KEEP {
            kept.clear();
        }
        for (tenant, schedule) in schedules {
            let id = schedule.id;
            let armed = Armed::new(tenant, schedule, &calendars).map(Arc::new);
            if let Ok(armed) = &armed {
                kept.insert((id, revisions[&id]), Arc::clone(armed));
            }
            found.insert(id, armed);
        }
        for schedule in missing {
            found
                .entry(schedule.schedule_id)
                .or_insert_with(|| Err("it was written by another release".to_owned()));
        }
        Ok(found)
    }
}

async fn read_calendars(
    transaction: &mut Transaction,
    schedules: &[(TenantId, Schedule)],
) -> Result<Calendars, StoreError> {
    let mut wanted: Vec<(TenantId, String)> = schedules
        .iter()
        .flat_map(|(tenant, schedule)| {
            let keys = schedule.spec.calendars();
            keys.into_iter().map(|key| (*tenant, key))
        })
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(Calendars::new());
    }
    list_calendars_of_all(transaction, &wanted).await
}

impl Armed {
    /// Makes a schedule ready, or says why it cannot be asked.
    pub(crate) fn new(tenant: TenantId, schedule: Schedule, calendars: &Calendars) -> Result<Self, String> {
        let spec = &schedule.spec;
        let find = |key: &str| calendars.get(&(tenant, key.to_owned())).cloned();
        let calendar = match &spec.timing.calendar {
            Some(selection) => Some(selection.resolve(&find).map_err(|error| error.to_string())?),
            None => None,
        };
        let seed = seed_of(tenant, &schedule.key);
        let plan = Plan::new(&spec.timing, calendar.clone(), seed).map_err(|error| error.to_string())?;
        let scope = ScheduleSpec::scope();
        let parse = |text: &String| Expression::parse(text, &scope).map_err(|error| error.to_string());
        Ok(Self {
            computed_inputs: Computed::parse(&spec.computed_inputs, &scope)?,
            overlap_key: spec.overlap_key.as_ref().map(parse).transpose()?,
            calendar: Arc::new(calendar.unwrap_or_else(Calendar::every_day)),
            tenant,
            plan,
            schedule,
        })
    }

    pub(crate) fn id(&self) -> ScheduleId {
        self.schedule.id
    }

    pub(crate) fn spec(&self) -> &ScheduleSpec {
        &self.schedule.spec
    }

    /// The occurrence as expressions read it.
    pub(crate) fn facts(&self, nominal: DateTime<Utc>, due: DateTime<Utc>) -> OccurrenceFacts {
        let days = self.plan.business_days(nominal);
        let interval = self.plan.data_interval(nominal);
        OccurrenceFacts {
            schedule: self.schedule.key.clone(),
            zone: self.spec().timing.zone.name().to_owned(),
            instant: nominal,
            scheduled_for: due,
            date: days.date,
            business_date: days.business_date,
            data_interval: DataInterval {
                start: interval.from,
                end: interval.until,
            },
        }
    }

    fn bindings(&self, facts: &OccurrenceFacts) -> Bindings {
        let calendar: Arc<dyn WorkingDays> = Arc::<Calendar>::clone(&self.calendar);
        Bindings::default()
            .with_occurrence(facts.clone())
            .with_working_days(calendar)
    }

    /// The key under which the occurrence may not overlap with others.
    pub(crate) fn overlap_key(&self, facts: &OccurrenceFacts) -> Result<Option<String>, String> {
        let Some(expression) = &self.overlap_key else {
            return Ok(None);
        };
        match expression.evaluate(&self.bindings(facts)) {
            Ok(Value::String(key)) if key.len() <= 255 && !key.contains('\0') => Ok(Some(key)),
            Ok(other) => Err(format!(
                "its overlap key is {}, which is no text of at most 255 bytes",
                crate::check::quoted(&other.to_string())
            )),
            Err(error) => Err(format!("its overlap key cannot be told: {error}")),
        }
    }

    /// What the run of the occurrence is given, with `more` over what the schedule says.
    pub(crate) fn inputs(
        &self,
        facts: &OccurrenceFacts,
        more: Option<&Value>,
    ) -> Result<Map<String, Value>, String> {
        let mut inputs = self
            .computed_inputs
            .give(self.spec().inputs.clone(), || self.bindings(facts))?;
        if let Some(Value::Object(more)) = more {
            inputs.extend(more.clone());
        }
        Ok(inputs)
    }
}
