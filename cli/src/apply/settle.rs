//! Making one thing as it is to be.

use serde_json::{Value, json};

use super::document::Kind;
use crate::client::{Api, ClientError, Found, UserError};

/// What became of a definition, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Created,
    Changed,
    Unchanged,
}

/// Makes what is registered under `key` as `fields` say, which fit the input that creates it; gives what is wrong with
/// them otherwise. Whether an edit changed anything is the service's word: the revision rises, or it does not.
pub(crate) async fn settle(
    api: &Api,
    kind: Kind,
    key: &str,
    fields: &Value,
) -> Result<Result<Deed, Vec<UserError>>, ClientError> {
    let found = api.find(kind, key).await?;
    let before = found.as_ref().map(|found| found.revision);
    let made = match found {
        None => api.create(kind, fields.clone()).await?,
        Some(found) => api.update(kind, edit_of(fields, &found)).await?,
    };
    Ok(match (made.object, before) {
        (None, _) => Err(made.user_errors),
        (Some(_), None) => Ok(Deed::Created),
        (Some(object), Some(before)) if object.revision == before => Ok(Deed::Unchanged),
        (Some(_), Some(_)) => Ok(Deed::Changed),
    })
}

/// The input that makes what was found into what `fields` say. The key is what it was found by, and stays.
fn edit_of(fields: &Value, found: &Found) -> Value {
    let mut edit = fields.clone();
    if let Value::Object(edit) = &mut edit {
        edit.remove("key");
        edit.insert("id".to_owned(), json!(found.id));
        edit.insert("expectedRevision".to_owned(), json!(found.revision));
    }
    edit
}
