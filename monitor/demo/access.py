"""Ordinary lines of the web server, in the Combined format."""

from __future__ import annotations

from random import Random

from monitor.demo import company as made_up
from monitor.demo.application import BROWSER
from monitor.demo.rhythm import MACHINES, VISITORS, Period, clf

_PAGES = ("/", "/shop", "/shop/cart", "/help/password?topic=reset", "/clinic/book", "/careers", "/imprint")
_ASSETS = ("/css/site.css", "/js/app.js", "/img/logo@2x.png", "/img/map@1x.webp", "/favicon.ico")
_REFERRERS = ("-", "https://www.nordwind-shop.de/", "https://www.nordwind-shop.de/shop?page=2")
_CRAWLERS = (
    "HarbourBot/2.1 (+https://harbour-search.org/bot; crawler@harbour-search.org)",
    "Mozilla/5.0 (compatible; TideSpider/1.4; +mailto:spider@tide-index.net)",
)


def line(
    rng: Random,
    when: int,
    url: str,
    *,
    client: str = "",
    user: str = "-",
    status: int = 200,
    referrer: str = "-",
    agent: str = BROWSER,
) -> str:
    """One line: `client - user [time] "request" status bytes "referrer" "agent"`."""
    client = client or made_up.visitor(rng)
    size = rng.randrange(200, 90_000)
    return f'{client} - {user} [{clf(when)}] "GET {url} HTTP/1.1" {status} {size} "{referrer}" "{agent}"'


def _visit(rng: Random, when: int) -> str:
    pages = (*_PAGES, *_ASSETS, f"/shop/item/{rng.randrange(10_000)}")
    status = rng.choices((200, 304, 404), (92, 6, 2))[0]
    return line(rng, when, rng.choice(pages), status=status, referrer=rng.choice(_REFERRERS))


def _crawl(rng: Random, when: int) -> str:
    url = f"/shop/item/{rng.randrange(10_000)}"
    return line(rng, when, url, client="203.0.113.9", agent=rng.choice(_CRAWLERS))


def _probe(rng: Random, when: int) -> str:
    return line(rng, when, "/healthz", client="10.20.0.5", agent="probe/1.0")


def ordinary(rng: Random, period: Period, count: int) -> list[tuple[int, str]]:
    """About `count` ordinary lines with their moments in microseconds, unordered."""
    plan = ((_visit, 0.84, VISITORS), (_crawl, 0.06, MACHINES), (_probe, 0.10, MACHINES))
    return [
        (when, make(rng, when))
        for make, share, rhythm in plan
        for when in period.moments(rng, round(count * share), rhythm)
    ]
