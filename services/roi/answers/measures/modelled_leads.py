"""Measures of what open leads are expected to bring, which the model of lead worth tells.

No statement sums them: `open_leads` makes them of the entries of each open lead and its worth. A
lead without a worth is counted apart, so that a figure with it is missing and never 0. So are leads
of which none was looked at, because they are too many.
"""

from typing import Final

from services.roi.answers.kinds import Fact, Measure, not_read
from services.roi.answers.measures.units_by_kind import LEADS, SIGN_UPS
from services.roi.answers.values import Unit
from shared.credits import UNITS_PER_CONVERSION

# Worth is in millionths of a minor unit, and conversions are counted in millionths.
PARTS: Final = 10**6 * UNITS_PER_CONVERSION
_MADE_OF: Final = (LEADS.id, SIGN_UPS.id)

MODELLED_AT_CONSIDERATION: Final = Measure(
    id="modelled_at_consideration",
    sentence="Open leads and sign-ups times what leads like them brought later.",
    unit=Unit.MONEY,
    fact=Fact.OPEN_LEADS,
    total=not_read,
    per_currency=True,
    parts=PARTS,
    made_of=_MADE_OF,
)
OPEN_LEADS: Final = Measure(
    id="open_leads",
    sentence="Credited leads and sign-ups of the last 90 days of people who have not bought.",
    unit=Unit.CONVERSIONS,
    fact=Fact.OPEN_LEADS,
    total=not_read,
    made_of=_MADE_OF,
)
LEADS_WITHOUT_WORTH: Final = Measure(
    id="leads_without_worth",
    sentence="Sums with an open lead, where too few leads matured to say what it is worth.",
    unit=Unit.COUNT,
    fact=Fact.OPEN_LEADS,
    total=not_read,
    made_of=_MADE_OF,
)
OPEN_LEADS_WITHOUT_COUNT: Final = Measure(
    id="open_leads_without_count",
    sentence="Sums with a lead or sign-up, where there are too many to find those that are open.",
    unit=Unit.COUNT,
    fact=Fact.OPEN_LEADS,
    total=not_read,
    made_of=_MADE_OF,
)
