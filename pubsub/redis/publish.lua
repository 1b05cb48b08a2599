-- Publishes events to a replayable topic: appends them to the topic's log and sends them, all or none.
-- Any client may EVAL it as it stands.
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
-- ARGV[9]  and ARGV[10] are another event's ARGV[3] and ARGV[7], and so on; most publish one
--
-- It returns the last event's position as the envelope has it, <epoch>-<offset>-<id>, or "" when the
-- idempotency key is known and nothing was done. To publish the newest event again, by its id, does
-- nothing and returns its position.
local call, KEYS, ARGV = redis.call, KEYS, ARGV -- what is local is found sooner
local at = call('GET', KEYS[1])
if KEYS[3] and call('EXISTS', KEYS[3]) == 1 then return '' end
local epoch, top, newest
if at then
  epoch, top, newest = string.match(at, '^(%x+)-(%d+)-(%x+)')
  if newest == (ARGV[10] and ARGV[#ARGV - 1] or ARGV[3]) then return at end
end

if not epoch or ARGV[8] and ARGV[8] ~= at then
  local known, least, id = string.match(ARGV[8] or '', '^(%x+)-(%d+)-(%x+)$')
  local function count(epoch) return epoch and tonumber(string.sub(epoch, 1, -11), 16) or 0 end
  local function lacks()
    if known ~= epoch then return count(known) >= count(epoch) end
    if tonumber(least) > tonumber(top) then return true end
    local entry = call('XRANGE', KEYS[2], least, least)[1]
    return entry and not string.find(entry[2][2], id, 1, true)
  end
  if not epoch or known and lacks() then
    call('DEL', KEYS[2])
    local number = math.max(count(epoch), count(known)) % 16777215 + 1
    epoch, top = string.format('%x', number) .. string.sub(ARGV[4], 1, 10), 0
  end
end

local messages = {}
local id, rest, more = ARGV[3], ARGV[7], 9
repeat
  top = string.format('%d', top + 1)
  at = epoch .. '-' .. top .. '-' .. id
  local message = '~1 p=' .. at .. rest
  -- The log comes first: where it refuses, nothing has happened. What follows is refused by an ACL alone.
  call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], top, 'm', message)
  messages[#messages + 1] = message
  id, rest, more = ARGV[more], ARGV[more + 1], more + 2
until not rest
call('PEXPIRE', KEYS[2], ARGV[6])
call('SET', KEYS[1], at, 'PX', ARGV[6] + 604800000)
if KEYS[3] then call('SET', KEYS[3], '', 'PX', 300000) end
for i = 1, #messages do call(ARGV[1], ARGV[2], messages[i]) end
return at
