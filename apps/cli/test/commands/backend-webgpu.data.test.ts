import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { succeed, testFolder } from './support.ts';
import { onSoftware, webgpuCheck } from './webgpu-support.ts';

const data = process.env['DDCL_DATA'] ?? join(import.meta.dirname, '../../../../../shared/data');
const folder = testFolder();
const check = await webgpuCheck();

describe('the space catalogue', () => {
  it.runIf(check.runs)('is fitted on WebGPU as by the CPU backend', { timeout: 600_000 }, async () => {
    type Measures = { loss: Record<'lq' | 'lols' | 'hard', number> };
    const fit = (backend: string): string[] => [
      'fit',
      join(data, 'space_objects/objects_2019-03-21.csv.gz'),
      '--standardize',
      '--prototypes',
      '4',
      '--json',
      '--columns',
      'semi_major_axis_km,eccentricity,inclination_deg,perigee_km,apogee_km',
      '--backend',
      backend,
      '--out',
      folder.at(backend),
    ];
    const found = JSON.parse(await onSoftware(fit('webgpu'))) as Measures;
    const cpu = JSON.parse(await succeed(fit('cpu'))) as Measures;
    for (const name of ['lq', 'lols', 'hard'] as const)
      expect(Math.abs(found.loss[name] / cpu.loss[name] - 1), name).toBeLessThan(1e-3);
  });
});
