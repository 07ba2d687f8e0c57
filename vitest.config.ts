import { defineConfig } from 'vitest/config';

const source = { conditions: ['@ddcl/source', 'module', 'node', 'development|production'] };

function project(name: string, root: string) {
  return {
    resolve: source,
    ssr: { resolve: source },
    test: { name, root, include: ['test/**/*.test.ts'], environment: 'node' as const },
  };
}

export default defineConfig({
  test: {
    projects: [
      project('core', 'packages/core'),
      project('backend-cpu', 'packages/backend-cpu'),
      project('cli', 'apps/cli'),
      project('experiments', 'apps/experiments'),
      project('bench', 'apps/bench'),
    ],
  },
});
