-- Returns the position of a topic's newest event. A topic without one gets an epoch, and the position
-- before the first event. KEYS and ARGV as of publish.lua: KEYS[1], KEYS[2], the digits with which the epoch
-- ends, and for how many milliseconds events are kept.
local at = redis.call('GET', KEYS[1])
if not at then
  at = '1' .. ARGV[1] .. '-0-000000000000000000000000'
  redis.call('SET', KEYS[1], at, 'PX', ARGV[2] + 604800000)
  redis.call('DEL', KEYS[2])
end
return at
