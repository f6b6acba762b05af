"""Compares the artifacts of two builds, as evidence.sh makes them: compare_evidence.py BEFORE AFTER [TOLERANCE].

Every number of evidence.json is compared, relative to its size; the verdict, every word that is no sentence and the candidates must be the
same. What differs is listed, and the exit status says whether anything did."""
import json
import sys
from pathlib import Path

before, after = Path(sys.argv[1]), Path(sys.argv[2])
tolerance = float(sys.argv[3]) if len(sys.argv) > 3 else 1e-9
# Sentences and drawings follow from the numbers; versions and the recipe's new keys are no evidence.
SKIPPED = {"version", "recipe", "note", "reason", "headline", "message", "question", "opened_before"}


def walk(a, b, path, found):
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        if a != b:
            found.append((path, a, b))
    elif isinstance(a, (int, float)) and isinstance(b, (int, float)):
        if abs(a - b) > tolerance * max(1.0, abs(a), abs(b)):
            found.append((path, a, b))
    elif isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            if key in SKIPPED:
                continue
            if key not in a or key not in b:
                found.append((f"{path}.{key}", key in a, key in b))
            else:
                walk(a[key], b[key], f"{path}.{key}", found)
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            found.append((path + ".length", len(a), len(b)))
        for i, (x, y) in enumerate(zip(a, b)):
            walk(x, y, f"{path}[{i}]", found)
    elif a != b:
        found.append((path, a, b))


different = 0
names = sorted({p.parent.name for f in (before, after) for p in f.glob("*/evidence.json")})
for name in names:
    files = [folder / name / "evidence.json" for folder in (before, after)]
    missing = [str(f) for f in files if not f.exists()]
    if missing:
        print(f"{name}: missing {missing[0]}")
        different += 1
        continue
    one, two = (json.loads(f.read_text()) for f in files)
    found = []
    walk(one, two, "", found)
    words = [e["evidence"]["verdict"]["outcome"] for e in (one, two)]
    print(f"{name}: {words[0]}{'' if words[0] == words[1] else ' -> ' + words[1]}, {len(found)} differences")
    for path, a, b in found[:12]:
        print(f"    {path}: {a} -> {b}")
    different += bool(found)
print(f"{len(names)} runs, {different} with differences")
sys.exit(1 if different else 0)
