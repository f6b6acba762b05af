//! A program with a rung of its own, which recipes can name: `cargo run -p specialist --example own_rung -- run --recipe thyroid --set
//! 'tune.tunings=["slope", "half-way"]'`.

use specialist::Context;
use specialist::core::{Dataset, Error, Feature, Pretrain};
use specialist::search::{Params, Space};
use specialist::tabular::ladder::place;
use specialist::tabular::{Base, ESTIMATORS, EstimatorSettings, Model, RUNGS, Rung};

/// The mean of the generalist and a regression on the target alone: what helps where both are half right.
struct HalfWay;

impl Rung for HalfWay {
    fn name(&self) -> &'static str {
        "half-way"
    }

    fn about(&self) -> &'static str {
        "the mean of the generalist and a regression on the target"
    }

    fn place(&self) -> usize {
        place::PRIOR_CENTRED + 5
    }

    fn fits(&self, generalist: &Model, _: &[Feature]) -> bool {
        generalist.is_of_numbers()
    }

    fn space(&self, _: &Model, _: usize) -> Space {
        Space::new().log_float("half-way-ridge", 1.0, 1000.0)
    }

    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let ridge = Params([("ridge".to_string(), params.float("half-way-ridge").into())].into());
        let regression = EstimatorSettings { estimator: ESTIMATORS.named("glm").expect("built in"), params: ridge };
        let own = regression.pretrain(target, ctx)?;
        Ok(Model::new(Base::Mean(vec![generalist.clone(), own])))
    }
}

fn main() -> std::process::ExitCode {
    RUNGS.add(&HalfWay);
    specialist_cli::run(medical::Medical)
}
