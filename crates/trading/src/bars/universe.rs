//! Who belonged to the universe, and when.

use std::collections::BTreeMap;
use std::path::Path;

use specialist_core::{Column, ColumnKind, Dialect, Error, FeatureKind, KeyRole, Role, Schema};
use specialist_tabular::read::{Input, read_all};

use super::Market;
use super::read::{header, unreadable};

/// When each asset belonged to the universe; everything, where there is no such list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Members(Option<Vec<Vec<(i64, i64)>>>);

impl Members {
    /// Spans (first and last time) an asset.
    #[must_use]
    pub fn of(spans: Vec<Vec<(i64, i64)>>) -> Self {
        Self(Some(spans))
    }

    /// Whether the asset at this position belongs to it at `time`.
    #[must_use]
    pub fn has(&self, asset: usize, time: i64) -> bool {
        let inside = |spans: &Vec<(i64, i64)>| spans.iter().any(|(from, to)| (*from..=*to).contains(&time));
        self.0.as_ref().is_none_or(|all| all.get(asset).is_some_and(inside))
    }
}

/// Reads a universe (`asset,entry,exit` and perhaps `sector`; an empty exit is none) and leaves only its assets in the market. Their bars
/// outside the dates stay: they are history, and no rows are made of them.
///
/// # Errors
/// [`Error::Data`] when the file is not such a table, or names no asset of the market.
pub fn members(market: &mut Market, path: &Path, dialect: Dialect) -> Result<Members, Error> {
    let column = |name: &str, role, kind| Column { name: name.into(), role, kind, ..Column::default() };
    let mut columns = vec![
        column("asset", Role::Site, ColumnKind::Category),
        column("entry", Role::Feature, ColumnKind::Time),
        column("exit", Role::Feature, ColumnKind::Time),
    ];
    let input = Input::File(path.into());
    let (header, options) = header(&input, dialect)?;
    if header.iter().any(|h| h == "sector") {
        columns.push(column("sector", Role::Feature, ColumnKind::Category));
    }
    let (data, _) = read_all(&input, &Schema { columns }, &options).map_err(|e| unreadable(&e))?;
    let key = data.key(KeyRole::Site).expect("declared above");
    let mut spans: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    for r in 0..data.rows() {
        let time = |c: usize, or: i64| Some(data.records()[[r, c]]).filter(|t| !t.is_nan()).map_or(or, |t| t as i64);
        let name = key.levels[key.codes[r] as usize].as_str();
        spans.entry(name).or_default().push((time(0, i64::MIN), time(1, i64::MAX)));
        if let Some(FeatureKind::Category { levels }) = data.features.get(2).map(|f| &f.kind)
            && let Some(sector) =
                levels.get(data.records()[[r, 2]] as usize).filter(|_| !data.records()[[r, 2]].is_nan())
            && let Some(asset) = market.assets.iter_mut().find(|a| a.name == name)
        {
            asset.sector = Some(sector.clone());
        }
    }
    market.assets.retain(|a| spans.contains_key(a.name.as_str()));
    if market.assets.is_empty() {
        return Err(Error::Data {
            what: format!("{}: none of its assets has bars in {}", path.display(), market.file),
            hint: "spell the assets as the bars do".into(),
        });
    }
    Ok(Members::of(market.assets.iter().map(|a| spans[a.name.as_str()].clone()).collect()))
}
