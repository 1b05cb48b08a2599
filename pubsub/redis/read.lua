-- Reads a topic's log after a position. KEYS[1] and KEYS[2] as of publish.lua. ARGV[1] is the position,
-- ARGV[2] its offset, ARGV[3] how many events at most, ARGV[4] how many bytes about: the last may exceed.
-- ARGV[5] is how many events are kept: older ones may be in the stream still, and are not read.
--
-- It returns the position of the newest event, "" for none; the oldest offset, 0 for none; 1 if the log
-- joins the position, or else 0; and the messages after it.
local at = redis.call('GET', KEYS[1]) or ''
if at == ARGV[1] then return {at, 0, 1} end

local function read(from, count) return redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', count) end

local epoch, top = string.match(at, '^(%x+)-(%d+)')
if not epoch then return {at, 0, 0} end
local oldest = math.max(1, top - ARGV[5] + 1)
local first = read(oldest .. '-0', 1)[1]
first = first and tonumber(string.match(first[1], '^%d+')) or 0

local function joins()
  if ARGV[2] == '0' then return first == 1 and ARGV[1] == epoch .. '-0-' .. string.rep('0', 24) end
  local id = ARGV[2] .. '-0'
  local entry = tonumber(ARGV[2]) >= oldest and redis.call('XRANGE', KEYS[2], id, id)[1]
  local known = '~1 p=' .. ARGV[1]
  return entry and string.sub(entry[2][2], 1, #known) == known
end
if not joins() then return {at, first, 0} end

local most, bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local result, size, from, count = {at, first, 1}, 0, '(' .. ARGV[2] .. '-0', 16
while most > 0 and size < bytes do
  local want = math.min(most, count)
  local page = read(from, want)
  for _, entry in ipairs(page) do
    result[#result + 1] = entry[2][2]
    size = size + #entry[2][2]
    from = '(' .. entry[1]
    if size >= bytes then break end
  end
  if #page < want then break end
  most = most - want
  count = math.max(1, math.min(256, math.floor((bytes - size) * (#result - 3) / size))) -- as large as these
end
return result
