//! Whether a task node may start, by how the nodes before it ended.
//!
//! Each of the twelve rules can be decided from five numbers, so a node counts the ends of its parents and never looks them up
//! again: what a thousand parents cost a join is a thousand additions. The rules mean what they mean in Airflow (its
//! `TriggerRuleDep`): a rule that cannot hold any more ends its node at once, as skipped when what came was not what the
//! rule is for, and as failed upstream when a failure is to blame.

use super::TaskRunState;
use crate::workflow::{NodeSpec, TriggerRule};

/// How the parents of a node stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parents {
    /// How many there are.
    pub all: i32,
    /// How many have not ended.
    pub pending: i32,
    /// How many failed, and may not.
    pub failed: i32,
    /// How many never started, because of a failure before them.
    pub doomed: i32,
    /// How many were skipped.
    pub skipped: i32,
}

/// How one parent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentEnd {
    /// It succeeded, or failed as it may.
    Succeeded,
    /// It failed.
    Failed,
    /// It never started, because of a failure before it.
    Doomed,
    /// It was skipped.
    Skipped,
}

impl ParentEnd {
    /// How a node that ended in `state` counts for those that wait for it.
    #[must_use]
    pub fn of(node: &NodeSpec, state: TaskRunState) -> Self {
        match state {
            TaskRunState::Succeeded => Self::Succeeded,
            TaskRunState::Failed if node.allow_failure => Self::Succeeded,
            TaskRunState::UpstreamFailed => Self::Doomed,
            TaskRunState::Skipped => Self::Skipped,
            _ => Self::Failed,
        }
    }
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It may still hold.
    Wait,
    /// It holds.
    Start,
    /// It cannot hold any more.
    Skip,
    /// It cannot hold any more, and a failure is to blame.
    Doom,
}

impl Parents {
    /// How `all` parents stand before any has ended.
    #[must_use]
    pub fn waiting(all: i32) -> Self {
        Self {
            all,
            pending: all,
            ..Self::default()
        }
    }

    /// How many succeeded.
    #[must_use]
    pub fn succeeded(&self) -> i32 {
        self.all - self.pending - self.failed - self.doomed - self.skipped
    }

    /// Counts the end of one more.
    pub fn count(&mut self, end: ParentEnd) {
        self.pending -= 1;
        match end {
            ParentEnd::Succeeded => {}
            ParentEnd::Failed => self.failed += 1,
            ParentEnd::Doomed => self.doomed += 1,
            ParentEnd::Skipped => self.skipped += 1,
        }
    }

    /// What `rule` says of a node whose parents stand so.
    #[must_use]
    #[expect(
        clippy::match_same_arms,
        reason = "each rule stands by itself, in the order in which it decides"
    )]
    pub fn readiness(&self, rule: TriggerRule) -> Readiness {
        use {Readiness as Is, TriggerRule as Rule};
        let (succeeded, skipped) = (self.succeeded(), self.skipped);
        let broken = self.failed + self.doomed;
        let done = self.pending == 0;
        let once_done = |holds: bool, otherwise: Is| match (done, holds) {
            (false, _) => Is::Wait,
            (true, true) => Is::Start,
            (true, false) => otherwise,
        };
        match rule {
            Rule::Always => Is::Start,
            _ if self.all == 0 => Is::Start,
            Rule::AllSuccess if broken > 0 => Is::Doom,
            Rule::AllSuccess if skipped > 0 => Is::Skip,
            Rule::AllSuccess | Rule::AllDone => once_done(true, Is::Doom),
            Rule::AllFailed if succeeded + skipped > 0 => Is::Skip,
            Rule::AllFailed => once_done(true, Is::Skip),
            Rule::AllDoneMinOneSuccess if skipped == self.all => Is::Skip,
            Rule::AllDoneMinOneSuccess => once_done(succeeded > 0, Is::Doom),
            Rule::AllSkipped if succeeded + broken > 0 => Is::Skip,
            Rule::AllSkipped => once_done(true, Is::Skip),
            Rule::OneFailed if broken > 0 => Is::Start,
            Rule::OneFailed => once_done(false, Is::Skip),
            Rule::OneSuccess if succeeded > 0 => Is::Start,
            Rule::OneSuccess if skipped == self.all => Is::Skip,
            Rule::OneSuccess => once_done(false, Is::Doom),
            Rule::OneDone if succeeded + self.failed > 0 => Is::Start,
            Rule::OneDone => once_done(false, Is::Skip),
            Rule::NoneFailed if broken > 0 => Is::Doom,
            Rule::NoneFailed => once_done(true, Is::Doom),
            Rule::NoneFailedMinOneSuccess if broken > 0 => Is::Doom,
            Rule::NoneFailedMinOneSuccess => once_done(succeeded > 0, Is::Skip),
            Rule::NoneSkipped if skipped > 0 => Is::Skip,
            Rule::NoneSkipped => once_done(true, Is::Skip),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a node of `rule` stands once its parents have ended as the letters say: `s`ucceeded, `f`ailed, `u`pstream
    /// failed, s`k`ipped, or not yet (`.`).
    fn after(rule: TriggerRule, ends: &str) -> Readiness {
        let mut parents = Parents::waiting(i32::try_from(ends.len()).unwrap());
        for end in ends.chars() {
            match end {
                's' => parents.count(ParentEnd::Succeeded),
                'f' => parents.count(ParentEnd::Failed),
                'u' => parents.count(ParentEnd::Doomed),
                'k' => parents.count(ParentEnd::Skipped),
                _ => {}
            }
        }
        parents.readiness(rule)
    }

    #[test]
    fn each_rule_says_of_two_parents_what_airflow_says() {
        use TriggerRule as Rule;
        const ENDS: [&str; 15] = [
            "..", "s.", "f.", "u.", "k.", "ss", "sf", "su", "sk", "ff", "fu", "fk", "uu", "uk", "kk",
        ];
        // `w`ait, start (`!`), s`k`ip, `d`oom, for each of the ends above.
        for (rule, wanted) in [
            (Rule::AllSuccess, "wwddk!ddkdddddk"),
            (Rule::AllFailed, "wkwwkkkkk!!k!kk"),
            (Rule::AllDone, "wwwww!!!!!!!!!!"),
            (Rule::AllDoneMinOneSuccess, "wwwww!!!!dddddk"),
            (Rule::AllSkipped, "wkkkwkkkkkkkkk!"),
            (Rule::OneFailed, "ww!!wk!!k!!!!!k"),
            (Rule::OneSuccess, "w!www!!!!dddddk"),
            (Rule::OneDone, "w!!ww!!!!!!!kkk"),
            (Rule::NoneFailed, "wwddw!dd!ddddd!"),
            (Rule::NoneFailedMinOneSuccess, "wwddw!dd!dddddk"),
            (Rule::NoneSkipped, "wwwwk!!!k!!k!kk"),
            (Rule::Always, "!!!!!!!!!!!!!!!"),
        ] {
            let said: String = ENDS
                .iter()
                .map(|ends| match after(rule, ends) {
                    Readiness::Wait => 'w',
                    Readiness::Start => '!',
                    Readiness::Skip => 'k',
                    Readiness::Doom => 'd',
                })
                .collect();
            assert_eq!(said, wanted, "{rule} of {ENDS:?}");
        }
    }

    #[test]
    fn every_rule_has_decided_once_all_parents_have_ended() {
        for &rule in TriggerRule::ALL {
            for ends in ["s", "f", "u", "k", "sfuk", "kk", "fu"] {
                assert_ne!(after(rule, ends), Readiness::Wait, "{rule} of {ends}");
            }
        }
    }

    #[test]
    fn a_node_that_waits_for_nobody_starts_whatever_its_rule() {
        for &rule in TriggerRule::ALL {
            assert_eq!(after(rule, ""), Readiness::Start, "{rule}");
        }
    }
}
