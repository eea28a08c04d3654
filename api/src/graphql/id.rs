//! Opaque ids that are unique over all kinds of things.
//!
//! An id is a letter for the kind and the sixteen bytes of the UUID, in base64url. Whoever holds one can ask for it with
//! `node`, without saying what it is. A text that is not such an id names nothing, exactly as the id of something that was
//! deleted, or of another tenant's, names nothing: all three get the same answer.

use async_graphql::ID;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

/// What an id names. The letters are in ids that clients keep; they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A tenant.
    Tenant = b't',
    /// A program.
    Program = b'p',
    /// An endpoint.
    Endpoint = b'e',
    /// A task node.
    TaskNode = b'n',
    /// A workflow.
    Workflow = b'w',
    /// An edition of a workflow.
    WorkflowVersion = b'v',
    /// A run.
    Run = b'r',
    /// A task run.
    TaskRun = b'k',
    /// A life of an executor.
    Executor = b'x',
    /// A channel of alerts.
    AlertChannel = b'h',
    /// A rule that raises alerts.
    AlertRule = b'l',
    /// An alert.
    Alert = b'a',
    /// A delivery of an alert.
    AlertDelivery = b'd',
    /// A silence.
    Silence = b'i',
    /// A job that does something to many runs.
    BulkJob = b'b',
    /// A calendar.
    Calendar = b'c',
    /// A schedule.
    Schedule = b's',
    /// An occurrence of a schedule.
    Occurrence = b'o',
    /// A backfill of a schedule's past.
    Backfill = b'y',
    /// A trigger.
    Trigger = b'g',
    /// A firing of a trigger.
    Firing = b'f',
}

impl Kind {
    const ALL: [Self; 21] = [
        Self::Tenant,
        Self::Program,
        Self::Endpoint,
        Self::TaskNode,
        Self::Workflow,
        Self::WorkflowVersion,
        Self::Run,
        Self::TaskRun,
        Self::Executor,
        Self::AlertChannel,
        Self::AlertRule,
        Self::Alert,
        Self::AlertDelivery,
        Self::Silence,
        Self::BulkJob,
        Self::Calendar,
        Self::Schedule,
        Self::Occurrence,
        Self::Backfill,
        Self::Trigger,
        Self::Firing,
    ];
}

/// The id of `uuid`, which is a `kind`.
pub(crate) fn encode(kind: Kind, uuid: impl Into<Uuid>) -> ID {
    let mut bytes = [0; 17];
    bytes[0] = kind as u8;
    bytes[1..].copy_from_slice(uuid.into().as_bytes());
    ID(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// What an id names; `None` when it is no id.
#[must_use]
pub(crate) fn decode(id: &ID) -> Option<(Kind, Uuid)> {
    let bytes: [u8; 17] = BASE64_URL_SAFE_NO_PAD
        .decode(id.as_bytes())
        .ok()?
        .try_into()
        .ok()?;
    let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == bytes[0])?;
    Some((kind, Uuid::from_slice(&bytes[1..]).ok()?))
}

/// The id of a `kind`, which is nobody's when the text is no such id.
pub(crate) fn of_kind<Id: From<Uuid>>(kind: Kind, id: &ID) -> Id {
    decode(id)
        .filter(|(found, _)| *found == kind)
        .map_or(Uuid::max(), |(_, uuid)| uuid)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_what_it_names() {
        let uuid = Uuid::now_v7();
        for kind in Kind::ALL {
            assert_eq!(decode(&encode(kind, uuid)), Some((kind, uuid)));
        }
    }

    #[test]
    fn what_is_no_id_of_the_kind_names_nothing() {
        let id = encode(Kind::Run, Uuid::now_v7());
        for text in ["", "x", "not an id", &id[1..], &format!("{}A", id.as_str())] {
            assert_eq!(decode(&ID::from(text)), None, "{text}");
        }
        assert_eq!(of_kind::<Uuid>(Kind::Program, &id), Uuid::max());
    }
}
