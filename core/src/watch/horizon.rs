//! How far the order of events is settled.
//!
//! The argument is in the [module above](super); this is its bookkeeping. A *look* is the highest number given out, read
//! first, and the transactions that may have taken numbers, listed second.

use std::collections::HashMap;

/// What the looks so far say.
#[derive(Debug, Default)]
pub(crate) struct Horizon {
    /// The highest number given out by the last look.
    last: i64,
    settled: i64,
    /// The writers of the last look, each with a number such that it took only higher ones.
    floors: HashMap<String, i64>,
}

impl Horizon {
    /// Takes in one more look and gives the settled number.
    pub(crate) fn look(&mut self, last: i64, writers: Vec<String>) -> i64 {
        let floors = writers.into_iter().map(|writer| {
            // Who was not on the last list held no lock then, and so took nothing by the number read before it.
            let floor = self.floors.get(&writer).copied().unwrap_or(self.last);
            (writer, floor)
        });
        let floors: HashMap<String, i64> = floors.collect();
        let settled = floors.values().copied().min().unwrap_or(last);
        self.settled = self.settled.max(settled);
        self.last = last;
        self.floors = floors;
        self.settled
    }

    /// The transaction that holds the settled number back, if one does.
    pub(super) fn held_by(&self) -> Option<&str> {
        self.floors
            .iter()
            .map(|(writer, floor)| (floor, writer))
            .min()
            .map(|(_, writer)| writer.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn writers(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn without_writers_everything_given_out_is_settled() {
        assert_eq!(Horizon::default().look(7, Vec::new()), 7);
    }

    #[test]
    fn a_writer_met_at_the_first_look_may_have_any_number() {
        let mut horizon = Horizon::default();
        assert_eq!(horizon.look(7, writers(&["a"])), 0);
        assert_eq!(
            horizon.look(9, writers(&["b"])),
            7,
            "b is younger than the number 7"
        );
        assert_eq!(horizon.look(9, Vec::new()), 9);
    }

    #[test]
    fn an_old_writer_holds_back_what_came_after_it() {
        let mut horizon = Horizon::default();
        horizon.look(10, Vec::new());
        assert_eq!(horizon.look(15, writers(&["old"])), 10);
        assert_eq!(horizon.look(30, writers(&["old", "young"])), 10);
        assert_eq!(horizon.held_by(), Some("old"));
        assert_eq!(horizon.look(40, writers(&["young"])), 15);
    }

    /// What writers and the tailer do, in any interleaving.
    #[derive(Clone, Debug)]
    enum Step {
        Lock(usize),
        Insert(usize),
        Commit(usize),
        ReadLast,
        ListWriters,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..4_usize).prop_map(Step::Lock),
            (0..4_usize).prop_map(Step::Insert),
            (0..4_usize).prop_map(Step::Insert),
            (0..4_usize).prop_map(Step::Commit),
            Just(Step::ReadLast),
            Just(Step::ListWriters),
        ]
    }

    proptest! {
        #[test]
        fn nothing_up_to_the_settled_number_is_still_to_come(steps in prop::collection::vec(step(), 1..200)) {
            let mut horizon = Horizon::default();
            // Each session: which transaction of it is under way and holds the lock, and the numbers that it took.
            let mut sessions: Vec<Option<(usize, Vec<i64>)>> = vec![None; 4];
            let (mut given, mut begun, mut last_read) = (0, 0, None);
            for step in steps {
                match step {
                    Step::Lock(session) if sessions[session].is_none() => {
                        begun += 1;
                        sessions[session] = Some((begun, Vec::new()));
                    }
                    Step::Insert(session) => if let Some((_, numbers)) = &mut sessions[session] {
                        given += 1;
                        numbers.push(given);
                    },
                    Step::Commit(session) => sessions[session] = None,
                    Step::ReadLast => last_read = Some(given),
                    Step::ListWriters => if let Some(last) = last_read.take() {
                        let writers = sessions.iter().flatten().map(|(id, _)| id.to_string()).collect();
                        let settled = horizon.look(last, writers);
                        let uncommitted = sessions.iter().flatten().flat_map(|(_, numbers)| numbers).min();
                        prop_assert!(uncommitted.is_none_or(|&number| number > settled));
                        prop_assert!(settled <= last);
                    },
                    Step::Lock(_) => {}
                }
            }
            sessions.clear();
            prop_assert_eq!(horizon.look(given, Vec::new()), given, "and with nobody under way, all of it is settled");
        }
    }
}
