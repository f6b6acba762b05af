//! What texts that were written are judged by. Each figure is made of counts per text, so that a bootstrap draws texts and adds their
//! counts, as a corpus figure must be.

mod bleu;
mod chrf;
mod figure;
mod rouge;
mod script;
mod ter;

use bleu::Bleu;
use chrf::Chrf;
use rouge::Rouge;
use ter::Ter;

pub use figure::OfTexts;
pub use script::{ascii_share, unspaced_share};

/// Character n-grams: the F-score of up to six (Popović 2015).
pub static CHRF: OfTexts = OfTexts(&Chrf { words: 0 });
/// As [`CHRF`], with words and pairs of words (Popović 2017).
pub static CHRF_PLUS_PLUS: OfTexts = OfTexts(&Chrf { words: 2 });
/// The precision of word n-grams (Papineni et al. 2002).
pub static BLEU: OfTexts = OfTexts(&Bleu);
/// Edits a word of the reference (Snover et al. 2006).
pub static TER: OfTexts = OfTexts(&Ter);
/// The longest common subsequence of words (Lin 2004).
pub static ROUGE_L: OfTexts = OfTexts(&Rouge::L);
/// Words in common (Lin 2004).
pub static ROUGE_1: OfTexts = OfTexts(&Rouge::One);
/// Pairs of words in common (Lin 2004).
pub static ROUGE_2: OfTexts = OfTexts(&Rouge::Two);

#[cfg(test)]
mod tests;
