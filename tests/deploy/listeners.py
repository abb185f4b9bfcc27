"""Many listeners at once, as browsers are: each opens an event stream over TLS and stays.

    python listeners.py HOST EVENT_ID <TICKETS

Says ``OPEN n`` once each has its stream or was refused; then, told a word on a line of standard input, waits until each has heard it and says
``HEARD n``. Each group of five comes from an address of its own, as people do who share a router.
"""

import asyncio
import json
import ssl
import sys

AT_ONCE = 60
PATIENCE_S = 300.0


# Reading the authorities takes a while, once for all.
TRUST = ssl.create_default_context()


async def open_stream(number: int, host: str, event_id: str, ticket: str, turn: asyncio.Semaphore):
    """One listener's stream; None when it was refused."""
    here = f"127.0.{1 + number // 1000}.{1 + number % 1000 // 5}"
    async with turn, asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", 443, ssl=TRUST, server_hostname=host, local_addr=(here, 0)
        )
        writer.write(f"GET /live/{event_id}/events?ticket={ticket} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            writer.close()
            return None
        await reader.readuntil(b"event: snapshot\n")
        return reader, writer


async def main(host: str, event_id: str) -> None:
    tickets = json.loads(sys.stdin.readline())
    turn = asyncio.Semaphore(AT_ONCE)
    opening = (open_stream(number, host, event_id, one, turn) for number, one in enumerate(tickets))
    streams = [stream for stream in await asyncio.gather(*opening) if stream]
    print(f"OPEN {len(streams)}", flush=True)
    word = (await asyncio.to_thread(sys.stdin.readline)).strip().encode()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(reader.readuntil(word) for reader, _ in streams))
    print(f"HEARD {len(streams)}", flush=True)
    for _, writer in streams:
        writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
