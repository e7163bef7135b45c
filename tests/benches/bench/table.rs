//! The table that is printed: each row a ratio to a reference that was measured next to it.

use gathering_tests::median;

/// What was measured of one kind of work, round by round.
pub(crate) struct Row {
    name: String,
    /// What is counted: `/s`, ` ms`, ` MiB`.
    unit: &'static str,
    values: Vec<f64>,
    ratios: Vec<f64>,
    /// What the ratio is one of, and the least or the most that it should be.
    goal: Option<Goal>,
}

/// What a row should come to.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// A ratio of at least this.
    AtLeast(f64),
    /// A ratio of at most this.
    AtMost(f64),
    /// A value of at most this.
    Within(f64),
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, unit: &'static str, goal: Option<Goal>) -> Self {
        Self { name: name.into(), unit, values: Vec::new(), ratios: Vec::new(), goal }
    }

    /// A round: what was measured, and what its reference came to.
    pub(crate) fn add(&mut self, value: f64, reference: f64) {
        self.values.push(value);
        self.ratios.push(value / reference);
    }

    /// A round without a reference.
    pub(crate) fn add_alone(&mut self, value: f64) {
        self.values.push(value);
    }

    fn ratio(&self) -> Option<(f64, f64, f64)> {
        (!self.ratios.is_empty()).then(|| median(self.ratios.clone()))
    }

    fn is_reached(&self) -> Option<bool> {
        let ratio = self.ratio().map(|(ratio, ..)| ratio);
        Some(match self.goal? {
            Goal::AtLeast(least) => ratio? >= least,
            Goal::AtMost(most) => ratio? <= most,
            Goal::Within(most) => median(self.values.clone()).0 <= most,
        })
    }

    fn line(&self) -> String {
        let (value, low, high) = median(self.values.clone());
        let digits = usize::from(value < 100.0);
        let ratio = self
            .ratio()
            .map_or(String::new(), |(ratio, low, high)| format!("**{ratio:.2}** ({low:.2} to {high:.2})"));
        let goal = match self.goal {
            None => String::new(),
            Some(Goal::AtLeast(least)) => format!("≥ {least:.2}"),
            Some(Goal::AtMost(most)) => format!("≤ {most:.0}"),
            Some(Goal::Within(most)) => format!("≤ {most:.0}{}", self.unit),
        };
        let reached = self.is_reached().map_or("", |reached| if reached { "yes" } else { "no" });
        format!(
            "| {} | {value:.digits$}{unit} ({low:.digits$} to {high:.digits$}) | {ratio} | {goal} | {reached} |",
            self.name,
            unit = self.unit
        )
    }
}

/// A part of the table, with what its ratios are of.
pub(crate) fn print(title: &str, ratio_of: &str, rows: &[Row]) {
    println!("\n### {title}\n\n| work | measured | of {ratio_of} | goal | reached |\n|---|---|---|---|---|");
    for row in rows.iter().filter(|row| !row.values.is_empty()) {
        println!("{}", row.line());
    }
}
