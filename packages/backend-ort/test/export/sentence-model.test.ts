import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { readoutProgram } from '@ddcl/core/fit';
import { programToOnnx } from '../../src/index.ts';
import {
  encoderFile,
  furthest,
  readout,
  runSentences,
  sentenceModel,
  sentenceOutputs,
  sentences,
  type SentenceOutput,
} from './sentence-model.ts';

/** The readout's own file on the encoder's token vectors, without padding. */
async function inTwoSteps(what: SentenceOutput): Promise<number[]> {
  const { dims, data } = await runSentences(ort, encoderFile, sentences);
  const [, length, width] = dims as [number, number, number];
  const kept = sentences.flatMap((ids, row) => ids.map((_, place) => row * length + place));
  const tokens = kept.flatMap((place) => data.slice(place * width, (place + 1) * width));
  const segments = kept.map((place) => Math.floor(place / length));
  const session = await ort.InferenceSession.create(programToOnnx(readoutProgram(readout, { outputs: [what] })), {
    logSeverityLevel: 4,
  });
  const { [what]: output } = await session.run({
    tokens: new ort.Tensor('float32', Float32Array.from(tokens), [kept.length, width]),
    ...(what === 'outputs' ? {} : { segments: new ort.Tensor('int64', BigInt64Array.from(segments, BigInt)) }),
  });
  await session.release();
  return [...(output!.data as Float32Array)];
}

describe('one file from token ids to the readout of a BERT', () => {
  it.each(sentenceOutputs.map((what) => [what]))('%s: as encoder and readout one after the other', async (what) => {
    const { dims, data } = await runSentences(ort, sentenceModel(what), sentences);
    const longest = Math.max(...sentences.map((ids) => ids.length));
    expect(dims.slice(0, what === 'outputs' ? 2 : 1)).toEqual(what === 'outputs' ? [3, longest] : [3]);
    const counted =
      what === 'outputs'
        ? sentences.flatMap((ids, row) => data.slice(row * longest * 32, (row * longest + ids.length) * 32))
        : data;
    expect(furthest(counted, await inTwoSteps(what))).toBeLessThan(1e-5);
  });

  it.each([['pooled'], ['occupancy'], ['residuals']] as const)('%s: as each sentence alone', async (what) => {
    const file = sentenceModel(what);
    const together = (await runSentences(ort, file, sentences)).data;
    const width = together.length / sentences.length;
    for (const [row, ids] of sentences.entries()) {
      const { data } = await runSentences(ort, file, [ids]);
      expect(furthest(data, together.slice(row * width, (row + 1) * width))).toBeLessThan(1e-5);
      const other = together.slice(((row + 1) % 3) * width, (((row + 1) % 3) + 1) * width);
      expect(furthest(data, other)).toBeGreaterThan(0.01);
    }
  });
});
