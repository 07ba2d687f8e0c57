import { describe, expect, it } from 'vitest';
import { modelFromBytes, modelState, modelToBytes, type DdclModel } from '../../src/model/model.ts';
import { readSafetensors } from '../../src/safetensors/read-safetensors.ts';
import type { SafetensorsTensor } from '../../src/safetensors/tensor.ts';
import { writeSafetensors } from '../../src/safetensors/write-safetensors.ts';
import { errorOf } from '../support/run.ts';

/** Numbers that need all their digits. */
const model: DdclModel = {
  count: 2,
  dimension: 3,
  dtype: 'float32',
  prototypes: Float64Array.from(Float32Array.of(0.1, -2.7, 1e-20, 3e30, 0, 1 / 3)),
  temperature: 0.1 + 0.2,
  criticalTemperature: 123.456_789_012_345_67,
  offset: Float64Array.of(1 / 3, -1e-300, 7),
  scale: Math.PI,
  totalVariance: 1e-12 / 3,
};

describe('a model as bytes', () => {
  it.each(['float32', 'float64'] as const)('reads back exactly: %s', (dtype) => {
    const own = {
      ...model,
      dtype,
      prototypes: dtype === 'float64' ? model.prototypes.map((x) => x / 3) : model.prototypes,
    };
    expect(modelFromBytes(modelToBytes(own))).toEqual(own);
    expect(modelToBytes(modelFromBytes(modelToBytes(own)))).toEqual(modelToBytes(own));
  });

  it('is a safetensors file with the documented names', () => {
    const { tensors, metadata } = readSafetensors(modelToBytes(model));
    expect([...tensors.keys()].sort()).toEqual(['offset', 'prototypes']);
    expect(tensors.get('prototypes')).toMatchObject({ dtype: 'F32', shape: [2, 3] });
    expect(tensors.get('offset')).toMatchObject({ dtype: 'F64', shape: [3] });
    expect(metadata).toEqual({
      format: 'ddcl.model',
      formatVersion: '1',
      temperature: '0.30000000000000004',
      criticalTemperature: String(model.criticalTemperature),
      scale: String(Math.PI),
      totalVariance: String(model.totalVariance),
    });
  });

  it.each([
    { standardize: { mean: [1 / 3, -7, 1e-300], deviation: [0.1, 2e30, 1] }, normalize: false },
    { standardize: { mean: [1 / 3, -7, 1e-300], deviation: [0.1, 2e30, 1] }, normalize: true },
    { standardize: null, normalize: true },
  ])('keeps what was done to the tokens: %j', (preprocessing) => {
    const own = { ...model, preprocessing };
    const bytes = modelToBytes(own);
    expect(readSafetensors(bytes).metadata).toMatchObject({
      formatVersion: '2',
      normalize: String(preprocessing.normalize),
    });
    expect(modelFromBytes(bytes)).toEqual(own);
    expect(modelToBytes({ ...model, preprocessing: { standardize: null, normalize: false } })).toEqual(
      modelToBytes(model),
    );
    const done = { true: 'normalized', false: 'standardized' };
    const what =
      preprocessing.standardize && preprocessing.normalize
        ? 'standardized and normalized'
        : done[`${preprocessing.normalize}`];
    expect(errorOf(() => modelState(own))).toMatchObject({
      code: 'unsupported',
      message: `The model was fitted on ${what} tokens, which only Readout and readoutProgram make by themselves. Apply preprocessTokens(tokens, m, model.preprocessing), and give the model as { ...model, preprocessing: undefined }.`,
    });
  });

  it('refuses preprocessing that is not whole', () => {
    const { tensors, metadata } = readSafetensors(
      modelToBytes({
        ...model,
        preprocessing: { standardize: { mean: [1, 2, 3], deviation: [1, 1, 1] }, normalize: true },
      }),
    );
    const broken: [string, Map<string, SafetensorsTensor>, Record<string, string>][] = [
      ['no deviation', new Map([...tensors].filter(([name]) => name !== 'deviation')), { ...metadata }],
      [
        'a deviation of 0',
        new Map([...tensors, ['deviation', { dtype: 'F64', shape: [3], data: Float64Array.of(1, 0, 1) }]]),
        { ...metadata },
      ],
      [
        'another width',
        new Map([...tensors, ['mean', { dtype: 'F64', shape: [2], data: Float64Array.of(1, 0) }]]),
        { ...metadata },
      ],
      ['neither true nor false', tensors as Map<string, SafetensorsTensor>, { ...metadata, normalize: 'yes' }],
    ];
    for (const [name, own, notes] of broken)
      expect(
        errorOf(() => modelFromBytes(writeSafetensors(own, notes))),
        name,
      ).toMatchObject({
        code: 'format',
        message:
          'This is not a ddcl model of format version 2: its preprocessing is not whole. Give the model.safetensors that a fit wrote.',
      });
  });

  it('makes a state at its own temperature and precision, or others', () => {
    // The square of 3e30 leaves float32.
    const near = { ...model, prototypes: model.prototypes.with(3, 3) };
    expect(modelState(near)).toMatchObject({
      count: 2,
      dimension: 3,
      dtype: 'float32',
      temperature: model.temperature,
    });
    expect(modelState(near, 9, 'float64')).toMatchObject({ dtype: 'float64', temperature: 9 });
    expect(modelState(near).frame).toEqual({ offset: model.offset, scale: model.scale });
  });
});

/** The model's file with another part. */
function changed({
  tensors = {},
  metadata = {},
}: {
  tensors?: Record<string, SafetensorsTensor | undefined>;
  metadata?: Record<string, string | undefined>;
}): Uint8Array {
  const file = readSafetensors(modelToBytes(model));
  const all = new Map<string, SafetensorsTensor>(file.tensors);
  for (const [name, tensor] of Object.entries(tensors)) {
    all.delete(name);
    if (tensor !== undefined) all.set(name, tensor);
  }
  const notes = Object.entries({ ...file.metadata, ...metadata }).filter(([, value]) => value !== undefined);
  return writeSafetensors(all, Object.fromEntries(notes) as Record<string, string>);
}

const f32 = (shape: number[], ...data: number[]): SafetensorsTensor => ({
  dtype: 'F32',
  shape,
  data: Float32Array.from(data),
});
const f64 = (shape: number[], ...data: number[]): SafetensorsTensor => ({
  dtype: 'F64',
  shape,
  data: Float64Array.from(data),
});

describe('bytes that are no model are refused', () => {
  it.each([
    ['nothing', new Uint8Array(0)],
    ['noise', Uint8Array.from({ length: 40 }, (_, index) => index * 5)],
    ['the half of a file', modelToBytes(model).subarray(0, 100)],
    ['another format', changed({ metadata: { format: 'ddcl.checkpoint' } })],
    ['no format', changed({ metadata: { format: undefined } })],
    ['a later version', changed({ metadata: { formatVersion: '3' } })],
    ['no version', changed({ metadata: { formatVersion: undefined } })],
    ['no prototypes', changed({ tensors: { prototypes: undefined } })],
    ['no offset', changed({ tensors: { offset: undefined } })],
    ['prototypes that are no matrix', changed({ tensors: { prototypes: f32([6], 1, 2, 3, 4, 5, 6) } })],
    ['prototypes of another dimension than the offset', changed({ tensors: { prototypes: f32([2, 2], 1, 2, 3, 4) } })],
    ['no prototype', changed({ tensors: { prototypes: f32([0, 3]) } })],
    [
      'integer prototypes',
      changed({ tensors: { prototypes: { dtype: 'I32', shape: [1, 3], data: Int32Array.of(1, 2, 3) } } }),
    ],
    ['an offset of float32', changed({ tensors: { offset: f32([3], 1, 2, 3) } })],
    ['an offset that is no vector', changed({ tensors: { offset: f64([3, 1], 1, 2, 3) } })],
    ['a prototype that is not finite', changed({ tensors: { prototypes: f32([1, 3], 1, NaN, 3) } })],
    ['an offset that is not finite', changed({ tensors: { offset: f64([3], 1, Infinity, 3) } })],
    ['no temperature', changed({ metadata: { temperature: undefined } })],
    ['a temperature of 0', changed({ metadata: { temperature: '0' } })],
    ['a temperature below 0', changed({ metadata: { temperature: '-1' } })],
    ['a temperature that is no number', changed({ metadata: { temperature: 'warm' } })],
    ['an empty temperature', changed({ metadata: { temperature: '' } })],
    ['a scale of 0', changed({ metadata: { scale: '0' } })],
    ['no scale', changed({ metadata: { scale: undefined } })],
    ['no critical temperature', changed({ metadata: { criticalTemperature: undefined } })],
    ['an infinite variance', changed({ metadata: { totalVariance: 'Infinity' } })],
    ['an empty variance', changed({ metadata: { totalVariance: '' } })],
  ])('%s', (_, bytes) => {
    expect(errorOf(() => modelFromBytes(bytes)).code).toBe('format');
  });

  it('and the text says what is wrong and what to do', () => {
    expect(errorOf(() => modelFromBytes(changed({ metadata: { formatVersion: '3' } }))).message).toContain(
      'format version 2: its formatVersion is 3',
    );
    const { message } = errorOf(() => modelFromBytes(changed({ tensors: { offset: undefined } })));
    expect(message).toContain('it lacks the tensor prototypes or offset');
    expect(message).toContain('Give the model.safetensors that a fit wrote');
  });
});
