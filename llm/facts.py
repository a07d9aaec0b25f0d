"""What is known of a model before it is called: window, longest answer, tools, prices."""

from __future__ import annotations

from dataclasses import dataclass, field

from langchain_core.messages.ai import UsageMetadata

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars a million tokens."""

    input: float
    output: float
    cache_read: float | None = None
    """None: as `input`."""
    cache_write: float | None = None
    """None: as `input`."""
    above: tuple[tuple[int, Price], ...] = field(default=())
    """Other prices of the whole call, each from more input tokens than its number on; ascending."""

    def of(self, usage: UsageMetadata | None) -> float | None:
        """What a call cost; None if its usage was not reported, and it was not free."""
        if usage is None:
            return 0.0 if self == FREE else None
        details = usage.get("input_token_details", {})
        read, written = details.get("cache_read") or 0, details.get("cache_creation") or 0
        tier = self._tier(usage["input_tokens"])
        fresh = max(0, usage["input_tokens"] - read - written)
        dollars = (
            fresh * tier.input
            + read * (tier.input if tier.cache_read is None else tier.cache_read)
            + written * (tier.input if tier.cache_write is None else tier.cache_write)
            + usage["output_tokens"] * tier.output
        )
        return dollars / _MILLION

    def most(self, input_tokens: int, output_tokens: int) -> float:
        """The most that a call of this size can cost: all of it written to the cache."""
        tier = self._tier(input_tokens)
        dearest = max(tier.input, tier.cache_write or 0.0, tier.cache_read or 0.0)
        return (input_tokens * dearest + output_tokens * tier.output) / _MILLION

    def affordable(self, dollars: float, input_tokens: int) -> int | None:
        """Output tokens that `dollars` surely buy after the input; None: any number, it is free."""
        output, cost = self._tier(input_tokens).output, self.most(input_tokens, 0)
        left = dollars - cost
        if output <= 0:
            # What is free is also free where nothing is left.
            return None if left >= 0 or cost <= 0 else 0
        return max(0, int(left * _MILLION / output))

    def _tier(self, input_tokens: int) -> Price:
        tiers = [price for least, price in self.above if input_tokens > least]
        return tiers[-1] if tiers else self


def size_of(value: object) -> int | None:
    """A number of tokens as others give it; None for what is none."""
    return value if type(value) is int and value > 0 else None


FREE = Price(input=0.0, output=0.0)
"""A model on the user's own machine: nobody bills its tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """None: not known. A source knows some, another the rest (`or_else`)."""

    window: int | None = None
    """Tokens of input it takes."""
    max_output: int | None = None
    """Tokens an answer may have."""
    tools: bool | None = None
    """Whether it can call tools."""
    price: Price | None = None

    def or_else(self, other: Facts) -> Facts:
        """These facts, `other`'s where these are not known."""
        return Facts(
            window=self.window or other.window,
            max_output=self.max_output or other.max_output,
            tools=other.tools if self.tools is None else self.tools,
            price=self.price or other.price,
        )
