"""The three kinds of registry entry: measure, dimension, metric, and its interval. Pure.

A measure says what is summed and from which rows. A dimension says how a row gets its value. A
metric is a pure formula over measures. Each entry has its own file under `measures/`, `dimensions/`
or `metrics/`, where the registry finds it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from services.roi.answers.values import Unit, Value
from shared.events import Stage

# Why a metric has no interval, where its file gives no reason of its own.
AS_COUNTED: Final = "the figure is taken as it was counted and booked"
# The label of a row for values without a value of the dimension.
UNALLOCATED: Final = "unallocated"


class Fact(StrEnum):
    """What can be summed: one stream of facts, stored in one or more tables."""

    CREDITS = "credits"  # ledger entries: model, account, stage, conversion kind, currency
    TOUCHES = "touches"  # counts of touches: account, stage, touch kind
    COUNTS = "counts"  # changes of social counts: account, metric
    COSTS = "costs"  # costs of a placement, creator or campaign, or of none: overhead
    VALUES = "values"  # what other sums are deemed worth: made of their cells, in no table
    FOLLOWERS = "followers"  # of the accounts that published what was counted, in no table
    OPEN_LEADS = "entries of open leads"  # times the measured worth of leads

    @property
    def kind_column(self) -> str:
        """The column that says what a row of touches or counts counts."""
        return {"touches": "touch_kind", "counts": "metric"}[self.value]


class Grain(StrEnum):
    """The time resolution of a table, from the cheapest to the most expensive to read."""

    MONTHS = "months"
    DAYS = "days"
    ENTRIES = "entries"


class Entity(StrEnum):
    """An object of the catalog that a credited account leads to."""

    PLACEMENT = "placement"
    CREATOR = "creator"
    CAMPAIGN = "campaign"


class Layer(StrEnum):
    """How a return is known. Layers are never added without saying so."""

    BOOKED = "booked"  # contribution of the ledger
    MODELLED = "modelled"  # expected from what was measured before
    ASSUMED = "assumed"  # volumes times the value rates that the brand set


class Headline(StrEnum):
    """A figure over many rows: every cell belongs to exactly one."""

    PROGRAM = "program"  # what creators earned, and what creators and campaigns cost
    BRAND = "brand"  # the brand's own content
    ORGANIC = "organic"  # what no placement is credited with
    OVERHEAD = "overhead"  # costs of the workspace, of no creator, campaign or placement


@dataclass(frozen=True, slots=True)
class Only:
    """A measure counts only the rows whose `column` holds one of `values`."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A sum that metrics are made of.

    `total`: takes the columns of the fact's rows and gives a SQLAlchemy aggregate over them. For
    costs it gives the amount of one cost, because each cost is spread by itself. `grains`: the
    tables that have all that `total` needs. `additive`: rows + organic = totals, exactly; where it
    is not, a sum has each placement once, and headline figures are summed by themselves. `power`: 2
    where a sum of money is in square units. `per_currency`: one sum for each currency.
    `weighted_by_margin`: the rows have a column `margin_millionths`, that of the day's policy; rows
    of different margins are summed apart. `parts`: the sum is counted in this many parts of one
    `unit`; rows are rounded to whole units by largest remainder. `converted_with`: the measure that
    this one is made of. Where a rate is missing for one of the two, both are missing. `rank`: rows
    are sorted by the measures with a rank, rank 1 first, the greatest value first. `part_of`: the
    measure that this one and others divide; in headline figures their rounded sums add up to its
    rounded sum. `warned_by`: a measure that is read with this one, because a warning is made of it.
    `made_of`: the measures that this one is made of, which are read with it.
    """

    id: str
    sentence: str
    unit: Unit
    fact: Fact
    total: Callable[[Any], Any]
    power: int = 1
    grains: frozenset[Grain] = frozenset(Grain)
    additive: bool = True
    per_currency: bool = False
    only: Only | None = None
    weighted_by_margin: bool = False
    parts: int = 1
    converted_with: str | None = None
    rank: int | None = None
    part_of: str | None = None
    warned_by: str | None = None
    made_of: tuple[str, ...] = ()


def not_read(_row: Any) -> Any:
    """Stand for `total` of a measure that no statement reads, because it is made of others."""
    raise LookupError("this measure is made of others")


def text_itself(text: str | None) -> str | None:
    """Return the stored text unchanged."""
    return text


@dataclass(frozen=True, slots=True)
class FromCatalog:
    """The value is a fact of the placement, or of the creator or campaign behind it.

    `fact` names the stored fact; without it the value is the entity's id, and its name is the
    label. `read` makes the value from the stored fact as text (a list or object is JSON text); None
    is none. `is_list`: the stored fact is a list of words, and the value is each of them.
    """

    entity: Entity
    fact: str | None = None
    read: Callable[[str | None], str | None] = text_itself
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class FromRow:
    """The value is a column of the fact's row. A fact without that column has no value.

    `names`: the kind of catalog object whose id the value may be; today's name is then its label.
    `read` makes the value from the column as text.
    """

    column: str
    names: str | None = None
    read: Callable[[str | None], str | None] = text_itself


@dataclass(frozen=True, slots=True)
class FromTime:
    """The value is a stretch of the workspace's local days.

    `first_day` gives the first day of the stretch that a day lies in, `word` the stretch's value.
    `recurring_days`: the days of the shortest stretch, where later stretches have the same values
    again, as weekdays do; 0 where they have not.
    """

    first_day: Callable[[date], date]
    word: Callable[[date], str]
    recurring_days: int = 0


@dataclass(frozen=True, slots=True)
class FromHeadline:
    """The value is the headline figure that the sum belongs to. Overhead has no value."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """What rows can be grouped by.

    `empty`: the label of a row whose placement has no value. `order`: a sort key for values that
    have a natural order; without it rows are sorted by what they earned. `words`: the closed list
    of values, or those besides ids; `pattern`: what values look like that have a form. Both say
    what a filter may name.
    """

    id: str
    label: str
    source: FromCatalog | FromRow | FromTime | FromHeadline
    empty: str = UNALLOCATED
    order: Callable[[str], Any] | None = None
    words: tuple[str, ...] = ()
    pattern: str | None = None

    @property
    def overlapping(self) -> bool:
        """Return whether one sum may belong to several rows, so that rows have no total."""
        return isinstance(self.source, FromCatalog) and self.source.is_list


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example of a metric: sums of its measures, and the value that follows by hand.

    Money is in minor units of a currency with two decimals, conversions of `sums` in millionths.
    """

    sums: Mapping[str, int]
    value: int | Fraction


@dataclass(frozen=True, slots=True)
class Interval:
    """The 90 % interval of a metric.

    `inputs`: ids of measures, first that which chance moves, an input of the metric. `ends` takes
    their values in this order and returns the lower and the upper end of the first one; None where
    they cannot be told. The metric's formula makes the ends of the figure of them. `assumption` and
    `source` stand in the dictionary. `orders`: the measure that counts kept orders, of which there
    must be enough for the normal approximation; None: it needs none. `more_is_better`: rows may be
    ranked by the lower end.
    """

    id: str
    inputs: tuple[str, ...]
    ends: Callable[..., tuple[int, int] | None]
    assumption: str
    source: str
    orders: str | None = None
    more_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of an answer: data plus a pure formula.

    `inputs`: ids of measures; `compute` takes their values in this order, None where one is
    missing. `per_currency`: one value for each currency. `additive`: rows + organic = totals,
    exactly. `may_be_missing`: an additive figure that is null where nobody knows it, and counts as
    nothing in the sums. A changed formula is a new version; another meaning of the same word is a
    new id. `example` has a sum for each input; a test computes it, and `docs/metrics.md` shows it.
    `stage`: the stage of the customer journey that it tells about, for the funnel: a count is a
    volume of the stage, money is what one unit of it costs. `layer`: it is what came back at its
    stage in this layer; of a layer without a stage, at all stages together. `leads_stage`: rates
    from stage to stage are taken of the volumes with the smallest number that are known.
    `by_default`: whether `GET /v1/roi` answers with it when no metrics are named. `interval`: how
    far chance may have moved it; None: it has none, and `no_interval` says why.
    """

    id: str
    version: int
    name: str
    formula: str
    inputs: tuple[str, ...]
    basis: str
    unit: Unit
    per_currency: bool
    additive: bool
    empty_value: str
    source: str
    compute: Callable[..., Value]
    example: Example
    stage: Stage | None = None
    layer: Layer | None = None
    leads_stage: int | None = None
    by_default: bool = True
    may_be_missing: bool = False
    interval: Interval | None = None
    no_interval: str = AS_COUNTED
