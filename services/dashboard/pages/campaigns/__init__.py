"""Campaigns: what each brought, its goals, its budget against what is spent; the form for one."""
