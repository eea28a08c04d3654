//! What commands say.
//!
//! A reader that has gone away (`waterclock apply … | head -1`) has seen what it wanted: that ends nothing of what a command does, and the
//! standard macros would end the process.

/// Says a line on standard output.
macro_rules! out {
    ($($said:tt)*) => {
        $crate::output::line(std::io::stdout(), format_args!($($said)*))
    };
}

/// Says a line on standard error.
macro_rules! note {
    ($($said:tt)*) => {
        $crate::output::line(std::io::stderr(), format_args!($($said)*))
    };
}

pub(crate) use {note, out};

/// Writes a line to whoever still reads.
pub(crate) fn line(mut to: impl std::io::Write, said: std::fmt::Arguments<'_>) {
    // There is nobody left to be told that nobody is left.
    let _ = writeln!(to, "{said}");
}
