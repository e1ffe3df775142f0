"""Decision tables, as DMN 1.3 has them (omg.org/spec/DMN, chapters 7.3 and 8).

```
cells      "> 30", '[20..30)', '"a", "b"'     parse_cell(text).holds(value, scope)
table      rows of cells, a hit policy        Table.evaluate(variables) → which rows hit, and the result
axis       the values of one input, as far as its cells tell them apart
analysis   rows that overlap, inputs that no row is for, rows that never hit
```

The analysis asks the cells themselves about one value of each kind that they tell apart, so that it cannot differ from
what happens at run time.
"""

from streams.core.rules.analysis import Analysis, Gap, Overlap, analyse
from streams.core.rules.axis import Axis, AxisType, axis_of
from streams.core.rules.cells import Cell, parse_cell
from streams.core.rules.table import Aggregation, HitPolicy, Outcome, Row, RulesError, Table

__all__ = [
    "Aggregation",
    "Analysis",
    "Axis",
    "AxisType",
    "Cell",
    "Gap",
    "HitPolicy",
    "Outcome",
    "Overlap",
    "Row",
    "RulesError",
    "Table",
    "analyse",
    "axis_of",
    "parse_cell",
]
