import type { Plugin } from 'vite';

/**
 * Tests reach into `src` for what a package does not export. Here those imports get the file that was built from it, so that
 * `DDCL_TEST_BUILT=1` checks what is shipped and never loads a module twice.
 */
export function builtFiles(): Plugin {
  return {
    name: 'ddcl:built-files',
    enforce: 'pre',
    async resolveId(source, importer, options) {
      if (!source.startsWith('.')) return null;
      const resolved = await this.resolve(source, importer, { ...options, skipSelf: true });
      const match = /^(.*\/(?:packages|apps)\/[^/]+)\/src\/(.*)\.ts$/.exec(resolved?.id ?? '');
      return match === null ? resolved : `${match[1]}/dist/${match[2]}.js`;
    },
  };
}
