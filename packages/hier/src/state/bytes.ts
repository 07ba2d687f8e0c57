import { DdclError } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import { createHash } from '../hash/hash.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import type { HierarchyModel } from '../model/hierarchy-model.ts';
import { resolveSpec, type ResolvedLevel } from '../spec/resolve.ts';
import type { HierarchySpec } from '../spec/spec.ts';

/** Version of the file of a hierarchy. A reader refuses others. */
export const hierarchyFormatVersion = 2;

const format = 'ddcl.hierarchy';
const scalars = ['temperature', 'criticalTemperature', 'scale', 'totalVariance'] as const;

/**
 * A hierarchy as a safetensors file: of each level `levels.0.prototypes` [K, m] (F32 or F64), `levels.0.offset` [m], `levels.0.masses` [K] and
 * `levels.0.scalars` (T, T_c, scale, variance), F64, and where it is projected `levels.0.mean` F64 and `levels.0.axes` F32; in the metadata `format`,
 * `formatVersion`, the spec as JSON and a checksum of all. Equal models give equal bytes.
 */
export function hierarchyToBytes({ spec, levels, documents, spareGain }: HierarchyModel): Uint8Array<ArrayBuffer> {
  const tensors = levels.flatMap(({ model, projection, masses }, index): [string, SafetensorsTensor][] => {
    const { count, dimension, dtype, prototypes } = model;
    const own: [string, SafetensorsTensor][] = [
      [
        'prototypes',
        dtype === 'float32'
          ? { dtype: 'F32', shape: [count, dimension], data: Float32Array.from(prototypes) }
          : { dtype: 'F64', shape: [count, dimension], data: prototypes },
      ],
      ['offset', { dtype: 'F64', shape: [dimension], data: model.offset }],
      ['masses', { dtype: 'F64', shape: [count], data: masses }],
      ['scalars', { dtype: 'F64', shape: [4], data: Float64Array.from(scalars, (name) => model[name]) }],
    ];
    if (projection !== undefined) {
      const { mean, axes } = projection;
      own.push(['mean', { dtype: 'F64', shape: [mean.length], data: mean }]);
      own.push(['axes', { dtype: 'F32', shape: [axes.length / mean.length, mean.length], data: axes }]);
    }
    return own.map(([name, tensor]) => [`levels.${index}.${name}`, tensor]);
  });
  const metadata = { spec: JSON.stringify(spec), documents: String(documents), spareGain: String(spareGain) };
  return writeSafetensors(new Map(tensors), {
    format,
    formatVersion: String(hierarchyFormatVersion),
    ...metadata,
    checksum: checksum(new Map(tensors), metadata),
  });
}

function checksum(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  { spec, documents, spareGain }: Readonly<Record<'spec' | 'documents' | 'spareGain', string>>,
): string {
  const hash = createHash();
  for (const text of [spec, documents, spareGain]) hash.add(text);
  for (const name of [...tensors.keys()].sort()) {
    hash.add(name);
    hash.add(tensors.get(name)!.data as Float32Array | Float64Array);
  }
  return hash.digest();
}

/** @throws DdclError `format` for bytes that are no hierarchy of this version, or damaged ones, naming what is wrong */
export function hierarchyFromBytes(bytes: Uint8Array | ArrayBuffer): HierarchyModel {
  const { tensors: views, metadata } = readSafetensors(bytes);
  if (metadata['format'] !== format) throw malformed(`its metadata has no "format": "${format}"`);
  if (metadata['formatVersion'] !== String(hierarchyFormatVersion))
    throw malformed(`its formatVersion is ${metadata['formatVersion']}`);
  // The views may lie anywhere in the file.
  const tensors = new Map([...views].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]));
  const { spec = '', documents = '', spareGain = '' } = metadata;
  if (metadata['checksum'] !== checksum(tensors as Map<string, SafetensorsTensor>, { spec, documents, spareGain }))
    throw malformed('its checksum does not fit what it holds, so it is damaged');
  const parsed = parseSpec(spec);
  const levels = resolveSpec(parsed).map((level, index) => readLevel(tensors as Tensors, level, index));
  const [seen, gain] = [documents, spareGain].map((text) => (text.trim() === '' ? NaN : Number(text) + 0)) as [
    number,
    number,
  ];
  if (!Number.isSafeInteger(seen) || seen < 0 || !(gain >= 0 && gain < Infinity))
    throw malformed(`its documents are ${documents}, its spareGain is ${spareGain}`);
  return { spec: parsed, levels, documents: seen, spareGain: gain };
}

type Tensors = ReadonlyMap<string, SafetensorsTensor>;

function parseSpec(text: string): HierarchySpec {
  try {
    return JSON.parse(text) as HierarchySpec;
  } catch (cause) {
    throw malformed('its spec is no JSON', cause);
  }
}

function readLevel(tensors: Tensors, { prototypes: count, width, up }: ResolvedLevel, index: number): FittedLevel {
  const read = (name: string, shape: readonly number[]): Float32Array | Float64Array => {
    const found = tensors.get(`levels.${index}.${name}`);
    const isRight =
      (found?.data instanceof Float32Array || found?.data instanceof Float64Array) &&
      found.shape.join() === shape.join();
    if (isRight && found.data.every(Number.isFinite as (value: unknown) => boolean))
      return found.data as Float32Array | Float64Array;
    if (isRight) throw malformed(`a number of levels.${index}.${name} is not finite`);
    const came = found === undefined ? 'missing' : `${found.dtype} [${found.shape.join(', ')}]`;
    throw malformed(`levels.${index}.${name} should have the shape [${shape.join(', ')}], but is ${came}`);
  };
  const prototypes = read('prototypes', [count, width]);
  const [temperature, criticalTemperature, scale, totalVariance] = read('scalars', [4]) as unknown as [
    number,
    number,
    number,
    number,
  ];
  if (!(temperature > 0) || !(scale > 0) || criticalTemperature < 0 || totalVariance < 0)
    throw malformed(`a temperature, scale or variance of level ${index} is not positive`);
  const model: DdclModel = {
    count,
    dimension: width,
    dtype: prototypes instanceof Float32Array ? 'float32' : 'float64',
    prototypes: Float64Array.from(prototypes),
    temperature,
    criticalTemperature,
    offset: Float64Array.from(read('offset', [width])),
    scale,
    totalVariance,
  };
  const masses = Float64Array.from(read('masses', [count]));
  if (masses.some((mass) => mass < 0)) throw malformed(`a mass of level ${index} is negative`);
  if (up?.project === undefined) return { model, masses };
  const mean = Float64Array.from(read('mean', [up.numbers]));
  return { model, masses, projection: { mean, axes: Float32Array.from(read('axes', [up.project, up.numbers])) } };
}

function malformed(detail: string, cause?: unknown): DdclError {
  return new DdclError(
    'format',
    `This is not a hierarchy of format version ${hierarchyFormatVersion}: ${detail}. Give bytes that hierarchyToBytes wrote.`,
    { cause },
  );
}
