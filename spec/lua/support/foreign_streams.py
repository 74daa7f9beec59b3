"""Log streams (git.logs.v1) by Debian's python3-websockets. How a stream behaves is in its deployment's name."""
import asyncio
import json
import ssl
import sys

import websockets


def message(kind, number, **fields):
    return json.dumps({"type": kind, "cursor": "c%d" % number, **fields})


def hello(number):
    return message("hello", number, protocol="git.logs.v1", resource="dep_x", status="building", heartbeat_ms=15000)


def log(number, text):
    return message(
        "log", number, seq=number, time_ms=number, stage="build", stream="stdout", level="info", message=text, truncated=False
    )


async def pieces(text):
    for start in range(0, len(text), 7):
        yield text[start : start + 7]


async def whole(socket, first):
    for number in range(first, 101):
        await socket.send(log(number, "line %d" % number))


async def fragments(socket, first):
    for number in range(first, 101):
        await socket.send(pieces(log(number, "line %d \u00e4\u20ac\U0001f600" % number)))
        if number % 10 == 0:  # an answer that does not come, or with another payload, ends this
            await asyncio.wait_for(await socket.ping("payload %d" % number), 20)


async def restarts(socket, first):
    await socket.send(log(first, "one"))
    if first < 4:
        await socket.close(1012, "again")


async def drops(socket, first):
    await socket.send(log(first, "one"))
    if first < 4:
        await socket.drain()
        socket.transport.abort()


async def large(socket, first):
    for number in range(first, 11):
        await socket.send(log(number, "x" * 65536))


KINDS = {"whole": whole, "fragments": fragments, "restarts": restarts, "drops": drops, "large": large}


async def serve(socket):
    path, _, query = socket.path.partition("?")
    kind = path.split("/")[3].split("_")[1]
    first = 1 + int(query.partition("cursor=c")[2] or "0")
    try:
        await socket.send(hello(first - 1))
        await KINDS[kind](socket, first)
        await socket.send(message("end", 100, status="live"))
        await socket.close(1000)
    except websockets.ConnectionClosed:
        pass


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("server.pem", "server.key")
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), ssl=context, subprotocols=["git.logs.v1"]):
        await asyncio.Future()


asyncio.run(main())
