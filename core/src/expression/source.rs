//! From text to a tree, within bounds.
//!
//! The grammar is read by the `cel` crate. Its parser goes down the stack with the expression, and its tree is dropped that
//! way too, so what decides the depth is bounded before and while it reads: the length, what stands inside what (the crate's own
//! limit), and the chains `a + b + c …` and `a.b.c …`, whose tree is as deep as they are long. The crate's interpreter is
//! not used: it counts neither steps nor bytes.

use cel::common::ast::SourceInfo;
use cel::parser::{Expression as Tree, ParseError, Parser};

use super::fault::{ExpressionError, ExpressionFault, Position};

/// The longest source, in bytes.
pub const LONGEST_SOURCE: usize = 4 * 1024;
/// How deep parentheses, lists, arguments and choices stand inside each other.
const DEEPEST: u16 = 32;
/// The most operators, dots and brackets, inside of text and outside.
const MOST_LINKS: usize = 400;
/// How many faults of the grammar are told: behind the first few the parser guesses.
const MOST_TOLD: usize = 3;

/// What was read, and where in the source each part of it stands.
pub(super) struct Parsed {
    pub(super) tree: Tree,
    offsets: SourceInfo,
    /// The position of every byte.
    positions: Vec<Position>,
}

impl Parsed {
    /// Where the part `id` begins.
    pub(super) fn position(&self, id: u64) -> Position {
        let offset = self.offsets.offset_for(id).map_or(0, |(start, _)| start);
        let known = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.positions.get(offset));
        known.copied().unwrap_or(Position { line: 1, column: 1 })
    }
}

/// The position of every byte, since the parser counts bytes and a reader counts characters.
fn positions(source: &str) -> Vec<Position> {
    let mut at = Position { line: 1, column: 1 };
    let mut positions = Vec::with_capacity(source.len());
    for letter in source.chars() {
        positions.extend(std::iter::repeat_n(at, letter.len_utf8()));
        at.column += 1;
        if letter == '\n' {
            at = Position {
                line: at.line + 1,
                column: 1,
            };
        }
    }
    positions
}

/// Reads an expression.
pub(super) fn parse(source: &str) -> Result<Parsed, ExpressionError> {
    bound(source)?;
    let parser = Parser::new().max_recursion_depth(DEEPEST);
    match parser.parse_with_source_info(source) {
        Ok((tree, offsets)) => Ok(Parsed {
            tree,
            offsets,
            positions: positions(source),
        }),
        Err(errors) => Err(ExpressionError {
            faults: errors.errors.iter().take(MOST_TOLD).map(told).collect(),
        }),
    }
}

fn bound(source: &str) -> Result<(), ExpressionError> {
    let refuse = |message: String| Err(ExpressionError::whole(message));
    if source.len() > LONGEST_SOURCE {
        return refuse(format!(
            "the expression has {} bytes; at most {LONGEST_SOURCE} are taken",
            source.len()
        ));
    }
    if source.trim().is_empty() {
        return refuse("the expression is empty".to_owned());
    }
    if source.contains('\0') {
        return refuse("the expression holds a NUL character, which cannot be stored".to_owned());
    }
    let signs = source
        .matches(['+', '-', '*', '/', '%', '.', '<', '>', '=', '['])
        .count();
    let links = signs + source.matches("in").count();
    if links > MOST_LINKS {
        return refuse(format!(
            "the expression has {links} operators, dots and brackets; at most {MOST_LINKS} are taken"
        ));
    }
    Ok(())
}

fn told(error: &ParseError) -> ExpressionFault {
    let position = |(line, column): (isize, isize)| {
        Some(Position {
            line: u32::try_from(line).ok().filter(|line| *line > 0)?,
            column: u32::try_from(column).ok()?,
        })
    };
    if error.msg.contains("Recursion limit") {
        let message = format!("the expression is nested more than {DEEPEST} deep");
        return ExpressionFault { at: None, message };
    }
    let message = error.msg.trim_start_matches("Syntax error: ");
    ExpressionFault {
        at: position(error.pos),
        message: format!("this is not CEL: {message}"),
    }
}
