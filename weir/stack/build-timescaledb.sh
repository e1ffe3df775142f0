#!/usr/bin/env bash
# Build TimescaleDB (Apache-2 edition) without root, for a PostgreSQL that came as a Python wheel.
#
#   PG_CONFIG  CC  CMAKE  NINJA   the programs to use; TimescaleDB is installed where PG_CONFIG says
#   SOURCE_SUITE=trixie           the Debian suite whose source package is built
#   DEBIAN_MIRROR=URL             a Debian mirror for that source (default: the one that this machine uses)
#
# apt-get fetches and verifies the source with lists of its own in a scratch directory; nothing of the system changes.
# Lines that begin with [timescaledb] tell the steps.
set -euo pipefail
export LC_ALL=C

step() { printf '[timescaledb] %s\n' "$*"; }
die() { printf '[timescaledb] ERROR: %s\n' "$*"; exit 1; }

command -v apt-get >/dev/null || die "needs apt-get (Debian) to fetch TimescaleDB's source"
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$KEYS" ] || die "needs Debian's keys to verify TimescaleDB's source: $KEYS is not there"
# From the sources and not by `apt-get indextargets`: a minimal image has never read their lists.
MIRROR=${DEBIAN_MIRROR:-$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
    awk '/^deb / {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; next}} /^URIs:/ {print $2}' |
    awk '/\/debian\/?$/ && !seen++')}
[ -n "$MIRROR" ] || die "this machine has no Debian mirror in its apt sources; set DEBIAN_MIRROR to one"

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/weir-timescaledb.XXXXXX")
trap 'rm -rf "$SCRATCH"' EXIT
FREE_MB=$(df -Pm "$SCRATCH" | awk 'NR == 2 {print $4}')
[ "$FREE_MB" -ge 600 ] || die "building TimescaleDB needs 600 MB in ${TMPDIR:-/tmp}, which has $FREE_MB MB; free some or set TMPDIR"
export ZIG_GLOBAL_CACHE_DIR=$SCRATCH/zig ZIG_LOCAL_CACHE_DIR=$SCRATCH/zig

step "downloading TimescaleDB's source"
mkdir -p "$SCRATCH"/apt/{lists/partial,cache/archives/partial} "$SCRATCH"/{source,tree,build}
echo "deb-src [signed-by=$KEYS] $MIRROR ${SOURCE_SUITE:-trixie} main" >"$SCRATCH/apt/sources.list"
APT_SOURCE=(apt-get -q -o "Dir::Etc::sourcelist=$SCRATCH/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null -o "Dir::State::lists=$SCRATCH/apt/lists" -o "Dir::Cache=$SCRATCH/apt/cache"
    -o Acquire::Retries=3 -o Acquire::Languages=none)
"${APT_SOURCE[@]}" -o APT::Update::Error-Mode=any update
(
    cd "$SCRATCH/source"
    # apt checks the chain from the suite's signature to these files.  The packaging is not needed, nor the tools for it.
    "${APT_SOURCE[@]}" --only-source --download-only source timescaledb
    cd "$SCRATCH/tree" && "$CMAKE" -E tar xJf "$SCRATCH"/source/*.orig.tar.xz
)

step "building TimescaleDB"
export CC
"$CMAKE" -G Ninja -S "$SCRATCH"/tree/* -B "$SCRATCH/build" -DCMAKE_MAKE_PROGRAM="$NINJA" -DPG_CONFIG="$PG_CONFIG" \
    -DCMAKE_BUILD_TYPE=Release -DAPACHE_ONLY=1 -DREGRESS_CHECKS=OFF -DTAP_CHECKS=OFF -DGENERATE_DOWNGRADE_SCRIPT=OFF \
    -DWARNINGS_AS_ERRORS=OFF -DUSE_TELEMETRY=OFF -DUSE_OPENSSL=0 -DLINTER=OFF || die "cmake failed; the lines above say why"
"$NINJA" -C "$SCRATCH/build" install || die "the build failed; the lines above say why"
step "TimescaleDB is built"
