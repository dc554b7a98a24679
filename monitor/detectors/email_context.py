"""What stands around an `@` that makes it no e-mail address, or not a data subject's."""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.paths import is_message_id_field, is_user_agent_field

WINDOW: Final = 160
"""Characters looked at before an address."""

_USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/?#\"'<>]*$")
_AUTHORITY_AT = re.compile(r"[^\s/?#\"'<>]*@")
_REMOTE_SHELL = re.compile(r"\b(?:ssh|scp|sftp|rsync|sshfs)\s+(?:-\S+\s+(?:[0-9]+\s+)?)*$")
_REMOTE_PATH = re.compile(r":(?:[~/]|[\w.~/\-]{1,200}\.git\b)")
_VERSION_CONTROL: Final = ("git", "hg", "svn")
_MESSAGE_ID = re.compile(
    r"(?:message-?_?id|msg-?_?id|in-reply-to|references)[\"']?\s*[:=]\s*[\"']?(?:<[^<>]{1,120}>[\s,]*){0,3}<?$",
    re.IGNORECASE,
)
_SERVICE_PRINCIPAL = re.compile(
    r"(?:^|[^\w/])(?:host|http|cifs|ldap|nfs|imap|smtp|krbtgt|mssqlsvc|postgres|kafka|zookeeper|hdfs|yarn)"
    r"/[\w.\-]*$",
    re.IGNORECASE,
)
_KERBEROS = re.compile(r"krb|kerberos|kinit|principal|keytab|gssapi|realm|\btgt\b|\bkdc\b", re.IGNORECASE)
_ERLANG: Final = frozenset(("rabbit", "rabbitmq", "ejabberd", "couchdb", "emqx", "vernemq", "riak", "nonode"))
_ALGORITHM_DOMAINS: Final = ("openssh.com", "libssh.org", "lysator.liu.se", "ssh.com")
_ALGORITHM = re.compile(
    r"(?:aes|chacha|curve|ecdsa|ssh-|sk-|hmac|umac|sntrup|mlkem|zlib|rijndael|webauthn|kex-|hostkeys|keepalive"
    r"|auth-agent|tun|posix-rename|statvfs|fstatvfs|hardlink|fsync|lsetstat|limits|eow|no-more-sessions"
    r"|streamlocal|direct-|forwarded-|session-bind|restrict-|verify-|publickey|copy-data|expand-path)[\w\-]*"
)
_NO_TLD: Final = frozenset(
    """
    png jpg jpeg gif svg webp ico bmp tif tiff avif css scss less js mjs cjs jsx tsx ts json jsonl xml
    html htm xhtml php asp aspx jsp txt log csv yml yaml toml ini cfg conf sql lock pdf doc docx xls
    xlsx ppt gz tgz bz2 xz tar rar whl gem jar war class exe dll deb rpm rb cpp hpp wasm woff ttf eot
    mp3 mp4 webm service socket timer slice target mount automount swap device
    """.split()  # noqa: SIM905 - eighty quoted words are harder to read
)
"""File extensions and systemd unit types: none is a top-level domain."""

_BROWSER = re.compile(r"(?:Mozilla|Opera)/\d")
_CRAWLER = re.compile(
    r"bot\b|bot[/ _\-]|crawl|spider|slurp|archiver|feed|fetch|monitor|scan|check|reader|\+http|\+mailto"
    r"|compatible;",
    re.IGNORECASE,
)
_PRODUCT = re.compile(r"[\w.\-]+(?:[/_]v?\d|\s+[(+]|\.com\b)")
_KEYED = re.compile(r"(?:user|uid|login|account|e?mail|name)\s*[=:]\s*\S*$", re.IGNORECASE)


def is_no_address(text: str, span: tuple[int, int], local: str, domain: str, path: str) -> bool:
    """Whether `local@domain` at `span` of `text` is something else of that shape."""
    start, end = span
    tail = domain.rpartition(".")[2].lower()
    if tail in _NO_TLD or local.lower() in _ERLANG or _is_algorithm(local, domain):
        return True
    before = text[max(0, start - WINDOW) : start]
    return (
        _is_userinfo(text, before, end)
        or _is_remote(before, text[end : end + 210], local)
        or _is_principal(before, domain, path)
        or is_message_id_field(path)
        or _MESSAGE_ID.search(before) is not None
    )


def _is_algorithm(local: str, domain: str) -> bool:
    return domain.lower() in _ALGORITHM_DOMAINS and _ALGORITHM.fullmatch(local) is not None


def _is_userinfo(text: str, before: str, end: int) -> bool:
    """In `scheme://user:pw@host` the last `@` of the authority ends the credentials: another finding."""
    return "://" in before and _USERINFO.search(before) is not None and _AUTHORITY_AT.match(text, end) is None


def _is_remote(before: str, after: str, local: str) -> bool:
    if after.startswith(":") and (local in _VERSION_CONTROL or _REMOTE_PATH.match(after)):
        return True
    return _REMOTE_SHELL.search(before) is not None


def _is_principal(before: str, domain: str, path: str) -> bool:
    """Kerberos writes realms in upper case; people rarely write only the domain so."""
    if not domain.isupper():
        return False
    return (
        _SERVICE_PRINCIPAL.search(before) is not None
        or _KERBEROS.search(f"{path} {before[-60:]}") is not None
    )


def is_crawler_contact(text: str, start: int, path: str) -> bool:
    """The address is whom to write to about a robot, in a User-Agent field or a quoted one of a log line."""
    if is_user_agent_field(path):
        agent, at = text, start
    else:
        opening = text.rfind('"', max(0, start - 512), start) + 1
        closing = text.find('"', start, start + 512)
        if not opening or closing < 0:
            return False
        agent, at = text[opening:closing], start - opening
        if not (_BROWSER.match(agent) or _PRODUCT.match(agent)):
            return False
    if _KEYED.search(agent, max(0, at - 40), at):
        return False
    return _CRAWLER.search(agent) is not None or _BROWSER.match(agent) is None
