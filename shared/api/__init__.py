"""What the HTTP interfaces of all services share: the app, its pages, and its OpenAPI document."""
