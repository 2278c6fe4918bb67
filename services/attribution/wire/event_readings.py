"""Events of the log as `Reading`s: the touch, the keys and the conversion of each event.

Promise: one event gives one `Reading`, a pure function of its bytes, so a replay gives the same
readings. An event without consent has no keys. An event of a public key has ties between anonymous
keys, and joins nothing but a visitor to the customer whom its page proved.
What can go wrong: bytes that are no event raise `EventRejected`; a time outside the calendar raises
`ValueError` or `ArithmeticError`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import structs

from services.attribution.domain.model import (
    Adjustment,
    ConversionKey,
    ConversionVersion,
    SurveyAnswer,
    Touch,
    is_trusted_source,
)
from shared.code_texts import CodeText, code_text
from shared.credits import TOUCHES, TouchKind
from shared.events import (
    CONVERSION_KINDS,
    AnyConversion,
    AnyEvent,
    Clicked,
    ClickRef,
    Converted,
    Engaged,
    Erased,
    Event,
    Identified,
    Noticed,
    OrderAdjusted,
    Person,
    Quality,
    Referred,
    SocialReported,
    SourceKind,
    Surveyed,
    Viewed,
    Visited,
    decode_event,
    event_kinds,
    fingerprint,
)
from shared.ids import (
    KeyKind,
    click_event_id,
    conversion_key,
    customer_key,
    is_click,
    is_strong,
    person_key,
)

# The range of the keys of conversions (own keys) in the index on keys.
OWN_KEYS_FROM: Final = b"o"
OWN_KEYS_TO: Final = b"p"
SURVEYED: Final = "surveyed"


class Reading(msgspec.Struct, frozen=True, gc=False):
    """The contents of one event that attribution uses.

    `keys` occur together in a trusted event or by a proof; two or more are joined. `tied` are the
    anonymous keys of an untrusted event. `clicks` are the click keys among both, each with the id
    of its touch. `derived` is the touch that the click id of this event proves. Exactly one of
    `touch` and `body` is set. `quality` are the flags of an event with a body. `token` is the key
    of the claim token of a conversion; the claim of a public key has it in `tied`, too, with the
    digest of its keys. `answer_token` is the same of a survey answer; that of a public key is found
    under it.
    """

    workspace_id: str
    event_id: str
    kind: str
    occurred_at: datetime
    fingerprint: bytes
    touch: Touch | None = None
    body: bytes | None = None
    own_key: bytes | None = None
    keys: tuple[bytes, ...] = ()
    clicks: tuple[tuple[bytes, str], ...] = ()
    derived: Touch | None = None
    source_kind: SourceKind | None = None
    tied: tuple[bytes, ...] = ()
    token: bytes | None = None
    quality: tuple[Quality, ...] = ()
    answer_token: bytes | None = None

    @property
    def edge_source(self) -> SourceKind | None:
        """The source of the edges among `keys`: a proof is worth as much as a secret key."""
        return self.source_kind if is_trusted_source(self.source_kind) else "secret"

    @property
    def filed_under(self) -> bytes | None:
        """The key under which the evidence of a conversion is found; claims have another one."""
        own = self.own_key
        if self.kind == SURVEYED and not is_trusted_source(self.source_kind):
            return self.answer_token
        is_claim = own is not None and not is_trusted_source(self.source_kind)
        return claims_key(own) if own is not None and is_claim else own


def claims_key(own: bytes) -> bytes:
    """Return the key under which the claims of a conversion are found."""
    return OWN_KEYS_TO + own[1:]


def own_key(key: ConversionKey) -> bytes:
    """Return the own key of a conversion; it has a component by it, even without a person."""
    return conversion_key(key.kind, key.natural_id, store=key.store)


def read(value: bytes) -> Reading:
    """Return the reading of a record's value. Raises `EventRejected` if it is no event."""
    event = decode_event(value)
    return _READERS[type(event)](event, value)


def conversion_evidence(body: bytes) -> ConversionVersion | Adjustment | SurveyAnswer:
    """Return the conversion version, the adjustment or the survey answer of a stored event."""
    event = decode_event(body)
    if isinstance(event, Surveyed):
        key = _surveyed_key(event)
        assert key is not None, "only answers that name an order have an own key"
        at, token, kind = _utc(event.occurred_at), _token(event, own_key(key)), event.source.kind
        return SurveyAnswer(event.event_id, key, at, event.placement_id, kind, token)
    if isinstance(event, OrderAdjusted):
        return Adjustment(
            event_id=event.event_id,
            key=ConversionKey(event.conversion_kind, event.natural_id, event.store),
            adjustment_id=event.adjustment_id,
            kind=event.kind,
            occurred_at=_utc(event.occurred_at),
            amount_minor=event.amount_minor,
            net_after_minor=event.net_after_minor,
            tax_minor=event.tax_minor,
            capped=event.capped,
            currency=event.currency,
            source_kind=event.source.kind,
            source_id=event.source.id,
            version=event.version,
            pending=event.pending,
        )
    assert isinstance(event, Converted), "only evidence of conversions has an own key"
    return _version(event)


def _version(event: AnyConversion) -> ConversionVersion:
    click_id = event.person.click_id if event.consent else None
    key = ConversionKey(CONVERSION_KINDS[type(event)], event.natural_id, event.store)
    return ConversionVersion(
        event_id=event.event_id,
        key=key,
        source_kind=event.source.kind,
        source_id=event.source.id,
        version=event.version,
        occurred_at=_utc(event.occurred_at),
        net_minor=event.net_minor,
        currency=event.currency,
        codes=tuple(code_text(code) for code in event.codes),
        keys=person_keys(event),
        click_touch_id=click_event_id(event.workspace_id, click_id) if click_id else None,
        click=event.click if click_id else None,
        new_customer=event.new_customer,
        taxes_included=event.taxes_included,
        token=_token(event, own_key(key)),
        tie_break=event.tie_break,
        cancelled=event.cancelled,
        test=event.test,
        unpaid=event.unpaid,
        customer_orders=event.customer_orders,
        history=event.history,
        received_at=_utc(event.received_at),
    )


def _token(event: Converted | Surveyed, own: bytes) -> bytes | None:
    """Return the key of the claim token of one order; equal tokens of two orders differ."""
    if event.claim_token_hash is None or not event.consent:
        return None
    return person_key("token", own.hex() + event.claim_token_hash)


def _claimed_keys(event: AnyEvent, token: bytes) -> tuple[bytes, ...]:
    """Return what a claim ties to its token: its anonymous keys and their digest."""
    anonymous = _anonymous_keys(event)
    digest = person_key("claim", b"".join(anonymous).hex())
    return (token, digest, *anonymous) if anonymous else ()


def _anonymous_keys(event: AnyEvent) -> tuple[bytes, ...]:
    return tuple(key for key in person_keys(event) if not is_strong(key))


def person_keys(event: AnyEvent) -> tuple[bytes, ...]:
    """Return the keys of an event in ascending order; none without consent."""
    if not event.consent:
        return ()
    person = event.person
    named: tuple[tuple[KeyKind, str | None], ...] = (
        ("visitor", person.visitor_id),
        ("click", person.click_id),
        ("email", person.email_hash),
    )
    keys = [person_key(kind, value) for kind, value in named if value is not None]
    customer = customer_key(person.customer_id, event.store)
    return tuple(sorted(keys if customer is None else (*keys, customer)))


def _proven_keys(event: AnyEvent) -> tuple[bytes, ...]:
    """Return the visitor and the customer whom a page proved; none without a proof."""
    person = event.person
    is_whole = person.visitor_id is not None and person.customer_id is not None
    if not (event.consent and person.is_proven and is_whole):
        return ()
    # A click id is left out: it is in an address that people share.
    return tuple(key for key in person_keys(event) if not is_click(key))


_AnyTouch = Clicked | Viewed | Referred | Surveyed


def _touch_reading(event: _AnyTouch, _: bytes) -> Reading:
    """Return the reading of a touch event.

    A plain click joins no keys: the touch itself holds its visitor and its click id. An untrusted
    touch has no customer; it ties its visitor and its click id.
    """
    tied: tuple[bytes, ...] = ()
    if not event.consent:
        anon, click, keys = None, None, tied
    elif is_trusted_source(event.source.kind):
        anon, click, keys = _touch_keys(event)
    else:
        anon, click, keys = _anonymous(event.person)
        keys, tied = _proven_keys(event), keys
    kind, link_id, placement_id, code = _leads_to(event)
    moment = _utc(event.occurred_at)
    touch = Touch(
        event.event_id,
        kind,
        moment,
        anon,
        click,
        link_id,
        placement_id,
        code,
        event.quality,
        event.consent,
        source_kind=event.source.kind,
    )
    return Reading(
        event.workspace_id,
        event.event_id,
        _KINDS[type(event)],
        moment,
        fingerprint(event),
        touch,
        keys=keys,
        clicks=_clicks(event.workspace_id, event.person) if keys or tied else (),
        source_kind=event.source.kind,
        tied=tied,
    )


def _anonymous(person: Person) -> tuple[bytes | None, bytes | None, tuple[bytes, ...]]:
    """Return the anonymous key of an untrusted touch, its click key, and the keys it ties."""
    visitor = person_key("visitor", person.visitor_id) if person.visitor_id else None
    click = person_key("click", person.click_id) if person.click_id else None
    tied = (click, visitor) if click is not None and visitor is not None else ()
    return visitor or click, click, tied


def _touch_keys(event: _AnyTouch) -> tuple[bytes | None, bytes | None, tuple[bytes, ...]]:
    """Return the anonymous key of the touch, its click key, and the keys that it joins."""
    person = event.person
    visitor = person_key("visitor", person.visitor_id) if person.visitor_id else None
    click = person_key("click", person.click_id) if person.click_id else None
    anon = visitor or click
    strong: list[bytes] = []
    if person.customer_id is not None or person.email_hash is not None:
        strong = [key for key in person_keys(event) if is_strong(key)]
        anon = anon or person_key("click", f"touch {event.event_id}")
    if not strong and (
        visitor is None or person.click_id is None or _is_minted(event, person.click_id)
    ):
        return anon, click, ()
    together = {key for key in (anon, click, *strong) if key is not None}
    return anon, click, tuple(sorted(together))


def _leads_to(event: _AnyTouch) -> tuple[TouchKind, str | None, str | None, CodeText | None]:
    """Return kind, link, placement and code of a touch; one of the last three is set."""
    kind, names = _TOUCHES[type(event)]
    value: str = getattr(event, names)
    if names == "link_id":
        return kind, value, None, None
    if names == "placement_id":
        return kind, None, value, None
    return kind, None, None, code_text(value)


def _names(event: type[Event]) -> str:
    """Return the field in which a touch event names a link, a placement or a code."""
    (found,) = {"link_id", "placement_id", "code"}.intersection(event.__struct_fields__)
    return found


# For each event type: the kind of touch, and the field that names its link, placement or code.
_TOUCHES: Final[Mapping[type[Event], tuple[TouchKind, str]]] = {
    facts.event: (kind, _names(facts.event))
    for kind, facts in TOUCHES.items()
    if facts.event is not None
}


def _is_minted(event: AnyEvent, click_id: str) -> bool:
    """Return whether the event id is derived from the click id, so the click is found by its id.

    This is always so for events of the redirect (source kind `edge`).
    """
    if event.source.kind == "edge":
        return True
    return event.event_id == click_event_id(event.workspace_id, click_id)


def _conversion_reading(event: AnyConversion, body: bytes) -> Reading:
    key = ConversionKey(CONVERSION_KINDS[type(event)], event.natural_id, event.store)
    return _evidence_reading(event, body, own_key(key), event.click)


def _adjustment_reading(event: OrderAdjusted, body: bytes) -> Reading:
    key = ConversionKey(event.conversion_kind, event.natural_id, event.store)
    return _evidence_reading(event, body, own_key(key))


def _survey_reading(event: Surveyed, body: bytes) -> Reading:
    """Return the reading of an answer: a touch, unless it names an order or no placement."""
    key = _surveyed_key(event)
    if key is None and event.placement_id is not None:
        return _touch_reading(event, body)
    own = own_key(key) if key and event.consent else None
    reading = _evidence_reading(event, body, own)
    return reading if own is None else structs.replace(reading, answer_token=_token(event, own))


def _surveyed_key(event: Surveyed) -> ConversionKey | None:
    named = event.natural_id
    return None if named is None else ConversionKey("purchase", named, event.store)


def _visit_reading(event: Visited, body: bytes) -> Reading:
    return _evidence_reading(event, body, click=event.click)


def _evidence_reading(
    event: AnyEvent, body: bytes, conversion: bytes | None = None, click: ClickRef | None = None
) -> Reading:
    known = person_keys(event)
    keys = known
    if not is_trusted_source(event.source.kind):
        # A claim names no customer of its order, whatever its page proves.
        keys = () if conversion is not None else _proven_keys(event)
    token = None
    tied: tuple[bytes, ...] = ()
    if isinstance(event, Converted) and conversion is not None:
        token = _token(event, conversion)
    if not is_trusted_source(event.source.kind):
        tied = _anonymous_keys(event) if token is None else _claimed_keys(event, token)
    return Reading(
        workspace_id=event.workspace_id,
        event_id=event.event_id,
        kind=_KINDS[type(event)],
        occurred_at=_utc(event.occurred_at),
        fingerprint=fingerprint(event),
        body=body,
        own_key=conversion,
        keys=keys,
        clicks=_clicks(event.workspace_id, event.person) if known else (),
        derived=_derived(event, click) if known and click else None,
        source_kind=event.source.kind,
        tied=tied if len(tied) > 1 else (),
        token=token,
        quality=event.quality,
    )


# A lookup by type: a chain of `isinstance` costs more than decoding the event.
_READERS: Final[Mapping[type[Event], Callable[[Any, bytes], Reading]]] = {
    **dict.fromkeys(_TOUCHES, _touch_reading),
    Surveyed: _survey_reading,
    **dict.fromkeys(CONVERSION_KINDS, _conversion_reading),
    **dict.fromkeys((Engaged, Identified, SocialReported, Erased, Noticed), _evidence_reading),
    OrderAdjusted: _adjustment_reading,
    Visited: _visit_reading,
}
_KINDS: Final[Mapping[type[Any], str]] = {
    kind: str(kind.__struct_config__.tag) for kind in event_kinds()
}


def _clicks(workspace_id: str, person: Person) -> tuple[tuple[bytes, str], ...]:
    if person.click_id is None:
        return ()
    touch_id = click_event_id(workspace_id, person.click_id)
    return ((person_key("click", person.click_id), touch_id),)


def _derived(event: AnyEvent, click: ClickRef) -> Touch | None:
    """Return the touch of a genuine click id, in case the click event itself was lost.

    The redirect signed the click id, so the touch is trusted from every sender.
    """
    if event.person.click_id is None:
        return None
    key = person_key("click", event.person.click_id)
    return Touch(
        touch_id=click_event_id(event.workspace_id, event.person.click_id),
        kind="click",
        occurred_at=_utc(click.occurred_at),
        anon_key=key,
        click_key=key,
        link_id=click.link_id,
        derived=True,
        source_kind="edge",
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
