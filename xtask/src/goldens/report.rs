//! Verdicts and how they are told. In: one verdict per case; out: the text of the report, its last line, and JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// Passed by being refused; the message.
    Refused(String),
    /// What differs, line by line.
    Failed(Vec<String>),
    /// The reason.
    Skipped(String),
    /// A static language cannot say it, or it is about Python; the reason. Neither passed nor failed.
    NotApplicable(String),
}

/// All verdicts of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    cases: Vec<(String, Verdict)>,
}

impl Report {
    pub(crate) fn add(&mut self, id: &str, verdict: Verdict) {
        self.cases.push((id.to_string(), verdict));
    }

    fn count(&self, which: impl Fn(&Verdict) -> bool) -> usize {
        self.cases.iter().filter(|(_, v)| which(v)).count()
    }

    fn passed(&self) -> usize {
        self.count(|v| matches!(v, Verdict::Passed | Verdict::Refused(_)))
    }

    fn skipped(&self) -> usize {
        self.count(|v| matches!(v, Verdict::Skipped(_)))
    }

    pub(crate) fn failed(&self) -> usize {
        self.count(|v| matches!(v, Verdict::Failed(_)))
    }

    /// Each failure, each refusal, what is not applicable, and the skipped cases by reason.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // One mistake often meets many cases: what takes several lines to say is said once.
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (id, verdict) in &self.cases {
            let Verdict::Failed(lines) = verdict else { continue };
            let _ = writeln!(text, "FAILED {id}");
            for line in lines {
                let (head, details) = line.split_once('\n').unwrap_or((line, ""));
                let first = if details.is_empty() { id } else { *seen.entry(head).or_insert(id) };
                if first == id {
                    let _ = writeln!(text, "    {}", line.replace('\n', "\n    "));
                } else {
                    let _ = writeln!(text, "    {head} (as {first})");
                }
            }
        }
        let refused: Vec<_> =
            self.cases.iter().filter_map(|(id, v)| if let Verdict::Refused(m) = v { Some((id, m)) } else { None }).collect();
        if !refused.is_empty() {
            text.push_str("refused, as they must be:\n");
            for (id, message) in refused {
                let _ = writeln!(text, "    {id}: {message}");
            }
        }
        let inapplicable: Vec<_> =
            self.cases.iter().filter_map(|(id, v)| if let Verdict::NotApplicable(r) = v { Some((id, r)) } else { None }).collect();
        if !inapplicable.is_empty() {
            text.push_str("not applicable:\n");
            for (id, reason) in inapplicable {
                let _ = writeln!(text, "    {id}: {reason}");
            }
        }
        let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, verdict) in &self.cases {
            if let Verdict::Skipped(reason) = verdict {
                *skipped.entry(reason).or_default() += 1;
            }
        }
        if !skipped.is_empty() {
            text.push_str("skipped:\n");
            for (reason, count) in skipped {
                let _ = writeln!(text, "    {reason}: {count} {}", if count == 1 { "case" } else { "cases" });
            }
        }
        text
    }

    /// `N passed, N failed, N skipped`.
    pub(crate) fn summary(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed(), self.failed(), self.skipped())
    }

    /// `{"passed", "failed", "skipped", "cases": [{"id", "verdict", "details"}]}`
    pub(crate) fn json(&self) -> Value {
        let cases: Vec<Value> = self
            .cases
            .iter()
            .map(|(id, verdict)| match verdict {
                Verdict::Passed => json!({ "id": id, "verdict": "passed" }),
                Verdict::Refused(message) => json!({ "id": id, "verdict": "passed", "details": [format!("refused: {message}")] }),
                Verdict::Failed(lines) => json!({ "id": id, "verdict": "failed", "details": lines }),
                Verdict::Skipped(reason) => json!({ "id": id, "verdict": "skipped", "details": [reason] }),
                Verdict::NotApplicable(reason) => json!({ "id": id, "verdict": "not applicable", "details": [reason] }),
            })
            .collect();
        json!({ "passed": self.passed(), "failed": self.failed(), "skipped": self.skipped(), "cases": cases })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_counts_and_groups() {
        let mut report = Report::default();
        report.add("a", Verdict::Passed);
        report.add("b", Verdict::Failed(vec!["y (whole): differs".to_string()]));
        report.add("c", Verdict::Skipped("layer GroupNorm is not supported yet".to_string()));
        report.add("d", Verdict::Skipped("layer GroupNorm is not supported yet".to_string()));
        report.add("e", Verdict::Refused("`m`: no".to_string()));
        report.add("f", Verdict::NotApplicable("a Python type".to_string()));
        let expected = "FAILED b
    y (whole): differs
refused, as they must be:
    e: `m`: no
not applicable:
    f: a Python type
skipped:
    layer GroupNorm is not supported yet: 2 cases
";
        assert_eq!(report.text(), expected);
        assert_eq!(report.summary(), "2 passed, 1 failed, 2 skipped");
        let json = report.json();
        assert_eq!((&json["passed"], &json["failed"], &json["skipped"]), (&json!(2), &json!(1), &json!(2)));
    }

    #[test]
    fn a_long_message_is_shown_once() {
        let mut report = Report::default();
        for id in ["a", "b"] {
            report.add(id, Verdict::Failed(vec![format!("does not compile: error\nnet {id}")]));
        }
        assert_eq!(report.text(), "FAILED a\n    does not compile: error\n    net a\nFAILED b\n    does not compile: error (as a)\n");
    }
}
