//! `waterclock apply`: makes the tenant match definitions in files.

mod document;
mod source;
