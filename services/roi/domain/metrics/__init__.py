"""The metric dictionary: every figure of an answer is one entry of `dictionary.DICTIONARY`, data plus a pure formula."""
