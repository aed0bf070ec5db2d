"""A model of the store: what its commands and our programs do, in Python, on a clock that is passed in.

`test_scripts` holds it against real servers; the simulation runs on it.
"""

from __future__ import annotations

import math
from typing import Any

from router.replicas import scripts


class ModelStore:
    """Strings, hashes, sorted sets and one stream."""

    def __init__(self) -> None:
        self.stream: list[tuple[bytes, dict[bytes, bytes]]] = []
        self._values: dict[str, Any] = {}
        self._ends: dict[str, float] = {}
        self._newest = (0, -1)

    def empty(self) -> None:
        """Forget everything, as a restart without a file does."""
        self.__init__()  # type: ignore[misc]  # empties it, as FLUSHALL does

    def run(self, words: tuple[Any, ...], now: float) -> Any:
        """Run one command at a time of the store."""
        match words:
            case ("XADD", _, _, _, most, _, *fields):
                return self._add([str(field).encode() for field in fields], most, now)
            case ("EVAL", script, count, *rest):
                return self._program(script, rest[:count], [str(each) for each in rest[count:]], now)
            case ("DEL" | "ZREM", key, *_):
                self._values.pop(key, None)
                return 1
        raise AssertionError(f"the model does not know {words!r}")

    def after(self, identifier: bytes, count: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Return the entries of the stream after one."""
        last = _order(identifier)
        return [entry for entry in self.stream if _order(entry[0]) > last][:count]

    def _add(self, fields: list[bytes], most: int, now: float) -> bytes:
        millis = max(int(now * 1000), self._newest[0])
        number = self._newest[1] + 1 if millis == self._newest[0] else 0
        self._newest = millis, number
        identifier = f"{millis}-{number}".encode()
        self.stream.append((identifier, dict(zip(fields[::2], fields[1::2], strict=True))))
        del self.stream[:-most]
        return identifier

    def _get(self, key: str, now: float) -> Any:
        if self._ends.get(key, math.inf) <= now:
            self._values.pop(key, None)
        return self._values.get(key)

    def _set(self, key: str, value: Any, now: float, millis: float) -> None:
        self._values[key], self._ends[key] = value, now + millis / 1000

    def _program(self, script: str, keys: list[str], words: list[str], now: float) -> Any:
        key = keys[0]
        if script is scripts.TAKE:
            has = self._get(key, now)
            if has in (None, words[0]):
                self._set(key, words[0], now, float(words[1]))
                if self._get(keys[1], now) == words[0]:
                    del self._values[keys[1]]
                return 1
            if words[2] == "1":
                self._set(keys[1], words[0], now, 1000)
            return 0
        if script is scripts.RENEW:
            if self._get(key, now) != words[0]:
                return 0
            self._set(key, words[0], now, float(words[1]))
            return 2 if self._get(keys[1], now) not in (None, words[0]) else 1
        if script is scripts.GIVE:
            if self._get(key, now) != words[0]:
                return 0
            del self._values[key]
            return 1
        if script is scripts.BUCKET:
            return self._bucket(key, [float(each) for each in words], now)
        if script is scripts.LIMIT:
            return self._limit(key, [float(each) for each in words], now)
        assert script is scripts.BEAT
        alive = {name: at for name, at in (self._get(key, now) or {}).items() if at > now - 5}
        alive[words[0]] = now
        self._set(key, alive, now, float(words[1]))
        return len(alive)

    def _bucket(self, key: str, words: list[float], now: float) -> int:
        rate, most, earned, spent, want, lasts = words
        level, at = self._get(key, now) or (most, now)
        level = max(-most, min(most, level + (now - at) * rate + earned) - spent)
        given = max(0, min(int(want), math.floor(level + 1e-6)))
        self._set(key, (level - given, now), now, lasts)
        return int(given)

    def _limit(self, key: str, words: list[float], now: float) -> list[Any]:
        slot, keep, limit, over, need, more, spare, least, *back = words
        at = math.floor(now * 1000)
        known: tuple[int, float, dict[float, float]] = self._get(key, now) or (at, 0.0, {})
        epoch, wished, parts = known
        for name, count in zip(back[::2], back[1::2], strict=True):
            if name in parts:
                parts[name] = max(0.0, parts[name] - count)
        parts = {n: c for n, c in parts.items() if n * slot + slot + keep > at}
        used = sum(parts.values())
        over = max(over, least - used)
        room = math.floor(limit - used - over + 1e-6)
        given = wait = 0.0
        if need <= room:
            given = max(0, need + min(more, room - need))
            if at > wished + 5000:
                given += max(0, min(spare, math.floor(limit / 2 - used - over - given)))
        else:
            wished = at
        if need > room or used + over >= limit:
            lacking = max(need, 2e-6) - (limit - used - over)
            wait = slot + keep
            for name in sorted(parts):
                lacking -= parts[name]
                if lacking <= 1e-6:
                    wait = name * slot + slot + keep - at
                    break
        if given + over > 0:
            parts[at // slot] = parts.get(at // slot, 0.0) + given + over
        self._set(key, (epoch, wished, parts), now, 2 * slot + keep)
        return [int(given), at, int(wait), b"%.9g" % (used + over + given), b"%d" % epoch]


def _order(identifier: bytes) -> tuple[int, int]:
    millis, _, number = identifier.partition(b"-")
    return int(millis), int(number)
