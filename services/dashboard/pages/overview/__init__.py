"""The first page of the morning: what creators brought, at every stage, against what they cost."""
