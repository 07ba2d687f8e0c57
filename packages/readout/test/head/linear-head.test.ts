import { isDdclError } from '@ddcl/core';
import { writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import { describe, expect, it } from 'vitest';
import { headToTraining, headToUnits } from '../../src/head/head-units.ts';
import { headFromBytes, headToBytes, predict, type LinearHead } from '../../src/head/linear-head.ts';

const head: LinearHead = {
  weights: Float64Array.of(1, 0, -1, 0.5, 2, 1 / 3),
  bias: Float64Array.of(0.1, -0.2),
  classes: ['yes, "quoted"', 'nein ä'],
};

describe('predict', () => {
  it('gives logits, probabilities and the class of the largest', () => {
    const { logits, probabilities, classes } = predict(head, [1, 2, 3, -1, 0, 900]);
    expect([...logits.subarray(0, 2)]).toEqual([1 - 3 + 0.1, 0.5 + 4 + 1 - 0.2]);
    expect(classes).toEqual(['nein ä', 'nein ä']);
    expect(probabilities[0]! + probabilities[1]!).toBeCloseTo(1, 15);
    expect(probabilities[0]! / probabilities[1]!).toBeCloseTo(Math.exp(logits[0]! - logits[1]!), 15);
    // Large logits do not overflow.
    expect([...probabilities.subarray(2)]).toEqual([0, 1]);
  });

  it('refuses another number of features', () => {
    expect(() => predict(head, [1, 2, 3, 4])).toThrow(/3 features/);
  });
});

describe('the file of a head', () => {
  it('reads back exactly', () => {
    expect(headFromBytes(headToBytes(head))).toEqual(head);
    expect(headToBytes(head)).toEqual(headToBytes(headFromBytes(headToBytes(head))));
  });

  const tensors = (shape: readonly number[]): Map<string, SafetensorsTensor> =>
    new Map<string, SafetensorsTensor>([
      ['weights', { dtype: 'F64', shape: [...shape], data: new Float64Array(6) }],
      ['bias', { dtype: 'F64', shape: [2], data: new Float64Array(2) }],
    ]);
  const right = { format: 'ddcl.head', formatVersion: '1', classes: '["a","b"]' };
  it.each([
    ['another format', { ...right, format: 'ddcl.model' }, [2, 3]],
    ['another version', { ...right, formatVersion: '2' }, [2, 3]],
    ['classes that are no list', { ...right, classes: '{"a":1}' }, [2, 3]],
    ['classes that are no JSON', { ...right, classes: '[' }, [2, 3]],
    ['weights of another shape', right, [3, 2]],
  ])('is refused with %s', (_, metadata, shape) => {
    let error: unknown;
    try {
      headFromBytes(writeSafetensors(tensors(shape), metadata));
    } catch (reason) {
      error = reason;
    }
    expect(isDdclError(error, 'format'), String(error)).toBe(true);
  });
});

describe('units of a head', () => {
  it('change the numbers and not the logits', () => {
    const units = { slope: Float64Array.of(2, 0.5, 10), shift: Float64Array.of(1, 0, -3) };
    const inProgram = [0.3, -0.7, 0.2];
    const seen = inProgram.map((x, at) => x * units.slope[at]! + units.shift[at]!);
    const converted = headToUnits(head, units);
    predict({ ...head, ...converted }, seen).logits.forEach((logit, at) =>
      expect(logit).toBeCloseTo(predict(head, inProgram).logits[at]!, 13),
    );
    const back = headToTraining(converted, units);
    back.weights.forEach((x, at) => expect(x).toBeCloseTo(head.weights[at]!, 14));
    back.bias.forEach((x, at) => expect(x).toBeCloseTo(head.bias[at]!, 13));
  });
});
