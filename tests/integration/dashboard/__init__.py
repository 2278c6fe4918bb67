"""Tests of the dashboard: real templates and scripts in a real browser."""
