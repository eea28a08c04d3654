//! The table: a row for each figure, with its aim, its spread over the rounds, and its floor.

use std::fmt::Write as _;

use crate::figures::Sample;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Millis,
    Seconds,
    PerSecond,
    Threads,
    Megabytes,
    PercentOfACore,
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::Millis => format!("{} ms", rounded(figure)),
            Self::Seconds => format!("{} s", rounded(figure)),
            Self::PerSecond => format!("{}/s", grouped(figure)),
            Self::Threads => grouped(figure),
            Self::Megabytes => format!("{} MB", rounded(figure)),
            Self::PercentOfACore => format!("{figure:.2} %"),
        }
    }
}

/// Where a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Aim {
    fn show(self, unit: Unit) -> String {
        match self {
            Self::AtMost(bound) => format!("≤ {}", unit.show(bound)),
            Self::AtLeast(bound) => format!("≥ {}", unit.show(bound)),
        }
    }

    fn is_met_by(self, figure: f64) -> bool {
        match self {
            Self::AtMost(bound) => figure <= bound,
            Self::AtLeast(bound) => figure >= bound,
        }
    }
}

/// One figure of a scenario, taken once a round.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    name: String,
    unit: Unit,
    aim: Option<Aim>,
    figures: Sample,
    floor_is: &'static str,
    floors: Sample,
    remarks: Vec<String>,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, unit: Unit) -> Self {
        Self {
            name: name.into(),
            unit,
            aim: None,
            figures: Sample::default(),
            floor_is: "",
            floors: Sample::default(),
            remarks: Vec::new(),
        }
    }

    pub(crate) fn with_aim(self, aim: Aim) -> Self {
        let aim = Some(aim);
        Self { aim, ..self }
    }

    /// Names what the floor is.
    pub(crate) fn above(self, floor_is: &'static str) -> Self {
        Self { floor_is, ..self }
    }

    /// Adds a round's figure.
    pub(crate) fn add(&mut self, figure: f64) {
        self.figures.add(figure);
    }

    /// Adds a round's floor.
    pub(crate) fn add_floor(&mut self, floor: f64) {
        self.floors.add(floor);
    }

    /// Says what a reader should know beside the figures; of a round, in place of what was said of the one before.
    pub(crate) fn remark(&mut self, remarks: Vec<String>) {
        self.remarks = remarks;
    }

    fn cells(&self) -> [String; 6] {
        let median = self.figures.median();
        let mark = match self.aim {
            Some(aim) if aim.is_met_by(median) => "met",
            Some(_) => "missed",
            None => "",
        };
        let (floor, ratio) = if self.floors.is_empty() {
            (String::new(), String::new())
        } else {
            let floor = self.floors.median();
            (
                format!("{} {}", self.unit.show(floor), self.floor_is),
                format!("{:.2}", median / floor),
            )
        };
        [
            self.name.clone(),
            self.aim.map_or(String::new(), |aim| aim.show(self.unit)),
            self.spread(),
            mark.to_owned(),
            floor,
            ratio,
        ]
    }

    fn spread(&self) -> String {
        let [median, lowest, highest] = [
            self.figures.median(),
            self.figures.lowest(),
            self.figures.highest(),
        ]
        .map(|f| self.unit.show(f));
        if lowest == highest {
            median
        } else {
            format!("{median} ({lowest} – {highest})")
        }
    }
}

const HEAD: [&str; 6] = [
    "scenario",
    "aim",
    "median (lowest – highest)",
    "aim is",
    "floor in the same run",
    "ratio",
];

/// The table of `rows`, and the remarks to them.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let mut widths = [0; HEAD.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    lines.insert(1, widths.map(|width| "-".repeat(width)));
    let mut text = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
    }
    for (row, remark) in rows
        .iter()
        .flat_map(|row| row.remarks.iter().map(move |remark| (row, remark)))
    {
        let _ = writeln!(text, "{}: {remark}", row.name);
    }
    text
}

/// Three digits that count.
fn rounded(figure: f64) -> String {
    match figure.abs() {
        size if size < 10.0 => format!("{figure:.2}"),
        size if size < 100.0 => format!("{figure:.1}"),
        _ => grouped(figure),
    }
}

/// A whole number, its digits in threes.
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0
            && (digits.len() - place).is_multiple_of(3)
            && digits.is_ascii()
            && digit.is_ascii_digit()
        {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_the_median_the_spread_and_how_far_the_floor_is() {
        let mut row = Row::new("start-one", Unit::PerSecond)
            .with_aim(Aim::AtLeast(4_000.0))
            .above("one-row commits");
        for (figure, floor) in [(4_200.0, 10_000.0), (4_100.0, 12_000.0), (12_345.0, 11_000.0)] {
            row.add(figure);
            row.add_floor(floor);
        }
        assert_eq!(
            row.cells().join(" | "),
            "start-one | ≥ 4,000/s | 4,200/s (4,100/s – 12,345/s) | met | 11,000/s one-row commits | 0.38"
        );
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut row = Row::new("a scenario with a long name", Unit::Millis);
        row.add(1.0);
        row.remark(vec!["a remark".to_owned()]);
        let text = render(&[row]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].chars().count(), lines[2].chars().count());
        assert_eq!(lines[3], "a scenario with a long name: a remark");
    }
}
