"""One job on Python's side, as main.rs has it: prints seconds of one step (median) and peak kilobytes.

    python peers.py forward|head|lora|full|ragged|generate FOLDER

PyTorch with two threads, transformers, peft; `ragged` is sentence-transformers' way: sorted by length in
batches of 32. Debian: python3-torch with libopenblas0-pthread (its default BLAS is too slow to compare with), then transformers 4.46, peft 0.13 as in tests/reference/make_neural_fixtures.py.
"""
import os
import resource
import statistics
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
import transformers as tf

tf.generation.utils.is_fsdp_managed_module = lambda model: False
tf.logging.set_verbosity_error()
torch.set_num_threads(2)
ROWS, LENGTH = 32, 64


def token(row, column):
    return 1000 + (row * 7919 + column * 104729) % 20000


def ragged(row):
    u = (row * 2654435761 % 1000) / 1000
    return 4 + int(64 * u * u)


def pool(hidden, mask):
    mask = mask[..., None].float()
    return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)


class Classifier(torch.nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.classifier = encoder, torch.nn.Linear(encoder.config.hidden_size, 2)

    def forward(self, ids, mask):
        return self.classifier(pool(self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask))


def prepare(job, folder):
    if job == "generate":
        model = tf.T5ForConditionalGeneration.from_pretrained(folder).eval()
        ids = torch.tensor([[token(r, c) % model.config.vocab_size for c in range(32)] for r in range(ROWS)])

        def step():
            with torch.no_grad():
                model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=32, num_beams=1, do_sample=False)

        return step
    encoder = tf.AutoModel.from_pretrained(folder, add_pooling_layer=False)
    if job == "ragged":
        encoder.eval()
        texts = sorted(([token(r, c) for c in range(ragged(r))] for r in range(2000)), key=lambda t: -len(t))

        def step():
            with torch.no_grad():
                for i in range(0, len(texts), 32):
                    part = texts[i : i + 32]
                    longest = max(map(len, part))
                    ids = torch.tensor([t + [0] * (longest - len(t)) for t in part])
                    mask = torch.tensor([[1] * len(t) + [0] * (longest - len(t)) for t in part])
                    pool(encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask)

        return step
    ids = torch.tensor([[token(r, c) for c in range(LENGTH)] for r in range(ROWS)])
    mask = torch.ones_like(ids)
    if job == "forward":
        encoder.eval()

        def step():
            with torch.no_grad():
                pool(encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask)

        return step
    model = Classifier(encoder).eval()
    if job != "full":
        for p in model.encoder.parameters():
            p.requires_grad_(False)
    if job == "lora":
        from peft import LoraConfig, get_peft_model

        model.encoder = get_peft_model(model.encoder, LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"]))
    labels = torch.tensor([r % 2 for r in range(ROWS)])
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(ids, mask), labels).backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    job, folder = sys.argv[1:]
    step = prepare(job, folder)
    step()
    times = []
    for _ in range(1 if job in ("ragged", "generate") else 4):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(statistics.median(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
