-- What all scripts share. KEYS[1] is the hash of a key's windows and leases, KEYS[2] a sorted set of
-- what is due and when. Times are microseconds. Integers are below 2^53, where Lua's numbers are
-- exact; they are written by text(), for Lua itself rounds what it prints.
--
-- Fields: <window>:g, :c, :r, :f   events granted, charged, returned, forfeited
--         <window>:c:<n>, :f:<n>   of a sliding window, those of its nth bucket
--         <window>:b               of a sliding window, the numbers of its buckets that have any
--         l:<id>                   a lease
-- Due:    l:<id>                   it is forfeited, or forgotten
--         w:<window>               it is forgotten
--         b:<window>:<size>:<n>    the nth bucket counts no longer
local hash, due, ttl = KEYS[1], KEYS[2], tonumber(ARGV[1])
local BUCKETS = 60
local DONE_KNOWN, FORFEITED_KNOWN = 5000000, 3600000000 -- for how long, unless the keys expire earlier
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local function text(n) return string.format('%.0f', n) end

local function get(field) return tonumber(redis.call('HGET', hash, field) or '0') end

local function add(field, n)
  if n ~= 0 then redis.call('HINCRBY', hash, field, text(n)) end
end

local function plan(member, at) redis.call('ZADD', due, text(at), member) end

-- keep lets the keys live until a time at least.
local function keep(at)
  local need = math.floor((at - now) / 1000) + 1
  for _, key in ipairs(KEYS) do
    if need > 0 and redis.call('PTTL', key) < need then redis.call('PEXPIRE', key, text(need)) end
  end
end

local function release(n, size) return (n + 1 + BUCKETS) * size end

-- A lease's state is o (open), d (done) or f (forfeited). last is the latest deadline that it may
-- have, or 0. size is that of a bucket, or 0. A window's name has no space in it.
local function load(id)
  local v = redis.call('HGET', hash, 'l:' .. id)
  if not v then return nil end
  local state, events, settled, left, reset, last, size, window, node =
    string.match(v, '^(%a) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (.*)$')
  return {
    id = id, state = state, events = tonumber(events), settled = tonumber(settled), left = tonumber(left),
    reset = tonumber(reset), last = tonumber(last), size = tonumber(size), window = window, node = node,
  }
end

local function save(l)
  redis.call('HSET', hash, 'l:' .. l.id, table.concat({
    l.state, text(l.events), text(l.settled), text(l.left), text(l.reset), text(l.last), text(l.size), l.window, l.node,
  }, ' '))
end

local function prolong(l)
  local at = now + ttl
  if l.last > 0 and l.last < at then at = l.last end
  plan('l:' .. l.id, at)
end

-- note adds the nth bucket to those of a sliding window, in their order: all numbers are as long.
local function note(window, n)
  local list = redis.call('HGET', hash, window .. ':b') or ''
  if string.find(list, n, 1, true) then return end
  local all = {n}
  for other in string.gmatch(list, '%d+') do all[#all + 1] = other end
  table.sort(all)
  redis.call('HSET', hash, window .. ':b', table.concat(all, ' '))
end

-- use counts n events of a lease as charged (c) or forfeited (f) at a time.
local function use(l, what, n, at)
  if n <= 0 then return end
  add(l.window .. ':' .. what, n)
  if l.size == 0 then return end
  local bucket = math.floor(at / l.size)
  add(l.window .. ':' .. what .. ':' .. text(bucket), n)
  note(l.window, text(bucket))
  plan('b:' .. l.window .. ':' .. text(l.size) .. ':' .. text(bucket), release(bucket, l.size))
  keep(release(bucket, l.size) + ttl)
end

local function expireLease(id, at)
  local l = load(id)
  if not l then return end
  if l.state ~= 'o' then
    redis.call('HDEL', hash, 'l:' .. id)
    return
  end
  -- In a sliding window: the holder stopped by then, and may have spent everything just before.
  use(l, 'f', l.events - l.settled, at)
  l.state = 'f'
  save(l)
  plan('l:' .. id, at + FORFEITED_KNOWN)
end

local function expireBucket(member)
  local window, size, n = string.match(member, '^b:(%S+):(%d+):(%d+)$')
  local charged, forfeited = get(window .. ':c:' .. n), get(window .. ':f:' .. n)
  redis.call('HDEL', hash, window .. ':c:' .. n, window .. ':f:' .. n)
  add(window .. ':c', -charged)
  add(window .. ':f', -forfeited)
  add(window .. ':g', -charged - forfeited)
  local rest = {}
  for other in string.gmatch(redis.call('HGET', hash, window .. ':b') or '', '%d+') do
    if other ~= n then rest[#rest + 1] = other end
  end
  if #rest > 0 then
    redis.call('HSET', hash, window .. ':b', table.concat(rest, ' '))
  else
    redis.call('HDEL', hash, window .. ':b')
  end
end

local function expire()
  while true do
    local list = redis.call('ZRANGEBYSCORE', due, '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, 100)
    if #list == 0 then return end
    for i = 1, #list, 2 do
      local member = list[i]
      redis.call('ZREM', due, member)
      local kind, name = string.sub(member, 1, 1), string.sub(member, 3)
      if kind == 'l' then
        expireLease(name, tonumber(list[i + 1]))
      elseif kind == 'b' then
        expireBucket(member)
      else
        redis.call('HDEL', hash, name .. ':g', name .. ':c', name .. ':r', name .. ':f')
      end
    end
  end
end

-- report charges what is spent of a lease, and keeps it alive or returns the rest.
local function report(id, spent, done)
  local l = load(id)
  if l and l.state == 'd' or not l and done then return 'ok' end
  if not l or l.state == 'f' then return 'forfeited' end
  if spent > l.events then spent = l.events end
  if spent > l.settled then
    use(l, 'c', spent - l.settled, now)
    l.settled = spent
  end
  if done then
    if l.size > 0 then
      add(l.window .. ':g', l.settled - l.events)
    else
      add(l.window .. ':r', l.events - l.settled)
    end
    l.state = 'd'
    plan('l:' .. id, now + DONE_KNOWN)
  else
    prolong(l)
  end
  save(l)
  return 'ok'
end

-- window picks the one of this moment: a sliding one, or the calendar window of those offered that
-- now is in. It returns nil when that was not offered. reset is when it ends, or when the first of
-- what is used comes back.
local function window(size, offers)
  if size == 0 then
    for i = 1, #offers, 3 do
      if now >= tonumber(offers[i + 1]) and now < tonumber(offers[i + 2]) then
        return offers[i], tonumber(offers[i + 2])
      end
    end
    return nil
  end
  local name = offers[1]
  local first = string.match(redis.call('HGET', hash, name .. ':b') or '', '^%d+')
  return name, release(tonumber(first) or math.floor(now / size), size)
end

local function rest(name, events)
  return math.max(0, events - get(name .. ':g') + get(name .. ':r'))
end

expire()
