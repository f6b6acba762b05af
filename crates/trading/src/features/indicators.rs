//! Recursive averages as the technical indicators use them, with the starts that TA-Lib gives them.

/// Wilder's average: the mean of the first `n` values, then `((n − 1) × before + value) / n`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wilder {
    value: f64,
    seen: usize,
}

impl Wilder {
    /// Takes one more value.
    pub fn push(&mut self, value: f64, n: usize) {
        self.seen += 1;
        let weight = self.seen.min(n) as f64;
        self.value += (value - self.value) / weight;
    }

    /// The average so far.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }
}

/// An exponential average with the weight 2 / (n + 1), begun with the mean of `n` values after `skip` others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ema {
    n: usize,
    skip: usize,
    seen: usize,
    value: f64,
}

impl Ema {
    /// An average that has seen nothing.
    #[must_use]
    pub fn new(n: usize, skip: usize) -> Self {
        Self { n, skip, seen: 0, value: 0.0 }
    }

    /// Takes one more value; the average, once it has begun.
    pub fn push(&mut self, value: f64) -> Option<f64> {
        self.seen += 1;
        let used = self.seen.checked_sub(self.skip).filter(|u| *u > 0)?;
        let weight = if used <= self.n { 1.0 / used as f64 } else { 2.0 / (self.n as f64 + 1.0) };
        self.value += weight * (value - self.value);
        (used >= self.n).then_some(self.value)
    }

    /// The average so far.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }
}
