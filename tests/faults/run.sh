#!/usr/bin/env bash
# Plants faults that would break the promise, one at a time, in a copy of the tree, and shows which test catches each.
#
# A fault is a patch beside this script. Lines before the diff say what it is and who must notice:
#   # fault: what is wrong
#   # catches: names of tests, every one of which must fail
#   # target: what cargo builds them from (the libraries of the privacy core and of the fit where it is not said)
#
# It fails when the unpatched tree's tests fail, when a patch no longer applies or builds, and when a test named above passes all the same. With words,
# only patches whose names hold one of them are planted; else the table also goes into docs/PRIVACY.md.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
own=${CARGO_TARGET_DIR:-$root/target}
place=$own/faults
tree=$place/tree
# Built without optimising: planting is mostly building.
export CARGO_TARGET_DIR=$place/target CARGO_PROFILE_DEV_OPT_LEVEL=0 PROPTEST_RNG_SEED=1 RUST_BACKTRACE=0
began=$SECONDS

patches=()
for patch in "$root"/tests/faults/*.patch; do
  name=$(basename "$patch" .patch)
  if [ $# = 0 ] || grep -qE "$(IFS='|'; echo "$*")" <<<"$name"; then patches+=("$patch"); fi
done
[ ${#patches[@]} -gt 0 ] || { echo "error: no patch in tests/faults is called like: $*" >&2; exit 2; }

said() { # WHAT PATCH
  sed -n "/^--- /q; s/^# $1: *//p" "$2"
}
target() {
  local target
  target=$(said target "$1")
  echo "${target:--p netdpsyn-account -p netdpsyn-privacy -p netdpsyn-fit --lib}"
}

# A fresh copy. Times are those of copying, so that cargo sees what changed since the last run.
rm -rf "$tree"
mkdir -p "$tree" "$CARGO_TARGET_DIR/debug"
tar -C "$root" --exclude=./target --exclude=./.git --exclude=proptest-regressions -c . | tar -xm -C "$tree"
# What the project has already built of other crates need not be built again; its own crate stands elsewhere and is another to cargo.
if [ ! -d "$CARGO_TARGET_DIR/debug/deps" ] && [ -d "$own/debug/deps" ]; then
  tar -C "$own/debug" --exclude='*netdpsyn*' -c deps build .fingerprint | tar -x -C "$CARGO_TARGET_DIR/debug"
fi
cd "$tree"

# Runs tests by their exact names and prints a line each: NAME and ok, FAILED or unheard. Fails when they do not build.
outcomes() { # TARGET NAMES
  local log=$place/log
  # shellcheck disable=SC2086
  cargo test --locked $1 --no-run >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  # shellcheck disable=SC2086
  timeout 600 cargo test --locked --no-fail-fast $1 -- --exact $2 >"$log" 2>&1 || true
  for name in $2; do
    # Neither where it does not exist, hangs, or takes the others down with it.
    grep -oE "^test $name \.\.\. (ok|FAILED)$" "$log" | sed 's/^test \(.*\) \.\.\. /\1 /' | grep . || echo "$name unheard"
  done
}

# The tree as it is: every test that is named, at once for each target.
mapfile -t targets < <(for patch in "${patches[@]}"; do target "$patch"; done | sort -u)
for of in "${targets[@]}"; do
  names=$(for patch in "${patches[@]}"; do
    if [ "$(target "$patch")" = "$of" ]; then said catches "$patch"; fi
  done | tr ' ' '\n' | sort -u | tr '\n' ' ')
  found=$(outcomes "$of" "$names") || { echo "error: the tree does not build" >&2; exit 1; }
  if grep -v ' ok$' <<<"$found" >&2; then
    cat "$place/log" >&2
    echo "error: these tests fail, or are not there, without any fault" >&2
    exit 1
  fi
done

rows=() bad=0
for patch in "${patches[@]}"; do
  fault=$(said fault "$patch") names=$(said catches "$patch") start=$SECONDS
  if [ -z "$fault" ] || [ -z "$names" ]; then
    result="**says no fault, or no test**"
  elif ! patch -p1 --forward --batch --fuzz=0 --no-backup-if-mismatch --reject-file=- <"$patch" >"$place/log" 2>&1; then
    cat "$place/log" >&2
    result="**NO LONGER APPLIES**"
    rm -rf src crates tests
    tar -C "$root" -c src crates tests | tar -xm -C "$tree"
  else
    if found=$(outcomes "$(target "$patch")" "$names"); then
      caught=$(sed -n 's/\(.*\) FAILED$/`\1`/p' <<<"$found" | paste -sd ';' | sed 's/;/, /g')
      missed=$(sed -n 's/\(.*\) \(ok\|unheard\)$/`\1`/p' <<<"$found" | paste -sd ';' | sed 's/;/, /g')
      if [ -z "$missed" ]; then result=$caught; else result="**NOT CAUGHT** by $missed"; fi
    else
      result="**DOES NOT BUILD**"
    fi
    patch -p1 --reverse --batch --fuzz=0 --no-backup-if-mismatch <"$patch" >/dev/null
  fi
  case $result in '**'*) bad=$((bad + 1)) ;; esac
  rows+=("| $fault | $result |")
  echo "$(basename "$patch" .patch) ($((SECONDS - start)) s): $result" >&2
done

table=$(printf '%s\n' '| fault | caught by |' '| --- | --- |' "${rows[@]}")
echo "$table"
echo "${#patches[@]} faults, $((${#patches[@]} - bad)) caught, in $((SECONDS - began)) s" >&2
[ $bad = 0 ] || exit 1
if [ $# = 0 ]; then
  doc=$root/docs/PRIVACY.md
  TABLE=$table awk '/<!-- faults -->/ { print; print ""; print ENVIRON["TABLE"]; print ""; skip = 1 }
    /<!-- end of faults -->/ { skip = 0 } !skip' "$doc" >"$place/doc"
  cat "$place/doc" >"$doc"
fi
