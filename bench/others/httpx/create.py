"""Deployments over httpx.

    create.py CALLS WARM_UP AT_ONCE [HEADER...]

One after another over HTTP/1.1; more at once share one HTTP/2 connection.
"""

import asyncio
import json
import os
import resource
import socket
import ssl
import sys
import time
import uuid

import httpx

CALLS, WARM_UP, AT_ONCE = (int(word) for word in sys.argv[1:4])
HEADERS = dict(line.split(": ", 1) for line in sys.argv[4:])
URL = os.environ["GIT_API_URL"] + "/deployments"
ORDER = {"project": "my-app", "branch": "main", "env": {"NODE_ENV": "production"}}


def settle(client):
    """Leaves out what httpx would ask for and the others do not."""
    for name in ("Accept-Encoding", "Connection"):
        if name not in HEADERS:
            del client.headers[name]
    return client


def request():
    # Not json=ORDER: that would put blanks between the members.
    return {
        "content": json.dumps(ORDER, separators=(",", ":")),
        "headers": {"Idempotency-Key": str(uuid.uuid4())},
    }


def check(response):
    assert response.status_code == 201, response.text
    deployment = response.json()
    assert deployment["status"] == "queued", deployment


def options():
    return {"headers": HEADERS, "verify": ssl.create_default_context(cafile=os.environ["GIT_CA_FILE"])}


def measured(began, cpu_before):
    wall, cpu = time.monotonic() - began, time.process_time() - cpu_before
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"calls": CALLS, "wall": wall, "cpu": cpu, "peak_kb": peak_kb}))


def do_not_delay(response):
    """Head and body are two writes: by Nagle's algorithm the second waits until the first is acknowledged, up to 40 ms."""
    connection = response.extensions["network_stream"].get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def one_after_another():
    with settle(httpx.Client(**options())) as client:
        do_not_delay(client.post(URL, **request()))

        def repeat(calls):
            for _ in range(calls):
                check(client.post(URL, **request()))

        repeat(WARM_UP)
        began, cpu_before = time.monotonic(), time.process_time()
        repeat(CALLS)
        measured(began, cpu_before)


async def many_at_once():
    async with settle(httpx.AsyncClient(http2=True, **options())) as client:

        async def work(turns):
            for _ in turns:
                check(await client.post(URL, **request()))

        async def repeat(calls):
            turns = iter(range(calls))
            await asyncio.gather(*(work(turns) for _ in range(AT_ONCE)))

        await repeat(WARM_UP)
        began, cpu_before = time.monotonic(), time.process_time()
        await repeat(CALLS)
        measured(began, cpu_before)


if AT_ONCE == 1:
    one_after_another()
else:
    asyncio.run(many_at_once())
