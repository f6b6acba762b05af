//! How a model that writes is trained.

use rand::seq::SliceRandom;
use specialist_core::{Context, Dataset, Error};
use specialist_neural::{Device, Lora};
use specialist_tabular::Model;

use super::backbone::Backbone;
use super::writer::{Writer, pairs, train};
use crate::body::Body;

/// Rank of an adapter.
const RANK: usize = 8;

/// What is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A low-rank adapter.
    Lora,
    /// All parameters, of which half of the way is gone (weight averaging).
    Averaged,
    /// All parameters, on as many general pairs as target pairs.
    Mixed,
    /// All parameters.
    Full,
}

impl How {
    /// Whether `generalist` writes, and has what this needs.
    pub fn fits(self, generalist: &Model) -> bool {
        Writer::of(generalist).is_some_and(|w| self != Self::Mixed || !w.rehearsal.is_empty())
    }

    /// Rates that may be tried.
    pub fn rates(self) -> (f64, f64) {
        if self == Self::Lora { (5e-4, 1e-2) } else { (1e-4, 2e-3) }
    }

    /// The model that training at this rate makes of `generalist`.
    ///
    /// # Errors
    /// When the training diverges, or the run is cancelled.
    pub fn tune(self, rate: f64, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let writer = Writer::of(generalist).expect("the rung fits");
        let (backbone, own) = (Backbone::of(target)?, pairs(target)?);
        let start = writer.body.folded(&backbone.model.params);
        let mut params = start.clone();
        let how = (rate, backbone.settings.epochs);
        let body = match self {
            Self::Lora => {
                // On top of an adapter that the generalist has: side by side they are one.
                let lora =
                    Lora { rank: RANK, alpha: 2.0 * RANK as f64, dropout: 0.0, targets: vec!["q".into(), "v".into()] };
                lora.begin(&mut params, &mut ctx.rng("lora"), &Device::flex())
                    .map_err(specialist_neural::Error::into_core)?;
                train(backbone, &mut params, &own, how, Some(&lora), ctx)?;
                match &writer.body {
                    Body::AsItIs => Body::Adapted(lora, params.only(Lora::owns)),
                    _ => {
                        lora.merge(&mut params, &Device::flex());
                        Body::Changed(params)
                    }
                }
            }
            Self::Averaged => {
                train(backbone, &mut params, &own, how, None, ctx)?;
                Body::Changed(start.averaged(&params, 0.5))
            }
            Self::Mixed => {
                let mut both: Vec<(&str, &str)> =
                    writer.rehearsal.iter().map(|(t, a)| (t.as_str(), a.as_str())).collect();
                both.shuffle(&mut ctx.rng("mixed"));
                both.truncate(own.len());
                both.extend(own);
                train(backbone, &mut params, &both, how, None, ctx)?;
                Body::Changed(params)
            }
            Self::Full => {
                train(backbone, &mut params, &own, how, None, ctx)?;
                Body::Changed(params)
            }
        };
        Ok(Writer { body, ..writer.clone() }.into_model())
    }
}
