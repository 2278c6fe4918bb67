"""The request and answer bodies of tracking, and the JSON of a click."""
