"""Drawings of figures as SVG text, made from values and their texts. Pure.

Promise: each plotted value is a list item with its label and its text, so it can be read without
seeing. A missing value is a gap and never 0. A drawing has no style and no colour: the stylesheet
gives both by class. Texts keep their size: places across are percentages of the width, places
down are pixels. What fits at `WIDTH_LEAST_PX` fits at every greater width.

The `<svg>` has the class `drawing` and the name of its chart: `line-chart`, `bar-chart`,
`funnel-chart`, `pacing`, `timeline`, `sparkline`. The classes of its parts:

- lists of values: `values`, with `dense` where points are many; `point` (a dot; `alone` where no
  line leads to it), `bar`, `gap` (the place of a missing value), `unreported` (a hatched bar)
- lines and surfaces: `line`, `compared` (dashed), `band` (between the ends of an interval),
  `grid`, `axis` (the line of 0), `track` (the whole length of a bar), `hatch` (lines in a
  bar that nobody reported)
- `series-1` to `series-6`: the colour of a line, dot, bar, band, swatch or label
- shapes of marks: `mark` with `mark-kept`, `mark-rejected`, `mark-conversion`, `mark-adjustment`,
  `mark-expected`, `mark-forecast`, `mark-target`
- texts: none for an axis, `label`, `value` (at the end of its line), `end-label` (names a line),
  `words` (a sentence), `on-mark` (on a coloured surface); `wide` is shown from `WIDTH_WIDE_PX` on
"""
