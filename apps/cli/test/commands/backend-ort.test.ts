import { readSafetensors } from '@ddcl/core/safetensors';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../../src/data/npy-reader.ts';
import { clusters, npy, succeed, testFolder } from './support.ts';

const folder = testFolder();

interface Measures {
  readonly backend: string;
  readonly loss: Record<'lq' | 'lols' | 'v' | 'hard', number>;
}

const fits: Record<string, Measures> = {};
beforeAll(async () => {
  folder.write('tokens.npy', npy([3000, 6], 'float32', clusters(3000, 6, 5).flat));
  for (const backend of ['cpu', 'ort']) {
    const args = ['fit', folder.at('tokens.npy'), '--prototypes', '5', '--epochs', '200', '--seed', '3', '--json'];
    fits[backend] = JSON.parse(await succeed([...args, '--backend', backend, '--out', folder.at(backend)])) as Measures;
  }
});

describe('ddcl --backend ort', () => {
  it('fits what the CPU backend fits', () => {
    expect(fits['ort']!.backend).toBe('ort cpu');
    for (const name of ['lq', 'lols', 'v', 'hard'] as const) {
      const [ort, cpu] = [fits['ort']!.loss[name], fits['cpu']!.loss[name]];
      // The bound for the final losses of the same seed, on the scale of the loss: V of a cold fit is a small part of it.
      expect(Math.abs(ort - cpu)).toBeLessThan(1e-4 * fits['cpu']!.loss.lq);
    }
    const prototypes = ['cpu', 'ort'].map(
      (name) =>
        readSafetensors(folder.read(`${name}/model.safetensors`)).tensors.get('prototypes')!.data as Float32Array,
    );
    prototypes[0]!.forEach((value, index) => expect(prototypes[1]![index]).toBeCloseTo(value, 2));
  });

  it('measures and encodes', async () => {
    const measure = async (backend: string): Promise<Measures> =>
      JSON.parse(
        await succeed([
          'measure',
          folder.at('tokens.npy'),
          '--prototypes',
          folder.at('cpu'),
          '--backend',
          backend,
          '--json',
        ]),
      ) as Measures;
    const [cpu, ort] = [await measure('cpu'), await measure('ort')];
    expect(Math.abs(ort.loss.lq - cpu.loss.lq)).toBeLessThan(1e-5 * cpu.loss.lq);
    for (const what of ['outputs', 'pooled', 'summaries']) {
      for (const backend of ['cpu', 'ort']) {
        const out = folder.at(`${backend}-${what}.npy`);
        await succeed([
          'encode',
          folder.at('cpu'),
          folder.at('tokens.npy'),
          '--outputs',
          what,
          '--backend',
          backend,
          '--out',
          out,
        ]);
      }
      const [one, other] = [await readNpy(folder.at(`cpu-${what}.npy`)), await readNpy(folder.at(`ort-${what}.npy`))];
      expect(other.shape).toEqual(one.shape);
      // float32 at distances of order 10 over T of order 0.1.
      one.data.forEach((value, index) =>
        expect(Math.abs(Number(other.data[index]) - Number(value))).toBeLessThan(2e-4),
      );
    }
  });
});
