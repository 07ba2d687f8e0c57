import { describe, expect, it } from 'vitest';
import { succeed, testFolder } from './support.ts';
import { onSoftware, webgpuCheck } from './webgpu-support.ts';

const folder = testFolder();
const check = await webgpuCheck();

describe('ddcl --backend webgpu', () => {
  it.runIf(check.runs)('fits the demo as the CPU backend does, on a device as users have it', async () => {
    type Measures = { backend: string; loss: Record<'lq' | 'hard', number>; labels: { acc: number } };
    const demo = ['demo', '--objects', '400', '--json'];
    const own = [...demo, '--backend', 'webgpu', '--out', folder.at('webgpu')];
    const found = JSON.parse(await onSoftware(own)) as Measures;
    const cpu = JSON.parse(await succeed([...demo, '--out', folder.at('cpu')])) as Measures;
    expect(found.backend).toMatch(/^webgpu \(.+\)$/);
    expect(found.labels.acc).toBe(1);
    for (const name of ['lq', 'hard'] as const) {
      // Final losses of the same seed in float32, whose sums are in another order.
      expect(Math.abs(found.loss[name] / cpu.loss[name] - 1)).toBeLessThan(1e-3);
    }
  });
});
