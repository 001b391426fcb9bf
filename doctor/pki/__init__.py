"""Is this chain good, for whom, and if not, what is wrong with it? No sockets: chains, names,
stores and rules only.

Two verifiers matter for image pulls: Go's crypto/x509, which every container client uses, and
OpenSSL's, which curl and Python use. They differ (a certificate without subjectAltName, a 1024-bit
key, a CA without basicConstraints...), so each has its own verdict here.
"""
