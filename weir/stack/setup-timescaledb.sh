#!/usr/bin/env bash
# Put PostgreSQL with the TimescaleDB extension (Apache-2 edition) on a Debian machine.  Needs root.
#
#   bash setup-timescaledb.sh            a second run does nothing
#   PG_MAJOR=15         the wanted PostgreSQL (default: the newest installed one, else the distribution's)
#   SOURCE_SUITE=trixie the Debian suite whose source package is built where there is no binary package
#   DEBIAN_MIRROR=URL   a Debian mirror for that source (default: the one that this machine uses)
#
# With a binary package (Debian 13 and later) it installs that.  Otherwise it builds the source package of SOURCE_SUITE
# against the installed PostgreSQL.  The machine's apt sources stay as they are: those of the source live in a scratch
# directory.  No database cluster is created or touched.  Lines that begin with [timescaledb] tell the steps.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

step() { printf '[timescaledb] %s\n' "$*"; }
die() { printf '[timescaledb] ERROR: %s\n' "$*"; exit 1; }

[ "$(id -u)" = 0 ] || die "needs root; run: sudo bash $0"
command -v apt-get >/dev/null || die "needs apt-get (Debian); on this system install PostgreSQL and TimescaleDB by its own means"
mkdir -p /run/lock
exec 9>/run/lock/weir-setup-timescaledb
flock 9     # of two runs at once, one waits

SUITE=${SOURCE_SUITE:-trixie}
APT_INSTALL=(apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 --no-install-recommends install)
UPDATED=
update() {
    [ -n "$UPDATED" ] && return
    step "reading the package lists"
    apt-get -q -o Acquire::Retries=3 update
    UPDATED=1
}
install() {     # with the lists that are there; with fresh ones when that fails
    "${APT_INSTALL[@]}" "$@" || { update; "${APT_INSTALL[@]}" "$@"; }
}
has_package() { [ -n "$(apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ && $2 != "(none)" {print $2}')" ]; }
newest_postgres() {
    find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/postgres' 2>/dev/null |
        sed -E 's#.*/postgresql/([0-9]+)/.*#\1#' | sort -n | tail -1 || true
}
installed() { [ -f "/usr/lib/postgresql/$1/lib/timescaledb.so" ] && [ -f "/usr/share/postgresql/$1/extension/timescaledb.control" ]; }
finish() {
    local control=/usr/share/postgresql/$1/extension/timescaledb.control
    step "PostgreSQL $1 with TimescaleDB $(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$control")"
    exit 0
}

PG=${PG_MAJOR:-$(newest_postgres)}
[ -n "$PG" ] && installed "$PG" && finish "$PG"

# A minimal image has no package lists at all.
[ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -print -quit 2>/dev/null)" ] || update
if [ -z "$PG" ]; then
    PG=$(apt-cache depends postgresql 2>/dev/null | sed -nE 's/.*Depends: postgresql-([0-9]+)$/\1/p' | awk 'NR == 1')
    [ -n "$PG" ] || die "no package 'postgresql' in this machine's package lists"
fi
if [ ! -x "/usr/lib/postgresql/$PG/bin/postgres" ]; then
    step "installing PostgreSQL $PG"
    # The package would create a cluster "main" and start it on port 5432.
    install postgresql-common
    sed -i -E 's/^#?create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    install "postgresql-$PG" "postgresql-client-$PG"
fi

if has_package "postgresql-$PG-timescaledb"; then
    step "installing TimescaleDB"
    install "postgresql-$PG-timescaledb"
    installed "$PG" || die "the package postgresql-$PG-timescaledb is installed, but timescaledb.so is not where it should be"
    finish "$PG"
fi

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/weir-timescaledb.XXXXXX")
trap 'rm -rf "$SCRATCH"' EXIT
FREE_MB=$(df -Pm "$SCRATCH" | awk 'NR == 2 {print $4}')
[ "$FREE_MB" -ge 600 ] || die "building TimescaleDB needs 600 MB in ${TMPDIR:-/tmp}, which has $FREE_MB MB; free some or set TMPDIR"

step "installing a compiler"
MISSING=()
command -v cc >/dev/null || MISSING+=(gcc libc6-dev)
[ -f /usr/include/stdio.h ] || MISSING+=(libc6-dev)
command -v make >/dev/null || MISSING+=(make)
command -v cmake >/dev/null || MISSING+=(cmake)
command -v xz >/dev/null || MISSING+=(xz-utils)
command -v dpkg-source >/dev/null || MISSING+=(dpkg-dev)
[ "${#MISSING[@]}" = 0 ] || install "${MISSING[@]}"

step "downloading TimescaleDB's source"
MIRROR=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(ORIGIN)' 2>/dev/null |
    awk '$3 == "Debian" && $2 !~ /security|updates|backports/ && !seen++ {print $1}')}
[ -n "$MIRROR" ] || die "this machine has no Debian mirror in its apt sources; set DEBIAN_MIRROR to one"
chmod 755 "$SCRATCH"
mkdir -p "$SCRATCH"/apt/{lists/partial,cache/archives/partial} "$SCRATCH"/{source,build,headers}
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$KEYS" ] || install debian-archive-keyring
echo "deb-src [signed-by=$KEYS] $MIRROR $SUITE main" >"$SCRATCH/apt/sources.list"
APT_SOURCE=(apt-get -q -o "Dir::Etc::sourcelist=$SCRATCH/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null -o "Dir::State::lists=$SCRATCH/apt/lists" -o "Dir::Cache=$SCRATCH/apt/cache"
    -o "APT::Sandbox::User=root" -o Acquire::Retries=3 -o Acquire::Languages=none -o APT::Update::Error-Mode=any)
"${APT_SOURCE[@]}" update || {      # an older keyring does not know the suite's key
    install debian-archive-keyring
    "${APT_SOURCE[@]}" update
}
(
    cd "$SCRATCH/source"
    "${APT_SOURCE[@]}" --only-source --download-only source timescaledb
    dpkg-source --no-check -x ./*.dsc tree      # apt has checked the chain from the suite's signature to these files
)

PG_CONFIG=/usr/lib/postgresql/$PG/bin/pg_config
[ -x "$PG_CONFIG" ] || install "postgresql-client-$PG"
if [ ! -f "/usr/include/postgresql/$PG/server/postgres.h" ]; then
    step "downloading PostgreSQL's headers"
    # Unpacked into the scratch directory: installing postgresql-server-dev would pull in clang, and may upgrade and restart
    # this machine's server.
    HEADERS=$SCRATCH/headers
    # Those of the very server that is installed: a library built with a later minor version's does not load into it.
    SERVER=$(dpkg-query -W -f '${Version}' "postgresql-$PG" 2>/dev/null || true)
    fetch() {
        (cd "$HEADERS" && apt-get -q -o APT::Sandbox::User=root -o Acquire::Retries=3 download \
            "postgresql-server-dev-$PG${SERVER:+=$SERVER}" libpq-dev libssl-dev libkrb5-dev krb5-multidev comerr-dev)
    }
    fetch || { update; fetch; } || die "the mirror has no headers for the installed PostgreSQL $SERVER any more; bring it up to date first: apt-get install --only-upgrade postgresql-$PG postgresql-client-$PG"
    for package in "$HEADERS"/*.deb; do dpkg -x "$package" "$HEADERS"; done
    ARCH=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
    printf '#!/bin/sh\n%s "$@" | sed "s#/usr/include#%s/usr/include#g; s#/usr/lib/postgresql/%s/lib/pgxs#%s&#"\n' \
        "$PG_CONFIG" "$HEADERS" "$PG" "$HEADERS" >"$HEADERS/pg_config"
    chmod +x "$HEADERS/pg_config"
    PG_CONFIG=$HEADERS/pg_config
    export CFLAGS="-I$HEADERS/usr/include/mit-krb5 -I$HEADERS/usr/include -I$HEADERS/usr/include/$ARCH"
fi

step "building TimescaleDB"
(
    cd "$SCRATCH/build" && cmake "$SCRATCH/source/tree" -DPG_CONFIG="$PG_CONFIG" -DCMAKE_BUILD_TYPE=Release -DAPACHE_ONLY=1 -DREGRESS_CHECKS=OFF \
        -DTAP_CHECKS=OFF -DGENERATE_DOWNGRADE_SCRIPT=OFF -DWARNINGS_AS_ERRORS=OFF -DUSE_TELEMETRY=OFF -DUSE_OPENSSL=0 -DLINTER=OFF &&
        make -j"$(nproc)"
) || die "the build failed; the lines before this one say why"
make -C "$SCRATCH/build" install || die "the installation of the built files failed; the lines before this one say why"
installed "$PG" || die "TimescaleDB is built and installed, but timescaledb.so is not where it should be"
finish "$PG"
