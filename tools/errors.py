"""What a tool may raise.

```
ToolError           the model reads the message; it says what is wrong and what to do
└── ToolTimeout     the call ran out of time; partial output belongs in the message
```
Anything else that escapes a handler is a defect: the node reports it to the model as such
and the turn goes on.
"""

from __future__ import annotations


class ToolError(Exception):
    """A failure the model can act on."""


class ToolTimeout(ToolError):
    """The call was stopped because it ran out of time."""
