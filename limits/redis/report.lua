-- ARGV: ttl, id, spent, 1 or 0 for done. It returns ok or forfeited.
return report(ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1')
