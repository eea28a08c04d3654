//! Waterclock.
