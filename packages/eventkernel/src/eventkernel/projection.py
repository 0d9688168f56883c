"""A projection, as a service declares it: on this event, this change of the document with this key."""

import copy
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Generic, TypeVar, get_type_hints

from google.protobuf.message import Message
from pydantic import BaseModel

from eventkernel.aggregate import _once, _parameter
from eventkernel.contract import Contract, ContractFault
from eventkernel.documents import seen_key
from eventkernel.messages import Metadata

Document = TypeVar("Document", bound=BaseModel)
Fold = TypeVar("Fold", bound=Callable[..., None])


class Projection(Generic[Document]):
    """One read model: documents of one shape, each made of the events that carry its key.

    Args:
        name: of the read model; the collection is `<name>_v<version>`.
        version: counts up when what is made of the events changes: the next version is built beside this one.
        document: the pydantic model of a document. All its fields but the key have defaults.
        key: the field of document and events that says which document an event belongs to. A document is written whole,
            and remembers each stream that touched it: choose a key with a bounded number of streams.
        indexes: fields of the document that queries ask by.
        key_fields: the fields of events whose values make the key together, with a dot between them, where no single field tells
            documents apart; the key's field has them so joined. No value but the last may have a dot in it: ids have none.
        of_streams: a document is of one stream, whatever its events hold: the key's field has the stream's name.
    """

    def __init__(
        self, name: str, *, version: int, document: type[Document], key: str, indexes: tuple[str, ...] = (),
        key_fields: tuple[str, ...] = (), of_streams: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.version = version
        self.document = document
        self.key = key
        self.indexes = indexes
        self.copy = 0
        self._key_fields = key_fields
        self._of_streams = of_streams
        self.folds: dict[type[Message], Callable[[Document, Any, Metadata], None]] = {}

    @property
    def collection(self) -> str:
        """Where its documents are."""
        return f"{self.model}_c{self.copy}" if self.copy else self.model

    @property
    def model(self) -> str:
        """The read model itself, whichever copy of it this is."""
        return f"{self.name}_v{self.version}"

    def subscription(self, service: str) -> str:
        """The consumer group that feeds it in this service."""
        of_copy = f".c{self.copy}" if self.copy else ""
        return f"{service}.{self.name}.v{self.version}{of_copy}"

    def as_copy(self, number: int) -> "Projection[Document]":
        """The same read model, kept apart under this number; 0 is the one that is there from the start."""
        other = copy.copy(self)
        other.copy = number
        return other

    def on(self, function: Fold) -> Fold:
        """Registers `(document, event, meta) -> None`, which changes the document, under the event's type."""
        self.folds[_once(self.folds, _parameter(function, get_type_hints(function), 1))] = function
        return function

    def on_each(self, events: Iterable[type[Message]], function: Callable[[Document, Any, Metadata], None]) -> None:
        """Registers one function under several types of events."""
        for event in events:
            self.folds[_once(self.folds, event)] = function

    def key_of(self, event: Message, meta: Metadata) -> str:
        """Which document an event belongs to."""
        if self._of_streams:
            return meta.stream
        if self._key_fields:
            return ".".join(str(getattr(event, name)) for name in self._key_fields)
        return str(getattr(event, self.key))

    def new(self, key: str) -> Document:
        """The document before anything happened."""
        return self.document.model_validate({self.key: key})

    def faults(self, contract: Contract) -> list[str]:
        """Events that it can never see, or that lack its key; a document that cannot be made of a key alone."""
        fields, document = self.document.model_fields, self.document.__name__
        return [
            *_unheard(self.name, self.folds, contract),
            *(
                f"{self.name}: {event.DESCRIPTOR.name} has no field {name}"
                for event in self.folds
                for name in self._key_fields or (self.key,)
                if not self._of_streams and name not in event.DESCRIPTOR.fields_by_name
            ),
            *([] if self.key in fields else [f"{self.name}: {document} has no field {self.key}"]),
            *(
                f"{self.name}: {document}.{name} has no default"
                for name, field in fields.items()
                if name != self.key and field.is_required()
            ),
        ]


@lru_cache(maxsize=1 << 14)
def stream_mark(topic: str, stream: str) -> str:
    """Under what a document remembers a stream. The topic is part of it: two services may have streams of one name."""
    return seen_key(f"{topic}/{stream}")


def topics_of(events: "dict[type[Message], Any]", contract: Contract) -> tuple[str, ...]:
    """The topics that these events come on."""
    return tuple(sorted({contract.of(event).topic for event in events}))


def _unheard(name: str, events: "dict[type[Message], Any]", contract: Contract) -> list[str]:
    faults = []
    for event in events:
        try:
            if not contract.of(event).published:
                faults.append(f"{name}: {event.DESCRIPTOR.name} is internal, so it never comes on a topic")
        except ContractFault as fault:
            faults.append(f"{name}: {fault}")
    return faults
