//! Collects what is wrong with an input, and where.
//!
//! A caller who mends an input wants to mend it once, so a check never stops at the first fault: it notes it and goes on.
//! Each fault carries the way to the value it is about. The way is kept here, as a stack, so that a check of a part (an
//! argument, a header) need not know where in the whole it stands.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::error::{CommandError, Refusal, RefusalCode};
use crate::template::{TemplateScope, check_template};

/// How many faults are told. Whoever sent more made one mistake many times.
const MOST_TOLD: usize = 500;

/// The faults found so far, and the place that is being looked at.
#[derive(Debug, Default)]
pub struct Faults {
    place: Vec<String>,
    found: Vec<Refusal>,
    untold: usize,
    remarks: Vec<Refusal>,
}

/// What becomes of an input for something that was found in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It is refused.
    Error,
    /// It is taken; the caller may have meant something else.
    Remark,
}

/// Everything that was found in an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Why it is refused; empty when it is taken.
    pub faults: Vec<Refusal>,
    /// What the caller may want to know all the same.
    pub remarks: Vec<Refusal>,
}

/// A value under a name, in the order in which the caller gave them; names may repeat until they were checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The value: a template, or an expression.
    pub value: String,
}

impl Faults {
    /// Looks at the part called `name`.
    pub fn within<R>(&mut self, name: &(impl ToString + ?Sized), look: impl FnOnce(&mut Self) -> R) -> R {
        self.place.push(name.to_string());
        let seen = look(self);
        self.place.pop();
        seen
    }

    /// Looks at the part that the names lead to, one after the other.
    pub fn within_all(&mut self, names: &[String], look: impl FnOnce(&mut Self)) {
        self.place.extend_from_slice(names);
        look(self);
        self.place.truncate(self.place.len() - names.len());
    }

    /// Looks at every item of the list called `name`, and refuses a list that is longer than `most`.
    pub fn each<T>(&mut self, name: &str, items: &[T], most: usize, look: impl FnMut(&mut Self, &T)) {
        self.within(name, |faults| {
            if items.len() > most {
                faults.exceeded(
                    most,
                    format!("{} entries are given; at most {most} are taken", items.len()),
                );
                return;
            }
            faults.every(items, look);
        });
    }

    /// Looks at every item of the list that is being looked at, however long it is.
    pub fn every<T>(&mut self, items: &[T], mut look: impl FnMut(&mut Self, &T)) {
        for (place, item) in items.iter().enumerate() {
            self.within(&place, |faults| look(faults, item));
        }
    }

    /// Notes that the value here is not of the form it must have.
    pub fn invalid(&mut self, message: impl Into<String>) {
        self.tell(RefusalCode::InvalidInput, message);
    }

    /// Notes that what the value here refers to does not exist.
    pub fn missing(&mut self, message: impl Into<String>) {
        self.tell(RefusalCode::NotFound, message);
    }

    /// Notes that the value here is beyond the bound `limit`.
    pub fn exceeded(&mut self, limit: usize, message: impl Into<String>) {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.tell(RefusalCode::QuotaExceeded { limit }, message);
    }

    /// Notes a fault of the value here.
    pub fn tell(&mut self, code: RefusalCode, message: impl Into<String>) {
        if self.found.len() < MOST_TOLD {
            self.found.push(Refusal::new(code, self.place.clone(), message));
        } else {
            self.untold += 1;
        }
    }

    /// Notes something at `path`, which goes on from the place that is being looked at.
    pub fn tell_below(&mut self, path: Vec<String>, severity: Severity, code: RefusalCode, message: String) {
        match severity {
            Severity::Error => {
                let depth = self.place.len();
                self.place.extend(path);
                self.tell(code, message);
                self.place.truncate(depth);
            }
            Severity::Remark if self.remarks.len() < MOST_TOLD => {
                let path = self.place.iter().cloned().chain(path);
                self.remarks.push(Refusal::new(code, path, message));
            }
            Severity::Remark => {}
        }
    }

    /// Whether no fault was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// `Ok` when no fault was found.
    pub fn into_result(self) -> Result<(), CommandError> {
        match self.into_findings().faults {
            faults if faults.is_empty() => Ok(()),
            faults => Err(CommandError::Refused(faults)),
        }
    }

    /// Everything that was found.
    #[must_use]
    pub fn into_findings(mut self) -> Findings {
        if self.untold > 0 {
            let message = format!("{} more faults were found and are not listed", self.untold);
            self.found.push(Refusal::invalid(Vec::<String>::new(), message));
        }
        Findings {
            faults: self.found,
            remarks: self.remarks,
        }
    }
}

/// Checks the key of something that a tenant registers.
pub fn check_key(faults: &mut Faults, key: &str) {
    let inner =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    let begins_well = key
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !begins_well || key.len() > 63 || !key.bytes().all(inner) {
        faults.invalid(format!(
            "{} is not a key: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit",
            quoted(key)
        ));
    }
}

/// Checks text that is stored as it is: at most `most` bytes, and none of them NUL, which `PostgreSQL` cannot hold.
pub fn check_text(faults: &mut Faults, text: &str, most: usize) {
    if text.len() > most {
        faults.exceeded(
            most,
            format!("the text has {} bytes; at most {most} are taken", text.len()),
        );
    }
    if text.contains('\0') {
        faults.invalid("the text holds a NUL character, which cannot be stored");
    }
}

/// Checks the size and the references of a template. Whether its inputs and nodes exist is found out with the workflow.
pub fn check_text_template(faults: &mut Faults, template: &str, most: usize) {
    check_scoped_template(faults, template, most, &TemplateScope::ALONE);
}

/// Checks the size of a template, and its references against `scope`.
pub fn check_scoped_template(faults: &mut Faults, template: &str, most: usize, scope: &TemplateScope<'_>) {
    check_text(faults, template, most);
    if let Err(error) = check_template(template, scope) {
        faults.invalid(error.to_string());
    }
}

/// Checks that a number lies between both ends, and names it in the fault.
pub fn check_range(faults: &mut Faults, what: &str, value: i64, range: std::ops::RangeInclusive<i64>) {
    if !range.contains(&value) {
        faults.invalid(format!(
            "{what} is {} to {}, not {value}",
            range.start(),
            range.end()
        ));
    }
}

/// Checks a list of names with values and makes a map of it; `same` says which names are one name.
pub fn check_named(
    faults: &mut Faults,
    list: &str,
    named: &[Named],
    most: usize,
    same: impl Fn(&str) -> String,
    mut look: impl FnMut(&mut Faults, &Named),
) -> BTreeMap<String, String> {
    let mut seen = std::collections::BTreeSet::new();
    faults.each(list, named, most, |faults, entry| {
        look(faults, entry);
        if !seen.insert(same(&entry.name)) {
            faults.within("name", |faults| {
                faults.invalid(format!("{} is given twice", quoted(&entry.name)));
            });
        }
    });
    named
        .iter()
        .map(|entry| (entry.name.clone(), entry.value.clone()))
        .collect()
}

/// A caller's text as a message shows it: quoted, and cut when it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Whether there is a NUL character anywhere in a value, which `PostgreSQL` cannot hold.
pub(crate) fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_know_where_they_were_found() {
        let mut faults = Faults::default();
        faults.each("edges", &["a", "B"], 10, |faults, key| {
            faults.within("from", |faults| check_key(faults, key));
        });
        let Err(CommandError::Refused(refusals)) = faults.into_result() else {
            panic!("no fault was found")
        };
        assert_eq!(refusals.len(), 1);
        assert_eq!(refusals[0].path, ["edges", "1", "from"]);
    }

    #[test]
    fn a_flood_of_faults_is_cut_and_counted() {
        let mut faults = Faults::default();
        faults.each("nodes", &[(); 700], 1000, |faults, ()| faults.invalid("wrong"));
        let Err(CommandError::Refused(refusals)) = faults.into_result() else {
            panic!("no fault was found")
        };
        assert_eq!(refusals.len(), MOST_TOLD + 1);
        assert_eq!(
            refusals[MOST_TOLD].message,
            "200 more faults were found and are not listed"
        );
    }

    #[test]
    fn a_key_is_lower_case_and_at_most_63_long() {
        for (key, good) in [
            ("a", true),
            ("0.a-b_c", true),
            ("", false),
            ("A", false),
            ("-a", false),
            ("a b", false),
        ] {
            let mut faults = Faults::default();
            check_key(&mut faults, key);
            assert_eq!(faults.is_empty(), good, "{key:?}");
        }
        let mut faults = Faults::default();
        check_key(&mut faults, &"a".repeat(64));
        assert!(!faults.is_empty());
    }
}
