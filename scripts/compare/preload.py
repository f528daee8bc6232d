"""All that the process of a cell imports, for the process that cells are forked from."""

import lingym.agents.evaluate
import lingym.scripts.compare.cell_work
import lingym.scripts.compare.texts
import lingym.scripts.training  # noqa: F401
