"""Why a candidate was rejected: each reason with its words for people. Pure.

A new reason is one entry here. API, explanations and the command line take its words from it.
Promise: a reason has three texts. `plain` says in a few words what was the matter. `failed` says
which test the candidate failed, `remedy` what would have made it count. Values in braces are filled
in by `failed_tests.py` and `remedies.py`.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a candidate was rejected: the closed list."""

    plain: str
    failed: str
    remedy: str

    def __new__(cls, word: str, plain: str, failed: str, remedy: str) -> "Reason":
        reason = str.__new__(cls, word)
        reason._value_ = word
        reason.plain, reason.failed, reason.remedy = plain, failed, remedy
        return reason

    OUTSIDE_WINDOW = (
        "outside_window",
        "too long before the order to count",
        "it was {apart} before the conversion, and {window}",
        "it would count if the policy's window of this kind ({kind}) were {days} days or longer",
    )
    BOT = (
        "bot",
        "a crawler, not a person",
        "the browser that opened the link named itself a crawler or a previewer",
        "it would count if a person's browser had opened the link",
    )
    PREFETCH = (
        "prefetch",
        "a preview or prefetch, which perhaps no person saw",
        "a browser fetched the link ahead, and perhaps no person saw it",
        "it would count if the person, too, had opened the link",
    )
    AFTER_CONVERSION = (
        "after_conversion",
        "came after the order",
        "it was {apart} after the conversion",
        "it would count if it had happened before the conversion",
    )
    SUPERSEDED_BY_CODE = (
        "superseded_by_code",
        "another creator's code was typed at the checkout, and codes win here",
        "the order has another creator's code, which the policy prefers",
        "it would count if the policy's precedence were `link_wins` or `both_share`,"
        " or if no other creator's code were on the order",
    )
    SUPERSEDED_BY_LINK = (
        "superseded_by_link",
        "another creator's link was clicked, and links win here",
        "another creator's link was clicked, which the policy prefers",
        "it would count if the policy's precedence were `code_wins` or `both_share`,"
        " or if no other creator's link had been clicked",
    )
    CODE_NOT_OWNED_THEN = (
        "code_not_owned_then",
        "the code had no owner at that time",
        "nobody owned the code {code} at that time",
        "it would count if a creator had owned the code at that time",
    )
    LINK_NOT_OWNED_THEN = (
        "link_not_owned_then",
        "the link had no owner at that time",
        "nobody owned the link at that time",
        "it would count if a creator had owned the link at that time",
    )
    SELF_REFERRAL = (
        "self_referral",
        "the buyer's own referral",
        "the buyer is the person who referred",
        "it would count if another person had referred the buyer",
    )
    NO_CONSENT = (
        "no_consent",
        "the person did not agree to be recognised",
        "the person had not agreed to be recognised",
        "it would count if the person had agreed to be recognised",
    )
    JOURNEY_TOO_LONG = (
        "journey_too_long",
        "too many touches came after it, and only the newest of a journey decide",
        "at most the newest {touches_max:,} touches decide, and it is older than those",
        "it would count if it were among the newest {touches_max:,} touches",
    )
    REPEAT_CLICK = (
        "repeat_click",
        "the same link was clicked again within seconds, which is one click",
        "the person clicked this link at most {within_seconds} seconds before, too",
        "it would count if it had come more than"
        " {within_seconds} seconds after the click before it",
    )
    SURVEY_OFF = (
        "survey_off",
        "survey answers do not count here",
        "the policy's `survey` is `off`",
        "it would count if the policy's `survey` were `fallback` or `touch`",
    )
    SURVEY_IS_FALLBACK = (
        "survey_is_fallback",
        "other evidence counts, and survey answers only without any",
        "the policy's `survey` is `fallback`, and other evidence counts",
        "it would count if the policy's `survey` were `touch`, or if no other touch counted",
    )
    NAMES_NOBODY = (
        "names_nobody",
        "the answer names no creator",
        "it names no creator and no placement that is known",
        "it would count if it named a creator or a placement",
    )
