import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

declare const process: { env: Record<string, string | undefined> }

// The gateway behind npx vite, which serves pages as they are written.
const target = process.env.SLUICE_URL ?? 'http://127.0.0.1:8080'

// Three pages, each with an entry of its own; what they share is in chunks that a browser keeps.
export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or fonts
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4000,
    rollupOptions: {
      input: { playground: 'playground.html', console: 'console.html', demo: 'demo.html' },
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning), // of React's compiler, in packages
    },
  },
  server: { proxy: { '/graphql': { target, ws: true }, '/schema.graphql': { target } } },
  test: { environment: 'happy-dom' },
})
