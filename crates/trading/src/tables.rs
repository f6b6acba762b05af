//! From bars to rows: source and target tables with features, labels and weights.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use specialist_core::{
    Dataset, Domain, Error, Feature, Finding, Key, KeyRole, Labels, Population, Severity, Tables, TablesInput,
};
use specialist_engine::Place;
use specialist_tabular::read::{is_time_format, time_formats};

use crate::backtest::{Account, Costs};
use crate::bars::{Market, Members, day, members, place, read_dated};
use crate::faults::{chosen_by_outcome, faults};
use crate::features::{Features, Rows, Standard, knows_the_future};
use crate::labels::{Task, label, uniqueness};
use crate::session::Session;

/// A recipe's `[domain]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// What is predicted: `volatility`, `direction`, `barrier`, `meta`, or a number: `realised`, `return`, `quantile`.
    pub task: Task,
    /// Bars ahead.
    pub horizon: usize,
    /// For `barrier` and `meta`: how far the barriers are, in volatilities of the horizon.
    pub barrier: f64,
    /// For `quantile`: which one, in a tail.
    pub quantile: f64,
    /// A table of `asset,entry,exit`: who belonged to the universe, and when.
    pub universe: Option<String>,
    /// How the times of bars are written, where the file does not tell: a pattern (`%d/%m/%Y`) or a word (`milliseconds`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
    /// The first day to use.
    pub from: Option<String>,
    /// The last day to use.
    pub until: Option<String>,
    /// For bars within the day: the hours of the exchange; bars outside of them are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// For `volatility`, `realised` and `quantile`: the volatility a year that the strategy aims at.
    pub target_volatility: f64,
    /// For the other tasks: the share of the Kelly fraction that is held.
    pub kelly: f64,
    /// What the account may do.
    pub account: Account,
    /// What trading costs.
    pub costs: Costs,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            task: Task::Volatility,
            horizon: 5,
            barrier: 1.0,
            quantile: 0.05,
            universe: None,
            date_format: None,
            from: None,
            until: None,
            session: None,
            target_volatility: 0.15,
            kelly: 0.25,
            account: Account::default(),
            costs: Costs::default(),
        }
    }
}

impl Settings {
    /// The first second of a day written as 2024-01-31; `key` names it in messages.
    ///
    /// # Errors
    /// [`Error::Setting`] when it is none.
    pub fn day(text: &str, key: &str) -> Result<i64, Error> {
        let wrong = |_| Error::Setting { setting: key.into(), expected: "a day such as \"2024-01-31\"".into() };
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(wrong)?;
        Ok(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp())
    }

    /// Reads and checks `[domain]`.
    ///
    /// # Errors
    /// [`Error::Setting`] with the key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong =
            |setting: &str, expected: &str| Error::Setting { setting: setting.into(), expected: expected.into() };
        let settings: Self =
            toml::from_str(text).map_err(|e| wrong("domain", &format!("as documented ({})", e.message())))?;
        if !(1..=252).contains(&settings.horizon) {
            return Err(wrong("domain.horizon", "from 1 to 252 bars"));
        }
        let tail = settings.quantile.min(1.0 - settings.quantile);
        if tail.is_nan() || !(0.001..=0.4).contains(&tail) {
            return Err(wrong("domain.quantile", "in a tail: from 0.001 to 0.4, or from 0.6 to 0.999"));
        }
        if settings.date_format.as_ref().is_some_and(|f| !is_time_format(f)) {
            let expected =
                format!("a pattern that names a day (\"%d/%m/%Y\"), or one of {}", time_formats().join(", "));
            return Err(wrong("domain.date-format", &expected));
        }
        if let Some(session) = &settings.session {
            session.hours()?;
        }
        if !(0.0..=1.0).contains(&settings.account.delisting) {
            return Err(wrong("domain.account.delisting", "from 0 to 1"));
        }
        let positive = [
            ("domain.barrier", settings.barrier),
            ("domain.target-volatility", settings.target_volatility),
            ("domain.kelly", settings.kelly),
            ("domain.account.capital", settings.account.capital),
            ("domain.account.leverage", settings.account.leverage),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, v)| v.is_nan() || *v <= 0.0) {
            return Err(wrong(key, "above 0"));
        }
        let c = &settings.costs;
        if [c.commission, c.half_spread, c.slippage, c.borrow, c.margin].iter().any(|v| v.is_nan() || *v < 0.0) {
            return Err(wrong("domain.costs", "0 or more basis points each"));
        }
        Ok(settings)
    }
}

/// What rows were made of: the back-test needs the bars behind them.
#[derive(Debug, Clone)]
pub struct Made {
    /// All assets, the target's last.
    pub market: Market,
    /// The positions of the target's assets.
    pub targets: Vec<usize>,
    /// When each asset belonged to the universe.
    pub members: Members,
    /// How.
    pub settings: Settings,
}

fn assets<'a>(population: &Population<'a>, key: &str) -> Result<&'a [String], Error> {
    if let Some(other) = population.filter.keys().find(|k| *k != "asset") {
        return Err(Error::Setting {
            setting: format!("{key}.where.{other}"),
            expected: "left out: bars are chosen by `asset`".into(),
        });
    }
    Ok(population.filter.get("asset").map_or(&[], Vec::as_slice))
}

/// Cuts the market to `from` … `until` and to the session; says what was cut, so that a filter that does nothing is
/// seen.
///
/// # Errors
/// [`Error::Setting`] when one is no day, [`Error::TooFew`] when nothing is left.
pub fn cut(market: &mut Market, settings: &Settings) -> Result<Vec<Finding>, Error> {
    let mut found: Vec<Finding> = between(market, settings)?.into_iter().collect();
    if let Some(session) = &settings.session {
        found.push(session.hours()?.keep(market)?);
    }
    Ok(found)
}

fn between(market: &mut Market, settings: &Settings) -> Result<Option<Finding>, Error> {
    let from = settings.from.as_deref().map(|d| Settings::day(d, "domain.from")).transpose()?;
    let until = settings.until.as_deref().map(|d| Settings::day(d, "domain.until")).transpose()?;
    if from.is_none() && until.is_none() {
        return Ok(None);
    }
    let bars = |m: &Market| m.assets.iter().map(|a| a.bars.len()).sum::<usize>();
    let before = bars(market);
    for a in &mut market.assets {
        let start = a.bars.partition_point(|b| from.is_some_and(|f| b.time < f));
        let end = a.bars.partition_point(|b| until.is_none_or(|u| b.time < u + 86_400));
        a.bars = a.bars[start.min(end)..end].to_vec();
        a.lines = a.lines[start.min(end)..end].to_vec();
    }
    market.assets.retain(|a| !a.bars.is_empty());
    let after = bars(market);
    if after == 0 {
        return Err(Error::TooFew { what: "bars between domain.from and domain.until".into(), found: 0, needed: 1 });
    }
    let (severity, message) = if after == before {
        (Severity::Warning, "domain.from and domain.until leave out no bar: are they as meant?".to_string())
    } else {
        (Severity::Ok, format!("domain.from and domain.until leave out {} of {before} bars", before - after))
    };
    Ok(Some(Finding::new("date-filter", severity, message, Vec::new())))
}

/// Reads the bars, looks for faults and makes the tables. `today` is the latest time a bar may have.
///
/// # Errors
/// [`Error::Data`] with file and line, [`Error::Setting`] with the key, [`Error::TooFew`].
pub fn make(request: &TablesInput<'_>, domain: &dyn Domain, today: i64) -> Result<(Tables, Made), Error> {
    let settings = Settings::parse(request.settings)?;
    let place = Place { folder: request.folder.into() };
    let open = |data: &str| {
        let missing = |e: specialist_engine::Error| Error::Setting { setting: "data".into(), expected: e.to_string() };
        read_dated(&place.input(data, domain).map_err(missing)?, request.dialect, settings.date_format.as_deref())
    };
    let (wanted, of_source) = (
        assets(&request.target, "target")?,
        request.source.as_ref().map(|s| assets(s, "source")).transpose()?.unwrap_or_default(),
    );
    let mut market = open(request.target.data)?;
    let targets =
        if wanted.is_empty() { market.assets.iter().map(|a| a.name.clone()).collect() } else { wanted.to_vec() };
    if let Some(name) = targets.iter().find(|t| market.find(t).is_none()) {
        return Err(Error::Setting {
            setting: "target.where.asset".into(),
            expected: format!("assets of {}; `{name}` has no bars there", market.file),
        });
    }
    let mut origins = (market.file.clone(), market.file.clone());
    let same = request.source.is_some_and(|s| s.data == request.target.data);
    if let Some(source) = request.source.filter(|_| !same) {
        let other = open(source.data)?;
        origins.0 = other.file.clone();
        market.assets.retain(|a| targets.contains(&a.name));
        let beside = other.assets.into_iter().filter(|a| !targets.contains(&a.name));
        market.assets.splice(0..0, beside);
    }
    let in_source = |name: &String| !targets.contains(name) && (of_source.is_empty() || of_source.contains(name));
    market.assets.retain(|a| targets.contains(&a.name) || in_source(&a.name));
    let mut findings = cut(&mut market, &settings)?;
    let mut belong = Members::default();
    if let Some(universe) = &settings.universe {
        belong = members(&mut market, &request.folder.join(universe), request.dialect)?;
        findings.push(chosen_by_outcome(&market, &belong));
    }
    let targets: Vec<usize> = targets.iter().filter_map(|t| market.find(t)).collect();
    if targets.is_empty() {
        return Err(Error::TooFew { what: "bars of the target".into(), found: 0, needed: 1 });
    }
    if request.source.is_some() && targets.len() == market.assets.len() {
        return Err(Error::Data {
            what: format!(
                "{}: all {} asset(s) belong to the target, none is left for the source",
                market.file,
                targets.len()
            ),
            hint: "name the asset to specialise on with [target] where = { asset = [\"…\"] }, and bring bars of others of the same days, to score in the same file: features compare assets"
                .into(),
        });
    }
    findings.extend(faults(&market, today));
    let rows = Standard.rows(&market);
    findings.push(past_only(&market, &rows));
    let span = longest_label(&market, &rows, &settings);
    if request.gap < span {
        return Err(Error::Setting {
            setting: "split.gap".into(),
            expected: format!(
                "at least \"{}d\": so much later the label of a bar with horizon {} is settled",
                span.div_euclid(86_400) + i64::from(span % 86_400 > 0),
                settings.horizon
            ),
        });
    }
    let part = |inside: bool| {
        table(&market, &rows, &settings, &|a, i| {
            targets.contains(&a) == inside && belong.has(a, market.assets[a].bars[i].time)
        })
    };
    let target = part(true)?;
    if target.rows() == 0 {
        let longest = targets.iter().map(|&a| market.assets[a].bars.len()).max().unwrap_or(0);
        return Err(Error::Data {
            what: format!("{}: the target has {longest} bars, and none has history enough", market.file),
            hint: format!(
                "bring a longer history: the features look back {} bars, without a gap of three weeks",
                crate::features::WARM_UP
            ),
        });
    }
    let source = request.source.map(|_| part(false)).transpose()?;
    Ok((Tables { source, target, origins, findings }, Made { market, targets, members: belong, settings }))
}

/// Takes the future away at two points of time and looks whether the past's features stay the same, to the bit.
fn past_only(market: &Market, rows: &Rows) -> Finding {
    let name = "features-know-the-future";
    let calendar = market.calendar();
    for share in [0.6, 0.85] {
        let time = calendar[((calendar.len() - 1) as f64 * share) as usize];
        if let Some((a, i)) = knows_the_future(&Standard, market, time, rows) {
            let message = format!("a feature changes when everything after {} is taken away", day(time));
            return Finding::new(name, Severity::Leak, message, vec![place(market, a, i)]);
        }
    }
    Finding::new(name, Severity::Ok, "taking the future away changes no feature of the past, to the bit", Vec::new())
}

/// The longest time, in seconds, from a bar to the bar that settles its label.
fn longest_label(market: &Market, rows: &Rows, settings: &Settings) -> i64 {
    let span = |&(a, i): &(usize, usize)| {
        let bars = &market.assets[a].bars;
        let end = (i + settings.horizon).min(bars.len() - 1);
        Some(bars[end].time - bars[i].time)
            .filter(|_| bars[i..=end].windows(2).all(|w| w[1].time - w[0].time <= crate::features::LONGEST_GAP))
    };
    rows.at.iter().filter_map(span).max().unwrap_or(0)
}

fn table(
    market: &Market,
    rows: &Rows,
    settings: &Settings,
    wanted: &dyn Fn(usize, usize) -> bool,
) -> Result<Dataset, Error> {
    let width = rows.names.len();
    let kept: Vec<usize> = (0..rows.at.len()).filter(|&r| wanted(rows.at[r].0, rows.at[r].1)).collect();
    let mut values = Vec::with_capacity(kept.len() * width);
    kept.iter().for_each(|&r| values.extend_from_slice(&rows.values[r * width..(r + 1) * width]));
    let records = Array2::from_shape_vec((kept.len(), width), values).expect("rows × columns");
    let labels: Vec<_> = kept
        .iter()
        .map(|&r| {
            let (a, i) = rows.at[r];
            label(&market.assets[a], i, settings.task, settings.horizon, settings.barrier)
        })
        .collect();
    let features = rows.names.iter().map(Feature::number).collect();
    let estimand = settings.task.estimand(settings.quantile);
    let observed = Labels::of_responses(estimand, labels.iter().map(|l| l.value).collect());
    let mut data = Dataset::new(features, records, observed)?;
    data.estimand = estimand;
    let at = |&r: &usize| rows.at[r];
    data.time = Some(kept.iter().map(at).map(|(a, i)| market.assets[a].bars[i].time).collect());
    data.lines = kept.iter().map(at).map(|(a, i)| market.assets[a].lines[i]).collect();
    data.keys = vec![Key {
        name: "asset".into(),
        role: KeyRole::Site,
        codes: kept.iter().map(at).map(|(a, _)| a as u32).collect(),
        levels: market.assets.iter().map(|a| a.name.clone()).collect(),
        digests: Vec::new(),
    }];
    // Labels that share bars with many others tell less: each weighs its average uniqueness.
    let mut own = vec![Vec::new(); market.assets.len()];
    kept.iter().enumerate().for_each(|(k, &r)| own[rows.at[r].0].push(k));
    for own in &own {
        let spans: Vec<(usize, usize)> = own.iter().map(|&k| (rows.at[kept[k]].1, labels[k].settled)).collect();
        for (k, u) in own.iter().zip(uniqueness(&spans)) {
            data.base.weights[*k] = u as f32;
        }
    }
    Ok(data)
}
