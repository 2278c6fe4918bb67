"""The contract of a vendor's adapter, for every folder of `services/tracking/adapters`.

The samples of a vendor are deliveries with their signatures. Their event ids must never change:
another id counts a stored order again.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

import services.tracking.adapters
from services.tracking.domain.claimed_events import adjustment, conversion, notice
from services.tracking.domain.claims import (
    AdjustmentClaim,
    Caller,
    ConversionClaim,
    Lookups,
    NoticeClaim,
    Rejected,
)
from services.tracking.domain.deliveries import Account, Adapter, Claims, Delivery
from services.tracking.store.vendors import check_name, find_adapters
from shared.code_texts import CodeText, code_text
from shared.errors import ConfigurationError
from shared.events import AnyEvent, Quality, Source, decode_event, encode_event
from shared.ids import ClickIdContents, new_id

HOME: Final = Path(services.tracking.adapters.__file__).parent
ADAPTERS: Final = find_adapters()
WORKSPACE: Final = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c"


class Sample(NamedTuple):
    """One delivery of a vendor's samples, and the events that it gives."""

    adapter: Adapter
    name: str
    secret: bytes
    delivery: Delivery
    currency: str | None
    event_ids: tuple[str, ...]


def samples() -> list[Sample]:
    found = []
    for name, adapter in ADAPTERS.items():
        folder = HOME / name / "samples"
        for row in json.loads((folder / "deliveries.json").read_text()):
            headers = [(key.encode(), value.encode()) for key, value in row["headers"].items()]
            body = (folder / row["body"]).read_bytes()
            delivery = Delivery(headers, body, datetime.fromisoformat(row["received_at"]))
            event_ids = tuple(row["event_ids"])
            label = f"{name}/{row['body']}"
            secret = row["secret"].encode()
            found.append(Sample(adapter, label, secret, delivery, row["currency"], event_ids))
    return found


SAMPLES: Final = samples()
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])


class Nothing(Lookups):
    """A workspace without links, whose every e-mail has one hash."""

    @override
    def email_hash(self, workspace_id: str, email: str) -> str:
        return "hash"

    @override
    def text_hash(self, workspace_id: str, text: str) -> str:
        return f"keyed hash of {text!r}".encode().hex()[:64]

    @override
    def is_code(self, workspace_id: str, code: CodeText) -> bool:
        return code == code_text("MIA10")

    @override
    def claim_token_hash(self, workspace_id: str, token: str) -> str:
        return f"keyed hash of {len(token)}"

    @override
    def proves(self, workspace_id: str, customer_id: str, proof: str) -> bool:
        return False

    @override
    def click(self, click_id: str) -> ClickIdContents | None:
        return None

    @override
    def link_workspace(self, link_id: str) -> str | None:
        return None

    @override
    def link_id(self, workspace_id: str, code: str) -> str | None:
        return None

    @override
    def named_placement(self, workspace_id: str, words: str) -> str | None:
        return None

    @override
    def sealed(self, workspace_id: str, text: str) -> str:
        return f"sealed {len(text)}"

    @override
    def store(self, workspace_id: str, named: str) -> str | None:
        return {"main": "main"}.get(named)

    @override
    def has_several_stores(self, workspace_id: str) -> bool:
        return False

    @override
    def agent_flags(self, user_agent: str) -> tuple[Quality, ...]:
        return ()


def events(adapter: Adapter, claims: Claims, now: datetime) -> list[AnyEvent]:
    caller = Caller(WORKSPACE, Source("webhook", new_id()), adapter.name, now, new_id())
    return [event_of(claim, caller) for claim in claims]


def event_of(claim: ConversionClaim | AdjustmentClaim | NoticeClaim, caller: Caller) -> AnyEvent:
    match claim:
        case ConversionClaim():
            return conversion(claim, caller, Nothing())
        case AdjustmentClaim():
            return adjustment(claim, caller, Nothing())
        case NoticeClaim():
            return notice(claim, caller, Nothing())


def test_every_vendor_has_samples_that_give_events() -> None:
    assert "shopify" in ADAPTERS
    assert {sample.adapter.name for sample in SAMPLES if sample.event_ids} == set(ADAPTERS)


@each_sample
def test_the_event_ids_of_a_sample_never_change(sample: Sample) -> None:
    """The time and the number of deliveries make no difference."""
    for wait in (timedelta(0), timedelta(days=400)):
        delivery = replace(sample.delivery, received_at=sample.delivery.received_at + wait)
        claims = sample.adapter.read(delivery, sample.currency)
        assert not isinstance(claims, Rejected)
        found = events(sample.adapter, claims, delivery.received_at)
        assert tuple(event.event_id for event in found) == sample.event_ids


@each_sample
def test_two_secrets_are_valid_at_once_and_no_other(sample: Sample) -> None:
    def is_taken(*secrets: bytes) -> bool:
        return sample.adapter.verify(sample.delivery, Account(secrets))

    assert is_taken(sample.secret)
    assert is_taken(sample.secret, b"the one before")
    assert is_taken(b"the one after", sample.secret)
    assert not is_taken(b"another", b"and another")
    assert not is_taken(b"")
    assert not is_taken()


@each_sample
def test_every_byte_of_the_body_is_signed(sample: Sample) -> None:
    body = sample.delivery.body
    changed = [body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :] for at in range(len(body))]
    account = Account((sample.secret,))
    for other in (*changed, body + b" ", body[:-1], b""):
        assert not sample.adapter.verify(replace(sample.delivery, body=other), account)


@each_sample
def test_without_its_headers_or_with_two_of_each_nothing_is_signed(sample: Sample) -> None:
    account, headers = Account((sample.secret,)), list(sample.delivery.headers)
    for other in ([], [*headers, *headers], [(name, b"\xff\x00x") for name, _ in headers]):
        assert not sample.adapter.verify(replace(sample.delivery, headers=other), account)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["2026-03-01T12:00:00Z", "9999-12-31T23:59:59-23:59", "1e40", "\x00", "x" * 300]
    )
    | st.sampled_from(["12.50", "EUR", "JPY", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.data())
def test_no_signed_payload_is_a_failure_and_what_it_gives_can_be_read_again(
    data: st.DataObject,
) -> None:
    """Fields of a sample are removed, exchanged and replaced by random values."""
    sample = data.draw(st.sampled_from(SAMPLES), label="sample")
    payload = json.loads(sample.delivery.body)
    for field in data.draw(st.lists(st.sampled_from(sorted(payload)), max_size=4), label="fields"):
        payload[field] = data.draw(_json, label=field)
    body = json.dumps(payload).encode()
    check_reading(sample.adapter, replace(sample.delivery, body=body), sample.currency)


@given(st.sampled_from(SAMPLES), st.binary(max_size=64), _json)
def test_no_body_and_no_header_is_a_failure(sample: Sample, noise: bytes, value: Any) -> None:
    bodies = [noise, json.dumps(value).encode(), b"[" * 5_000, b'{"id":' + b"9" * 5_000 + b"}"]
    account = Account((sample.secret, b"another"), "shop.example")
    for body in bodies:
        for headers in (
            sample.delivery.headers,
            [(name, noise) for name, _ in sample.delivery.headers],
        ):
            delivery = replace(sample.delivery, body=body, headers=headers)
            check_reading(sample.adapter, delivery, None)
            assert not sample.adapter.verify(delivery, account)


def check_reading(adapter: Adapter, delivery: Delivery, currency: str | None) -> None:
    claims = adapter.read(delivery, currency)
    if isinstance(claims, Rejected):
        assert claims.flaws
        assert all(flaw.field and flaw.message for flaw in claims.flaws)
        return
    known = ConversionClaim | AdjustmentClaim | NoticeClaim
    assert all(isinstance(claim, known) for claim in claims)
    for event in events(adapter, claims, datetime(2026, 3, 4, tzinfo=UTC)):
        assert decode_event(encode_event(event)).event_id == event.event_id


@pytest.mark.parametrize("name", ["secret", "public", "edge", "webhook", "Acme", "a-b", "", "1a"])
def test_a_folder_of_another_source_or_of_a_strange_name_is_no_vendor(name: str) -> None:
    """A vendor called `secret` would write the event ids of orders sent by key."""
    with pytest.raises(ConfigurationError):
        check_name(name)
