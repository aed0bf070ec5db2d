"""The names and the programs that run in the store: each is one step there, whoever else asks.

They use the store's clock only. A value of a foreign type makes them fail, which counts as a store that is
away; a foreign value of the right type is bounded.
"""

from __future__ import annotations

import hashlib
from typing import Final

TAKE: Final = """
local has = redis.call('GET', KEYS[1])
if not has or has == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
  return 1
end
if ARGV[3] == '1' then redis.call('SET', KEYS[2], ARGV[1], 'PX', 1000) end
return 0
"""
"""KEYS: lease, wish. ARGV: replica, milliseconds, whether it is needed. Returns 1 where it is given."""

RENEW: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local wish = redis.call('GET', KEYS[2])
if wish and wish ~= ARGV[1] then return 2 end
return 1
"""
"""KEYS: lease, wish. ARGV: replica, milliseconds. Returns 0: lost, 1: renewed, 2: renewed, another asks."""

GIVE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
"""KEYS: lease. ARGV: replica."""

BUCKET: Final = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local rate, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local has = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(has[1]), tonumber(has[2])
if not level or not at or level ~= level or at ~= at or at > now then level, at = level or most, now end
level = math.min(most, level + (now - at) * rate + tonumber(ARGV[3])) - tonumber(ARGV[4])
level = math.max(-most, level)
local given = math.max(0, math.min(tonumber(ARGV[5]), math.floor(level + 0.000001)))
redis.call('HSET', KEYS[1], 'level', tostring(level - given), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return given
"""
"""KEYS: count. ARGV: per second, capacity, earned, spent, wanted, milliseconds. Returns what is given."""

LIMIT: Final = """
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local slot, keep, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local over, need, more = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local spare, least = tonumber(ARGV[7]), tonumber(ARGV[8])
if redis.call('HLEN', KEYS[1]) > 256 then redis.call('DEL', KEYS[1]) end
for i = 9, #ARGV, 2 do
  local count = tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or '')
  if count and count == count then
    redis.call('HSET', KEYS[1], ARGV[i], tostring(math.max(0, count - tonumber(ARGV[i + 1]))))
  end
end
local all = redis.call('HGETALL', KEYS[1])
local used, epoch, wished, parts = 0, nil, 0, {}
for i = 1, #all, 2 do
  local began, count = tonumber(all[i]), tonumber(all[i + 1])
  if all[i] == 'epoch' and count and count > 0 and count < 9e15 then
    epoch = count
  elseif all[i] == 'wish' and count and count <= now then
    wished = count
  elseif not began or not count or began ~= began or count ~= count or began * slot + slot + keep <= now
      or began * slot > now + slot then
    redis.call('HDEL', KEYS[1], all[i])
  else
    count = math.min(math.max(0, count), 1e15)
    used = used + count
    parts[#parts + 1] = {began, count}
  end
end
if not epoch then
  epoch = tonumber(t[1]) * 1000000 + tonumber(t[2])
  redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', epoch))
end
over = math.max(over, least - used)
local room = math.floor(limit - used - over + 0.000001)
local given, wait = 0, 0
if need <= room then
  given = math.max(0, need + math.min(more, room - need))
  if now > wished + 5000 then
    given = given + math.max(0, math.min(spare, math.floor(limit / 2 - used - over - given)))
  end
else
  redis.call('HSET', KEYS[1], 'wish', string.format('%.0f', now))
end
if need > room or used + over >= limit then
  table.sort(parts, function (a, b) return a[1] < b[1] end)
  local lacking = math.max(need, 0.000002) - (limit - used - over)
  wait = slot + keep
  for i = 1, #parts do
    lacking = lacking - parts[i][2]
    if lacking <= 0.000001 then
      wait = parts[i][1] * slot + slot + keep - now
      break
    end
  end
end
if given + over > 0 then
  redis.call('HINCRBYFLOAT', KEYS[1], string.format('%d', math.floor(now / slot)), tostring(given + over))
end
redis.call('PEXPIRE', KEYS[1], slot + slot + keep)
return {given, now, wait, string.format('%.9g', used + over + given), string.format('%.0f', epoch)}
"""
"""KEYS: count. ARGV: a part of time and for how long it is kept, in milliseconds, limit; used already,
needed, useful, spare, used at least; then pairs of what is given back: a part of time, how much. Returns what
is given, the time, the milliseconds until there is room, what is used, the epoch. While something needed was
refused lately, nothing is spared: who keeps some for later gives it back then."""

BEAT: Final = """
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 60000, '+inf')
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1001)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""
"""KEYS: replicas, belief. ARGV: replica, milliseconds, belief. Returns how many replicas there are."""


class Keys:
    """The names in the store, all in one slot of a cluster.

    Args:
        namespace: Of the chain.
    """

    __slots__ = ("alive", "evidence", "prefix")

    def __init__(self, namespace: str) -> None:
        self.prefix = f"chat-router:{{{namespace}}}:"
        self.evidence = f"{self.prefix}evidence"
        self.alive = f"{self.prefix}replicas"

    def belief(self, replica: str) -> str:
        """Return where a replica says what it believes."""
        return f"{self.prefix}belief:{replica}"

    def of(self, what: str, name: str) -> str:
        """Return where something about `name` is; the name itself does not stand there."""
        return f"{self.prefix}{what}:{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"
