import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import type { Plugin } from 'vite';
import type { TestProjectInlineConfiguration } from 'vitest/config';
import { explainMissing, findChromium } from '../chromium.mjs';

/** WebGPU in software, with the SwiftShader that Chromium brings: the same everywhere, and with no graphics card. */
const args = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // It takes seconds to compile what clears shared memory; the garbage that is left there finds kernels that rely on zeros.
  '--enable-dawn-features=disable_workgroup_init',
];

/** With these a page may share memory between threads, which the threads of WebAssembly need. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

const include = ['test/browser/**/*.browser.test.ts'];
const timeouts = { testTimeout: 180_000, hookTimeout: 180_000 };
let chromium: string | undefined;
let isLookedFor = false;

/**
 * The tests of `test/browser`, run in headless Chromium. If `test/browser/in-node.ts` exists, it runs in Node before them and
 * provides what they compare with.
 *
 * @param conditions export conditions of imports beside the browser's own
 * @param plugins beside those for browsers
 * @param bundled packages that are bundled before the tests, together: those made of CommonJS, and those that import them
 */
export function browserProject(
  name: string,
  root: string,
  conditions: readonly string[],
  plugins: readonly Plugin[],
  bundled: readonly string[] = [],
): TestProjectInlineConfiguration {
  if (!isLookedFor) chromium = findChromium();
  isLookedFor = true;
  if (chromium === undefined) {
    return { plugins: [withoutBrowser()], test: { name, root, include, environment: 'node', ...timeouts } };
  }
  const inNode = join(root, 'test/browser/in-node.ts');
  const last = 'development|production';
  return {
    resolve: { conditions: [...conditions, 'module', 'browser', last] },
    ssr: { resolve: { conditions: [...conditions, 'module', 'node', last] } },
    plugins: [...plugins],
    // A run on the sources and one on the built files may go on at once.
    cacheDir: join(root, 'node_modules/.vite', ...(conditions.length > 0 ? conditions : ['built'])),
    server: { headers: isolation },
    // Files are served as they are: packages found on the way would be bundled and reload the page in the middle of a test,
    // and onnxruntime-web looks for its .wasm beside its own file.
    optimizeDeps: { noDiscovery: true, include: [...bundled] },
    test: {
      name,
      root,
      include,
      ...timeouts,
      globalSetup: existsSync(inNode) ? [inNode] : [],
      browser: {
        enabled: true,
        headless: true,
        ui: false,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath: chromium, args } }),
        instances: [{ browser: 'chromium' }],
      },
    },
  };
}

let isTold = false;

/** Puts one test in the place of each file: it fails under CI, and elsewhere is skipped with a message at the end of the run. */
function withoutBrowser(): Plugin {
  const problem = `tests in the browser: ${explainMissing()}`;
  const isFailure = Boolean(process.env['CI']);
  return {
    name: 'ddcl:without-browser',
    enforce: 'pre',
    load(id) {
      if (!id.endsWith('.browser.test.ts')) return null;
      if (!isTold && !isFailure) process.on('exit', () => process.stderr.write(`ddcl: skipped ${problem}\n`));
      isTold = true;
      return isFailure
        ? `import { it } from 'vitest';\nit('needs Chromium', () => { throw new Error(${JSON.stringify(problem)}); });\n`
        : `import { it } from 'vitest';\nit.skip('needs Chromium', () => {});\n`;
    },
  };
}
