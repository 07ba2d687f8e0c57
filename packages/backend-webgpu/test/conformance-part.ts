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

/** Parts of the suite; `npm test` asks the first. */
export const parts = 4;

/**
 * Every fourth case of the suite, from the given one. SwiftShader takes minutes for all of them, nearly all for compiling kernels: `npm test` asks one part,
 * `npm run test:all` the others; cases of an op follow each other, so each part has all ops.
 */
export function describePart(part: number): void {
  if (!hasAdapter) {
    it.skip('needs an adapter', () => {});
    return;
  }
  let seen = 0;
  describeBackend(`webgpu, part ${part + 1} of ${parts}`, losable, {
    loseDevice: (backend) => devices.get(backend)!.destroy(),
    deviations: [],
    // Of SwiftShader; the table tells what backends do on the devices that people have.
    report: false,
    only: () => seen++ % parts === part,
  });
}
