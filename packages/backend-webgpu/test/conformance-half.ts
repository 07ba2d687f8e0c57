import { describeBackend } from '@ddcl/backend-conformance';
import { it } from 'vitest';
import type { Backend } from '@ddcl/core/backend';
import { hasAdapter, makeBackend, makeRememberingDevice } from './support.ts';

const devices = new WeakMap<Backend, GPUDevice>();

let shared: { readonly device: GPUDevice; lost: boolean } | undefined;

/** On one device for all, until a test takes it away. */
async function losable(): Promise<Backend> {
  if (shared === undefined || shared.lost) {
    const made = { device: await makeRememberingDevice(), lost: false };
    void made.device.lost.then(() => (made.lost = true));
    shared = made;
  }
  const { device } = shared;
  const backend = await makeBackend({ device });
  devices.set(backend, device);
  return backend;
}

/**
 * Every second case of the suite. SwiftShader takes minutes for all of them, nearly all for compiling kernels: `npm test` asks one half, `npm run test:all`
 * the other; cases of an op follow each other, so each half has all ops.
 */
export function describeHalf(half: 0 | 1): void {
  if (!hasAdapter) {
    it.skip('needs an adapter', () => {});
    return;
  }
  let seen = 0;
  describeBackend('webgpu', losable, {
    loseDevice: (backend) => devices.get(backend)!.destroy(),
    deviations: [],
    // Of SwiftShader; the table tells what backends do on the devices that people have.
    report: false,
    only: () => seen++ % 2 === half,
  });
}
