"""What can the words of an error not tell? One sentence for each place where clients print the same
for several causes."""

STRAY_SCHEME = (
    "Whether the proxy's setting holds a scheme twice or a host of that name is meant cannot be "
    "seen from here."
)
SENT = (
    "Some clients print the same 401 when they sent no credential at all; the text does not say "
    "which of the two it was."
)
LOGIN = (
    "The client prints the same for a missing and for a wrong credential; only its stored login "
    "or pull Secret tells them apart."
)
HIDDEN = (
    "Registries hide private repositories: one that does not exist and one that may not be seen "
    "get the same answer."
)
IN_FRONT = (
    "The text does not tell whether the registry itself refuses, or something in front of it "
    "(address list, firewall)."
)
TAG_OR_REPOSITORY = (
    "The client asks with HEAD, whose answer has no body: whether the tag or the whole repository "
    "is missing cannot be told, nor whether a web server answered in the registry's place."
)
SAYS_MANIFEST = (
    "Many registries say `manifest unknown` for a missing repository too, so a mistyped name looks "
    "like a missing tag."
)
WHEN_CUT = (
    "Whether the connection was cut before TLS, by the registry's name in the handshake, or later "
    "cannot be read from this."
)
CANCELED = (
    "`context canceled` says only that the client gave up: its log tells why (for containerd "
    '"because of no progress", for CRI-O "Timed out on waiting").'
)
OCI_UNSHOWN = (
    "`docker manifest inspect` does not show OCI manifests: this message alone is no fault of the "
    "image, and says nothing of whether it can be pulled."
)
RETRIEVE_HINT = (
    "The kubelet says this also where the image is there already or another Secret works: it is a "
    "hint and no proof."
)
PROXY_LOGIN = (
    "407 is the answer both to a missing and to a wrong proxy login; the client's proxy setting "
    "tells which."
)
CLOCK = "Whether the certificate or the clock of the machine is wrong cannot be told from this."
WHICH_EXPIRED = "Go does not say which certificate of the chain it is: the server's own or a CA's."
AUTHORITY = (
    "Go says the same for a private CA, a self-signed certificate, an intermediate that is not "
    "sent and a proxy that re-signs the connection; the chain itself tells them apart."
)
CHAIN = (
    "OpenSSL says the same for a private CA and for an intermediate that the server does not send."
)
PLAIN = "Whether a registry or some other web server speaks plain HTTP on that port is not told."
ALERT = "The alert does not say what was missing: a common cipher suite, or something else."
NO_ADDRESS = "Go says `no such host` also for a name that exists and has no address."
MISBEHAVING = (
    "`server misbehaving` stands for SERVFAIL and for REFUSED; asking that resolver shows which."
)
TEMPORARY = (
    "The C library says this where no resolver answers and where one answers with a failure."
)
CURL = "curl prints the same for several failures; the text does not tell which."
SCOPE = (
    "The token service gives a token without the right to pull in three cases: no such repository, "
    "no login sent, or a login that lacks the right."
)
THREE = (
    '"pull access denied" means one of three things: there is no such repository, no login was '
    "sent, or the login lacks the right."
)
OLD_WORDS = "These words are a by-product: the client stumbles over the manifest without naming it."
INSPECT = (
    "`docker manifest inspect` prints this also for a wrong password and for a registry that "
    "speaks only plain HTTP."
)
DEADLINE = "Which layer was silent (connection, TLS or the registry's answer) is not told."
MIRRORS = (
    "Where containerd has mirrors configured, it tells the error of one host only: another host's "
    "may be hidden behind it. Its log names each (`trying next host`, `fetch failed`)."
)
BACK_OFF = "The kubelet's back-off message names no cause; the waiting message or an event may."
REASON = (
    "That word tells that a pull failed, and not why: the cause stands in the pod's events, and "
    "with newer kubelets in the message beside the word."
)
OTHER_MIRRORS = "Mirrors failed too; what each said stands in the same message."
UNAVAILABLE = (
    "CRI-O says so for a refused connection alone; older kubelets for any registry that does not "
    "answer."
)
GAVE_UP = "It tells only that every try failed, and not how; the lines before it do."
REFUSED_THERE = "Whether the token service refuses the login or what was asked for is not told."
ALONE = (
    "These words alone do not tell who said them, nor to what: the whole line "
    "around them tells more."
)
