//! Limited-memory BFGS within a box.

/// Minimises `f`, which gives a value and fills in its gradient, from `x`, within `lo ..= hi`
/// (Nocedal and Wright 2006, algorithm 7.4, steps cut back until they bring enough, coordinates that
/// push against their bound held). `x` ends at the best point; its value is returned.
///
/// ```
/// use specialist_search::minimise;
/// let mut x = [0.0];
/// let least = minimise(&mut x, &[-5.0], &[5.0], 50, |x, gradient| {
///     gradient[0] = 2.0 * (x[0] - 3.0);
///     (x[0] - 3.0).powi(2)
/// });
/// assert!(least < 1e-6 && (x[0] - 3.0).abs() < 1e-3);
/// ```
pub fn minimise(
    x: &mut [f64],
    lo: &[f64],
    hi: &[f64],
    iterations: usize,
    mut f: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> f64 {
    const MEMORY: usize = 6;
    let d = x.len();
    let mut gradient = vec![0.0; d];
    let mut value = f(x, &mut gradient);
    let mut pairs: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    for _ in 0..iterations {
        let held: Vec<bool> =
            (0..d).map(|i| (x[i] <= lo[i] && gradient[i] > 0.0) || (x[i] >= hi[i] && gradient[i] < 0.0)).collect();
        let mut step = direction(&gradient, &held, &pairs);
        let mut slope = dot(&step, &gradient);
        // Not downhill: what was learned of the curvature misleads, and the gradient alone starts anew.
        if slope >= 0.0 {
            pairs.clear();
            step = direction(&gradient, &held, &pairs);
            slope = dot(&step, &gradient);
        }
        if !slope.is_finite() || slope > -1e-12 {
            break;
        }
        // Without curvature the first step is short, whatever the gradient's size.
        let mut t = if pairs.is_empty() { (0.2 / dot(&step, &step).sqrt()).min(1.0) } else { 1.0 };
        let (mut next, mut next_gradient, mut next_value) = (x.to_vec(), vec![0.0; d], f64::INFINITY);
        let mut found = false;
        for _ in 0..8 {
            next.iter_mut().enumerate().for_each(|(i, n)| *n = (x[i] + t * step[i]).clamp(lo[i], hi[i]));
            next_value = f(&next, &mut next_gradient);
            if next_value <= value + 1e-4 * t * slope {
                found = true;
                break;
            }
            t *= 0.35;
        }
        if !found {
            break;
        }
        let s: Vec<f64> = next.iter().zip(&*x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let sy = dot(&s, &y);
        let gain = value - next_value;
        x.copy_from_slice(&next);
        gradient = next_gradient;
        value = next_value;
        // A pair without positive curvature would spoil the next step's direction.
        if sy > 1e-10 * dot(&y, &y) {
            pairs.push((s, y, 1.0 / sy));
            if pairs.len() > MEMORY {
                pairs.remove(0);
            }
        }
        if gain < 1e-7 * (1.0 + value.abs()) {
            break;
        }
    }
    value
}

/// The quasi-Newton step among the coordinates that are not held.
fn direction(gradient: &[f64], held: &[bool], pairs: &[(Vec<f64>, Vec<f64>, f64)]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().zip(held).map(|(g, h)| if *h { 0.0 } else { -g }).collect();
    let mut alphas = Vec::with_capacity(pairs.len());
    for (s, y, rho) in pairs.iter().rev() {
        let a = rho * dot(s, &q);
        q.iter_mut().zip(y).for_each(|(q, y)| *q -= a * y);
        alphas.push(a);
    }
    if let Some((_, y, rho)) = pairs.last() {
        let scale = 1.0 / (rho * dot(y, y));
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((s, y, rho), a) in pairs.iter().zip(alphas.iter().rev()) {
        let b = rho * dot(y, &q);
        q.iter_mut().zip(s).for_each(|(q, s)| *q += (a - b) * s);
    }
    q.iter_mut().zip(held).for_each(|(q, h)| {
        if *h {
            *q = 0.0;
        }
    });
    q
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_minimum_inside_and_on_the_bound() {
        let rosenbrock = |x: &[f64], g: &mut [f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            g[0] = -2.0 * a - 400.0 * x[0] * b;
            g[1] = 200.0 * b;
            a * a + 100.0 * b * b
        };
        let mut x = [-1.2, 1.0];
        assert!(minimise(&mut x, &[-5.0; 2], &[5.0; 2], 200, rosenbrock) < 1e-6, "{x:?}");
        let mut x = [0.0, 0.0];
        minimise(&mut x, &[-5.0; 2], &[0.5, 5.0], 200, rosenbrock);
        assert!((x[0] - 0.5).abs() < 1e-9 && (x[1] - 0.25).abs() < 1e-3, "{x:?}");
    }
}
