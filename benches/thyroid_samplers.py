"""Every sampler on the thyroid recipe with equal budgets: what `tune` finds inside the train rows.

usage: thyroid_samplers.py PATH_TO_MEDICAL [TRIALS] [SEEDS]
"""
import json
import statistics
import subprocess
import sys
import tempfile

program, trials, seeds = sys.argv[1], int((sys.argv + ["40"])[2]), int((sys.argv + ["40", "10"])[3])
SAMPLERS = ["grid", "random", "sobol", "tpe", "gp", "auto"]
found = {s: {"specialist": [], "scratch": []} for s in SAMPLERS}
with tempfile.TemporaryDirectory() as folder:
    for seed in range(1, seeds + 1):
        for sampler in SAMPLERS:
            run = [program, "tune", "--quiet", "--sampler", sampler, "--trials", str(trials), "--pruner", "none"]
            subprocess.run([*run, "--seed", str(seed), "--output", "a"], cwd=folder, check=True, capture_output=True)
            listed = subprocess.run([program, "study", "list", "--artifact", "a", "--json"], cwd=folder, check=True, capture_output=True)
            for study in json.loads(listed.stdout):
                if study["name"] in found[sampler]:
                    found[sampler][study["name"]].append(-study["best"])
print(f"best cross-validated log-loss after {trials} trials, mean over {seeds} seeds (difference from random, ± 2 se)")
for sampler in SAMPLERS:
    line = f"| `{sampler}` "
    for study in ("specialist", "scratch"):
        mine, random = found[sampler][study], found["random"][study]
        gaps = [a - b for a, b in zip(mine, random)]
        error = 2 * statistics.stdev(gaps) / len(gaps) ** 0.5 if sampler != "random" else 0
        line += f"| {statistics.mean(mine):.4f} ({statistics.mean(gaps):+.4f} ± {error:.4f}) "
    print(line + "|")
