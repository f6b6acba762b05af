//! The adapter: bars become rows, the field's own methods stand beside the specialist, and money is counted.

use std::any::Any;
use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

use specialist_core::evidence::Prediction;
use specialist_core::{
    Dataset, Domain, Error, JudgedBy, JudgedTables, Judgement, KeyRole, Panel, PanelInput, Recipe, TablesInput,
};

use specialist_tabular::read::{Input, sniff};

use crate::bars::{instant, now, read};
use crate::baselines::{Baselines, baselines};
use crate::panels;
use crate::simulate::{EDGE, Universe};
use crate::tables::{Made, make};

/// Trading.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trading;

macro_rules! recipe {
    ($name:literal) => {
        Recipe { name: $name, text: include_str!(concat!("../../../pipelines/trading/", $name, ".toml")) }
    };
}

const RECIPES: &[Recipe] = &[
    recipe!("volatility"),
    recipe!("direction"),
    recipe!("barrier"),
    recipe!("realised"),
    recipe!("value-at-risk"),
    recipe!("simulated"),
];

impl Domain for Trading {
    fn name(&self) -> &'static str {
        "trading"
    }

    fn about(&self) -> &'static str {
        "Trading: does a specialist for one instrument beat a generalist of many, and is there money in it after costs?"
    }

    fn recipes(&self) -> &'static [Recipe] {
        RECIPES
    }

    fn recipe_for(&self, data: &Path, written: &str) -> Result<Option<String>, Error> {
        let market = read(
            &Input::File(data.into()),
            sniff(data).map_err(|e| Error::Data { what: e.to_string(), hint: e.hint() })?,
        )?;
        // Of equals the first: the order of the file is the user's.
        let longest = market.assets.iter().rev().max_by_key(|a| a.bars.len());
        let name = longest.map_or("", |a| a.name.as_str());
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let shipped = RECIPES[0].text.lines().filter(|l| !l.starts_with("from = ")).collect::<Vec<_>>().join("\n");
        let text = shipped
            .replace("\"embedded:stocks\"", &quoted(written))
            .replace("[\"JPM\"]", &format!("[{}]", quoted(name)))
            .replace("Volatility of JPM", &format!("Volatility of {}", quoted(name).trim_matches('"')))
            .replace("19 other stocks", "all others")
            .replace("19 others", "all others");
        if market.assets.len() > 1 {
            let asked = format!(
                "[target]\n# TO DECIDE: the asset that you ask about: {name} is the first of {} with the most bars.",
                market.assets.len()
            );
            return Ok(Some(text.replacen("[target]", &asked, 1) + "\n"));
        }
        // One instrument has nobody to learn from: its file is the target, and the source is to be named.
        let source =
            "[source]\n# Bars of other instruments, in a table of the same kind.\ndata = \"others.csv\"\n\n[target]";
        let (head, rest) = text.split_once("[source]").unwrap_or((&text, ""));
        let rest = rest.split_once("[target]").map_or(rest, |r| r.1);
        Ok(Some(format!("{head}{source}{rest}\n")))
    }

    fn headline_runs(&self) -> usize {
        2
    }

    // Rows that are brought as they are, to be scored or looked at; a run's judgement comes with its tables.
    fn judgement(&self, _: &str) -> Result<Box<dyn Judgement>, Error> {
        Ok(Box::new(JudgedBy::default()))
    }

    fn data_names(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("stocks", "daily closes of 20 large US stocks, 1990-2022: survivors only"),
            ("simulated-walk-1", "SIMULATED: twenty years of eight random walks; any number is another universe"),
            ("simulated-edge-1", "SIMULATED: the same with reversal worth a Sharpe ratio of about 1.5 after costs"),
        ]
    }

    fn data(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        if let Some(seed) = name.strip_prefix("simulated-walk-") {
            return Some(Cow::Owned(Universe::default().csv(seed.parse().ok()?).into_bytes()));
        }
        if let Some(seed) = name.strip_prefix("simulated-edge-") {
            let universe = Universe { edge: EDGE, ..Universe::default() };
            return Some(Cow::Owned(universe.csv(seed.parse().ok()?).into_bytes()));
        }
        (name == "stocks").then_some(Cow::Borrowed(include_bytes!("../../../data/stocks/stocks.csv")))
    }

    fn settings_schema(&self) -> Option<String> {
        serde_json::to_string(&schemars::schema_for!(crate::tables::Settings)).ok()
    }

    fn tables(&self, input: &TablesInput<'_>) -> Result<Option<JudgedTables>, Error> {
        let (tables, made) = make(input, self, now())?;
        Ok(Some((tables, Box::new(Desk { made, forecasts: OnceLock::new() }))))
    }

    fn names(&self, rows: &Dataset) -> Option<Vec<String>> {
        let (key, time) = (rows.key(KeyRole::Site)?, rows.time.as_ref()?);
        let name = |(asset, time): (&u32, &i64)| format!("{} {}", key.levels[*asset as usize], instant(*time));
        Some(key.codes.iter().zip(time).map(name).collect())
    }
}

/// What a desk asks of a forecast, with the bars that the rows were made of.
pub struct Desk {
    /// What the rows were made of.
    pub made: Made,
    /// What the field's methods forecast for the sealed rows.
    forecasts: OnceLock<Baselines>,
}

impl Judgement for Desk {
    fn baselines(&self, train: &Dataset, sealed: &Dataset) -> Result<Vec<Prediction>, Error> {
        let found = baselines(&self.made, train, sealed)?;
        let predictions = found.predictions();
        // Of the same rows they are the same.
        let _ = self.forecasts.set(found);
        Ok(predictions)
    }

    fn panels(&self, input: &PanelInput<'_>) -> Result<Vec<Panel>, Error> {
        let made = || Error::Mismatch("the baselines were not made".into());
        panels::panels(&self.made, self.forecasts.get().ok_or_else(made)?, input)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
