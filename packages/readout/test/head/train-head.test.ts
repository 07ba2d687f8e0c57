import * as ort from 'onnxruntime-node';
import { cpuBackend } from '@ddcl/backend-cpu';
import type { Backend } from '@ddcl/core/backend';
import { ortBackend } from '@ddcl/backend-ort';
import { isDdclError, type DdclErrorCode } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { classify } from '../../src/head/classify.ts';
import { predict } from '../../src/head/linear-head.ts';
import { trainHead, type TrainHeadOptions } from '../../src/head/train-head.ts';
import { Readout } from '../../src/index.ts';
import { counting, pairTask, readerOf } from './documents.ts';

const task = pairTask(160);
const held = pairTask(80, { seed: 2 });
const reader = readerOf(task.documents, 8);
const heldReader = readerOf(held.documents, 8);

const share = (got: readonly string[], wanted: readonly string[]): number =>
  got.filter((name, index) => name === wanted[index]).length / wanted.length;

const train = (
  options: Partial<TrainHeadOptions> = {},
  backend: Backend = cpuBackend(),
): ReturnType<typeof trainHead> =>
  trainHead(backend, reader, task.labels, { model: task.model, epochs: 8, batch: 16, ...options });

describe('trainHead', () => {
  it.each([
    ['occupancy', 0.95, 1],
    ['residuals', 0.95, 1],
    ['mean+residuals', 0.95, 1],
    ['mean', 0.3, 0.7],
  ] as const)('tells what occurs from %s: accuracy from %f to %f', async (outputs, least, most) => {
    const backend = cpuBackend();
    const trained = await train({ outputs, learningRate: 0.1 }, backend);
    const { classes, logits } = await classify(backend, trained, heldReader);
    expect(logits).toHaveLength(2 * 80);
    const accuracy = share(classes, held.labels);
    expect(accuracy).toBeGreaterThanOrEqual(least);
    expect(accuracy).toBeLessThanOrEqual(most);
    expect(trained.history).toHaveLength(8);
    if (least > 0.9) {
      expect(trained.history.at(-1)!.accuracy).toBeGreaterThan(0.95);
      expect(trained.history.at(-1)!.loss).toBeLessThan(trained.history[0]!.loss / 2);
    }
    expect(backend.memory().buffers).toBe(0);
  });

  it('moves prototypes by L_q and the task, or leaves them', async () => {
    const still = await train({ trainPrototypes: false, lambda: 1 });
    expect(still.model.prototypes).toEqual(task.model.prototypes);
    expect(still.history.at(-1)!.lq).toBe(0);
    const moved = await train({ lambda: 1, prototypeRate: 0.02 });
    expect(moved.model.prototypes).not.toEqual(task.model.prototypes);
    expect(moved.model.prototypes.every((value) => value === Math.fround(value))).toBe(true);
    expect(moved.history.at(-1)!.lq).toBeLessThan(0.9 * moved.history[0]!.lq);
    const { loss, crossEntropy, lq } = moved.history.at(-1)!;
    expect(loss).toBeCloseTo(crossEntropy + lq, 12);
  });

  it('gives a head for the features that Readout.encode returns', async () => {
    const backend = cpuBackend();
    const trained = await train({ outputs: ['pooled', 'occupancy', 'residuals'] }, backend);
    const { logits } = await classify(backend, trained, heldReader);
    const readout = Readout.fromModel(trained.model, { backend });
    const input = {
      data: Float32Array.from(held.documents.flat(2)),
      shape: [held.documents.flat().length, 8],
      segments: held.documents.flatMap((tokens, s) => tokens.map(() => s)),
    };
    const plain = await readout.encode(input, { outputs: ['pooled', 'occupancy'] });
    const vlad = await readout.encode(input, { outputs: ['residuals'], normalize: true });
    const row = (data: ArrayLike<number>, s: number): number[] => {
      const width = data.length / 80;
      return Array.from({ length: width }, (_, at) => data[s * width + at]!);
    };
    const features = held.documents.flatMap((_, s) => [
      ...row(plain.pooled!.data, s),
      ...row(plain.occupancy!.data, s),
      ...row(vlad.residuals!.data, s),
    ]);
    predict(trained.head, features).logits.forEach((logit, at) =>
      expect(Math.abs(logit - logits[at]!)).toBeLessThan(2e-4),
    );
    readout.dispose();
  });

  it('is repeatable for a seed, and differs for another', async () => {
    const [first, second, other] = await Promise.all([train({ seed: 4 }), train({ seed: 4 }), train({ seed: 5 })]);
    expect(second).toEqual(first);
    expect(other.head.weights).not.toEqual(first.head.weights);
  });

  it.each(['mean', 'residuals'] as const)('goes the same way on ONNX Runtime: %s', async (features) => {
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    const options = { outputs: features, epochs: 2, validationShare: 0.2 };
    const [plain, native] = [await train(options), await train(options, backend)];
    native.history.forEach(({ loss, accuracy, validation }, index) => {
      const wanted = plain.history[index]!;
      expect(Math.abs(loss - wanted.loss)).toBeLessThan(1e-4);
      expect(accuracy).toBe(wanted.accuracy);
      expect(Math.abs(validation!.crossEntropy - wanted.validation!.crossEntropy)).toBeLessThan(1e-4);
    });
    const got = await classify(backend, native, heldReader);
    const wanted = await classify(cpuBackend(), plain, heldReader);
    got.logits.forEach((logit, at) => expect(Math.abs(logit - wanted.logits[at]!)).toBeLessThan(1e-3));
    expect(backend.memory().buffers).toBe(0);
    backend.dispose();
  });

  it('compiles two programs per padded length at most', async () => {
    const { backend, names } = counting(cpuBackend());
    await train({ validationShare: 0.2, epochs: 3, paddedLengths: 3 }, backend);
    expect(names.filter((name) => name === 'train step').length).toBeGreaterThan(1);
    expect(names.filter((name) => name === 'train step').length).toBeLessThanOrEqual(3);
    expect(names.filter((name) => name === 'evaluate').length).toBeLessThanOrEqual(3);
    expect(names.every((name) => name === 'train step' || name === 'evaluate')).toBe(true);
  });

  it('keeps the best epoch and weight decay by the documents held out', async () => {
    const trained = await train({
      outputs: 'occupancy',
      validationShare: 0.25,
      weightDecay: [3, 0.01],
      patience: 2,
      epochs: 6,
    });
    const best = trained.history.reduce((a, b) => (b.validation!.crossEntropy < a.validation!.crossEntropy ? b : a));
    expect([trained.weightDecay, trained.epoch]).toEqual([best.weightDecay, best.epoch]);
    expect(new Set(trained.history.map(({ weightDecay }) => weightDecay))).toEqual(new Set([3, 0.01]));
    expect(best.weightDecay).toBe(0.01);
  });

  it('stops when validation gets no better', async () => {
    // Labels by chance: there is nothing to learn that helps on other documents.
    const labels = task.labels.map((_, index) => ((index * 7919) % 13 < 6 ? 'a' : 'b'));
    const { history, epoch } = await trainHead(cpuBackend(), reader, labels, {
      model: task.model,
      epochs: 40,
      learningRate: 0.2,
      validationShare: 0.3,
      patience: 3,
    });
    expect(history.length).toBeLessThan(40);
    expect(history).toHaveLength(epoch + 3);
  });

  it('takes weights: a token of weight 0 changes nothing, documents without tokens are allowed', async () => {
    const some = task.documents.slice(0, 40);
    const padded = some.map((tokens) => [...tokens, Array(8).fill(NaN)]);
    const weights = padded.map((tokens) => tokens.map((_, at) => (at === tokens.length - 1 ? 0 : 1)));
    const labels = [...task.labels.slice(0, 40), 'pairs'];
    // One batch: lengths decide who is in a batch with whom.
    const options = { model: { ...task.model, dtype: 'float64' as const }, epochs: 6, batch: 64 };
    const plain = await trainHead(cpuBackend(), readerOf([...some, []], 8), labels, options);
    const masked = await trainHead(cpuBackend(), readerOf([...padded, []], 8, [...weights, []]), labels, options);
    masked.head.weights.forEach((value, at) => expect(value).toBeCloseTo(plain.head.weights[at]!, 9));
    masked.model.prototypes.forEach((value, at) => expect(value).toBeCloseTo(plain.model.prototypes[at]!, 9));
  });

  const nan = readerOf([...task.documents.slice(0, 9), [[1, 2, 3, NaN, 5, 6, 7, 8]]], 8);
  const model = task.model;
  it.each<[string, DdclErrorCode, RegExp, () => Promise<unknown>]>([
    [
      'too few labels',
      'argument',
      /160 documents and 159/,
      () => trainHead(cpuBackend(), reader, task.labels.slice(1), { model }),
    ],
    [
      'one class',
      'data',
      /all 160 documents have the label 'x'/,
      () =>
        trainHead(
          cpuBackend(),
          reader,
          task.labels.map(() => 'x'),
          { model },
        ),
    ],
    ['NaN', 'data', /document 9 /, () => trainHead(cpuBackend(), nan, task.labels.slice(0, 10), { model })],
    [
      'another dimension',
      'shape',
      /dimension 7, but the model 8/,
      () =>
        trainHead(cpuBackend(), readerOf([[[1, 2, 3, 4, 5, 6, 7]], [[1, 2, 3, 4, 5, 6, 7]]], 7), ['a', 'b'], { model }),
    ],
    ['an unknown output', 'argument', /mean\+what/, () => train({ outputs: 'mean+what' as never })],
    ['a rate of 0', 'argument', /prototypeRate/, () => train({ prototypeRate: 0 })],
    ['lambda < 0', 'argument', /lambda/, () => train({ lambda: -1 })],
    ['no epochs', 'argument', /epochs/, () => train({ epochs: 0 })],
    ['decays without validation', 'argument', /validationShare/, () => train({ weightDecay: [0, 1] })],
    ['an abort', 'aborted', /aborted/, () => train({ signal: AbortSignal.abort() })],
    [
      'classify of another dimension',
      'shape',
      /dimension 2/,
      async () => {
        const trained = await train({ epochs: 1 });
        return classify(cpuBackend(), trained, readerOf([[[1, 2]]], 2));
      },
    ],
  ])('refuses %s', async (_, code, message, attempt) => {
    const error: unknown = await attempt().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(isDdclError(error, code), String(error)).toBe(true);
    expect((error as Error).message).toMatch(message);
  });
});
