//! What a holder of one share has by now: the bars of one asset with its splits and dividends.

use specialist_core::{Dataset, Error};

use super::read::Places;
use super::{Asset, Bar, Market};
use crate::layout::{Field, Layout};

/// What a holder of one share at the last close has by now: shares, and cash that is not yet put back.
struct Holding {
    shares: f64,
    cash: f64,
}

/// The bars of one asset, whose rows stand in order of time.
pub(super) fn one(
    data: &Dataset,
    rows: &[usize],
    places: &Places,
    layout: &Layout,
    header: &[String],
    name: &str,
    market: &mut Market,
) -> Result<Asset, Error> {
    let time = data.time.as_ref().expect("the time column was declared");
    let mut asset = Asset { name: name.into(), bars: Vec::new(), lines: Vec::new(), sector: None };
    let of_crsp =
        layout.fields.iter().any(|f| f.1 == Field::Close && ["PRC", "prc", "DlyPrc"].contains(&header[f.0].as_str()));
    let close = |r: usize| {
        let close = places.cell(data, r, Field::Close);
        // CRSP marks the mean of bid and ask, where nothing was traded, by a minus.
        let marked = of_crsp && close < 0.0;
        if marked {
            -close
        } else if close.is_nan() && !places.has(Field::Close) {
            places.cell(data, r, Field::AdjustedClose)
        } else {
            close
        }
    };
    let has = adjusted_already(data, rows, places, layout, header, &close, market)?;
    let (mut factor, mut before) = (1.0, f64::NAN);
    let mut held = Holding { shares: 1.0, cash: 0.0 };
    // What the last bar was made of: its holding, and the factor before it.
    let (mut at_bar, mut base) = (Holding { shares: 1.0, cash: 0.0 }, 1.0);
    let mut last_factor = f64::NAN;
    let vendors = vendors_factor(places);
    let mut first_ratio = f64::NAN;
    for &r in rows {
        let (mut ratio, paid) = (places.cell(data, r, Field::Split), places.cell(data, r, Field::Dividend));
        if ratio < 0.0 || paid < 0.0 || ratio.is_infinite() || paid.is_infinite() {
            let what =
                format!("{}, line {}: a split must be above 0 and a dividend 0 or more", market.file, data.lines[r]);
            return Err(Error::Data { what, hint: "leave the cell empty, or write 0, on days without one".into() });
        }
        let cumulative = places.cell(data, r, Field::PriceFactor);
        if places.has(Field::SplitLessOne) {
            ratio = 1.0 + places.cell(data, r, Field::SplitLessOne);
        } else if !places.has(Field::Split) && cumulative > 0.0 {
            ratio = last_factor / cumulative;
            last_factor = cumulative;
        }
        // A split comes before the dividend of its day, which is paid on the new shares. 0 means none.
        if ratio > 0.0 && !has.splits {
            held.shares *= ratio;
        }
        if paid > 0.0 && !has.dividends {
            held.cash += held.shares * paid;
        }
        let price = close(r);
        // Two distributions of a day are two rows of one bar in CRSP: they add up.
        if let (Some(bar), true) = (asset.bars.last_mut(), price == before)
            && bar.time == time[r]
            && (ratio > 0.0 || paid > 0.0)
        {
            at_bar.cash += held.cash * at_bar.shares;
            at_bar.shares *= held.shares;
            held = Holding { shares: 1.0, cash: 0.0 };
            let more = base * (at_bar.shares * price + at_bar.cash) / price / factor;
            factor *= more;
            (bar.open, bar.high, bar.low, bar.close) =
                (bar.open * more, bar.high * more, bar.low * more, bar.close * more);
            bar.volume /= more;
            continue;
        }
        if price.is_nan() {
            // What happened counts from the next bar on.
            continue;
        }
        if before.is_nan() {
            held = Holding { shares: 1.0, cash: 0.0 };
        }
        base = factor;
        // A price of 0 is refused later, by its line.
        if price > 0.0 {
            factor *= (held.shares * price + held.cash) / price;
        }
        at_bar = std::mem::replace(&mut held, Holding { shares: 1.0, cash: 0.0 });
        before = price;
        if vendors {
            let ratio = places.cell(data, r, Field::AdjustedClose) / price;
            if first_ratio.is_nan() {
                first_ratio = ratio;
            }
            factor = ratio / first_ratio;
        }
        let [open, high, low, volume] =
            [Field::Open, Field::High, Field::Low, Field::Volume].map(|f| places.cell(data, r, f));
        let sign = if of_crsp { f64::abs } else { |x: f64| x };
        let f = factor;
        asset.bars.push(Bar {
            time: time[r],
            open: sign(open) * f,
            high: sign(high) * f,
            low: sign(low) * f,
            close: price * f,
            volume: volume / f,
        });
        asset.lines.push(data.lines[r]);
    }
    Ok(asset)
}

/// Whether a vendor's adjusted close says what a holder gets: where nothing else in the table does.
fn vendors_factor(places: &Places) -> bool {
    let events =
        [Field::Split, Field::Dividend, Field::PriceFactor, Field::SplitLessOne].iter().any(|f| places.has(*f));
    places.has(Field::AdjustedClose) && places.has(Field::Close) && !events
}

/// What prices hold already, so that it must not be counted again.
#[derive(Debug, Clone, Copy, Default)]
struct Adjusted {
    splits: bool,
    dividends: bool,
}

/// Whether the prices already hold the splits that the table tells of: told by the prices themselves at each split, since
/// yfinance writes both, and a factor must not be counted twice.
fn adjusted_already(
    data: &Dataset,
    rows: &[usize],
    places: &Places,
    layout: &Layout,
    header: &[String],
    close: &dyn Fn(usize) -> f64,
    market: &mut Market,
) -> Result<Adjusted, Error> {
    if !places.has(Field::Split) && !places.has(Field::Dividend) {
        return Ok(Adjusted::default());
    }
    let (mut moved, mut still) = (Vec::new(), Vec::new());
    let (mut before, mut ratio) = (f64::NAN, 1.0);
    for &r in rows {
        let split = places.cell(data, r, Field::Split);
        if split > 0.0 {
            ratio *= split;
        }
        let price = close(r);
        if price.is_nan() {
            continue;
        }
        // A ratio near 1 is no more than a day's noise.
        if before > 0.0 && (ratio - 1.0f64).abs() > 0.1 {
            let change = (price / before).ln();
            let of = if (change + ratio.ln()).abs() < change.abs() { &mut moved } else { &mut still };
            of.push(data.lines[r]);
        }
        (before, ratio) = (price, 1.0);
    }
    // yfinance's `history` adjusts what it writes for splits and dividends alike, unless told otherwise; then it writes `Adj Close`.
    let named = |field: Field, name: &str| layout.fields.iter().any(|f| f.1 == field && header[f.0] == name);
    let of_yfinance = named(Field::Split, "Stock Splits") && !places.has(Field::AdjustedClose);
    let note = |market: &mut Market, what: &str| {
        let note = format!("prices are taken as adjusted already: {what}");
        if !market.notes.contains(&note) {
            market.notes.push(note);
        }
    };
    match (moved.first(), still.first()) {
        (Some(a), Some(b)) => Err(Error::Data {
            what: format!("{}: prices fall by the split's ratio on line {a} and do not on line {b}", market.file),
            hint: "bring prices that are all adjusted for splits, or none".into(),
        }),
        (Some(_), None) => Ok(Adjusted::default()),
        // `Adj Close` beside them says that the others do not hold dividends.
        (None, Some(_)) if places.has(Field::AdjustedClose) => {
            note(market, "for splits, at which they do not fall; dividends are counted");
            Ok(Adjusted { splits: true, dividends: false })
        }
        (None, Some(_)) => {
            note(
                market,
                "they do not fall at the splits that the table tells of. Its splits and dividends are not counted again",
            );
            Ok(Adjusted { splits: true, dividends: true })
        }
        (None, None) if of_yfinance => {
            note(
                market,
                "`Stock Splits` without `Adj Close` is how yfinance writes adjusted prices. Call the columns split and dividend to have them counted",
            );
            Ok(Adjusted { splits: true, dividends: true })
        }
        (None, None) => Ok(Adjusted::default()),
    }
}
