"""Small Parquet files by five writers, one column per type that each can write, and what a reader should find in them.

    python tests/reference/make_parquet.py            (from the root of the repository)

Needs pyarrow, pandas, polars, duckdb and pyspark (with Java 17). Writes the files and expected.json into tests/fixtures/parquet/, whose
CARD.md says what the keys mean, and prints what a writer refused. Every value is made up. All are read back by pyarrow, whoever wrote
them; where the writer's own table held something else, that is kept beside it.
"""
import base64, datetime as dt, json, re, shutil, tempfile, uuid
from decimal import Decimal
from pathlib import Path

import duckdb, numpy as np, pandas as pd, polars as pl, pyarrow as pa, pyarrow.parquet as pq, pyspark
from pandas.core.arrays.arrow import extension_types  # registers pandas.period and pandas.interval with Arrow
from pyspark.sql import SparkSession

OUT, TMP, DB = Path("tests/fixtures/parquet"), Path(tempfile.mkdtemp()), duckdb.connect()
TITLES = {"arrow": f"pyarrow {pa.__version__}", "pandas": f"pandas {pd.__version__} (through pyarrow {pa.__version__})", "polars": f"Polars {pl.__version__}",
          "duck": f"DuckDB {duckdb.__version__}", "spark": f"Spark {pyspark.__version__}"}
READERS = {TITLES["arrow"]: lambda path: pq.ParquetFile(path).read(), TITLES["polars"]: pl.read_parquet}
PER = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
expected = {}

# ---- what a reader should find

def parts(array):
    """The kind of an Arrow array, the canonical value of each row (None where missing), and what some kinds have besides."""
    t, is_ = array.type, pa.types
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], t)

    def each(kind, text=str, items=None, **more):
        return kind, [None if i is None else text(i) for i in (array.to_pylist() if items is None else items)], more

    if isinstance(t, pa.BaseExtensionType):
        if t.extension_name == "arrow.uuid":
            return each("text", note="the usual form of a UUID, which is stored as 16 bytes")
        if t.extension_name == "arrow.bool8":
            return each("boolean", lambda i: str(bool(i)), array.storage.to_pylist())
        kind, values, more = parts(array.storage)
        return kind, values, {"note": f"as stored; of the extension type {t.extension_name}", **more}
    if is_.is_dictionary(t):
        kind, levels, _ = parts(array.dictionary)
        note = {"note": "its levels are bytes, which have no text"} if kind == "bytes" else {}
        return each("category", lambda i: levels[i], array.indices.to_pylist(), levels=levels, ordered=t.ordered, **note)
    if is_.is_timestamp(t) or is_.is_time(t) or is_.is_duration(t):  # as integers, since Python's own types have no nanoseconds
        counts, per = array.cast(pa.int32() if t.bit_width == 32 else pa.int64()).to_pylist(), PER[t.unit]
        seconds = [None if i is None else format(Decimal(i) / per, "f") for i in counts]  # exact, where a float would round
        if not is_.is_timestamp(t):
            return "time of day" if is_.is_time(t) else "duration", seconds, {}
        iso = lambda i: (dt.datetime(1970, 1, 1) + dt.timedelta(seconds=i // per)).isoformat() + f".{i % per * (10**9 // per):09d}Z"
        return each("timestamp", iso, counts, zone=t.tz, epoch_seconds=seconds)
    if is_.is_struct(t):
        rows = [dict(zip([f.name for f in t], row)) for row in zip(*(parts(part)[1] for part in array.flatten()))]
        return "nested", [row if there else None for row, there in zip(rows, array.is_valid().to_pylist())], {}
    if is_.is_map(t) or "list" in str(t).split("<")[0]:
        rows = [parts(v.values)[1] if v.is_valid else None for v in array]
        return "nested", [row and [list(pair.values()) for pair in row] for row in rows] if is_.is_map(t) else rows, {}
    if "binary" in str(t).split("[")[0]:
        return "bytes", [None] * len(array), {"bytes_hex": [None if i is None else i.hex() for i in array.to_pylist()], "note": "bytes have no text; see bytes_hex"}
    for test, kind, text in [(is_.is_null, "null", str), (is_.is_boolean, "boolean", str), (is_.is_integer, "whole number", str), (is_.is_date, "date", str),
                             (is_.is_floating, "number", lambda i: repr(float(i))), (lambda t: str(t).endswith(("string", "string_view")), "text", str),
                             (is_.is_decimal, "whole number" if getattr(t, "scale", 0) == 0 else "number", lambda i: format(i, "f"))]:
        if test(t):
            return each(kind, text)
    return each("other")

def cells(array):
    kind, values, more = parts(array)
    return {"kind": kind, "values": [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values], **more}

def leaves(t):
    t = getattr(t, "storage_type", t)
    return sum(leaves(t.field(i).type) for i in range(t.num_fields)) or 1

def physical(leaf, name):
    logical = re.sub(", (is_from|force_set)_converted_type=false", "", str(leaf.logical_type)).replace("None", "")
    logical = logical or ("" if leaf.converted_type == "NONE" else f"{leaf.converted_type} (old style)")
    width = f"({leaf.length})" if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else ""
    return ("" if leaf.path == name else leaf.path + ": ") + f"{leaf.physical_type}{width} {logical}".strip()

def describe(path, own):
    """What pyarrow reads in a file, the marks that its writer left, and what its writer had where that is another thing."""
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException:  # integers of 128 bits, which only Polars knows
        return {s.name: {"arrow_type": None, "parquet_type": "FIXED_LEN_BYTE_ARRAY(16)", "kind": "whole number", "values": s.cast(pl.String).to_list(),
                         "note": "read by Polars, since pyarrow cannot open the file"} for s in pl.read_parquet(path)}
    try:
        table, more = file.read(), {}
    except pa.ArrowException:
        table, more = DB.sql(f"FROM '{path}'").to_arrow_table(), {"note": "read by DuckDB, since pyarrow cannot read the column"}
    meta, columns, leaf = file.metadata.metadata or {}, {}, 0
    arrow = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(meta[b"ARROW:schema"]))) if b"ARROW:schema" in meta else None
    pandas = {c.get("field_name") or c["name"]: c for c in json.loads(meta.get(b"pandas", b"{}")).get("columns", [])}
    spark = json.loads(meta.get(b"org.apache.spark.sql.parquet.row.metadata", b'{"fields": []}'))["fields"]
    for i, field in enumerate(file.schema_arrow):
        mine, leaf = range(leaf, leaf + leaves(field.type)), leaf + leaves(field.type)
        entry = {"arrow_type": str(field.type), "parquet_type": "; ".join(physical(file.schema.column(c), field.name) for c in mine), **cells(table.column(i)), **more}
        marks = {"spark": spark[i]["type"], **{f"spark {k}": v for k, v in spark[i]["metadata"].items()}} if spark else {}
        if arrow is not None:
            marks |= {"arrow": str(arrow.field(i).type)} if arrow.field(i).type != field.type else {}
            marks |= {k.decode(): v.decode() for k, v in (arrow.field(i).metadata or {}).items() if k != b"PARQUET:field_id"}
        if said := pandas.get(field.name):
            marks["pandas"] = " / ".join(str(said[k]) for k in ("pandas_type", "numpy_type", "metadata") if said[k])
        entry |= {"marks": marks} if marks else {}
        held = own.get(field.name, entry)
        entry |= {"in_writer": held} if (held["kind"], held["values"]) != (entry["kind"], entry["values"]) else {}
        equals = sum(key == field.name or key.startswith(field.name + "#") for key in columns)
        columns[field.name + (f"#{equals + 1}" if equals else "")] = entry
    return columns

def reason(why):
    text = re.sub(r".*SparkException: ", "", " ".join(re.split("JVM stacktrace|\n\n", str(why))[0].split()))
    return f"{type(why).__name__}: {text}".replace(str(TMP), "FOLDER").split(" SQLSTATE")[0][:200]

def unreadable(path):
    failures = {}
    for reader, read in READERS.items():
        try:
            read(path)
        except (Exception, pl.exceptions.PanicException) as why:
            failures[reader] = reason(why)
    return failures

def view(own):
    """The writer's own table, column by column. Not every writer can show every type to Arrow."""
    try:
        table = own()
        names = table.column_names
        return {n: {"arrow_type": str(c.type), **cells(c)} for n, c in zip(names, table.columns) if names.count(n) == 1}
    except Exception:
        return {}

def put(name, write, about, specs, own=None, **options):
    """One file. That a writer refuses it is an answer too."""
    path, title = OUT / f"{name}.parquet", TITLES[write.__name__]
    try:
        held = view(write(specs, path, **options))
    except Exception as why:
        path.unlink(missing_ok=True)
        return print(f"| {title} | `{name}.parquet`: {about} | {reason(why)} |")
    expected[path.name] = {"writer": title, "about": about, "unreadable_by": unreadable(path), "columns": describe(path, held if own is None else own)}

def put_types(name, write, about, specs):
    """Tries each column alone, so that one that is refused costs no other. Many readers refuse a whole file for one column that they do
    not know, so a column that pyarrow or Polars cannot read gets a file of its own, and is left out of the rest."""
    kept, own, probe = {}, {}, TMP / "probe.parquet"
    for column, spec in specs.items():
        try:
            own |= view(write({column: spec}, probe))
        except Exception as why:
            print(f"| {TITLES[write.__name__]} | `{column}` | {reason(why)} |")
            continue
        if unreadable(probe):
            only = f"{name.split('_')[0]}_only_{re.sub('[^a-z0-9]+', '_', column.lower()).strip('_')}"
            put(only, write, f"only {column}, since some readers refuse the whole file", {column: spec})
        else:
            kept[column] = spec
    put(name, write, about, kept, own)
    return kept

# ---- the table: five rows, of which the fourth is missing

WHOLE = lambda bits: [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0, None, 5]
UNSIGNED = lambda bits: [2**bits - 1, 2 ** (bits - 1) + 1, 0, None, 5]
MONEY = lambda scale: [n if n is None else Decimal(n).scaleb(-scale) for n in (-12345, 12300, 0, None, 1)]
AT = lambda unit, nanos: [n if n is None else n // (10**9 // PER[unit]) for n in nanos]
NANOS = [-1, 1709210096123456789, 0, None, 1720000000 * 10**9]  # the last of 1969, a leap day, the epoch, and summer time
CLOCK = [0, 86399999999999, 45296123456789, None, 45296 * 10**9]
BOOLS, LEVELS, INTS = [True, False, True, None, False], ["low", "high", "low", None, "high"], [30, 10, 30, None, 20]
FLOATS, NANS, NULLS = [0.1, -0.0, float("inf"), None, 1e-5], [float("nan"), 1.5, float("-inf"), None, 5e-324], [None] * 5
TEXTS, BYTES = ["plain", 'Zoë, "q"\n2', "", None, "NA"], [b"abcd", b"\xff\x00\x01\x02", b"    ", None, b"1234"]
DATES = [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31), None, dt.date(2024, 2, 29)]
TIMES = [n if n is None else (dt.datetime.min + dt.timedelta(microseconds=n // 1000)).time() for n in CLOCK]
UUIDS, JSONS = [n if n is None else uuid.UUID(int=n) for n in (1, 2**127, 0, None, 5)], ['{"a": 1}', "null", "[]", None, "2"]
LISTS, PAIRS = [[1, None], [], [2, 3], None, [4, 5, 6]], [[1, 2], [3, None], [5, 6], None, [7, 8]]
STRUCTS = [{"a": 1, "b": "x"}, {"a": None, "b": "y"}, {"a": 2, "b": None}, None, {"a": 3, "b": "z"}]
MAPS, ZONES, ALL_LEVELS = [{"k": 1}, {}, {"k": None, "l": 2}, None, {"m": 3}], ["", "UTC", "Europe/Berlin", "+05:30"], ["unused", "low", "mid", "high"]
SOME = ("bool int8 int64 uint32 uint64 float32 float64 nan decimal128(10,2) string binary date32 time64[us] timestamp[ns] timestamp[us,UTC] duration[ms] "
        "dictionary_string list struct").split()

# ---- pyarrow

def arrow_array(t, values):
    if values is None:
        return pa.nulls(5, t)
    if pa.types.is_dictionary(t):
        return pa.array(values, t.value_type).dictionary_encode().cast(t)
    if isinstance(t, pa.BaseExtensionType) and t.extension_name != "arrow.uuid":
        return pa.ExtensionArray.from_storage(t, pa.array(values, t.storage_type))
    return pa.array([list(v.items()) if isinstance(v, dict) else v for v in values] if pa.types.is_map(t) else values, t)

def arrow(specs, path, **options):
    table = specs if isinstance(specs, pa.Table) else pa.table({n: arrow_array(*s) for n, s in specs.items()})
    pq.write_table(table, path, **options)
    return lambda: table

alias, dictionary, i64, text = pa.type_for_alias, lambda t, **k: pa.dictionary(pa.int8(), t, **k), pa.int64(), pa.string()
ARROW = {"bool": (pa.bool_(), BOOLS), "null": (pa.null(), NULLS), "date32": (pa.date32(), DATES), "date64": (pa.date64(), DATES)}
ARROW |= {f"{n}{b}": (alias(f"{n}{b}"), f(b)) for n, f in (("int", WHOLE), ("uint", UNSIGNED)) for b in (8, 16, 32, 64)}
ARROW |= {f"float{b}": (alias(f"float{b}"), FLOATS) for b in (16, 32, 64)} | {"nan": (pa.float64(), NANS)}
ARROW |= {f"decimal{b}({p},{s})": (getattr(pa, f"decimal{b}")(p, s), MONEY(s)) for b, p, s in (
    (32, 9, 2), (32, 9, 0), (64, 18, 4), (128, 5, 2), (128, 10, 2), (128, 18, 0), (128, 38, 18), (128, 10, -2), (256, 20, 2), (256, 76, 10))}
ARROW |= {str(t): (t, TEXTS) for t in (text, pa.large_string(), pa.string_view())}
ARROW |= {str(t): (t, BYTES) for t in (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(4))}
ARROW |= {f"time{b}[{u}]": (alias(f"time{b}[{u}]"), AT(u, CLOCK)) for b, u in ((32, "s"), (32, "ms"), (64, "us"), (64, "ns"))}
ARROW |= {f"timestamp[{u}{z and ',' + z}]": (pa.timestamp(u, z or None), AT(u, NANOS)) for u in PER for z in ZONES}
ARROW |= {f"duration[{u}]": (pa.duration(u), AT(u, NANOS)) for u in PER} | {f"dictionary_{n}": (dictionary(t), v) for n, t, v in (
    ("string", text, LEVELS), ("large_string", pa.large_string(), LEVELS), ("int", i64, INTS), ("uint64", pa.uint64(), UNSIGNED(64)), ("date", pa.date32(), DATES))}
ARROW |= {
    "dictionary_ordered": (dictionary(text, ordered=True), LEVELS), "dictionary_binary": (dictionary(pa.binary()), BYTES), "list": (pa.list_(i64), LISTS),
    "large_list": (pa.large_list(i64), LISTS), "list_view": (pa.list_view(i64), LISTS), "fixed_size_list": (pa.list_(i64, 2), PAIRS),
    "list_of_lists": (pa.list_(pa.list_(text)), [[["a"], None], [], [[]], None, [["b", None]]]), "struct": (pa.struct({"a": i64, "b": text}), STRUCTS),
    "map": (pa.map_(text, i64), MAPS), "uuid": (pa.uuid(), UUIDS), "json": (pa.json_(text), JSONS), "bool8": (pa.bool8(), [v if v is None else int(v) for v in BOOLS]),
    "opaque": (pa.opaque(pa.binary(), "made_up", "nobody"), BYTES), "fixed_shape_tensor": (pa.fixed_shape_tensor(i64, [2]), PAIRS),
    "interval": (pa.month_day_nano_interval(), None), "run_end_encoded": (pa.run_end_encoded(pa.int32(), i64), None),
    "union": (pa.dense_union([pa.field("i", i64)]), None)}

OUT.mkdir(parents=True, exist_ok=True)
for old in OUT.glob("*.parquet"):
    old.unlink()
ARROW = put_types("pyarrow_types", arrow, "every type", ARROW)
of = lambda *words: {n: s for n, s in ARROW.items() if any(word in n for word in words)}
some, int96 = {n: ARROW[n] for n in SOME}, {"use_deprecated_int96_timestamps": True}
delta = {"int64": "DELTA_BINARY_PACKED", "string": "DELTA_BYTE_ARRAY", "binary": "DELTA_LENGTH_BYTE_ARRAY", "float64": "BYTE_STREAM_SPLIT", "bool": "RLE"}
odd = pa.table([[1, 2], [{"b": 3}, {"b": 4}], [5, 6], [7, 8], [9, 10], [11, 12], [13, 14]], ["a.b", "a", "", " a ", "A", "ä/β", "x\ny"])
for name, about, specs, options in [
    ("no_arrow_schema", "every type, without the key ARROW:schema", ARROW, {"store_schema": False}), ("zero_columns", "zero columns", pa.table({}), {}),
    ("zero_rows", "every type, zero rows", pa.table({n: arrow_array(*s) for n, s in ARROW.items()}).slice(0, 0), {}),
    ("row_groups", "three row groups of at most two rows", some, {"row_group_size": 2}), ("page_v2", "data page v2", some, {"data_page_version": "2.0"}),
    ("no_dictionary", "dictionary off", some, {"use_dictionary": False}),
    ("encodings", "delta, split and run-length encodings", {n: ARROW[n] for n in delta}, {"use_dictionary": False, "column_encoding": delta}),
    ("version_1", "format 1.0: uint32 as int64, microseconds at best", some, {"version": "1.0", "coerce_timestamps": "us", "allow_truncated_timestamps": True}),
    ("int96", "old INT96 timestamps", of("timestamp"), int96), ("int96_bare", "the same without ARROW:schema", of("timestamp"), int96 | {"store_schema": False}),
    ("decimal_integers", "decimals stored as integers where they fit", of("decimal"), {"store_decimal_as_integer": True}),
    ("old_lists", "list elements by their old name, item", of("list", "map"), {"use_compliant_nested_type": False}),
    ("names", "names with a dot (beside a struct of the same path), empty, spaced, in two cases, with a line break", odd, {}),
    ("equal_names", "two equal names", pa.Table.from_arrays([pa.array([1, 2]), pa.array(["x", "y"])], ["a", "a"]), {}),
    *((f"codec_{c}", f"codec {c}", {n: ARROW[n] for n in ("int64", "string")}, {"compression": {"uncompressed": "none", "lz4_raw": "lz4"}.get(c, c)})
      for c in ("uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"))]:
    put(f"pyarrow_{name}", arrow, about, specs, **options)

# ---- pandas

def pandas(specs, path):
    frame = specs if isinstance(specs, pd.DataFrame) else pd.DataFrame({n: pd.Series(v, dtype=t) for n, (t, v) in specs.items()})
    frame.to_parquet(path, engine="pyarrow")
    return lambda: pa.Table.from_pandas(frame)

FULL = lambda values: [0 if v is None else v for v in values]  # numpy's booleans and integers have no missing value
STAMPS, DAYS = [pd.NaT if n is None else pd.Timestamp(n) for n in NANOS], ["1969-12-31", "2024-02-29", "1970-01-01", None, "2024-07-03"]
PANDAS = {f"object_{n}": (object, v) for n, v in {
    "str": TEXTS, "bool_none": BOOLS, "int_none": WHOLE(64), "bytes": BYTES, "decimal": MONEY(2), "date": DATES, "time": TIMES, "list": LISTS, "dict": STRUCTS,
    "uuid": UUIDS, "none": NULLS, "mixed": [1, "x", 2.5, None, True]}.items()}
PANDAS |= {f"category_{n}": ("category", v) for n, v in {"str": LEVELS, "int": INTS, "bool": BOOLS, "float": [0.5, 1.5, 0.5, None, 2], "time": STAMPS}.items()}
PANDAS |= {"category_ordered_unused": (pd.CategoricalDtype(ALL_LEVELS, ordered=True), LEVELS), "category_cut": (None, pd.cut([1, 5, 9, np.nan, 5], [0, 3, 6, 10])),
           "str": ("str", TEXTS), "string_python": (pd.StringDtype("python"), TEXTS), "string_pyarrow": (pd.StringDtype("pyarrow"), TEXTS), "complex": (complex, INTS),
           "bool": ("bool", FULL(BOOLS)), "boolean": ("boolean", BOOLS), "float_was_int_with_gap": (None, INTS), "sparse": (pd.SparseDtype("float64"), INTS),
           "interval": (None, pd.IntervalIndex.from_tuples([(0, 1), (1, 2), (2, 3), None, (3, 4)]))}
PANDAS |= {f"{n}{b}": (f"{n}{b}", v(b)) for n, v in (("Int", WHOLE), ("UInt", UNSIGNED)) for b in (8, 16, 32, 64)}
PANDAS |= {f"{n}{b}": (f"{n}{b}", FULL(v(b))) for n, v in (("int", WHOLE), ("uint", UNSIGNED)) for b in (8, 16, 32, 64)}
PANDAS |= {t: (t, FLOATS) for t in ("float16", "float32", "float64", "Float32", "Float64")} | {f"timedelta64[{u}]": (f"timedelta64[{u}]", AT(u, NANOS)) for u in PER}
PANDAS |= {t: (t, STAMPS) for t in (f"datetime64[{u}{z and ', ' + z}]" for u in PER for z in ZONES)} | {f"period[{f}]": (f"period[{f}]", DAYS) for f in "DMh"}
put_types("pandas_types", pandas, "every type of numpy and of pandas itself", PANDAS)
BACKED = {f"arrow_{n}": (pd.ArrowDtype(ARROW[n][0]), arrow_array(*ARROW[n])) for n in [*SOME, "large_string", "map"]}
put_types("pandas_arrow_types", pandas, "columns backed by pyarrow", BACKED)
small, two = pd.DataFrame({"x": [1.5, None, 2.5], "y": ["a", "b", None]}), pd.MultiIndex.from_tuples([("p", 1), ("p", 2), ("q", 1)], names=["patient", None])
for name, about, frame in [
    ("index_unnamed", "an unnamed index, saved as __index_level_0__", small.set_axis([10, 20, 40])), ("zero_columns", "three rows, zero columns; the file says zero rows", small[[]]),
    ("index_named", "a named index", small.set_axis(pd.Index(["p", "q", "r"], name="patient"))), ("equal_names", "two equal names", small.set_axis(["a", "a"], axis=1)),
    ("index_range", "a default index, kept in the metadata alone", small), ("multi_index", "an index of a named and an unnamed level", small.set_axis(two)),
    ("multi_columns", "two levels of column names", small.set_axis(pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]), axis=1)),
    ("number_names", "columns named by numbers", small.set_axis([0, 1], axis=1)), ("zero_rows", "zero rows", small.astype({"y": "category"})[:0])]:
    put(f"pandas_{name}", pandas, about, frame)

# ---- Polars

def polars(specs, path, **options):
    frame = specs if isinstance(specs, pl.DataFrame) else pl.DataFrame([pl.Series(n, v, dtype=t) for n, (t, v) in specs.items()])
    frame.write_parquet(path, **options)
    return frame.to_arrow

POLARS = {f"{n}{b}": (getattr(pl, f"{n}{b}"), f(b)) for n, f in (("Int", WHOLE), ("UInt", UNSIGNED)) for b in (8, 16, 32, 64, 128)}
POLARS |= {f"Float{b}": (getattr(pl, f"Float{b}"), FLOATS) for b in (16, 32, 64)} | {"nan": (pl.Float64, NANS)}
POLARS |= {f"Decimal({p},{s})": (pl.Decimal(p, s), MONEY(s)) for p, s in ((5, 2), (18, 0), (38, 18))}
POLARS |= {f"Duration[{u}]": (pl.Duration(u), AT(u, NANOS)) for u in ("ms", "us", "ns")}
POLARS |= {f"Datetime[{u}{z and ',' + z}]": (pl.Datetime(u, z or None), AT(u, NANOS)) for u in ("ms", "us", "ns") for z in ZONES}
POLARS |= {"Boolean": (pl.Boolean, BOOLS), "String": (pl.String, TEXTS), "Binary": (pl.Binary, BYTES), "Null": (pl.Null, NULLS), "Date": (pl.Date, DATES),
           "Time": (pl.Time, TIMES), "Object": (pl.Object, [print] * 5), "Categorical": (pl.Categorical, LEVELS), "Enum": (pl.Enum(ALL_LEVELS), LEVELS),
           "List(Categorical)": (pl.List(pl.Categorical), [["low"], [], ["high", None], None, ["low"]]), "List": (pl.List(pl.Int64), LISTS),
           "Array": (pl.Array(pl.Int64, 2), PAIRS), "Struct": (pl.Struct({"a": pl.Int64, "b": pl.String}), STRUCTS), "Map": (pl.Map(pl.String, pl.Int64), MAPS)}
POLARS = put_types("polars_types", polars, "every type", POLARS)
put("polars_zero_rows", polars, "every type, zero rows", pl.DataFrame(schema={n: t for n, (t, _) in POLARS.items()}))
put("polars_zero_columns", polars, "zero columns", pl.DataFrame())
put("polars_row_groups", polars, "row groups of at most two rows", {n: POLARS[n] for n in ("Int64", "String", "Categorical", "Enum", "List")}, row_group_size=2)
put("polars_names", polars, "odd names", pl.from_arrow(odd))

# ---- DuckDB and Spark, which take the same SQL for a table

def select(specs, quote):
    cast = lambda v, t, n: f"CAST({'NULL' if v is None else v} AS {t}) AS {quote}{n}{quote}"
    return specs if isinstance(specs, str) else " UNION ALL ".join("SELECT " + ", ".join(cast(v[row], t, n) for n, (t, v) in specs.items()) for row in range(5))

def q(values):
    return [v if v is None else "'" + str(v).replace("'", "''") + "'" for v in values]

def duck(specs, path, options=""):
    query = select(specs, '"')
    DB.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{options})")
    return lambda: DB.sql(query.replace("AS UHUGEINT)", "AS UHUGEINT)::VARCHAR")).to_arrow_table()  # as Arrow's 128 bits it would turn negative

STAMPS = q(["1969-12-31 23:59:59.999999999", "2024-02-29 12:34:56.123456789", "1970-01-01 00:00:00", None, "2024-07-03 09:46:40"])
INSTANTS, CLOCKS = [s and s[:-1] + "Z'" for s in STAMPS], q(["00:00:00", "23:59:59.999999", "12:34:56.123456", None, "12:34:56"])
SQL = lambda values, before="": [v if v is None else before + str(v).replace("None", "NULL") for v in values]
DUCK = {n: (n, q(WHOLE(b))) for n, b in (("TINYINT", 8), ("SMALLINT", 16), ("INTEGER", 32), ("BIGINT", 64), ("HUGEINT", 128))}
DUCK |= {n: (n, q(UNSIGNED(b))) for n, b in (("UTINYINT", 8), ("USMALLINT", 16), ("UINTEGER", 32), ("UBIGINT", 64), ("UHUGEINT", 128))}
DUCK |= {f"DECIMAL({p},{s})": (f"DECIMAL({p},{s})", q(MONEY(s)) if p > 4 else [1, -1, 0, None, 2.5]) for p, s in ((4, 1), (9, 2), (18, 4), (18, 0), (38, 18))}
DUCK |= {n: (n, q(v)) for n, v in {"BOOLEAN": BOOLS, "FLOAT": FLOATS, "DOUBLE": FLOATS, "VARCHAR": TEXTS, "DATE": DATES, "UUID": UUIDS, "JSON": JSONS,
    "BIT": ["101", "0", "11111111111", None, "1"], "BIGNUM": [2**200, -1, 0, None, 5], "BLOB": ["abcd", r"\xFF\x00", "", None, "1"],
    "INTERVAL": ["1 month 2 days 3.5 seconds", "0 days", "1 day", None, "1 year"], "GEOMETRY": ["POINT (1 2)"] * 3 + [None, "POINT (3 4)"]}.items()}
DUCK |= {n: (n, STAMPS) for n in ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")} | {n: (n, INSTANTS) for n in ("TIMESTAMPTZ", "TIMESTAMPTZ_NS")}
DUCK |= {"TIME": ("TIME", CLOCKS), "TIME_NS": ("TIME_NS", CLOCKS), "TIMETZ": ("TIMETZ", [c and c[:-1] + "+05:30'" for c in CLOCKS]), "nan": ("DOUBLE", q(NANS)),
         "ENUM": (f"ENUM({', '.join(q(ALL_LEVELS))})", q(LEVELS)), "NULL": ('"NULL"', NULLS), "LIST": ("BIGINT[]", SQL(LISTS)), "ARRAY": ("BIGINT[2]", SQL(PAIRS)),
         "STRUCT": ("STRUCT(a BIGINT, b VARCHAR)", SQL(STRUCTS)), "MAP": ("MAP(VARCHAR, BIGINT)", SQL(MAPS, "MAP ")),
         "UNION": ("UNION(i BIGINT, s VARCHAR)", [1, "'x'", 2, None, "'y'"]), "VARIANT": ("VARIANT", [1, "'x'", "2.5", None, "[1, 2]"])}
DUCK = put_types("duckdb_types", duck, "every type", DUCK)
put("duckdb_version_2", duck, "PARQUET_VERSION V2", {n: DUCK[n] for n in ("BIGINT", "VARCHAR", "DOUBLE", "BOOLEAN", "DATE", "ENUM")}, options=", PARQUET_VERSION V2")
put("duckdb_zero_rows", duck, "zero rows", "SELECT 1 AS a, 'x' AS b, 'low'::ENUM('low') AS c WHERE false")
put("duckdb_equal_names", duck, "two equal names, of which DuckDB renames one", "SELECT 1 AS a, 'x' AS a")
put("duckdb_names", duck, "odd names", """SELECT 1 AS "a.b", {'b': 2} AS "a", 3 AS " a ", 4 AS "ä/β" """)

session = SparkSession.builder.master("local[1]").config("spark.driver.host", "127.0.0.1").config("spark.ui.enabled", False).getOrCreate()
for key in ("preserveCharVarcharTypeInfo", "timeType.enabled", "timestampNanosTypes.enabled", "geospatial.enabled"):
    session.conf.set("spark.sql." + key, True)
CONF = {"outputTimestampType": "TIMESTAMP_MICROS", "writeLegacyFormat": "false", "datetimeRebaseModeInWrite": "CORRECTED", "int96RebaseModeInWrite": "CORRECTED"}

def spark(specs, path, codec="snappy", version="v1", **options):
    for key, value in (CONF | options).items():
        session.conf.set("spark.sql.parquet." + key, value)
    frame = session.sql(select(specs, "`"))
    frame.coalesce(1).write.mode("overwrite").options(**{"compression": codec, "parquet.writer.version": version}).parquet(str(TMP / "spark"))
    shutil.copy(next((TMP / "spark").glob("part-*")), path)
    return frame.toArrow

POINT, SPANS = "st_geomfromwkb(X'0101000000000000000000f03f0000000000000040')", ["1 02:03:04.5", "-0 00:00:01", "0 00:00:00", None, "9 00:00:00"]
SPARK = {n: (n, q(WHOLE(b))) for n, b in (("byte", 8), ("short", 16), ("int", 32), ("long", 64))}
SPARK |= {f"decimal({p},{s})": (f"decimal({p},{s})", q(MONEY(s))) for p, s in ((9, 2), (10, 2), (18, 0), (38, 18))} | {"nan": ("double", q(NANS))}
SPARK |= {n: (n, q(v)) for n, v in {
    "boolean": BOOLS, "float": FLOATS, "double": FLOATS, "string": TEXTS, "string COLLATE UTF8_LCASE": TEXTS, "varchar(10)": TEXTS, "char(6)": LEVELS, "date": DATES,
    "void": NULLS, "interval day to second": SPANS, "interval year to month": ["1-2", "-0-1", "0-0", None, "9-0"], "interval": ["1 day"] * 5}.items()}
SPARK |= {n: (n, v) for n, v in {"timestamp_ntz": STAMPS, "timestamp_ntz(9)": STAMPS, "timestamp": INSTANTS, "timestamp_ltz(9)": INSTANTS, "time": CLOCKS,
    "geometry(0)": [POINT] * 3 + [None, POINT], "binary": [v if v is None else f"X'{v.hex()}'" for v in BYTES],
    "variant": [s and f"parse_json('{s}')" for s in ("1", '"x"', '{"a": 2.5}', None, "[1, 2]")]}.items()}
SPARK |= {"array": ("array<bigint>", ["array(1, NULL)", "array()", "array(2, 3)", None, "array(4)"]),
          "map": ("map<string, bigint>", ["map('k', 1)", "map()", "map('k', NULL, 'l', 2)", None, "map('m', 3)"]),
          "struct": ("struct<a: bigint, b: string>", ["struct(1, 'x')", "struct(NULL, 'y')", "struct(2, NULL)", None, "struct(3, 'z')"])}
SPARK = put_types("spark_types", spark, "every type", SPARK)
basic = {n: SPARK[n] for n in ("int", "long", "decimal(10,2)", "decimal(38,18)", "string", "boolean", "date", "timestamp", "array", "map", "struct")}
stamps = {n: s for n, s in SPARK.items() if n.startswith("timestamp")}
for name, about, specs, options in [
    *((n, f"outputTimestampType {t}", stamps, {"outputTimestampType": t}) for n, t in (("int96", "INT96"), ("timestamp_millis", "TIMESTAMP_MILLIS"))),
    ("legacy_format", "writeLegacyFormat: old lists, decimals as bytes", basic, {"writeLegacyFormat": "true"}), ("page_v2", "data page v2", basic, {"version": "v2"}),
    ("codec_lz4", "codec LZ4 as Hadoop frames it, not LZ4_RAW", {n: SPARK[n] for n in ("long", "string")}, {"codec": "lz4"}),
    ("zero_rows", "zero rows", "SELECT 1 AS a, 'x' AS b WHERE false", {}), ("equal_names", "two equal names", "SELECT 1 AS a, 2 AS a", {}),
    ("names", "odd names", "SELECT 1 AS `a.b`, struct(2 AS b) AS a, 3 AS ` a `, 4 AS `ä/β`", {})]:
    put(f"spark_{name}", spark, about, specs, **options)
session.stop()

line = lambda value: json.dumps(value, ensure_ascii=False)  # a line to a column, so that a change is seen
files = [f" {line(n)}: {line({k: v for k, v in f.items() if k != 'columns'})[:-1]}, \"columns\": {{" + ",".join(
    f"\n  {line(c)}: {line(v)}" for c, v in f["columns"].items()) + "}}" for n, f in expected.items()]
(OUT / "expected.json").write_text("{\n" + ",\n".join(files) + "\n}\n")
