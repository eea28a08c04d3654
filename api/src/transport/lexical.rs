//! Counts a document's tokens and brackets before anything parses it.
//!
//! A parser that descends into brackets spends stack on them, and one that builds a tree spends memory on every token. This
//! scan spends neither: it walks the bytes once and only has to know where strings and comments end.

use super::limits::{MAX_NESTING, MAX_TOKENS};

/// Why a document is not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMuch {
    #[error("The document has more than {MAX_TOKENS} tokens.")]
    Tokens,
    #[error("The document nests its brackets deeper than {MAX_NESTING}.")]
    Nesting,
}

/// Refuses a document that would be expensive to parse.
pub(super) fn check(document: &str) -> Result<(), TooMuch> {
    let mut rest = document.as_bytes();
    let (mut tokens, mut nesting) = (0_usize, 0_usize);
    while let Some(&first) = rest.first() {
        let (length, is_token) = match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => (1, false),
            b'#' => (line(rest), false),
            b'"' => (string(rest), true),
            byte if is_name(byte) => (rest.iter().take_while(|byte| is_name(**byte)).count(), true),
            _ => (1, true),
        };
        match first {
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        tokens += usize::from(is_token);
        if tokens > MAX_TOKENS {
            return Err(TooMuch::Tokens);
        }
        if nesting > MAX_NESTING {
            return Err(TooMuch::Nesting);
        }
        rest = &rest[length..];
    }
    Ok(())
}

/// Names and numbers; a number that is written in several of these counts several times, which is near enough.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn line(rest: &[u8]) -> usize {
    rest.iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .unwrap_or(rest.len())
}

/// The length of the string that `rest` begins with; one that does not end takes all.
fn string(rest: &[u8]) -> usize {
    let (delimiter, mut at): (&[u8], usize) = if rest.starts_with(b"\"\"\"") {
        (b"\"\"\"", 3)
    } else {
        (b"\"", 1)
    };
    while at < rest.len() {
        if rest[at..].starts_with(delimiter) {
            return at + delimiter.len();
        }
        at += if rest[at] == b'\\' {
            escape(&rest[at..], delimiter)
        } else {
            1
        };
    }
    rest.len()
}

/// In a block string only the delimiter can be escaped; in another any character can.
fn escape(rest: &[u8], delimiter: &[u8]) -> usize {
    match delimiter.len() {
        1 => 2,
        _ if rest[1..].starts_with(delimiter) => 1 + delimiter.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_quotes_inside_strings_and_comments_do_not_count() {
        let brackets = "[".repeat(MAX_NESTING * 2);
        for harmless in [
            format!("{{ a(b: \"{brackets}\\\"{brackets}\") }}"),
            format!("{{ a(b: \"\"\"{brackets} \" \\\"\"\" {brackets}\"\"\") }}"),
            format!("# {brackets}\n{{ a }}"),
            format!("{{ a(b: \"\"\"c\\\"\"\") }} # {brackets}"),
        ] {
            assert_eq!(check(&harmless), Ok(()), "{harmless}");
        }
    }

    #[test]
    fn deep_nesting_and_many_tokens_are_refused() {
        assert_eq!(check(&"{a".repeat(100_000)), Err(TooMuch::Nesting));
        assert_eq!(
            check(&format!("{{a(b:{}", "[".repeat(100_000))),
            Err(TooMuch::Nesting)
        );
        assert_eq!(
            check(&format!("{{ {} }}", "a ".repeat(MAX_TOKENS))),
            Err(TooMuch::Tokens)
        );
    }

    #[test]
    fn a_text_that_ends_inside_a_string_is_left_to_the_parser() {
        for text in [
            "\"",
            "\"\"\"",
            "\"\\",
            "\"\"\"\\",
            "\"\"",
            "{ a(b: \"é\\",
            "\u{feff}{a}",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }
}
