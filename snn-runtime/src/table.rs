//! Tables as text. In: rows of cells; out: lines with aligned columns, and numbers and units as people read them.

use std::fmt::Write as _;

/// A header and rows, two spaces between columns. The first `left` columns begin on the left, the others end on the right. Every line ends.
pub(crate) fn table<const N: usize>(left: usize, header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = std::iter::once(header.map(String::from)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = if i == 0 { "" } else { "  " };
            // Writing to a string cannot fail.
            let _ = if i < left { write!(line, "{gap}{cell:width$}") } else { write!(line, "{gap}{cell:>width$}") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `1 234 567`
pub(crate) fn number(n: usize) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let mut out = digits[..first].to_string();
    for group in digits.as_bytes()[first..].chunks(3) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(group.iter().map(|&b| char::from(b)));
    }
    out
}

/// A mean of counts: `1 234`, and below 10 with two digits behind the point.
pub(crate) fn mean(n: f64) -> String {
    if n > 0.0 && n < 10.0 && n.fract() != 0.0 { format!("{n:.2}") } else { number(n.round() as usize) }
}

/// `12.3 MB`
pub(crate) fn bytes(n: usize) -> String {
    scaled(n as f64, &["B", "kB", "MB", "GB", "TB"])
}

/// Three digits with the unit that fits, each a thousand of the one before.
pub(crate) fn scaled(n: f64, units: &[&str]) -> String {
    let (mut n, mut unit) = (n, 0);
    while n >= 999.5 && unit + 1 < units.len() {
        n /= 1000.0;
        unit += 1;
    }
    let digits = match n {
        _ if unit == 0 && n.fract() == 0.0 => 0,
        n if n < 9.995 => 2,
        n if n < 99.95 => 1,
        _ => 0,
    };
    format!("{n:.digits$} {}", units[unit])
}

/// `12.3 %`
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["conv1", "1"], ["fc", "1 000"]].map(|row| row.map(String::from));
        assert_eq!(table(1, ["name", "params"], rows), "name   params\nconv1       1\nfc      1 000\n");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([number(0), number(999), number(1000), number(1_234_567)], ["0", "999", "1 000", "1 234 567"]);
        assert_eq!([mean(0.25), mean(1234.4), mean(3.0), mean(0.0)], ["0.25", "1 234", "3", "0"]);
        assert_eq!([bytes(0), bytes(999), bytes(1000), bytes(12_345_678)], ["0 B", "999 B", "1.00 kB", "12.3 MB"]);
        assert_eq!([scaled(0.9, &["pJ", "nJ"]), scaled(999.7, &["pJ", "nJ"])], ["0.90 pJ", "1.00 nJ"]);
        assert_eq!(scaled(5e9, &["pJ", "nJ"]), "5000000 nJ");
        assert_eq!(percent(0.1234), "12.3 %");
    }
}
