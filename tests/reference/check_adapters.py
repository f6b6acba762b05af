"""Python's peft and sentence-transformers open what `text sentiment export` writes, and give the same probabilities.

    check_adapters.py TEXT_BINARY REPOSITORY FOLDER

For adapters of several kinds that peft wrote (crates/neural/tests/fixtures/adapter-*): a run that starts from the base
with the adapter, exported whole and as an adapter; the lines of Python in the export's README.md are run as they stand.
Needs sentence-transformers, peft, torch.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from transformers import BertTokenizerFast

binary, root, here = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
fixtures = root / "crates/neural/tests/fixtures"
KINDS = ["no-head", "rslora", "all-linear", "layers", "gaussian", "pissa-converted", "olora-rslora-converted", "head"]
words = {"good": ["paid", "well", "note"], "bad": ["late", "wrong", "wet"]}
rows = [
    [f"the {t} was {w} {r}", label]
    for label, ws in words.items()
    for w in ws
    for t in ["parcel", "box", "card", "refund", "door", "bank"]
    for r in ["again", "she slept", "in 7 minutes"]
]
here.mkdir(parents=True, exist_ok=True)
for name in ["source.csv", "target.csv"]:
    with open(here / name, "w", newline="") as f:
        csv.writer(f).writerows([["text", "label"], *rows])
(here / "recipe.toml").write_text(
    'task = "sentiment"\n[source]\ndata = ["source.csv"]\n[target]\ndata = ["target.csv"]\n[split]\nalike = 1.0\n'
    '[tune]\ntunings = ["lora"]\ndeep_trials = 1\nfolds = 2\nepochs = 1\n'
    "[compare]\nbootstrap = 200\nbudgets = [0]\nsplits = 0\n"
)
# The tiny base as a user would have it: with the tokenizer's settings beside its weights.
base = here / "base"
shutil.copytree(fixtures / "bert-tiny", base, dirs_exist_ok=True)
BertTokenizerFast(tokenizer_file=str(base / "tokenizer.json")).save_pretrained(base)


def run(*args):
    said = subprocess.run([binary, *map(str, args)], cwd=here, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return said.stdout


texts = [r[0] for r in rows]
for kind in KINDS:
    artifact = here / kind
    run("sentiment", "run", "-q", "--recipe", "recipe.toml", "-o", artifact, "--backbone", base,
        "--adapter", fixtures / f"adapter-{kind}")
    for model in ["generalist", "specialist"]:
        said = run("sentiment", "predict", "-q", "--artifact", artifact, "--model", model, "--data", "target.csv")
        table = list(csv.DictReader(said.splitlines()))
        for how in [[], ["--adapter", "--base", base]]:
            out = here / f"{kind}-{model}-{'adapter' if how else 'whole'}"
            run("sentiment", "export", "--artifact", artifact, "--model", model, "-o", out, *how)
            if not how:
                BertTokenizerFast(tokenizer_file=str(out / "tokenizer.json")).save_pretrained(out)
            code = re.search(r"```python\n(.*)```", (out / "README.md").read_text(), re.S).group(1)
            names = {}
            exec(code.replace('"this folder"', repr(str(out))), names)
            labels = json.loads((out / "head.json").read_text())["labels"]
            ours = np.array([[float(r[f"probability_{k}"]) for k in labels] for r in table])
            theirs = names["probabilities"](texts)
            worst = np.abs(ours - theirs).max()
            print(f"{kind:24} {model:10} {'adapter' if how else 'whole':7} largest difference {worst:.1e}")
            assert worst < 1e-4

# A model that writes: the same texts.
base = here / "t5"
shutil.copytree(fixtures / "t5-tiny", base, dirs_exist_ok=True)
pairs = [{"text": t, "label": f"{w} {i}", "group": f"g{i // 2}", "section": "a"} for i, (t, w) in
         enumerate((r[0], r[1]) for r in rows)]
(here / "pairs.jsonl").write_text("".join(json.dumps(p) + "\n" for p in pairs))
(here / "t5.toml").write_text(
    'task = "translate"\nlanguages = ["en", "de"]\n[target]\ndata = ["pairs.jsonl"]\n[columns]\ngroup = "group"\n'
    '[split]\nalike = 1.0\n[tune]\ntunings = ["lora"]\ndeep_trials = 1\nepochs = 1\nlongest = 32\n[decode]\nlongest = 12\nbeams = 2\n'
    "[compare]\nbootstrap = 200\n"
)
artifact = here / "t5-run"
run("translate", "run", "-q", "--recipe", "t5.toml", "-o", artifact, "--backbone", base,
    "--adapter", fixtures / "adapter-t5")
for model in ["generalist", "specialist"]:
    said = run("translate", "predict", "-q", "--artifact", artifact, "--model", model, "--data", "target.csv")
    ours = [r["text"] for r in csv.DictReader(said.splitlines())]
    for how in [[], ["--adapter", "--base", base]]:
        out = here / f"t5-{model}-{'adapter' if how else 'whole'}"
        run("translate", "export", "--artifact", artifact, "--model", model, "-o", out, *how)
        code = re.search(r"```python\n(.*)```", (out / "README.md").read_text(), re.S).group(1)
        names = {}
        exec(code.replace('"this folder"', repr(str(out))), names)
        theirs = [names["write"](t) for t in texts]
        same = sum(a == b for a, b in zip(ours, theirs))
        print(f"{'t5':24} {model:10} {'adapter' if how else 'whole':7} {same} of {len(texts)} texts the same")
        assert same == len(texts)
