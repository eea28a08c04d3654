//! Which calendars a schedule keeps to.

use async_graphql::{InputObject, OneofObject, SimpleObject};
use waterclock_core::schedule::calendar::Selection;

/// What works in one and not in the other.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CalendarException {
    /// Where it works.
    of: Box<CalendarSelection>,
    /// Where it does not.
    but: Box<CalendarSelection>,
}

/// Which calendars a schedule keeps to. Exactly one field is there.
#[derive(Clone, Debug, Default, SimpleObject)]
pub(crate) struct CalendarSelection {
    /// The key of one.
    named: Option<String>,
    /// What works in all of them.
    and: Option<Vec<CalendarSelection>>,
    /// What works in one and not in the other.
    except: Option<CalendarException>,
}

impl From<&Selection> for CalendarSelection {
    fn from(selection: &Selection) -> Self {
        let mut shown = Self::default();
        match selection {
            Selection::Named(key) => shown.named = Some(key.clone()),
            Selection::And(all) => shown.and = Some(all.iter().map(Into::into).collect()),
            Selection::Except { of, but } => {
                shown.except = Some(CalendarException {
                    of: Box::new(of.as_ref().into()),
                    but: Box::new(but.as_ref().into()),
                });
            }
        }
        shown
    }
}

/// What works in one and not in the other.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CalendarExceptionInput {
    /// Where it works.
    of: Box<CalendarSelectionInput>,
    /// Where it does not.
    but: Box<CalendarSelectionInput>,
}

/// Which calendars a schedule keeps to, at most 32 in all.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum CalendarSelectionInput {
    /// The key of one.
    Named(String),
    /// What works in all of them.
    And(Vec<CalendarSelectionInput>),
    /// What works in one and not in the other.
    Except(CalendarExceptionInput),
}

impl From<CalendarSelectionInput> for Selection {
    fn from(input: CalendarSelectionInput) -> Self {
        match input {
            CalendarSelectionInput::Named(key) => Self::Named(key),
            CalendarSelectionInput::And(all) => Self::And(all.into_iter().map(Into::into).collect()),
            CalendarSelectionInput::Except(exception) => Self::Except {
                of: Box::new((*exception.of).into()),
                but: Box::new((*exception.but).into()),
            },
        }
    }
}
