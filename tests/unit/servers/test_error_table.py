from collections.abc import Iterator

import grpc
import pytest

from cratehand.domain.errors import (
    ConflictError,
    CorruptFileError,
    CratehandError,
    InternalError,
    NotFoundError,
    UnavailableError,
)
from cratehand.servers.grpc.errors import STATUS_OF, abort, status_of
from cratehand.servers.told_errors import as_told
from cratehand_api.v1 import errors_pb2


def tree(root: type[CratehandError] = CratehandError) -> Iterator[type[CratehandError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == CratehandError.__module__:  # others never reach a server
            yield from tree(child)


class AbortedError(Exception):
    pass


class Context:
    """Stands in for a call: keeps how it was ended."""

    async def abort(self, status, message, metadata):
        self.status, self.message, self.metadata = status, message, dict(metadata)
        raise AbortedError


async def aborted(error: CratehandError) -> Context:
    context = Context()
    with pytest.raises(AbortedError):
        await abort(context, error)
    return context


def test_every_error_of_the_tree_has_a_row_of_its_own() -> None:
    kinds = list(tree())
    assert len(kinds) >= 10
    assert [kind.__name__ for kind in kinds if kind not in STATUS_OF] == []
    assert not set(STATUS_OF) - set(kinds)


def test_no_error_but_a_bug_is_internal_and_none_is_ok() -> None:
    internal = {kind for kind, status in STATUS_OF.items() if status is grpc.StatusCode.INTERNAL}
    assert internal == {CratehandError, InternalError}
    assert grpc.StatusCode.OK not in STATUS_OF.values()


def test_a_class_that_came_later_takes_the_row_above_it() -> None:
    later = type("LaterError", (CorruptFileError,), {"__module__": "elsewhere"})
    assert status_of(later("x")) is grpc.StatusCode.INVALID_ARGUMENT


async def test_when_to_try_again_travels_as_metadata_and_as_a_detail() -> None:
    context = await aborted(UnavailableError("busy", retry_after_s=1.5))
    assert context.metadata["cratehand-code"] == "unavailable"
    assert context.metadata["cratehand-retry-after-s"] == "1.5"
    status = errors_pb2.ErrorStatus.FromString(context.metadata["grpc-status-details-bin"])
    retry = errors_pb2.RetryInfo.FromString(status.details[1].value)
    assert status.details[1].type_url.endswith("google.rpc.RetryInfo")
    assert retry.retry_delay.ToNanoseconds() == 1_500_000_000


@pytest.mark.parametrize("retry_after_s", [None, float("nan"), float("inf")])
async def test_a_time_that_is_none_is_not_sent(retry_after_s: float | None) -> None:
    context = await aborted(UnavailableError("busy", retry_after_s=retry_after_s))
    assert "cratehand-retry-after-s" not in context.metadata


@pytest.mark.parametrize("message", ["x" * 50_000, "\udcff" * 50_000, "日本😀" * 10_000, "\n" * 9_000])
async def test_however_long_the_message_all_metadata_fit_into_eight_kilobytes(message: str) -> None:
    context = await aborted(NotFoundError(message))
    percent_encoded = sum(1 if 32 < byte < 127 else 3 for byte in context.message.encode())
    details = len(context.metadata["grpc-status-details-bin"]) * 4 / 3
    assert percent_encoded + details < 7_500


def test_a_bug_is_told_as_a_reference_and_logged_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    told = as_told(KeyError("/home/someone/secret"), doing="GetTrack")
    assert isinstance(told, InternalError)
    assert "secret" not in str(told)
    reference = str(told).split("reference ")[1].split(";")[0]
    assert reference in caplog.text
    assert "secret" in caplog.text


def test_errors_of_the_tree_are_told_as_they_are() -> None:
    error = ConflictError("two of them")
    assert as_told(error, doing="x") is error
    assert isinstance(as_told(CratehandError("odd"), doing="x"), InternalError)
    assert isinstance(as_told(TimeoutError(), doing="x"), UnavailableError)
