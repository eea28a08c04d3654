//! The graph as text that Mermaid and Graphviz draw.
//!
//! A node's key is shown, never used: nodes are named `n0`, `n1`, … in the text, so no key is taken for a word of the language
//! (`end` ends a subgraph in Mermaid), and what is shown is escaped. Keys that a workflow accepts hold nothing to escape; a
//! drawing does not rely on it.

use std::fmt::Write as _;

use super::outline::Outline;

/// The key under which the virtual source is shown. No node has it: keys are lower case.
pub const START: &str = "START";
/// The key under which the virtual sink is shown.
pub const END: &str = "END";

impl Outline {
    /// The graph in Mermaid's language.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart TD\n");
        for (place, node) in self.nodes().iter().enumerate() {
            line(
                &mut text,
                format_args!("n{place}[\"{}\"]", mermaid_text(&node.key)),
            );
        }
        if self.has_virtual_nodes() {
            line(&mut text, format_args!("source([\"{START}\"])"));
            line(&mut text, format_args!("sink([\"{END}\"])"));
        }
        for (from, to) in self.named_edges() {
            line(&mut text, format_args!("{from} --> {to}"));
        }
        text
    }

    /// The graph in Graphviz's language.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut text = String::from("digraph workflow {\n    node [shape=box];\n");
        for (place, node) in self.nodes().iter().enumerate() {
            line(
                &mut text,
                format_args!("n{place} [label=\"{}\"];", dot_text(&node.key)),
            );
        }
        if self.has_virtual_nodes() {
            line(&mut text, format_args!("source [label=\"{START}\", shape=oval];"));
            line(&mut text, format_args!("sink [label=\"{END}\", shape=oval];"));
        }
        for (from, to) in self.named_edges() {
            line(&mut text, format_args!("{from} -> {to};"));
        }
        text.push_str("}\n");
        text
    }

    /// The edges with the names that nodes have in a drawing.
    fn named_edges(&self) -> impl Iterator<Item = (String, String)> {
        let given = self.edges().iter().map(|edge| (name(edge.from), name(edge.to)));
        let is_shown = self.has_virtual_nodes();
        let first = self.graph().roots().map(|root| ("source".to_owned(), name(root)));
        let last = self.graph().leaves().map(|leaf| (name(leaf), "sink".to_owned()));
        given.chain(first.chain(last).filter(move |_| is_shown))
    }
}

fn name(place: u32) -> String {
    format!("n{place}")
}

fn line(text: &mut String, written: std::fmt::Arguments<'_>) {
    writeln!(text, "    {written}").expect("a text can always be written to");
}

/// Text inside quotes of Mermaid, in which a character may be given by its number. Whatever could mean something there, and
/// whatever a browser could take for markup, is.
fn mermaid_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text) {
        if character.is_alphanumeric() || matches!(character, ' ' | '-' | '_' | '.' | '/') {
            escaped.push(character);
        } else {
            write!(escaped, "#{};", u32::from(character)).expect("a text can always be written to");
        }
    }
    escaped
}

/// Text inside quotes of Graphviz, which knows a backslash and the entities of HTML there.
fn dot_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text) {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            character => escaped.push(character),
        }
    }
    escaped
}

/// The characters of a text, with those that cannot be seen (a line's end, a bell) written as Rust writes them: `\n`.
fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(|character| {
        let escape = character.is_control().then(|| character.escape_default());
        let plain = (!character.is_control()).then_some(character);
        escape.into_iter().flatten().chain(plain)
    })
}
