import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { clusters, npy, succeed, testFolder } from './support.ts';

const data = process.env['DDCL_DATA'] ?? join(import.meta.dirname, '../../../../../shared/data');
const folder = testFolder();

describe('the space catalogue', () => {
  it('is fitted by ONNX Runtime as by the CPU backend', async () => {
    const fit = async (backend: string): Promise<{ loss: Record<'lq' | 'lols' | 'v' | 'hard', number> }> =>
      JSON.parse(
        await succeed([
          'fit',
          join(data, 'space_objects/objects_2019-03-21.csv.gz'),
          '--columns',
          'semi_major_axis_km,eccentricity,inclination_deg,perigee_km,apogee_km',
          '--standardize',
          '--prototypes',
          '4',
          '--backend',
          backend,
          '--out',
          folder.at(backend),
          '--json',
        ]),
      ) as never;
    const [cpu, other] = [await fit('cpu'), await fit('ort')];
    // Acceptance 3 of the ONNX Runtime backend: final losses of the same seed to 1e-4 relative.
    for (const name of ['lq', 'lols', 'v', 'hard'] as const) {
      expect(Math.abs(other.loss[name] / cpu.loss[name] - 1), name).toBeLessThan(1e-4);
    }
  });
});

describe('MiniLM with a readout', () => {
  it('is one file from token ids to pooled vectors', async () => {
    const encoder = join(data, 'all-MiniLM-L6-v2/model.onnx');
    expect(existsSync(encoder)).toBe(true);
    folder.write(
      'tokens.npy',
      npy(
        [400, 384],
        'float32',
        clusters(400, 384, 4).flat.map((value) => value / 20),
      ),
    );
    await succeed([
      'fit',
      folder.at('tokens.npy'),
      '--prototypes',
      '4',
      '--epochs',
      '50',
      '--out',
      folder.at('readout'),
    ]);
    for (const what of ['outputs', 'pooled']) {
      const args = ['--outputs', what, '--append-to', encoder, '--onnx', folder.at(`${what}.onnx`)];
      await succeed(['export', folder.at('readout'), ...args]);
    }
    const whole = async (what: string): Promise<ort.Tensor> => {
      // From bytes: the weights are inside, there is no folder to find them in.
      const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(folder.at(`${what}.onnx`))));
      const ids = [101, 2023, 2003, 2307, 102, 0, 101, 2919, 3185, 102, 0, 0];
      const int64 = (values: readonly number[]): ort.Tensor =>
        new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [2, 6]);
      const results = await session.run({
        input_ids: int64(ids),
        attention_mask: int64(ids.map((id) => Number(id > 0))),
        token_type_ids: int64(ids.map(() => 0)),
      });
      return results[what]!;
    };
    const [outputs, pooled] = [await whole('outputs'), await whole('pooled')];
    expect([outputs.dims, pooled.dims]).toEqual([
      [2, 6, 384],
      [2, 384],
    ]);
    // The pooled vector is the mean of the outputs of the tokens that are no padding.
    for (const [row, count] of [5, 4].entries()) {
      for (let axis = 0; axis < 384; axis++) {
        let mean = 0;
        for (let token = 0; token < count; token++)
          mean += Number(outputs.data[(row * 6 + token) * 384 + axis]) / count;
        expect(Number(pooled.data[row * 384 + axis])).toBeCloseTo(mean, 4);
      }
    }
  });
});
