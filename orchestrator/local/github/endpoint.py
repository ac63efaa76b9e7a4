"""From ASGI to an endpoint's plain function and back, with the trouble that the failure script has for the call."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from orchestrator.local.github.call import VERSION_2026, Answer, Call
from orchestrator.local.github.failures import NO_TROUBLE, Kind, Rule, Trouble
from orchestrator.local.github.ledger import DispatchCall
from orchestrator.local.github.refusal import Refusal
from orchestrator.local.github.state import StandIn

API_VERSIONS = ("", "2022-11-28", VERSION_2026)
DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `is_github` false: a control or a page of the stand-in, which needs no token and never fails."""

    name: str
    method: str
    path: str
    answer: Callable[[StandIn, Call], Answer]
    is_github: bool = True


class Endpoint:
    """The ASGI application of one route. `closing` is set when the server stops, which ends every hang."""

    def __init__(self, stand_in: StandIn, route: Route, closing: asyncio.Event) -> None:
        self._stand_in = stand_in
        self._route = route
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one call, or fails it as scripted."""
        body = await _body(receive)
        trouble = self._trouble(scope["method"])
        call = _call(self._stand_in, scope, body, trouble)
        if trouble.rule is None:
            answer: Answer | None = self._answer(call)
        else:
            answer = await self._troubled(call, trouble.rule)
        if self._route.name == "dispatch":
            self._stand_in.ledger.add(_dispatch(self._stand_in, call, answer))
        await (_abort(scope, receive) if answer is None else _send(answer, send))

    def _trouble(self, method: str) -> Trouble:
        if not self._route.is_github:
            return NO_TROUBLE
        self._stand_in.ledger.count(method, self._route.name)
        return self._stand_in.failures.next(self._route.name, method)

    async def _troubled(self, call: Call, rule: Rule) -> Answer | None:
        answer = None if rule.before else self._answer(call)
        match rule.kind:
            case Kind.STATUS:
                return _error(rule.code, rule.message, rule.headers)
            case Kind.DROP:
                return None
            case Kind.HANG | Kind.SLOW_LISTING:
                await self._wait(rule.seconds)
                return answer or self._answer(call)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return

    def _answer(self, call: Call) -> Answer:
        limit = self._stand_in.rate_limit
        try:
            if self._route.is_github:
                _check_caller(call)
            answer = self._route.answer(self._stand_in, call)
        except Refusal as refusal:
            answer = _error(refusal.status, refusal.message, {})
        if not self._route.is_github:
            return answer
        if self._route.method == "GET" and answer.status == 200:
            answer = _tagged(call, answer)
        now = self._stand_in.now()
        if answer.status != 304:
            limit.use(now)
        return Answer(answer.status, answer.body, answer.text, {**limit.headers(now), **answer.headers})


def _check_caller(call: Call) -> None:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "token") or not token.strip():
        raise Refusal(401, "Requires authentication")
    if call.api_version not in API_VERSIONS:
        raise Refusal(400, f"{call.api_version} is not a supported version of the REST API.")


def _error(status: int, message: str, headers: Mapping[str, str]) -> Answer:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return Answer(status, body, headers=headers)


def _tagged(call: Call, answer: Answer) -> Answer:
    text = json.dumps(answer.body)
    tag = f'W/"{sha256(text.encode()).hexdigest()}"'
    if call.headers.get("if-none-match") == tag:
        return Answer(304, headers={"etag": tag})
    headers = {**answer.headers, "etag": tag, "content-type": "application/json; charset=utf-8"}
    return Answer(200, text=text, headers=headers)


def _dispatch(stand_in: StandIn, call: Call, answer: Answer | None) -> DispatchCall:
    try:
        body: object = json.loads(call.body)
    except ValueError:
        body = {"unreadable": call.body.decode(errors="replace")}
    return DispatchCall(
        at=stand_in.now(),
        repository=call.repository,
        workflow=call.names["workflow_id"],
        body=body if isinstance(body, dict) else {"unreadable": body},
        login=call.login,
        api_version=call.api_version,
        fate=DROPPED if answer is None else str(answer.status),
    )


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _call(stand_in: StandIn, scope: Scope, body: bytes, trouble: Trouble) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    token = headers.get("authorization", "").partition(" ")[2].strip()
    query = scope["query_string"]
    return Call(
        path=scope["path"],
        names=scope["path_params"],
        query=dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {},
        headers=headers,
        body=body,
        address=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
        login=stand_in.login(token),
        hidden_seconds=trouble.hidden_seconds,
    )


async def _send(answer: Answer, send: Send) -> None:
    headers = dict(answer.headers)
    content = answer.text.encode()
    if answer.body is not None:
        content = json.dumps(answer.body).encode()
        headers.setdefault("content-type", "application/json; charset=utf-8")
    if answer.status not in (204, 304):
        headers["content-length"] = str(len(content))
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


async def _abort(scope: Scope, receive: Receive) -> None:
    # The server puts the connection's transport here; see server.AbortableProtocol.
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.abort()
    # Returning before the connection is gone would count as an application that forgot to answer.
    while (await receive())["type"] != "http.disconnect":
        pass
