//! Decides whether a document is worth validating, and which of its operations is meant.
//!
//! What costs must not depend on what is written once and meant many times: fragments are measured once each, and their
//! sizes are added up where they are spread, so that a few lines which unfold into millions of fields are found by adding.

use std::collections::HashMap;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    BaseType, DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection,
    SelectionSet, Type,
};
use async_graphql::{Name, Positioned, ServerError, parser};
use serde_json::{Map, Value};

use super::code::ErrorCode;
use super::lexical;
use super::limits::{MAX_ALIASES, MAX_DEFINITIONS, MAX_DIRECTIVES, MAX_ROOT_FIELDS, MAX_SELECTIONS};

/// Parses a document that is small enough to be parsed, and refuses one that asks for too much.
pub(super) fn parse(text: &str) -> Result<ExecutableDocument, ServerError> {
    lexical::check(text).map_err(|reason| ErrorCode::QueryTooComplex.request_error(reason.to_string()))?;
    let document = parse_query(text).map_err(|error| parse_error(&error))?;
    Measuring::of(&document)?;
    Ok(document)
}

/// The operation that a request means.
pub(super) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, ServerError> {
    let invalid = |message: String| ErrorCode::GraphqlValidationFailed.request_error(message);
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) if operations.contains_key(name) => {
            Ok(&operations[name].node)
        }
        (_, Some(name)) => Err(invalid(format!("The document has no operation named `{name}`."))),
        (DocumentOperations::Multiple(operations), None) => match operations.values().next() {
            Some(only) if operations.len() == 1 => Ok(&only.node),
            _ => Err(invalid(
                "The document has several operations: `operationName` has to name one.".into(),
            )),
        },
    }
}

/// Refuses variables that are missing, or are not what the operation declares in terms of the built-in scalars. What
/// fits the schema's own types is for the schema to say.
pub(super) fn check_variables(
    operation: &OperationDefinition,
    variables: &Map<String, Value>,
) -> Result<(), ServerError> {
    for definition in &operation.variable_definitions {
        let (name, declared) = (&definition.node.name.node, &definition.node.var_type.node);
        let fits = match variables.get(name.as_str()) {
            Some(value) => accepts(declared, value),
            None => declared.nullable || definition.node.default_value.is_some(),
        };
        if !fits {
            let given = if variables.contains_key(name.as_str()) {
                "does not fit"
            } else {
                "is missing; it is of"
            };
            let mut error = ErrorCode::BadUserInput
                .request_error(format!("Variable `${name}` {given} type `{declared}`."));
            error.locations = vec![definition.pos];
            return Err(error);
        }
    }
    Ok(())
}

/// Gives a null to every variable that only the document's other operations declare. The library works out the complexity of
/// all of them, though one is meant, and gives up at a variable without a value.
pub(super) fn fill_variables_of_others(
    document: &ExecutableDocument,
    meant: &OperationDefinition,
    variables: &mut Map<String, Value>,
) {
    let declares = |name: &Name| {
        meant
            .variable_definitions
            .iter()
            .any(|own| own.node.name.node == *name)
    };
    for (_, operation) in document.operations.iter() {
        for definition in &operation.node.variable_definitions {
            let name = &definition.node.name.node;
            if !declares(name) {
                variables.entry(name.as_str()).or_insert(Value::Null);
            }
        }
    }
}

fn accepts(declared: &Type, value: &Value) -> bool {
    match (&declared.base, value) {
        (_, Value::Null) => declared.nullable,
        (BaseType::List(of), Value::Array(items)) => items.iter().all(|item| accepts(of, item)),
        // One value stands for a list of it.
        (BaseType::List(of), value) => accepts(of, value),
        (BaseType::Named(name), value) => match name.as_str() {
            "String" => value.is_string(),
            "ID" => value.is_string() || value.is_i64() || value.is_u64(),
            "Int" => value.is_i64() || value.is_u64(),
            "Float" => value.is_number(),
            "Boolean" => value.is_boolean(),
            _ => true,
        },
    }
}

/// The parser's complaint without its drawing of the text.
fn parse_error(error: &parser::Error) -> ServerError {
    let text = error.to_string();
    let complaint = text.rsplit("= ").next().unwrap_or(&text).trim();
    let mut refused = ErrorCode::GraphqlParseFailed.request_error(format!("Syntax error: {complaint}"));
    refused.locations = error.positions().collect();
    refused
}

/// What a selection set amounts to with its fragments written out.
#[derive(Clone, Copy, Default)]
struct Size {
    selections: usize,
    /// Fields at its first level.
    width: usize,
}

/// Measures a document: fragments once, whatever spreads them.
struct Measuring<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, Option<Size>>,
    aliases: usize,
    directives: usize,
}

impl<'a> Measuring<'a> {
    fn of(document: &'a ExecutableDocument) -> Result<(), ServerError> {
        let mut measuring = Self {
            document,
            fragments: HashMap::new(),
            aliases: 0,
            directives: 0,
        };
        if document.operations.iter().count() + document.fragments.len() > MAX_DEFINITIONS {
            return Err(too_complex(format!(
                "The document has more than {MAX_DEFINITIONS} operations and fragments."
            )));
        }
        for name in document.fragments.keys() {
            measuring.fragment(name)?;
        }
        for (_, operation) in document.operations.iter() {
            measuring.operation(operation)?;
        }
        Ok(())
    }

    fn operation(&mut self, operation: &'a Positioned<OperationDefinition>) -> Result<(), ServerError> {
        self.count_directives(operation.node.directives.len())?;
        let size = self.selection_set(&operation.node.selection_set.node)?;
        if size.width > MAX_ROOT_FIELDS {
            return Err(too_complex(format!(
                "An operation has more than {MAX_ROOT_FIELDS} fields at its root."
            )));
        }
        if operation.node.ty == OperationType::Subscription && size.width != 1 {
            let mut error = ErrorCode::GraphqlValidationFailed
                .request_error("A subscription has exactly one field at its root.");
            error.locations = vec![operation.pos];
            return Err(error);
        }
        Ok(())
    }

    fn selection_set(&mut self, set: &'a SelectionSet) -> Result<Size, ServerError> {
        let mut size = Size::default();
        for selection in &set.items {
            let part = self.selection(&selection.node)?;
            size.selections = size.selections.saturating_add(part.selections);
            size.width = size.width.saturating_add(part.width);
        }
        if size.selections > MAX_SELECTIONS {
            return Err(too_complex(format!(
                "The document selects more than {MAX_SELECTIONS} fields."
            )));
        }
        Ok(size)
    }

    fn selection(&mut self, selection: &'a Selection) -> Result<Size, ServerError> {
        match selection {
            Selection::Field(field) => {
                self.count_directives(field.node.directives.len())?;
                self.count_alias(field.node.alias.as_ref())?;
                let below = self.selection_set(&field.node.selection_set.node)?;
                Ok(Size {
                    selections: below.selections + 1,
                    width: 1,
                })
            }
            Selection::InlineFragment(fragment) => {
                self.count_directives(fragment.node.directives.len())?;
                let inside = self.selection_set(&fragment.node.selection_set.node)?;
                Ok(Size {
                    selections: inside.selections + 1,
                    ..inside
                })
            }
            Selection::FragmentSpread(spread) => {
                self.count_directives(spread.node.directives.len())?;
                let inside = self.fragment(&spread.node.fragment_name.node)?;
                Ok(Size {
                    selections: inside.selections + 1,
                    ..inside
                })
            }
        }
    }

    /// The size of a fragment; one that does not exist is for validation to find.
    fn fragment(&mut self, name: &'a Name) -> Result<Size, ServerError> {
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size {
                selections: 1,
                width: 1,
            });
        };
        match self.fragments.get(name.as_str()) {
            Some(Some(size)) => Ok(*size),
            Some(None) => {
                let mut error = ErrorCode::GraphqlValidationFailed
                    .request_error(format!("The fragment `{name}` spreads itself."));
                error.locations = vec![fragment.pos];
                Err(error)
            }
            None => {
                self.fragments.insert(name, None);
                self.count_directives(fragment.node.directives.len())?;
                let size = self.selection_set(&fragment.node.selection_set.node)?;
                self.fragments.insert(name, Some(size));
                Ok(size)
            }
        }
    }

    fn count_alias(&mut self, alias: Option<&Positioned<Name>>) -> Result<(), ServerError> {
        self.aliases += usize::from(alias.is_some());
        if self.aliases > MAX_ALIASES {
            return Err(too_complex(format!(
                "The document has more than {MAX_ALIASES} aliases."
            )));
        }
        Ok(())
    }

    fn count_directives(&mut self, more: usize) -> Result<(), ServerError> {
        self.directives += more;
        if self.directives > MAX_DIRECTIVES {
            return Err(too_complex(format!(
                "The document has more than {MAX_DIRECTIVES} directives."
            )));
        }
        Ok(())
    }
}

fn too_complex(message: String) -> ServerError {
    ErrorCode::QueryTooComplex.request_error(message)
}
