import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { browserProject } from './tooling/vitest/browser-project.ts';
import ConformanceReporter from './packages/backend-conformance/src/report/reporter.ts';
import { builtFiles } from './tooling/vitest/built-files.ts';
import ProjectOrder from './tooling/vitest/project-order.ts';
import SummaryReporter from './tooling/vitest/summary-reporter.ts';

/** With DDCL_TEST_BUILT=1 tests run against dist, as users get it; otherwise against src, without a build. */
const built = process.env['DDCL_TEST_BUILT'] === '1';
const conditions = built ? [] : ['@ddcl/source'];
const source = { conditions: [...conditions, 'module', 'node', 'development|production'] };
const plugins = built ? [builtFiles()] : [];

/**
 * `npm run check:data` runs the tests that need data sets, and only those; `npm run test:all` those that `npm test` leaves out as slow;
 * `npm run check:kit` plants faults.
 */
const kinds = ['data', 'thorough', 'kit'] as const;
const only = kinds.find((kind) => process.env[`DDCL_${kind.toUpperCase()}_TESTS`] === '1');
const include = [only === undefined ? 'test/**/*.test.ts' : `test/**/*.${only}.test.ts`];
const exclude = [
  'test/browser/**',
  ...kinds.filter((kind) => kind !== only).map((kind) => `test/**/*.${kind}.test.ts`),
];

/**
 * Their files share a worker's modules, which saves a third of the time (docs/decisions/0052-test-time.md): they hold no state but caches, and what a file leaves
 * its setup file ends. What starts devices and runtimes, or counts what those hold, has its modules to itself.
 */
const shared = new Set(['core', 'readout', 'vq', 'hier', 'backend-conformance', 'bench', 'cli', 'experiments']);

function project(name: string, root: string) {
  return {
    resolve: source,
    ssr: { resolve: source },
    plugins,
    test: {
      name,
      root,
      include,
      exclude,
      environment: 'node' as const,
      isolate: !shared.has(name),
      setupFiles: [join(root, 'test/setup-file.ts')].filter((file) => existsSync(file)),
      testTimeout: 180_000,
      hookTimeout: 180_000,
    },
  };
}

/** In the order in which they run: those with the longest files first, so that no worker is left alone with one at the end. */
const folders = {
  tooling: 'tooling',
  'backend-ort': 'packages/backend-ort',
  'backend-webgpu': 'packages/backend-webgpu',
  cli: 'apps/cli',
  'backend-tfjs': 'packages/backend-tfjs',
  studio: 'apps/studio',
  'backend-cpu': 'packages/backend-cpu',
  readout: 'packages/readout',
  vq: 'packages/vq',
  hier: 'packages/hier',
  'backend-conformance': 'packages/backend-conformance',
  experiments: 'apps/experiments',
  fuzz: 'apps/fuzz',
  bench: 'apps/bench',
  core: 'packages/core',
};

/** What pages of a project need bundled: tfjs imports CommonJS, and its parts have to share one copy of its core. */
const bundled: Readonly<Record<string, readonly string[]>> = {
  'backend-tfjs': ['core', 'layers', 'backend-cpu', 'backend-webgl'].map((part) => `@tensorflow/tfjs-${part}`),
};

export default defineConfig({
  test: {
    // vitest's own default leaves a core to itself, which on two cores is half of them; it needs little (docs/decisions/0052-test-time.md).
    maxWorkers: availableParallelism(),
    sequence: { sequencer: ProjectOrder },
    reporters: [
      'default',
      new SummaryReporter(),
      // What the support table of docs/backends/README.md is made of.
      new ConformanceReporter({ folder: fileURLToPath(new URL('conformance', import.meta.url)) }),
    ],
    projects: Object.entries(folders)
      // Not relative to the working directory: a package's own test script runs in its folder.
      .map(([name, folder]) => [name, fileURLToPath(new URL(folder, import.meta.url))] as const)
      .filter(([, root]) => existsSync(join(root, 'test')))
      .flatMap(([name, root]) => [
        project(name, root),
        ...(only === undefined && existsSync(join(root, 'test/browser'))
          ? [browserProject(`${name}-browser`, root, conditions, plugins, bundled[name])]
          : []),
      ]),
  },
});
