"""What has an `@` and is no e-mail address: nothing is found."""

from tests.detectors.cases import Case


def nothing(name: str, text: str, path: str = "") -> Case:
    return Case(name, text, (), path=path)


CASES = [
    nothing("git remote", "fetching git@git.nordwind-shop.de:shop/checkout.git"),
    nothing("ssh remote with a person", "anna@build.nordwind-shop.de:/srv/repo"),
    nothing("ssh remote, .git", "deploy@build.nordwind-shop.de:shop/checkout.git"),
    nothing("ssh URL", "ssh://git@git.nordwind-shop.de:2222/shop.git"),
    nothing("ssh command", "$ ssh -v anna@build.nordwind-shop.de"),
    nothing("credentials in a URL", "https://aberg:s3cret@intranet.nordwind-shop.de/x"),
    nothing("database URL", "postgres://shop:s3cret@db1.nordwind-shop.de:5432/shop"),
    nothing("error-tracker DSN", "https://0123456789abcdef0123456789abcdef@o17.ingest.nordwind-shop.de/42"),
    nothing("Message-ID", "Message-ID: <20261116.17.4711@mx1.nordwind-shop.de>"),
    nothing("Postfix message-id", "cleanup: 3F2A: message-id=<4711.17@mx1.nordwind-shop.de>"),
    nothing("References", "References: <a.1@mx1.nordwind-shop.de> <a.2@mx1.nordwind-shop.de>"),
    nothing("Message-ID field", "20261116.17@mx1.nordwind-shop.de", "email.message_id"),
    nothing("Kerberos service", "HTTP/web1.nordwind-shop.de@NORDWIND-SHOP.DE"),
    nothing("Kerberos ticket", "krbtgt/NORDWIND-SHOP.DE@NORDWIND-SHOP.DE"),
    nothing("Kerberos user", "kinit: principal anna@NORDWIND-SHOP.DE not found"),
    nothing("image at 2x", "GET /img/logo@2x.png"),
    nothing("image at 3x", "header@3x.webp"),
    nothing("npm package", "npm ci @scope/pkg@1.2.3"),
    nothing("npm tag", "lodash@4.17.21-next.alpha"),
    nothing("Go module", "golang.nordwind-shop.de/x/net@v0.17.0"),
    nothing("Erlang node", "rabbit@mq1.nordwind-shop.de"),
    nothing("Erlang node, short", "rabbit@mq1"),
    nothing("Java object", "com.nordwind.Foo@1b6d35"),
    nothing("shell prompt", "root@web1:~#"),
    nothing("host of a region", "deploy@db.eu-west-1"),
    nothing("systemd unit of a host", "openvpn@vpn.nordwind-shop.de.service"),
    nothing("metric", "counter@app.requests_total"),
    nothing("handle", "thanks @annaberg"),
    nothing("profile URL", "https://social.nordwind-shop.de/@anna.berg"),
    nothing("timestamp key", '"@timestamp":"2026-11-16T10:00:00.000Z"'),
    nothing("SSH algorithm", "kex: chacha20-poly1305@openssh.com"),
    nothing("SSH MAC", "hmac-sha2-256-etm@openssh.com,umac-64@openssh.com"),
    nothing("SSH key exchange", "curve25519-sha256@libssh.org"),
    nothing("systemd unit", "Started getty@tty1.service"),
    nothing("stylesheet at-rule", "a{}@media.print.css"),
    nothing("number", "qty 3 @ 4.50"),
    nothing("no top-level domain", "anna@intranet"),
    nothing("numeric top-level domain", "build@10.0.17"),
    nothing("container digest", "shop/web@sha256:0123456789abcdef"),
    nothing("status code", "status=404 /next.html"),
    nothing("created_at_ key", "created_at_ms=1763287200000"),
    nothing("plain word at", "look at this.page"),
]
