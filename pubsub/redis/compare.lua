-- Compares a topic's log with what a node knows of it. KEYS[1] and KEYS[2] as of publish.lua. ARGV[1] is PUBLISH,
-- or in a Cluster SPUBLISH, ARGV[2] the topic, ARGV[3] the digits with which an epoch ends, and ARGV[4] for how many
-- milliseconds events are kept. What follows are positions that were in the log.
--
-- A log that does not have one of them any more was rolled back. It begins anew in another epoch, so that nobody
-- goes on in it as if nothing had gone. Who follows it is told, by a message with the position before the first
-- event. The script returns 1 then, or else 0.
local at = redis.call('GET', KEYS[1]) or ''
local epoch, top = string.match(at, '^(%x+)-(%d+)')

local function count(epoch) return epoch and tonumber(string.sub(epoch, 1, -11), 16) or 0 end

local function lacks(position)
  if at == position then return false end
  local known, offset = string.match(position, '^(%x+)-(%d+)')
  if known ~= epoch then return count(known) >= count(epoch) end
  if tonumber(top) < tonumber(offset) then return true end
  local entry = redis.call('XRANGE', KEYS[2], offset .. '-0', offset .. '-0')[1]
  local message = '~1 p=' .. position
  return entry and string.sub(entry[2][2], 1, #message) ~= message
end

local anew, number = false, count(epoch)
for i = 5, #ARGV do
  anew = lacks(ARGV[i]) or anew
  number = math.max(number, count(ARGV[i]:match('^%x+')))
end
if not anew then return 0 end
at = string.format('%x', number % 16777215 + 1) .. ARGV[3] .. '-0-' .. string.rep('0', 24)
redis.call('SET', KEYS[1], at, 'PX', ARGV[4] + 604800000)
redis.call('DEL', KEYS[2])
redis.pcall(ARGV[1], ARGV[2], '~1 p=' .. at .. '\n') -- who may not is found out by the next event
return 1
