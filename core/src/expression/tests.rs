//! What expressions come to, and what is refused.

mod hostile;
mod refused;
mod values;
