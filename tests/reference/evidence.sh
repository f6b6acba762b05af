#!/usr/bin/env bash
# Runs every shipped recipe that needs nothing from outside, with two seeds, and keeps the artifacts: evidence.sh BINARIES OUT.
# With CACHE=FOLDER (filled by `text fetch minilm sentiment translate`) the text recipes, on few rows, too. Two such folders of two
# builds are compared by compare_evidence.py.
set -euo pipefail
bin="$(realpath "$1")"
mkdir -p "$2"
out="$(realpath "$2")"
root="$(cd "$(dirname "$0")/../.." && pwd)"
cd "$out"
run() { # NAME PROGRAM ARGUMENTS…
  local name="$1"; shift
  if [ -f "$name/manifest.json" ]; then return; fi
  echo "$name"
  "$@" --threads 2 --output "$name" >"$name.txt" 2>"$name.err" || { [ -f "$name/manifest.json" ] || { tail -n 5 "$name.err"; return 1; }; }
}
for seed in 42 7; do
  run "fraud-simulated-$seed" "$bin/fraud" run --seed "$seed"
  for recipe in thyroid recurrence; do run "medical-$recipe-$seed" "$bin/medical" run --recipe "$recipe" --seed "$seed"; done
  for recipe in volatility direction barrier realised value-at-risk simulated; do
    run "trading-$recipe-$seed" "$bin/trading" run --recipe "$recipe" --seed "$seed"
  done
  run "new-domain-$seed" "$bin/new-domain" run --seed "$seed"
  # A model of another library, adapted without its rows.
  sed "s#^model = .*#model = \"$root/tests/fixtures/thyroid_xgboost.json\"#" "$root/pipelines/medical/thyroid-own-model.toml" >own-model.toml
  run "medical-own-model-$seed" "$bin/medical" run --recipe own-model.toml --seed "$seed"
  if [ -n "${CACHE:-}" ]; then
    run "text-sentiment-$seed" "$bin/text" sentiment run --cache "$CACHE" --seed "$seed" --set 'tune.tunings=["keep","slope","prior-centred","lora"]' \
      --set tune.trials=4 --set compare.splits=2
  fi
done
