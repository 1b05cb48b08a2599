-- Publishes one event to a replayable topic: appends it to the topic's log and sends it, both or
-- neither. Any client may EVAL it as it stands.
--
-- KEYS[1]  sluice:log:{<topic>}:at          the position of the newest event
-- KEYS[2]  sluice:log:{<topic>}             the log, a stream
-- KEYS[3]  sluice:log:{<topic>}:key:<key>   may be left out: an idempotency key, known for 5 minutes
-- ARGV[1]  PUBLISH, or in a Cluster SPUBLISH
-- ARGV[2]  the topic
-- ARGV[3]  the event's id: 24 digits of lower-case hexadecimal, at random
-- ARGV[4]  10 such digits, at random, with which an epoch ends, should one begin. Before them stands how
--          many there were: what comes back with an earlier epoch than somebody knows was rolled back
-- ARGV[5]  how many events are kept; some tens more stay in the stream, for to drop each at its time
--          costs more than all the rest, and read.lua does not see them
-- ARGV[6]  for how many milliseconds after the newest
-- ARGV[7]  the rest of the envelope, the line break and the payload: "\n{}", or " t=1767225600000000\n{}"
-- ARGV[8]  a position that was in the log; may be left out, or "". A log without it was rolled back,
--          and begins anew in another epoch: nobody goes on in it as if nothing had gone
--
-- It returns the event's position as the envelope has it, <epoch>-<offset>-<id>, or "" when the
-- idempotency key is known and nothing was done. To publish the newest event again, by its id, does
-- nothing and returns its position.
local call = redis.call
local at = call('GET', KEYS[1])
if KEYS[3] and call('EXISTS', KEYS[3]) == 1 then return '' end
local epoch, offset
if at then
  if string.sub(at, -24) == ARGV[3] then return at end
  epoch, offset = string.match(at, '^(%x+)-(%d+)')
  offset = offset + 1 -- Lua writes whole numbers of up to 14 digits as they are
end

local function count(epoch) return epoch and tonumber(string.sub(epoch, 1, -11), 16) or 0 end

local function lacks(known, least, id)
  if known ~= epoch then return count(known) >= count(epoch) end
  if tonumber(least) >= offset then return true end
  local entry = call('XRANGE', KEYS[2], least .. '-0', least .. '-0')[1]
  return entry and not string.find(entry[2][2], id, 1, true)
end

local known, least, id
if at ~= ARGV[8] then known, least, id = string.match(ARGV[8] or '', '^(%x+)-(%d+)-(%x+)$') end
if not epoch or known and lacks(known, least, id) then
  call('DEL', KEYS[2])
  local number = math.max(count(epoch), count(known)) % 16777215 + 1
  epoch, offset = string.format('%x', number) .. string.sub(ARGV[4], 1, 10), 1
end
at = epoch .. '-' .. offset .. '-' .. ARGV[3]
local message = '~1 p=' .. at .. ARGV[7]
-- The log comes first: where it refuses, nothing has happened. What follows is refused by an ACL alone.
call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], offset .. '-0', 'm', message)
call('PEXPIRE', KEYS[2], ARGV[6])
call('SET', KEYS[1], at, 'PX', ARGV[6] + 604800000)
if KEYS[3] then call('SET', KEYS[3], '', 'PX', 300000) end
call(ARGV[1], ARGV[2], message)
return at
