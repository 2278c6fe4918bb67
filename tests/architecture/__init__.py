"""The style and structure of the project as tests."""
