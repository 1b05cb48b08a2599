-- ARGV: ttl, events, size, the offers. It returns {status, now, granted, charged, returned, forfeited, left, reset}.
local size, offers = tonumber(ARGV[3]), {}
for i = 4, #ARGV do offers[#offers + 1] = ARGV[i] end
local name, reset = window(size, offers)
if not name then return {'stale', now} end
return {'ok', now, get(name .. ':g'), get(name .. ':c'), get(name .. ':r'), get(name .. ':f'), rest(name, tonumber(ARGV[2])), reset}
