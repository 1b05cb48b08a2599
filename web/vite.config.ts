import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

declare const process: { env: Record<string, string | undefined> }

// The gateway behind npx vite, which serves pages as they are written.
const target = process.env.SLUICE_URL ?? 'http://127.0.0.1:8080'

const source = (path: string): string => decodeURIComponent(new URL(`src/${path}`, import.meta.url).pathname)

/** What would be loaded at once, and the page can be used without: who imports it, by what name, and what comes instead. */
const instead: readonly (readonly [by: string, wanted: string, file: string])[] = [
  ['/graphiql/dist/', '@graphiql/plugin-doc-explorer', source('playground/docs.tsx')],
  ['/graphiql/dist/', '@graphiql/react', source('playground/editors.tsx')],
  ['/editor/standalone/browser/', '../../browser/widget/diffEditor/diffEditorWidget.js', source('playground/diff.ts')],
  ['/editor/standalone/browser/', '../../browser/widget/multiDiffEditor/multiDiffEditorWidget.js', source('playground/diff.ts')],
  ['/framer-motion/dist/es/components/Reorder/', '../../render/components/motion/proxy.mjs', source('playground/m.ts')],
]

const later: Plugin = {
  name: 'later',
  enforce: 'pre',
  resolveId: (wanted, by) => instead.find(([from, name]) => wanted === name && by?.includes(from))?.[2] ?? null,
}

/** The editor, for which GraphiQL asks only when it runs, is fetched and compiled while the page begins. */
const early: Plugin = {
  name: 'early',
  transformIndexHtml: {
    order: 'post',
    handler(html, { filename, bundle = {} }) {
      if (!filename.endsWith('playground.html')) return []
      const files = new Set<string>()
      const add = (file: string) => {
        const chunk = bundle[file]
        if (chunk?.type !== 'chunk' || files.has(file) || html.includes(file)) return
        files.add(file)
        chunk.imports.forEach(add)
      }
      for (const { name, fileName } of Object.values(bundle)) if (name === 'monaco-editor') add(fileName)
      return [...files].map((file) => ({ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: `/${file}` }, injectTo: 'head' as const }))
    },
  },
}

// Three pages, each with an entry of its own; what they share is in chunks that a browser keeps.
export default defineConfig({
  plugins: [react(), later, early],
  resolve: { alias: { 'monaco-editor/esm/vs/editor/edcore.main.js': source('playground/editor.ts') } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or fonts
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4000,
    rollupOptions: {
      input: { playground: 'playground.html', console: 'console.html', demo: 'demo.html' },
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning), // of React's compiler, in packages
      output: {
        // A browser that can compiles all of what a page begins with, and of the editor, at once and beside what runs,
        // instead of each function when it is called.
        postBanner: ({ name, isDynamicEntry }) => (name === 'monaco-editor' || !isDynamicEntry ? '//# allFunctionsCalledOnLoad' : ''),
        codeSplitting: {
          groups: [
            // These two make errors as they are loaded. A browser whose developers' tools are open reads the
            // whole file again for that: better a small one.
            { name: 'aborted', test: /graphql[\\/]validation[\\/]validationAbortedError/ },
            { name: 'contextkey', test: /vs[\\/]platform[\\/]contextkey[\\/]common/ },
          ],
        },
      },
    },
  },
  server: { proxy: { '/graphql': { target, ws: true }, '/schema.graphql': { target } } },
  test: { environment: 'happy-dom' },
})
