//! Plots as inline SVG. Colours are CSS variables, so that one picture serves light and dark.

use maud::{Markup, PreEscaped, html};

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 42.0;

/// A line, with a band or error bars where `low` and `high` are given.
pub(crate) struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
    pub band: Vec<(f64, f64)>,
    pub bars: bool,
}

/// A plot of lines over two axes.
pub(crate) struct Plot {
    pub x: String,
    pub y: String,
    pub lines: Vec<Line>,
    pub x_range: Option<(f64, f64)>,
    pub y_range: Option<(f64, f64)>,
    pub log_x: bool,
    pub log_y: bool,
    pub diagonal: bool,
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.filter(|v| v.is_finite()).fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let margin = if high > low { (high - low) * 0.06 } else { high.abs().max(1.0) * 0.06 };
    (low - margin, high + margin)
}

/// Round numbers within a range: 1, 2 or 5 times a power of ten apart.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let raw = (high - low) / 5.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= raw).unwrap_or(raw);
    let first = (low / step).ceil() as i64;
    (first..=(high / step).floor() as i64).map(|i| i as f64 * step).collect()
}

/// 1, 2 and 5 times powers of ten within a positive range.
fn powers(low: f64, high: f64) -> Vec<f64> {
    let all = (-9..9).flat_map(|p| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(p)));
    all.filter(|v| (low..=high).contains(v)).collect()
}

fn label(v: f64) -> String {
    if v.abs() >= 1e6 {
        return format!("{:.1}M", v / 1e6);
    }
    if v.abs() >= 1e4 {
        return format!("{:.0}k", v / 1e3);
    }
    let text = format!("{v:.4}");
    text.trim_end_matches('0').trim_end_matches('.').replace("-0", if v == 0.0 { "0" } else { "-0" })
}

impl Plot {
    pub(crate) fn draw(&self) -> Markup {
        self.draw_with(&[])
    }

    /// As [`Plot::draw`], with single points behind the lines.
    pub(crate) fn draw_with(&self, points: &[(f64, f64)]) -> Markup {
        let finite = |f: fn(&Line) -> Vec<f64>| self.lines.iter().flat_map(f).collect::<Vec<f64>>();
        let xs: Vec<f64> =
            finite(|l| l.points.iter().map(|p| p.0).collect()).into_iter().chain(points.iter().map(|p| p.0)).collect();
        let ys = finite(|l| l.points.iter().map(|p| p.1).chain(l.band.iter().flat_map(|b| [b.0, b.1])).collect());
        let ys: Vec<f64> = ys.into_iter().chain(points.iter().map(|p| p.1)).collect();
        let scale = |v: f64| if self.log_x { v.max(1e-9).ln() } else { v };
        let (x0, x1) = self.x_range.map_or_else(|| range(xs.iter().map(|&v| scale(v))), |(a, b)| (scale(a), scale(b)));
        let (y0, y1) = self.y_range.unwrap_or_else(|| range(ys.iter().copied()));
        let up = |v: f64| if self.log_y { v.max(1e-9).ln() } else { v };
        let (y0, y1) = if self.log_y && self.y_range.is_none() { range(ys.iter().map(|&v| up(v))) } else { (y0, y1) };
        let px = |v: f64| LEFT + (scale(v) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
        let py = |v: f64| HEIGHT - BOTTOM - (up(v).clamp(y0, y1) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
        let y_ticks = if self.log_y { powers(y0.exp(), y1.exp()) } else { ticks(y0, y1) };
        let x_ticks = if self.log_x { log_ticks(&xs) } else { ticks(x0, x1) };
        let path = |points: &[(f64, f64)]| {
            let step = |(i, (x, y)): (usize, &(f64, f64))| {
                format!("{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, px(*x), py(*y))
            };
            points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()).enumerate().map(step).collect::<String>()
        };
        html! {
            figure {
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(format!("{} by {}", self.y, self.x)) {
                    @for t in y_ticks {
                        line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(c(py(t))) y2=(c(py(t))) {}
                        text.tick x=(LEFT - 6.0) y=(c(py(t) + 4.0)) text-anchor="end" { (label(t)) }
                    }
                    @for t in x_ticks {
                        line.grid x1=(c(px(t))) x2=(c(px(t))) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                        text.tick x=(c(px(t))) y=(HEIGHT - BOTTOM + 15.0) text-anchor="middle" { (label(t)) }
                    }
                    @if self.diagonal {
                        line.diagonal x1=(c(px(x0))) y1=(c(py(x0))) x2=(c(px(x1))) y2=(c(py(x1))) {}
                    }
                    @for p in points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()) {
                        circle.faint cx=(c(px(p.0))) cy=(c(py(p.1))) r="2.6" {}
                    }
                    @for (i, l) in self.lines.iter().enumerate() {
                        @if !l.band.is_empty() && !l.bars {
                            path class=(format!("band c{i}")) d=({
                                let up: Vec<(f64, f64)> = l.points.iter().zip(&l.band).map(|(p, b)| (p.0, b.1)).collect();
                                let down: Vec<(f64, f64)> = l.points.iter().zip(&l.band).rev().map(|(p, b)| (p.0, b.0)).collect();
                                format!("{}{}Z", path(&up), path(&down).replacen('M', "L", 1))
                            }) {}
                        }
                        path class=(format!("line c{i}")) d=(path(&l.points)) {}
                        @if l.points.len() <= 25 {
                            @for (j, p) in l.points.iter().enumerate() {
                                @if let (true, Some(b)) = (l.bars, l.band.get(j)) {
                                    line class=(format!("bar c{i}")) x1=(c(px(p.0))) x2=(c(px(p.0))) y1=(c(py(b.0))) y2=(c(py(b.1))) {}
                                }
                                circle class=(format!("dot c{i}")) cx=(c(px(p.0))) cy=(c(py(p.1))) r="2.6" {}
                            }
                        }
                    }
                    text.axis x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 8.0) text-anchor="middle" { (self.x) }
                    text.axis transform=(format!("translate(13 {}) rotate(-90)", (TOP + HEIGHT - BOTTOM) / 2.0)) text-anchor="middle" { (self.y) }
                }
                (legend(&self.lines.iter().map(|l| l.name.as_str()).collect::<Vec<_>>()))
            }
        }
    }
}

fn c(v: f64) -> String {
    format!("{v:.1}")
}

fn log_ticks(xs: &[f64]) -> Vec<f64> {
    let mut out: Vec<f64> = xs.to_vec();
    out.sort_by(f64::total_cmp);
    out.dedup();
    out
}

pub(crate) fn legend(names: &[&str]) -> Markup {
    html! {
        figcaption {
            @for (i, name) in names.iter().enumerate() {
                span.key { svg viewBox="0 0 14 10" width="14" height="10" { line class=(format!("line c{i}")) x1="0" x2="14" y1="5" y2="5" {} } " " (name) }
                (PreEscaped(" "))
            }
        }
    }
}

/// One interval per row with a line at `zero`.
pub(crate) fn forest(rows: &[(String, f64, f64, f64)], x: &str, zero: f64) -> Markup {
    const ROW: f64 = 34.0;
    const LABELS: f64 = 190.0;
    let (x0, x1) = range(rows.iter().flat_map(|r| [r.1, r.2, r.3]).chain([zero]));
    let height = ROW * rows.len() as f64 + BOTTOM + TOP;
    let bottom = height - BOTTOM;
    let px = |v: f64| LABELS + (v - x0) / (x1 - x0) * (WIDTH + 140.0 - LABELS - RIGHT);
    html! {
        figure.wide {
            svg viewBox=(format!("0 0 {} {height}", WIDTH + 140.0)) role="img" aria-label=(x) {
                @for t in ticks(x0, x1) {
                    line.grid x1=(c(px(t))) x2=(c(px(t))) y1=(TOP) y2=(c(bottom)) {}
                    text.tick x=(c(px(t))) y=(c(bottom + 15.0)) text-anchor="middle" { (label(t)) }
                }
                line.zero x1=(c(px(zero))) x2=(c(px(zero))) y1=(TOP) y2=(c(bottom)) {}
                @for (i, (name, value, low, high)) in rows.iter().enumerate() {
                    @let y = TOP + ROW * (i as f64 + 0.5);
                    text.axis x=(LABELS - 10.0) y=(c(y + 4.0)) text-anchor="end" { (name) }
                    @if value.is_finite() {
                        line.bar.c0 x1=(c(px(*low))) x2=(c(px(*high))) y1=(c(y)) y2=(c(y)) {}
                        circle.dot.c0 cx=(c(px(*value))) cy=(c(y)) r="5" {}
                    }
                }
                text.axis x=((LABELS + WIDTH + 140.0 - RIGHT) / 2.0) y=(c(height - 8.0)) text-anchor="middle" { (x) }
            }
        }
    }
}

/// Horizontal bars, the longest first.
pub(crate) fn bars(rows: &[(String, f64)], x: &str) -> Markup {
    let largest = rows.iter().map(|r| r.1).fold(1e-12, f64::max);
    html! {
        div.bars role="img" aria-label=(x) {
            @for (name, value) in rows {
                span.name { (name) }
                span.track { span.fill style=(format!("width:{:.1}%", value / largest * 100.0)) {} }
                span.value { (format!("{value:.3}")) }
            }
        }
    }
}

/// The frame of a plot with its own ticks along x.
fn frame(x: &str, y: &str, x_ticks: &[(f64, String)], (y0, y1): (f64, f64), inside: &Markup) -> Markup {
    let px = |v: f64| LEFT + v * (WIDTH - LEFT - RIGHT);
    let py = |v: f64| HEIGHT - BOTTOM - (v - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
    html! {
        figure {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(format!("{y} by {x}")) {
                @for t in ticks(y0, y1) {
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(c(py(t))) y2=(c(py(t))) {}
                    text.tick x=(LEFT - 6.0) y=(c(py(t) + 4.0)) text-anchor="end" { (label(t)) }
                }
                @for (t, word) in x_ticks {
                    text.tick x=(c(px(*t))) y=(HEIGHT - BOTTOM + 15.0) text-anchor=(anchor(*t)) { (word) }
                }
                (inside)
                text.axis x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 8.0) text-anchor="middle" { (x) }
                text.axis transform=(format!("translate(13 {}) rotate(-90)", (TOP + HEIGHT - BOTTOM) / 2.0)) text-anchor="middle" { (y) }
            }
        }
    }
}

fn anchor(place: f64) -> &'static str {
    if place < 0.05 {
        "start"
    } else if place > 0.95 {
        "end"
    } else {
        "middle"
    }
}

/// Points over a place from 0 to 1, the better the stronger (rank from 0 to 1).
pub(crate) fn scatter(points: &[(f64, f64, f64)], x_ticks: &[(f64, String)], x: &str, y: &str) -> Markup {
    let (y0, y1) = range(points.iter().map(|p| p.1));
    let px = |v: f64| LEFT + v * (WIDTH - LEFT - RIGHT);
    let py = |v: f64| HEIGHT - BOTTOM - (v - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
    let inside = html! {
        @for (place, value, rank) in points {
            circle.dot.c0 cx=(c(px(*place))) cy=(c(py(*value))) r="3" style=(format!("opacity:{:.2}", 0.15 + 0.85 * rank * rank)) {}
        }
    };
    frame(x, y, x_ticks, (y0, y1), &inside)
}

/// Many thin curves; those that ended early are broken.
pub(crate) fn bundle(curves: &[(Vec<(f64, f64)>, bool)], x: &str, y: &str) -> Markup {
    let all = || curves.iter().flat_map(|(points, _)| points);
    let (x0, x1) = (all().map(|p| p.0).fold(f64::MAX, f64::min), all().map(|p| p.0).fold(f64::MIN, f64::max));
    let (y0, y1) = range(all().map(|p| p.1));
    let width = (x1 - x0).max(1e-12);
    let px = |v: f64| LEFT + (v - x0) / width * (WIDTH - LEFT - RIGHT);
    let py = |v: f64| HEIGHT - BOTTOM - (v - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
    let path = |points: &[(f64, f64)]| -> String {
        let step = |(i, (x, y)): (usize, &(f64, f64))| {
            format!("{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, px(*x), py(*y))
        };
        points.iter().enumerate().map(step).collect()
    };
    let inside = html! {
        @for (points, early) in curves {
            path class=(if *early { "line thin c3" } else { "line thin c0" }) d=(path(points)) {}
            @if *early { @if let Some((x, y)) = points.last() { circle.dot.c3 cx=(c(px(*x))) cy=(c(py(*y))) r="2.6" {} } }
        }
    };
    let few: Vec<(f64, String)> =
        ticks(x0, x0 + width).into_iter().filter(|t| t.fract() == 0.0).map(|t| ((t - x0) / width, label(t))).collect();
    frame(x, y, &few, (y0, y1), &inside)
}

/// Parallel coordinates: an axis a parameter (name, low end, high end), a line a trial (places from 0 to
/// 1, rank from 0 for the worst to 1 for the best).
pub(crate) fn parallel(axes: &[(String, String, String)], lines: &[(Vec<Option<f64>>, f64)]) -> Markup {
    let width = 640.0_f64.max(90.0 * axes.len() as f64);
    let (top, bottom, side) = (34.0, 240.0, 50.0);
    let px = |i: usize| {
        if axes.len() < 2 { width / 2.0 } else { side + i as f64 / (axes.len() - 1) as f64 * (width - 2.0 * side) }
    };
    // Below the axes stand the trials in which a parameter was not active.
    let py = |place: Option<f64>| place.map_or(bottom + 16.0, |p| bottom - p * (bottom - top));
    let path = |places: &[Option<f64>]| -> String {
        let step =
            |(i, p): (usize, &Option<f64>)| format!("{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, px(i), py(*p));
        places.iter().enumerate().map(step).collect()
    };
    html! {
        figure.wide { div.scroll {
            svg viewBox=(format!("0 0 {width} 290")) width=(width) role="img" aria-label="parallel coordinates: one line a trial" {
                @for (places, rank) in lines {
                    path class="line thin c0" style=(format!("opacity:{:.2}", 0.06 + 0.94 * rank.powi(4))) d=(path(places)) {}
                }
                @for (i, (name, low, high)) in axes.iter().enumerate() {
                    line.zero x1=(c(px(i))) x2=(c(px(i))) y1=(top) y2=(bottom) {}
                    text.tick x=(c(px(i))) y=(top - 6.0) text-anchor="middle" { (high) }
                    text.tick x=(c(px(i))) y=(bottom + 32.0) text-anchor="middle" { (low) }
                    text.axis x=(c(px(i))) y=(if i % 2 == 0 { 14.0 } else { 284.0 }) text-anchor="middle" { (name) }
                }
            }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert!(ticks(-0.013, 0.041).iter().all(|t| (-0.013..=0.041).contains(t)));
        assert_eq!(label(0.6000000000000001), "0.6");
        assert_eq!(label(0.0), "0");
        assert_eq!(label(-0.5), "-0.5");
    }
}
