-- Adds to a count. ARGV: how much, the lifetime in milliseconds. Returns the count, which is never below 0. Adding 0 only reads.
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
local by = tonumber(ARGV[1])
if by ~= 0 then
    count = math.max(count + by, 0)
    redis.call('SET', KEYS[1], string.format('%.0f', count), 'PX', ARGV[2])
end
return count
