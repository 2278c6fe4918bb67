"""The ROI answer: registries of measures, dimensions and metrics; from a question to its JSON.

The flow: `question` (parse) → `context` (workspace and moment) → `plan` (choose sources) → `sql`
and `reading` (sums from Postgres) → `assemble` (rows, headline figures, totals) → `answer_shapes`
(JSON).
"""
