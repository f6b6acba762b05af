//! The objectives, read from `data/` (see its CARD.md).

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use specialist_search::{Domain, Params, Space, Value};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The ten objectives for development, in the order of the tables.
pub const DEVELOPMENT: [&str; 10] = [
    "branin",
    "hartmann6",
    "rosen5",
    "ackley10",
    "hpobench:phoneme",
    "hpolib:protein_structure",
    "nasbench201:cifar100",
    "lgbm_diabetes",
    "svm_cancer",
    "cond_digits",
];

/// A function to be minimised.
pub struct Objective {
    pub space: Space,
    params: Vec<Param>,
    /// The best value known, and the median value of random points.
    best: f64,
    median: f64,
    function: Function,
}

enum Function {
    Formula(fn(&[f64]) -> f64),
    Table(Vec<f64>),
    Trees(Vec<Tree>),
}

#[derive(Deserialize, Clone)]
struct Param {
    name: String,
    kind: String,
    lo: Option<f64>,
    hi: Option<f64>,
    n: Option<i64>,
    log: Option<bool>,
    cond: Option<(usize, f64)>,
}

#[derive(Deserialize)]
struct Described {
    space: Vec<Param>,
    best: f64,
    med: f64,
    #[serde(default)]
    values: Vec<f64>,
}

impl Objective {
    /// The objective called `name`, from the files in `data`.
    pub fn load(data: &Path, name: &str) -> Result<Self, Error> {
        let formula: Option<fn(&[f64]) -> f64> = match name {
            "branin" => Some(branin),
            "hartmann6" => Some(hartmann6),
            "rosen5" => Some(rosenbrock),
            "ackley10" => Some(ackley),
            _ => None,
        };
        let (described, function) = if name.contains(':') {
            let text = unpacked(&data.join(format!("table_{}.json.gz", name.replace(':', "_"))))?;
            let mut table: Described = serde_json::from_str(&text)?;
            let values = std::mem::take(&mut table.values);
            (table, Function::Table(values))
        } else {
            let text = std::fs::read_to_string(data.join("surrogates.json"))?;
            let mut all: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text)?;
            if let Some(formula) = formula {
                let of = all.get_mut("functions").and_then(|f| f.get_mut(name)).ok_or("no such function")?.take();
                (serde_json::from_value(of)?, Function::Formula(formula))
            } else {
                let of = all.remove(name).ok_or_else(|| format!("there is no objective {name}"))?;
                let trees = trees(&unpacked(&data.join(format!("sur_{name}.txt.gz")))?)?;
                (serde_json::from_value(of)?, Function::Trees(trees))
            }
        };
        let Described { space: params, best, med: median, .. } = described;
        Ok(Self { space: space(&params), params, best, median, function })
    }

    /// The value at a point.
    pub fn value(&self, point: &Params) -> f64 {
        let x: Vec<f64> = self.params.iter().map(|p| point.float(&p.name)).collect();
        self.at(&x)
    }

    /// The value at a point with `NaN` for inactive parameters.
    pub fn at(&self, x: &[f64]) -> f64 {
        match &self.function {
            Function::Formula(f) => f(x),
            Function::Table(values) => {
                let size = |p: &Param| p.n.map_or_else(|| p.hi.unwrap_or(0.0) as usize + 1, |n| n as usize);
                values[self.params.iter().zip(x).fold(0, |at, (p, x)| at * size(p) + x.round() as usize)]
            }
            Function::Trees(trees) => {
                let log = |(p, x): (&Param, &f64)| if p.log == Some(true) { x.ln() } else { *x };
                let x: Vec<f64> = self.params.iter().zip(x).map(log).collect();
                trees.iter().map(|t| t.value(&x)).sum()
            }
        }
    }

    /// (value − best known) / (median of random points − best known).
    pub fn normalised_regret(&self, value: f64) -> f64 {
        (value - self.best) / (self.median - self.best)
    }
}

fn space(params: &[Param]) -> Space {
    params.iter().fold(Space::new(), |space, p| {
        let (lo, hi, log) = (p.lo.unwrap_or(0.0), p.hi.unwrap_or(0.0), p.log.unwrap_or(false));
        let domain = match p.kind.as_str() {
            "float" => Domain::Float { lo, hi, log, step: None },
            "int" => Domain::Int { lo: lo as i64, hi: hi as i64, log, step: 1 },
            _ => Domain::Categorical { levels: (0..p.n.unwrap_or(1)).map(Value::Int).collect(), ordered: false },
        };
        let space = space.with(&p.name, domain);
        match p.cond {
            Some((parent, level)) => space.when(&params[parent].name, [Value::Int(level as i64)]),
            None => space,
        }
    })
}

fn unpacked(path: &Path) -> Result<String, Error> {
    let file = std::fs::File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text)?;
    Ok(text)
}

/// A regression tree of a LightGBM text model without categorical splits.
struct Tree {
    feature: Vec<usize>,
    threshold: Vec<f64>,
    missing_left: Vec<bool>,
    left: Vec<i64>,
    right: Vec<i64>,
    leaf: Vec<f64>,
}

impl Tree {
    fn value(&self, x: &[f64]) -> f64 {
        let mut node = if self.feature.is_empty() { -1 } else { 0 };
        while node >= 0 {
            let i = node as usize;
            let v = x[self.feature[i]];
            let left = if v.is_nan() { self.missing_left[i] } else { v <= self.threshold[i] };
            node = if left { self.left[i] } else { self.right[i] };
        }
        self.leaf[(-node - 1) as usize]
    }
}

fn trees(text: &str) -> Result<Vec<Tree>, Error> {
    fn list<T: std::str::FromStr>(line: Option<&&str>) -> Result<Vec<T>, Error>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        line.map_or("", |l| *l).split_whitespace().map(|v| Ok(v.parse::<T>()?)).collect()
    }
    let body = text.split("end of trees").next().unwrap_or_default();
    let one = |block: &str| {
        let fields: BTreeMap<&str, &str> = block.lines().filter_map(|l| l.split_once('=')).collect();
        let decisions: Vec<u32> = list(fields.get("decision_type"))?;
        Ok(Tree {
            feature: list(fields.get("split_feature"))?,
            threshold: list(fields.get("threshold"))?,
            missing_left: decisions.iter().map(|d| d & 2 != 0).collect(),
            left: list(fields.get("left_child"))?,
            right: list(fields.get("right_child"))?,
            leaf: list(fields.get("leaf_value"))?,
        })
    };
    body.split("\nTree=").skip(1).map(one).collect()
}

fn branin(x: &[f64]) -> f64 {
    use std::f64::consts::PI;
    let (a, b) = (x[0], x[1]);
    (b - 5.1 / (4.0 * PI * PI) * a * a + 5.0 / PI * a - 6.0).powi(2) + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * a.cos() + 10.0
}

fn hartmann6(x: &[f64]) -> f64 {
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [1312.0, 1696.0, 5569.0, 124.0, 8283.0, 5886.0],
        [2329.0, 4135.0, 8307.0, 3736.0, 1004.0, 9991.0],
        [2348.0, 1451.0, 3522.0, 2883.0, 3047.0, 6650.0],
        [4047.0, 8828.0, 8732.0, 5743.0, 1091.0, 381.0],
    ];
    const ALPHA: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    let term = |i: usize| {
        let inner: f64 = (0..6).map(|j| A[i][j] * (x[j] - 1e-4 * P[i][j]).powi(2)).sum();
        ALPHA[i] * (-inner).exp()
    };
    -(0..4).map(term).sum::<f64>()
}

fn rosenbrock(x: &[f64]) -> f64 {
    let f: f64 = x.windows(2).map(|w| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2)).sum();
    (f + 1e-3).log10()
}

fn ackley(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let square = x.iter().map(|v| v * v).sum::<f64>() / n;
    let wave = x.iter().map(|v| (2.0 * std::f64::consts::PI * v).cos()).sum::<f64>() / n;
    -20.0 * (-0.2 * square.sqrt()).exp() - wave.exp() + 20.0 + std::f64::consts::E
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Point {
        x: Vec<Option<f64>>,
        y: f64,
    }

    /// Values that Python gave for the same points: numpy for the formulas, the package's own tables,
    /// LightGBM for the surrogates.
    #[test]
    fn every_objective_gives_the_recorded_values() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let text = std::fs::read_to_string(data.join("points.json")).unwrap();
        let points: BTreeMap<String, Vec<Point>> = serde_json::from_str(&text).unwrap();
        for name in DEVELOPMENT {
            let objective = Objective::load(&data, name).unwrap();
            assert_eq!(points[name].len(), 20);
            for p in &points[name] {
                let x: Vec<f64> = p.x.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
                let y = objective.at(&x);
                assert!((y - p.y).abs() < 1e-9 * p.y.abs().max(1.0), "{name}: {y} for {}", p.y);
            }
        }
    }
}
