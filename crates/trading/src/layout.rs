//! Which column of a table of bars is what, by the names that vendors and libraries give it.

use std::io::{BufRead, BufReader};
use std::path::Path;

/// What a column holds of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Open,
    High,
    Low,
    Close,
    /// A close that its vendor changed afterwards so that returns hold dividends and splits.
    AdjustedClose,
    Volume,
    /// New shares for one old.
    Split,
    /// Money a share.
    Dividend,
    /// CRSP's cumulative factor: prices divided by it are comparable.
    PriceFactor,
    /// CRSP's factor of one day: new shares for one old, less one.
    SplitLessOne,
}

/// Names without case, spaces and punctuation. Yahoo and yfinance, Stooq, Alpha Vantage, Nasdaq, Tiingo, CRSP,
/// Interactive Brokers, Binance, FRED.
const FIELDS: [(Field, &[&str]); 10] = [
    (Field::Open, &["open", "openprice", "pxopen", "priceopen", "openprc", "dlyopen"]),
    (Field::High, &["high", "highprice", "pxhigh", "pricehigh", "askhi", "dlyhigh"]),
    (Field::Low, &["low", "lowprice", "pxlow", "pricelow", "bidlo", "dlylow"]),
    (
        Field::Close,
        &[
            "close",
            "closelast",
            "closeprice",
            "priceclose",
            "pxlast",
            "pxclose",
            "price",
            "prc",
            "dlyprc",
            "settle",
            "value",
        ],
    ),
    (Field::AdjustedClose, &["adjclose", "adjustedclose", "closeadj"]),
    (Field::Volume, &["volume", "vol", "dlyvol", "pxvolume"]),
    (Field::Split, &["split", "splits", "stocksplits", "splitcoefficient", "splitratio", "splitfactor"]),
    (Field::Dividend, &["dividend", "dividends", "dividendamount", "divamt", "divcash"]),
    (Field::PriceFactor, &["cfacpr", "dlycumfacpr"]),
    (Field::SplitLessOne, &["facpr", "dlyfacprc"]),
];
/// In this order: where a table has a day and a clock of its own, the day is looked for first.
const TIMES: [&str; 11] = [
    "date",
    "dates",
    "datum",
    "windowstart",
    "datetime",
    "timestamp",
    "opentime",
    "observationdate",
    "dlycaldt",
    "caldt",
    "time",
];
/// Numbers that stay the same come before tickers, which change hands.
const ASSETS: [&str; 8] = ["ric", "asset", "permno", "symbol", "ticker", "instrument", "tic", "secid"];

/// The columns of Binance's klines, which come without a header.
const KLINES: [&str; 12] = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "trades",
    "taker_base",
    "taker_quote",
    "unused",
];

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) time: usize,
    /// The clock of the day, where it has a column of its own.
    pub(crate) clock: Option<usize>,
    /// The column that names the asset, in a long table.
    pub(crate) asset: Option<usize>,
    /// Column, what it holds, and of which asset where the table is not long.
    pub(crate) fields: Vec<(usize, Field, Option<String>)>,
}

/// `Adj Close`, `adj_close` and `<ADJ.CLOSE>` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn field(name: &str) -> Option<Field> {
    let name = plain(name);
    FIELDS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|f| f.0)
}

impl Layout {
    /// The layout of a table with this header; `file` names its asset where the columns do not. `None` without a time.
    ///
    /// A table with a column for the asset is long. A table with a close is one instrument's bars. Any other
    /// is wide: a column of closes an asset.
    pub(crate) fn of(header: &[String], file: &str) -> Option<Self> {
        let names: Vec<String> = header.iter().map(|h| plain(h)).collect();
        let among = |wanted: &[&str]| wanted.iter().find_map(|w| names.iter().position(|n| n == w));
        // pandas leaves the name of an index of dates out.
        let time = among(&TIMES).or_else(|| (header.first()? == "Unnamed: 0").then_some(0))?;
        let clock = among(&["time"]).filter(|c| *c != time);
        let asset = among(&ASSETS).filter(|a| *a != time);
        let known = |name: Option<String>| {
            let fields =
                header.iter().enumerate().filter(|(i, _)| *i != time && Some(*i) != asset && Some(*i) != clock);
            fields.filter_map(|(i, h)| Some((i, field(h)?, name.clone()))).collect::<Vec<_>>()
        };
        let has_close = |fields: &[(usize, Field, Option<String>)]| {
            fields.iter().any(|f| matches!(f.1, Field::Close | Field::AdjustedClose))
        };
        if asset.is_some() {
            return Some(Self { time, clock, asset, fields: known(None) });
        }
        let single = known(Some(file.rsplit_once('.').map_or(file, |f| f.0).to_string()));
        if has_close(&single) {
            return Some(Self { time, clock, asset, fields: single });
        }
        // Open, high, low or volume without a close are no instruments of these names.
        if single.iter().any(|f| !matches!(f.1, Field::Split | Field::Dividend)) {
            return Some(Self { time, clock, asset, fields: single });
        }
        if let Some(fields) = by_ticker(header, time) {
            return Some(Self { time, clock, asset, fields });
        }
        let wide =
            |(i, h): (usize, &String)| (i != time && Some(i) != clock).then(|| (i, Field::Close, Some(h.clone())));
        Some(Self { time, clock, asset, fields: header.iter().enumerate().filter_map(wide).collect() })
    }

    /// Whether bars have a close.
    pub(crate) fn has_close(&self) -> bool {
        self.fields.iter().any(|f| matches!(f.1, Field::Close | Field::AdjustedClose))
    }

    /// The columns of `header` that nothing is read from.
    pub(crate) fn unread(&self, header: &[String]) -> Vec<String> {
        let read = |i: &usize| {
            *i == self.time || Some(*i) == self.clock || Some(*i) == self.asset || self.fields.iter().any(|f| f.0 == *i)
        };
        (0..header.len()).filter(|i| !read(i)).map(|i| header[i].clone()).collect()
    }
}

/// What parts the price from the ticker in the names that [`grown_header`] makes of two rows of header.
const OF: &str = " of ";

/// `Close of AAPL`, `Volume of MSFT`: several instruments side by side.
fn by_ticker(header: &[String], time: usize) -> Option<Vec<(usize, Field, Option<String>)>> {
    let parted = |(i, h): (usize, &String)| {
        let (price, ticker) = h.split_once(OF)?;
        Some((i, field(price)?, Some(ticker.to_string())))
    };
    let fields: Option<Vec<_>> = header.iter().enumerate().filter(|(i, _)| *i != time).map(parted).collect();
    fields.filter(|f| !f.is_empty())
}

/// The names and the lines before the rows, where a file's first line is not all of its header: yfinance writes
/// prices, tickers and the index in three lines, Binance writes no header.
pub(crate) fn grown_header(path: &Path, delimiter: u8) -> Option<(Vec<String>, usize)> {
    let mut lines = BufReader::new(std::fs::File::open(path).ok()?).lines();
    let mut cells = || -> Option<Vec<String>> {
        let line = lines.next()?.ok()?;
        Some(
            line.trim_start_matches('\u{feff}')
                .split(char::from(delimiter))
                .map(|c| c.trim().trim_matches('"').to_string())
                .collect(),
        )
    };
    let first = cells()?;
    if first.len() == KLINES.len() && first.iter().all(|c| c.parse::<f64>().is_ok()) {
        return Some((KLINES.map(String::from).to_vec(), 0));
    }
    let (mut first, mut second, third) = (first, cells()?, cells()?);
    let are_prices = |cells: &[String]| cells.len() > 1 && cells[1..].iter().all(|c| field(c).is_some());
    let is_time = |cell: &str| TIMES.contains(&plain(cell).as_str());
    if second.len() != first.len() {
        return None;
    }
    // `group_by="ticker"` writes the tickers first.
    if are_prices(&second) && !are_prices(&first) && !is_time(&first[0]) {
        std::mem::swap(&mut first, &mut second);
    }
    let are_names = second[1..].iter().all(|c| !c.is_empty() && c.parse::<f64>().is_err());
    if !are_prices(&first) || !are_names {
        return None;
    }
    let (index, lines) = if is_time(&third[0]) && third[1..].iter().all(String::is_empty) {
        (third[0].clone(), 3)
    } else if is_time(&first[0]) && second[0].is_empty() {
        (first[0].clone(), 2)
    } else {
        return None;
    };
    let name = |(price, ticker): (&String, &String)| format!("{price}{OF}{ticker}");
    let names = std::iter::once(index).chain(first[1..].iter().zip(&second[1..]).map(name));
    Some((names.collect(), lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Layout {
        Layout::of(&header.split(',').map(String::from).collect::<Vec<_>>(), "SPY.csv").unwrap()
    }

    #[test]
    fn one_instruments_bars_are_one_asset_however_they_are_named() {
        for header in [
            "Date,Open,High,Low,Close,Volume",
            "Date,Open,High,Low,Close,Adj Close,Volume",
            "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient",
            "Date,Close/Last,Volume,Open,High,Low",
            "date,open,high,low,close,volume,average,barCount",
            "observation_date,VALUE",
        ] {
            let layout = of(header);
            assert!(layout.asset.is_none() && layout.has_close(), "{header}");
            assert!(layout.fields.iter().all(|f| f.2.as_deref() == Some("SPY")), "{header}");
        }
        assert_eq!(
            of("date,open,close,average").unread(&["date", "open", "close", "average"].map(String::from)),
            ["average"]
        );
    }

    #[test]
    fn long_and_wide() {
        let stooq = of("<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>");
        assert_eq!((stooq.asset, stooq.time, stooq.clock), (Some(0), 2, Some(3)));
        let crsp = of("PERMNO,date,TICKER,PRC,VOL,RET,CFACPR");
        assert_eq!((crsp.asset, crsp.fields.len()), (Some(0), 3));
        let wide = of("Date,AAPL,MSFT");
        assert_eq!(wide.fields[1], (2, Field::Close, Some("MSFT".into())));
        let side = of("Date,Close of AAPL,Volume of AAPL,Close of MSFT");
        assert_eq!(side.fields[1], (2, Field::Volume, Some("AAPL".into())));
    }
}
