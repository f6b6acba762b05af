//! The arithmetic of the fused operations, on rows of f32. Rows are shared out to threads in blocks of a fixed
//! size and sums over rows are added block after block: the same bits on any number of threads.

use pulp::Arch;
use rayon::prelude::*;

/// Numbers a thread takes at a time.
const BLOCK: usize = 1 << 14;

/// Below this eˣ is 0: what follows would multiply it into subnormal numbers, on which matrix products are a hundred
/// times slower.
const NOTHING: f32 = -80.0;

/// Runs `work` with the widest vectors of this processor.
#[inline(always)]
fn vectors<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

/// eˣ to about 2 ulp up to x = 88, where it stays: 2ⁿ times a polynomial (Cephes' coefficients). Written without
/// branches, so that the compiler makes vectors of it.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let kept = f32::from(u8::from(x > NOTHING));
    let x = x.clamp(NOTHING, 88.0);
    // Adding and taking away 1.5 × 2²³ rounds to the nearest whole number.
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let value = p * r * r + r + 1.0;
    // The low bits of the shifted number are n: moved up they are the exponent.
    kept * value * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// The error function to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26), and e^(−x²) that it needs on the way.
#[inline(always)]
fn erf(x: f32) -> (f32, f32) {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    let e = exp(-a * a);
    ((1.0 - p * t * e).copysign(x), e)
}

pub(crate) fn gelu(x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).for_each(|(out, x)| {
        vectors(|| {
            for (o, &x) in out.iter_mut().zip(x) {
                *o = 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2).0);
            }
        });
    });
    out
}

pub(crate) fn gelu_backward(x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let inputs = x.par_chunks(BLOCK).zip(gradient.par_chunks(BLOCK));
    out.par_chunks_mut(BLOCK).zip(inputs).for_each(|(out, (x, g))| {
        vectors(|| {
            for ((o, &x), &g) in out.iter_mut().zip(x).zip(g) {
                // Φ(x) + x φ(x); φ has the same exponential as the error function.
                let (erf, e) = erf(x * std::f32::consts::FRAC_1_SQRT_2);
                *o = g * (0.5 * (1.0 + erf) + x * e * 0.398_942_3);
            }
        });
    });
    out
}

/// Rows a thread takes at a time.
fn rows_a_block(width: usize) -> usize {
    (BLOCK / width).max(1)
}

/// Lanes of sums and of largest values: fixed, so that every processor gets the same bits.
const LANES: usize = 16;

/// Σ value(i) for i < n, a lane for every LANES-th.
#[inline(always)]
fn sum(n: usize, value: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let whole = n - n % LANES;
    for at in (0..whole).step_by(LANES) {
        for (l, lane) in lanes.iter_mut().enumerate() {
            *lane += value(at + l);
        }
    }
    lanes.iter().sum::<f32>() + (whole..n).map(value).sum::<f32>()
}

/// The largest number of a row.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Replaces a row by exp(x − largest); returns the largest, and the sum.
#[inline(always)]
fn exponentials(row: &mut [f32]) -> (f32, f32) {
    let top = largest(row);
    row.iter_mut().for_each(|x| *x = exp(*x - top));
    (top, sum(row.len(), |i| row[i]))
}

#[inline(always)]
fn mean_and_scale(x: &[f32], epsilon: f32) -> (f32, f32) {
    let n = x.len() as f32;
    let mean = sum(x.len(), |i| x[i]) / n;
    let variance = sum(x.len(), |i| (x[i] - mean) * (x[i] - mean)) / n;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

pub(crate) fn layer_norm(x: &[f32], gain: &[f32], bias: &[f32], epsilon: f32) -> Vec<f32> {
    let width = gain.len();
    let mut out = vec![0.0; x.len()];
    let block = width * rows_a_block(width);
    out.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(out, x)| {
        vectors(|| {
            for (out, x) in out.chunks_mut(width).zip(x.chunks(width)) {
                let (mean, scale) = mean_and_scale(x, epsilon);
                for (((o, x), gain), bias) in out.iter_mut().zip(x).zip(gain).zip(bias) {
                    *o = (x - mean) * scale * gain + bias;
                }
            }
        });
    });
    out
}

/// Adds the parts of every block in their order.
fn added(parts: Vec<Vec<f32>>, width: usize) -> Vec<f32> {
    let mut out = vec![0.0; width];
    for part in parts {
        out.iter_mut().zip(part).for_each(|(o, p)| *o += p);
    }
    out
}

pub(crate) fn layer_norm_backward(x: &[f32], gain: &[f32], g: &[f32], epsilon: f32) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let width = gain.len();
    let n = width as f32;
    let mut out = vec![0.0; x.len()];
    let block = width * rows_a_block(width);
    let inputs = x.par_chunks(block).zip(g.par_chunks(block));
    let parts: Vec<(Vec<f32>, Vec<f32>)> = out
        .par_chunks_mut(block)
        .zip(inputs)
        .map(|(out, (x, g))| {
            let (mut dgain, mut dbias) = (vec![0.0; width], vec![0.0; width]);
            vectors(|| {
                let (dgain, dbias, gain) = (&mut dgain[..width], &mut dbias[..width], &gain[..width]);
                for ((out, x), g) in out.chunks_mut(width).zip(x.chunks(width)).zip(g.chunks(width)) {
                    // Of one known length, so that no index is checked.
                    let (out, x, g) = (&mut out[..width], &x[..width], &g[..width]);
                    let (mean, scale) = mean_and_scale(x, epsilon);
                    let a = sum(width, |i| g[i] * gain[i]) / n;
                    let b = sum(width, |i| g[i] * gain[i] * (x[i] - mean) * scale) / n;
                    for i in 0..width {
                        let normed = (x[i] - mean) * scale;
                        out[i] = scale * (g[i] * gain[i] - a - normed * b);
                        dgain[i] += g[i] * normed;
                        dbias[i] += g[i];
                    }
                }
            });
            (dgain, dbias)
        })
        .collect();
    let (gains, biases) = parts.into_iter().unzip();
    (out, added(gains, width), added(biases, width))
}

#[inline(always)]
fn rms_scale(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (sum(x.len(), |i| x[i] * x[i]) / x.len() as f32 + epsilon).sqrt()
}

pub(crate) fn rms_norm(x: &[f32], gain: &[f32], epsilon: f32) -> Vec<f32> {
    let width = gain.len();
    let mut out = vec![0.0; x.len()];
    let block = width * rows_a_block(width);
    out.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(out, x)| {
        vectors(|| {
            for (out, x) in out.chunks_mut(width).zip(x.chunks(width)) {
                let scale = rms_scale(x, epsilon);
                for ((o, x), gain) in out.iter_mut().zip(x).zip(gain) {
                    *o = x * scale * gain;
                }
            }
        });
    });
    out
}

pub(crate) fn rms_norm_backward(x: &[f32], gain: &[f32], g: &[f32], epsilon: f32) -> (Vec<f32>, Vec<f32>) {
    let width = gain.len();
    let mut out = vec![0.0; x.len()];
    let block = width * rows_a_block(width);
    let inputs = x.par_chunks(block).zip(g.par_chunks(block));
    let parts: Vec<Vec<f32>> = out
        .par_chunks_mut(block)
        .zip(inputs)
        .map(|(out, (x, g))| {
            let mut dgain = vec![0.0; width];
            vectors(|| {
                let (dgain, gain) = (&mut dgain[..width], &gain[..width]);
                for ((out, x), g) in out.chunks_mut(width).zip(x.chunks(width)).zip(g.chunks(width)) {
                    let (out, x, g) = (&mut out[..width], &x[..width], &g[..width]);
                    let scale = rms_scale(x, epsilon);
                    let b = sum(width, |i| g[i] * gain[i] * x[i]) * scale * scale / width as f32;
                    for i in 0..width {
                        out[i] = scale * (g[i] * gain[i] - x[i] * b);
                        dgain[i] += g[i] * x[i] * scale;
                    }
                }
            });
            dgain
        })
        .collect();
    (out, added(parts, width))
}

/// Rows of `keys` scores each; `rows_a_text` rows share one row of the mask.
pub(crate) fn softmax(scores: &[f32], mask: &[f32], keys: usize, rows_a_text: usize, scale: f32) -> Vec<f32> {
    let mut out = vec![0.0; scores.len()];
    let text = keys * rows_a_text.max(1);
    out.par_chunks_mut(text).zip(scores.par_chunks(text)).zip(mask.par_chunks(keys)).for_each(
        |((out, scores), mask)| {
            vectors(|| {
                for (out, scores) in out.chunks_mut(keys).zip(scores.chunks(keys)) {
                    for ((o, s), m) in out.iter_mut().zip(scores).zip(mask) {
                        *o = s * scale + m;
                    }
                    let share = 1.0 / exponentials(out).1;
                    out.iter_mut().for_each(|o| *o *= share);
                }
            });
        },
    );
    out
}

pub(crate) fn softmax_backward(p: &[f32], g: &[f32], keys: usize, scale: f32) -> Vec<f32> {
    let mut out = vec![0.0; p.len()];
    let block = keys * rows_a_block(keys);
    let inputs = p.par_chunks(block).zip(g.par_chunks(block));
    out.par_chunks_mut(block).zip(inputs).for_each(|(out, (p, g))| {
        vectors(|| {
            for ((out, p), g) in out.chunks_mut(keys).zip(p.chunks(keys)).zip(g.chunks(keys)) {
                let (out, p, g) = (&mut out[..keys], &p[..keys], &g[..keys]);
                let dot = sum(keys, |i| p[i] * g[i]);
                for i in 0..keys {
                    out[i] = scale * p[i] * (g[i] - dot);
                }
            }
        });
    });
    out
}

pub(crate) fn cross_entropy(logits: &[f32], labels: &[f32], classes: usize) -> Vec<f32> {
    let mut out = vec![0.0; labels.len()];
    let rows = rows_a_block(classes);
    let inputs = logits.par_chunks(classes * rows).zip(labels.par_chunks(rows));
    out.par_chunks_mut(rows).zip(inputs).for_each(|(out, (logits, labels))| {
        let mut powers = vec![0.0; classes];
        vectors(|| {
            for ((o, row), label) in out.iter_mut().zip(logits.chunks(classes)).zip(labels) {
                powers.copy_from_slice(row);
                let (top, total) = exponentials(&mut powers);
                *o = total.ln() + top - row[*label as usize];
            }
        });
    });
    out
}

pub(crate) fn cross_entropy_backward(logits: &[f32], labels: &[f32], g: &[f32], classes: usize) -> Vec<f32> {
    let mut out = logits.to_vec();
    let rows = rows_a_block(classes);
    let inputs = labels.par_chunks(rows).zip(g.par_chunks(rows));
    out.par_chunks_mut(classes * rows).zip(inputs).for_each(|(out, (labels, g))| {
        vectors(|| {
            for ((row, label), g) in out.chunks_mut(classes).zip(labels).zip(g) {
                let scale = g / exponentials(row).1;
                row.iter_mut().for_each(|x| *x *= scale);
                row[*label as usize] -= g;
            }
        });
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_and_the_error_function_are_close() {
        for i in -7999..=8000 {
            let x = i as f32 / 100.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-6, "{x}");
        }
        // scipy.special.erf
        for (x, y) in [(-3.0, -0.999_977_9), (-0.5, -0.520_499_9), (0.0, 0.0), (0.1, 0.112_462_92), (1.0, 0.842_700_8)]
        {
            assert!((erf(x).0 - y).abs() < 3e-7, "{x}");
        }
    }

    /// The slope of `f` along every input, by central differences.
    fn slopes(x: &[f32], f: impl Fn(&[f32]) -> f32) -> Vec<f32> {
        let h = 1e-2;
        let moved = |i: usize, by: f32| {
            let mut x = x.to_vec();
            x[i] += by;
            f(&x)
        };
        (0..x.len()).map(|i| (moved(i, h) - moved(i, -h)) / (2.0 * h)).collect()
    }

    fn close(a: &[f32], b: &[f32]) {
        let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(a.len() == b.len() && worst < 5e-3, "{worst}: {a:?} {b:?}");
    }

    #[test]
    fn backwards_is_the_slope_of_forwards() {
        let x: Vec<f32> = (0..12).map(|i| ((i * 7) % 5) as f32 * 0.4 - 0.7 + i as f32 * 0.05).collect();
        let g: Vec<f32> = (0..12).map(|i| ((i * 5) % 7) as f32 * 0.3 - 0.8).collect();
        let (gain, bias) = ([1.0, 0.5, -0.3, 2.0], [0.1, 0.0, -0.2, 0.3]);
        let dot = |v: Vec<f32>| v.iter().zip(&g).map(|(a, b)| a * b).sum::<f32>();
        close(&gelu_backward(&x, &g), &slopes(&x, |x| dot(gelu(x))));
        let (dx, dgain, dbias) = layer_norm_backward(&x, &gain, &g, 1e-5);
        close(&dx, &slopes(&x, |x| dot(layer_norm(x, &gain, &bias, 1e-5))));
        close(&dgain, &slopes(&gain, |gain| dot(layer_norm(&x, gain, &bias, 1e-5))));
        close(&dbias, &slopes(&bias, |bias| dot(layer_norm(&x, &gain, bias, 1e-5))));
        let (dx, dgain) = rms_norm_backward(&x, &gain, &g, 1e-5);
        close(&dx, &slopes(&x, |x| dot(rms_norm(x, &gain, 1e-5))));
        close(&dgain, &slopes(&gain, |gain| dot(rms_norm(&x, gain, 1e-5))));
        let mask = [0.0, 0.0, -1e9, 0.0];
        let p = softmax(&x, &mask, 4, 3, 0.7);
        assert!(p.chunks(4).all(|r| (r.iter().sum::<f32>() - 1.0).abs() < 1e-6 && r[2] == 0.0));
        close(&softmax_backward(&p, &g, 4, 0.7), &slopes(&x, |x| dot(softmax(x, &mask, 4, 3, 0.7))));
        let labels = [2.0, 0.0, 3.0];
        let loss = cross_entropy(&x, &labels, 4);
        let direct: f32 = x[..4].iter().map(|v| v.exp()).sum::<f32>().ln() - x[2];
        assert!((loss[0] - direct).abs() < 1e-5);
        let dot = |v: Vec<f32>| v.iter().zip(&g).map(|(a, b)| a * b).sum::<f32>();
        close(&cross_entropy_backward(&x, &labels, &g[..3], 4), &slopes(&x, |x| dot(cross_entropy(x, &labels, 4))));
    }
}
