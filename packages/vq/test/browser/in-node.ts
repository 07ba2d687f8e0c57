import type { TestProject } from 'vitest/node';
import { trainSmall, type Trained } from '../autoencoder/trained.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What the training gave in Node. */
    nodeTraining: Trained;
  }
}

/** Trains in Node what the browser trains. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('nodeTraining', await trainSmall());
}
