//! Graphs against what a naive reader of the definitions would find.

mod properties;

use super::*;
use crate::check::Severity;

/// What nodes require and produce, kept where vertices can borrow it.
struct Declared(Vec<(&'static str, Vec<String>, Vec<String>)>);

impl Declared {
    /// Nodes as `key`, required names, produced names, the names parted by blanks.
    fn of(nodes: &[(&'static str, &str, &str)]) -> Self {
        let names = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let node =
            |&(key, requires, produces): &(&'static str, &str, &str)| (key, names(requires), names(produces));
        Self(nodes.iter().map(node).collect())
    }

    fn check(&self, edges: &[(&str, &str)]) -> Checked {
        let vertex = |(key, requires, produces): &'_ (&'static str, Vec<String>, Vec<String>)| {
            (*key, requires.clone(), produces.clone())
        };
        let owned: Vec<_> = self.0.iter().map(vertex).collect();
        let vertices: Vec<Vertex<'_>> = owned
            .iter()
            .map(|(key, requires, produces)| Vertex {
                key,
                requires,
                produces,
            })
            .collect();
        check(&vertices, edges)
    }
}

fn plain(keys: &[&str], edges: &[(&str, &str)]) -> Checked {
    let vertices: Vec<Vertex<'_>> = keys.iter().map(|key| Vertex::plain(key)).collect();
    check(&vertices, edges)
}

/// Each fault with its path.
fn told(checked: &Checked) -> Vec<String> {
    let fault = |fault: &GraphFault| format!("{}: {fault}", fault.path().join("."));
    checked.faults.iter().map(fault).collect()
}

fn outline(keys: &[&str], edges: &[(u32, u32)], has_virtual_nodes: bool) -> Outline {
    let node = |key: &&str| OutlineNode {
        key: (*key).to_owned(),
        requires: Vec::new(),
        produces: Vec::new(),
    };
    let edges = edges.iter().map(|&(from, to)| Edge { from, to }).collect();
    Outline::new(keys.iter().map(node).collect(), edges, has_virtual_nodes)
}

#[test]
fn a_diamond_is_a_graph() {
    let checked = plain(
        &["a", "b", "c", "d"],
        &[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
    );
    assert_eq!(told(&checked), [""; 0]);
    let graph = Graph::of(4, &checked.edges);
    assert_eq!(graph.parent_counts(), [0, 1, 1, 2]);
    assert_eq!(graph.children(0), [1, 2]);
    assert_eq!(graph.descendants([1]), [3]);
    assert_eq!(graph.levels(), [1, 2, 2, 3]);
}

#[test]
fn every_fault_is_told_at_once() {
    let checked = plain(
        &["a", "b", "a", "c"],
        &[
            ("a", "a"),
            ("a", "x"),
            ("y", "b"),
            ("b", "c"),
            ("b", "c"),
            ("c", "b"),
        ],
    );
    assert_eq!(
        told(&checked),
        [
            r#"nodes.2.key: the key "a" names more than one node"#,
            r#"edges.0: the node "a" cannot wait for itself"#,
            r#"edges.1.to: the edge names "x", and no node has that key"#,
            r#"edges.2.from: the edge names "y", and no node has that key"#,
            r#"edges.4: the edge from "b" to "c" is given twice"#,
            "edges.5: the nodes wait for each other: b → c → b",
            r#"nodes.0: the node "a" is joined to no other node, and runs beside them"#,
            r#"nodes.2: the node "a" is joined to no other node, and runs beside them"#,
        ]
    );
    assert_eq!(
        told(&plain(&[], &[])),
        ["nodes: a workflow needs at least one node"]
    );
}

#[test]
fn a_name_that_is_produced_and_required_is_an_edge() {
    let declared = Declared::of(&[
        ("extract", "", "orders customers"),
        ("join", "orders customers", "report"),
        ("send", "report", ""),
        ("archive", "", ""),
    ]);
    let checked = declared.check(&[("join", "archive"), ("extract", "join")]);
    assert_eq!(told(&checked), [""; 0]);
    let edges: Vec<_> = checked.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    assert_eq!(edges, [(1, 3), (0, 1), (1, 2)], "given ones first, each once");
    assert_eq!(checked.given, 2);
}

#[test]
fn every_fault_of_a_derivation_is_told_at_its_place() {
    let declared = Declared::of(&[
        ("a", "nowhere", "x"),
        ("b", "x x", "x y"),
        ("c", "z", "z"),
        ("d", "", "misspelt"),
        ("e", "", ""),
    ]);
    assert_eq!(
        told(&declared.check(&[])),
        [
            r#"nodes.1.produces.0: "x" is produced by "a" already; whoever requires it could not tell the two apart"#,
            r#"nodes.0.requires.0: the node "a" requires "nowhere", and no node produces it"#,
            r#"nodes.1.requires.1: the node "b" requires "x" twice"#,
            r#"nodes.2.requires.0: the node "c" cannot wait for itself: it requires "z", which it produces itself"#,
            r#"nodes.3.produces: the node "d" produces "misspelt", which nobody requires, and is joined to no other node; correct the name, or leave `produces` out"#,
            r#"nodes.4: the node "e" is joined to no other node, and runs beside them"#,
        ]
    );
}

#[test]
fn a_cycle_of_given_and_derived_edges_names_the_requirement_that_closes_it() {
    let declared = Declared::of(&[("a", "back", ""), ("b", "", ""), ("c", "", "back"), ("d", "", "")]);
    let checked = declared.check(&[("a", "b"), ("b", "c"), ("c", "d")]);
    assert_eq!(
        told(&checked),
        [
            "nodes.0.requires.0: the nodes wait for each other: a → b → c → a",
            r#"nodes.3: the node "d" is not reached from START: whatever leads to it waits for a cycle"#,
        ]
    );
    let severities: Vec<_> = checked.faults.iter().map(GraphFault::severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Remark]);
}

#[test]
fn each_group_tells_a_cycle_and_the_shortest_come_first() {
    let keys = ["a", "b", "c", "d", "e", "f"];
    let edges = [
        ("a", "b"),
        ("b", "c"),
        ("c", "a"),
        ("c", "d"),
        ("d", "e"),
        ("e", "d"),
        ("e", "f"),
    ];
    let checked = plain(&keys, &edges);
    assert_eq!(
        told(&checked)[..2],
        [
            "edges.5: the nodes wait for each other: d → e → d",
            "edges.2: the nodes wait for each other: a → b → c → a"
        ]
    );
}

#[test]
fn cycles_beyond_the_bound_are_counted() {
    // Every two of thirty nodes wait for each other.
    let edges: Vec<Edge> = (0..30)
        .flat_map(|from| (0..30).map(move |to| Edge { from, to }))
        .filter(|edge| edge.from != edge.to)
        .collect();
    let cycles = Graph::of(30, &edges).cycles();
    assert_eq!(
        (cycles.told.len(), cycles.untold, cycles.is_exact),
        (50, 30 * 29 / 2 - 50, true)
    );
    assert!(cycles.told.iter().all(|cycle| cycle.len() == 2));
}

#[test]
fn a_ring_of_ten_thousand_nodes_is_told_in_short() {
    let ring: Vec<String> = (0..10_000).map(|n| format!("n{n}")).collect();
    let keys: Vec<&str> = ring.iter().map(String::as_str).collect();
    let mut edges: Vec<_> = keys.windows(2).map(|pair| (pair[0], pair[1])).collect();
    edges.push((keys[9_999], keys[0]));
    let checked = plain(&keys, &edges);
    let GraphFault::Cycle { cycle, .. } = &checked.faults[0] else {
        panic!("{:?}", checked.faults[0])
    };
    assert_eq!(cycle.len(), 10_001);
    assert!(
        told(&checked)[0].ends_with("n10 → n11 → … (9988 more) → n0"),
        "{}",
        told(&checked)[0]
    );
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    let keys: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let edges: Vec<_> = keys.windows(2).map(|pair| (pair[0], pair[1])).collect();
    assert_eq!(plain(&keys, &edges).edges.len(), 99_999);
    let edges: Vec<Edge> = (1..100_000).map(|to| Edge { from: to - 1, to }).collect();
    assert!(
        Graph::of(100_000, &edges)
            .components()
            .iter()
            .enumerate()
            .all(|(node, &of)| of == place(node))
    );
}

#[test]
fn twenty_layers_of_three_are_counted_and_entered_anywhere() {
    let edges: Vec<Edge> = (0..57)
        .flat_map(|from: u32| {
            (0..3).map(move |to| Edge {
                from,
                to: (from / 3 + 1) * 3 + to,
            })
        })
        .collect();
    let paths = Paths::of(&Graph::of(60, &edges));
    assert_eq!(paths.total().to_string(), "3486784401");
    let last = paths.total() - 1_u8;
    let ends: Vec<Vec<u32>> = paths.from(&last).collect();
    assert_eq!(ends, [(0..20).map(|layer| layer * 3 + 2).collect::<Vec<_>>()]);
    assert_eq!(paths.from(paths.total()).next(), None);
}

#[test]
fn the_critical_path_is_the_heaviest_and_the_longest_when_nothing_is_known() {
    let graph = Graph::of(4, &[(0, 1), (0, 2), (2, 3)].map(|(from, to)| Edge { from, to }));
    assert_eq!(graph.critical_path(&[5, 100, 10, 10]), [0, 1]);
    assert_eq!(
        graph.critical_path(&[5, 20, 10, 10]),
        [0, 2, 3],
        "the same time over more nodes"
    );
    assert_eq!(graph.critical_path(&[0; 4]), [0, 2, 3]);
    assert_eq!(Graph::default().critical_path(&[]), [0; 0]);
}

#[test]
fn drawings_show_the_ends_on_request() {
    let shown = outline(&["a", "b"], &[(0, 1)], true);
    assert_eq!(
        shown.mermaid(),
        "flowchart TD\n    n0[\"a\"]\n    n1[\"b\"]\n    source([\"START\"])\n    sink([\"END\"])\n    n0 --> n1\n    source --> n0\n    n1 --> sink\n"
    );
    assert_eq!(
        outline(&["a", "b"], &[(0, 1)], false).dot(),
        "digraph workflow {\n    node [shape=box];\n    n0 [label=\"a\"];\n    n1 [label=\"b\"];\n    n0 -> n1;\n}\n"
    );
}

#[test]
fn hostile_keys_break_no_drawing() {
    let hostile = outline(
        &["end", "\"] --> x[\"", "a\nb\\", "&quot;<script>`#35;`"],
        &[],
        false,
    );
    let mermaid: Vec<String> = hostile
        .mermaid()
        .lines()
        .skip(1)
        .map(|line| line.trim().to_owned())
        .collect();
    assert_eq!(
        mermaid,
        [
            r#"n0["end"]"#,
            r##"n1["#34;#93; --#62; x#91;#34;"]"##,
            r#"n2["a#92;nb#92;"]"#,
            r##"n3["#38;quot#59;#60;script#62;#96;#35;35#59;#96;"]"##,
        ]
    );
    let dot: Vec<String> = hostile
        .dot()
        .lines()
        .skip(2)
        .map(|line| line.trim().to_owned())
        .collect();
    assert_eq!(
        dot,
        [
            r#"n0 [label="end"];"#,
            r#"n1 [label="\"] --> x[\""];"#,
            r#"n2 [label="a\\nb\\"];"#,
            r#"n3 [label="&amp;quot;<script>`#35;`"];"#,
            "}"
        ]
    );
}

#[test]
fn another_graph_has_another_fingerprint() {
    let one = outline(&["a", "bc"], &[(0, 1)], false).fingerprint();
    assert_eq!(one, outline(&["a", "bc"], &[(0, 1)], true).fingerprint());
    assert_ne!(one, outline(&["ab", "c"], &[(0, 1)], false).fingerprint());
    assert_ne!(one, outline(&["a", "bc"], &[(1, 0)], false).fingerprint());
}
