//! What an executor is, as those who watch it see it.

use crate::run::named;

named! {
    /// What an executor is.
    ExecutorState {
        /// It takes work.
        Alive = "ALIVE",
        /// It takes nothing more and will stop.
        Draining = "DRAINING",
        /// It passed a load threshold and takes nothing until it falls well below.
        Overloaded = "OVERLOADED",
        /// Its lease ended; its work went to others.
        Lost = "LOST",
        /// It ended its life.
        Left = "LEFT",
    }
}
