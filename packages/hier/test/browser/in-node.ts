import { cpuBackend } from '@ddcl/backend-cpu';
import type { TestProject } from 'vitest/node';
import { fitSmall } from './small.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What the fit gave in Node. */
    nodeFit: Awaited<ReturnType<typeof fitSmall>>;
  }
}

/** Fits in Node what the browser fits. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('nodeFit', await fitSmall(cpuBackend()));
}
