-- KEYS[1] is the bucket of a key: "<at> <owed> <full>". At the time at, in microseconds, it was owed
-- nanoseconds away from being full, and would have been full away if it were empty. Without the key it
-- is full. ARGV: how many nanoseconds an event takes to come, burst. It returns 0 when it took an
-- event, or in how many microseconds there is one. Integers are below 2^53, where Lua's numbers are
-- exact.
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = interval * burst
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local owed, back = 0, false
local at, before, size = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) (%d+)$')
if at then
  at, owed, size = tonumber(at), tonumber(before), tonumber(size)
  back = now < at -- the clock was set back: what is owed is paid off from here on
  if size ~= full then owed = math.ceil(owed / size * full) end -- another rate: as full as before
  if not back then owed = math.max(0, owed - (now - at) * 1000) end
end

local function save()
  local value = string.format('%.0f %.0f %.0f', now, owed, full)
  redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', math.ceil(owed / 1000000) + 1))
end

if owed + interval > full then
  if back then save() end
  return math.ceil((owed + interval - full) / 1000)
end
owed = owed + interval
save()
return 0
