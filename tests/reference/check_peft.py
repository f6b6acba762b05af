"""Python transformers and peft open what `text translate run` saved, and write the same texts.

    check_peft.py TEXT_BINARY FOLDER

FOLDER holds the artifact `a` of a run whose only tuning was `lora`
(`text translate run --set 'tune.tunings=["lora"]' -o FOLDER/a`). Needs transformers, peft, torch and tokenizers.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import torch
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import T5ForConditionalGeneration

binary, folder = sys.argv[1], Path(sys.argv[2])
models = folder / "a" / "models"
texts = [
    "A puzzle game with many levels.",
    "This package contains the documentation.",
    "Play against the computer or over the network.",
    "Data files for a first person shooter.",
]
with open(folder / "new.csv", "w", newline="") as f:
    csv.writer(f).writerows([["text"], *[[t] for t in texts]])

base = T5ForConditionalGeneration.from_pretrained(models / "generalist").eval()
tokenizer = Tokenizer.from_file(str(models / "generalist" / "tokenizer.json"))
adapted = PeftModel.from_pretrained(
    T5ForConditionalGeneration.from_pretrained(models / "generalist"), models / "specialist"
).eval()
config = json.loads((models / "specialist" / "adapter_config.json").read_text())
print(f"peft opened the adapter: rank {config['r']}, targets {config['target_modules']}")


def write(model, text):
    ids = torch.tensor([tokenizer.encode("translate English to German: " + text).ids])
    out = model.generate(input_ids=ids, num_beams=1, do_sample=False, no_repeat_ngram_size=3, max_new_tokens=64)
    return tokenizer.decode([i for i in out[0].tolist() if i > 1], skip_special_tokens=True).strip()


for name, model in [("generalist", base), ("specialist", adapted)]:
    said = subprocess.run(
        [binary, "translate", "predict", "--artifact", folder / "a", "--model", name, "--data", folder / "new.csv", "-q"],
        capture_output=True, text=True, check=True,
    ).stdout
    ours = [row["text"] for row in csv.DictReader(said.splitlines())]
    theirs = [write(model, t) for t in texts]
    for a, b in zip(ours, theirs):
        assert a == b, f"{name}: we write {a!r}, Python {b!r}"
    print(f"{name}: {len(texts)} texts are the same: {ours[0]!r}")
