"""The HTTP interface that all services share: the app, its pages and its OpenAPI document."""
