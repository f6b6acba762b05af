"""Trains small models with old and new XGBoost and LightGBM and keeps each with that version's own scores:
python tests/reference/make_tree_models.py [--venvs DIR]   (writes tests/fixtures/trees; needs Python 3.11)

Each version lives in a virtual environment of its own, in which this file runs again as `--worker`. Data are
drawn from fixed seeds, the same for all versions. Scores are those of the model read back from its file, on rows
read back from theirs: what an importer sees."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from check_versions import numbers, python_with, read_rows

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "trees"
VERSIONS = {
    "xgboost": ["1.0.2", "1.3.3", "1.7.6", "2.0.3", "2.1.4", "3.0.5", "3.1.3", "3.2.0"],
    "lightgbm": ["4.7.0", "4.0.0", "3.3.5", "2.3.1"],  # the oldest forbids most: rows are named after the first
}
# Versions between two that differ little are made with fewer variants, for size.
LEAN = {
    **dict.fromkeys(["2.1.4", "3.0.5"], "plain early-stopping categories"),
    "3.1.3": "plain missing base-score early-stopping names squared-error aft categories integer-categories",
    "4.0.0": "plain missing early-stopping names doubles categories integer-categories",
}
SINCE = {
    "xgboost": {"aft": "1.2", "categories": "1.6", "integer-categories": "3.1", "vector-leaf": "2.0"},
    "lightgbm": {"dart": "3.3", "rf": "3.3", "linear-tree": "3.3"},  # dart and rf are older, but rare
}
UBJSON = "plain names early-stopping categories integer-categories dart".split()
ROUNDS = {"forest": 2, "softprob": 4, "softmax": 4, "softprob-forest": 2, "multiclass": 4, "multiclass-rf": 4, "multiclassova": 4, "vector-leaf": 4}  # others 8; for size

# Kind of data: {variant: parameters}. The objective is binary unless said.
XGBOOST = {kind: {kind: {}} for kind in ("missing", "names", "column-order", "large-doubles")} | {
    "plain": {"plain": {}, "base-score": dict(base_score=0.2), "early-stopping": dict(eta=0.9)},
    "weighted": {"weighted": dict(scale_pos_weight=3)},
    "regression": {"squared-error": dict(objective="reg:squarederror")},
    "cox": {"cox": dict(objective="survival:cox")},
    "aft": {"aft": dict(objective="survival:aft", aft_loss_distribution="logistic", aft_loss_distribution_scale=1.2)},
    # Three levels are split one against the rest, six by sets.
    "categories": {"categories": dict(tree_method="hist", max_cat_to_onehot=4)},
    "integer-categories": {"integer-categories": dict(tree_method="hist", max_cat_to_onehot=1)},
}
DRAWN = dict(subsample=0.7, colsample_bynode=0.7)
SOFTPROB = dict(objective="multi:softprob", num_class=3, max_depth=2)
XGBOOST_RARE = {
    "plain": {
        "forest": dict(DRAWN, num_parallel_tree=4, eta=1),
        "forest-early-stopping": dict(DRAWN, num_parallel_tree=2, eta=0.9, max_depth=2),
        "dart": dict(booster="dart", rate_drop=0.4, one_drop=1),
        "gblinear": dict(booster="gblinear"),
        **{name: dict(objective=f"binary:{name}") for name in ("logitraw", "hinge")},
    },
    "fractions": {"reg-logistic": dict(objective="reg:logistic")},
    "counts": {"poisson": dict(objective="count:poisson")},
    "classes": {
        "softprob": SOFTPROB,
        "softmax": dict(SOFTPROB, objective="multi:softmax"),
        "softprob-forest": dict(SOFTPROB, **DRAWN, num_parallel_tree=3, eta=1),
        "softprob-early-stopping": dict(SOFTPROB, eta=0.9),
        "vector-leaf": dict(SOFTPROB, multi_strategy="multi_output_tree", tree_method="hist"),
    },
}
GROUPS = dict(min_data_per_group=5, cat_smooth=1, cat_l2=1)  # small, for few rows
LIGHTGBM = {kind: {kind: {}} for kind in ("names", "column-order", "collision", "doubles")} | {
    "plain": {
        **{"plain": {}, "early-stopping": dict(learning_rate=0.6), "sigmoid": dict(sigmoid=2.0)},
        **{"no-average": dict(boost_from_average=False), "unbalanced": dict(is_unbalance=True)},
        "goss": dict(boosting="goss", top_rate=0.3, other_rate=0.2),
        "dart": dict(boosting="dart", drop_rate=0.4, skip_drop=0.0),
        "rf": dict(boosting="rf", bagging_freq=1, bagging_fraction=0.6),
    },
    "missing": {"missing": {}, "no-missing": dict(use_missing=False)},
    "zeros": {"zero-as-missing": dict(zero_as_missing=True)},
    "regression": {"l2": dict(objective="regression"), "linear-tree": dict(objective="regression", linear_tree=True)},
    **{kind: {kind: GROUPS} for kind in ("categories", "integer-categories")},
}
LIGHTGBM_RARE = {
    "plain": {"max-bin": dict(max_bin=4)},
    "regression": {
        **{"l1": dict(objective="regression_l1"), "quantile": dict(objective="quantile", alpha=0.7)},
        "sqrt": dict(objective="regression", reg_sqrt=True),
    },
    "counts": {"poisson": dict(objective="poisson")},
    "fractions": {"cross-entropy": dict(objective="cross_entropy")},
    "classes": {
        **{name: dict(objective=name, num_class=3, num_leaves=4) for name in ("multiclass", "multiclassova")},
        "multiclass-rf": dict(objective="multiclass", num_class=3, num_leaves=4, boosting="rf", bagging_fraction=0.6, bagging_freq=1),
    },
}


def sample(kind, count, seed):
    """Rows of one kind: features, label, category levels (in the order of their codes) and what else it takes."""
    draw = np.random.RandomState(seed)
    # Grids of 0.1, 0.01 and 1, where scored values meet thresholds, and a column off any grid.
    x = pd.DataFrame(dict(age=draw.uniform(18, 90, count).round(1), lab=np.exp(draw.normal(1, 0.6, count)).round(2)))
    x = x.assign(visits=draw.poisson(1.2, count), score=draw.normal(size=count), dose=draw.uniform(-1, 1, count).round(3))
    z = 0.05 * (x.age - 60) + (x.lab - 3) * 0.4 + 0.7 * (x.visits > 1) - x.score * (x.age > 50) + x.dose
    z, levels = z.to_numpy(), {}
    if kind in ("large-doubles", "doubles"):
        whole = kind == "large-doubles"  # XGBoost sees float32, whose steps are 128 at 1.7e9 and 2**29 below 2**53
        seconds = 1.7e9 + draw.uniform(0, 4e6 if whole else 4e3, count).round(0 if whole else 3)
        account = 2**53 - draw.randint(0, 2**40, count) if whole else 2**52 + draw.randint(0, 2000, count)
        x = x.drop(columns=["visits", "dose"]).assign(seconds=seconds, account=account)
        z = z + 2 * (seconds > np.median(seconds)) - 2 * (account > np.median(account))
    if kind == "categories":
        levels = dict(city=["Riga", "Oslo", "Köln, Süd", "Aarhus", "Zagreb", "Bern"], grade=["low", "high", "middle"])
        levels |= dict(product=[f"P{7 * i % 40:02}" for i in range(40)]) if library == "lightgbm" else {}
    if kind == "integer-categories":
        levels = dict(ward=[30, 4, 17, 101, 8, 22])
    for name, values in levels.items():
        code = draw.randint(0, len(values), count)
        z = z + np.array([1.5, -1, 0.4, 1.2, -1.6, -0.3, 0.8])[code % 7] * 1.5
        column = pd.Series(np.array(values, dtype=object)[code])
        if kind == "categories":
            column[draw.uniform(size=count) < 0.08] = None
        x.insert(1, name, pd.Categorical(column, categories=values))
    if kind == "integer-categories" and library == "lightgbm":
        x["ward"], levels = x.ward.astype(float), {}  # plain numbers, declared by categorical_feature
    if kind in ("missing", "zeros"):
        x = x.mask(draw.uniform(size=x.shape) < 0.2)
    # XGBoost forbids [ ] <, LightGBM what JSON reserves and, before 3, all that is not ASCII.
    size = "Groesse" if library == "lightgbm" and numbers(version) < (3,) else "Größe"
    dose = "dose/day" if library == "lightgbm" else 'dose/day, "corrected"'
    names = ["Blood pressure", "CRP (mg/L)", size, "1st score = ok?", dose]
    renamed = {"names": names, "column-order": "zeta mid alpha kappa beta".split(), "collision": ["a b", *"a_b c d e".split()]}
    x.columns = renamed.get(kind, x.columns)
    chance, noise, luck = 1 / (1 + np.exp(-z)), draw.normal(size=count), draw.uniform(size=count)
    time, seen = np.exp(2 - z / 3 + 0.4 * noise), luck < 0.7
    label = {
        "regression": 40 + 3 * z + noise,
        "fractions": chance,
        "counts": draw.poisson(np.exp(z / 3)).astype(float),
        "classes": np.digitize(z, [-1, 0.7]).astype(float),
        "cox": np.where(seen, time, -time),  # a censored time is negative
    }.get(kind, (luck < chance).astype(float))
    bounds = dict(label_lower_bound=time, label_upper_bound=np.where(seen, time, np.inf))
    more = {"weighted": dict(weight=draw.uniform(0.2, 3, count)), "aft": bounds}.get(kind, {})
    return x, label, levels, more


def to_score(kind, model, train):
    """The rows to score. Some get values that test one rule of the format."""
    x = sample(kind, 60, 2)[0]
    if kind == "column-order":
        x = x[sorted(x.columns)]
    if kind == "large-doubles":  # training values and their neighbours, which float32 cannot tell apart
        x = train.assign(seconds=train.seconds + train.index % 5 * 37 - 74, account=train.account + train.index % 3 - 1)[:60]
    if kind == "doubles":
        x = near_thresholds(model, train.astype(float))
    if kind == "zeros":
        x.loc[:3, "score"] = [0.0, -0.0, 1e-36, -1e-34]  # up to 1e-35 is zero to LightGBM
    if kind == "integer-categories" and library == "lightgbm":
        x.loc[:4, "ward"] = [99, np.nan, -1, 4.7, 500]  # unseen, missing, negative, cut to 4, past the bitset
    return x


def near_thresholds(model, x):
    """For one threshold after another: rows on it, a step above it, and between it and its float32. Each is a
    training row in which that one value decides."""
    text, found = model.model_to_string(), []
    columns, edges = [" ".join(re.findall(rf"^{key}=(.*)$", text, re.M)).split() for key in ("split_feature", "threshold")]
    for column, edge in sorted({(int(column), float(edge)) for column, edge in zip(columns, edges)}):
        column, single = x.columns[column], float(np.float32(edge))
        values = edge, np.nextafter(edge, np.inf), edge + (single - edge) / 2
        decides = np.flatnonzero(model.predict(x.assign(**{column: edge})) != model.predict(x.assign(**{column: values[1]})))
        if len(decides):
            found.append([dict(x.iloc[decides[0]], **{column: value}) for value in values])
    found = sum(found[:: max(1, len(found) // 19)][:19], [])  # spread over the columns
    rows = pd.DataFrame(found + x.iloc[: 60 - len(found)].to_dict("records"))
    assert (model.predict(rows) != model.predict(rows.astype("float32").astype(float))).sum() > 10
    return rows


def keep_rows(kind, x):
    """Writes scored rows, shared between models where they are the same."""
    text, path = x.to_csv(index=False), OUT / f"{library}-{kind}.rows.csv"
    if path.exists() and path.read_text() != text:
        path = OUT / f"{library}-{version}-{kind}.rows.csv"
    path.write_text(text)
    return path


def with_xgboost(kind, variant, params, x, y, levels, more):
    import xgboost

    def matrix(x, y=None, more={}):
        data = xgboost.DMatrix(x, label=y, weight=more.get("weight"), **(dict(enable_categorical=True) if levels else {}))
        for bound in more.keys() - {"weight"}:
            data.set_float_info(bound, more[bound])
        return data
    usual = dict(objective="binary:logistic", eta=0.3, nthread=1, seed=1, verbosity=0)
    params = usual | ({} if variant == "gblinear" else dict(max_depth=3)) | params
    rounds, stop, limit, best, note = ROUNDS.get(variant, 8), {}, {}, None, []
    if "early-stopping" in variant:
        valid = [(matrix(*sample(kind, 200, 3)[:2]), "valid")]
        rounds, stop = 30, dict(evals=valid, early_stopping_rounds=3, verbose_eval=False)
    model = xgboost.train(params, matrix(x, y, more), rounds, **stop)
    if stop:
        best = model.best_iteration
        per_round = params.get("num_parallel_tree", 1) * params.get("num_class", 1)
        assert best + 1 < len(model.get_dump()) // per_round
        limit = dict(iteration_range=(0, best + 1)) if numbers(version) >= (1, 4) else dict(ntree_limit=best + 1)
        note = ["the file holds rounds past the best one (counted from 0), at which scores stop"]
    note += ["levels are in the file" if numbers(version) >= (3, 1) else "levels are not in the file"] * bool(levels)
    binary = {"1.3.3": ["model"], "1.7.6": ["deprecated"]}.get(version, []) if variant == "plain" else []
    for suffix in ["json"] + ["ubj"] * (numbers(version) >= (1, 6) and variant in UBJSON) + binary:
        file = OUT / f"xgboost-{version}-{variant}.{suffix}"
        model.save_model(str(file))
        back = xgboost.Booster(params=dict(nthread=1, verbosity=0), model_file=str(file))
        in_file = json.loads(file.with_suffix(".json").read_text())["learner"].get("feature_names")
        def score(rows):
            data = matrix(rows)
            margin = back.predict(data, output_margin=True, **limit)
            assert np.array_equal(margin, model.predict(data, output_margin=True, **limit))
            return back.predict(data, **limit), margin
        yield file, score, model, params["objective"], best, note + ["old binary format"] * (suffix in binary), in_file


def with_lightgbm(kind, variant, params, x, y, levels, more):
    import lightgbm

    usual = dict(objective="binary", num_leaves=7, learning_rate=0.3, min_data_in_leaf=5)
    params = dict(usual, num_threads=1, seed=1, verbose=-1) | params
    categorical = ["ward"] if kind == "integer-categories" else "auto"
    data = lightgbm.Dataset(x, y, categorical_feature=categorical, params=params, free_raw_data=False)
    quiet = dict(verbose_eval=False) if numbers(version) < (4,) else {}
    rounds, stop, seen, best = ROUNDS.get(variant, 8), {}, {}, None
    note = ["raw scores are the sum over trees, not their mean"] * variant.endswith("rf")
    if variant == "early-stopping":
        valid = lightgbm.Dataset(*sample(kind, 200, 3)[:2], reference=data, params=params)
        calls = [lightgbm.early_stopping(3, verbose=False), lightgbm.record_evaluation(seen)]
        rounds, stop = 30, dict(valid_sets=[valid], callbacks=calls)
    model = lightgbm.train(params, data, rounds, **stop, **quiet)
    if stop:
        best, note = model.best_iteration, ["the file ends with the best round (counted from 1)"]
        assert best < len(seen["valid_0"]["binary_logloss"])
    file = OUT / f"lightgbm-{version}-{variant}.txt"
    model.save_model(str(file))
    back = lightgbm.Booster(model_file=str(file))
    def score(rows):
        margin = back.predict(rows, raw_score=True)
        assert np.array_equal(margin, model.predict(rows, raw_score=True))
        return back.predict(rows), margin
    yield file, score, model, params["objective"], best, note, back.feature_name()


def make(kind, variant, params):
    """The entries of one variant: a model file, or two, with its scored rows."""
    x, y, levels, more = sample(kind, 300, 1)
    train = with_xgboost if library == "xgboost" else with_lightgbm
    for file, score, model, objective, best, note, in_file in train(kind, variant, params, x, y, levels, more):
        same = kind in ("weighted", "regression", "cox", "aft", "fractions", "counts", "classes")  # but for the label
        for rows in ["plain" if same else kind] + ["missing"] * (variant == "plain" and file.suffix in (".json", ".txt")):
            path = keep_rows(rows, to_score(rows, model, x))
            expected, margin = score(read_rows(path, levels)[list(x.columns)])
            extra = ["missing cells where training had none"] * (rows != kind and not same)
            row = dict(file=file.name, library=library, version=version, format=file.suffix[1:], variant=variant)
            row |= dict(rows=path.name, features=list(x.columns), features_in_file=in_file, categories=levels or None)
            row |= dict(objective=objective, best_iteration=best, note="; ".join(note + extra))
            yield row | dict(expected=expected.tolist(), expected_margin=margin.tolist())


def work(result):
    made = []
    usual, rare = (XGBOOST, XGBOOST_RARE) if library == "xgboost" else (LIGHTGBM, LIGHTGBM_RARE)
    for kind, variants in [*usual.items(), *(rare.items() if version in ("1.7.6", "3.2.0", "4.7.0") else ())]:
        for variant, params in variants.items():
            early = numbers(version) < numbers(SINCE[library].get(variant, "0"))
            if early or variant not in LEAN.get(version, variant).split():
                continue
            try:
                made += make(kind, variant, params)
            except Exception as error:  # a version that refuses a variant is a finding, not a failure
                print(f"{library} {version} {variant}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
    Path(result).write_text(json.dumps(made))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venvs", help="folder for the virtual environments, kept (default: a temporary one)")
    OUT.mkdir(parents=True, exist_ok=True)
    for old in set(OUT.iterdir()) - {OUT / "CARD.md"}:
        old.unlink()
    matrix = []
    with tempfile.TemporaryDirectory() as temporary:
        venvs = Path(parser.parse_args().venvs or temporary).resolve()
        for name, versions in VERSIONS.items():
            for number in versions:
                python, result = python_with(name, number, venvs), Path(temporary) / "result.json"
                command = [python, "-W", "ignore", __file__, "--worker", name, number, result]
                subprocess.run(command, check=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
                matrix += json.loads(result.read_text())
    (OUT / "matrix.json").write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in matrix) + "\n]\n")
    print(f"{len(matrix)} entries, {sum(file.stat().st_size for file in OUT.iterdir())} bytes")


if __name__ == "__main__" and sys.argv[1:2] == ["--worker"]:
    import numpy as np
    import pandas as pd

    library, version, result = sys.argv[2:]
    work(result)
elif __name__ == "__main__":
    main()
