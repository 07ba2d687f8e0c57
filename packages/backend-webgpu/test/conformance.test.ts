import { describeBackend } from '@ddcl/backend-conformance';
import { it } from 'vitest';
import type { Backend } from '@ddcl/core/backend';
import { hasAdapter, makeBackend, makeDevice } from './support.ts';

const devices = new WeakMap<Backend, GPUDevice>();

/** On devices that the test can take away. */
async function losable(): Promise<Backend> {
  const device = await makeDevice();
  const backend = await makeBackend({ device });
  devices.set(backend, device);
  return backend;
}

if (hasAdapter)
  describeBackend('webgpu', losable, {
    loseDevice: (backend) => devices.get(backend)!.destroy(),
    deviations: [],
    // Of SwiftShader; the table tells what backends do on the devices that people have.
    report: false,
  });
else it.skip('needs an adapter', () => {});
