"""The vendors whose webhooks Laurel takes: one folder for each, found by `store/vendors.py`.

A vendor's folder is a package with two functions (see `domain/deliveries.py` for their types):

- `verify(delivery, account) -> bool`: whether the vendor signed these bytes. It tries each secret,
  so that two are valid at once, and compares in constant time.
- `read(delivery, currency) -> claims or Rejected`: what the delivery says. No claim means that
  the topic is not used.

`samples/` in it holds deliveries with their signatures, their secret and the event ids they give.
The contract suite (`tests/contract/test_adapters.py`) runs over every folder.
`payload.py` and `body_signatures.py` are shared by the vendors.
"""
