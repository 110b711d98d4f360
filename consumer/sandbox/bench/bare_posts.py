"""The limit of single sends: threads that only post, each with a session of its own.

    python -m consumer.sandbox.bench.bare_posts URL CONCURRENCY EMAILS < BODIES

BODIES are those that Messenger would post, a line each; they are posted over and over until there
were so many EMAILS. Prints JSON: `cpu_seconds` of the process from the first post to the last
answer. How fast it was is in the fake's record.
"""

import base64
import json
import os
import queue
import sys
import threading
from itertools import cycle, islice

import requests

from consumer.sandbox.bench.proc import cpu_seconds
from consumer.sandbox.bench.provider import DOMAIN, KEY

_TIMEOUT_SECONDS = 30.0


def main(url: str, concurrency: str, emails: str) -> None:
    """Post from so many threads."""
    bodies: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for body in islice(cycle(sys.stdin.buffer.read().splitlines()), int(emails)):
        bodies.put(body)
    address = f"{url}/v3/{DOMAIN}/messages"
    threads = [
        threading.Thread(target=_post_all, args=(address, bodies)) for _ in range(int(concurrency))
    ]
    spent = cpu_seconds(os.getpid())
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not bodies.empty():
        raise SystemExit("the fake did not take all of them")
    print(json.dumps({"cpu_seconds": cpu_seconds(os.getpid()) - spent}))  # noqa: T201


def _post_all(address: str, bodies: "queue.SimpleQueue[bytes]") -> None:
    credentials = base64.b64encode(f"api:{KEY}".encode()).decode()
    headers = {
        "Authorization": f"Basic {credentials}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    with requests.Session() as session:
        session.trust_env = False
        while True:
            try:
                body = bodies.get_nowait()
            except queue.Empty:
                return
            answer = session.post(address, data=body, headers=headers, timeout=_TIMEOUT_SECONDS)
            answer.raise_for_status()


if __name__ == "__main__":
    main(*sys.argv[1:])
