//! Parts of speech.

/// Days of the week from Sunday.
pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Months from January.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list<T: AsRef<str>>(parts: &[T]) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match parts.as_slice() {
        [] => String::new(),
        [only] => (*only).into(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `1 day`, `2 days`.
pub(super) fn counted(number: usize, name: &str) -> String {
    if number == 1 {
        format!("1 {name}")
    } else {
        format!("{number} {name}s")
    }
}

/// `1st`, `2nd`, `3rd`, `11th`; from the end, `last` and `2nd to last`.
pub(super) fn ordinal(number: i64) -> String {
    let positive = number.unsigned_abs();
    let ending = match (positive % 100, positive % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    match number {
        -1 => "last".into(),
        ..0 => format!("{positive}{ending} to last"),
        _ => format!("{positive}{ending}"),
    }
}

/// The places of the bits that are set.
pub(super) fn places(bits: u64) -> Vec<u32> {
    (0..64).filter(|place| bits & (1 << place) != 0).collect()
}

/// The numbers, which are sorted, in a row: `1, 2 and 5`, and `1 to 7 and 15` where three or more follow each other.
pub(super) fn numbers<T: Copy + Into<i64>>(numbers: &[T]) -> String {
    let numbers: Vec<i64> = numbers.iter().map(|&number| number.into()).collect();
    let told: Vec<String> = numbers
        .chunk_by(|earlier, later| earlier + 1 == *later)
        .flat_map(|run| match run {
            [first, _, .., last] => vec![format!("{first} to {last}")],
            few => few.iter().map(ToString::to_string).collect(),
        })
        .collect();
    list(&told)
}

/// Names of a circle, such as months: `from Monday to Friday` when three or more follow each other, else a list.
pub(super) fn names(places: &[u32], names: &[&str]) -> String {
    let set = |place: usize| places.iter().any(|&set| set as usize == place % names.len());
    let starts: Vec<usize> = (0..names.len())
        .filter(|&place| set(place) && !set(place + names.len() - 1))
        .collect();
    match starts.as_slice() {
        [start] if (3..names.len()).contains(&places.len()) => {
            let last = (start + places.len() - 1) % names.len();
            format!("from {} to {}", names[*start], names[last])
        }
        _ => list(
            &places
                .iter()
                .map(|&place| names[place as usize % names.len()])
                .collect::<Vec<_>>(),
        ),
    }
}

/// The distance between numbers that begin at `lowest` and reach to `highest` in equal steps, if they do.
pub(super) fn step(numbers: &[u32], lowest: u32, highest: u32) -> Option<u32> {
    let [first, second, ..] = numbers else { return None };
    let step = second - first;
    let even = numbers.windows(2).all(|pair| pair[1] - pair[0] == step);
    (even && *first == lowest && numbers.last()? + step > highest).then_some(step)
}
