-- Takes tokens of a bucket. KEYS[1] holds when the bucket is full again, in microseconds since 1970; it is absent for a full one.
-- ARGV: the time in which an empty bucket fills, the time in which the tokens asked for flow in, both in microseconds.
-- Returns how long the bucket needed to be full before. The tokens are taken where that and the second time are within the first.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local whole, asked = tonumber(ARGV[1]), tonumber(ARGV[2])
local before = tonumber(redis.call('GET', KEYS[1]) or '0') - now
local missing = math.min(math.max(before, 0), whole)
local after = missing
if missing + asked <= whole then
    after = missing + asked
end
if after ~= before and after > 0 then
    redis.call('SET', KEYS[1], string.format('%.0f', now + after), 'PX', math.ceil(after / 1000))
end
return missing
