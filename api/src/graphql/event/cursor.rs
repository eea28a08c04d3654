//! Where a subscription goes on.
//!
//! A cursor is the place of the last thing that the client has. It is opaque, so that what a place is may change.

use std::fmt::Display;
use std::num::ParseIntError;
use std::str::FromStr;

use async_graphql::Result;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::transport::ErrorCode;

/// The cursor of a place.
pub(crate) fn encode(place: impl Display) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(place.to_string())
}

/// The place of a cursor that `field` gave.
pub(crate) fn decode<T: FromStr>(cursor: &str, field: &str) -> Result<T> {
    let text = BASE64_URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.and_then(|text| text.parse().ok());
    place.ok_or_else(|| {
        ErrorCode::BadUserInput.error(format!(
            "`after` is not a cursor of `{field}`; take one from its `cursor`."
        ))
    })
}

/// The place of an event: its number in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventCursor(pub(crate) i64);

impl EventCursor {
    /// The number after which the subscription `field` begins.
    pub(crate) fn read(after: Option<String>, field: &str) -> Result<Option<i64>> {
        after
            .map(|after| decode::<Self>(&after, field).map(|place| place.0))
            .transpose()
    }
}

impl Display for EventCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "e{}", self.0)
    }
}

impl FromStr for EventCursor {
    type Err = ParseIntError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseIntError> {
        let number: u64 = text.strip_prefix('e').unwrap_or_default().parse()?;
        i64::try_from(number).map_or_else(|_| "".parse().map(Self), |number| Ok(Self(number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        for number in [0, 1, i64::MAX] {
            assert_eq!(
                decode::<EventCursor>(&encode(EventCursor(number)), "runs").unwrap(),
                EventCursor(number)
            );
        }
    }

    #[test]
    fn what_no_subscription_gave_is_refused_as_bad_input() {
        let forged = ["-1", "e-1", "e", "7", "e9223372036854775808", "1.2"].map(encode);
        for cursor in forged.iter().map(String::as_str).chain(["", "§", "e7"]) {
            let error = decode::<EventCursor>(cursor, "runs").unwrap_err();
            let code = error.extensions.unwrap().get("code").cloned();
            assert_eq!(code, Some(ErrorCode::BadUserInput.as_str().into()), "{cursor}");
        }
    }
}
