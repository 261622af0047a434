-- Lets a holder in. KEYS[1] is a sorted set of holders by when they are out, in milliseconds since 1970.
-- ARGV: the holder, how many there is room for, the lifetime in milliseconds. Returns 1 where there was room, otherwise 0.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lifetime = tonumber(ARGV[3])
local out = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0')
if out <= now and redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf') >= tonumber(ARGV[2]) then
    return 0
end
redis.call('ZADD', KEYS[1], now + lifetime, ARGV[1]) -- the first to write, so that a full server refuses the script as a whole
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('PTTL', KEYS[1]) < lifetime then
    redis.call('PEXPIRE', KEYS[1], lifetime)
end
return 1
