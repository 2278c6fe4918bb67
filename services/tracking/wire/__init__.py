"""Shapes of tracking's HTTP requests and answers, and their way to claims."""
