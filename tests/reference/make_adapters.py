"""Reference figures for adapters and for pooling: what Python's peft and sentence-transformers write, and compute.

    python make_adapters.py      every folder adapter-* and pooling-* below ../../crates/neural/tests/fixtures

The models are those of make_neural_fixtures.py, run that first; no weights of them are copied. `base` in each
`expected.json` names the folder that the weights, config.json and tokenizer.json are from, unless the folder here holds
a file of that name itself.

adapter-*   what `save_pretrained` of peft leaves, adapter_config.json as it was written. expected.json: the base's
            batch; the outputs of the base with the adapter in eval mode and f32 (`logits`; of an encoder without a head
            `last_hidden_state`; of T5 and encoders ragged: without the rows at padding); `f32_drift`, how far they are
            from those in f64; `merging_drift`, how far those of `merge_and_unload` are; `changed`, by the base's
            parameter names the largest change of a number of each that merging changes (what is not named stays as it
            is, exactly).
pooling-*   what `save` of sentence-transformers leaves beside the model itself; pooling-old-* and pooling-in-folder in
            the spelling of releases before 6, by hand, and opened by the present one. expected.json: texts, their token
            ids as sentence-transformers cuts them, the default prompt that stands before each, and what `encode` makes
            of them.

python3.12 -m venv V; V/bin/pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 sentence-transformers==6.2.0
"""
import copy
import json
import os
import shutil
import sys
import tempfile
import warnings
import zlib
from pathlib import Path

if os.environ.get("PYTHONHASHSEED") != "0":  # peft writes `target_modules` in the order of a set
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
sys.dont_write_bytecode = True
import torch
import transformers as tf
from make_neural_fixtures import OUT, TEXTS, folder, ragged, write
from peft import (IA3Config, LoHaConfig, LoraConfig, PeftModel, PrefixTuningConfig, PromptEncoderConfig,
                  get_peft_model)
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as st

# -- adapters -------------------------------------------------------------------------------------------------

CLASSES = {
    "bert-tiny": tf.BertForSequenceClassification,
    "bert-encoder-tiny": tf.BertModel,
    "distilbert-tiny": tf.DistilBertForSequenceClassification,
    "roberta-tiny": tf.RobertaForSequenceClassification,
    "t5-tiny": tf.T5ForConditionalGeneration,
}


def lora(**settings):
    return LoraConfig(**{**dict(task_type="SEQ_CLS", r=4, lora_alpha=8, lora_dropout=0.1,
                                target_modules=["query", "value"]), **settings})


# Each: name, settings, and the base if it is not bert-tiny. With task_type SEQ_CLS peft adds the head to
# `modules_to_save` by itself; without it the base's own head stays.
ADAPTERS = [
    ("plain", lora()),
    ("no-head", lora(task_type=None)),
    ("head", lora(task_type=None, modules_to_save=["classifier"])),
    ("head-pooler", lora(task_type=None, modules_to_save=["classifier", "pooler"])),
    ("rslora", lora(use_rslora=True)),
    ("dora", lora(use_dora=True)),
    ("bias-all", lora(bias="all")),
    ("bias-lora-only", lora(bias="lora_only")),
    ("lora-bias", lora(lora_bias=True)),
    # These take their first matrices out of the base, which the reader must do again, unless they were converted. A
    # conversion keeps nothing but the matrices: with a head in `modules_to_save` peft cannot read it back.
    ("pissa", lora(init_lora_weights="pissa")),
    ("pissa-converted", lora(task_type=None, init_lora_weights="pissa")),
    ("olora", lora(init_lora_weights="olora")),
    ("olora-converted", lora(task_type=None, init_lora_weights="olora")),
    ("olora-rslora-converted", lora(task_type=None, init_lora_weights="olora", use_rslora=True)),
    ("gaussian", lora(init_lora_weights="gaussian")),
    # A pattern's key is a path's end or a regular expression for it; one is of a whole path, with the family's prefix.
    ("rank-pattern", lora(rank_pattern={"value": 2})),
    ("alpha-pattern", lora(alpha_pattern={"bert.encoder.layer.0.attention.self.query": 3})),
    ("patterns", lora(rank_pattern={"layer.1.*query": 6, "value": 2}, alpha_pattern={"layer.0.*value": 5},
                      use_rslora=True)),
    ("regex", lora(target_modules=r".*layer\.1\.(attention\.self\.key|output\.dense)")),
    ("list", lora(target_modules=["attention.output.dense", "bert.encoder.layer.0.intermediate.dense"])),
    ("all-linear", lora(target_modules="all-linear")),
    ("exclude", lora(target_modules=["dense"], exclude_modules=["pooler.dense", "intermediate.dense"])),
    ("layers", lora(layers_to_transform=[1])),
    ("layers-pattern", lora(layers_to_transform=0, layers_pattern="layer")),
    ("layer-replication", lora(layer_replication=[[0, 2], [1, 2]])),
    ("fan-in-fan-out", lora(fan_in_fan_out=True)),  # of GPT-2's maps; on others peft warns and goes on without
    ("embedding", lora(target_modules=["word_embeddings", "query"])),
    ("tokens", lora(trainable_token_indices=[65, 68])),
    ("ia3", IA3Config(task_type="SEQ_CLS")),
    ("loha", LoHaConfig(task_type="SEQ_CLS", r=2, alpha=4, target_modules=["query", "value"])),
    ("prompt", PromptEncoderConfig(task_type="SEQ_CLS", num_virtual_tokens=3, encoder_hidden_size=8)),
    ("encoder", lora(task_type="FEATURE_EXTRACTION"), "bert-encoder-tiny"),
    ("distilbert", lora(target_modules=["q_lin", "v_lin"]), "distilbert-tiny"),
    # The head's own `dense` is not changed by it: the head is saved whole.
    ("roberta", lora(target_modules=["dense"]), "roberta-tiny"),
    ("t5", lora(task_type="SEQ_2_SEQ_LM", target_modules=["q", "v", "wo"]), "t5-tiny"),
    ("t5-regex", lora(task_type="SEQ_2_SEQ_LM", target_modules=r".*decoder.*(SelfAttention|EncDecAttention).*(q|v)$"),
     "t5-tiny"),
    # No encoder takes one.
    ("prefix", PrefixTuningConfig(task_type="SEQ_2_SEQ_LM", num_virtual_tokens=3, token_dim=24), "t5-tiny"),
]


def outputs(base, model):
    given = json.loads((OUT / base / "expected.json").read_text())
    batch = {k: torch.tensor(given[k]) for k in ("input_ids", "token_type_ids", "attention_mask") if k in given}
    if base == "t5-tiny":
        batch["labels"] = torch.tensor(given["labels"])
    with torch.no_grad():
        out = model(**batch)
    if base == "bert-encoder-tiny":
        return batch, "last_hidden_state", ragged(out.last_hidden_state, batch["attention_mask"])
    if base == "t5-tiny":
        return batch, "logits", ragged(out.logits, batch["labels"] != -100)
    return batch, "logits", [*out.logits]


def distance(a, b):
    return max((x - y).abs().max().item() for x, y in zip(a, b))


def adapter(name, config, base="bert-tiny"):
    print(name, file=sys.stderr)
    torch.manual_seed(0)
    path, before = folder(f"adapter-{name}"), CLASSES[base].from_pretrained(OUT / base).eval()
    model = get_peft_model(copy.deepcopy(before), config)
    model.peft_config["default"].base_model_name_or_path = base
    with tempfile.TemporaryDirectory() as first:
        convert = {}
        if name.endswith("-converted"):
            model.save_pretrained(first)
            convert = dict(path_initial_model_for_weight_conversion=first)
        rng = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        with torch.no_grad():
            for p in (p for p in model.parameters() if p.requires_grad):
                p.add_((0.1 if base == "t5-tiny" else 0.25) * torch.randn(p.shape, generator=rng))
        model.save_pretrained(path, **convert)
    (path / "README.md").unlink()
    batch, key, trained = outputs(base, model.eval())
    model = PeftModel.from_pretrained(copy.deepcopy(before), path).eval()
    _, _, read = outputs(base, model)
    assert distance(trained, read) < 1e-4, (name, distance(trained, read))
    exact = outputs(base, copy.deepcopy(model).double())[2]
    expected = dict(base=base, **batch, **{key: read}, f32_drift=distance(read, exact))
    # Of layers that share their weights peft cannot merge the changes.
    if not config.is_prompt_learning and not getattr(config, "layer_replication", None):
        merged = model.merge_and_unload()
        expected["merging_drift"] = distance(read, outputs(base, merged)[2])
        old = dict(before.named_parameters())
        change = {n: (p - old[n]).abs().max().item() for n, p in merged.named_parameters() if n in old}
        expected["changed"] = {n: by for n, by in change.items() if by > 0}
    write(path / "expected.json", expected)


# -- pooling --------------------------------------------------------------------------------------------------

POOLED = "bert-encoder-tiny"
# The last is longer than the model has positions: how it is cut shows.
LONG = TEXTS + [" ".join(TEXTS * 2)]
MODEL = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def embeddings(path):
    """Opens `path` with the base's files beside it, and writes what comes out."""
    with tempfile.TemporaryDirectory() as temp:
        if not (path / "0_Transformer").exists():
            shutil.copytree(OUT / POOLED, temp, dirs_exist_ok=True)
        shutil.copytree(path, temp, dirs_exist_ok=True)
        model = SentenceTransformer(temp, device="cpu")
        prompt = model.prompts.get(model.default_prompt_name, "")
        ids = [model.tokenizer(prompt + text, truncation=True)["input_ids"] for text in LONG]
        vectors = model.encode(LONG, convert_to_tensor=True)
    write(path / "expected.json", dict(base=POOLED, texts=LONG, prompt=prompt, input_ids=ids, embeddings=vectors))


def pooling(name, *modules, length=None, kept=(), **settings):
    """A folder as the present sentence-transformers saves it, without the base's files except `kept`."""
    path = folder(f"pooling-{name}")
    transformer = st.Transformer(str(OUT / POOLED))
    if length:
        transformer.max_seq_length = length
    model = SentenceTransformer(modules=[transformer, *modules], device="cpu", **settings)
    model.save(str(path), create_model_card=False)
    for file in MODEL - set(kept):
        (path / file).unlink()
    embeddings(path)


def old(name, *modules, at="", length=44, lower=False, tokenizer=None, **settings):
    """A folder as releases before 6 saved it: the model in the folder `at`, the pooling as one boolean a mode."""
    path = folder(f"pooling-{name}")

    def dump(file, what):
        (path / file).parent.mkdir(exist_ok=True)
        (path / file).write_text(json.dumps(what, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    if at:
        shutil.copytree(OUT / POOLED, path / at)
        (path / at / "expected.json").unlink()
    if tokenizer:
        dump("tokenizer.json", tokenizer)
    kinds = ["Transformer", *(kind for kind, _ in modules)]
    paths = [at, *(f"{i + 1}_{kind}" for i, kind in enumerate(kinds[1:]))]
    dump("modules.json", [dict(idx=i, name=str(i), path=p, type=f"sentence_transformers.models.{kind}")
                          for i, (p, kind) in enumerate(zip(paths, kinds))])
    for p, (_, config) in zip(paths[1:], modules):
        if config:  # a 2_Normalize was empty, and git keeps no empty folder
            dump(f"{p}/config.json", config)
    dump(Path(at) / "sentence_bert_config.json", dict(max_seq_length=length, do_lower_case=lower))
    versions = dict(sentence_transformers="2.2.2", transformers="4.28.0", pytorch="2.0.0")
    dump("config_sentence_transformers.json", dict(__version__=versions, **settings))
    embeddings(path)


MODES = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]


def booleans(*modes, known=MODES, **more):
    return ("Pooling", dict(word_embedding_dimension=16, **{f"pooling_mode_{m}": m in modes for m in known}, **more))


def poolings():
    pool = lambda mode, **more: st.Pooling(16, pooling_mode=mode, **more)
    for name, mode in [("mean", "mean"), ("cls", "cls"), ("max", "max"), ("mean-sqrt-len", "mean_sqrt_len_tokens"),
                       ("weightedmean", "weightedmean"), ("lasttoken", "lasttoken"), ("cls-mean", ("cls", "mean")),
                       ("mean-cls", ("mean", "cls"))]:
        pooling(name, pool(mode))
    pooling("mean-normalize", pool("mean"), st.Normalize())
    pooling("cls-normalize", pool("cls"), st.Normalize())
    torch.manual_seed(9)
    pooling("dense", pool("mean"), st.Dense(16, 8), st.Normalize())
    pooling("dense-identity", pool("mean"), st.Dense(16, 8, bias=False, activation_function=torch.nn.Identity()))
    pooling("layer-norm", pool("mean"), st.LayerNorm(16))
    # The present release keeps the length in the tokenizer's own file.
    pooling("length", pool("mean"), length=8, kept=["tokenizer_config.json"])
    prompts = dict(prompts={"query": "Why was ", "document": ""}, default_prompt_name="query")
    pooling("prompt", pool("mean"), **prompts)
    pooling("prompt-excluded", pool("mean", include_prompt=False), **prompts)
    pooling("truncated", pool("mean"), truncate_dim=8)

    for mode in MODES:
        old("old-" + mode.removesuffix("_tokens").removesuffix("_token").replace("_", "-"), booleans(mode))
    old("old-cls-mean", booleans("cls_token", "mean_tokens", include_prompt=True))
    # As all-MiniLM-L6-v2 has it, but for the length.
    old("old-minilm", booleans("mean_tokens", known=MODES[:4]), ("Normalize", None), length=8)
    cased = json.loads((OUT / POOLED / "tokenizer.json").read_text())
    cased["normalizer"]["lowercase"] = False  # so that it shows whether capitals are lowered before
    old("old-lower-case", booleans("mean_tokens"), lower=True, tokenizer=cased)
    old("old-prompt", booleans("mean_tokens", include_prompt=True), similarity_fn_name="cosine", **prompts)
    old("in-folder", booleans("mean_tokens", known=MODES[:4]), at="0_Transformer")


if __name__ == "__main__":
    torch.set_num_threads(1)
    tf.logging.set_verbosity_error()
    tf.logging.disable_progress_bar()
    warnings.filterwarnings("ignore")
    for case in ADAPTERS:
        adapter(*case)
    poolings()
