//! The `trading` binary from outside: a run with everything after it, and bad input.

use std::path::PathBuf;
use std::process::{Command, Output};

use trading::simulate::Universe;

struct Here(tempfile::TempDir);

impl Here {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trading"));
        command.args(args).current_dir(self.0.path()).env("NO_COLOR", "1").output().unwrap()
    }

    /// Runs and expects success; what stdout says.
    fn ok(&self, args: &[&str]) -> String {
        let out = self.run(args);
        let (said, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success(), "{args:?}\n{said}\n{errors}");
        said.into_owned()
    }

    /// Runs and expects `code` and every one of `words` among the messages.
    fn refused(&self, args: &[&str], code: i32, words: &[&str]) {
        let out = self.run(args);
        let errors = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{args:?}\n{errors}");
        for word in words.iter().chain(&["error: ", "hint: "]) {
            assert!(errors.contains(word), "no `{word}` in: {errors}");
        }
        assert!(!errors.contains("bug"), "{errors}");
    }
}

const RECIPE: &str = r#"
[source]
data = "bars.csv"
[target]
data = "bars.csv"
where = { asset = ["S00"] }
[domain]
task = "volatility"
horizon = 5
[split]
test = 0.4
time_on = "time"
gap = "6d"
cut_source = true
[pretrain]
estimator = "glm"
trials = 2
[tune]
trials = 3
folds = 2
[compare]
metric = "roc-auc"
bootstrap = 200
budgets = [0.5, 1.0]
repeats = 1
"#;

fn universe() -> Universe {
    Universe { assets: 4, days: 900, ..Universe::default() }
}

/// A folder with sound bars (wide) and a recipe.
fn sound() -> Here {
    let here = Here::new();
    here.write("bars.csv", &universe().csv(7));
    here.write("recipe.toml", RECIPE);
    here
}

/// The sound bars as a long table with open, high, low and volume; `change` edits each row's cells
/// (date, asset, open, high, low, close, volume).
fn long(change: impl Fn(usize, &mut Vec<String>)) -> String {
    let market = Universe { range: true, ..universe() }.market(7);
    let mut rows = Vec::new();
    market.each_instant(|time, bars| {
        for (a, b) in bars {
            let numbers = [b.open, b.high, b.low, b.close].map(|v| format!("{v:.6}"));
            let mut cells = vec![trading::bars::day(time), market.assets[*a].name.clone()];
            cells.extend(numbers);
            cells.push(format!("{:.0}", b.volume));
            rows.push(cells);
        }
    });
    let mut out = String::from("date,asset,open,high,low,close,volume\n");
    for (i, cells) in rows.iter_mut().enumerate() {
        change(i + 2, cells);
        out += &(cells.join(",") + "\n");
    }
    out
}

/// Findings as JSON: a table breaks its lines.
const CHECK: [&str; 4] = ["check", "--json", "--recipe", "recipe.toml"];

#[test]
fn a_run_and_everything_after_it() {
    let here = sound();
    let said = here.ok(&["run", "--recipe", "recipe.toml", "-o", "art"]);
    assert!(said.contains("VERDICT: ") && said.contains("MONEY: "), "{said}");
    for baseline in ["ewma", "garch", "har"] {
        assert!(said.contains(&format!("specialist − {baseline}")), "{said}");
    }
    let page = std::fs::read_to_string(here.path("art/report.html")).unwrap();
    for panel in
        ["Money after costs", "What one unit of capital became", "Information coefficient by month", "The last trades"]
    {
        assert!(page.contains(panel), "{panel}");
    }
    here.ok(&["verify", "--artifact", "art"]);
    let scores = here.ok(&["predict", "--artifact", "art", "--data", "bars.csv"]);
    // The first row needs 253 bars; the latest bars have no label yet and are scored all the same.
    assert_eq!(scores.lines().count(), 1 + 900 - 252);
    assert!(here.ok(&["explain", "--artifact", "art", "--data", "bars.csv"]).contains("line 901"));
    here.refused(&["signal", "--artifact", "art", "--data", "bars.csv"], 2, &["days old", "--as-of"]);
    let said = here.ok(&["signal", "--artifact", "art", "--data", "bars.csv", "--as-of", "2002-06-18"]);
    assert!(said.contains("S00 after the bar of 2002-06-18") && said.contains("weight"), "{said}");
    let earlier = here.ok(&["signal", "--artifact", "art", "--data", "bars.csv", "--as-of", "2002-05-01"]);
    assert!(earlier.contains("2002-05-01"), "{earlier}");
    let said = here.ok(&["backtest", "--artifact", "art", "-o", "trades.csv"]);
    assert!(said.contains("Sharpe ratio") && said.contains("trades"), "{said}");
    let trades = std::fs::read_to_string(here.path("trades.csv")).unwrap();
    assert!(trades.starts_with("signal,fill,asset,units,price,cost\n") && trades.lines().count() > 1);
    for line in trades.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        assert!(cells[1] > cells[0], "a fill comes after its signal: {line}");
    }
    let said = here.ok(&["validate", "--artifact", "art", "--every", "100"]);
    assert!(said.contains("tuned again, rolling") && said.contains("15 ways"), "{said}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let here = sound();
    for threads in ["1", "2"] {
        here.ok(&["run", "--recipe", "recipe.toml", "-o", threads, "--threads", threads, "-q"]);
    }
    let read = |folder: &str, file: &str| std::fs::read(here.path(folder).join(file)).unwrap();
    for file in ["evidence.json", "models/specialist.json", "report.html", "manifest.json"] {
        assert_eq!(read("1", file), read("2", file), "{file}");
    }
}

#[test]
fn signals_of_ones_own_are_traded_and_those_that_fill_on_their_own_bar_are_refused() {
    let here = sound();
    here.write("signals.csv", "time,asset,weight\n2001-01-01,S01,1\n2001-06-01,S01,0\n");
    let said = here.ok(&["backtest", "--data", "bars.csv", "--signals", "signals.csv", "-o", "trades.csv"]);
    assert!(said.contains("2 trades"), "{said}");
    let trades = std::fs::read_to_string(here.path("trades.csv")).unwrap();
    assert!(trades.contains("2001-01-01,2001-01-02,S01,"), "{trades}");
    assert!(said.contains("alpha beside it") && said.contains("holding the same in equal parts"), "{said}");
    // The same trades as Parquet, and the account beside holding.
    let run = ["backtest", "--data", "bars.csv", "--signals", "signals.csv"];
    here.ok(&[&run[..], &["-o", "trades.parquet", "--equity", "equity.csv", "--json"]].concat());
    assert!(std::fs::read(here.path("trades.parquet")).unwrap().starts_with(b"PAR1"));
    let equity = std::fs::read_to_string(here.path("equity.csv")).unwrap();
    assert!(equity.starts_with("time,equity,benchmark\n2001-01-01,1000000,1000000\n"), "{}", &equity[..60]);
    here.write("signals.csv", "time,asset,weight,fill\n2001-01-01,S01,1,2001-01-02\n2001-06-01,S01,0,2001-06-01\n");
    here.refused(&run, 3, &["signals.csv, line 3", "1 order(s)", "next bar"]);
    here.write("signals.csv", "time,asset,weight\n2001-01-01,S01,1\n2001-01-01,S01,0.5\n");
    here.refused(&run, 3, &["line 3", "the first is in line 2"]);
    here.write("signals.csv", "time,asset,weight\n2001-01-01,S01,much\n");
    here.refused(&run, 3, &["line 2", "`weight` must be a number"]);
    here.write("signals.csv", "time,asset,weight\n2001-01-01,XX,1\n");
    here.refused(&run, 3, &["line 2", "no bars of this asset"]);
    here.write("signals.csv", "time,asset,weight\n1.1.2001,S01,1\n");
    here.refused(&run, 3, &["line 2", "`time`"]);
}

#[test]
fn a_universe_may_say_sectors() {
    let here = sound();
    here.write(
        "universe.csv",
        "asset,entry,exit,sector\nS00,2000-01-01,,a\nS01,2000-01-01,,a\nS02,2000-01-01,,b\nS03,2000-01-01,,b\n",
    );
    here.write("recipe.toml", &RECIPE.replace("horizon = 5", "horizon = 5\nuniverse = \"universe.csv\""));
    let features = here.ok(&["features", "--recipe", "recipe.toml"]);
    assert!(
        features.lines().next().unwrap().ends_with("sector-beta-63,sector-correlation-63,beside-sector-21"),
        "{}",
        &features[..900]
    );
    let said = here.ok(&["run", "--recipe", "recipe.toml", "-o", "out"]);
    assert!(said.contains("VERDICT: "), "{said}");
    let explained = here.ok(&["explain", "--artifact", "out", "--data", "bars.csv"]);
    assert!(explained.contains("all other features"), "{explained}");
}

#[test]
fn a_first_recipe_for_a_file_of_bars() {
    let here = Here::new();
    here.write("my bars.csv", &universe().csv(7));
    here.ok(&["init", "--data", "my bars.csv"]);
    let recipe = std::fs::read_to_string(here.path("recipe.toml")).unwrap();
    assert!(recipe.contains("\"my bars.csv\"") && recipe.contains("Volatility of S0"), "{recipe}");
    let said = here.ok(&["run", "--recipe", "recipe.toml", "--set", "tune.trials=4", "-o", "out"]);
    assert!(said.contains("VERDICT: "), "{said}");
    here.write("rows.csv", "a,b\n1,2\n");
    here.refused(&["init", "--data", "rows.csv", "-o", "other.toml"], 3, &["rows.csv"]);
}

/// Bars within the day, little volume, and an order that is too large for it.
#[test]
fn signals_within_the_day_are_traded_and_what_lapses_is_said() {
    let here = Here::new();
    let mut bars = String::from("time,asset,open,high,low,close,volume\n");
    for i in 0..30 {
        let price = 100.0 + f64::from(i % 3);
        bars += &format!("2024-01-{}T{:02}:00:00,A,{price},{price},{price},{price},1000\n", 22 + i / 6, 9 + i % 6);
    }
    here.write("bars.csv", &bars);
    here.write("signals.csv", "time,asset,weight\n2024-01-22T09:00:00,A,1\n2024-01-25T12:00,A,0\n");
    let out = here.run(&["backtest", "--data", "bars.csv", "--signals", "signals.csv", "-o", "trades.csv"]);
    let (said, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let trades = std::fs::read_to_string(here.path("trades.csv")).unwrap_or_default();
    assert!(trades.contains("2024-01-22T09:00:00Z,2024-01-22T10:00:00Z,A,100,"), "{trades} {said} {errors}");
    assert!(errors.contains("1 order(s) asked for more than 0.1 of their bar's volume"), "{errors}");
}

#[test]
fn numbers_are_forecast_as_well_as_classes() {
    let here = sound();
    for (task, metric, column, baseline) in [
        ("realised", "r2", "mean", "har"),
        ("return", "r2", "mean", "zero"),
        ("quantile", "pinball-0.05", "quantile", "garch"),
    ] {
        for estimator in ["glm", "boosted-trees"] {
            let sets = [
                format!("domain.task={task}"),
                format!("compare.metric={metric}"),
                format!("pretrain.estimator={estimator}"),
                "tune.ensemble=2".into(),
            ];
            let mut args = vec!["run", "--recipe", "recipe.toml", "-o", "out"];
            sets.iter().for_each(|s| args.extend(["--set", s.as_str()]));
            let said = here.ok(&args);
            assert!(said.contains("VERDICT: ") && said.contains("MONEY: no edge shown"), "{said}");
            assert!(said.contains(&format!("specialist − {baseline}")), "{task}: {said}");
            here.ok(&["verify", "--artifact", "out"]);
            let scores = here.ok(&["predict", "--artifact", "out", "--model", "specialist", "--data", "bars.csv"]);
            assert!(scores.starts_with(&format!("id,{column}\nS00 ")), "{}", &scores[..40]);
            here.ok(&["predict", "--artifact", "out", "--model", "ensemble", "--data", "bars.csv"]);
            let signal =
                here.ok(&["signal", "--artifact", "out", "--data", "bars.csv", "--as-of", "2002-06-18", "--json"]);
            assert!(signal.contains(&format!("\"{column}\": ")), "{signal}");
            assert_eq!(signal.contains("\"volatility\": null"), task == "return", "{signal}");
            here.ok(&["validate", "--artifact", "out", "--groups", "3"]);
            std::fs::remove_dir_all(here.path("out")).unwrap();
        }
    }
    here.refused(
        &[
            "run",
            "--recipe",
            "recipe.toml",
            "--set",
            "domain.task=return",
            "--set",
            "compare.metric=r2",
            "--set",
            "pretrain.estimator=linfa-tree",
        ],
        2,
        &["one that predicts the mean of a number: boosted-trees, glm"],
    );
    // The recipe's ROC-AUC judges no numbers: said before anything is fitted.
    here.refused(&["check", "--recipe", "recipe.toml", "--set", "domain.task=return"], 2, &["compare.metric", "r2"]);
    here.refused(
        &["check", "--recipe", "recipe.toml", "--set", "domain.task=quantile", "--set", "domain.quantile=0.5"],
        2,
        &["domain.quantile", "in a tail"],
    );
}

#[test]
fn every_asset_in_turn() {
    let here = sound();
    let said = here.ok(&["each", "--recipe", "recipe.toml"]);
    assert!(said.contains("S03") && said.contains("mean ± sd") && said.contains("of 4"), "{said}");
}

#[test]
fn features_are_written() {
    let here = sound();
    here.ok(&["features", "--data", "bars.csv", "-o", "features.csv"]);
    let text = std::fs::read_to_string(here.path("features.csv")).unwrap();
    assert!(text.starts_with("time,asset,return-1,"));
    assert_eq!(text.lines().count(), 1 + 4 * (900 - 252));
}

#[test]
fn a_long_table_with_ranges_and_volume_is_read() {
    let here = sound();
    here.write("bars.csv", &long(|_, _| {}));
    let said = here.ok(&["run", "--recipe", "recipe.toml", "-o", "art"]);
    assert!(said.contains("VERDICT: "), "{said}");
    let probes = std::fs::read_to_string(here.path("art/probes.json")).unwrap();
    assert!(probes.contains("yang-zhang-21") && probes.contains("turnover-5-63"));
}

#[test]
fn a_declared_split_leaves_no_jump() {
    let here = sound();
    // A split of 10 for 1 on row 1,500's day, of one asset.
    let split = |declared: bool| {
        let text = long(|line, cells| {
            if cells[1] == "S01" && line >= 1500 {
                for c in &mut cells[2..6] {
                    *c = format!("{:.6}", c.parse::<f64>().unwrap() / 10.0);
                }
            }
        });
        let first = text.lines().enumerate().position(|(i, l)| i + 1 >= 1500 && l.contains(",S01,")).unwrap();
        let row = |(i, l): (usize, &str)| match (i, declared) {
            (0, _) => format!("{l},split\n"),
            (i, true) if i == first => format!("{l},10\n"),
            _ => format!("{l},\n"),
        };
        text.lines().enumerate().map(row).collect::<String>()
    };
    here.write("bars.csv", &split(false));
    let out = here.run(&CHECK);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(3), "{said}");
    assert!(said.contains("unadjusted-split") && said.contains("(S01,"), "{said}");
    here.write("bars.csv", &split(true));
    here.ok(&CHECK);
}

/// `check` finds `name` as a leak, with a row.
fn leaks(bars: &str, name: &str, row: &str) {
    let here = sound();
    here.write("bars.csv", bars);
    let out = here.run(&CHECK);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(3), "{name}: {said}\n{}", String::from_utf8_lossy(&out.stderr));
    assert!(said.contains(name) && said.contains(row), "{name} {row}: {said}");
    here.refused(&["run", "--recipe", "recipe.toml", "-o", "art"], 3, &["the data leaks", name]);
    assert!(!here.path("art").exists(), "nothing is written");
}

#[test]
fn copies_for_missing_days_future_bars_and_mixed_clocks_stop_the_run() {
    let copied = |line: usize| (1200..1400).contains(&line) && line % 20 < 4;
    let before = long(|_, _| {});
    let close =
        |line: usize| before.lines().nth(line - 1).unwrap().split(',').skip(2).map(String::from).collect::<Vec<_>>();
    leaks(
        &long(|line, cells| {
            if copied(line) {
                cells.splice(2.., close(line - 4)).for_each(drop);
            }
        }),
        "padded-bars",
        "bars.csv line 1202 (S00, ",
    );
    leaks(
        &long(|line, cells| {
            if line > 3600 {
                cells[0] = format!("2099-01-{:02}", 1 + (line - 3601) / 4);
            }
        }),
        "future-bars",
        "2099-01-01",
    );
    let clock = |line: usize, cells: &mut Vec<String>| {
        if (2000..2040).contains(&line) && cells[1] == "S02" {
            cells[0] += "T05:00:00Z";
        }
    };
    leaks(&long(clock), "mixed-clocks", "S02");
}

#[test]
fn bars_that_cannot_be_are_refused_with_their_line() {
    let refused = |bars: &str, words: &[&str]| {
        let here = sound();
        here.write("bars.csv", bars);
        here.refused(&CHECK, 3, words);
    };
    let cell = |line: usize, column: usize, value: &str| {
        long(|l, cells| {
            if l == line {
                cells[column] = value.into();
            }
        })
    };
    refused(&cell(100, 5, "0"), &["bars.csv line 100 (S0", "a price must be above 0"]);
    refused(&cell(100, 5, "-3"), &["line 100", "a price must be above 0"]);
    refused(&cell(100, 3, "0.5"), &["line 100", "the highest price is below the lowest"]);
    refused(&cell(100, 5, "9999"), &["line 100", "outside the bar's range"]);
    refused(&cell(100, 5, "many"), &["line 100", "column `close`"]);
    refused(&cell(100, 0, "last week"), &["line 100", "column `date`"]);
    refused(&(long(|_, _| {}) + "2000-01-05,S01,1,1,1,1,1\n"), &["two bars of S01 at 2000-01-05", "lines"]);
    refused(&long(|_, _| {}).replacen("date,", "when,", 1), &["line 1", "no column for the time"]);
    refused(&long(|_, _| {}).replacen("close", "last", 1), &["line 1", "need a column `close`"]);
    refused("date,S00\n2000-01-01,1\n2000-01-02,2\n", &["none is left for the source", "[target] where"]);
    let short: String = universe().csv(7).lines().take(200).map(|l| l.to_string() + "\n").collect();
    refused(&short, &["none has history enough", "look back 253 bars"]);
}

#[test]
fn repairs_are_said() {
    let here = sound();
    let text = universe().csv(7);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(400, 401);
    here.write("bars.csv", &(lines.join("\n") + "\n"));
    let said = here.ok(&CHECK);
    assert!(said.contains("unsorted-bars") && said.contains("put in order"), "{said}");
    assert!(said.contains("survivorship"), "{said}");
    // An asset with a hole of two months begins anew behind it.
    let hole = |(i, l): (usize, &str)| match l.rsplit_once(',') {
        Some((rest, _)) if (500..560).contains(&i) => format!("{rest},\n"),
        _ => format!("{l}\n"),
    };
    here.write("bars.csv", &text.lines().enumerate().map(hole).collect::<String>());
    assert!(here.ok(&CHECK).contains("1 gap(s) of more than 21 days"));
}

#[test]
fn settings_are_checked_before_anything_is_fitted() {
    let here = sound();
    let refused =
        |set: &str, words: &[&str]| here.refused(&["check", "--recipe", "recipe.toml", "--set", set], 2, words);
    refused("domain.horizon=0", &["domain.horizon"]);
    refused("domain.horison=3", &["domain", "horison"]);
    refused("domain.task='wealth'", &["domain"]);
    refused("domain.costs.commission=-1", &["domain.costs"]);
    refused("domain.from='1.2.2003'", &["domain.from"]);
    refused("split.gap='2d'", &["split.gap", "at least \"5d\""]);
    refused("target.where.asset=['S99']", &["S99", "has no bars"]);
    refused("target.where.sector=['tech']", &["where.sector"]);
    refused("check.waive=['nothing']", &["check.waive"]);
    refused("target.data='gone.csv'", &["gone.csv"]);
}

/// A date filter that does nothing is said; one that works leaves only what it should.
#[test]
fn a_date_filter_is_never_skipped_silently() {
    let here = sound();
    let with = |from: &str| {
        let set = format!("domain.from='{from}'");
        here.ok(&["check", "--json", "--recipe", "recipe.toml", "--set", &set])
    };
    assert!(with("1990-01-01").contains("leave out no bar"));
    assert!(with("2000-03-01").contains("leave out 240 of 3600 bars"));
    assert!(
        here.run(&["check", "--recipe", "recipe.toml", "--set", "domain.from='2050-01-01'"]).status.code() == Some(3)
    );
    // Source rows of the sealed period are a leak where the recipe does not cut them.
    let out = here.run(&["check", "--json", "--recipe", "recipe.toml", "--set", "split.cut_source=false"]);
    assert!(String::from_utf8_lossy(&out.stdout).contains("the generalist would know the future"));
}

#[test]
fn a_universe_that_knows_the_outcome_stops_the_run() {
    let here = Here::new();
    let market = universe().market(3);
    here.write("bars.csv", &universe().csv(3));
    here.write("recipe.toml", &RECIPE.replace("horizon = 5", "horizon = 5\nuniverse = \"universe.csv\""));
    // Whoever is about to fall leaves for three weeks.
    let mut text = String::from("asset,entry,exit\n");
    for a in &market.assets {
        let mut from = 0;
        for block in (21..a.bars.len() - 21).step_by(21) {
            if a.bars[block + 21].close < a.bars[block].close * 0.97 && a.name != "S00" {
                let day = trading::bars::day;
                if from < block {
                    text += &format!("{},{},{}\n", a.name, day(a.bars[from].time), day(a.bars[block - 1].time));
                }
                from = block + 21;
            }
        }
        text += &format!("{},{},\n", a.name, trading::bars::day(a.bars[from].time));
    }
    here.write("universe.csv", &text);
    let out = here.run(&CHECK);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(3), "{said} {out:?}");
    assert!(said.contains("universe-by-outcome") && said.contains("chosen by what came afterwards"), "{said}");
}
