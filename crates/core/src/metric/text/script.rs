//! What a metric can split: ROUGE knows words of ASCII letters only, BLEU and TER part words at spaces. A figure of texts
//! in another script would be a number that means nothing.

/// The share of the letters of `texts` that `rouge-score` makes words of: `a` to `z`, once capitals are gone.
pub fn ascii_share<'a>(texts: impl Iterator<Item = &'a str>) -> f64 {
    share(texts, |c| c.is_ascii_alphabetic()).unwrap_or(1.0)
}

/// The share of the letters of `texts` whose script writes no spaces between words: Chinese, Japanese, Thai, Lao, Khmer,
/// Burmese, Tibetan.
pub fn unspaced_share<'a>(texts: impl Iterator<Item = &'a str>) -> f64 {
    let unspaced = share(texts, |c| {
        matches!(c as u32,
            0x0e00..=0x0eff | 0x0f00..=0x0fff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x4dbf
            | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x323af)
    });
    unspaced.unwrap_or(0.0)
}

/// None where there is no letter.
fn share<'a>(texts: impl Iterator<Item = &'a str>, wanted: impl Fn(char) -> bool) -> Option<f64> {
    let (mut of, mut all) = (0usize, 0usize);
    for c in texts.flat_map(str::chars).filter(|c| c.is_alphabetic()) {
        all += 1;
        of += usize::from(wanted(c));
    }
    (all > 0).then(|| of as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_told_by_their_letters() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(ascii_share(["The card was charged twice, 42 times."].into_iter()), 1.0);
        near(ascii_share(["Карта списана дважды"].into_iter()), 0.0);
        assert!(ascii_share(["Größe und Übelkeit"].into_iter()) > 0.8);
        near(unspaced_share(["信用卡被扣了两次", "カードが二度"].into_iter()), 1.0);
        near(unspaced_share(["1234", "5"].into_iter()), 0.0);
        near(unspaced_share(["Карта", "card", "כרטיס"].into_iter()), 0.0);
        assert!(unspaced_share(["ผู้ป่วยนอนหลับ"].into_iter()) > 0.9);
    }
}
