import type { TestProject } from 'vitest/node';
import { fitPlanted, type PlantedFit } from './planted.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    nodeFits: { readonly float32: PlantedFit; readonly float64: PlantedFit };
  }
}

/** Fits in Node what the browser fits. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('nodeFits', { float32: await fitPlanted('float32'), float64: await fitPlanted('float64') });
}
