"""Fuzz tests of running services, generated from their OpenAPI documents."""
