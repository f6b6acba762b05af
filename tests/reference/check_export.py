"""Adapts a model that Python xgboost trained, exports every candidate that has an XGBoost form, opens it
in Python xgboost and compares the scores: python check_export.py PATH_OF_MEDICAL ROOT_OF_WORKSPACE.
Then opens them in XGBoost 1.0 to 3.2 (check_versions.py), which must all give the same margins."""
import json
import pathlib
import subprocess
import sys
import tempfile

import pandas as pd
import xgboost

medical, root = sys.argv[1:]
here = tempfile.mkdtemp()


def run(*args):
    return subprocess.run([medical, *args], check=True, cwd=here, capture_output=True, text=True).stdout


data = pd.read_csv(f"{root}/data/thyroid/thyroid.csv", dtype={"patient_id": str})
data = data[data.referral_source == "SVHC"]
data.to_csv(f"{here}/svhc.csv", index=False)
x = data.copy()
x.loc[x.age > 110, "age"] = float("nan")
for column in x.columns:
    if set(x[column].dropna()) <= {"f", "t"}:
        x[column] = x[column].map({"f": 0.0, "t": 1.0})
x["sex"] = x.sex.map({"F": 0.0, "M": 1.0})
exported = []
model = f"source.model={root}/tests/fixtures/thyroid_xgboost.json"
for tuning, candidate in [("continue", "specialist"), ("leaf-refit", "specialist"), ("slope", "recalibrated")]:
    run("run", "-q", "--recipe", "thyroid-own-model", "--set", model, "--set", f"tune.tunings=['{tuning}']", "--output", tuning)
    run("export", "--artifact", tuning, "--model", candidate, "--output", "model.json")
    run("predict", "--artifact", tuning, "--model", candidate, "--data", "svhc.csv", "--output", "scores.csv")
    ours = pd.read_csv(f"{here}/scores.csv").probability.to_numpy()
    booster = xgboost.Booster(model_file=f"{here}/model.json")
    features = x[booster.feature_names].astype("float32")
    theirs = booster.predict(xgboost.DMatrix(features))
    apart = abs(ours - theirs).max()
    trees = booster.num_boosted_rounds()
    print(f"{candidate} by {tuning}: {trees} trees, {len(ours)} rows, largest difference of a score {apart:.1e}")
    assert apart < 1e-5
    margins = booster.predict(xgboost.DMatrix(features), output_margin=True).astype(float).tolist()
    exported.append({"model": f"{tuning}.json", "rows": "rows.csv", "features": booster.feature_names, "expected_margin": margins})
    pathlib.Path(here, f"{tuning}.json").write_bytes(pathlib.Path(here, "model.json").read_bytes())
    features.to_csv(f"{here}/rows.csv", index=False)
pathlib.Path(here, "expected.json").write_text(json.dumps(exported))
# Wheels of the old versions are for Python 3.11.
versions = "1.0.2,1.7.6,2.0.3,3.2.0" if sys.version_info[:2] == (3, 11) else "3.2.0"
subprocess.run([sys.executable, f"{root}/tests/reference/check_versions.py", here, "--versions", versions], check=True)
