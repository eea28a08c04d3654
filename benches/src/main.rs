//! Waterclock.
fn main() {}
