//! What a specialist must beat: EWMA, GARCH and HAR for volatility and quantiles, drift and momentum for direction and
//! returns. Each is put on the label's scale by a line fitted on the target's train rows.

use specialist_core::evidence::Prediction;
use specialist_core::{Affine, Context, Dataset, Error, KeyRole, fit_line};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::labels::{REFERENCE, Task, log_return, realised};
use crate::tables::Made;
use crate::volatility::{Garch, HAR_BARS, Har, risk_metrics};

/// One method's word on the sealed rows.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// What it predicts: a probability, or a number where labels are numbers.
    pub predicted: Vec<f64>,
    /// For volatility: the forecast per bar over the horizon.
    pub volatility: Option<Vec<f64>>,
}

/// Every method's, and what turns a probability into a volatility.
#[derive(Debug, Clone)]
pub struct Baselines {
    /// In the order of the tables.
    pub all: Vec<Baseline>,
    /// Standard deviation of the logarithm of realised volatility about its forecast, from the train rows.
    pub spread: f64,
}

impl Baselines {
    /// As candidates to be judged.
    #[must_use]
    pub fn predictions(&self) -> Vec<Prediction> {
        let one = |b: &Baseline| Prediction {
            name: b.name.into(),
            what: b.what.into(),
            outputs: b.predicted.clone().into(),
            ..Prediction::default()
        };
        self.all.iter().map(one).collect()
    }
}

/// Asset and bar of each row.
///
/// # Errors
/// [`Error::Mismatch`] when a row is no bar of the market.
pub fn bars_of(made: &Made, rows: &Dataset) -> Result<Vec<(usize, usize)>, Error> {
    let strange = || Error::Mismatch("a row is no bar of the market".into());
    let key = rows.key(KeyRole::Site).ok_or_else(strange)?;
    let time = rows.time.as_ref().ok_or_else(strange)?;
    let find = |(asset, time): (&u32, &i64)| {
        let bars = &made.market.assets.get(*asset as usize).ok_or_else(strange)?.bars;
        Ok((*asset as usize, bars.binary_search_by_key(time, |b| b.time).map_err(|_| strange())?))
    };
    key.codes.iter().zip(time).map(find).collect()
}

/// Fits every method on `train` and asks it about `sealed`.
///
/// # Errors
/// When a method cannot be fitted.
pub fn baselines(made: &Made, train: &Dataset, sealed: &Dataset) -> Result<Baselines, Error> {
    let (of_train, of_sealed) = (bars_of(made, train)?, bars_of(made, sealed)?);
    let mut out = Baselines { all: Vec::new(), spread: f64::NAN };
    let task = made.settings.task;
    if task.is_risk() {
        for (name, what, known, asked) in volatility(made, &of_train, &of_sealed, &mut out.spread)? {
            let margins = |forecast: &[f64], at: &[(usize, usize)]| -> Vec<f64> {
                forecast.iter().zip(at).map(|(f, at)| margin(made, *f, *at)).collect()
            };
            let predicted = calibrated(&margins(&known, &of_train), train, &margins(&asked, &of_sealed));
            out.all.push(Baseline { name, what, predicted, volatility: Some(asked) });
        }
        return Ok(out);
    }
    let momentum = |at: &[(usize, usize)]| -> Vec<f64> {
        let of = |&(a, i): &(usize, usize)| {
            let bars = &made.market.assets[a].bars;
            (bars[i].close / bars[i - 252].close).ln() / (realised(bars, i, REFERENCE).max(1e-6) * 252f64.sqrt())
        };
        at.iter().map(of).collect()
    };
    let predicted = calibrated(&momentum(&of_train), train, &momentum(&of_sealed));
    out.all.push(Baseline { name: "momentum", what: "return of the last 252 bars", predicted, volatility: None });
    let mut constant = |name, what, value: f64| {
        out.all.push(Baseline { name, what, predicted: vec![value; sealed.rows()], volatility: None });
    };
    let responses = train.labels().responses();
    let mean = responses.iter().sum::<f64>() / responses.len() as f64;
    if task == Task::Return {
        constant("drift", "the mean return of the train rows", mean);
        constant("zero", "no return at all", 0.0);
    } else {
        constant("drift", "the share of events among the train rows", mean);
    }
    Ok(out)
}

/// What a forecast of volatility per bar says of the label, before it is calibrated.
fn margin(made: &Made, forecast: f64, (asset, bar): (usize, usize)) -> f64 {
    let settings = &made.settings;
    match settings.task {
        Task::Quantile => {
            let z = Normal::standard().inverse_cdf(settings.quantile);
            100.0 * z * forecast * (settings.horizon as f64).sqrt()
        }
        _ => (forecast / realised(&made.market.assets[asset].bars, bar, REFERENCE).max(1e-6)).ln(),
    }
}

/// The predictions of the sealed rows' margins through the line that fits the train rows.
fn calibrated(train_margin: &[f64], train: &Dataset, sealed_margin: &[f64]) -> Vec<f64> {
    let weight = vec![1.0; train_margin.len()];
    let label = train.labels().responses();
    let line = fit_line(train.estimand, train_margin, &label, &weight, 0.0, false).unwrap_or(Affine::IDENTITY);
    sealed_margin.iter().map(|m| train.estimand.response(line.apply(*m))).collect()
}

type Method = (&'static str, &'static str, Vec<f64>, Vec<f64>);

/// Forecasts of volatility per bar for the train and the sealed rows.
fn volatility(
    made: &Made,
    train: &[(usize, usize)],
    sealed: &[(usize, usize)],
    spread: &mut f64,
) -> Result<Vec<Method>, Error> {
    let horizon = made.settings.horizon;
    let mut ewma = (vec![f64::NAN; train.len()], vec![f64::NAN; sealed.len()]);
    let (mut garch, mut har) = (ewma.clone(), ewma.clone());
    let mut errors = Vec::new();
    for &asset in &made.targets {
        let bars = &made.market.assets[asset].bars;
        let own = |rows: &[(usize, usize)]| -> Vec<usize> { (0..rows.len()).filter(|&r| rows[r].0 == asset).collect() };
        let (of_train, of_sealed) = (own(train), own(sealed));
        let Some(last) = of_train.iter().map(|&r| train[r].1).max() else { continue };
        let returns: Vec<f64> = (1..bars.len()).map(|i| log_return(bars, i)).collect();
        // Only what was known before the sealed rows began: the parameters are estimated on the train rows' bars.
        let fitted = Garch::fit(&returns[..last])?.forecasts(&returns, horizon);
        let plain = risk_metrics(bars);
        let known: Vec<usize> = of_train.iter().map(|&r| train[r].1).filter(|i| *i >= HAR_BARS).collect();
        let regression = Har::fit(bars, &known, horizon, &Context::new(0, 1))?;
        errors.push(regression.residual);
        let sides = [(&of_train, train, 0), (&of_sealed, sealed, 1)];
        for (rows, at, side) in sides {
            let bars_at: Vec<usize> = rows.iter().map(|&r| at[r].1).collect();
            let log = regression.forecasts(bars, &bars_at)?;
            for ((&r, &i), log) in rows.iter().zip(&bars_at).zip(log) {
                let put = |pair: &mut (Vec<f64>, Vec<f64>), v: f64| match side {
                    0 => pair.0[r] = v,
                    _ => pair.1[r] = v,
                };
                put(&mut ewma, plain[i - 1].max(1e-6));
                put(&mut garch, fitted[i - 1]);
                // The mean of a log-normal square is above the square of its median.
                put(&mut har, (log + regression.residual.powi(2)).exp());
            }
        }
    }
    *spread = errors.iter().sum::<f64>() / errors.len().max(1) as f64;
    Ok(vec![
        ("ewma", "RiskMetrics, decay .94", ewma.0, ewma.1),
        ("garch", "GARCH(1,1), fitted on the train rows", garch.0, garch.1),
        ("har", "HAR regression on 1, 5 and 22 bars", har.0, har.1),
    ])
}
