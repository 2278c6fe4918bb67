"""The pages of the dashboard: a real process of it beside real services, over HTTP and in Chromium."""
