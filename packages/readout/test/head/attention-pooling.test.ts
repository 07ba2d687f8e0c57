import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom, isDdclError } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { trainAttentionPooling } from '../../src/head/attention-pooling.ts';
import { classify } from '../../src/head/classify.ts';
import { counting, readerOf } from './documents.ts';

const dimension = 6;

/** One token of a document points along the first axis and tells the class by its second; all others tell nothing, and their mean hides it. */
function needleTask(count: number, seed: number): { documents: number[][][]; labels: string[] } {
  const random = createRandom(seed);
  const labels: string[] = [];
  const documents = Array.from({ length: count }, () => {
    const isUp = random.integer(2) === 1;
    labels.push(isUp ? 'up' : 'down');
    const tokens = Array.from({ length: 8 + random.integer(10) }, () => {
      const token = Array.from({ length: dimension }, () => random.normal());
      token[0] = 0.2 * token[0]! - 1;
      token[1]! *= 2;
      return token;
    });
    const needle = tokens[random.integer(tokens.length)]!;
    needle[0] = 4;
    needle[1] = isUp ? 2 : -2;
    return tokens;
  });
  return { documents, labels };
}

const task = needleTask(200, 1);
const held = needleTask(100, 2);
const reader = readerOf(task.documents, dimension);
const options = { epochs: 15, batch: 16, learningRate: 0.05, attentionRate: 0.05 };

const softmaxOf = (scores: readonly number[]): number[] => {
  const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
  return scores.map((score) => Math.exp(score) / total);
};

describe('trainAttentionPooling', () => {
  it.each([
    { heads: 1, hidden: 0 },
    { heads: 2, hidden: 4 },
  ])('finds the token that tells the class: %o', async (shape) => {
    const { backend, names } = counting(cpuBackend());
    const trained = await trainAttentionPooling(backend, reader, task.labels, { ...options, ...shape });
    const { classes } = await classify(backend, trained, readerOf(held.documents, dimension));
    const right = classes.filter((name, index) => name === held.labels[index]).length;
    expect(right).toBeGreaterThan(95);
    expect(trained.history).toHaveLength(15);
    expect(names.length).toBeLessThanOrEqual(3 * 4);
  });

  it('gives logits that follow from its plain data', async () => {
    const trained = await trainAttentionPooling(cpuBackend(), reader, task.labels, {
      ...options,
      epochs: 2,
      heads: 2,
      hidden: 3,
    });
    const { pooling, head } = trained;
    const { offset, scale } = pooling.frame;
    const few = held.documents.slice(0, 5);
    const { logits } = await classify(cpuBackend(), trained, readerOf(few, dimension));
    few.forEach((tokens, s) => {
      const keys = tokens.map((z) =>
        Array.from({ length: 3 }, (_, d) => {
          const inner = z.reduce(
            (sum, x, i) => sum + ((x - offset[i]!) / scale) * pooling.projection[d * dimension + i]!,
            0,
          );
          return Math.tanh(inner / Math.sqrt(dimension) + pooling.hiddenBias[d]!);
        }),
      );
      const pooled = [0, 1].flatMap((h) => {
        const shares = softmaxOf(
          keys.map((key) => key.reduce((sum, x, d) => sum + x * pooling.queries[h * 3 + d]!, 0) / Math.sqrt(3)),
        );
        return Array.from({ length: dimension }, (_, i) => tokens.reduce((sum, z, n) => sum + shares[n]! * z[i]!, 0));
      });
      head.classes.forEach((_, c) => {
        const logit = pooled.reduce((sum, x, at) => sum + x * head.weights[c * pooled.length + at]!, head.bias[c]!);
        expect(logits[s * 2 + c]).toBeCloseTo(logit, 4);
      });
    });
  });

  it('is repeatable for a seed', async () => {
    const train = (seed: number): ReturnType<typeof trainAttentionPooling> =>
      trainAttentionPooling(cpuBackend(), reader, task.labels, { ...options, epochs: 2, seed });
    const [first, second, other] = await Promise.all([train(1), train(1), train(2)]);
    expect(second).toEqual(first);
    expect(other.pooling.queries).not.toEqual(first.pooling.queries);
  });

  it.each([
    ['no heads', { heads: 0 }, 'argument'],
    ['half a hidden unit', { hidden: 0.5 }, 'argument'],
    ['a rate of 0', { attentionRate: 0 }, 'argument'],
  ] as const)('refuses %s', async (_, wrong, code) => {
    await expect(trainAttentionPooling(cpuBackend(), reader, task.labels, wrong)).rejects.toSatisfy((error) =>
      isDdclError(error, code),
    );
  });

  it('refuses tokens that are not finite', async () => {
    const wrong = readerOf([[[1, 2, 3, 4, 5, Infinity]], ...task.documents.slice(1)], dimension);
    await expect(trainAttentionPooling(cpuBackend(), wrong, task.labels)).rejects.toSatisfy((error) =>
      isDdclError(error, 'data'),
    );
  });
});
