"""Twenty repeated splits of the thyroid pair: python thyroid_repeats.py PATH_OF_MEDICAL [extra arguments].
Prints mean and standard deviation of ROC-AUC and log loss per candidate, and which rung was chosen."""
import collections
import json
import statistics
import subprocess
import sys
import tempfile

medical, *extra = sys.argv[1:]
quick = [v for s in ("compare.bootstrap=100", "compare.repeats=1", "compare.budgets=[1.0]") for v in ("--set", s)]
values, rungs = collections.defaultdict(list), collections.Counter()
for seed in range(1, 21):
    command = [medical, "run", "--json", "-q", "--seed", str(seed), "--output", tempfile.mkdtemp(), *quick, *extra]
    evidence = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["evidence"]
    for candidate in evidence["candidates"]:
        for figure in candidate["figures"][:2]:
            values[candidate["name"], figure["metric"]].append(figure["estimate"])
    rungs[next(c["what"].split(" ")[0] for c in evidence["candidates"] if c["name"] == "specialist")] += 1
for (name, metric), v in values.items():
    print(f"{name:14}{metric:10}{statistics.mean(v):.4f} ± {statistics.stdev(v):.4f}")
print(dict(rungs))
