"""The HTTP forms of a policy, made from the fields of its catalog record.

Promise: a new field of `shared.catalog.Policy` appears in the body, the answer, the stored facts
and the OpenAPI document without a change here, when its type is int, bool, str, an enum or a type
with a form in `_FORMS`.
What can go wrong: `TypeError` at start for a field of another type, which needs a form.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec
from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema, create_model

from services.roi.domain.entity import EntityFacts
from services.roi.wire.fields import Named, Stored, wrong_part
from services.roi.wire.models import ModelChoices
from shared import catalog, events
from shared.api.shapes import WITHOUT_SOURCE, Moment, StrictModel
from shared.catalog import CatalogRecord, Policy
from shared.credits import STAGES, WINDOWS_DAYS
from shared.events import Stage

MILLIONTHS: Final = 1_000_000
_SENT: Final = "A policy as sent: binds conversions that occur from `valid_from` on (null: always)."
_ANSWERED: Final = (
    "A policy as answered. `margin` has at most six decimals; null: profit is on revenue."
)
_SHARE_SUFFIX: Final = "_millionths"
_DECIMAL: Final = re.compile(r"[0-9](\.[0-9]{1,6})?", re.ASCII)
_PLAIN: Final = (int, bool, str)


def _parse_share(value: object) -> Decimal:
    """Return a share from 0 to 1, sent as a decimal string or a JSON number.

    The shortest decimal text of a double is the number that its sender typed.
    """
    sentence = 'send a share from 0 to 1 with at most 6 decimals, such as "0.4"'
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(sentence)
    try:
        share = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(sentence) from None
    if not _DECIMAL.fullmatch(f"{share:f}") or share > 1:
        raise ValueError(sentence)
    return share


def _parse_stages(value: object) -> dict[str, str]:
    """Return a stage map; an error names an unknown kind or stage as `stages.<kind>`."""
    if not isinstance(value, dict):
        raise ValueError("send an object of kinds and stages")
    for kind, stage in value.items():
        if kind not in STAGES:
            raise wrong_part(str(kind), f"is not a kind: use {', '.join(STAGES)}")
        if stage not in get_args(Stage):
            raise wrong_part(kind, f"is not a stage: use {', '.join(get_args(Stage))}")
    return value


def _parse_kpis(value: object) -> dict[str, list[str]]:
    """Return a KPI map; an error names an unknown stage or a wrong list as `kpis.<stage>`.

    Which metrics a funnel can show is known to the room above.
    """
    if not isinstance(value, dict):
        raise ValueError("send an object of stages and lists of metrics")
    for stage, metrics in value.items():
        if stage not in get_args(Stage):
            raise wrong_part(str(stage), f"is not a stage: use {', '.join(get_args(Stage))}")
        if not isinstance(metrics, list) or not all(isinstance(one, str) for one in metrics):
            raise wrong_part(stage, "send a list of metric ids")
        if len(metrics) > catalog.KPIS_MAX:
            raise wrong_part(stage, f"has more than {catalog.KPIS_MAX} metrics")
        if len(set(metrics)) != len(metrics):
            raise wrong_part(stage, "names one metric twice")
    return value


_Days = Annotated[int, Field(strict=True, ge=0, le=catalog.WINDOW_DAYS_MAX)]
_windows: Final[dict[str, Any]] = {
    kind: (_Days, Field(days, description=f"How many days a touch of the kind {kind} counts."))
    for kind, days in WINDOWS_DAYS.items()
}
WindowsDays: Final = create_model(
    "WindowsDays",
    __base__=StrictModel,
    __cls_kwargs__=WITHOUT_SOURCE,
    __doc__="Look-back per touch kind in days; 0 means that kind never counts.",
    **_windows,
)
_STAGES_SCHEMA: Final = {
    "type": "object",
    "propertyNames": {"enum": list(STAGES)},
    "additionalProperties": {"type": "string", "enum": list(get_args(Stage))},
}
_KPIS_SCHEMA: Final = {
    "type": "object",
    "propertyNames": {"enum": list(get_args(Stage))},
    "additionalProperties": {
        "type": "array",
        "items": {"type": "string"},
        "maxItems": catalog.KPIS_MAX,
        "uniqueItems": True,
    },
}


@dataclass(frozen=True, slots=True)
class Form:
    """The HTTP form of a record's type: its types in bodies and answers, and the conversions.

    `stored` turns the value of a body, as JSON, into the fact; `shown` turns the fact back.
    """

    body: Any
    answer: Any
    stored: Callable[[Any], Any] = lambda value: value
    shown: Callable[[Any], Any] = lambda value: value


_SHARE: Final = Form(
    body=Annotated[
        Decimal,
        BeforeValidator(_parse_share),
        WithJsonSchema(
            {"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0, "maximum": 1}]}
        ),
    ],
    answer=float,
    stored=lambda text: int(Decimal(text) * MILLIONTHS),
    shown=lambda millionths: float(Fraction(millionths, MILLIONTHS)),
)
_STAGE_MAP: Final = Annotated[
    dict[str, str], PlainValidator(_parse_stages), WithJsonSchema(_STAGES_SCHEMA)
]
_KPI_MAP: Final = Annotated[
    dict[str, list[str]], PlainValidator(_parse_kpis), WithJsonSchema(_KPIS_SCHEMA)
]
_FORMS: Final[Mapping[Any, Form]] = {
    catalog.ShareMillionths: _SHARE,
    catalog.WindowsDays: Form(WindowsDays, WindowsDays),
    catalog.ModelRefs: Form(ModelChoices, ModelChoices),
    catalog.StageMap: Form(_STAGE_MAP, _STAGE_MAP),
    catalog.KpiMap: Form(_KPI_MAP, _KPI_MAP),
    events.Moment: Form(Moment, datetime),
}


@dataclass(frozen=True, slots=True)
class PolicyField:
    """One field: its name in the record and over HTTP, its form, and its default as a fact."""

    name: str
    http_name: str
    form: Form
    description: str | None
    default: Any


@dataclass(frozen=True, slots=True)
class PolicyShapes:
    """Body and answer of policies, and the conversions between bodies and stored facts."""

    fields: tuple[PolicyField, ...]
    body: type[Named]
    answer: type[Stored]

    def facts(self, body: Named) -> dict[str, Any]:
        """Return the facts of a body, without `valid_from`, which belongs to the version."""
        sent = body.model_dump(mode="json")
        return {
            field.name: field.form.stored(sent[field.http_name])
            for field in self.fields
            if field.name != "valid_from"
        }

    def shown(self, facts: EntityFacts) -> dict[str, Any]:
        """Return the facts by body names; a field that the stored facts lack has its default."""
        return {
            field.http_name: field.form.shown(facts.get(field.name, field.default))
            for field in self.fields
            if field.name != "valid_from"
        }


def policy_shapes(record: type[Policy] = Policy) -> PolicyShapes:
    """Return the shapes made from the record's own fields, in their order."""
    hints = get_type_hints(record, include_extras=True)
    common = {field.name for field in msgspec.structs.fields(CatalogRecord)}
    fields = tuple(
        _field(field, hints[field.name])
        for field in msgspec.structs.fields(record)
        if field.name not in common
    )
    bodies: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    for field in fields:
        default = Field(
            field.form.shown(field.default), validate_default=True, description=field.description
        )
        bodies[field.http_name] = (field.form.body, default)
        answers[field.http_name] = (field.form.answer, Field(description=field.description))
    return PolicyShapes(
        fields,
        create_model(
            "PolicyBody", __base__=Named, __doc__=_SENT, __cls_kwargs__=WITHOUT_SOURCE, **bodies
        ),
        create_model(
            "PolicyAnswer",
            __base__=Stored,
            __doc__=_ANSWERED,
            __cls_kwargs__=WITHOUT_SOURCE,
            **answers,
        ),
    )


def _field(field: msgspec.structs.FieldInfo, hint: Any) -> PolicyField:
    is_made = field.default_factory is not msgspec.NODEFAULT
    value = field.default_factory() if is_made else field.default
    return PolicyField(
        name=field.name,
        http_name=field.name.removesuffix(_SHARE_SUFFIX),
        form=_form(hint),
        description=_description(hint),
        default=msgspec.json.decode(msgspec.json.encode(value)),
    )


def _form(hint: Any) -> Form:
    """Return the form of a type; raise `TypeError` for a type without one."""
    if hint in _FORMS:
        return _FORMS[hint]
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (_form(part) for part in get_args(hint) if part is not NoneType)
        return _optional(inner)
    base, bounds = hint, {}
    if get_origin(hint) is Annotated:
        base = get_args(hint)[0]
        if get_origin(base) in (Union, UnionType):
            return _form(base)
        meta = get_args(hint)[1]
        named = ("ge", "le", "gt", "lt", "min_length", "max_length", "pattern")
        bounds = {name: value for name in named if (value := getattr(meta, name)) is not None}
    is_enum = isinstance(base, type) and issubclass(base, str)
    if base not in _PLAIN and not is_enum:
        raise TypeError(f"a policy field of type {hint} needs a form in {__name__}")
    if base in (int, bool):
        return Form(Annotated[base, Field(strict=True, **bounds)], base)
    return Form(Annotated[base, Field(**bounds)], base)


def _optional(inner: Form) -> Form:
    """Return the form of a type that may also be null."""
    return Form(
        inner.body | None,
        inner.answer | None,
        lambda value: None if value is None else inner.stored(value),
        lambda value: None if value is None else inner.shown(value),
    )


def _description(hint: Any) -> str | None:
    if get_origin(hint) in (Union, UnionType):
        return next(filter(None, map(_description, get_args(hint))), None)
    parts = get_args(hint) if get_origin(hint) is Annotated else ()
    return next((part.description for part in parts if isinstance(part, msgspec.Meta)), None)


SHAPES: Final = policy_shapes()
