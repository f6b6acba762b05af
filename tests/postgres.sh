#!/usr/bin/env bash
# Runs a command with a PostgreSQL server of its own: `tests/postgres.sh cargo test --workspace`. The
# tests that need one find it by SPECIALIST_TEST_POSTGRES… and pass without doing anything elsewhere.
set -euo pipefail
bin="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)"
[ -n "$bin" ] || bin="$(dirname "$(command -v initdb)")"
home="$(mktemp -d)"
chmod 755 "$home"
port="${PGPORT:-$((20000 + RANDOM % 20000))}"
# The server refuses to run as root.
as=""
if [ "$(id -u)" -eq 0 ]; then
  as="runuser -u postgres --"
  chown postgres "$home"
fi
stop() { $as "$bin/pg_ctl" -D "$home/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$home"; }
trap stop EXIT
$as "$bin/initdb" -D "$home/data" -A trust -U specialist >/dev/null
$as "$bin/pg_ctl" -D "$home/data" -w -l "$home/log" \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$home -c fsync=off" start >/dev/null
url="postgresql://specialist@127.0.0.1:$port"
for name in contract kills workers slurm kubernetes; do
  $as "$bin/createdb" -h 127.0.0.1 -p "$port" -U specialist "$name"
done
export SPECIALIST_TEST_POSTGRES="$url/contract" SPECIALIST_TEST_POSTGRES_KILLS="$url/kills"
export SPECIALIST_TEST_POSTGRES_WORKERS="$url/workers" SPECIALIST_TEST_POSTGRES_SLURM="$url/slurm"
export SPECIALIST_TEST_POSTGRES_KUBERNETES="$url/kubernetes"
"$@"
