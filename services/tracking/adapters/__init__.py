"""The vendors whose webhooks Laurel accepts: one folder each, found by `store/vendors.py`.

A vendor's folder is a package with two functions (see `domain/deliveries.py` for their types):

- `verify(delivery, account) -> bool`: whether the vendor signed these bytes. It tries each secret,
  so that two can be valid at once, and compares in constant time.
- `read(delivery, currency) -> claims or Rejected`: the claims in the delivery. A topic that is not
  used gives a `NoticeClaim`, so that nothing accepted is nowhere.

Its `samples/` has deliveries with their signatures, their secret and the event ids that they give.
The contract suite (`tests/contract/test_adapters.py`) runs over every folder.
`payload.py` and `body_signatures.py` are shared by the vendors.
"""
