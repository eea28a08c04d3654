//! What an attempt gives to the nodes after it: values by name.
//!
//! A program writes lines into the file that `$WATERCLOCK_OUTPUT` names:
//!
//! ```text
//! rows=1042                    a text
//! ratio:=0.75                  JSON, because of the colon
//! report<<END                  a text of several lines, up to the line that is the delimiter
//! first line
//! second line
//! END
//! groups:<<END                 JSON of several lines
//! ["a", "b"]
//! END
//! ```
//!
//! A name that is given again replaces what it had. A line that is none of this is told in the log and passed over, as is a
//! value that is not the JSON it claims to be. Where it cannot be known what the program meant to give at all, because a
//! delimiter never came or something else lies in the file's place, the attempt fails: a success whose outputs are lost would
//! set the nodes after it to work with nothing.
//!
//! What goes beyond [`OUTPUT_LIMIT`] is left out by whole values, the largest first: half a value would pass for a whole one.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tokio::task::spawn_blocking;
use waterclock_core::work::{OUTPUT_LIMIT, is_output_name};

use super::files::open_plain;

/// How much of the file is read.
const MOST_READ: u64 = 4 * OUTPUT_LIMIT as u64;

/// How many lines are told that are no outputs.
const MOST_TOLD: usize = 20;

/// What was found of a program's outputs.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Given {
    /// The values, an object; `None` when there are none.
    pub(super) output: Option<Value>,
    /// What is to be told in the log.
    pub(super) remarks: Vec<String>,
    /// That values were left out.
    pub(super) cut: Option<String>,
    /// Why it cannot be known what the program meant to give.
    pub(super) lost: Option<String>,
}

/// Reads what a program wrote into its file of outputs. A file that is gone gives nothing.
pub(super) async fn collect(file: PathBuf) -> Given {
    let read = spawn_blocking(move || read(&file)).await;
    match read.unwrap_or_else(|defect| Err(io::Error::other(defect))) {
        Ok(None) => Given::default(),
        Ok(Some(bytes)) => parse(&bytes),
        Err(error) => Given {
            lost: Some(format!("the file $WATERCLOCK_OUTPUT could not be read: {error}")),
            ..Given::default()
        },
    }
}

fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open_plain(file)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(MOST_READ + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Makes an object of values, without those that go beyond [`OUTPUT_LIMIT`], and tells which these are.
pub(super) fn bounded(values: BTreeMap<String, Value>) -> (Map<String, Value>, Option<String>) {
    let mut sized: Vec<(usize, String, Value)> = values
        .into_iter()
        .map(|(name, value)| (name.len() + value.to_string().len() + 4, name, value))
        .collect();
    sized.sort_by_key(|(size, ..)| *size);
    let mut used = 2;
    let (mut kept, mut left_out) = (Map::new(), Vec::new());
    for (size, name, value) in sized {
        used += size;
        if used <= OUTPUT_LIMIT {
            kept.insert(name, value);
        } else {
            left_out.push(name);
        }
    }
    let told = (!left_out.is_empty()).then(|| {
        format!(
            "outputs cut: {} left out, since all outputs together may take {OUTPUT_LIMIT} bytes of JSON",
            listed(&left_out)
        )
    });
    (kept, told)
}

fn listed(names: &[String]) -> String {
    let told = names.len().min(MOST_TOLD);
    let more = if names.len() > told {
        format!(" and {} more", names.len() - told)
    } else {
        String::new()
    };
    format!("{}{more}", names[..told].join(", "))
}

/// Reads the lines of a file of outputs.
struct Reader<'a> {
    lines: std::iter::Enumerate<std::str::Split<'a, char>>,
    values: BTreeMap<String, Value>,
    remarks: Vec<String>,
    untold: usize,
}

/// The end of a file in the middle of a value.
struct Unterminated {
    name: String,
    delimiter: String,
}

fn parse(bytes: &[u8]) -> Given {
    let limit = usize::try_from(MOST_READ).unwrap_or(usize::MAX);
    let is_whole = bytes.len() <= limit;
    // Of a file that is not read to its end, the last line is not either.
    let end = bytes.iter().take(limit).rposition(|byte| *byte == b'\n');
    let bytes = if is_whole {
        bytes
    } else {
        &bytes[..end.unwrap_or(0)]
    };
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader {
        lines: text.split('\n').enumerate(),
        values: BTreeMap::new(),
        remarks: Vec::new(),
        untold: 0,
    };
    if matches!(text, std::borrow::Cow::Owned(_)) || text.contains('\0') {
        let remark = "$WATERCLOCK_OUTPUT: bytes that are not UTF-8 were replaced, and NUL was left out";
        reader.remarks.push(remark.to_owned());
    }
    let unterminated = reader.read();
    reader.finish(is_whole, unterminated)
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Option<Unterminated> {
        while let Some((at, line)) = self.next_line() {
            if line.trim().is_empty() {
                continue;
            }
            let (equals, heredoc) = (line.find('='), line.find("<<"));
            match (equals, heredoc) {
                (_, Some(heredoc)) if equals.is_none_or(|equals| heredoc < equals) => {
                    let (name, delimiter) = (&line[..heredoc], line[heredoc + 2..].trim());
                    let Some(text) = self.heredoc(delimiter) else {
                        return Some(Unterminated {
                            name: name.trim_end_matches(':').to_owned(),
                            delimiter: delimiter.to_owned(),
                        });
                    };
                    self.take(at, name, &text);
                }
                (Some(equals), _) => self.take(at, &line[..equals], &line[equals + 1..]),
                _ => self.remark(at, "is neither name=value nor name<<DELIMITER"),
            }
        }
        None
    }

    /// The next line without its end, which is `\n` or `\r\n`, and its place.
    fn next_line(&mut self) -> Option<(usize, &'a str)> {
        let (at, line) = self.lines.next()?;
        Some((at, line.strip_suffix('\r').unwrap_or(line)))
    }

    /// The lines up to the delimiter; `None` when it never comes, and when there is none.
    fn heredoc(&mut self, delimiter: &str) -> Option<String> {
        let mut lines = Vec::new();
        while let Some((_, line)) = self.next_line() {
            if line == delimiter && !delimiter.is_empty() {
                return Some(lines.join("\n"));
            }
            lines.push(line);
        }
        None
    }

    fn take(&mut self, at: usize, name: &str, text: &str) {
        let text = text.replace('\0', "");
        let (name, value) = match name.strip_suffix(':') {
            None => (name, Ok(Value::String(text))),
            Some(name) => (name, serde_json::from_str(&text)),
        };
        match value {
            _ if !is_output_name(name) => self.remark(
                at,
                "gives no name: one is 1 to 63 letters, digits, `_` and `-`, beginning with a letter or `_`",
            ),
            Ok(value) => {
                self.values.insert(name.to_owned(), without_nul(value));
            }
            Err(error) => self.remark(at, &format!("gives {name:?} what is not JSON: {error}")),
        }
    }

    fn remark(&mut self, at: usize, what: &str) {
        if self.remarks.len() < MOST_TOLD {
            self.remarks
                .push(format!("$WATERCLOCK_OUTPUT: line {} {what}", at + 1));
        } else {
            self.untold += 1;
        }
    }

    fn finish(self, is_whole: bool, unterminated: Option<Unterminated>) -> Given {
        let Self {
            values,
            mut remarks,
            untold,
            ..
        } = self;
        if untold > 0 {
            remarks.push(format!("$WATERCLOCK_OUTPUT: {untold} more lines are no outputs"));
        }
        let (kept, mut cut) = bounded(values);
        if !is_whole {
            let told =
                format!("outputs cut: $WATERCLOCK_OUTPUT is read up to {MOST_READ} bytes, and went on");
            cut = Some(cut.map_or(told.clone(), |cut| format!("{told}; {cut}")));
        }
        remarks.extend(cut.clone());
        let lost = unterminated.filter(|_| is_whole).map(|value| {
            format!(
                "the output {:?} begins with <<{} and no line is that delimiter, so what the program gave cannot be told",
                value.name, value.delimiter
            )
        });
        Given {
            output: (!kept.is_empty()).then(|| kept.into()),
            remarks,
            cut,
            lost,
        }
    }
}

/// PostgreSQL stores no NUL, in JSON either.
pub(super) fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('\0', "").into(),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name.replace('\0', ""), without_nul(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn output(text: &str) -> Value {
        let given = parse(text.as_bytes());
        assert_eq!(
            (given.remarks, given.cut, given.lost),
            (Vec::new(), None, None),
            "{text}"
        );
        given.output.unwrap_or(Value::Null)
    }

    #[test]
    fn lines_and_heredocs_give_texts_and_json() {
        let text = "a=1\nb= x = y \n\nc:=[1,{\"d\":null}]\ne<<END\nfirst\n\n f=2\nEND\ng:<<--\n{\n\"h\": 1.5\n}\n--\ni-j_2=";
        let expected = json!({
            "a": "1", "b": " x = y ", "c": [1, {"d": null}], "e": "first\n\n f=2", "g": {"h": 1.5}, "i-j_2": "",
        });
        assert_eq!(output(text), expected);
    }

    #[test]
    fn what_comes_first_in_a_line_decides_and_the_last_value_counts() {
        assert_eq!(output("a=b<<c\n"), json!({"a": "b<<c"}));
        assert_eq!(output("a<<b=c\nx\nb=c\n"), json!({"a": "x"}));
        assert_eq!(output("a=1\na=2"), json!({"a": "2"}));
        assert_eq!(output("a<<E\nE\n"), json!({"a": ""}));
        assert_eq!(
            output("a=1\r\nb<<E\r\nx\r\ny\r\nE\r\n"),
            json!({"a": "1", "b": "x\ny"})
        );
        assert_eq!(output(""), Value::Null);
    }

    #[test]
    fn lines_that_are_no_outputs_are_told_with_their_numbers_and_passed_over() {
        let given = parse("fine=1\nno output\n=x\n1a=2\nbad name=3\nj:={\nk.l<<E\ntext\nE\nm=4".as_bytes());
        assert_eq!(given.output, Some(json!({"fine": "1", "m": "4"})));
        assert_eq!((given.cut, given.lost), (None, None));
        let numbers: Vec<bool> = [2, 3, 4, 5, 6, 7]
            .iter()
            .zip(&given.remarks)
            .map(|(number, remark)| remark.starts_with(&format!("$WATERCLOCK_OUTPUT: line {number} ")))
            .collect();
        assert_eq!(numbers, [true; 6], "{:?}", given.remarks);
        let many = parse("nothing\n".repeat(100).as_bytes());
        assert_eq!(many.remarks.len(), MOST_TOLD + 1);
        assert_eq!(
            many.remarks[MOST_TOLD],
            "$WATERCLOCK_OUTPUT: 80 more lines are no outputs"
        );
    }

    #[test]
    fn a_delimiter_that_never_comes_loses_what_was_meant() {
        for text in ["a=1\nb<<END\nx\n END\nENDE\n", "b<<\nx\n\n"] {
            let given = parse(text.as_bytes());
            let lost = given.lost.unwrap();
            assert!(lost.starts_with("the output \"b\" begins with <<"), "{lost}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_nul_is_left_out_and_both_are_told() {
        let given = parse(b"a=x\xff\0y\nb:=\"\\u0000z\"\n\x7fELF\x01\x02");
        assert_eq!(given.output, Some(json!({"a": "x\u{fffd}y", "b": "z"})));
        assert!(given.remarks[0].contains("not UTF-8"), "{:?}", given.remarks);
        assert!(given.remarks[1].contains("line 3"), "{:?}", given.remarks);
    }

    #[test]
    fn values_beyond_the_limit_are_left_out_whole_the_largest_first() {
        let text = format!(
            "big={}\nsmall=1\nhuge={}\nlast=2\n",
            "x".repeat(200_000),
            "y".repeat(250_000)
        );
        let given = parse(text.as_bytes());
        let output = given.output.unwrap();
        let names: Vec<&String> = output.as_object().unwrap().keys().collect();
        assert_eq!(names, ["big", "last", "small"]);
        assert!(output.to_string().len() <= OUTPUT_LIMIT);
        assert!(
            given
                .cut
                .as_ref()
                .unwrap()
                .starts_with("outputs cut: huge left out")
        );
        assert_eq!(given.remarks, [given.cut.unwrap()]);
    }

    #[test]
    fn the_limit_holds_when_every_byte_must_be_escaped() {
        let values = (0..100).map(|n| (format!("n{n}"), Value::String("\u{1}".repeat(1_000))));
        let (kept, told) = bounded(values.collect());
        assert!(!kept.is_empty() && told.is_some());
        assert!(Value::from(kept).to_string().len() <= OUTPUT_LIMIT);
    }

    #[test]
    fn a_file_that_never_ends_is_read_up_to_a_bound_and_that_is_told() {
        let text = format!("a=1\nb<<END\n{}", "x\n".repeat(1 << 20));
        let given = parse(&text.as_bytes()[..=usize::try_from(MOST_READ).unwrap()]);
        assert_eq!(given.output, Some(json!({"a": "1"})));
        assert_eq!(given.lost, None);
        assert!(given.cut.unwrap().contains("is read up to"));
    }
}
