-- ARGV: ttl, id, node, want, events, size, number of words in offers, the offers, then reports: id,
-- spent, 1 or 0 for done. It returns {status, now, events, left, window, ends in, reset}.
local SHARE = 16
local id, node, want, events = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local size, words = tonumber(ARGV[6]), tonumber(ARGV[7])

local function answer(l, ends)
  return {'ok', now, l.events, l.left, l.window, math.max(0, ends - now), l.reset}
end

local function again(l)
  if l.state == 'f' then return {'forfeited', now} end
  if l.last > 0 then return answer(l, l.reset) end
  return answer(l, tonumber(redis.call('ZSCORE', due, 'l:' .. id)) - math.floor(ttl / 10))
end

for i = 8 + words, #ARGV, 3 do report(ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2] == '1') end

local known = load(id)
if known then return again(known) end

local offers = {}
for i = 8, 7 + words do offers[#offers + 1] = ARGV[i] end
local name, reset = window(size, offers)
if not name then return {'stale', now} end
local left = rest(name, events)
local grant = math.min(want, math.max(1, math.floor(left / SHARE)), left)
if grant == 0 then return {'ok', now, 0, 0, name, reset - now, reset} end

local l = {
  id = id, state = 'o', events = grant, settled = 0, left = left - grant, reset = reset, last = 0, size = size,
  window = name, node = node,
}
local ends = now + ttl - math.floor(ttl / 10)
if size == 0 then
  l.last = reset + 2 * ttl - 1 -- while the window is known
  ends = reset
  plan('w:' .. name, reset + 2 * ttl)
end
add(name .. ':g', grant)
save(l)
prolong(l)
keep(math.max(reset, now) + 4 * ttl)
return answer(l, ends)
