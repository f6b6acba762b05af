"""Twenty tables that nobody has described, written as the tools people have write them, and the truth about each.

    python make_tables.py      writes ../fixtures/init/*.{csv,tsv,txt}, expected.json and CARD.md

The standard library suffices. All content is made up by a seeded generator. A column is made from its true values
and a function that writes one value, so the truth never comes from reading a cell back.

`write.csv`, `write.table` (R 4.2.2) and `to_csv` (pandas 3.1) write the four files that stand for them to the byte.
"""
import csv
import json
import math
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "fixtures/init"
NBSP, THIN = "\u00a0", "\u202f"
EXPECTED = {}

ABOUT = """role: every acceptable one, the best first. kind_also: other kinds that a reasonable person could choose.
missing: the cells that mean missing, beside the empty one. format_optional: the format is one that can be read one way
only, so that a recipe may leave it out. numbers and times: the first five cells, null where missing, a text such as
"<0.5" for a limit of detection; percent and money as written, 12.5% is 12.5. times: seconds since 1970, a time without
zone is UTC. A column called "" has no name in the header. dialect: skip_* count lines; thousands " " is any kind of
space. label.sure: whether the file alone tells the positive class; where it is false a guess must be shown as one.
times are exact to a microsecond. readable false: to be refused with the advice; label and columns then say what the converted file holds."""


class Gap(str):
    """A cell without a value, as it is written."""


# --- how values are written ---------------------------------------------------------------------------------------


def dec(places, mark=".", group=""):
    """1234.5 as 1,234.50, 1.234,50 …"""
    return lambda v: f"{v:,.{places}f}".translate(str.maketrans({",": group, ".": mark}))


def lakh(v):
    """1234567.0 as 12,34,567.00: three digits, then groups of two."""
    whole, fraction = f"{abs(v):.2f}".split(".")
    head, tail = whole[:-3], whole[-3:]
    while len(head) > 2:
        head, tail = head[:-2], f"{head[-2:]},{tail}"
    return ("-" if v < 0 else "") + (f"{head},{tail}" if head else tail) + "." + fraction


def accountant(write):
    """(123.45) is -123.45."""
    return lambda v: f"({write(-v)})" if v < 0 else write(v)


def best(v):
    """14.0 as 14, as R, SAS and Stata write it."""
    return f"{v:.15g}"


def short_us(t):
    return f"{t.month}/{t.day}/{t.year}"


def epoch(t):
    return t.replace(tzinfo=timezone.utc).timestamp()


# --- columns ------------------------------------------------------------------------------------------------------


def gaps(rng, values, **shares):
    """Takes values away. gaps(rng, v, NA=.1); the empty cell is `empty`, others by `marks`."""
    marks = shares.pop("marks", {})
    out = list(values)
    for name, share in shares.items():
        mark = Gap("" if name == "empty" else marks.get(name, name))
        for i in rng.sample(range(len(out)), max(1, round(share * len(out)))):
            out[i] = mark
    return out


def column(name, values, write, roles, kind, bare=False, **more):
    """`bare`: programs that quote texts take the values for numbers or truth values."""
    cells = [v if isinstance(v, Gap) else write(v) for v in values]
    first = [None if isinstance(v, Gap) else v for v in values[:5]]
    truth = {
        "role": roles.split(), "kind": kind,
        "missing": sorted({v for v in values if isinstance(v, Gap) and v}),
        "format": more.pop("format", None),
        "numbers": [v if v is None or isinstance(v, str) else float(v) for v in first] if kind == "number" else None,
        "times": [v if v is None else epoch(v) for v in first] if kind == "time" else None,
        **more,
    }
    return name, cells, truth, bare or kind == "number"


def number(name, values, write=str, roles="feature", **more):
    return column(name, values, write, roles, "number", **more)


def category(name, values, write=str, roles="feature", **more):
    return column(name, values, write, roles, "category", **more)


def text(name, values, write=str, roles="id ignore", **more):
    return column(name, values, write, roles, "text", **more)


def time(name, values, format, write=None, roles="time", **more):
    return column(name, values, write or (lambda t: t.strftime(format)), roles, "time", format=format, **more)


def label(name, values, positive, negative, missing=(), sure=True, note=None, bare=False):
    spec = {"column": name, "positive": [positive], "negative": [negative], "missing": list(missing), "sure": sure}
    return column(name, values, str, "label", "category", bare), spec | ({"note": note} if note else {})


# --- made-up content ----------------------------------------------------------------------------------------------


def pick(rng, n, *levels, weights=None):
    return rng.choices(levels, weights, k=n)


def money(rng, n, middle, spread=0.8, places=2):
    return [round(middle * math.exp(rng.gauss(0, spread)), places) for _ in range(n)]


def normal(rng, n, mean, sd, places=1):
    return [round(rng.gauss(mean, sd), places) if places else round(rng.gauss(mean, sd)) for _ in range(n)]


def days(rng, n, start, span, hours=False):
    """Times in order, with seconds if `hours`."""
    first, scale = datetime.fromisoformat(start), 86_400 if hours else 1
    return sorted(first + timedelta(**{"seconds" if hours else "days": rng.randrange(span * scale)}) for _ in range(n))


def outcome(rng, scores, share, yes=1, no=0):
    """The rows with the highest scores, blurred, are the positive ones."""
    known = [0.0 if isinstance(s, Gap) else float(s) for s in scores]
    mean = sum(known) / len(known)
    sd = (sum((s - mean) ** 2 for s in known) / len(known)) ** 0.5
    noisy = [s + rng.gauss(0, sd) for s in known]
    limit = sorted(noisy)[-round(share * len(noisy))]
    return [yes if s >= limit else no for s in noisy]


def repeated(rng, n, form, pool):
    """Names that come back: the rows of one patient or customer."""
    return [form % rng.randrange(pool) for _ in range(n)]


# --- writing ------------------------------------------------------------------------------------------------------


def save(file, trap, cols, target, *, delimiter=",", decimal=".", thousands=None, encoding="utf-8", eol="\r\n", quote=None,
         before=(), units=None, totals=None, trailing=False, unnamed_in_header=True, event=None, refuse=None):
    """`quote`: None where needed, "never", "texts" (all but numbers), "all". `target`: the label's specification, or
    the reason why there is none."""
    names = [c[0] for c in cols]
    texts = [not c[3] for c in cols]

    def row(cells, header=False):
        out = []
        for cell, is_text in zip(cells, texts):
            needed = any(m in cell for m in (delimiter, '"', "\n", "\r"))
            asked = quote == "all" or (quote == "texts" and (header or is_text) and not isinstance(cell, Gap))
            out.append('"' + cell.replace('"', '""') + '"' if quote != "never" and (needed or asked) else cell)
        return delimiter.join(out) + (delimiter if trailing else "")

    head = row(names, header=True)
    if not unnamed_in_header:
        head = head.split(delimiter, 1)[1]
    rows = [row(cells) for cells in zip(*(c[1] for c in cols))]
    lines = [*before, head, *([row(units)] if units else []), *rows, *([row(totals)] if totals else [])]
    data = (eol.join(lines) + eol).encode({"utf-8-bom": "utf-8-sig", "utf-16-le-bom": "utf-16-le"}.get(encoding, encoding))
    (OUT / file).write_bytes((b"\xff\xfe" if encoding == "utf-16-le-bom" else b"") + data)
    EXPECTED[file] = {
        "trap": trap,
        "dialect": {
            "delimiter": delimiter, "decimal": decimal, "thousands": thousands, "encoding": encoding,
            "line_end": {"\n": "LF", "\r\n": "CRLF"}[eol], "skip_before_header": len(before),
            "skip_after_header": int(bool(units)), "skip_at_end": int(bool(totals)), "empty_last_column": trailing,
            "index_column": {"position": 0, "in_header": unnamed_in_header} if names[0] == "" else None, "rows": len(rows),
        },
        "readable": refuse is None,
        **({"advice": refuse} if refuse else {}),
        "label": target if isinstance(target, dict) else None,
        **({} if isinstance(target, dict) else {"label_note": target}),
        **({"event": event} if event else {}),
        "columns": {c[0]: c[2] for c in cols},
    }


# --- the tables ---------------------------------------------------------------------------------------------------


def excel_us():
    rng, n = random.Random(1), 240
    score = gaps(rng, normal(rng, n, 690, 55, 0), na=0.06, marks={"na": "#N/A"})
    ratio = gaps(rng, [max(1.0, v) for v in normal(rng, n, 31, 11)], div=0.04, marks={"div": "#DIV/0!"})
    y, spec = label("Default", outcome(rng, [0 if isinstance(s, Gap) else -s for s in score], 0.14), "1", "0")
    us = dec(2, ".", ",")
    called = days(rng, n, "2023-06-01", 200)
    rng.shuffle(called)
    save("excel_us.csv", "money with $, (123.45) for minus, 12.5%, m/d/yyyy, #N/A and #DIV/0!, a date left as a serial day",
         [text("Loan Number", [f"L-{100_000 + 7 * i}" for i in range(n)]),
          time("Opened", days(rng, n, "2023-01-02", 330), "%m/%d/%Y", short_us,
               note="the first cells fit d/m/yyyy too; later ones have a day above 12"),
          number("Loan Amount", money(rng, n, 14_000), lambda v: "$" + us(v), "amount feature", strip=["$"]),
          number("Balance Change", normal(rng, n, 150, 900, 2), accountant(lambda v: "$" + us(v)), "feature amount", strip=["$"],
                 note="($12.50) is -12.50"),
          number("Fees Refunded", normal(rng, n, -8, 20, 2), accountant(us), "feature amount", note="(12.50) is -12.50"),
          number("Rate", [max(2.5, v) for v in normal(rng, n, 11, 3.5)], lambda v: f"{v}%", strip=["%"]),
          category("Zip", [f"{rng.randrange(501, 99_950):05d}" for _ in range(n)], roles="feature ignore site group", kind_also=["text"],
                   note="leading zeros: a number would lose them"),
          category("State", pick(rng, n, "MA", "NY", "NJ", "CT", "TX", "CA")),
          number("Credit Score", score), number("Debt Ratio", ratio, lambda v: f"{v}%", strip=["%"]),
          time("Last Contact", called, "spreadsheet-days", lambda t: str(int(epoch(t) // 86_400) + 25_569), "feature ignore",
               kind_also=["number"], note="Excel serial days: nothing but the size and the name say so, ask"),
          y], spec, thousands=",")


NOTES = ["Seen on the ward round, \"feels better\", wants to go home", "Fever overnight; cultures taken, line changed.\nReview tomorrow",
         "Discharge planned, transport ordered, letter dictated", "Short of breath on stairs, diuretics doubled",
         "Daughter present, explained: no change of plan", "Fell in the bathroom, no injury seen, scan normal"]


def notes(rng, n):
    return [f"{rng.choice(NOTES)} ({rng.randrange(10, 99)}/{rng.randrange(50, 99)})" for _ in range(n)]


def excel_utf8_bom():
    rng, n = random.Random(2), 180
    stay = [max(1, v) for v in normal(rng, n, 7, 4, 0)]
    y, spec = label("Readmitted", outcome(rng, stay, 0.62, "yes", "no"), "yes", "no",
                    note="yes is the commoner value: the rarer one is not the positive one")
    save("excel_utf8_bom.csv", "a byte order mark before the first name, notes with commas, quotes and line ends, ICD codes with leading zeros, yes commoner than no",
         [category("Patient", repeated(rng, n, "P%04d", 110), roles="group", kind_also=["text"], note="the name does not begin with U+FEFF"),
          time("Admitted", [t.replace(second=0) for t in days(rng, n, "2023-02-01", 150, True)], "%m/%d/%Y %H:%M",
               lambda t: f"{short_us(t)} {t.hour}:{t.minute:02d}"),
          category("Hospital", pick(rng, n, "Santa Cruz", "São João", "Río Alto"), roles="site feature"),
          category("ICD-9", pick(rng, n, "0389", "0054", "4280", "48241", "0088", "25000"), kind_also=["text"], note="0054 is not 54"),
          number("Age", [min(99, max(18, v)) for v in normal(rng, n, 67, 15, 0)]), number("Length of Stay", stay),
          category("Discharged To", pick(rng, n, "home", "nursing home", "rehabilitation")),
          text("Notes", notes(rng, n), roles="ignore", note="free text, may name people"), y], spec, encoding="utf-8-bom")


def german_excel():
    rng, n = random.Random(3), 260
    de, whole = dec(2, ",", "."), dec(0, ",", ".")
    rate = [max(0.9, v) for v in normal(rng, n, 5.5, 1.8, 2)]
    y, spec = label("Ausfall", outcome(rng, rate, 0.12, "ja", "nein"), "ja", "nein")
    save("german_excel.csv", "1.234,56 and 1.234 for a thousand, 31.12.2023, ja/nein, #NV",
         [category("Kundennummer", repeated(rng, n, "K%05d", 190), roles="group", kind_also=["text"]),
          time("Antragsdatum", days(rng, n, "2023-01-02", 360), "%d.%m.%Y"),
          number("Kreditbetrag", money(rng, n, 18_000), de, "amount feature"),
          number("Ersparnisse", [round(v) for v in money(rng, n, 6_000)], whole, "feature amount", note="whole numbers: 1.234 is 1234"),
          number("Zinssatz", rate, dec(2, ",")), number("Laufzeit_Monate", pick(rng, n, 12, 24, 36, 48, 60, 84)),
          number("Einkommen", gaps(rng, money(rng, n, 2_900, 0.35), nv=0.07, marks={"nv": "#NV"}), de, "feature amount"),
          category("PLZ", [f"{rng.randrange(1_067, 99_998):05d}" for _ in range(n)], roles="feature ignore site group", kind_also=["text"], note="leading zeros"),
          category("Beschäftigung", pick(rng, n, "angestellt", "selbständig", "verbeamtet", "in Ausbildung")),
          category("Schufa geprüft", pick(rng, n, "ja", "nein", weights=[8, 2]), note="ja and nein, but not the label"),
          y], spec, delimiter=";", decimal=",", thousands=".", encoding="utf-8-bom")


def german_totals():
    rng, n = random.Random(4), 150
    de = dec(2, ",", ".")
    stay = [max(1, v) for v in normal(rng, n, 6, 3, 0)]
    paid = [round(v, 2) for v in money(rng, n, 3_800, 0.5)]
    bad = outcome(rng, stay, 0.2)
    y, spec = label("Komplikation", bad, "1", "0", note="the totals row holds the number of complications: no third level")
    save("german_totals.csv", "a `;` at the end of every line (an empty last column without name) and a row of totals",
         [text("Fallnummer", [str(23_000_000 + 13 * i) for i in range(n)], kind_also=["number"]),
          time("Aufnahme", days(rng, n, "2023-03-01", 90), "%d.%m.%Y"), category("Station", pick(rng, n, "Innere 1", "Innere 2", "Chirurgie")),
          number("Alter", [min(98, max(18, v)) for v in normal(rng, n, 64, 16, 0)]), number("Liegetage", stay),
          number("Erlös", paid, de, "amount feature"), y], spec, delimiter=";", decimal=",", thousands=".", trailing=True,
         totals=["Summe", "", "", "", str(sum(stay)), de(sum(paid)), str(sum(bad))])


def french_excel():
    rng, n = random.Random(5), 200
    thin, wide = dec(2, ",", THIN), dec(2, ",", NBSP)
    bonus = [min(3.5, max(0.5, v)) for v in normal(rng, n, 0.9, 0.3, 2)]
    y, spec = label("Sinistre", outcome(rng, bonus, 0.18, "oui", "non"), "oui", "non")
    save("french_excel.csv", "1 234,56 € with U+00A0, 150 000 with U+202F, dd/mm/yyyy, oui/non",
         [text("N° contrat", [f"A{500_000 + 11 * i}" for i in range(n)]), time("Date de souscription", days(rng, n, "2023-01-03", 340), "%d/%m/%Y",
               note="the first cells fit m/d/yyyy too; later ones have a day above 12"),
          number("Prime annuelle", money(rng, n, 1_100, 0.4), lambda v: wide(v) + NBSP + "€", "amount feature", strip=["€"]),
          number("Capital assuré", [float(round(v, -3)) for v in money(rng, n, 120_000)], dec(0, ",", THIN), "feature amount"),
          number("Revenu", gaps(rng, money(rng, n, 31_000, 0.4), empty=0.08), thin, "feature amount"),
          number("Bonus", bonus, dec(2, ",")), number("Âge", [max(18, v) for v in normal(rng, n, 46, 14, 0)]),
          category("Région", pick(rng, n, "Île-de-France", "Bretagne", "Occitanie", "Grand Est")),
          category("Fumeur", pick(rng, n, "oui", "non", weights=[1, 3])), y], spec,
         delimiter=";", decimal=",", thousands=" ", encoding="utf-8-bom")


def indian_bank():
    rng, n = random.Random(6), 300
    paid = money(rng, n, 45_000, 1.7)
    y, spec = label("Fraud", outcome(rng, [math.log(v) for v in paid], 0.06, "Yes", "No"), "Yes", "No")
    save("indian_bank.csv", "lakh groups 12,34,567.00, ₹, dd-mm-yyyy, ids of 18 digits that a float cannot hold",
         [text("Txn Ref", [str(920_010_034_517_880_003 + 1_000_003 * i) for i in range(n)], note="18 digits: two of them are one float"),
          category("Customer ID", repeated(rng, n, "CIF%06d", 200), roles="group", kind_also=["text"]),
          time("Txn Date", days(rng, n, "2023-04-01", 300), "%d-%m-%Y"), number("Amount", paid, lakh, "amount feature"),
          number("Balance", money(rng, n, 260_000, 1.4), lambda v: "₹ " + lakh(v), "feature amount", strip=["₹"]),
          category("Channel", pick(rng, n, "UPI", "NEFT", "IMPS", "ATM")),
          category("PIN Code", pick(rng, n, "110001", "400001", "560034", "600028", "700019"), roles="feature site ignore group", kind_also=["text", "number"],
                   note="a place, not a quantity"),
          category("KYC Done", pick(rng, n, "Yes", "No", weights=[9, 1]), note="Yes and No, but not the label"), y], spec,
         thousands=",")


def swiss_orders():
    rng, n = random.Random(7), 160
    ch = dec(2, ".", "'")
    price, size = money(rng, n, 180, 1.1), [rng.randrange(1, 400) * 10 for _ in range(n)]
    volume = [round(p * s, 2) for p, s in zip(price, size)]
    y, spec = label("Storniert", outcome(rng, [math.log(v) for v in volume], 0.15), "1", "0")
    save("swiss_orders.csv", "two lines of title and an empty one before the header, 1'234.50",
         [text("Auftrag", [f"O-{70_000 + 3 * i}" for i in range(n)]),
          time("Zeit", [t.replace(second=0) for t in days(rng, n, "2023-09-01", 60, True)], "%d.%m.%Y %H:%M"),
          category("Titel", pick(rng, n, "NESA", "ROGO", "UBAG", "ZUVN"), roles="feature group site key"),
          category("Seite", pick(rng, n, "Kauf", "Verkauf")), number("Stück", size, dec(0, ".", "'")), number("Kurs", price, ch),
          number("Volumen CHF", volume, ch, "amount feature"), number("Kommission", [round(v * 0.0012 + 9, 2) for v in volume], ch, "feature amount"),
          y], spec, delimiter=";", thousands="'",
         before=["Musterbank AG – Auftragsliste", "Erstellt am 05.01.2024;;;", ""])


def r_write_csv():
    rng, n = random.Random(8), 220
    radius = normal(rng, n, 14, 3.4, 2)
    y, spec = label("diagnosis", outcome(rng, radius, 0.36, "malignant", "benign"), "malignant", "benign")
    save("r_write_csv.csv", "R's write.csv: row names in a first column called \"\", NA, TRUE/FALSE; benign/malignant",
         [text("", [str(i + 1) for i in range(n)], kind_also=["number"], note="row names: no column of the table"), number("radius", radius, best),
          number("texture", gaps(rng, normal(rng, n, 19.3, 4, 1), NA=0.05), best),
          number("cells", [rng.randrange(1, 11) for _ in range(n)]), number("smoothness", normal(rng, n, 0.096, 0.014, 4), best),
          category("family_history", gaps(rng, pick(rng, n, "TRUE", "FALSE", weights=[1, 4]), NA=0.08), bare=True, note="bare TRUE and FALSE"),
          category("centre", pick(rng, n, "north", "south"), roles="site feature"), y], spec, eol="\n", quote="texts")


def survival_times(rng, n, middle, end):
    """Months until the event or until the study's end for each row."""
    at = [rng.expovariate(math.log(2) / middle) for _ in range(n)]
    until = [rng.uniform(end * 0.3, end) for _ in range(n)]
    return [round(min(a, u), 1) for a, u in zip(at, until)], [int(a <= u) for a, u in zip(at, until)]


def r_write_table_spaces():
    rng, n = random.Random(9), 180
    months, status = survival_times(rng, n, 26, 60)
    save("r_write_table_spaces.txt", "R's write.table: spaces between cells, the header one name short of the row names; an outcome in time",
         [text("", [str(i + 1) for i in range(n)], kind_also=["number"], note="row names, which the header does not name"),
          number("months", [max(0.1, m) for m in months], best, "duration"),
          category("status", status, roles="event", bare=True, kind_also=["number"]),
          category("treatment", pick(rng, n, "new drug", "standard care"), note="a cell holds the delimiter, in quotes"),
          number("age", [max(30, v) for v in normal(rng, n, 63, 9, 0)]),
          number("albumin", gaps(rng, normal(rng, n, 3.8, 0.5, 2), NA=0.06), best),
          category("stage", pick(rng, n, "I", "II", "III", "IV")), category("sex", pick(rng, n, "f", "m"))],
         "an outcome in time: `months` until `status`; `status` alone as label would ignore how long a row was followed",
         delimiter=" ", eol="\n", quote="texts", unnamed_in_header=False,
         event={"duration": "months", "column": "status", "positive": ["1"], "negative": ["0"], "missing": []})


def r_write_table_tab():
    rng, n = random.Random(10), 200
    entry = [rng.randrange(0, 400) for _ in range(n)]
    gone, died = survival_times(rng, n, 700, 1_500)
    save("r_write_table_tab.txt", "R's write.table with tabs and without quotes; an outcome in time with delayed entry",
         [text("patient", [f"R{i:04d}" for i in rng.sample(range(5_000), n)]), category("clinic", pick(rng, n, "A", "B", "C", "D"), roles="site feature"),
          number("entry_days", entry, roles="entry", note="under observation from here on: neither a feature nor the duration"),
          number("exit_days", [e + max(1, round(g)) for e, g in zip(entry, gone)], roles="duration", note="counted from the same origin as entry_days"),
          category("died", ["TRUE" if d else "FALSE" for d in died], roles="event"),
          number("creatinine", gaps(rng, money(rng, n, 4.8, 0.4), NA=0.05), best),
          number("age_at_start", [max(20, v) for v in normal(rng, n, 58, 14, 0)]),
          category("diabetes", gaps(rng, pick(rng, n, "TRUE", "FALSE"), NA=0.04))],
         "an outcome in time: `exit_days` until `died`, seen from `entry_days` on",
         delimiter="\t", eol="\n", quote="never",
         event={"duration": "exit_days", "entry": "entry_days", "column": "died", "positive": ["TRUE"], "negative": ["FALSE"], "missing": []})


def pandas_to_csv():
    rng, n = random.Random(11), 320
    paid = money(rng, n, 42, 1.2)
    fraud = outcome(rng, [math.log(v) for v in paid], 0.11, 1.0, 0.0)
    order = sorted(range(n), key=lambda i: fraud[i])
    when = days(rng, n, "2024-01-02", 40, True)
    paid, when = [paid[i] for i in order], [when[i] for i in order]
    fraud = [Gap("") if place in (150, 201, 280) else fraud[i] for place, i in enumerate(order)]
    y, spec = label("is_fraud", fraud, "1.0", "0.0",
                    note="whole numbers became 1.0 and 0.0 because of the empty cells, which are rows without label")
    save("pandas_to_csv.csv", "pandas' to_csv: an unnamed index, True/False, 1.0/0.0 because of gaps, a text <NA>, milliseconds; sorted by the label: its first 200 cells hold no 1.0",
         [text("", [str(i) for i in range(n)], kind_also=["number"], note="the index: no column of the table"),
          text("transaction_id", [f"{rng.getrandbits(48):012x}" for _ in range(n)], note="hexadecimal: one of a few may look like a number such as 1e5"),
          category("customer_id", [str(rng.randrange(10_001, 10_160)) for _ in range(n)], roles="group", kind_also=["text", "number"]),
          time("ts", when, "milliseconds", lambda t: str(int(epoch(t) * 1000)), format_optional=True), number("amount", paid, roles="amount feature"),
          category("merchant", pick(rng, n, "grocery", "fuel", "travel", "online"), roles="feature key"),
          category("is_foreign", pick(rng, n, "True", "False", weights=[1, 5])),
          number("prior_chargebacks", gaps(rng, pick(rng, n, 0.0, 1.0, weights=[6, 1]), empty=0.05), kind_also=["category"]),
          category("device", gaps(rng, pick(rng, n, "ios", "android", "web"), na=0.06, marks={"na": "<NA>"})), y], spec, eol="\n")


def sas_export():
    rng, n = random.Random(12), 210
    ldl = gaps(rng, normal(rng, n, 131, 34, 0), dot=0.05, a=0.03, marks={"dot": ".", "a": ".A"})
    visit = days(rng, n, "2023-01-09", 350)
    dose = [t + timedelta(hours=8, seconds=rng.randrange(30_000)) for t in visit]
    y, spec = label("RESPONSE", outcome(rng, [0 if isinstance(v, Gap) else -v for v in ldl], 0.3, 2, 1), "2", "1", sure=False,
                    note="1 and 2: 2 is the rarer and by habit the event, but nothing in the file says so")
    save("sas_export.csv", ". and .A for missing, 31DEC2023, 31DEC2023:14:05:00, yyyymmdd as a number, a label of 1 and 2",
         [text("USUBJID", [f"TRL-{i:03d}" for i in rng.sample(range(1_000), n)]),
          time("VISITDT", visit, "%d%b%Y", lambda t: t.strftime("%d%b%Y").upper(), "time feature", format_optional=True),
          time("DOSETM", dose, "%d%b%Y:%H:%M:%S", lambda t: t.strftime("%d%b%Y:%H:%M:%S").upper(), "feature ignore time", format_optional=True),
          time("LABDT", [t - timedelta(days=rng.randrange(1, 15)) for t in visit], "yyyymmdd", lambda t: t.strftime("%Y%m%d"), "feature ignore time", format_optional=True,
               note="20230109: a date, not twenty millions"),
          category("SEX", pick(rng, n, "F", "M")), category("ARM", pick(rng, n, "PLACEBO", "DRUG 10 MG", "DRUG 20 MG")),
          number("SYSBP", gaps(rng, normal(rng, n, 134, 17, 0), dot=0.04, marks={"dot": "."}), best), number("LDL", ldl, best),
          number("VISITNUM", pick(rng, n, 1, 2, 3), kind_also=["category"]), y], spec)


def stata_export():
    rng, n = random.Random(13), 250
    age = [min(95, max(18, v)) for v in normal(rng, n, 49, 17, 0)]
    y, spec = label("hypertension", outcome(rng, age, 0.34, "Yes", "No"), "Yes", "No")
    save("stata_export.csv", ". for missing, value labels, 31dec2023, survey weights; households repeat",
         [category("hhid", [str(rng.randrange(1_001, 1_160)) for _ in range(n)], roles="group", kind_also=["text", "number"]),
          category("region", pick(rng, n, "North", "East", "South", "West"), roles="feature site"),
          time("intdate", days(rng, n, "2022-11-01", 200), "%d%b%Y", lambda t: t.strftime("%d%b%Y").lower(), "time feature", format_optional=True),
          number("age", age), category("sex", pick(rng, n, "Male", "Female")),
          category("educ", pick(rng, n, "No schooling", "Primary", "Secondary", "Higher")),
          number("income", gaps(rng, money(rng, n, 1_900, 0.6, 0), dot=0.1, marks={"dot": "."}), lambda v: f"{v:.0f}", "feature amount"),
          number("bmi", gaps(rng, normal(rng, n, 26.4, 4.6, 1), dot=0.05, marks={"dot": "."}), best),
          category("smoker", pick(rng, n, "Yes", "No", weights=[1, 3]), note="Yes and No, but not the label"),
          number("pweight", money(rng, n, 812, 0.4, 3), best, "weight ignore"), y], spec)


def spss_export():
    rng, n = random.Random(14), 240
    age = gaps(rng, [min(96, max(20, v)) for v in normal(rng, n, 66, 12, 0)], coded=0.03, marks={"coded": "999"})
    died = gaps(rng, outcome(rng, age, 0.17), coded=0.04, marks={"coded": "9"})
    y, spec = label("DIED30", died, "1", "0", ["9"], note="9 is a code for unknown, not a third class")
    save("spss_export.csv", "#NULL!, and codes for missing (9, 99, 999) that only the value's distance from all others tells",
         [text("CASEID", [str(4_001 + i) for i in range(n)], kind_also=["number"]),
          category("CENTRE", [str(rng.randrange(1, 7)) for _ in range(n)], roles="site feature", kind_also=["number"], note="numbers that name a hospital"),
          time("ADMDATE", days(rng, n, "2022-05-02", 330), "%d-%b-%Y", format_optional=True, roles="time feature"), number("AGE", age),
          number("SBP", gaps(rng, normal(rng, n, 131, 21, 0), coded=0.05, marks={"coded": "999"})),
          number("PAIN", gaps(rng, [rng.randrange(0, 11) for _ in range(n)], coded=0.06, marks={"coded": "99"}), note="a scale from 0 to 10"),
          category("NYHA", gaps(rng, pick(rng, n, "1", "2", "3", "4"), coded=0.03, marks={"coded": "9"}), kind_also=["number"]),
          number("WEIGHT_KG", gaps(rng, normal(rng, n, 78, 14, 1), null=0.05, marks={"null": "#NULL!"}), note="a body's weight, not a row's"), y], spec)


def postgres_copy():
    rng, n = random.Random(15), 300
    paid = money(rng, n, 61, 1.3)
    y, spec = label("is_chargeback", gaps(rng, outcome(rng, [math.log(v) for v in paid], 0.08, "t", "f"), n=0.03, marks={"n": r"\N"}), "t", "f", [r"\N"],
                    note=r"\N: not decided yet, rows without label")
    when = [t + timedelta(microseconds=rng.randrange(1, 10**6)) for t in days(rng, n, "2024-03-01", 45, True)]
    notes_ = ["asked for a refund twice, was told to wait", "new device, address confirmed by phone", "large basket, gift cards only"]
    save("postgres_copy.tsv", r"COPY's text format with a header: tabs, \N, t/f, times with microseconds and +00, ids of 18 digits",
         [text("id", [str(731_204_458_990_117_633 + 4_096 * i + rng.randrange(4_096)) for i in range(n)], note="18 digits: a float would not keep them"),
          time("created_at", when, "%Y-%m-%d %H:%M:%S%.f%#z", lambda t: t.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".") + "+00", format_optional=True),
          category("account_id", [str(rng.randrange(88_001, 88_190)) for _ in range(n)], roles="group", kind_also=["text", "number"]),
          number("amount", paid, lambda v: f"{v:.2f}", "amount feature"), category("merchant", pick(rng, n, "m_17", "m_204", "m_33", "m_8"), roles="feature key"),
          category("card_present", pick(rng, n, "t", "f"), note="t and f, but not the label"),
          category("ip_country", gaps(rng, pick(rng, n, "DE", "FR", "PL", "NL"), n=0.1, marks={"n": r"\N"})),
          text("note", gaps(rng, [f"{rng.choice(notes_)}, case {rng.randrange(1_000, 9_999)}" for _ in range(n)], n=0.5, marks={"n": r"\N"}), roles="ignore"),
          y], spec, delimiter="\t", eol="\n", quote="never")


def mysql_batch():
    rng, n = random.Random(16), 260
    seen = days(rng, n, "2024-05-01", 60, True)
    calls = [rng.choice([0, 0, 1, 1, 2, 3, 5, 8]) for _ in range(n)]
    y, spec = label("churned", outcome(rng, calls, 0.22), "1", "0")
    save("mysql_batch.tsv", "mysql --batch: tabs, NULL, 0000-00-00 for no date, seconds since 1970",
         [text("customer_id", [str(50_001 + 3 * i) for i in range(n)], kind_also=["number"]),
          time("signup_date", gaps(rng, days(rng, n, "2021-01-05", 1_000), zero=0.05, marks={"zero": "0000-00-00"}), "%Y-%m-%d", roles="feature ignore", format_optional=True,
               note="has missing dates: it cannot order the rows"),
          time("last_login", seen, "seconds", lambda t: str(int(epoch(t))), "time feature", format_optional=True), category("plan", pick(rng, n, "basic", "plus", "pro")),
          number("monthly_fee", pick(rng, n, 4.9, 9.9, 19.9), lambda v: f"{v:.2f}", "feature amount"), number("calls", calls),
          category("referrer", gaps(rng, pick(rng, n, "search", "friend", "advert"), NULL=0.15)), y], spec, delimiter="\t", eol="\n", quote="never")


def oracle_export():
    rng, n = random.Random(17), 200
    overdrawn = [rng.choice([0, 0, 0, 1, 2, 4]) for _ in range(n)]
    y, spec = label("CLOSED", outcome(rng, overdrawn, 0.16, "Y", "N"), "Y", "N")
    remark, review = [Gap("")] * n, [Gap("")] * n
    for i in (17, 58, 103, 166):
        remark[i] = f"see file {i}"
    for i in (9, 40, 77, 121, 150, 190):
        review[i] = rng.randrange(1, 6)
    save("oracle_export.csv", "31-DEC-23 with two digits of year, two constant columns, two that are nearly empty",
         [text("ACCT_ID", [f"AC{i:06d}" for i in rng.sample(range(900_000), n)]),
          time("OPEN_DATE", days(rng, n, "2019-02-01", 1_700), "%d-%b-%y", lambda t: t.strftime("%d-%b-%y").upper(), bare=True),
          category("BRANCH", pick(rng, n, "ZRH01", "BSL02", "GVA01"), roles="site feature"), number("BALANCE", normal(rng, n, 5_200, 4_000, 2), lambda v: f"{v:.2f}", "amount feature"),
          number("OVERDRAFT_CNT", overdrawn), category("COUNTRY", ["CH"] * n, roles="ignore feature", note="constant"),
          number("LOAD_BATCH", [7] * n, roles="ignore feature", note="constant", kind_also=["category"]),
          number("REVIEW_SCORE", review, roles="feature ignore", kind_also=["category"], note="6 of 200 cells filled"),
          text("REMARK", remark, roles="ignore", note="4 of 200 cells filled"), y], spec, eol="\n", quote="texts")


def excel_sep_units():
    rng, n = random.Random(18), 170
    crp = [Gap("") if rng.random() < 0.05 else v for v in money(rng, n, 8, 1.9, 1)]
    crp[1] = 0.3  # a limit among the first cells
    limited = ["<0.5" if not isinstance(v, Gap) and v < 0.5 else v for v in crp]
    troponin = [">100" if v > 100 else v for v in money(rng, n, 24, 1.2, 1)]
    y, spec = label("Sepsis", outcome(rng, [0 if isinstance(v, Gap) else math.log(v + 0.1) for v in crp], 0.24), "1", "0")
    comma = lambda v: v.replace(".", ",") if isinstance(v, str) else f"{v:.1f}".replace(".", ",")
    save("excel_sep_units.csv", "a first line sep=;, a row of units below the header, limits of detection <0,5 and >100",
         [category("Patient", repeated(rng, n, "PAT-%03d", 120), roles="group", kind_also=["text"]),
          time("Abnahme", [t.replace(second=0) for t in days(rng, n, "2023-10-01", 70, True)], "%d.%m.%Y %H:%M"),
          number("Alter", [min(97, max(18, v)) for v in normal(rng, n, 61, 17, 0)]), number("CRP", limited, comma, limits=True),
          number("Troponin", troponin, comma, limits=True), number("Laktat", [max(0.3, v) for v in normal(rng, n, 1.9, 1.1, 1)], comma),
          number("Kreatinin", [max(35, v) for v in normal(rng, n, 98, 35, 0)]), category("Material", ["Blut"] * n, roles="ignore feature", note="constant"), y], spec,
         delimiter=";", decimal=",", before=["sep=;"], units=["", "", "Jahre", "mg/l", "ng/l", "mmol/l", "µmol/l", "", ""])


ADVICE_16 = "the text is UTF-16 (Excel's \"Unicode text\"): save it as \"CSV UTF-8\", or iconv -f UTF-16 -t UTF-8"
ADVICE_1252 = "the text is not UTF-8, it seems to be Windows-1252: save it as \"CSV UTF-8\", or iconv -f WINDOWS-1252 -t UTF-8"


def excel_unicode_text():
    rng, n = random.Random(19), 140
    y, spec = label("Kept", outcome(rng, normal(rng, n, 0, 1), 0.8, "Yes", "No"), "No", "Yes", sure=False,
                    note="No (did not come) is the rarer value; which one is of interest only the user knows")
    save("excel_unicode_text.txt", "Excel's \"Unicode text\": UTF-16, tabs",
         [text("Appointment", [f"T{i:05d}" for i in rng.sample(range(90_000), n)]), time("Booked", days(rng, n, "2024-01-03", 80), "%m/%d/%Y", short_us),
          category("Clinic", pick(rng, n, "Kraków", "Łódź", "Gdańsk"), roles="site feature"), number("Age", [max(18, v) for v in normal(rng, n, 50, 16, 0)]),
          number("Days Ahead", [rng.randrange(0, 60) for _ in range(n)]), y], spec, delimiter="\t", encoding="utf-16-le-bom", refuse=ADVICE_16)


def windows_1252():
    rng, n = random.Random(20), 140
    paid = money(rng, n, 900, 0.9)
    y, spec = label("Betrug", outcome(rng, [math.log(v) for v in paid], 0.1, "ja", "nein"), "ja", "nein")
    save("windows_1252.csv", "German Excel's plain CSV: Windows-1252, not UTF-8",
         [text("Schadennummer", [f"S{i:06d}" for i in rng.sample(range(900_000), n)]), time("Schadentag", days(rng, n, "2023-02-01", 300), "%d.%m.%Y"),
          category("Ort", pick(rng, n, "München", "Köln", "Düsseldorf", "Gießen"), roles="feature site"),
          number("Schadenhöhe", paid, lambda v: dec(2, ",", ".")(v) + " €", "amount feature", strip=["€"]),
          category("Ursache", pick(rng, n, "Leitungswasser", "Überspannung", "Einbruch")), y], spec,
         delimiter=";", decimal=",", thousands=".", encoding="windows-1252", refuse=ADVICE_1252)


# --- all of them --------------------------------------------------------------------------------------------------

TABLES = [excel_us, excel_utf8_bom, german_excel, german_totals, french_excel, indian_bank, swiss_orders, r_write_csv, r_write_table_spaces,
          r_write_table_tab, pandas_to_csv, sas_export, stata_export, spss_export, postgres_copy, mysql_batch, oracle_export, excel_sep_units,
          excel_unicode_text, windows_1252]


def check(file, truth):
    """Every line of the written file has the cells that it should have."""
    d = truth["dialect"]
    encoding = {"utf-8-bom": "utf-8-sig", "utf-16-le-bom": "utf-16"}.get(d["encoding"], d["encoding"])
    with open(OUT / file, encoding=encoding, newline="") as lines:
        for _ in range(d["skip_before_header"]):
            next(lines)
        rows = list(csv.reader(lines, delimiter=d["delimiter"]))
    width = len(truth["columns"]) + d["empty_last_column"]
    short = d["index_column"] is not None and not d["index_column"]["in_header"]
    assert len(rows[0]) == width - short and all(len(r) == width for r in rows[1:]), file
    assert len(rows) == 1 + d["rows"] + d["skip_after_header"] + d["skip_at_end"] and 120 <= d["rows"] <= 400, file
    names = [""] * short + rows[0]
    assert names[: len(truth["columns"])] == list(truth["columns"]), file
    body = rows[1 + d["skip_after_header"]: len(rows) - d["skip_at_end"]]
    if spec := truth["label"]:
        seen = {r[names.index(spec["column"])] for r in body} - {""}
        assert seen == {*spec["positive"], *spec["negative"], *spec["missing"]}, (file, seen)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        table()
    for file, truth in EXPECTED.items():
        check(file, truth)
    about = {"_about": " ".join(ABOUT.split())}
    (OUT / "expected.json").write_text(json.dumps(about | EXPECTED, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    lines = "\n".join(f"- `{file}`: {truth['trap']}" for file, truth in EXPECTED.items())
    (OUT / "CARD.md").write_text(CARD.format(lines=lines), encoding="utf-8")
    size = sum(f.stat().st_size for f in OUT.iterdir())
    assert size < 1_000_000, size
    print(f"{len(EXPECTED)} tables, {size:,} bytes")


CARD = """# init

Twenty tables of 120 to 400 rows as spreadsheets, statistics packages and databases export them, and what a person would
say about each: `expected.json`.

- **Source**: made up by `tests/reference/make_tables.py` with seeded generators. No person, firm or account in them is
  real, and no figure means anything.
- **Licence**: the project's own.

## What each one is for

{lines}

## Not sure

R and pandas have written their four files to the byte; the others are written from memory.

- SAS: `proc export` leaves a missing number empty and writes `A` for `.A`; the dots come with other ways out of SAS.
- Stata: whether `export delimited` writes `.` or an empty cell for a missing number; `outsheet` and copies do write it.
- SPSS: `#NULL!` comes with its Excel files and with copies, plain CSV has an empty cell.
- Oracle: whether dates and empty cells stand in quotes differs between versions of SQL Developer.
- `excel_sep_units.csv`: `sep=` is what other programs write for Excel's sake, UTF-8 or not.
"""

if __name__ == "__main__":
    main()
