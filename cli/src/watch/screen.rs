//! Showing progress: drawn again and again in one place on a terminal, one line for each change into a pipe.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use chrono::{DateTime, Utc};
use terminal_size::{Height, Width};
use waterclock_core::run::{RunState, TaskRunState};

use super::progress::{Node, Progress};
use crate::duration::format_duration;

/// The most waits that are shown below the tree.
const MOST_WAITS: usize = 4;

/// Where progress is shown.
#[derive(Debug)]
pub(super) struct Screen {
    is_terminal: bool,
    has_colours: bool,
    /// The lines that were drawn last and are to be drawn over.
    drawn: usize,
}

#[derive(Clone, Copy)]
enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
    Grey = 90,
}

impl Screen {
    /// Standard output, as it is.
    pub(super) fn of_stdout() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self {
            is_terminal,
            has_colours: is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            drawn: 0,
        }
    }

    /// Whether what is shown is drawn over, and so is worth drawing again when only time has passed.
    pub(super) fn is_live(&self) -> bool {
        self.is_terminal
    }

    /// Draws the whole run in the place where it was drawn before.
    pub(super) fn draw_over(&mut self, progress: &Progress) -> io::Result<()> {
        let size = terminal_size::terminal_size();
        let (Width(width), Height(height)) = size.unwrap_or((Width(100), Height(30)));
        self.draw(progress, width.into(), height.into())
    }

    /// Says what became of the task node at `changed`, unless it is drawn soon anyway.
    pub(super) fn tell(&self, progress: &Progress, changed: usize, at: DateTime<Utc>) -> io::Result<()> {
        if self.is_terminal {
            return Ok(());
        }
        print(&line_of_change(progress.elapsed_at(at), &progress.nodes[changed]))
    }

    /// Says what of the run waits, unless it is drawn soon anyway.
    pub(super) fn tell_wait(&self, progress: &Progress, wait: &str) -> io::Result<()> {
        if self.is_terminal {
            return Ok(());
        }
        print(&format!(
            "{:>8}  waits: {}",
            format_duration(progress.elapsed()),
            on_one_line(wait)
        ))
    }

    /// Leaves the run as it ended on the screen, and says how.
    pub(super) fn finish(&mut self, progress: &Progress) -> io::Result<()> {
        if self.is_terminal {
            // What does not fit is scrolled away by now, so nothing needs to be left out.
            self.draw(progress, usize::MAX, usize::MAX)?;
            self.drawn = 0;
            return Ok(());
        }
        print(&self.summary(progress))
    }

    fn draw(&mut self, progress: &Progress, width: usize, height: usize) -> io::Result<()> {
        let lines = self.lines(progress, height.saturating_sub(2).max(4));
        let mut text = String::new();
        if self.drawn > 0 {
            // Up to the first line that was drawn, and away with all below.
            let _ = write!(text, "\x1b[{}F\x1b[J", self.drawn);
        }
        for line in &lines {
            let _ = writeln!(text, "{}", cut(line, width));
        }
        self.drawn = lines.len();
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn lines(&self, progress: &Progress, room: usize) -> Vec<String> {
        let waits = self.waits(progress);
        let room = room.saturating_sub(waits.len()).max(4);
        let mut lines = if progress.nodes.len() < room {
            self.tree(progress)
        } else {
            self.extract(progress, room - 2)
        };
        lines.extend(waits);
        lines.push(self.summary(progress));
        lines
    }

    fn tree(&self, progress: &Progress) -> Vec<String> {
        let widest = progress
            .tree
            .iter()
            .map(|branch| branch.prefix.chars().count() + progress.nodes[branch.node].key.chars().count())
            .max()
            .unwrap_or(0);
        progress
            .tree
            .iter()
            .map(|branch| {
                let node = &progress.nodes[branch.node];
                let name = format!("{}{}", branch.prefix, node.key);
                self.line_of_node(&name, widest, node)
            })
            .collect()
    }

    /// The nodes of interest of a graph too large for the screen.
    fn extract(&self, progress: &Progress, room: usize) -> Vec<String> {
        let chosen: Vec<&Node> = progress
            .nodes
            .iter()
            .filter(|node| node.is_of_interest())
            .collect();
        let widest = chosen
            .iter()
            .take(room)
            .map(|node| node.key.chars().count())
            .max()
            .unwrap_or(0);
        let mut lines: Vec<String> = chosen
            .iter()
            .take(room)
            .map(|node| self.line_of_node(&node.key, widest, node))
            .collect();
        if chosen.len() > room {
            lines.push(format!("… and {} more", chosen.len() - room));
        }
        lines
    }

    fn line_of_node(&self, name: &str, widest: usize, node: &Node) -> String {
        let padding = " ".repeat(widest.saturating_sub(name.chars().count()));
        let state = self.coloured(colour_of(node.state), &format!("{:<15}", node.state));
        let mut line = format!("{name}{padding}  {} {state}", symbol_of(node.state));
        if let Some(elapsed) = node.elapsed() {
            let _ = write!(line, " {:>8}", format_duration(elapsed));
        }
        if node.attempt > 1 {
            let _ = write!(line, "  attempt {}", node.attempt);
        }
        if let Some(message) = &node.message {
            let _ = write!(
                line,
                "  {}",
                self.coloured(Some(Colour::Grey), &on_one_line(message))
            );
        }
        line.truncate(line.trim_end().len());
        line
    }

    fn waits(&self, progress: &Progress) -> Vec<String> {
        let told =
            |wait: &String| self.coloured(Some(Colour::Yellow), &format!("waits: {}", on_one_line(wait)));
        progress.waits.iter().take(MOST_WAITS).map(told).collect()
    }

    fn summary(&self, progress: &Progress) -> String {
        let counts: Vec<String> = progress
            .counts()
            .iter()
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        let state = self.coloured(colour_of_run(progress.state), progress.state.as_str());
        let mut line = format!(
            "{} {state} after {} ({})",
            progress.workflow,
            format_duration(progress.elapsed()),
            counts.join(", ")
        );
        if let Some(reason) = &progress.reason {
            let _ = write!(line, ": {}", on_one_line(reason));
        }
        line
    }

    fn coloured(&self, colour: Option<Colour>, text: &str) -> String {
        match colour {
            Some(colour) if self.has_colours => format!("\x1b[{}m{text}\x1b[0m", colour as u8),
            _ => text.to_owned(),
        }
    }
}

fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn line_of_change(elapsed: Duration, node: &Node) -> String {
    let mut line = format!("{:>8}  {}  {}", format_duration(elapsed), node.key, node.state);
    if node.attempt > 1 {
        let _ = write!(line, "  attempt {}", node.attempt);
    }
    if let Some(message) = &node.message {
        let _ = write!(line, "  {}", on_one_line(message));
    }
    line
}

/// A message may quote what a program printed, in several lines.
fn on_one_line(message: &str) -> String {
    message.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// The line in at most `width` columns. Colours take none, and are ended where the text is cut.
fn cut(line: &str, width: usize) -> String {
    let mut in_escape = false;
    let mut visible = line.char_indices().filter(|&(_, c)| {
        let was_in_escape = in_escape;
        in_escape = c == '\x1b' || (in_escape && c != 'm');
        !was_in_escape && !in_escape
    });
    let last_that_fits = visible.by_ref().nth(width.saturating_sub(1));
    match (last_that_fits, visible.next()) {
        (Some((end, _)), Some(_)) => format!("{}…\x1b[0m", &line[..end]),
        _ => line.to_owned(),
    }
}

fn symbol_of(state: TaskRunState) -> char {
    match state {
        TaskRunState::Blocked | TaskRunState::Ready => '·',
        TaskRunState::Assigned | TaskRunState::Running => '●',
        TaskRunState::RetryWait => '↻',
        TaskRunState::Succeeded => '✓',
        TaskRunState::Failed => '✗',
        TaskRunState::Cancelled | TaskRunState::Skipped | TaskRunState::UpstreamFailed => '–',
    }
}

fn colour_of(state: TaskRunState) -> Option<Colour> {
    match state {
        TaskRunState::Ready => None,
        TaskRunState::Assigned | TaskRunState::Running => Some(Colour::Cyan),
        TaskRunState::RetryWait => Some(Colour::Yellow),
        TaskRunState::Succeeded => Some(Colour::Green),
        TaskRunState::Failed => Some(Colour::Red),
        _ => Some(Colour::Grey),
    }
}

fn colour_of_run(state: RunState) -> Option<Colour> {
    match state {
        RunState::Queued => None,
        RunState::Running => Some(Colour::Cyan),
        RunState::Succeeded => Some(Colour::Green),
        RunState::Failed | RunState::TimedOut => Some(Colour::Red),
        RunState::Paused | RunState::Cancelled => Some(Colour::Yellow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::progress::NodeChange;

    fn progress() -> Progress {
        let graph = [
            ("extract", vec![]),
            ("sizes", vec!["extract"]),
            ("sections", vec!["extract"]),
        ];
        let graph = graph.map(|(key, parents)| {
            let parents = parents.into_iter().map(str::to_owned).collect();
            (key.to_owned(), parents)
        });
        Progress::of_graph("packages".to_owned(), graph.to_vec())
    }

    fn change(key: &str, state: TaskRunState, attempt: i64) -> NodeChange<'_> {
        NodeChange {
            key,
            at: DateTime::UNIX_EPOCH,
            state,
            attempt: Some(attempt),
            message: None,
        }
    }

    const PLAIN: Screen = Screen {
        is_terminal: false,
        has_colours: false,
        drawn: 0,
    };

    #[tokio::test(start_paused = true)]
    async fn the_tree_shows_states_attempts_and_what_was_said() {
        let mut progress = progress();
        progress.change_run(DateTime::UNIX_EPOCH, RunState::Running, None);
        progress.change_node(change("extract", TaskRunState::Running, 1));
        progress.change_node(change("extract", TaskRunState::Succeeded, 1));
        progress.change_node(change("sizes", TaskRunState::Running, 2));
        progress.change_node(NodeChange {
            message: Some("it said no\nand more".to_owned()),
            ..change("sections", TaskRunState::Failed, 1)
        });
        let lines: Vec<String> = PLAIN.lines(&progress, 30);
        assert_eq!(
            lines,
            [
                "extract      ✓ SUCCEEDED            0ms",
                "├─ sizes     ● RUNNING              0ms  attempt 2",
                "└─ sections  ✗ FAILED           it said no and more",
                "packages RUNNING after 0ms (1 RUNNING, 1 SUCCEEDED, 1 FAILED)",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_graph_is_shown_by_what_is_of_interest() {
        let graph = (0..100).map(|n| (format!("n{n}"), Vec::new())).collect();
        let mut progress = Progress::of_graph("wide".to_owned(), graph);
        for n in 0..30 {
            progress.change_node(change(&format!("n{n}"), TaskRunState::Running, 1));
        }
        let lines = PLAIN.lines(&progress, 10);
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[8], "… and 22 more");
        assert_eq!(lines[9], "wide QUEUED after 0ms (70 READY, 30 RUNNING)");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_longer_than_a_moment_is_shown_and_told_once() {
        let mut progress = progress();
        let seen = |waits: &[&str]| waits.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(progress.look_at_waits(seen(&["a: x", "b: y"])), [""; 0]);
        assert_eq!(progress.look_at_waits(seen(&["b: y"])), ["b: y"]);
        assert_eq!(progress.look_at_waits(seen(&["b: y", "c: z"])), [""; 0]);
        assert_eq!(PLAIN.lines(&progress, 30)[3], "waits: b: y");
        progress.change_run(DateTime::UNIX_EPOCH, RunState::Succeeded, None);
        assert_eq!(progress.waits, [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_already_is_no_news() {
        let mut progress = progress();
        assert_eq!(
            progress.change_node(change("sizes", TaskRunState::Ready, 0)),
            Some(1)
        );
        assert_eq!(
            progress.change_node(change("sizes", TaskRunState::Ready, 0)),
            None
        );
        assert_eq!(
            progress.change_node(change("stranger", TaskRunState::Ready, 0)),
            None
        );
    }

    #[test]
    fn a_line_is_cut_by_columns_and_not_by_bytes() {
        assert_eq!(cut("├─ abc", 6), "├─ abc");
        assert_eq!(cut("├─ abcd", 6), "├─ ab…\x1b[0m");
        assert_eq!(cut("\x1b[31mabc\x1b[0m", 3), "\x1b[31mabc\x1b[0m");
    }
}
