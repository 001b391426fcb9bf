#!/bin/sh
# Have the real servers that tests/lab starts, and the programs that judge what is written (xmllint, chromium, shellcheck). On Debian and
# Ubuntu, with root or sudo, what is missing is installed with apt, after one question where there is a terminal to ask on (CI=true: no
# question; SERVERS=no: nothing is installed; SERVERS=yes: asked again). No service is started, now or at the next boot: they would take
# ports 53, 80, 3128 and 5000. Nothing that is installed is taken away for it. Elsewhere what is missing is named, and its tests are
# skipped. Never fails: with CI=true the tests themselves fail for a missing server.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
declined=.venv/servers-declined

# program:package:service; the service is what the package would start.
servers='
docker-registry:docker-registry:docker-registry
nginx:nginx:nginx
squid:squid:squid
unbound:unbound:unbound
named:bind9:named
skopeo:skopeo:
podman:podman:podman
containerd:containerd:containerd
dockerd:docker.io:docker
mitmdump:mitmproxy:
htpasswd:apache2-utils:
openssl:openssl:
ip:iproute2:
nsenter:util-linux:
xmllint:libxml2-utils:
chromium:chromium:
shellcheck:shellcheck:
tmux:tmux:
'

say() { printf 'servers: %s\n' "$1" >&2; }

missing='' packages='' services=''
for line in $servers; do
    program=${line%%:*} rest=${line#*:}
    command -v "$program" >/dev/null 2>&1 && continue
    missing="$missing $program" packages="$packages ${rest%%:*}" services="$services ${rest#*:}"
done
[ -n "$missing" ] || exit 0

skip() {
    say "not here:$missing; their tests are skipped. $1"
    exit 0
}

[ "${SERVERS:-}" != no ] || skip "(SERVERS=no)"
command -v apt-get >/dev/null 2>&1 || skip "This system has no apt; install them by its own means to run these tests."
if [ "$(id -u)" = 0 ]; then
    root=''
elif command -v sudo >/dev/null 2>&1; then
    root=sudo
    [ -t 0 ] || root='sudo -n'
else
    skip "With root: apt-get install$packages"
fi

if [ "${CI:-}" != true ] && [ -t 0 ]; then
    if [ -e "$declined" ] && [ "${SERVERS:-}" != yes ]; then skip "(You said no before; make test SERVERS=yes asks again.)"; fi
    printf 'The tests use real servers. Install%s with apt? No service is started. [Y/n] ' "$packages" >&2
    read -r answer || answer=n
    case "$answer" in
    '' | [Yy]*) rm -f "$declined" ;;
    *)
        : >"$declined"
        skip "(As you said.)"
        ;;
    esac
fi

say "installing$packages …"
# shellcheck disable=SC2016,SC2086  # the words are meant to be split, and the script to be read by root's shell
$root env DEBIAN_FRONTEND=noninteractive sh -c '
    services=$1; shift
    policy=/usr/sbin/policy-rc.d
    ours=no
    if [ ! -e "$policy" ]; then  # Debian asks it before it starts a service
        ours=yes
        trap "rm -f $policy" EXIT
        trap "exit 1" HUP INT TERM
        printf "#!/bin/sh\nexit 101\n" >"$policy"
        chmod 755 "$policy"
    fi
    apt-get update -qq || true
    for package; do
        apt-get install -y -qq --no-install-recommends --no-remove "$package" >/dev/null || echo "servers: apt could not install $package" >&2
    done
    if command -v systemctl >/dev/null 2>&1; then
        for service in $services; do
            for unit in "$service.service" "$service.socket"; do systemctl disable --quiet "$unit" 2>/dev/null || true; done
        done
    fi
' sh "$services" $packages || say "not everything could be installed; the tests of what is missing say so"
