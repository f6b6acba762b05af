//! The adapter: thyroid records, the metrics of diagnosis, and the clinician's evidence.

use std::any::Any;
use std::borrow::Cow;

use specialist_core::metric::{
    AveragePrecision, Brier, CalibrationIntercept, CalibrationSlope, LogLoss, RocAuc, usual,
};
use specialist_core::{
    Context, Dataset, Domain, Error, Estimand, Finding, Judgement, Metric, Panel, PanelInput, Recipe,
};

use crate::settings::Settings;
use crate::{bedside, check, conformal, decision_curve, effect, outcome, subgroups, updating};

/// Medical diagnosis.
pub struct Medical;

const RECIPES: &[Recipe] = &[
    Recipe { name: "thyroid", text: include_str!("../../../pipelines/medical/thyroid.toml") },
    Recipe { name: "recurrence", text: include_str!("../../../pipelines/medical/recurrence.toml") },
    Recipe { name: "thyroid-classes", text: include_str!("../../../pipelines/medical/thyroid-classes.toml") },
    Recipe { name: "thyroid-own-model", text: include_str!("../../../pipelines/medical/thyroid-own-model.toml") },
];

impl Domain for Medical {
    fn name(&self) -> &'static str {
        "medical"
    }

    fn about(&self) -> &'static str {
        "Diagnosis and treatment outcome: is a model specialised on one hospital better than the general one?"
    }

    fn recipes(&self) -> &'static [Recipe] {
        RECIPES
    }

    fn fewest_rows(&self) -> usize {
        // As for counts of people in the report.
        specialist_report::SMALLEST_CELL
    }

    fn data_names(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("thyroid", "9,172 thyroid records of the Garavan Institute, by referring hospital"),
            ("rotterdam", "2,982 breast cancers of the Rotterdam tumour bank, recurrence-free survival"),
            ("gbsg", "686 breast cancers of the German study on hormone therapy, recurrence-free survival"),
        ]
    }

    fn data(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        let bytes: &'static [u8] = match name {
            "thyroid" => include_bytes!("../../../data/thyroid/thyroid.csv"),
            "rotterdam" => include_bytes!("../../../data/rotterdam/rotterdam.csv"),
            "gbsg" => include_bytes!("../../../data/gbsg/gbsg.csv"),
            _ => return None,
        };
        Some(Cow::Borrowed(bytes))
    }

    fn settings_schema(&self) -> Option<String> {
        serde_json::to_string(&schemars::schema_for!(Settings)).ok()
    }

    fn judgement(&self, settings: &str) -> Result<Box<dyn Judgement>, Error> {
        Ok(Box::new(Ward { settings: Settings::parse(settings)? }))
    }
}

/// What a ward asks of a prediction.
struct Ward {
    settings: Settings,
}

impl Judgement for Ward {
    fn metrics(&self, estimand: Estimand) -> Vec<Box<dyn Metric>> {
        if estimand != Estimand::Probability {
            return usual(estimand);
        }
        vec![
            Box::new(LogLoss),
            Box::new(RocAuc),
            Box::new(AveragePrecision),
            Box::new(Brier),
            Box::new(CalibrationIntercept),
            Box::new(CalibrationSlope),
        ]
    }

    fn findings(&self, source: Option<&Dataset>, train: &Dataset) -> Result<Vec<Finding>, Error> {
        Ok(check::findings(source, train))
    }

    fn beside(&self, panels: &[Panel], row: &Dataset, model: &str, predicted: f64) -> Vec<String> {
        bedside::beside(panels, row, model, predicted)
    }

    fn alone(&self, rows: &Dataset, ctx: &Context) -> Result<Vec<Panel>, Error> {
        match &self.settings.effect {
            Some(effect) => match effect::refused(rows) {
                Some(why) => Ok(vec![why]),
                None => effect::of_rows(rows, None, effect, ctx),
            },
            None => Ok(Vec::new()),
        }
    }

    fn panels(&self, input: &PanelInput<'_>) -> Result<Vec<Panel>, Error> {
        let mut panels = Vec::new();
        if let Some(effect) = &self.settings.effect {
            panels.extend(match effect::refused(input.rows) {
                Some(why) => vec![why],
                None => effect::panels(input, effect)?,
            });
        }
        match input.rows.estimand {
            Estimand::Survival { .. } => panels.extend(outcome::panels(input)),
            // Whom to treat at which risk is asked of one event.
            Estimand::Classes(_) => {
                panels.extend(subgroups::panel(input));
                panels.extend(conformal::panel(input));
            }
            _ => {
                panels.push(decision_curve::panel(input));
                panels.extend(subgroups::panel(input));
                panels.extend(conformal::panel(input));
            }
        }
        panels.extend(updating::panel(input)?);
        panels.extend(bedside::panels(input));
        Ok(panels)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
