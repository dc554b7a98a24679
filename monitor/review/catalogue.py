"""Rules as people read them: what the page, the report and the notification say of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.review.summary import by_id, short_articles
from monitor.rules.tree import EventRule, Rule, RuleSet


@dataclass(frozen=True, slots=True)
class Card:
    """A rule: `articles` as `5(1)(c)(f), 32`; everything is empty where the rule is not known any more.

    `system` is the field that names what was touched, where each case names one and a filter may ask for it;
    `logsource` are its category, product and service.
    """

    id: str
    name: str
    title: str
    description: str
    articles: str
    categories: tuple[str, ...]
    level: str
    falsepositives: tuple[str, ...] = ()
    system: str = ""
    logsource: tuple[str, str, str] = ("", "", "")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The rules by id, and the digest of the rule set as a whole."""

    cards: Mapping[str, Card]
    digest: str = ""

    def card(self, rule: str) -> Card:
        """The rule with this id; one that was removed is told by its id."""
        return self.cards.get(rule) or Card(rule, "", f"removed rule {rule}", "", "", (), "")

    def titled(self, text: str) -> tuple[str, ...]:
        """Ids of the rules whose title or name holds the text, whatever its case."""
        wanted = text.casefold()
        return tuple(
            card.id for card in self.cards.values() if wanted in f"{card.title} {card.name}".casefold()
        )

    def ordered(self) -> list[Card]:
        """All rules by title."""
        return sorted(self.cards.values(), key=lambda card: card.title)


def catalogue(ruleset: RuleSet) -> Catalogue:
    """The rules of a rule set that can have violations of their own."""
    rules = by_id(ruleset)
    cards: Iterable[Card] = (
        Card(
            id=rule.header.id,
            name=rule.header.name,
            title=rule.header.title,
            description=rule.header.description,
            articles=short_articles(rule.privacy.articles),
            categories=rule.privacy.categories,
            level=rule.header.level,
            falsepositives=rule.header.falsepositives,
            system=_system(rule),
            logsource=_logsource(rule),
        )
        for rule in rules.values()
    )
    return Catalogue({card.id: card for card in cards}, ruleset.digest)


def _system(rule: Rule) -> str:
    """The field that names what was touched, where it tells the violations of an event rule apart."""
    if not isinstance(rule, EventRule):
        return ""
    field, apart = rule.privacy.resource, rule.alert.fingerprint
    return field if not apart or field in apart else ""


def _logsource(rule: Rule) -> tuple[str, str, str]:
    if not isinstance(rule, EventRule):
        return "", "", ""
    said = rule.logsource
    return said.category or "", said.product or "", said.service or ""
