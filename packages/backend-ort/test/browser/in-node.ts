import * as ort from 'onnxruntime-node';
import type { TestProject } from 'vitest/node';
import {
  runSentences,
  sentenceModel,
  sentenceOutputs,
  sentences,
  type SentenceOutput,
} from '../export/sentence-model.ts';

/** A file and what onnxruntime-node makes of it. */
interface SentenceFile {
  readonly what: SentenceOutput;
  /** In base64. */
  readonly file: string;
  readonly data: number[];
}

declare module 'vitest' {
  export interface ProvidedContext {
    sentenceFiles: readonly SentenceFile[];
  }
}

/** Runs in Node what the browser runs: the same files. */
export async function setup(project: TestProject): Promise<void> {
  const files: SentenceFile[] = [];
  for (const what of sentenceOutputs) {
    const file = sentenceModel(what);
    const { data } = await runSentences(ort, file, sentences);
    files.push({ what, file: Buffer.from(file).toString('base64'), data });
  }
  project.provide('sentenceFiles', files);
}
