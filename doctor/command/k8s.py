"""What does `doctor k8s` do? A cluster's failing pulls -> a report in the formats asked for, and an
exit code.

Nothing but the API server is contacted, and where the kubeconfig says so its login plug-in started;
with `--probe` also the registries of the images that fail.
"""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from doctor.command.options import Options, read
from doctor.facts.cluster import ClusterFact, Unreached
from doctor.model import Diagnosis, Report
from doctor.pods import scope
from doctor.pods.scope import Scope
from doctor.process.streams import Line
from doctor.redact import learn_variables, plain, scrub
from doctor.usage import UsageError

if TYPE_CHECKING:
    from doctor.cluster.pulls import Known
    from doctor.cluster.survey import Survey
    from doctor.codes import Book
    from doctor.facts.pull import PullFact
    from doctor.net.kube import Api
    from doctor.net.kubeconfig import Wish
    from doctor.net.kubesettings import NoClusterError, Settings
    from doctor.pods.kept import Kept

SECONDS = 60.0
"""The whole run's budget, unless `--timeout` says otherwise."""


def k8s(args: Namespace) -> int:
    """Diagnose, print, and return the contract's exit code."""
    learn_variables(os.environ)
    options = read(args, lambda: ())
    wish, asked = _wish(args), _asked(args)
    kept = None
    if args.bundle is not None or args.pseudonyms:
        from doctor.command import casefile

        kept = casefile.opened(args, options)
    from doctor.codes import load
    from doctor.command.output import tell
    from doctor.report.document import document
    from doctor.run import complete

    book = load(())
    progress = _Progress(sys.stderr.isatty() and not options.quiet)
    try:
        report = complete(Run(options, wish, asked, args.probe, book, progress, kept).report)
    finally:
        progress.clear()
    lost = casefile.closed(args, options, report, kept, book) if kept is not None else None
    return tell(document(report), options, lost=lost)


async def looked(
    options: Options,
    tell: Callable[[str], None],
    kept: Kept | None = None,
    *,
    everywhere: bool = False,
) -> Report:
    """What `doctor k8s` without names finds: the failing pulls of the current context's namespace;
    with `everywhere`, as `-A`, those of all. `tell` is given what is being read, `kept` the objects
    that a bundle of it holds."""
    from doctor.codes import load
    from doctor.net.kubeconfig import Wish

    learn_variables(os.environ)
    asked = Asked(everywhere, namespace=None, named=(), selector="")
    return await Run(options, Wish(), asked, False, load(()), tell, kept).report()


@dataclass(frozen=True)
class Asked:
    """Whose pods, as far as that is known before the kubeconfig is read."""

    everywhere: bool
    namespace: str | None
    named: tuple[scope.Named, ...]
    selector: str

    def scope(self, home: str) -> Scope:
        """With the context's own namespace for what was not said."""
        namespace = None if self.everywhere else self.namespace or home
        return Scope(namespace, home, self.named, self.selector)


def _asked(args: Namespace) -> Asked:
    if args.all_namespaces and (args.namespace or args.names):
        what = "-n" if args.namespace else "a name"
        raise UsageError(f"-A means every namespace; {what} means one")
    if args.names and args.selector:
        raise UsageError("-l chooses among pods; a name has chosen already")
    namespace = scope.namespace(args.namespace) if args.namespace else None
    return Asked(args.all_namespaces, namespace, scope.named(args.names), args.selector or "")


def _wish(args: Namespace) -> Wish:
    from doctor.net.kubeconfig import Wish

    if args.kubeconfig is not None:
        try:
            with open(args.kubeconfig, "rb") as file:
                file.read(1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise UsageError(f"--kubeconfig {args.kubeconfig!r} cannot be read: {why}") from None
    return Wish(args.kubeconfig, args.context)


class _Progress(Line):
    """One line on standard error that says what is being read."""

    def __init__(self, wanted: bool) -> None:
        super().__init__()
        self._wanted = wanted

    def __call__(self, what: str) -> None:
        if self._wanted:
            self.show(plain(scrub(what), 70))


class Run:
    """One diagnosis of a cluster."""

    def __init__(
        self,
        options: Options,
        wish: Wish,
        asked: Asked,
        probing: bool,
        book: Book,
        tell: Callable[[str], None],
        kept: Kept | None = None,
    ) -> None:
        self.options = options
        self.wish = wish
        self.asked = asked
        self.probing = probing
        self.book = book
        self.tell = tell
        self.kept = kept
        self.environ: Mapping[str, str] = dict(os.environ)
        self.now = datetime.now().astimezone()
        self.clock = time.perf_counter()
        self.deadline = time.monotonic() + (options.timeout or SECONDS)

    async def report(self) -> Report:
        """The report. Raises UsageError for a pod or workload that does not exist."""
        from doctor.net.kube import Api
        from doctor.net.kubeconfig import settle
        from doctor.net.kubesettings import NoClusterError

        self.tell("reading the kubeconfig")
        try:
            settings = await settle(self.environ, self.wish, self.deadline - time.monotonic())
        except NoClusterError as problem:
            return self._judged(self._without(None, problem))
        api = Api(settings, self.deadline - 0.3)
        try:
            return await self.look(settings, api)
        finally:
            api.close()

    async def look(self, settings: Settings, api: Api) -> Report:
        import asyncio

        from doctor.cluster import failing, kubectl, pulls, surroundings, weighing
        from doctor.cluster.survey import Survey

        survey = Survey(api, self.asked.scope(settings.namespace), kept=self.kept)
        self.tell(f"asking {settings.server} for pods")
        version = asyncio.create_task(survey.read_version())
        await survey.read_pods()
        await version
        if survey.blind is not None and survey.blind.status != 403 and not survey.seen:
            return self._judged(*await self._unreached(settings, survey))
        self.tell(f"{survey.seen} pods; reading why {len(survey.pods)} of them wait")
        await asyncio.gather(survey.read_events(), survey.read_unretrieved())
        found = failing.failing(survey, self.now)
        await asyncio.gather(
            weighing.read_secrets(survey, found),
            surroundings.nodes(survey, failing.nodes_of(survey, found)),
            surroundings.owners(survey, [one.pod for one in found]),
        )
        known = pulls.known(survey, found)
        diagnoses: list[Diagnosis] = []
        if self.probing and known:
            diagnoses, known = await self._probed(known)
        facts = [one.fact for one in known]
        fact = pulls.cluster(survey, facts, settings.context or "", self._chosen)
        server = kubectl.answered(settings, self.environ, survey.api.ms or 0.0, self.now)
        return self._judged(fact, facts, server, diagnoses)

    def _judged(
        self,
        fact: ClusterFact,
        facts: Sequence[PullFact] = (),
        server: Diagnosis | None = None,
        diagnoses: Sequence[Diagnosis] = (),
    ) -> Report:
        from doctor import judgement

        cluster = judgement.cluster(fact, facts, server, self.book, self.now)
        return Report(
            diagnoses=tuple(diagnoses),
            started=self.now,
            ms=(time.perf_counter() - self.clock) * 1000,
            verdict=cluster.verdict,
            kubernetes=cluster,
        )

    @property
    def _chosen(self) -> tuple[tuple[str, str], ...]:
        given = (("--context", self.wish.context), ("--kubeconfig", self.wish.kubeconfig))
        return tuple((name, said) for name, said in given if said)

    async def _probed(self, known: list[Known]) -> tuple[list[Diagnosis], list[Known]]:
        from doctor.clients.shell import Shell
        from doctor.cluster import probing
        from doctor.engine import Engine
        from doctor.net import Net
        from doctor.plugins import installed

        self.tell("trying the images from here")
        checks = [check for check in installed().checks if check.name != "k8s"]
        engine = Engine(checks, self.book)
        here = Shell.here(self.environ, ca=self.options.ca, proxy=self.options.proxy)
        net = self._net(Net)
        settings: dict[str, Any] = {
            "now": self.now,
            "warn_days": self.options.warn_days,
            "allow_realms": self.options.allow_realm,
        }
        try:
            return await probing.probe(known, engine, here, net, settings)
        finally:
            await net.close()

    def _net(self, kind: Any) -> Any:
        return kind(
            environ=self.environ,
            deadline=self.deadline - 0.2,
            fetch_issuers=self.options.fetch_issuers,
        )

    async def _unreached(
        self, settings: Settings, survey: Survey
    ) -> tuple[ClusterFact, tuple[PullFact, ...], Diagnosis | None]:
        """Why the API server gives no pods: the login, or the way to it."""
        from doctor.cluster import kubectl
        from doctor.net import Net
        from doctor.net.kubesettings import NoClusterError
        from doctor.plugins import installed

        answer = survey.blind
        assert answer is not None  # noqa: S101 - the caller has looked
        params = {"context": settings.context or "", "server": settings.server}
        looked = (
            f"{settings.file}, context {settings.context}" if settings.context else settings.file
        )
        if answer.status == 401:
            reason = f"{settings.server} does not accept the login (HTTP 401)"
            params |= {"login_expired": "yes", "file": settings.file}
            return self._without(settings, NoClusterError(looked, reason, **params)), (), None
        net = self._net(Net)
        try:
            self.tell(f"looking at the way to {settings.server}")
            server = await kubectl.walk(
                settings, self.environ, installed().checks, self.book, net, self.now
            )
        finally:
            await net.close()
        reason = f"{settings.server} gives no answer that can be used: {answer.why}"
        return self._without(settings, NoClusterError(looked, reason, **params)), (), server

    def _without(self, settings: Settings | None, problem: NoClusterError) -> ClusterFact:
        """What is known of a cluster that cannot be talked to. Its context may be the fault, so
        that printed commands do not choose it."""
        return ClusterFact(
            context=(settings.context if settings else problem.params.get("context")) or "",
            chosen=tuple(each for each in self._chosen if each[0] != "--context"),
            unreached=Unreached(problem.looked_at, problem.reason, problem.params),
        )
