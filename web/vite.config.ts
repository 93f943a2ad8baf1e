import { defineConfig } from 'vite';

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
  server: {
    proxy: {
      '^/(api|login|docs|openapi)': { target: 'http://127.0.0.1:7171', changeOrigin: false },
    },
  },
});
