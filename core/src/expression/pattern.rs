//! Regular expressions that are searched for in a time that is known beforehand.
//!
//! The engine never goes back in the text, so a search takes at most the length of the text times the size of the compiled
//! pattern; a repetition of a repetition makes the pattern large, not the search endless. The size is found by offering less
//! and less room to compile in, and it sets the price of each byte.

use regex::RegexBuilder;

use super::plan::Pattern;

/// The longest pattern.
pub(super) const LONGEST_PATTERN: usize = 512;
/// The rooms that are offered, in bytes.
const ROOMS: [usize; 6] = [2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];
/// How many bytes of a compiled pattern are gone through in a step.
const BYTES_A_STEP: usize = 1 << 10;

/// Compiles a pattern, or says why it is none.
pub(super) fn compile(source: &str) -> Result<Pattern, String> {
    if source.len() > LONGEST_PATTERN {
        return Err(format!("a pattern has at most {LONGEST_PATTERN} bytes"));
    }
    let mut last = None;
    for room in ROOMS {
        match RegexBuilder::new(source).nest_limit(32).size_limit(room).build() {
            Ok(regex) => {
                let steps_a_byte = room / BYTES_A_STEP;
                return Ok(Pattern { regex, steps_a_byte });
            }
            Err(regex::Error::CompiledTooBig(_)) => last = None,
            Err(error) => {
                last = Some(error);
                break;
            }
        }
    }
    Err(match last {
        Some(error) => {
            let told = error.to_string();
            let reason = told.lines().last().unwrap_or_default().trim();
            format!(
                "the pattern cannot be read: {}",
                reason.trim_start_matches("error: ")
            )
        }
        None => "the pattern is too large; let its repetitions count less, or use ASCII classes as `[0-9]`"
            .to_owned(),
    })
}
