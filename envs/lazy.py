"""Sequences whose members are made when they are asked for."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

S = TypeVar("S")
T = TypeVar("T")


class Mapped(Sequence[T], Generic[S, T]):
    """What a function makes of the members of a sequence, each made anew when it is asked for.

    Args:
        inner: the sequence.
        make: makes a member of this one of its own.
    """

    def __init__(self, inner: Sequence[S], make: Callable[[S], T]) -> None:
        self.inner, self.make = inner, make

    def __len__(self) -> int:
        """As many as there are in the sequence."""
        return len(self.inner)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: Any) -> Any:
        """One member, or a list of several."""
        if isinstance(place, slice):
            return [self.make(member) for member in self.inner[place]]
        return self.make(self.inner[place])
