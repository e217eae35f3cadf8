#!/usr/bin/env bash
# Random bytes for what reads files of strangers: each target for so many seconds, one after the other.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=600
targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds=$2 && shift 2 ;;
    *) targets+=("$1") && shift ;;
  esac
done
if [ ${#targets[@]} -eq 0 ]; then
  for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
cargo build --locked
program=target/debug/netdpsyn

# What a fuzzer would not find by itself: files of every format, small.
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
mkdir -p "$seeds"/{text,json,columns,cell,schema,bundle,capture,export}
"$program" sample flows --rows 20 -o "$seeds/flows.csv" >/dev/null
"$program" sample packets --tcp-flags --rows 20 -o "$seeds/text/packets.csv" >/dev/null
for format in parquet arrow; do "$program" sample flows --rows 20 -o "$seeds/columns/flows.$format" >/dev/null; done
printf '\0' | cat - "$seeds/flows.csv" >"$seeds/text/flows.csv"
gzip -c "$seeds/flows.csv" | cat <(printf '\0') - >"$seeds/text/flows.csv.gz"
printf '0{"srcip":"192.0.2.1","sport":1,"ts":1767600000.5,"a":{"b":[1,"x"]},"n":null}\n{"srcip":"2001:db8::1"}\n' >"$seeds/json/lines"
printf '0[\n{"first":"2026-01-05T08:00:00.5","in_bytes":12},\n{}]' >"$seeds/json/array"
cell=0
for text in 192.0.2.1 2001:db8::1 00:1b:21:3c:9d:f8 10008_145 0x0050 '1.2 M' 1767600000.5 2026-01-05T08:00:00Z 00:01:02.5 -1 1e300 .A..S. tcp NaN; do
  cell=$((cell + 1))
  printf '\0\0%s' "$text" >"$seeds/cell/$cell"
done
for layout in crates/trace/layouts/*.json; do
  python3 -c 'import json, sys; json.dump(json.load(open(sys.argv[1]))["schema"], open(sys.argv[2], "w"))' "$layout" "$seeds/schema/$(basename "$layout")"
done
"$program" synthesize "$seeds/flows.csv" --preset flow --window 2026-01-05T08:00:00Z/2026-01-05T09:00:00Z --categories type=benign,scan,dos \
  --epsilon 1 --accept-noise --accept-outside --bundle "$seeds/packed" -o "$seeds/out.csv" >/dev/null 2>&1 || true
if [ -f "$seeds/packed" ]; then gzip -dc "$seeds/packed" >"$seeds/bundle/adaptive.json"; fi

for target in "${targets[@]}"; do
  mkdir -p "fuzz/corpus/$target"
  more=()
  [ -d "${NETDPSYN_SEEDS:-}/$target" ] && more+=("$NETDPSYN_SEEDS/$target")
  echo "== $target, $seconds seconds"
  cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "$seeds/$target" "${more[@]}" -- \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=65536 -print_final_stats=1 2>&1 |
    grep -E '^(#|==|stat::|SUMMARY|thread|INFO: seed|Test unit)|panicked|DONE|ERROR' | tail -n 25
done
