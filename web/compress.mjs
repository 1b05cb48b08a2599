// Compresses what vite has built, in dist or the folder that is named: the gateway serves it as it is, and unpacks it
// for the few who take no gzip.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

for (const entry of readdirSync(process.argv[2] ?? 'dist', { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  if (entry.isFile() && /\.(js|css|html|svg|ttf)$/.test(entry.name)) {
    writeFileSync(path + '.gz', gzipSync(readFileSync(path), { level: 9 }))
    rmSync(path)
  }
}
