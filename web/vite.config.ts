import { defineConfig } from 'vite';

const daemon = 'http://127.0.0.1:7171';

/** Everything from one origin and by file: the policy of the server allows neither inline nor data: scripts. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `vite web` beside a running daemon: it answers to its own name and page only.
  server: {
    proxy: {
      '^/(api|login|docs|openapi)': {
        target: daemon,
        changeOrigin: true,
        headers: { origin: daemon },
      },
    },
  },
});
