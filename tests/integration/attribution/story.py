"""Events and catalog records of one workspace: clicks, orders, identities and owners.

Promise: ids are derived from names and the workspace, so equal calls give equal events. Two
workspaces may use equal names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.catalog import (
    AnyCatalogRecord,
    Code,
    CodePeriod,
    Link,
    LinkPeriod,
    Placement,
    Policy,
    Precedence,
)
from shared.code_texts import code_text
from shared.events import (
    AdjustmentKind,
    Clicked,
    ClickRef,
    Identified,
    Noticed,
    OrderAdjusted,
    Ordered,
    Person,
    PrivacyTask,
    Quality,
    Referred,
    SocialReported,
    Source,
    SourceKind,
    Surveyed,
    Visited,
)
from shared.ids import MAIN_STORE, click_event_id, natural_id
from tests.factories import NOON

NEVER = timedelta(0)


@dataclass(frozen=True, slots=True)
class Story:
    """Builds the events and catalog records of one workspace."""

    workspace_id: str

    def ident(self, kind: str, name: str) -> str:
        return natural_id(self.workspace_id, "story", kind, name)

    def click(
        self,
        click_id: str | None,
        *,
        of: str = "mia",
        by: str | None = None,
        at: datetime = NOON,
        quality: tuple[Quality, ...] = (),
        consent: bool = True,
        source: SourceKind = "edge",
        person: Person | None = None,
    ) -> Clicked:
        event_id = (
            click_event_id(self.workspace_id, click_id)
            if click_id and source == "edge"
            else self.ident("click", f"{of}/{person}/{click_id}/{at.isoformat()}")
            if source != "edge"
            else self.ident("click", f"{of}/{by}/{at.isoformat()}")
        )
        return Clicked(
            event_id=event_id,
            workspace_id=self.workspace_id,
            occurred_at=at,
            received_at=at,
            source=Source(source, "door"),
            person=person or Person(visitor_id=by, click_id=click_id),
            consent=consent,
            quality=quality,
            link_id=self.ident("link", of),
        )

    def order(
        self,
        name: str = "1001",
        *,
        net: int = 4990,
        at: datetime = NOON + timedelta(hours=1),
        currency: str = "EUR",
        visitor: str | None = None,
        click: Clicked | None = None,
        customer: str | None = None,
        email: str | None = None,
        codes: tuple[str, ...] = (),
        source: SourceKind = "webhook",
        source_id: str = "shop",
        version: int = 1,
        token: str | None = None,
        same: str = "",
        tie_break: tuple[int, ...] = (),
        cancelled: bool | None = None,
        test: bool = False,
        unpaid: bool = False,
        history: bool = False,
        store: str = MAIN_STORE,
        quality: tuple[Quality, ...] = (),
    ) -> Ordered:
        click_id = click.person.click_id if click else None
        where = ("" if store == MAIN_STORE else f"/{store}") + "/history" * history
        natural_key = f"{name}/{source}/{source_id}/{version}{same}{where}"
        return Ordered(
            event_id=self.ident("order", natural_key),
            workspace_id=self.workspace_id,
            occurred_at=at,
            received_at=at,
            source=Source(source, source_id),
            person=Person(visitor, click_id, customer, email),
            natural_id=name,
            net_minor=net,
            currency=currency,
            version=version,
            codes=codes,
            click=ClickRef(click.link_id, click.occurred_at) if click else None,
            claim_token_hash=token,
            tie_break=tie_break,
            cancelled=cancelled,
            test=test,
            unpaid=unpaid,
            history=history,
            store=store,
            quality=quality,
        )

    def adjusted(
        self,
        name: str = "r1",
        *,
        of: str = "1001",
        kind: AdjustmentKind = "refund",
        amount: int | None = 1000,
        currency: str | None = "EUR",
        at: datetime = NOON + timedelta(days=1),
        source_id: str = "shop",
        version: int = 0,
        pending: bool = False,
        capped: bool = False,
        same: str = "",
        store: str = MAIN_STORE,
    ) -> OrderAdjusted:
        where = "" if store == MAIN_STORE else f"/{store}"
        return OrderAdjusted(
            event_id=self.ident("adjustment", f"{of}/{name}{same}{where}"),
            workspace_id=self.workspace_id,
            occurred_at=at,
            received_at=at,
            source=Source("webhook", source_id),
            conversion_kind="purchase",
            natural_id=of,
            adjustment_id=name,
            kind=kind,
            amount_minor=amount,
            currency=currency,
            version=version,
            pending=pending,
            capped=capped,
            store=store,
        )

    def noticed(
        self,
        name: str,
        topic: str,
        task: PrivacyTask | None = None,
        at: datetime = NOON,
        reference: str | None = None,
    ) -> Noticed:
        return Noticed(
            event_id=self.ident("noticed", name),
            workspace_id=self.workspace_id,
            occurred_at=at,
            received_at=at,
            source=Source("webhook", "shop"),
            vendor="shopify",
            topic=topic,
            task=task,
            reference=reference,
        )

    def identified(
        self,
        name: str,
        person: Person,
        at: datetime = NOON,
        source: SourceKind = "secret",
        store: str = MAIN_STORE,
    ) -> Identified:
        return Identified(
            event_id=self.ident("identified", name),
            workspace_id=self.workspace_id,
            occurred_at=at,
            received_at=at,
            source=Source(source, "page"),
            person=person,
            store=store,
        )

    def visited(
        self, visitor: str, click: Clicked, at: datetime = NOON, source: SourceKind = "public"
    ) -> Visited:
        return Visited(
            event_id=self.ident("visited", f"{visitor}/{click.event_id}/{source}"),
            workspace_id=self.workspace_id,
            occurred_at=at,
            received_at=at,
            source=Source(source, "page"),
            person=Person(visitor_id=visitor, click_id=click.person.click_id),
            click=ClickRef(click.link_id, click.occurred_at),
        )

    def referred(self, code: str, *, by: str, at: datetime = NOON) -> Referred:
        return Referred(
            event_id=self.ident("referred", f"{code}/{by}/{at.isoformat()}"),
            workspace_id=self.workspace_id,
            occurred_at=at,
            received_at=at,
            source=Source("secret", "app"),
            person=Person(visitor_id=by),
            code=code,
        )

    def surveyed(
        self,
        name: str,
        *,
        order: str | None = None,
        of: str | None = None,
        by: str | None = None,
        at: datetime = NOON,
        source: SourceKind = "secret",
        token: str | None = None,
        sealed: str | None = None,
    ) -> Surveyed:
        return Surveyed(
            event_id=self.ident("surveyed", name),
            workspace_id=self.workspace_id,
            occurred_at=at,
            received_at=at,
            source=Source(source, "page"),
            person=Person(visitor_id=by),
            natural_id=order,
            placement_id=self.ident("placement", of) if of else None,
            sealed_answer=sealed,
            claim_token_hash=token,
        )

    def counted(
        self,
        of: str,
        *,
        at: datetime = NOON,
        received: datetime | None = None,
        source_name: str = "Instagram",
        import_id: str | None = None,
        **counts: int,
    ) -> SocialReported:
        """Social counts of the placement of a creator; the id is made of all but `received`."""
        told = f"{of}/{source_name}/{at.isoformat()}/{import_id}/{sorted(counts.items())}"
        fields: dict[str, Any] = dict(counts)
        return SocialReported(
            event_id=self.ident("counted", told),
            workspace_id=self.workspace_id,
            occurred_at=at,
            received_at=received or at,
            source=Source("secret", "key"),
            placement_id=self.ident("placement", of),
            source_name=source_name,
            count_quality="observed",
            import_id=import_id,
            **fields,
        )

    # -- owners --------------------------------------------------------------------------------

    def placement(
        self, name: str = "mia", *, revision: int = 1, creator: str | None = None
    ) -> Placement:
        return Placement(
            workspace_id=self.workspace_id,
            id=self.ident("placement", name),
            revision=revision,
            recorded_at=NOON,
            creator_id=self.ident("creator", creator or name),
        )

    def link(
        self, name: str = "mia", *, revision: int = 1, owners: Sequence[LinkPeriod] | None = None
    ) -> Link:
        return Link(
            workspace_id=self.workspace_id,
            id=self.ident("link", name),
            revision=revision,
            recorded_at=NOON,
            code=name,
            destination="https://shop.example/",
            periods=tuple(owners or (self.led_to(name),)),
        )

    def led_to(
        self, name: str, since: datetime | None = None, until: datetime | None = None
    ) -> LinkPeriod:
        return LinkPeriod(
            placement_id=self.ident("placement", name), valid_from=since, valid_to=until
        )

    def code(
        self,
        text: str,
        *,
        of: str = "mia",
        placement: str | None = None,
        revision: int = 1,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Code:
        owned = CodePeriod(
            valid_from=since,
            valid_to=until,
            creator_id=self.ident("creator", of),
            placement_id=self.ident("placement", placement or of),
        )
        return Code(
            workspace_id=self.workspace_id,
            id=self.ident("code", text),
            revision=revision,
            recorded_at=NOON,
            code=code_text(text).text,
            periods=(owned,),
        )

    def policy(
        self,
        *,
        since: datetime | None = None,
        revision: int = 1,
        models: tuple[str, ...] = ("first", "last", "linear"),
        precedence: Precedence = Precedence.CODE_WINS,
        name: str = "policy",
    ) -> Policy:
        return Policy(
            workspace_id=self.workspace_id,
            id=self.ident("policy", name),
            revision=revision,
            recorded_at=NOON,
            valid_from=since,
            models=models,
            precedence=precedence,
        )

    def cast(self, *names: str) -> list[AnyCatalogRecord]:
        """Return creators with one placement and one link each."""
        records: list[AnyCatalogRecord] = []
        for name in names or ("mia", "tom"):
            records += [self.placement(name), self.link(name)]
        return records
