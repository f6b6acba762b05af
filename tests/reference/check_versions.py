"""Opens exported XGBoost models in several versions of Python xgboost and compares the margins:
python tests/reference/check_versions.py FOLDER [--list LIST] [--versions 1.7.6,3.2.0] [--venvs DIR]   (Python 3.11)

LIST (default FOLDER/expected.json) is a list of {model, rows, features, expected_margin}: a model file and a CSV of
rows in FOLDER, the features in the model's order and the margin of each row. `categories`, if there, gives the levels
of a column in the order of their codes. Exits with 1 if a version cannot open a model or is out by more than 1e-5."""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

VERSIONS = "1.3.3,1.7.6,2.0.3,3.2.0"
WITHIN = 1e-5
# Wheels of before 2023 want numpy's removed aliases (np.bool) and pandas' Int64Index: the last that have both.
OLD = ["numpy==1.23.5", "scipy==1.10.1", "pandas==1.5.3"]
NEW = ["numpy==1.26.4", "scipy==1.13.1", "pandas==2.2.3"]


def numbers(version):
    return tuple(int(part) for part in version.split("."))


def python_with(library, version, venvs):
    """The interpreter of a virtual environment with this version, installed on first use."""
    folder = venvs / f"{library}-{version}"
    python = folder / "bin" / "python"
    if (folder / "ready").exists():
        return python
    new = numbers(version) >= ((2,) if library == "xgboost" else (4, 1))
    # The CPU build is a fraction of the size. Old wheels ask for packages that they can do without.
    package = "xgboost-cpu" if library == "xgboost" and numbers(version) >= (2, 1, 1) else library
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:"]
    subprocess.run([*pip, *(NEW if new else OLD)], check=True)
    subprocess.run([*pip, *([] if new else ["--no-deps"]), f"{package}=={version}"], check=True)
    (folder / "ready").touch()
    return python


def read_rows(path, levels):
    """A CSV of rows, every double as written, with the columns of `levels` as pandas categories."""
    import pandas as pd

    x = pd.read_csv(path, float_precision="round_trip", dtype={name: str for name in levels})
    for name, values in levels.items():
        x[name] = pd.Categorical(x[name].map({str(value): value for value in values}), categories=values)
    return x


def check(folder, rows):
    """Runs within one version: prints the largest difference and what failed."""
    import numpy as np
    import xgboost

    largest, failed, apart = 0.0, [], []
    for row in rows:
        model = row.get("model") or row["file"]
        levels = row.get("categories") or {}
        x = read_rows(folder / row["rows"], levels)
        try:
            booster = xgboost.Booster(params=dict(nthread=1, verbosity=0), model_file=str(folder / model))
            data = xgboost.DMatrix(x[row["features"]], **(dict(enable_categorical=True) if levels else {}))
            margin = booster.predict(data, output_margin=True)
        except Exception as error:  # a version that cannot open a model is what this script looks for
            reasons = [line for line in str(error).splitlines() if line.strip() and "Stack trace" not in line]
            failed.append(f"{model}: {type(error).__name__}: {' '.join(reasons[:1])[-160:]}")
            continue
        difference = np.abs(margin - np.asarray(row["expected_margin"])).max()
        largest = max(largest, difference)
        if not difference <= WITHIN:
            apart.append(f"{model} on {row['rows']}: {difference:.2g}")
    print(f"xgboost {xgboost.__version__}: {len(rows) - len(failed)} of {len(rows)} opened, largest difference {largest:.2g}")
    for line in failed:
        print(f"    not opened: {line}")
    for line in apart:
        print(f"    differs: {line}")
    return bool(failed or apart)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--list", type=Path, help="default: FOLDER/expected.json")
    parser.add_argument("--versions", default=VERSIONS)
    parser.add_argument("--venvs", help="folder for the virtual environments, kept (default: a temporary one)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    rows = given.list or given.folder / "expected.json"
    if given.inside:
        sys.exit(check(given.folder, json.loads(rows.read_text())))
    with tempfile.TemporaryDirectory() as temporary:
        venvs = Path(given.venvs or temporary).resolve()
        bad = 0
        for version in given.versions.split(","):
            python = python_with("xgboost", version, venvs)
            command = [python, "-W", "ignore", __file__, given.folder, "--list", rows, "--inside"]
            bad += subprocess.run(command).returncode != 0
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
