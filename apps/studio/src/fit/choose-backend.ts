import { cpuBackend } from '@ddcl/backend-cpu';
import { webgpuBackend } from '@ddcl/backend-webgpu';
import type { Backend } from '@ddcl/core/backend';

export type BackendName = 'webgpu' | 'cpu';

/** A backend that runs in this page. */
export interface PageBackend {
  readonly backend: Backend;
  /** One line for people: what it is, and why not the one that was asked for. */
  readonly description: string;
}

/** WebGPU where it was asked for and starts; else the processor, and the reason why. */
export async function chooseBackend(name: BackendName): Promise<PageBackend> {
  if (name === 'cpu') return { backend: cpuBackend(), description: 'On the processor, one thread (WebAssembly).' };
  try {
    const backend = await webgpuBackend({});
    return { backend, description: `On ${backend.name}.` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      backend: cpuBackend(),
      description: `On the processor, one thread (WebAssembly), since WebGPU does not start here: ${reason}`,
    };
  }
}
