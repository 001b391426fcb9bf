"""The real servers of a world: how each is configured and started.

Each function starts one and returns when it takes connections; the world ends them. Files of a
server are in `world.place(NAME)`.
"""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import Issued
from tests.lab.namespace import Process
from tests.lab.origin import Origin, Raw, Script, origin
from tests.lab.programs import need, program
from tests.lab.tokens import TokenService
from tests.lab.world import PROXY, REGISTRY, RESOLVER, World

BACKEND = 5000
"""Where docker-registry listens, on loopback, behind its TLS front."""
_SETTLED = "settled"
"""nginx's socket on which it says that it has nothing left to do."""
_PATIENCE = 30


def resolver(
    world: World,
    *,
    address: str = RESOLVER,
    listen_extra: Sequence[str] = (),
    names: Mapping[str, Sequence[str]] | None = None,
    server: Sequence[str] = (),
    clauses: str = "",
) -> Process:
    """unbound, which knows these names (those of the world) and says NXDOMAIN to every other.
    `server`: more lines of that clause; `clauses`: what stands beside it."""
    need("unbound")
    place = world.place("unbound", address)
    data = [
        f"""local-data: '{name}. 60 IN {"AAAA" if ":" in each else "A"} {each}'"""
        for name, addresses in (world.names if names is None else names).items()
        for each in addresses
    ]
    lines = [
        *(f"interface: {each}" for each in (address, *listen_extra)),
        "port: 53",
        "access-control: 0.0.0.0/0 allow",
        "do-daemonize: no",
        "use-syslog: no",
        'username: ""',
        'chroot: ""',
        'pidfile: ""',
        f'directory: "{place}"',
        'module-config: "iterator"',
        "num-threads: 1",
        'local-zone: "." static',
        *data,
        *server,
    ]
    config = place / "unbound.conf"
    config.write_text("server:\n" + "".join(f"  {line}\n" for line in lines) + clauses)
    return world.far.start(
        *(program("unbound"), "-d", "-p", "-c", str(config)),
        listens=[(address, 53)],
        log=place / "log",
    )


def named(world: World, zones: Mapping[str, str], *, address: str = RESOLVER) -> Process:
    """BIND, which has these zones and nobody to ask for others. Zone: its records after the SOA;
    one without any is not loaded."""
    need("named")
    place = world.place("named", address)
    text = (
        f'options {{ directory "{place}"; listen-on {{ {address}; }}; listen-on-v6 {{ none; }}; '
        "allow-query { any; }; recursion yes; allow-recursion { any; }; dnssec-validation no; "
        'pid-file none; session-keyfile "session.key"; empty-zones-enable no; };\n'
        "controls { };\n"
    )
    for name, records in zones.items():
        text += f'zone "{name}" {{ type primary; file "{name}.zone"; }};\n'
        if records:
            head = (
                "$TTL 60\n@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n"
            )
            (place / f"{name}.zone").write_text(f"{head}{records}\n")
    config = place / "named.conf"
    config.write_text(text)
    return world.far.start(
        *(program("named"), "-g", "-4", "-n", "1", "-c", str(config)),
        listens=[(address, 53)],
        log=place / "log",
    )


def registry(
    world: World,
    store: Path,
    *,
    auth: Mapping[str, object] | None = None,
    redirect: str = "",
    port: int = BACKEND,
) -> Process:
    """docker-registry on loopback, over the store's image. `auth` as its configuration has it;
    `redirect`: where blobs are sent to."""
    need("docker-registry")
    place = world.place("registry", str(port))
    config = place / "config.yml"
    config.write_text(_registry(store, f"127.0.0.1:{port}", auth or {}, redirect))
    return world.far.start(
        *(program("docker-registry"), "serve", str(config)),
        listens=[("127.0.0.1", port)],
        env={"HOME": str(place)},
        log=place / "log",
    )


def _registry(store: Path, listen: str, auth: Mapping[str, object], redirect: str = "") -> str:
    """Its YAML, of which JSON is a part."""
    storage: dict[str, object] = {
        "filesystem": {"rootdirectory": str(store)},
        "delete": {"enabled": True},
    }
    config: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": False}},
        "storage": storage,
        "http": {"addr": listen, "relativeurls": True, "secret": "lab"},
    }
    if auth:
        config["auth"] = dict(auth)
    if redirect:
        options = {"baseurl": redirect}
        config["middleware"] = {"storage": [{"name": "redirect", "options": options}]}
    return json.dumps(config, indent=1)


def _accounts(file: Path, user: str, password: str, kind: str) -> None:
    command = [program("htpasswd"), "-i", "-c", kind, str(file), user]
    subprocess.run(command, input=password, text=True, check=True, capture_output=True)
    file.chmod(0o644)


def tokens(world: World, service: TokenService) -> str:
    """The token service, plain HTTP on loopback; the address that its front hands requests on
    to."""
    started = world.far.serve(lambda: origin(service.script))
    return f"http://{started.hop.name}"


def played(
    world: World,
    address: str,
    files: tuple[Path, Path],
    *,
    script: Script | None = None,
    raw: Raw | None = None,
    port: int = 443,
) -> Origin:
    """A server over TLS that says what no real one would. `files`: its chain and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return world.far.serve(lambda: origin(script, raw=raw, at=(address, port), tls=context))


def front(world: World, sites: Sequence[str]) -> Process:
    """nginx with these `server { … }` blocks (`site` makes one)."""
    need("nginx")
    place = world.place("nginx")
    temporary = "".join(
        f"  {name}_temp_path {place}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = place / "nginx.conf"
    config.write_text(
        f"daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/error.log;\n"
        "events { worker_connections 256; }\nhttp {\n"
        f"  access_log {place}/access.log;\n  {_seen(place)}\n{temporary}"
        f"  server {{ listen unix:{place}/{_SETTLED}; access_log off; return 204; }}\n"
        "  ssl_protocols TLSv1.2 TLSv1.3;\n" + "".join(sites) + "}\n"
    )
    listens = sorted({at for site in sites for at in _listens(site)})
    return world.far.start(
        *(program("nginx"), "-p", str(place), "-c", str(config), "-e", f"{place}/error.log"),
        listens=listens,
        log=place / "log",
    )


def _seen(place: Path) -> str:
    """nginx writes down everything in a request that may hold a credential."""
    fields = '"$server_addr","$request_method","$request_uri","$http_authorization","$request_body"'
    others = ("cookie", "proxy_authorization", "referer", "user_agent", "x_registry_auth", "accept")
    fields += ',"' + " ".join(f"$http_{name}" for name in others) + '",$connection'
    return f"log_format seen escape=json '[{fields}]'; access_log {place}/seen.log seen;"


def seen(world: World, address: str) -> list[Seen]:
    """The requests that nginx got there, in order."""
    place = world.place("nginx")
    if not (place / _SETTLED).exists():
        return []  # no nginx was started
    _settled(place)
    log = place / "seen.log"
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [Seen(*row[1:]) for row in rows if row[0] == address]


def _settled(place: Path) -> None:
    """nginx writes a request down after its answer has left, before it takes the next: once it has
    answered here, what was answered before is written."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(_PATIENCE)
        asked.connect(str(place / _SETTLED))
        asked.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert asked.recv(100).startswith(b"HTTP/1.1 204")


@dataclass(frozen=True)
class Seen:
    """A request that a server got."""

    method: str
    target: str
    authorization: str
    body: str
    others: str = ""
    """Other headers that may hold a secret."""
    connection: int = 0
    """Which of the server's."""


def site(
    address: str,
    *,
    certificate: tuple[Path, Path] | None,
    upstream: str = f"http://127.0.0.1:{BACKEND}",
    locations: str = "",
    more: str = "",
    port: int = 443,
) -> str:
    """One nginx server: TLS with (chain, key), or plain HTTP without. `locations` stands before
    the way to `upstream`; `more` in the block."""
    tls = (
        f"ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};"
        if certificate
        else ""
    )
    return f"""  server {{
    listen {f"[{address}]" if ":" in address else address}:{port}{" ssl" if certificate else ""};
    {tls}
    {more}
    {locations}
    location / {{
      proxy_pass {upstream};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_read_timeout 60;
      proxy_buffering off;
    }}
  }}
"""


def _listens(text: str) -> list[tuple[str, int]]:
    words = [line.split()[1] for line in text.splitlines() if line.strip().startswith("listen ")]
    return [
        (a.strip("[]"), int(p)) for a, _, p in (word.rstrip(";").rpartition(":") for word in words)
    ]


def proxy(
    world: World,
    *,
    address: str = PROXY,
    port: int = 3128,
    account: tuple[str, str] | None = None,
    denied: Sequence[str] = (),
    certificate: Issued | None = None,
    knows: Mapping[str, str] | None = None,
) -> Process:
    """squid: open, with an account, with a deny list of hosts, or (with a certificate) spoken to
    over TLS. `knows`: addresses of names that only the proxy has."""
    need("squid")
    place = world.place("squid")
    rules = (
        [f"acl denied dstdomain {' '.join(denied)}", "http_access deny denied"] if denied else []
    )
    if account:
        need("htpasswd")
        _accounts(place / "accounts", *account, "-m")
        helper = "/usr/lib/squid/basic_ncsa_auth"
        rules += [
            f"auth_param basic program {helper} {place}/accounts",
            "auth_param basic realm Lab Proxy",
            "acl known proxy_auth REQUIRED",
            "http_access allow known",
            "http_access deny all",
        ]
    listen = f"http_port {address}:{port}"
    if certificate:
        chain, key = certificate.write(place, "proxy")
        key.chmod(0o644)
        listen = f"https_port {address}:{port} tls-cert={chain} tls-key={key}"
    if knows:
        hosts = place / "hosts"
        hosts.write_text("".join(f"{knows[name]} {name}\n" for name in knows))
        rules.append(f"hosts_file {hosts}")
    config = place / "squid.conf"
    config.write_text(
        "\n".join(
            [
                listen,
                *rules,
                "http_access allow all",
                "cache deny all",
                "pid_filename none",
                f"access_log stdio:{place}/access.log",
                f"cache_log {place}/cache.log",
                f"coredump_dir {place}",
                "shutdown_lifetime 0 seconds",
                "visible_hostname proxy.lab",
                "mime_table /usr/share/squid/mime.conf",
            ]
        )
        + "\n"
    )
    process = world.far.start(
        *(program("squid"), "-N", "-f", str(config)),
        listens=[(address, port)],
        log=place / "log",
    )
    process.end = signal.SIGKILL  # asked to end, it takes two seconds whatever its lifetime
    return process


def interceptor(world: World, address: str, upstream: str, *, port: int = 443) -> Process:
    """mitmproxy in the upstream's place: it signs for every name with a CA of its own and asks
    the real host."""
    kept = ("--set", "keep_host_header=true")
    return mitmproxy(world, f"reverse:{upstream}", *kept, address=address, port=port)


def mitmproxy(
    world: World, mode: str, *options: str, address: str = PROXY, port: int = 3128
) -> Process:
    """mitmproxy: `regular` or `socks5` is a proxy that clients are told of. What it does not ignore
    it signs anew."""
    need("mitmdump")
    place = world.place("mitmproxy")
    (place / "upstream.pem").write_text(world.ca.pem)
    return world.far.start(
        *(program("mitmdump"), "--quiet", "--mode", mode, "--set", f"confdir={place}"),
        *("--set", "block_global=false"),
        *("--set", f"ssl_verify_upstream_trusted_ca={place}/upstream.pem"),
        *("--listen-host", address, "--listen-port", str(port), *options),
        listens=[(address, port)],
        env={"HOME": str(place)},
        log=place / "log",
    )


def inspection_ca(world: World) -> Path:
    """The certificate that mitmproxy signs with, once it runs."""
    return world.place("mitmproxy") / "mitmproxy-ca-cert.pem"


def s_server(world: World, files: tuple[Path, Path], *options: str, port: int = 443) -> Process:
    """openssl's own test server at the registry's address."""
    need("openssl")
    place = world.place("s_server")
    chain, key = files
    end = "-----END CERTIFICATE-----\n"
    issuers = place / "issuers.crt"
    issuers.write_text(chain.read_text().partition(end)[2])
    shown = ("-cert", str(chain), "-cert_chain", str(issuers), "-key", str(key))
    at = ("-accept", f"{REGISTRY}:{port}", *shown, "-www")
    return world.far.start(
        *(program("openssl"), "s_server", "-quiet", *at, *options),
        listens=[(REGISTRY, port)],
        log=place / "log",
    )
