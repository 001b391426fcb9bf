"""Is daemon.json read as dockerd reads it, and is a fault of it named with its place?"""

from __future__ import annotations

import pytest

from doctor.clients.daemon_json import REFUSES, parse
from doctor.facts.client import ConfigFault

FILE = "/etc/docker/daemon.json"


def faults(text: str) -> tuple[ConfigFault, ...]:
    return parse(text, FILE).faults


@pytest.mark.parametrize("text", [
    "", " \n", "{}", "\ufeff{}", '{\r\n  "debug": true\r\n}', '{"mtu": 1500}', '{"debug": null}',
    '{"proxies": {"http-proxy": "http://p:1", "no-proxy": ""}}', '{"of-a-newer-version": 1}',
    '{"features": {"containerd-snapshotter": true}, "log-opts": {"max-size": "1m"}}',
])  # fmt: skip
def test_what_dockerd_takes_is_no_fault(text: str) -> None:
    assert faults(text) == ()


@pytest.mark.parametrize(("text", "place", "what"), [
    ('{\n  "debug": true,\n}', (2, 16), "a comma after the last item"),
    ('{"dns": ["1.1.1.1",]}', (1, 19), "a comma after the last item"),
    ('{\n  // note\n  "debug": true\n}', (2, 3), "a comment"),
    ('{\n  # note\n}', (2, 3), "a comment"),
    ('{\n  "debug": true\n  "ipv6": true\n}', (3, 3), "a comma or a closing bracket"),
    ("{'debug': true}", (1, 2), "no double quote"),
    ('{"debug": true', (1, 15), "a comma or a closing bracket"),
    ('{} {}', (1, 4), "something follows"),
    ("[]", (1, 1), "a list, not an object"),
    ("null", (1, 1), "null, not an object"),
    ("[" * 100_000, (1, 1), "cannot be read|not JSON"),
    ("NaN", (1, 1), "not JSON"),
    ('{\n "insecure-registries": "reg.example:5000"\n}', (2, 2), "not a list"),
    ('{"insecure-registries": [5000]}', (1, 2), "not only strings"),
    ('{"debug": "true"}', (1, 2), "not true or false"),
    ('{"proxies": "http://p:1"}', (1, 2), "not an object"),
    ('{"proxies": {"http-proxy": 1}}', (1, 2), "not a string"),
    ('{"insecure-registry": ["r"]}', (1, 2), '"insecure-registries" is'),
    ('{"registry-mirror": ["https://m"]}', (1, 2), '"registry-mirrors" is'),
    ('{"proxies": {"default": {"httpProxy": "http://p:1"}}}', (1, 14), "no setting of dockerd"),
])  # fmt: skip
def test_a_fault_is_named_with_line_and_column(
    text: str, place: tuple[int, int], what: str
) -> None:
    (fault,) = faults(text)
    assert any(part in fault.what for part in what.split("|")), fault
    assert (fault.line, fault.column) == place
    assert (fault.file, fault.effect, fault.stops) == (FILE, REFUSES, True)


def test_a_proxy_outside_of_proxies_is_passed_over() -> None:
    (fault,) = faults('{\n  "https-proxy": "http://p:1"\n}')
    assert (fault.line, fault.stops, fault.effect) == (2, False, "dockerd passes over it")


def test_the_settings_know_their_lines() -> None:
    proxies = ' "proxies": {\n  "https-proxy": "http://p:1",\n  "no-proxy": ""\n }'
    insecure = ' "insecure-registries": [\n  "a.example",\n  "10.0.0.0/8"\n ]'
    found = parse(f"{{\n{proxies},\n{insecure}\n}}", FILE)
    assert {n: (v.text, v.line) for n, v in found.proxies.items()} == {
        "https-proxy": ("http://p:1", 3)
    }
    assert [(v.text, v.origin) for v in found.insecure] == [
        ("a.example", f"{FILE}:7"), ("10.0.0.0/8", f"{FILE}:8"),
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "store"), [
    ("{}", None),
    ('{"features": {"containerd-snapshotter": true}}', True),
    ('{"features": {"containerd-snapshotter": false}}', False),
    ('{"features": {"buildkit": true}}', None),
    ('{"userns-remap": "default"}', False),
    ('{"userns-remap": "default", "features": {"containerd-snapshotter": true}}', False),
])  # fmt: skip
def test_which_image_store_it_says(text: str, store: bool | None) -> None:
    assert parse(text, FILE).containerd_store is store


@pytest.mark.parametrize(("text", "corrected"), [
    ('{\n  "debug": true,\n}', '  "debug": true'),
    ('{\n  "insecure-registry": ["r"]\n}', '  "insecure-registries": ["r"]'),
    ('{\n  "insecure-registries": "r"\n}', '  "insecure-registries": ["r"]'),
    ('{\n  "insecure-registry": "r"\n}', ""),
    ('{"proxies": {"http-proxy": "http://u:p@x"},}', ""),
    ('{\n  "debug": "true"\n}', ""),
])  # fmt: skip
def test_a_line_is_corrected_where_there_is_one_way_to(text: str, corrected: str) -> None:
    (fault,) = faults(text)
    assert fault.corrected == corrected
    if corrected:
        rows = text.splitlines()
        rows[fault.line - 1] = corrected
        assert faults("\n".join(rows)) == ()
