//! Who may ask for a field.

use async_graphql::{Context, Guard, Result};
use waterclock_core::command::Author;

use crate::auth::{Caller, Scope};
use crate::transport::ErrorCode;

/// Lets callers through whose scopes contain one of these, or one above it.
pub(crate) struct Requires(pub &'static [Scope]);

/// For whoever looks.
pub(crate) const VIEWER: Requires = Requires(&[Scope::Viewer]);
/// For whoever starts and cancels.
pub(crate) const OPERATOR: Requires = Requires(&[Scope::Operator]);
/// For whoever registers and edits.
pub(crate) const DEVELOPER: Requires = Requires(&[Scope::Developer]);
/// For whoever keeps the tenants.
pub(crate) const PLATFORM: Requires = Requires(&[Scope::Platform]);
/// For everybody whose token allows anything at all.
pub(crate) const ANYBODY: Requires = Requires(&[Scope::Viewer, Scope::Platform, Scope::Executor]);

impl Guard for Requires {
    async fn check(&self, context: &Context<'_>) -> Result<()> {
        let scopes = caller(context)?.scopes;
        if self.0.iter().any(|scope| scopes.allows(*scope)) {
            return Ok(());
        }
        let needed = self
            .0
            .iter()
            .map(|scope| format!("`{scope}`"))
            .collect::<Vec<_>>()
            .join(" or ");
        Err(ErrorCode::Forbidden.error(format!("This needs a token with the scope {needed}.")))
    }
}

/// Whoever sent the request.
pub(crate) fn caller<'a>(context: &Context<'a>) -> Result<&'a Caller> {
    context
        .data_opt::<Caller>()
        .ok_or_else(|| ErrorCode::Unauthenticated.error("This needs a token."))
}

/// Whoever sent the request, as commands know them.
pub(crate) fn author(context: &Context<'_>) -> Result<Author> {
    let caller = caller(context)?;
    Ok(Author {
        tenant: caller.tenant_id,
        subject: caller.subject.clone(),
    })
}
