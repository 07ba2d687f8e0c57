import { defineConfig } from 'vite';

/** `@ddcl/source`: packages are bundled from their sources, so that a build of the page needs no build of theirs. */
export default defineConfig({
  resolve: { conditions: ['@ddcl/source', 'module', 'browser', 'production'] },
  // The path of the page does not matter, so that any folder of a server will do.
  base: './',
  build: { target: 'es2022', chunkSizeWarningLimit: 1200 },
});
