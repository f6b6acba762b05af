"""Reference figures for the metrics of crates/text: BLEU, chrF, chrF++ and TER of sacrebleu, ROUGE of rouge-score.

    pip install numpy sacrebleu==2.6.0 rouge-score==0.1.2
    python make_text_metric_fixtures.py      writes ../../crates/core/tests/metrics_of_texts.json

`pairs` are hypothesis, reference and a second system's hypothesis. `corpus` and `sentences` score the first system
(BLEU and TER 0..100, as sacrebleu; ROUGE 0..1); `sentences[i]` belongs to `pairs[i]`. `bootstrap` compares the two
systems by paired bootstrap on sacrebleu's own resamples (numpy's generator, seed 12345): for orientation only.
"""
import json
import os
from importlib.metadata import version
from pathlib import Path

os.environ["SACREBLEU_SEED"] = "12345"
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest

OUT = Path(__file__).resolve().parents[2] / "crates/core/tests/metrics_of_texts.json"

# hypothesis, reference, hypothesis of the second system
PAIRS = [
    ("The courier left the parcel at the wrong door.", "The courier left the parcel at the wrong door.", "The courier left a parcel at the door."),
    ("The courier has left the box at a wrong door.", "The courier left the parcel at the wrong door.", "A courier left the parcel by the wrong door."),
    ("At the wrong door the courier left the parcel.", "The courier left the parcel at the wrong door.", "The parcel was left at the wrong door."),
    ("", "The refund has not arrived yet.", "The refund is late."),
    ("The refund", "The refund has not arrived yet.", "The refund did not arrive."),
    ("Thanks a lot", "Thanks a lot", "Many thanks"),
    ("Yes.", "No.", "No"),
    ("It cost 1,299.50 EUR, not 1.300,00 EUR!", "It cost 1,299.50 EUR and not 1.300,00 EUR.", "It costs 1299.50 EUR, not 1300 EUR."),
    ("Call +49-30-1234567 (24/7) - it's free.", "Call +49-30-1234567 (24/7); it is free.", "Phone +49 30 1234567, it's free."),
    ("Die Rückerstattung wurde gestern überwiesen.", "Die Rückerstattung ist gestern überwiesen worden.", "Gestern wurde die Erstattung überwiesen."),
    ("Das Paket kam zu spät, und die Schachtel war naß.", "Das Paket kam zu spät und die Schachtel war nass.", "Das Paket war zu spät und nass."),
    ("Größere Beträge müssen geprüft werden.", "Grössere Beträge müssen geprüft werden.", "Große Summen müssen wir prüfen."),
    ("Der Kunde bat um 3 neue Karten für 20 % weniger.", "Der Kunde bat um drei neue Karten für 20% weniger.", "Ein Kunde bat um 3 Karten."),
    ("the the the the the the the", "The cat sat on the mat near the door.", "The cat sat on a mat."),
    ("She said: \"The patients were sleeping\" & left.", "She said, \"the patient was asleep\", and then she left.", "\"The patient sleeps,\" she said."),
    ("Patients reported running, jumping and dizziness.", "The patient reported that he ran, jumped and was dizzy.", "The patients report running and dizzy jumps."),
    ("a b c d e f g h", "h g f e d c b a", "a b c d e h g f"),
    ("We sent the note to the bank twice last week", "Last week we sent the note to the bank twice", "We sent the bank a note last week"),
    ("The card was charged twice 😀 today", "The card was charged twice 😡 today", "The card was charged today"),
    ("我们 已经 退款 了", "我们已经退款了", "我们退款了"),
    ("Well-known e-mails don't count, do they?", "Well known emails do not count, do they?", "Known mails don't count."),
    ("  Too   many    spaces , here .  ", "Too many spaces, here.", "Many spaces here."),
    ("&quot;Refund&quot; &lt;now&gt; &amp; later", "\"Refund\" <now> & later", "Refund now and later"),
    ("THE CARD WAS BLOCKED", "The card was blocked", "The card is blocked"),
    ("The doctor asked how the patient slept, then wrote a note and, because the fever had not gone down, called again in the evening.",
     "The doctor asked how the patient had slept, wrote a short note and called again in the evening because the fever was still high.",
     "The doctor wrote a note and called in the evening."),
    ("Unexpectedly good", "...", "!"),
]

METRICS = {"bleu": BLEU(), "chrf": CHRF(), "chrf++": CHRF(word_order=2), "ter": TER()}
SENTENCE = dict(METRICS, bleu=BLEU(effective_order=True))
ROUGE = ["rouge1", "rouge2", "rougeL"]


def rouge(hypothesis, reference):
    scores = {}
    for stem in (False, True):
        found = RougeScorer(ROUGE, use_stemmer=stem).score(reference, hypothesis)
        scores["stemmed" if stem else "plain"] = {
            name: {"precision": s.precision, "recall": s.recall, "f": s.fmeasure} for name, s in found.items()}
    return scores


def mean(trees):
    first = trees[0]
    return {k: mean([t[k] for t in trees]) for k in first} if isinstance(first, dict) else sum(trees) / len(trees)


hypotheses, references, others = map(list, zip(*PAIRS))
corpus, signatures, sentence_signatures = {}, {}, {}
for name, metric in METRICS.items():
    corpus[name] = metric.corpus_score(hypotheses, [references]).score
    signatures[name] = metric.get_signature().format()
bleu = METRICS["bleu"].corpus_score(hypotheses, [references])
corpus["bleu_statistics"] = dict(counts=bleu.counts, totals=bleu.totals, precisions=bleu.precisions,
                                 brevity_penalty=bleu.bp, sys_len=bleu.sys_len, ref_len=bleu.ref_len)

sentences = []
for hypothesis, reference, _ in PAIRS:
    row = {name: metric.sentence_score(hypothesis, [reference]).score for name, metric in SENTENCE.items()}
    sentences.append(dict(row, rouge=rouge(hypothesis, reference)))
for name, metric in SENTENCE.items():
    sentence_signatures[name] = metric.get_signature().format()
corpus["rouge_mean"] = mean([s["rouge"] for s in sentences])

_, compared = PairedTest([("first", hypotheses), ("second", others)], {"bleu": BLEU()}, [references],
                         test_type="bs", n_samples=1000)()
bootstrap = [dict(system=name, score=r.score, mean=r.mean, ci=r.ci, p_value=r.p_value)
             for name, r in zip(compared["System"], compared["BLEU"])]

whole = dict(
    versions={p: version(p) for p in ("sacrebleu", "rouge-score", "nltk", "numpy")},
    signatures=signatures, sentence_signatures=sentence_signatures, corpus=corpus,
    bootstrap=dict(samples=1000, seed=12345, systems=bootstrap))
lines = [f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in whole.items()]
for name, rows in (("pairs", PAIRS), ("sentences", sentences)):
    lines.append(f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]")
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
