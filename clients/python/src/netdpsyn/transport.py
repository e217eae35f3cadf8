"""Requests with a key, sent again where that helps, and answers or exceptions."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx

from . import errors
from .retry import Retry, asked_for, is_passing

log = logging.getLogger("netdpsyn")
Body = Callable[[], Iterator[bytes]]
Params = Mapping[str, str | Sequence[str]]
TIMEOUT = httpx.Timeout(120.0, connect=10.0, pool=10.0)


class Bearer(httpx.Auth):
    """The key as a header. Nothing shows it: neither `repr`, nor logs, nor a pickle."""

    def __init__(self, key: str) -> None:
        key = key.strip()
        # A key that no header can hold would stand in the HTTP library's message.
        if not key or not all("!" <= letter <= "~" for letter in key):
            raise ValueError("an API key is ndp_ and visible ASCII letters; this is none")
        self._header: Callable[[], str] = lambda: f"Bearer {key}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sets the header."""
        request.headers["Authorization"] = self._header()
        yield request

    def __repr__(self) -> str:
        return "Bearer(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds a key and is not pickled")


class Transport:
    """One pool of connections to one server, with one key."""

    def __init__(self, url: str, key: str, retry: Retry, timeout: httpx.Timeout | float, own: httpx.BaseTransport | None) -> None:
        self.url, self.retry = url.rstrip("/"), retry
        agent = {"User-Agent": "netdpsyn-python"}
        self._http = httpx.Client(base_url=self.url, auth=Bearer(key), headers=agent, timeout=timeout, transport=own)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        repeatable: bool = True,
        resend: bool = True,
        read_timeout: float | None = None,
    ) -> Iterator[httpx.Response]:
        """A successful answer whose body is still to be read.

        `repeatable`: doing it twice does what doing it once does. `resend`: the body can be made again.
        """
        attempt = 0
        while True:
            attempt += 1
            request = self._http.build_request(method, path, content=body() if body else None, headers=headers, params=params)
            if read_timeout is not None:
                request.extensions["timeout"]["read"] = read_timeout
            try:
                response = self._http.send(request, stream=True)
            except httpx.RequestError as error:
                # What never reached the server can always be sent again; what it cannot take never helps.
                again = repeatable or isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
                again = again and not isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError))
                wait = self.retry.wait(attempt) if again and resend else None
                if wait is None:
                    raise failed(error, request) from error
                pause(wait, method, path, error)
                continue
            try:
                if response.is_success or response.status_code == 304:
                    yield response
                    return
                refusal = refused(response)
            finally:
                response.close()
            kind = refusal.kind if isinstance(refusal, errors.ProblemError) else ""
            passing = is_passing(response.status_code, kind, repeatable) and resend
            wait = self.retry.wait(attempt, asked_for(response)) if passing else None
            if wait is None:
                raise refusal
            pause(wait, method, path, refusal)

    def bytes(self, method: str, path: str, **options: Any) -> bytes:
        """The body of a successful answer."""
        attempt = 0
        while True:
            attempt += 1
            try:
                with self.stream(method, path, **options) as response:
                    return response.read()
            except httpx.RequestError as error:
                # The answer broke off: the work may have been done.
                wait = self.retry.wait(attempt) if options.get("repeatable", True) else None
                if wait is None:
                    raise failed(error, None) from error
                pause(wait, method, path, error)

    def json(self, method: str, path: str, document: object = None, **options: Any) -> Any:
        """The document of a successful answer to a document."""
        headers = dict(options.pop("headers", None) or {})
        if document is not None:
            sent = json.dumps(document, allow_nan=False).encode()
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(sent))}
            options["body"] = lambda: iter((sent,))
        answer = self.bytes(method, path, headers={"Accept": "application/json", **headers}, **options)
        try:
            return json.loads(answer) if answer else None
        except ValueError as error:
            raise errors.UnexpectedAnswer(f"{method} {path}: the answer is no JSON: {answer[:200]!r}") from error


def pause(seconds: float, method: str, path: str, why: Exception) -> None:
    """Waits before a request is sent again, and says so in the log."""
    log.info("%s %s: %r; again in %.1f s", method, path, why, seconds)
    time.sleep(seconds)


def refused(response: httpx.Response) -> errors.NetdpsynError:
    """The refusal, read to its end."""
    try:
        response.read()
    except httpx.RequestError:
        return errors.UnexpectedAnswer(f"{response.request.url}: {response.status_code}, and the answer broke off")
    return errors.of_response(response)


def failed(error: httpx.RequestError, request: httpx.Request | None) -> errors.ConnectionFailed:
    """A failure of the connection."""
    asked = f"{request.method} {request.url}: " if request else ""
    return errors.ConnectionFailed(f"{asked}{str(error) or type(error).__name__}")
