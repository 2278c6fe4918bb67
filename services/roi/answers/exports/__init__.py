"""Exports of roi: answers as lines of CSV, and the raw rows that answers are made of."""
