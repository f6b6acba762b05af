//! The rungs that train a network: an encoder whose vectors a regression stands on, or a model that writes.

use specialist_core::{Context, Dataset, Error, Feature};
use specialist_search::{Params, Space};
use specialist_tabular::{Model, Rung};

use crate::labels::column_of;
use crate::labels::rungs::{Start, fits, full, lora, lp_ft, setfit};
use crate::writing::How;

/// What a rung makes of an encoder: its texts, the generalist, the target's rows, a rate.
type OfEncoder = fn(&Start<'_>, &Model, &Dataset, f64) -> Result<Model, Error>;

/// A rung that trains.
pub struct Trains {
    name: &'static str,
    about: &'static str,
    place: usize,
    /// What its one setting is called.
    rate: &'static str,
    /// Of an encoder, with the smallest and the largest rate.
    encoder: Option<(f64, f64, OfEncoder)>,
    /// Of a model that writes.
    writer: Option<How>,
}

/// All of them, in places behind those of tables: they move more than any rung of numbers.
pub static ALL: [Trains; 6] = [
    Trains {
        name: "setfit",
        about: "the encoder drawn to put texts of one label together, then a new head",
        place: 80,
        rate: "setfit-rate",
        encoder: Some((1e-5, 2e-4, setfit)),
        writer: None,
    },
    Trains {
        name: "lora",
        about: "a low-rank adapter on the encoder, trained with the generalist's head; or on a model that writes",
        place: 85,
        rate: "lora-rate",
        encoder: Some((2e-4, 5e-3, lora)),
        writer: Some(How::Lora),
    },
    Trains {
        name: "lp-ft",
        about: "the head first, then the whole encoder at a small rate",
        place: 90,
        rate: "lp-ft-rate",
        encoder: Some((1e-5, 2e-4, lp_ft)),
        writer: None,
    },
    Trains {
        name: "averaged",
        about: "half-way between a model that writes and what `full` makes of it",
        place: 91,
        rate: "averaged-rate",
        encoder: None,
        writer: Some(How::Averaged),
    },
    Trains {
        name: "mixed",
        about: "the whole of a model that writes, on as many source texts as target texts, so that less is forgotten",
        place: 93,
        rate: "mixed-rate",
        encoder: None,
        writer: Some(How::Mixed),
    },
    Trains {
        name: "full",
        about: "the whole encoder, deeper layers slower; or the whole of a model that writes",
        place: 95,
        rate: "full-rate",
        encoder: Some((1e-5, 2e-4, full)),
        writer: Some(How::Full),
    },
];

impl Trains {
    fn of_writer(&self, generalist: &Model) -> Option<How> {
        self.writer.filter(|how| how.fits(generalist))
    }
}

impl Rung for Trains {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn place(&self) -> usize {
        self.place
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn fits(&self, generalist: &Model, _: &[Feature]) -> bool {
        (self.encoder.is_some() && fits(generalist)) || self.of_writer(generalist).is_some()
    }

    fn space(&self, generalist: &Model, _: usize) -> Space {
        let rates = self.of_writer(generalist).map(How::rates);
        let (low, high) = rates.or(self.encoder.map(|(low, high, _)| (low, high))).expect("the rung fits");
        Space::new().log_float(self.rate, low, high)
    }

    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let rate = params.float(self.rate);
        if let Some(how) = self.of_writer(generalist) {
            return how.tune(rate, generalist, target, ctx);
        }
        let features = generalist.features();
        let (Some((_, _, tune)), Some(column)) = (self.encoder, column_of(&features)) else {
            return Err(Error::Mismatch(format!("the rung {} is for no {}", self.name, generalist.describe())));
        };
        tune(&Start::new(column, target, ctx)?, generalist, target, rate)
    }
}
